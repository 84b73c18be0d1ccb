//! The requests of the page, with simulated presentations, the models of facekit-nano and a clock of the tests.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, mpsc},
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, StatusCode},
};
use challenge_page::{Desk, router};
use facekit::{
    ChallengePrompt, Image, LoadOptions, Recognizer,
    image::{self, DecodeLimits},
    jiff::{SignedDuration, Timestamp},
};
use facekit_tract::Tract;
use http_body_util::BodyExt;
use presentations::{Presentation, Species};
use serde_json::{Value, json};
use tower::ServiceExt;

/// An action of the clock.
type Action = Box<dyn FnOnce() + Send>;

/// The program, with a clock that stands still between requests.
struct Program {
    router: Router,
    desk: Arc<Desk>,
    now: Arc<Mutex<Timestamp>>,
    /// The clock's action when it is read a second time, which is after a frame was judged.
    judged: Arc<Mutex<(usize, Option<Action>)>>,
    photo: Image,
    face: facekit::Landmarks,
}

impl Program {
    fn new() -> Self {
        let models = facekit_nano::registry().load("nano", &Tract::new(), &LoadOptions::default());
        let builder = Recognizer::builder().models(models.unwrap());
        let recognizer = builder.without_liveness().build().unwrap();
        let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/people/Ari/1.jpg");
        let photo = image::open(photo, &DecodeLimits::default()).unwrap();
        let face = recognizer.find_faces(photo.view()).unwrap().faces[0].landmarks;
        let now = Arc::new(Mutex::new(Timestamp::UNIX_EPOCH));
        let clock = Arc::clone(&now);
        let judged: Arc<Mutex<(usize, Option<Action>)>> = Arc::default();
        let readings = Arc::clone(&judged);
        let time = move || {
            let action = {
                let mut readings = readings.lock().unwrap();
                readings.0 += 1;
                (readings.0 == 2).then(|| readings.1.take()).flatten()
            };
            if let Some(action) = action {
                action();
            }
            *clock.lock().unwrap()
        };
        let desk = Arc::new(Desk::new(recognizer, Box::new(time)));
        Self {
            router: router(Arc::clone(&desk), vec!["door.example".to_owned()]),
            desk,
            now,
            judged,
            photo,
            face,
        }
    }

    fn set(&self, now: Timestamp) {
        *self.now.lock().unwrap() = now;
    }

    /// Sets the action after the next frame is judged.
    fn after_judging(&self, action: impl FnOnce() + Send + 'static) {
        *self.judged.lock().unwrap() = (0, Some(Box::new(action)));
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> (StatusCode, Value) {
        self.send(Method::POST, path, "127.0.0.1", &[], body).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        visitor: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        if headers.iter().all(|(name, _)| *name != "host") {
            request = request.header("host", "127.0.0.1:8090");
        }
        let mut request = request.body(Body::from(body)).unwrap();
        let visitor = SocketAddr::new(visitor.parse().unwrap(), 50_000);
        request.extensions_mut().insert(ConnectInfo(visitor));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn issue(&self) -> (StatusCode, Value) {
        self.post("/challenges", Vec::new()).await
    }

    /// Shows a presentation to a new challenge: the last answer, and the path of the frames.
    async fn show(&self, species: &str) -> (Value, String) {
        let species = Species::named(species).unwrap();
        let mut presentation = Presentation::new(species, &self.photo, &self.face, 1).unwrap();
        self.set(presentation.at());
        let (status, issued) = self.issue().await;
        assert_eq!(status, StatusCode::CREATED, "{issued}");
        let path = format!("/challenges/{}/frames", issued["id"].as_str().unwrap());
        let mut prompt = prompt(0, "middle", None);
        loop {
            let at = presentation.at();
            self.set(at);
            let frame = image::encode_jpeg(&presentation.frame(&prompt), 92);
            let (status, answer) = self.post(&path, frame).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
            let shown = &answer["prompt"];
            // A prompt has these values, and nothing of a later one.
            let keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["begun", "dot", "key", "moves", "number"]);
            if answer["outcome"] != "undecided" {
                return (answer, path);
            }
            assert!(answer.get("reasons").is_none(), "{answer}");
            let number = shown["number"].as_u64().unwrap() as usize;
            if number > prompt.number {
                assert_eq!(number, prompt.number + 1);
                prompt = self::prompt(number, shown["dot"].as_str().unwrap(), Some(at));
            }
        }
    }
}

fn prompt(number: usize, dot: &str, since: Option<Timestamp>) -> ChallengePrompt {
    let prompt = json!({ "number": number, "moves": 4, "dot": dot, "since": since });
    serde_json::from_value(prompt).unwrap()
}

#[tokio::test]
async fn a_head_passes_and_a_challenge_serves_once() {
    let program = Program::new();
    let (answer, path) = program.show("head").await;
    assert_eq!(answer["outcome"], "passed", "{answer:#}");
    assert_eq!(answer["reasons"], json!([]));
    // Nothing says how near the depth was to its limit.
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["outcome", "prompt", "reasons"]);
    assert_eq!(program.desk.open(), 0);
    let frame = image::encode_jpeg(&program.photo, 92);
    let (status, again) = program.post(&path, frame).await;
    assert_eq!(
        (status, again),
        (StatusCode::NOT_FOUND, json!({ "error": "over" }))
    );
}

