//! The WebSocket of pages that follow the day: events by number, and pictures of cameras.

use std::time::Duration;

use attendance_server::{
    access::{Grant, Role},
    id::Id,
};
use futures_util::StreamExt;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{cameras::Door, scenes::Face};

/// A page that follows.
struct Page(WebSocketStream<TcpStream>);

/// A message to a page.
#[derive(Debug)]
enum Told {
    Events(Value),
    /// The header and the image.
    Tile(Value, String),
    /// The code of the end.
    End(u16),
}

impl Page {
    /// Opens the connection of a browser with a session, or says the status of the refusal.
    async fn open(door: &Door, session: &str, query: &str, origin: &str) -> Result<Self, u16> {
        let address = format!("ws://{}/api/v1/live?{query}", door.address);
        let mut request = address.into_client_request().unwrap();
        let mut header = |name, value: &str| {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(name, value);
        };
        header("sec-websocket-protocol", "facekit.live.v1");
        header("origin", origin);
        if !session.is_empty() {
            header("cookie", &format!("__Host-session={session}"));
        }
        let stream = TcpStream::connect(door.address).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn of(door: &Door, grant: Grant, query: &str) -> Self {
        let (_, session) = door.office.session(&door.org, grant, None).await;
        let own = format!("http://{}", door.address);
        Self::open(door, &session, query, &own).await.unwrap()
    }

    /// The next message within a time; none if the server says nothing.
    async fn within(&mut self, time: Duration) -> Option<Told> {
        loop {
            let next = tokio::time::timeout(time, self.0.next()).await.ok()?;
            match next.expect("the server says why it ends").unwrap() {
                Message::Text(text) => {
                    return Some(Told::Events(serde_json::from_str(&text).unwrap()));
                }
                Message::Binary(bytes) => {
                    let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
                    let (header, image) =
                        rest.split_at(u32::from_be_bytes(*length).try_into().unwrap());
                    return Some(Told::Tile(
                        serde_json::from_slice(header).unwrap(),
                        String::from_utf8(image.to_vec()).unwrap(),
                    ));
                }
                Message::Close(close) => return Some(Told::End(close.unwrap().code.into())),
                _ => {}
            }
        }
    }

    async fn next(&mut self) -> Told {
        let told = self.within(Duration::from_secs(10)).await;
        told.expect("the server says something")
    }

    /// The first events with this kind, and the tiles before them.
    async fn until(&mut self, kind: &str) -> (Value, Vec<(Value, String)>) {
        let mut tiles = Vec::new();
        loop {
            match self.next().await {
                Told::Events(events) => {
                    let items = events["items"].as_array().unwrap();
                    if let Some(event) = items.iter().find(|event| event["kind"] == kind) {
                        return (event.clone(), tiles);
                    }
                }
                Told::Tile(header, image) => tiles.push((header, image)),
                end @ Told::End(_) => panic!("{end:?}"),
            }
        }
    }
}

const ADMIN: Grant = Grant {
    role: Role::Admin,
    site: None,
};

#[tokio::test]
async fn a_page_sees_who_stands_at_the_door_and_who_came_in() {
    let door = Door::new().await;
    let mut page = Page::of(&door, ADMIN, "tiles=true").await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    // No picture is kept until the page watches, which it does soon after it is connected.
    let (header, image) = loop {
        door.frames(&mut camera, "nobody", 1).await;
        if let Some(Told::Tile(header, image)) = page.within(Duration::from_millis(300)).await {
            break (header, image);
        }
    };
    assert_eq!((image.as_str(), &header["faces"]), ("nobody", &json!([])));
    assert_eq!(header["device"], door.org.device_id.to_string());
    assert_eq!(header["screen"]["state"], "idle");

    // Two frames are no mark, but the page names the person.
    door.frames(&mut camera, "anna", 2).await;
    let (header, image) = loop {
        match page.next().await {
            Told::Tile(header, image) if image == "anna" => break (header, image),
            _ => {}
        }
    };
    assert_eq!(image, "anna");
    let face = &header["faces"][0];
    assert_eq!(
        (&face["outcome"], &face["name"]),
        (&json!("known"), &json!("Person 1"))
    );
    assert_eq!(
        (&header["width"], &header["height"]),
        (&json!(640), &json!(480))
    );
    assert_eq!(face["height"], 160.0, "{face}");

    let came = door.frames(&mut camera, "anna", 1).await;
    assert_eq!(came["state"], "in");
    let (event, _) = page.until("punch_recorded").await;
    assert_eq!(event["data"]["direction"], "in");
    assert!(event.get("name").is_none(), "events have no names");
    let shown = loop {
        match page.next().await {
            Told::Tile(header, _) if header["screen"]["state"] == "in" => break header,
            _ => {}
        }
    };
    assert_eq!(shown["screen"]["name"], "Person 1");

    // A stranger has no name.
    door.office.clock.advance(SignedDuration::from_secs(60));
    door.frames(&mut camera, "stranger", 1).await;
    let shown = loop {
        match page.next().await {
            Told::Tile(header, image) if image == "stranger" => break header,
            _ => {}
        }
    };
    assert_eq!(shown["faces"][0]["outcome"], "unknown");
    assert_eq!(shown["faces"][0]["name"], Value::Null);
}

#[tokio::test]
async fn who_sees_what_depends_on_role_and_site() {
    let door = Door::new().await;
    let site = json!({ "name": "Hamburg", "time_zone": "Europe/Berlin", "preset": "nine-to-five" });
    let site = door
        .office
        .post("/api/v1/sites", &door.org.admin, site)
        .await
        .expect(201);
    let other: Id = site["id"].as_str().unwrap().parse().unwrap();
    let manager = |site| Grant {
        role: Role::Manager,
        site: Some(site),
    };
    let auditor = Grant {
        role: Role::Auditor,
        site: None,
    };
    let mut own = Page::of(&door, manager(door.org.site), "tiles=true").await;
    let mut foreign = Page::of(&door, manager(other), "tiles=true").await;
    let mut auditor = Page::of(&door, auditor, "tiles=true").await;
    let mut quiet = Page::of(&door, ADMIN, "").await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    door.frames(&mut camera, "anna", 3).await;
    let (_, tiles) = own.until("punch_recorded").await;
    let last = own.within(Duration::from_secs(2)).await;
    assert!(
        !tiles.is_empty() || matches!(last, Some(Told::Tile(..))),
        "{last:?}"
    );
    assert!(auditor.until("punch_recorded").await.1.is_empty());
    assert!(quiet.until("punch_recorded").await.1.is_empty());
    for page in [&mut auditor, &mut quiet, &mut foreign] {
        let told = page.within(Duration::from_millis(700)).await;
        assert!(told.is_none(), "{told:?}");
    }

    // Those who may not connect.
    let own = format!("http://{}", door.address);
    let member = Grant {
        role: Role::Member,
        site: None,
    };
    let person = door.office.person(&door.org, "2").await;
    let (_, member) = door.office.session(&door.org, member, Some(person)).await;
    let (_, admin) = door.office.session(&door.org, ADMIN, None).await;
    for (session, query, origin, status) in [
        (member.as_str(), "", own.as_str(), 403),
        ("", "", &own, 401),
        ("fk_wrong", "", &own, 401),
        (&admin, "", "https://evil.example", 403),
        (&admin, "", "null", 403),
        (&admin, "after=soon", &own, 400),
    ] {
        let refused = Page::open(&door, session, query, origin).await.map(drop);
        assert_eq!(refused, Err(status), "{session} {query} {origin}");
    }
}

#[tokio::test]
async fn a_person_of_another_site_is_not_named_to_its_manager() {
    let door = Door::new().await;
    let site = json!({ "name": "Hamburg", "time_zone": "Europe/Berlin", "preset": "nine-to-five" });
    let site = door
        .office
        .post("/api/v1/sites", &door.org.admin, site)
        .await
        .expect(201);
    let new = json!({ "number": "7", "name": "Guest", "site": site["id"], "joined": "2026-03-01" });
    let guest = door
        .office
        .post("/api/v1/people", &door.org.admin, new)
        .await
        .expect(201);
    let guest = guest["id"].as_str().unwrap();
    let consent = json!({ "text_version": "1", "language": "en" });
    let path = format!("/api/v1/people/{guest}/consents");
    let given = door.office.post(&path, &door.org.admin, consent).await;
    given.expect(201);
    door.prepared.prepare("guest", vec![Face::of(guest)]);
    let manager = Grant {
        role: Role::Manager,
        site: Some(door.org.site),
    };
    let mut admin = Page::of(&door, ADMIN, "tiles=true").await;
    let mut manager = Page::of(&door, manager, "tiles=true").await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    let came = door.frames(&mut camera, "guest", 3).await;
    assert_eq!(
        (&came["state"], &came["name"]),
        (&json!("in"), &json!("Guest"))
    );
    // The result is shown with each frame for a while.
    let mut shown = async |page: &mut Page| {
        for _ in 0..20 {
            match page.within(Duration::from_millis(500)).await {
                Some(Told::Tile(header, _)) if header["screen"]["state"] == "in" => return header,
                Some(_) => {}
                None => drop(door.frames(&mut camera, "guest", 1).await),
            }
        }
        panic!("no picture of the result");
    };
    let header = shown(&mut admin).await;
    assert_eq!(header["screen"]["name"], "Guest");
    assert_eq!(header["faces"][0]["name"], "Guest");
    let header = shown(&mut manager).await;
    assert_eq!(header["screen"]["name"], Value::Null);
    assert_eq!(
        (&header["faces"][0]["outcome"], &header["faces"][0]["name"]),
        (&json!("unknown"), &Value::Null)
    );
}

#[tokio::test]
async fn a_page_that_is_left_open_does_not_keep_its_session() {
    let door = Door::new().await;
    let (_, session) = door.office.session(&door.org, ADMIN, None).await;
    let own = format!("http://{}", door.address);
    let mut page = Page::open(&door, &session, "", &own).await.unwrap();
    let cookie = format!("__Host-session={session}");
    let get = async |headers: &[(&str, &str)]| {
        let headers = [headers, &[("cookie", cookie.as_str())]].concat();
        let reply = door
            .office
            .call("GET", "/api/v1/me", "", &headers, None)
            .await;
        reply.status.as_u16()
    };
    door.office.clock.advance(SignedDuration::from_hours(11));
    // The connection is checked meanwhile, and the page loads itself again.
    let told = page.within(Duration::from_millis(2500)).await;
    assert!(told.is_none(), "{told:?}");
    assert_eq!(get(&[("x-refresh", "1")]).await, 200);
    door.office.clock.advance(SignedDuration::from_hours(2));
    assert!(matches!(page.next().await, Told::End(1008)));
    assert_eq!(get(&[]).await, 401);
    // Somebody who uses it keeps it.
    let (_, session) = door.office.session(&door.org, ADMIN, None).await;
    let cookie = format!("__Host-session={session}");
    for _ in 0..3 {
        door.office.clock.advance(SignedDuration::from_hours(11));
        let used = door
            .office
            .call("GET", "/api/v1/me", "", &[("cookie", &cookie)], None)
            .await;
        assert_eq!(used.status.as_u16(), 200);
    }
}

#[tokio::test]
async fn a_page_misses_no_event() {
    let door = Door::new().await;
    let punch =
        |sequence, number: &'static str, at| door.office.punch(&door.org, sequence, number, at);
    punch(1, "1", "2026-03-02T08:10:00Z").await.expect(201);
    let mut late = Page::of(&door, ADMIN, "after=0").await;
    let (event, _) = late.until("punch_recorded").await;
    let seq = event["seq"].as_i64().unwrap();
    // From the last one on, nothing comes twice.
    let mut next = Page::of(&door, ADMIN, &format!("after={seq}")).await;
    punch(2, "1", "2026-03-02T11:10:00Z").await.expect(201);
    for page in [&mut late, &mut next] {
        let (event, _) = page.until("punch_recorded").await;
        assert_eq!(event["data"]["direction"], "out");
    }
    // A number that this database never had.
    let mut lost = Page::of(&door, ADMIN, "after=1000000").await;
    let Told::Events(reset) = lost.next().await else {
        panic!("no reset");
    };
    assert_eq!(reset["stream_reset"], true);
    punch(3, "1", "2026-03-02T12:10:00Z").await.expect(201);
    lost.until("punch_recorded").await;
}

#[tokio::test]
async fn the_connection_ends_with_the_session_and_with_the_server() {
    let door = Door::new().await;
    let manager = Grant {
        role: Role::Manager,
        site: None,
    };
    let (account, session) = door.office.session(&door.org, manager, None).await;
    let own = format!("http://{}", door.address);
    let mut page = Page::open(&door, &session, "", &own).await.unwrap();
    let mut other = Page::of(&door, ADMIN, "").await;
    let tokens = door.office.get("/api/v1/tokens", &door.org.admin).await;
    let tokens = tokens.expect(200);
    let list = tokens
        .as_array()
        .or_else(|| tokens["items"].as_array())
        .unwrap();
    let token = list
        .iter()
        .find(|token| token["account"] == account.to_string())
        .unwrap();
    let path = format!("/api/v1/tokens/{}", token["id"].as_str().unwrap());
    let revoked = door
        .office
        .call("DELETE", &path, &door.org.admin, &[], None);
    assert!(revoked.await.status.is_success());
    let end = loop {
        match page.next().await {
            Told::End(code) => break code,
            Told::Events(_) => {}
            told @ Told::Tile(..) => panic!("{told:?}"),
        }
    };
    assert_eq!(end, 1008, "the session has ended");
    door.server.stop();
    let end = loop {
        if let Told::End(code) = other.next().await {
            break code;
        }
    };
    assert_eq!(end, 1012, "the server stops");
}
