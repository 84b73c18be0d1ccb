//! Frames of devices, over a WebSocket and by POST, with a recognition whose answers are prepared.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use attendance_server::{app, clock::Clock as _, id::Id, server::Server};
use axum::body::Body;
use futures_util::{SinkExt, StreamExt};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderValue, StatusCode},
        protocol::CloseFrame,
    },
};

use crate::{
    scenes::{Face, Prepared},
    support::{Office, Organisation, Reply},
};

/// An office whose recognition is prepared: the image `anna` shows the first person.
pub(crate) struct Door {
    pub(crate) office: Office,
    pub(crate) org: Organisation,
    anna: Id,
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
}

impl Door {
    pub(crate) async fn new() -> Self {
        Self::with(Prepared::new(true)).await
    }

    async fn with(prepared: Prepared) -> Self {
        let prepared = Arc::new(prepared);
        let office = Office::with(prepared.clone()).await;
        let org = office.organisation("Acme").await;
        let anna = office.person_with_pin(&org, "1", "4711").await;
        let consent = json!({ "text_version": "1", "language": "en" });
        let path = format!("/api/v1/people/{anna}/consents");
        office.post(&path, &org.admin, consent).await.expect(201);
        prepared.prepare("anna", vec![Face::of(&anna.to_string())]);
        prepared.prepare("nobody", vec![]);
        prepared.prepare("stranger", vec![Face::stranger()]);
        let server = office.server.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = app(server.clone());
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        office.set("2026-03-02T08:00:00Z");
        Self {
            office,
            org,
            anna,
            prepared,
            server,
            address,
        }
    }

    pub(crate) async fn connect(&self, token: &str) -> Camera {
        self.try_connect(&[(
            "sec-websocket-protocol",
            &format!("facekit.camera.v1, {token}"),
        )])
        .await
        .unwrap()
    }

    async fn try_connect(&self, headers: &[(&'static str, &str)]) -> Result<Camera, StatusCode> {
        let mut request = format!("ws://{}/api/v1/camera", self.address)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, answer)) => {
                assert_eq!(
                    answer.headers()["sec-websocket-protocol"],
                    "facekit.camera.v1",
                    "the token is not sent back"
                );
                Ok(Camera {
                    socket,
                    sequence: 0,
                })
            }
            Err(tungstenite::Error::Http(answer)) => Err(answer.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Frames every 200 ms of the server's clock. The last state.
    pub(crate) async fn frames(&self, camera: &mut Camera, image: &str, count: usize) -> Value {
        let mut state = Value::Null;
        for _ in 0..count {
            self.office.clock.advance(SignedDuration::from_millis(200));
            camera.frame(image, self.office.clock.now()).await;
            state = camera.state().await;
        }
        state
    }

    async fn days(&self) -> Value {
        self.office
            .get(
                "/api/v1/days?from=2026-03-02&to=2026-03-02",
                &self.org.manager,
            )
            .await
            .expect(200)
    }

    async fn post_frame(&self, device: Id, token: &str, sequence: i64, image: &str) -> Reply {
        let at = self.office.clock.now();
        let request = axum::http::Request::post(format!(
            "/api/v1/devices/{device}/frames?boot=first&sequence={sequence}&at={at}"
        ))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "image/jpeg")
        .body(Body::from(image.to_owned()))
        .unwrap();
        self.office.send(request).await
    }
}

/// A device with a WebSocket.
pub(crate) struct Camera {
    socket: WebSocketStream<TcpStream>,
    sequence: u64,
}

impl Camera {
    pub(crate) async fn hello(&mut self, boot: &str) -> Value {
        self.text(&json!({ "type": "hello", "boot": boot })).await;
        let welcome = self.next().await.unwrap();
        let credit = self.next().await.unwrap();
        assert_eq!(credit, json!({ "type": "credit", "frames": 2 }));
        welcome
    }

    async fn text(&mut self, message: &Value) {
        self.send(Message::text(message.to_string())).await;
    }

