//! `facekit.live.v1`: the WebSocket of pages that follow the day. It sends events by number, and the newest pictures of cameras.
//!
//! Messages of the server are JSON with events, and binary tiles. A tile is the length of a JSON header (four bytes, big
//! endian), the header, and the image of the newest frame. Each camera has at most five tiles a second, and a slow page gets
//! fewer. Messages of the page are ignored.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use axum::{
    extract::{
        Query, State, WebSocketUpgrade,
        rejection::QueryRejection,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    http::HeaderMap,
    response::Response,
};
use facekit::{Outcome, Recognition};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::{sync::broadcast::error::RecvError, time::MissedTickBehavior};

use crate::{
    access::{Actor, READERS},
    cameras::{Screen, View, Watching},
    commands::{
        devices,
        events::{self, EventRequest, Events},
        people::{self, Visible},
    },
    error::{Error, ErrorKind, Result},
    http::{Caller, actor_of},
    id::Id,
    server::Server,
};

/// The name of the protocol.
const PROTOCOL: &str = "facekit.live.v1";

/// Tiles are looked for this often.
const TILES: Duration = Duration::from_millis(200);

/// A picture that is older is not sent: the camera has stopped.
const OLDEST: SignedDuration = SignedDuration::from_secs(5);

/// The session, the actor's roles and the list of devices are read this often.
const CHECK: Duration = Duration::from_secs(2);

/// A ping is sent after this many checks.
const CHECKS_TO_PING: u32 = 10;

/// A page that answers no ping for this long is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// A page that does not read for this long is gone.
const LONGEST_SEND: Duration = Duration::from_secs(10);

/// The wishes of a page.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    /// The number of the last event that the page knows; none if it wants later ones only.
    after: Option<i64>,
    /// The page shows pictures.
    #[serde(default)]
    tiles: bool,
}

pub(super) async fn connect(
    State(server): State<Server>,
    Caller(actor): Caller,
    headers: HeaderMap,
    request: Result<Query<Request>, QueryRejection>,
    upgrade: WebSocketUpgrade,
) -> Result<Response> {
    let Query(request) = request.map_err(|rejection| {
        Error::new(
            ErrorKind::Malformed,
            "malformed_query",
            rejection.body_text(),
        )
    })?;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(1024);
    if upgrade.selected_protocol().is_none() {
        let detail = format!("Ask for the protocol {PROTOCOL}.");
        return Err(Error::new(ErrorKind::Malformed, "wrong_protocol", detail));
    }
    Ok(upgrade.on_upgrade(move |socket| async move {
        let connection = Connection {
            last: request.after.unwrap_or_default(),
            server,
            actor,
            headers,
            request,
            socket,
            cameras: HashMap::new(),
        };
        connection.serve().await;
    }))
}

/// An open connection of a page.
struct Connection {
    server: Server,
    actor: Actor,
    /// The headers of the request, by which the actor is recognized again.
    headers: HeaderMap,
    request: Request,
    socket: WebSocket,
    /// The number of the last event that was sent.
    last: i64,
    /// The newest frames of the devices whose pictures the actor may see.
    cameras: HashMap<Id, Watching>,
}

/// The reason for which a connection ends: a code and a text, or nothing if the page has gone.
type End = Option<(u16, &'static str)>;

/// A message with events.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Down<'a> {
    Events(&'a Events),
}

/// The header of a tile.
#[derive(Serialize)]
struct Tile<'a> {
    device: Id,
    /// The time at which the server got the frame.
    at: Timestamp,
    /// The size to which the places of the faces refer, in pixels; none if there are no faces.
    width: Option<usize>,
    height: Option<usize>,
    faces: Vec<Face>,
    /// The content of the screen of the door.
    screen: &'a Screen,
}

/// A face in a tile, in pixels.
#[derive(Serialize)]
struct Face {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    outcome: &'static str,
    /// The name of a known person.
    name: Option<String>,
}

impl Connection {
    async fn serve(mut self) {
        let end = match self.run().await {
            Ok(()) => return,
            Err(end) => end,
        };
        if let Some((code, reason)) = end {
            let close = CloseFrame {
                code,
                reason: reason.into(),
            };
            let _ = self.send(Message::Close(Some(close))).await;
        }
    }

