//! `facekit.camera.v1`: frames of a device in, hints and results out.
//!
//! The device sends its token as `Authorization: Bearer`, or beside the name of the protocol in `Sec-WebSocket-Protocol`.
//! Then it says `{"type": "hello", "boot": "…"}`, and gets `welcome` and `credit`. Each credit allows one frame: a binary
//! message of 16 bytes, the number of the frame and its time in microseconds since 1970 as big-endian integers, and a JPEG
//! file. A frame without a credit takes the place of the one that waits. `{"type": "look", "for": "badge"}` has the server look
//! for a QR code in the next frames, and `"for": "face"` for faces again.

use std::time::{Duration, Instant};

use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    response::Response,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{
    access::{Actor, Principal},
    cameras::{LARGEST_FRAME, Outcome, Picture, Screen, Subject},
    commands::{devices, sites, tokens},
    error::{Error, ErrorKind, Result},
    http::Caller,
    id::Id,
    server::Server,
    text,
};

/// The name of the protocol.
const PROTOCOL: &str = "facekit.camera.v1";

/// The bytes before the image of a frame.
const HEADER: usize = 16;

/// The frames that a device may send ahead: one is looked at while the next one is on its way.
const CREDIT: u32 = 2;

/// The token, and whether the server stops, are looked up this often.
const CHECK: Duration = Duration::from_millis(500);

/// A device that sends nothing for this long is gone. Browsers answer pings by themselves.
const SILENCE: Duration = Duration::from_secs(60);

/// A ping is sent after this many checks.
const CHECKS_TO_PING: u32 = 40;

/// The device is written down as seen after this many checks.
const CHECKS_TO_SEEN: u32 = 600;

/// A device that does not read for this long is gone.
const LONGEST_SEND: Duration = Duration::from_secs(10);

/// Another connection of the same device has begun.
const REPLACED: u16 = 4001;

/// A message of the device.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Up {
    Hello {
        boot: String,
    },
    Look {
        #[serde(rename = "for")]
        subject: Subject,
    },
}

/// A message to the device.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Down<'a> {
    /// The device and its site.
    Welcome {
        device: &'a str,
        /// The time zone of the site.
        zone: &'a str,
        /// People are recognized by face.
        faces: bool,
        /// The clock of the server.
        now: Timestamp,
    },
    /// The content of the screen.
    State(&'a Screen),
    /// The device may send more frames.
    Credit { frames: u32 },
    /// A frame cannot be used.
    Error { code: &'a str, detail: &'a str },
}

pub(super) async fn connect(
    State(server): State<Server>,
    Caller(actor): Caller,
    upgrade: WebSocketUpgrade,
) -> Result<Response> {
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(HEADER + LARGEST_FRAME)
        .max_frame_size(HEADER + LARGEST_FRAME);
    if upgrade.selected_protocol().is_none() {
        let detail = format!("Ask for the protocol {PROTOCOL}.");
        return Err(Error::new(ErrorKind::Malformed, "wrong_protocol", detail));
    }
    let Principal::Device(device) = actor.principal else {
        return Err(Error::forbidden());
    };
    Ok(upgrade.on_upgrade(move |socket| async move {
        let connection = Connection {
            server,
            actor,
            device,
            socket,
            boot: None,
            subject: Subject::Face,
        };
        connection.serve().await;
    }))
}

struct Connection {
    server: Server,
    actor: Actor,
    device: Id,
    socket: WebSocket,
    /// The start of the device's program, after its hello.
    boot: Option<String>,
    /// The subject that is looked for in the next frames.
    subject: Subject,
}