    async fn frame(&mut self, image: &str, at: Timestamp) {
        let sequence = self.sequence;
        self.sequence += 1;
        self.numbered(sequence, image, at).await;
    }

    async fn picture(&mut self, image: &[u8], at: Timestamp) {
        let sequence = self.sequence;
        self.sequence += 1;
        self.bytes(sequence, image, at).await;
    }

    async fn numbered(&mut self, sequence: u64, image: &str, at: Timestamp) {
        self.bytes(sequence, image.as_bytes(), at).await;
    }

    async fn bytes(&mut self, sequence: u64, image: &[u8], at: Timestamp) {
        let mut bytes = sequence.to_be_bytes().to_vec();
        bytes.extend(at.as_microsecond().to_be_bytes());
        bytes.extend(image);
        self.send(Message::binary(bytes)).await;
    }

    async fn send(&mut self, message: Message) {
        match self.socket.send(message).await {
            Ok(())
            | Err(
                tungstenite::Error::ConnectionClosed
                | tungstenite::Error::AlreadyClosed
                | tungstenite::Error::Io(_),
            ) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// The next message, or the end.
    async fn next(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(10), self.socket.next());
            match next.await.expect("the server is silent") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(close))) => return Err(close),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The state after a frame: the messages up to the credit.
    async fn state(&mut self) -> Value {
        let mut state = Value::Null;
        loop {
            let message = self.next().await.unwrap();
            match message["type"].as_str() {
                Some("credit") => return state,
                Some("state" | "error") => state = message,
                _ => panic!("{message}"),
            }
        }
    }