    async fn run(&mut self) -> Result<(), End> {
        let mut events = self.server.store.listen();
        let mut tiles = tokio::time::interval(TILES);
        tiles.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut checks = tokio::time::interval(CHECK);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.begin().await.map_err(|error| fault(&error))?;
        self.tell_events().await?;
        let (mut heard, mut round) = (Instant::now(), 0_u32);
        loop {
            tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                    Some(Ok(_)) => heard = Instant::now(),
                },
                event = events.recv() => match event {
                    Ok(event) if event.org != Some(self.actor.org) => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => self.tell_events().await?,
                    Err(RecvError::Closed) => return Err(stops()),
                },
                _ = tiles.tick(), if self.request.tiles => self.tell_tiles().await?,
                _ = checks.tick() => {
                    if heard.elapsed() > SILENCE {
                        return Err(Some((close_code::AWAY, "the page is silent")));
                    }
                    self.check(round).await?;
                    round = round.wrapping_add(1);
                }
            }
        }
    }

    /// Finds the place in the list of events. A number of the future is of another database: the page reads everything again.
    async fn begin(&mut self) -> Result<()> {
        let mut tx = self.server.store.read().await?;
        let newest = events::newest(&mut tx, self.actor.org).await?;
        let is_unknown = self.request.after.is_some_and(|after| after > newest);
        if self.request.after.is_none() || is_unknown {
            self.last = newest;
        }
        drop(tx);
        if is_unknown {
            let reset = Events {
                items: Vec::new(),
                last: newest,
                stream_reset: true,
            };
            // A page that has gone is noticed by the next message.
            let _ = self.say(&reset).await;
        }
        Ok(())
    }

    /// Sends the events after the last one that was sent.
    async fn tell_events(&mut self) -> Result<(), End> {
        loop {
            let listed = async {
                let mut tx = self.server.store.read().await?;
                let request = EventRequest {
                    after: self.last,
                    limit: None,
                };
                events::list(&mut tx, &self.actor, request).await
            };
            let found = listed.await.map_err(|error| fault(&error))?;
            if found.last == self.last {
                return Ok(());
            }
            self.last = found.last;
            if !found.items.is_empty() || found.stream_reset {
                self.say(&found).await?;
            }
        }
    }

    /// Sends the frames that are newer than those that were sent.
    async fn tell_tiles(&mut self) -> Result<(), End> {
        let now = self.server.store.services().clock.now();
        let mut views = Vec::new();
        for (&device, newest) in &mut self.cameras {
            if let Some(view) = newest.newest()
                && now.duration_since(view.received) < OLDEST
            {
                views.push((device, view));
            }
        }
        if views.is_empty() {
            return Ok(());
        }
        let visible = async {
            let mut tx = self.server.store.read().await?;
            people::visible_to(&mut tx, &self.actor).await
        };
        let visible = visible.await.map_err(|error| fault(&error))?;
        for (device, view) in views {
            let tile = tile(device, &view, &visible).map_err(|error| fault(&error))?;
            self.send(Message::binary(tile)).await?;
        }
        Ok(())
    }

    /// Ends the connection if the session has ended or the server stops; else takes over new roles and devices.
    async fn check(&mut self, round: u32) -> Result<(), End> {
        if !self.server.is_ready() {
            return Err(stops());
        }
        let ended = Err(Some((close_code::POLICY, "the session has ended")));
        match actor_of(&self.server, &self.headers).await {
            Ok(Some(actor)) if actor.has_any(READERS) => self.actor = actor,
            Ok(_) => return ended,
            Err(error) if error.kind == ErrorKind::Unauthenticated => return ended,
            Err(error) => return Err(fault(&error)),
        }
        if self.request.tiles {
            self.find_cameras().await.map_err(|error| fault(&error))?;
        }
        if round.is_multiple_of(CHECKS_TO_PING) {
            self.send(Message::Ping(axum::body::Bytes::new())).await?;
        }
        Ok(())
    }

    /// Follows the devices whose pictures the actor may see.
    async fn find_cameras(&mut self) -> Result<()> {
        let mut tx = self.server.store.read().await?;
        let mut cameras = HashMap::new();
        for device in devices::watchable(&mut tx, &self.actor).await? {
            let known = self.cameras.remove(&device.id);
            let newest = known.unwrap_or_else(|| self.server.cameras.watch(device.id));
            cameras.insert(device.id, newest);
        }
        self.cameras = cameras;
        Ok(())
    }

    async fn say(&mut self, events: &Events) -> Result<(), End> {
        let text = serde_json::to_string(&Down::Events(events));
        let text = text.map_err(|error| fault(&error.into()))?;
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(LONGEST_SEND, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(None),
        }
    }
}

/// The tile of a frame, with the names of the people whom the actor may see. Others are not named.
fn tile(device: Id, view: &View, visible: &Visible) -> Result<Vec<u8>> {
    let found = view.faces.as_deref();
    let faces = found.map_or(&[][..], |found| &found.faces);
    let mut screen = view.screen.clone();
    if let Some(marked) = screen.marked_mut()
        && marked.person.and_then(|it| visible.get(it)).is_none()
    {
        marked.name = None;
    }
    let tile = Tile {
        device,
        at: view.received,
        width: found.map(|found| found.width),
        height: found.map(|found| found.height),
        faces: faces.iter().map(|face| seen(face, visible)).collect(),
        screen: &screen,
    };
    let header = serde_json::to_vec(&tile)?;
    let length = u32::try_from(header.len()).map_err(Error::internal)?;
    Ok([&length.to_be_bytes()[..], &header, &view.image].concat())
}

/// A face of a tile. A person who was erased since, or is not the actor's to see, is unknown.
fn seen(face: &Recognition, visible: &Visible) -> Face {
    let (outcome, name) = match &face.outcome {
        Outcome::Known(identity) => {
            let person = identity.person.as_str().parse().ok();
            match person.and_then(|person| visible.get(person)) {
                Some(entry) => ("known", Some(entry.name.clone())),
                None => ("unknown", None),
            }
        }
        Outcome::Unknown { .. } => ("unknown", None),
        Outcome::Spoof => ("spoof", None),
        _ => ("unclear", None),
    };
    let rect = face.detection.rect;
    Face {
        x: rect.x,
        y: rect.y,
        width: rect.width,
        height: rect.height,
        outcome,
        name,
    }
}

fn stops() -> End {
    Some((close_code::RESTART, "the server stops"))
}

fn fault(error: &Error) -> End {
    crate::http::log(error);
    Some((close_code::ERROR, "the server has a fault"))
}