#[tokio::test]
async fn a_still_picture_fails_with_a_reason() {
    let program = Program::new();
    let (answer, _) = program.show("still").await;
    assert_eq!(answer["outcome"], "failed");
    assert_eq!(answer["reasons"], json!(["answered_too_late"]));
}

#[tokio::test]
async fn a_visitor_has_three_attempts_in_ten_minutes() {
    let program = Program::new();
    let start = Timestamp::from_second(1_000_000).unwrap();
    let mut ids = Vec::new();
    for attempt in 1..=3 {
        program.set(start + SignedDuration::from_secs(attempt));
        let (status, issued) = program.issue().await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(issued["attempt"], attempt);
        ids.push(issued["id"].as_str().unwrap().to_owned());
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    program.set(start + SignedDuration::from_secs(599));
    let refused = (
        StatusCode::TOO_MANY_REQUESTS,
        json!({ "error": "attempts" }),
    );
    assert_eq!(program.issue().await, refused);
    program.set(start + SignedDuration::from_secs(601));
    assert_eq!(program.issue().await.0, StatusCode::CREATED);
    assert_eq!(program.issue().await.0, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn bad_requests_are_refused_and_the_challenge_goes_on() {
    let program = Program::new();
    program.set(Timestamp::from_second(1_000_000).unwrap());
    let (_, issued) = program.issue().await;
    let path = format!("/challenges/{}/frames", issued["id"].as_str().unwrap());
    let broken = program.post(&path, b"no picture".to_vec()).await;
    assert_eq!(
        broken,
        (StatusCode::BAD_REQUEST, json!({ "error": "picture" }))
    );
    // Few bytes with many pixels.
    let bomb = Image::filled(1500, 1400, [9; 3]);
    let bomb = image::encode_jpeg(&bomb, 50);
    assert!(bomb.len() < 1 << 18);
    assert_eq!(program.post(&path, bomb).await.0, StatusCode::BAD_REQUEST);
    let large = program.post(&path, vec![0; (1 << 20) + 1]).await;
    assert_eq!(large.0, StatusCode::PAYLOAD_TOO_LARGE);
    let frame = image::encode_jpeg(&program.photo, 92);
    let unknown = program.post("/challenges/1/frames", frame.clone()).await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
    let (status, answer) = program.post(&path, frame).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["outcome"], "undecided");
    assert_eq!(answer["prompt"]["key"], "challenge-look-middle");
    assert_eq!(answer["prompt"]["begun"], false);
}

/// Another site's page cannot use up the attempts of a visitor, also if it gives its name to this computer.
#[tokio::test]
async fn requests_of_other_sites_are_refused() {
    let program = Program::new();
    program.set(Timestamp::from_second(1_000_000).unwrap());
    let refused = (StatusCode::FORBIDDEN, json!({ "error": "foreign" }));
    let issue = async |headers: &[(&str, &str)]| {
        program
            .send(
                Method::POST,
                "/challenges",
                "127.0.0.1",
                headers,
                Vec::new(),
            )
            .await
    };
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "http://127.0.0.1:8090"),
        ],
        &[
            ("host", "evil.example:8090"),
            ("origin", "http://evil.example:8090"),
            ("sec-fetch-site", "same-origin"),
        ],
        &[("host", "")],
    ] {
        assert_eq!(issue(headers).await, refused, "{headers:?}");
    }
    let page = program.send(
        Method::GET,
        "/",
        "127.0.0.1",
        &[("host", "evil.example")],
        vec![],
    );
    assert_eq!(page.await.0, StatusCode::FORBIDDEN);
    assert_eq!(program.desk.open(), 0);
    for headers in [
        &[
            ("origin", "http://127.0.0.1:8090"),
            ("sec-fetch-site", "same-origin"),
        ][..],
        &[("host", "door.example"), ("origin", "https://door.example")],
        &[("host", "[::1]:8090"), ("origin", "http://[::1]:8090")],
    ] {
        assert_eq!(issue(headers).await.0, StatusCode::CREATED, "{headers:?}");
    }
}

