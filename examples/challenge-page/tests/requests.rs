//! The requests of the page, with simulated presentations, the models of facekit-nano and a clock of the tests.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, StatusCode},
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

/// The program, with a clock that stands still between requests.
struct Program {
    router: Router,
    now: Arc<Mutex<Timestamp>>,
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
        let desk = Desk::new(recognizer, Box::new(move || *clock.lock().unwrap()));
        Self {
            router: router(desk),
            now,
            photo,
            face,
        }
    }

    fn set(&self, now: Timestamp) {
        *self.now.lock().unwrap() = now;
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> (StatusCode, Value) {
        let mut request = Request::post(path).body(Body::from(body)).unwrap();
        let visitor = SocketAddr::from(([127, 0, 0, 1], 50_000));
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
            assert!(answer.get("verdict").is_none(), "{answer}");
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
    let verdict = &answer["verdict"];
    assert_eq!(verdict["steps"].as_array().unwrap().len(), 4);
    assert_eq!(verdict["attempt"], 1);
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
    assert_eq!(answer["verdict"]["reasons"], json!(["answered_too_late"]));
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

#[tokio::test]
async fn the_page_takes_nothing_from_elsewhere() {
    let program = Program::new();
    let request = Request::get("/")
        .header("accept-language", "de")
        .body(Body::empty());
    let response = program
        .router
        .clone()
        .oneshot(request.unwrap())
        .await
        .unwrap();
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