    /// The code and the reason of the end.
    async fn end(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Ok(_) => {}
                Err(close) => {
                    let close = close.expect("the server says why");
                    return (close.code.into(), close.reason.to_string());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_person_walks_in_and_out() {
    let door = Door::new().await;
    let mut camera = door.connect(&door.org.device).await;
    let welcome = camera.hello("first").await;
    assert_eq!(
        (&welcome["device"], &welcome["zone"], &welcome["faces"]),
        (&json!("door"), &json!("Europe/Berlin"), &json!(true))
    );
    assert_eq!(door.frames(&mut camera, "nobody", 1).await["state"], "idle");
    let first = door.frames(&mut camera, "anna", 2).await;
    assert!(matches!(first["state"].as_str(), Some("idle" | "hold")));
    assert_eq!(
        door.days().await["items"],
        json!([]),
        "two frames are no mark"
    );
    let came = door.frames(&mut camera, "anna", 1).await;
    assert_eq!(
        (&came["state"], &came["name"]),
        (&json!("in"), &json!("Person 1"))
    );
    door.office.clock.advance(SignedDuration::from_hours(8));
    door.frames(&mut camera, "nobody", 5).await;
    let went = door.frames(&mut camera, "anna", 3).await;
    assert_eq!(went["state"], "out", "{went}");
    let days = door.days().await;
    let day = &days["items"][0];
    assert_eq!(day["person"], door.anna.to_string());
    assert_eq!(day["record"]["status"], "PRESENT");
    let path = format!(
        "/api/v1/people/{}/punches?from=2026-03-02&to=2026-03-02",
        door.anna
    );
    let punches = door.office.get(&path, &door.org.manager).await.expect(200);
    assert_eq!(punches.as_array().unwrap().len(), 2, "{punches}");
    let sightings = door
        .office
        .get("/api/v1/sightings", &door.org.admin)
        .await
        .expect(200);
    assert_eq!(sightings["items"][0]["source"], "face", "{sightings}");
    assert!((sightings["items"][0]["liveness"].as_f64().unwrap() - 0.9).abs() < 1e-6);
    let sites = door.prepared.seen.lock().unwrap()[0].1.clone();
    assert_eq!(
        sites,
        Some(vec![door.org.site]),
        "the site of the device is searched"
    );
}

#[tokio::test]
async fn after_a_fault_the_screen_names_nobody_and_the_face_is_tried_again() {
    let door = Door::new().await;
    let bela = door.office.person(&door.org, "2").await;
    let consent = json!({ "text_version": "1", "language": "en" });
    let path = format!("/api/v1/people/{bela}/consents");
    door.office
        .post(&path, &door.org.admin, consent)
        .await
        .expect(201);
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    let came = door.frames(&mut camera, "anna", 3).await;
    assert_eq!(came["name"], "Person 1");
    door.office.clock.advance(SignedDuration::from_secs(2));
    // The person of this face has no id of the server, so that recording fails.
    door.prepared.prepare("bela", vec![Face::of("bela")]);
    door.frames(&mut camera, "bela", 2).await;
    let failed = door.frames(&mut camera, "bela", 1).await;
    assert_eq!(
        (&failed["type"], &failed["code"]),
        (&json!("error"), &json!("internal"))
    );
    door.prepared
        .prepare("bela", vec![Face::of(&bela.to_string())]);
    for _ in 0..2 {
        let state = door.frames(&mut camera, "bela", 1).await;
        assert!(state.get("name").is_none(), "{state}");
        assert_eq!(state["type"], "state", "{state}");
    }
    let came = door.frames(&mut camera, "bela", 1).await;
    assert_eq!(
        (&came["state"], &came["name"]),
        (&json!("in"), &json!("Person 2"))
    );
}

#[tokio::test]
async fn without_consent_nobody_is_named() {
    let door = Door::new().await;
    let bela = door.office.person(&door.org, "2").await;
    door.prepared
        .prepare("bela", vec![Face::of(&bela.to_string())]);
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    let state = door.frames(&mut camera, "bela", 3).await;
    assert_eq!(state, json!({ "type": "state", "state": "unknown" }));
    assert_eq!(door.days().await["items"], json!([]));
}

#[tokio::test]
async fn a_stranger_is_not_named_and_codes_follow() {
    let door = Door::new().await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    let mut states = Vec::new();
    for _ in 0..60 {
        let state = door.frames(&mut camera, "stranger", 1).await;
        assert!(state.get("name").is_none(), "{state}");
        states.push(state["state"].as_str().unwrap().to_owned());
    }
    assert!(states.iter().any(|state| state == "unknown"));
    assert_eq!(states.last().unwrap(), "codes", "{states:?}");
    let sightings = door
        .office
        .get("/api/v1/sightings?outcome=refused", &door.org.admin)
        .await
        .expect(200);
    let refused = sightings["items"].as_array().unwrap();
    assert_eq!(refused.len(), 3, "each refusal once: {sightings}");
    assert!(
        refused
            .iter()
            .all(|it| it["person"].is_null() && it["answer"]["code"] == "unknown")
    );
    let looked = door.prepared.seen.lock().unwrap().len();
    let anna = door.frames(&mut camera, "anna", 5).await;
    assert_eq!(anna["state"], "codes");
    assert_eq!(
        door.prepared.seen.lock().unwrap().len(),
        looked,
        "frames are not looked at while faces wait"
    );
    let now = door.office.clock.now().to_string();
    let by_pin = door
        .office
        .post(
            "/api/v1/sightings",
            &door.org.device,
            crate::support::sighting(1000, "1", &now),
        )
        .await;
    assert_eq!(by_pin.expect(201)["direction"], "in", "PIN is always there");
}

#[tokio::test]
async fn without_a_liveness_check_nobody_is_marked() {
    let door = Door::with(Prepared::new(false)).await;
    let mut camera = door.connect(&door.org.device).await;
    assert_eq!(camera.hello("first").await["faces"], false);
    assert_eq!(
        door.frames(&mut camera, "anna", 10).await["state"],
        "no_faces"
    );
    assert!(door.prepared.seen.lock().unwrap().is_empty());
    assert_eq!(door.days().await["items"], json!([]));
}

#[tokio::test]
async fn a_withdrawn_token_ends_the_connection_within_a_second() {
    let door = Door::new().await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    let path = format!("/api/v1/devices/{}/token", door.org.device_id);
    let new = door
        .office
        .post(&path, &door.org.admin, json!({}))
        .await
        .expect(201);
    let start = Instant::now();
    assert_eq!(
        camera.end().await,
        (1008, "the token was withdrawn".to_owned())
    );
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    let old = [(
        "sec-websocket-protocol",
        format!("facekit.camera.v1, {}", door.org.device),
    )];
    let old = [(old[0].0, old[0].1.as_str())];
    assert_eq!(
        door.try_connect(&old).await.err(),
        Some(StatusCode::UNAUTHORIZED)
    );
    let mut camera = door.connect(new["token"].as_str().unwrap()).await;
    camera.hello("first").await;
    let disabled = door
        .office
        .patch(
            &format!("/api/v1/devices/{}", door.org.device_id),
            &door.org.admin,
            1,
            json!({ "disabled": true }),
        )
        .await;
    disabled.expect(200);
    assert_eq!(camera.end().await.0, 1008);
}

#[tokio::test]
async fn a_token_that_is_withdrawn_between_two_frames_marks_nobody() {
    let door = Door::new().await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    door.frames(&mut camera, "anna", 2).await;
    let path = format!("/api/v1/devices/{}/token", door.org.device_id);
    door.office
        .post(&path, &door.org.admin, json!({}))
        .await
        .expect(201);
    door.office.clock.advance(SignedDuration::from_millis(200));
    camera.frame("anna", door.office.clock.now()).await;
    assert_eq!(camera.end().await.0, 1008);
    assert_eq!(door.days().await["items"], json!([]));
}

#[tokio::test]
async fn connections_need_a_device_its_protocol_and_the_own_site() {
    let door = Door::new().await;
    let bearer = |token: &str| format!("Bearer {token}");
    let (device, admin) = (bearer(&door.org.device), bearer(&door.org.admin));
    let protocol = ("sec-websocket-protocol", "facekit.camera.v1");
    let status = async |headers: &[(&'static str, &str)]| {
        door.try_connect(headers)
            .await
            .err()
            .map(|status| status.as_u16())
    };
    assert_eq!(status(&[protocol]).await, Some(401));
    assert_eq!(
        status(&[protocol, ("authorization", &admin)]).await,
        Some(403)
    );
    assert_eq!(status(&[("authorization", &device)]).await, Some(400));
    let foreign = [
        protocol,
        ("authorization", &device),
        ("origin", "https://evil.example"),
    ];
    assert_eq!(status(&foreign).await, Some(403));
    assert_eq!(status(&[protocol, ("authorization", &device)]).await, None);
    let own = format!("http://{}", door.address);
    assert_eq!(
        status(&[protocol, ("authorization", &device), ("origin", &own)]).await,
        None
    );
}

#[tokio::test]
async fn messages_that_are_wrong_end_the_connection_or_are_answered() {
    let door = Door::new().await;
    let mut camera = door.connect(&door.org.device).await;
    camera.frame("anna", door.office.clock.now()).await;
    assert_eq!(camera.end().await, (1008, "a hello comes first".to_owned()));
    for text in [
        "{",
        "{}",
        r#"{"type":"hello"}"#,
        r#"{"type":"hello","boot":""}"#,
        r#"{"type":"hello","boot":"  "}"#,
        r#"{"type":"hello","boot":"a\u0000b"}"#,
        &format!(r#"{{"type":"hello","boot":"{}"}}"#, "b".repeat(65)),
        "[[[[",
    ] {
        let mut camera = door.connect(&door.org.device).await;
        camera.send(Message::text(text)).await;
        assert_eq!(camera.end().await.0, 1008, "{text}");
    }
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    camera.send(Message::binary(vec![0; 16])).await;
    assert_eq!(camera.state().await["code"], "malformed_frame");
    camera.send(Message::binary(vec![0xff; 40])).await;
    assert_eq!(camera.state().await["code"], "malformed_frame");
    let unknown = door.frames(&mut camera, "no prepared image", 1).await;
    assert_eq!(unknown["code"], "unreadable_image");
    let after = door.frames(&mut camera, "nobody", 1).await;
    assert_eq!(after["state"], "idle", "the connection goes on");
    camera.send(Message::binary(vec![0; (1 << 20) + 17])).await;
    assert!(camera.next().await.is_err(), "a frame that is too large");
}

#[tokio::test]
async fn the_later_connection_of_a_device_takes_over() {
    let door = Door::new().await;
    let mut first = door.connect(&door.org.device).await;
    first.hello("first").await;
    let mut second = door.connect(&door.org.device).await;
    second.hello("second").await;
    assert_eq!(first.end().await.0, 4001);
    assert_eq!(door.frames(&mut second, "nobody", 1).await["state"], "idle");
}

#[tokio::test]
async fn a_frame_that_is_sent_again_is_not_looked_at_again() {
    let door = Door::new().await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    for _ in 0..5 {
        door.office.clock.advance(SignedDuration::from_millis(100));
        camera.numbered(7, "anna", door.office.clock.now()).await;
        camera.state().await;
    }
    assert_eq!(door.prepared.seen.lock().unwrap().len(), 1);
    assert_eq!(door.days().await["items"], json!([]));
    camera.sequence = 8;
    let came = door.frames(&mut camera, "anna", 2).await;
    assert_eq!(came["state"], "in");
    camera.numbered(9, "anna", door.office.clock.now()).await;
    let again = camera.state().await;
    assert_eq!(
        (&again["state"], &again["sighting"]),
        (&json!("in"), &came["sighting"]),
        "the first answer"
    );
}

/// The QR code of a text, as a JPEG file.
fn qr(text: &str) -> Vec<u8> {
    let code = fast_qr::QRBuilder::new(text).build().unwrap();
    let (scale, border) = (6, 8);
    let side = scale * (code.size + 2 * border);
    let mut picture = facekit::Image::filled(side, side, [255; 3]);
    for y in 0..scale * code.size {
        for x in 0..scale * code.size {
            if code[y / scale][x / scale].value() {
                let at = 3 * ((y + scale * border) * side + x + scale * border);
                picture.data_mut()[at..at + 3].fill(20);
            }
        }
    }
    facekit::image::encode_jpeg(&picture, 90)
}

#[tokio::test]
async fn the_qr_code_of_a_badge_is_read_in_frames() {
    let door = Door::new().await;
    let path = format!("/api/v1/people/{}/badge", door.anna);
    let badge = door.office.post(&path, &door.org.admin, json!({})).await;
    let badge = qr(badge.expect(201)["token"].as_str().unwrap());
    let empty = facekit::image::encode_jpeg(&facekit::Image::filled(320, 240, [90; 3]), 90);
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    camera
        .text(&json!({ "type": "look", "for": "badge" }))
        .await;
    let mut shown = async |image: &[u8]| {
        door.office.clock.advance(SignedDuration::from_millis(200));
        camera.picture(image, door.office.clock.now()).await;
        camera.state().await
    };
    assert_eq!(shown(&empty).await["state"], "badge");
    let came = shown(&badge).await;
    assert_eq!(
        (&came["state"], &came["name"]),
        (&json!("in"), &json!("Person 1"))
    );
    assert_eq!(shown(&badge).await, came, "the same badge is one sighting");
    let wrong = qr("fk_somebody");
    for _ in 0..100 {
        let state = shown(&wrong).await;
        assert_eq!(
            state["code"], "wrong_badge",
            "a wrong badge counts once: {state}"
        );
    }
    assert_eq!(shown(b"no picture").await["code"], "unreadable_image");
    assert!(door.prepared.seen.lock().unwrap().is_empty());
    camera.text(&json!({ "type": "look", "for": "face" })).await;
    assert_eq!(door.frames(&mut camera, "nobody", 1).await["state"], "idle");
}

#[tokio::test]
async fn those_who_watch_a_camera_see_the_newest_frame() {
    let door = Door::new().await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    door.frames(&mut camera, "anna", 3).await;
    let mut views = door.server.cameras.watch(door.org.device_id);
    assert!(
        views.latest().is_none(),
        "nothing is kept before somebody watches"
    );
    let in_time = door.frames(&mut camera, "anna", 1).await;
    let view = views.newest().unwrap();
    assert_eq!(&view.image[..], b"anna");
    assert_eq!(
        (
            view.received,
            serde_json::to_value(&view.screen).unwrap()["state"].clone()
        ),
        (door.office.clock.now(), in_time["state"].clone())
    );
    let watch = || door.server.cameras.watch(door.org.device_id);
    let other = watch();
    drop(views);
    assert!(other.latest().is_some(), "one still watches");
    drop(other);
    assert!(watch().latest().is_none(), "nobody watches any more");
    door.frames(&mut camera, "anna", 1).await;
    assert!(watch().latest().is_none());
}

#[tokio::test]
async fn newer_frames_take_the_place_of_those_that_wait() {
    let mut prepared = Prepared::new(true);
    prepared.takes = Duration::from_millis(300);
    let door = Door::with(prepared).await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    for _ in 0..20 {
        camera.frame("nobody", door.office.clock.now()).await;
    }
    for _ in 0..20 {
        camera.state().await;
    }
    let looked = door.prepared.seen.lock().unwrap().len();
    assert!(
        (1..=3).contains(&looked),
        "{looked} of 20 frames were looked at"
    );
    let drops = door.server.cameras.drops(door.org.device_id);
    assert_eq!(drops.replaced, 20 - looked as u64, "{drops:?}");
}

#[tokio::test]
async fn frames_that_waited_for_a_second_are_dropped() {
    let mut prepared = Prepared::new(true);
    prepared.takes = Duration::from_millis(300);
    let door = Door::with(prepared).await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    camera.frame("anna", door.office.clock.now()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    camera.frame("anna", door.office.clock.now()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    door.office.clock.advance(SignedDuration::from_secs(2));
    camera.state().await;
    assert_eq!(camera.state().await, Value::Null, "no state, and a credit");
    let drops = door.server.cameras.drops(door.org.device_id);
    assert_eq!((drops.old, drops.replaced), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_take_turns() {
    let mut prepared = Prepared::new(true);
    prepared.takes = Duration::from_millis(20);
    let door = Door::with(prepared).await;
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut devices = Vec::new();
    for index in 0..4 {
        let new = json!({ "site": door.org.site, "name": format!("device {index}") });
        let added = door
            .office
            .post("/api/v1/devices", &door.org.admin, new)
            .await
            .expect(201);
        let token = added["token"]["token"].as_str().unwrap().to_owned();
        let image = format!("device {index}");
        door.prepared.prepare(&image, vec![]);
        let mut camera = door.connect(&token).await;
        camera.hello("first").await;
        devices.push((camera, image, index));
    }
    // The first device sends ten times as much as the others.
    let until = Instant::now() + Duration::from_secs(2);
    let clock = door.office.clock.clone();
    let mut tasks = Vec::new();
    for (mut camera, image, index) in devices {
        let clock = clock.clone();
        let pause = Duration::from_millis(if index == 0 { 1 } else { 10 });
        tasks.push(tokio::spawn(async move {
            while Instant::now() < until {
                camera.frame(&image, clock.now()).await;
                let _ = tokio::time::timeout(pause, camera.next()).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let seen = door.prepared.seen.lock().unwrap();
    let counts: Vec<usize> = (0..4)
        .map(|index| {
            let name = format!("device {index}");
            seen.iter().filter(|(image, _)| *image == name).count()
        })
        .collect();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(*least > 5 && 10 * least >= 8 * most, "{counts:?}");
    let at_once = door
        .prepared
        .most_at_once
        .load(std::sync::atomic::Ordering::SeqCst);
    assert!(
        at_once <= cores,
        "{at_once} frames at once on {cores} cores"
    );
}

#[tokio::test]
async fn frames_come_by_post_too() {
    let door = Door::new().await;
    let (device, token) = (door.org.device_id, door.org.device.clone());
    let mut state = Value::Null;
    for sequence in 0..3 {
        door.office.clock.advance(SignedDuration::from_millis(400));
        state = door
            .post_frame(device, &token, sequence, "anna")
            .await
            .expect(200);
    }
    assert_eq!(
        (&state["state"], &state["name"]),
        (&json!("in"), &json!("Person 1"))
    );
    let again = door.post_frame(device, &token, 2, "anna").await.expect(200);
    assert_eq!(
        again, state,
        "a frame that is sent again gets the first answer"
    );
    let older = door.post_frame(device, &token, 1, "anna").await;
    assert_eq!(older.problem(409), "frame_dropped");
    let other = door.office.organisation("Other").await;
    assert_eq!(
        door.post_frame(other.device_id, &token, 3, "anna")
            .await
            .problem(404),
        "not_found"
    );
    assert_eq!(
        door.post_frame(device, &door.org.admin, 3, "anna")
            .await
            .problem(403),
        "forbidden"
    );
    door.office.clock.advance(SignedDuration::from_secs(3));
    assert_eq!(
        door.post_frame(device, &token, 3, "no prepared image")
            .await
            .problem(422),
        "unreadable_image"
    );
}

#[tokio::test]
async fn a_device_with_a_wrong_clock_marks_nobody() {
    let door = Door::new().await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    let mut state = Value::Null;
    for _ in 0..3 {
        door.office.clock.advance(SignedDuration::from_millis(200));
        let at = door.office.clock.now() + SignedDuration::from_secs(121);
        camera.frame("anna", at).await;
        state = camera.state().await;
    }
    assert_eq!(
        (&state["state"], &state["code"]),
        (&json!("refused"), &json!("clock_off"))
    );
    assert_eq!(door.days().await["items"], json!([]));
}

#[tokio::test]
async fn not_me_voids_the_punch() {
    let door = Door::new().await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    let came = door.frames(&mut camera, "anna", 3).await;
    let path = format!(
        "/api/v1/sightings/{}/disown",
        came["sighting"].as_str().unwrap()
    );
    let other = door.office.organisation("Other").await;
    let call = async |token: &str| door.office.call("POST", &path, token, &[], None).await;
    assert_eq!(call(&other.device).await.problem(404), "not_found");
    assert_eq!(call(&door.org.admin).await.problem(403), "forbidden");
    assert_eq!(call(&door.org.device).await.status.as_u16(), 204);
    assert_eq!(
        call(&door.org.device).await.status.as_u16(),
        204,
        "a second call changes nothing"
    );
    let today = door
        .office
        .get("/api/v1/today", &door.org.admin)
        .await
        .expect(200);
    assert_ne!(today["people"][0]["state"], "in", "{today}");
    let path = format!("/api/v1/people/{}/corrections", door.anna);
    let corrections = door.office.get(&path, &door.org.admin).await.expect(200);
    assert_eq!(corrections.as_array().unwrap().len(), 1);
    assert_eq!(
        corrections[0]["made_by"],
        format!("device {}", door.org.device_id)
    );
    // Later, it is a correction for the office.
    door.frames(&mut camera, "nobody", 20).await;
    door.office.clock.advance(SignedDuration::from_secs(120));
    let came = door.frames(&mut camera, "anna", 3).await;
    door.office.clock.advance(SignedDuration::from_secs(16));
    let path = format!(
        "/api/v1/sightings/{}/disown",
        came["sighting"].as_str().unwrap()
    );
    let late = door
        .office
        .call("POST", &path, &door.org.device, &[], None)
        .await;
    assert_eq!(late.problem(409), "too_late");
    let now = door.office.clock.now().to_string();
    let by_pin = door
        .office
        .post(
            "/api/v1/sightings",
            &door.org.device,
            crate::support::sighting(5000, "1", &now),
        )
        .await
        .expect(201);
    let path = format!(
        "/api/v1/sightings/{}/disown",
        by_pin["sighting"].as_str().unwrap()
    );
    let by_pin = door
        .office
        .call("POST", &path, &door.org.device, &[], None)
        .await;
    assert_eq!(by_pin.problem(409), "not_by_face");
}

#[tokio::test]
async fn who_says_not_me_is_not_taken_for_the_same_person_again() {
    let door = Door::new().await;
    let mut camera = door.connect(&door.org.device).await;
    camera.hello("first").await;
    let came = door.frames(&mut camera, "anna", 3).await;
    let sighting = came["sighting"].as_str().unwrap();
    door.frames(&mut camera, "anna", 15).await;
    let path = format!("/api/v1/sightings/{sighting}/disown");
    let disowned = door
        .office
        .call("POST", &path, &door.org.device, &[], None)
        .await;
    assert_eq!(disowned.status.as_u16(), 204);
    let path = format!(
        "/api/v1/people/{}/punches?from=2026-03-02&to=2026-03-02",
        door.anna
    );
    let punches = async || {
        let punches = door.office.get(&path, &door.org.manager).await.expect(200);
        punches.as_array().unwrap().len()
    };
    let before = punches().await;
    // The form for the PIN is open, and no frame comes.
    door.office.clock.advance(SignedDuration::from_secs(3));
    let mut states = Vec::new();
    for _ in 0..10 {
        let state = door.frames(&mut camera, "anna", 1).await;
        assert!(state.get("name").is_none(), "{state}");
        states.push(state["state"].clone());
    }
    assert!(states.contains(&json!("unknown")), "{states:?}");
    assert_eq!(punches().await, before);
    door.frames(&mut camera, "nobody", 5).await;
    door.office.clock.advance(SignedDuration::from_secs(30));
    let came = door.frames(&mut camera, "anna", 3).await;
    assert_eq!(came["name"], "Person 1", "{came}");
}

#[tokio::test]
async fn a_pairing_link_works_once_and_for_an_hour() {
    let door = Door::new().await;
    let path = format!("/api/v1/devices/{}/pairing", door.org.device_id);
    let invite = async || {
        let code = door.office.post(&path, &door.org.admin, json!({})).await;
        code.expect(201)["token"].as_str().unwrap().to_owned()
    };
    let pair = async |code: &str| {
        door.office
            .post("/api/v1/pairing", "", json!({ "code": code }))
            .await
    };
    let (first, code) = (invite().await, invite().await);
    assert_eq!(
        pair(&first).await.problem(403),
        "wrong_link",
        "a newer one was made"
    );
    let me = async |token: &str| door.office.get("/api/v1/me", token).await.status.as_u16();
    assert_eq!(
        me(&door.org.device).await,
        200,
        "the old token works until then"
    );
    let paired = pair(&code).await.expect(200);
    assert_eq!(
        (&paired["device"], &paired["name"]),
        (&json!(door.org.device_id), &json!("door"))
    );
    let token = paired["token"].as_str().unwrap();
    assert_eq!((me(token).await, me(&door.org.device).await), (200, 401));
    assert_eq!(
        pair(&code).await.problem(403),
        "wrong_link",
        "it works once"
    );
    assert_eq!(
        door.office
            .call("GET", "/api/v1/me", &code, &[], None)
            .await
            .problem(401),
        "wrong_token",
        "the code is no token"
    );
    // A wrong code does not wait for those that write.
    let writes = door.office.store.write().await.unwrap();
    let wrong = tokio::time::timeout(Duration::from_secs(5), pair("fk_wrong"));
    assert_eq!(wrong.await.unwrap().problem(403), "wrong_link");
    drop(writes);
    let late = invite().await;
    door.office.clock.advance(SignedDuration::from_secs(3600));
    assert_eq!(pair(&late).await.problem(403), "wrong_link");
}