#[tokio::test]
async fn a_stopped_challenge_is_forgotten_and_its_attempt_counts() {
    let program = Program::new();
    program.set(Timestamp::from_second(1_000_000).unwrap());
    let (_, issued) = program.issue().await;
    let path = format!("/challenges/{}", issued["id"].as_str().unwrap());
    assert_eq!(program.desk.open(), 1);
    let stop = async || {
        program
            .send(Method::DELETE, &path, "127.0.0.1", &[], Vec::new())
            .await
            .0
    };
    assert_eq!(stop().await, StatusCode::NO_CONTENT);
    assert_eq!(program.desk.open(), 0);
    assert_eq!(stop().await, StatusCode::NOT_FOUND);
    assert_eq!(program.issue().await.1["attempt"], 2);
}

/// After 30 s the next frame gets the verdict; after 31 s nothing is left.
#[tokio::test]
async fn a_challenge_is_forgotten_after_its_time() {
    let program = Program::new();
    let start = Timestamp::from_second(1_000_000).unwrap();
    let frame = image::encode_jpeg(&program.photo, 92);
    let mut paths = Vec::new();
    for _ in 0..3 {
        program.set(start);
        let (_, issued) = program.issue().await;
        paths.push(format!(
            "/challenges/{}/frames",
            issued["id"].as_str().unwrap()
        ));
    }
    program.set(start + SignedDuration::from_millis(30_500));
    program.desk.forget();
    assert_eq!(program.desk.open(), 3);
    let (_, answer) = program.post(&paths[0], frame.clone()).await;
    assert_eq!(answer["outcome"], "failed");
    assert_eq!(answer["reasons"], json!(["no_face"]));
    program.set(start + SignedDuration::from_secs(31));
    let (status, _) = program.post(&paths[1], frame).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(program.desk.open(), 0, "a frame of one forgets the others");
    assert_eq!(program.issue().await.0, StatusCode::TOO_MANY_REQUESTS);
    program.set(start + SignedDuration::from_secs(700));
    assert_eq!(program.issue().await.0, StatusCode::CREATED);
    program.set(start + SignedDuration::from_secs(731));
    program.desk.forget();
    assert_eq!(program.desk.open(), 0);
}

/// A frame that arrives while the one before is judged is refused, and the challenge goes on.
#[tokio::test]
async fn two_frames_at_the_same_time_do_no_harm() {
    let program = Program::new();
    let start = Timestamp::from_second(1_000_000).unwrap();
    program.set(start);
    let (_, issued) = program.issue().await;
    let path = format!("/challenges/{}/frames", issued["id"].as_str().unwrap());
    let frame = image::encode_jpeg(&program.photo, 92);
    let (entered, is_entered) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    program.after_judging(move || {
        entered.send(()).unwrap();
        is_released.recv().unwrap();
    });
    let second = async {
        tokio::task::spawn_blocking(move || is_entered.recv().unwrap())
            .await
            .unwrap();
        let answer = program.post(&path, frame.clone()).await;
        release.send(()).unwrap();
        answer
    };
    let (first, second) = tokio::join!(program.post(&path, frame.clone()), second);
    assert_eq!(first.1["outcome"], "undecided", "{first:?}");
    assert_eq!(second, (StatusCode::CONFLICT, json!({ "error": "early" })));
    program.set(start + SignedDuration::from_millis(100));
    let other = image::encode_jpeg(&program.photo, 80);
    let (_, answer) = program.post(&path, other).await;
    assert_eq!(answer["outcome"], "undecided");
}