/// The reason for which a connection ends: a code and a text, or nothing if the device has gone.
type End = Option<(u16, &'static str)>;

impl Connection {
    async fn serve(mut self) {
        let end = self.run().await;
        if let Some((code, reason)) = end {
            let close = CloseFrame {
                code,
                reason: reason.into(),
            };
            let _ = self.send(Message::Close(Some(close))).await;
        }
        let drops = self.server.cameras.drops(self.device);
        tracing::info!(device = %self.device, ?end, ?drops, "the connection of a camera ended");
    }

    async fn run(&mut self) -> End {
        let mut replaced = self.server.cameras.connect(self.device);
        let (outcomes, mut results) = mpsc::channel(8);
        let mut checks = tokio::time::interval(CHECK);
        let mut heard = Instant::now();
        let mut round = 0_u32;
        loop {
            // Outcomes come before messages, so that those of a device that sends too much have room.
            let done = tokio::select! {
                biased;
                Some(outcome) = results.recv() => self.tell(outcome).await,
                _ = &mut replaced => Err(Some((REPLACED, "the device has another connection"))),
                _ = checks.tick() => {
                    round = round.wrapping_add(1);
                    if heard.elapsed() > SILENCE {
                        Err(Some((close_code::AWAY, "the device is silent")))
                    } else {
                        self.check(round).await
                    }
                }
                message = self.socket.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(message)) => self.take(message, &outcomes).await,
                        Some(Err(_)) | None => Err(None),
                    }
                }
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Takes a message of the device.
    async fn take(
        &mut self,
        message: Message,
        outcomes: &mpsc::Sender<Outcome>,
    ) -> Result<(), End> {
        match message {
            Message::Text(message) => match serde_json::from_str(&message) {
                Ok(Up::Hello { boot }) => match text::checked("/boot", &boot, 64) {
                    Ok(boot) => self.welcome(boot).await,
                    Err(_) => Err(Some((close_code::POLICY, "the boot of the hello is wrong"))),
                },
                Ok(Up::Look { subject }) => {
                    self.subject = subject;
                    Ok(())
                }
                _ => Err(Some((close_code::POLICY, "the message is no hello"))),
            },
            Message::Binary(bytes) => {
                let Some(boot) = self.boot.clone() else {
                    return Err(Some((close_code::POLICY, "a hello comes first")));
                };
                let Some((sequence, at)) = header(&bytes) else {
                    self.say(&Down::Error {
                        code: "malformed_frame",
                        detail: "A frame has a number, a time and an image.",
                    })
                    .await?;
                    return self.say(&Down::Credit { frames: 1 }).await;
                };
                let picture = Picture {
                    actor: self.actor.clone(),
                    boot,
                    sequence,
                    at,
                    image: bytes.slice(HEADER..),
                    subject: self.subject,
                };
                let submitted = self.server.cameras.submit(picture, outcomes.clone());
                submitted.map_err(|_| Some((close_code::POLICY, "the actor is no device")))
            }
            Message::Close(_) => Err(None),
            Message::Ping(_) | Message::Pong(_) => Ok(()),
        }
    }

    async fn welcome(&mut self, boot: String) -> Result<(), End> {
        self.boot = Some(boot);
        let known = async {
            let mut tx = self.server.store.write().await?;
            devices::seen(&mut tx, self.actor.org, self.device).await?;
            let device = devices::get(&mut tx, &self.actor, self.device).await?;
            let zone = sites::get(&mut tx, &self.actor, device.site)
                .await?
                .time_zone;
            tx.commit().await?;
            Ok::<_, Error>((device.name, zone))
        };
        let (device, zone) = known.await.map_err(|error| fault(&error))?;
        let (faces, now) = (
            self.server.cameras.recognizes(),
            self.server.store.services().clock.now(),
        );
        self.say(&Down::Welcome {
            device: &device,
            zone: &zone,
            faces,
            now,
        })
        .await?;
        self.say(&Down::Credit { frames: CREDIT }).await
    }

    /// Tells the device what became of a frame. Each frame gives its credit back.
    async fn tell(&mut self, outcome: Outcome) -> Result<(), End> {
        match outcome {
            Outcome::Checking => return self.say(&Down::State(&Screen::Checking)).await,
            Outcome::Shows(screen) => self.say(&Down::State(&screen)).await?,
            Outcome::Dropped => {}
            Outcome::Failed(error) => {
                if error.kind == ErrorKind::Unauthenticated {
                    return Err(withdrawn());
                }
                crate::http::log(&error);
                self.say(&Down::Error {
                    code: error.code,
                    detail: &error.detail,
                })
                .await?;
            }
        }
        self.say(&Down::Credit { frames: 1 }).await
    }

    /// Ends the connection if the token does not work any more, or the server stops.
    async fn check(&mut self, round: u32) -> Result<(), End> {
        if !self.server.is_ready() {
            return Err(Some((close_code::RESTART, "the server stops")));
        }
        let token = self.actor.token.ok_or_else(withdrawn)?;
        let works = async {
            let mut tx = self.server.store.read().await?;
            tokens::device_token_works(&mut tx, token).await
        };
        if !works.await.map_err(|error| fault(&error))? {
            return Err(withdrawn());
        }
        if round.is_multiple_of(CHECKS_TO_SEEN) {
            let seen = async {
                let mut tx = self.server.store.write().await?;
                devices::seen(&mut tx, self.actor.org, self.device).await?;
                tx.commit().await
            };
            seen.await.map_err(|error| fault(&error))?;
        }
        if round.is_multiple_of(CHECKS_TO_PING) {
            self.send(Message::Ping(axum::body::Bytes::new())).await?;
        }
        Ok(())
    }

    async fn say(&mut self, message: &Down<'_>) -> Result<(), End> {
        let text = serde_json::to_string(message).map_err(|error| fault(&error.into()))?;
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(LONGEST_SEND, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(None),
        }
    }
}

fn withdrawn() -> End {
    Some((close_code::POLICY, "the token was withdrawn"))
}

fn fault(error: &Error) -> End {
    crate::http::log(error);
    Some((close_code::ERROR, "the server has a fault"))
}

/// The number and the time of a frame; none if it has no image.
fn header(bytes: &[u8]) -> Option<(i64, Timestamp)> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    let (microseconds, image) = rest.split_first_chunk::<8>()?;
    let at = Timestamp::from_microsecond(i64::from_be_bytes(*microseconds)).ok()?;
    let sequence = i64::from_be_bytes(*number);
    (sequence >= 0 && !image.is_empty()).then_some((sequence, at))
}