#[tokio::test]
async fn a_panic_ends_the_challenge() {
    let program = Program::new();
    program.set(Timestamp::from_second(1_000_000).unwrap());
    let (_, issued) = program.issue().await;
    let path = format!("/challenges/{}/frames", issued["id"].as_str().unwrap());
    let frame = image::encode_jpeg(&program.photo, 92);
    program.after_judging(|| panic!("a test"));
    let failed = program.post(&path, frame.clone()).await;
    assert_eq!(
        failed,
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            json!({ "error": "failed" })
        )
    );
    assert_eq!(program.post(&path, frame).await.0, StatusCode::NOT_FOUND);
    assert_eq!(program.desk.open(), 0);
}

#[tokio::test]
async fn too_many_challenges_are_refused_until_some_are_over() {
    let program = Program::new();
    let start = Timestamp::from_second(1_000_000).unwrap();
    program.set(start);
    let issue = async |visitor: String| {
        let path = "/challenges";
        program
            .send(Method::POST, path, &visitor, &[], Vec::new())
            .await
    };
    for visitor in 0..64 {
        let (status, _) = issue(format!("10.0.0.{visitor}")).await;
        assert_eq!(status, StatusCode::CREATED);
    }
    let busy = (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "busy" }));
    assert_eq!(issue("10.0.1.1".to_owned()).await, busy);
    program.set(start + SignedDuration::from_secs(31));
    assert_eq!(
        issue("10.0.1.1".to_owned()).await.1["attempt"],
        1,
        "a refusal is no attempt"
    );
}

/// A visitor with IPv6 can choose from 2⁶⁴ addresses.
#[tokio::test]
async fn attempts_count_for_a_network_of_ipv6() {
    let program = Program::new();
    program.set(Timestamp::from_second(1_000_000).unwrap());
    for (visitor, attempt) in [
        ("2001:db8::1", 1),
        ("2001:db8::ffff:2", 2),
        ("2001:db8:0:1::1", 1),
        ("192.0.2.1", 1),
        ("::ffff:192.0.2.1", 2),
        ("192.0.2.2", 1),
    ] {
        let issued = program
            .send(Method::POST, "/challenges", visitor, &[], Vec::new())
            .await;
        assert_eq!(issued.1["attempt"], attempt, "{visitor}");
    }
}

#[tokio::test]
async fn the_page_takes_nothing_from_elsewhere() {
    let program = Program::new();
    let request = Request::get("/")
        .header("host", "localhost:8090")
        .header("accept-language", "de")
        .body(Body::empty());
    let response = program
        .router
        .clone()
        .oneshot(request.unwrap())
        .await
        .unwrap();
    for (name, value) in [
        ("permissions-policy", "camera=(self)"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(response.headers()[name], value);
    }
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.starts_with("default-src 'self'"), "{policy}");
    let page = response.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(page.contains("Kamera starten"), "{page}");
    let links = ["href=\"/", "src=\"/"]
        .into_iter()
        .flat_map(|start| page.split(start).skip(1));
    let files: BTreeSet<&str> = links
        .filter_map(|link| link.split(['"', '#']).next())
        .collect();
    assert!(
        files.contains("challenge.js") && files.contains("icons.svg"),
        "{files:?}"
    );
    for file in files {
        let request = Request::get(format!("/{file}"))
            .header("host", "localhost:8090")
            .body(Body::empty())
            .unwrap();
        let status = program
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .status();
        assert_eq!(status, StatusCode::OK, "{file}");
    }
}
