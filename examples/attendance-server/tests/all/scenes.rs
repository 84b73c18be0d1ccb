//! Faces of frames, as a test wants them, and a recognition with prepared answers.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use attendance_server::{
    error::{Error, ErrorKind, Result},
    id::Id,
    recognition::{Analyzed, Faces, Frame, Models, Recognition, Room},
};
use axum::body::Bytes;
use facekit::{
    Detection, Identity, Landmarks, LivenessScore, NewTemplate, Outcome, PersonId, Point, Quality,
    QualityIssue, Rect, Template,
};
use serde_json::json;
use tokio::sync::watch;

/// The size of the frames.
pub(crate) const SIZE: (usize, usize) = (640, 480);

/// The face of a frame.
#[derive(Clone, Debug)]
pub(crate) struct Face {
    pub(crate) outcome: Outcome,
    pub(crate) liveness: Option<f32>,
    /// The middle, in pixels.
    pub(crate) middle: (f32, f32),
    /// The height, in pixels.
    pub(crate) height: f32,
    /// The rotation to the side, in degrees.
    pub(crate) yaw: f32,
}

impl Face {
    /// A face in the middle of the frame, live.
    pub(crate) fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            liveness: Some(0.9),
            middle: (320.0, 220.0),
            height: 160.0,
            yaw: 0.0,
        }
    }

    pub(crate) fn of(person: &str) -> Self {
        let person = PersonId::new(person).unwrap();
        Self::new(Outcome::Known(Identity::new(person, 0.8)))
    }

    pub(crate) fn stranger() -> Self {
        Self::new(Outcome::Unknown { nearest: None })
    }

    pub(crate) fn picture() -> Self {
        Self::new(Outcome::Spoof).live(0.1)
    }

    pub(crate) fn poor(issue: QualityIssue) -> Self {
        let mut face = Self::new(Outcome::PoorQuality {
            issues: vec![issue],
        });
        face.liveness = None;
        face
    }

    pub(crate) fn live(mut self, score: f32) -> Self {
        self.liveness = Some(score);
        self
    }

    pub(crate) fn at(mut self, x: f32, y: f32) -> Self {
        self.middle = (x, y);
        self
    }

    pub(crate) fn high(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    pub(crate) fn turned(mut self, yaw: f32) -> Self {
        self.yaw = yaw;
        self
    }

    fn recognition(&self) -> facekit::Recognition {
        let (x, y) = self.middle;
        let (width, height) = (0.75 * self.height, self.height);
        let point = |dx: f32, dy: f32| Point::new(x + dx * width, y + dy * height);
        let detection = Detection {
            rect: Rect::new(x - width / 2.0, y - height / 2.0, width, height),
            landmarks: Landmarks {
                left_eye: point(-0.2, -0.1),
                right_eye: point(0.2, -0.1),
                nose: point(0.0, 0.1),
                left_mouth: point(-0.15, 0.25),
                right_mouth: point(0.15, 0.25),
            },
            score: 0.9,
        };
        let quality: Quality = serde_json::from_value(json!({
            "score": 0.9, "eye_distance": 0.4 * width, "sharpness": 0.2, "brightness": 0.5, "contrast": 0.2,
            "pose": { "yaw": self.yaw, "pitch": 0.0, "roll": 0.0 }, "visible": 1.0,
        }))
        .unwrap();
        let mut face = facekit::Recognition::new(detection, quality, self.outcome.clone());
        face.liveness = self.liveness.map(LivenessScore::new);
        face
    }
}

/// The faces of a frame.
pub(crate) fn faces(list: &[Face]) -> Faces {
    let mut list = list.to_vec();
    // The largest one is the first.
    list.sort_by(|one, two| two.height.total_cmp(&one.height));
    Faces {
        width: SIZE.0,
        height: SIZE.1,
        faces: list.iter().map(Face::recognition).collect(),
    }
}

/// A recognition whose answers are prepared: an image is the name of its answer.
#[derive(Debug)]
pub(crate) struct Prepared {
    models: Models,
    answers: Mutex<HashMap<String, Vec<Face>>>,
    /// The time that each frame takes.
    pub(crate) takes: Duration,
    /// The frames that were searched, with the sites of the search.
    pub(crate) seen: Mutex<Vec<(String, Option<Vec<Id>>)>>,
    at_once: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
}

impl Prepared {
    pub(crate) fn new(has_liveness: bool) -> Self {
        Self {
            models: Models {
                name: "prepared".to_owned(),
                runtime: "none".to_owned(),
                space: "prepared".to_owned(),
                earlier: Vec::new(),
                missing_spaces: Vec::new(),
                has_liveness,
            },
            answers: Mutex::default(),
            takes: Duration::ZERO,
            seen: Mutex::default(),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        }
    }

    /// The answer for an image.
    pub(crate) fn prepare(&self, image: &str, faces: Vec<Face>) {
        self.answers.lock().unwrap().insert(image.to_owned(), faces);
    }
}

#[async_trait]
impl Recognition for Prepared {
    fn models(&self) -> &Models {
        &self.models
    }

    fn room(&self, _: Id) -> Option<Room> {
        None
    }

    async fn load(&self, _: Id, _: Vec<(Id, Template)>) -> Result<()> {
        Ok(())
    }

    async fn follow(&self, _: Id, _: Id, _: Id, _: Vec<Template>) -> Result<()> {
        Ok(())
    }

    async fn analyze(
        &self,
        _: Id,
        _: Id,
        _: Id,
        _: Vec<Bytes>,
        _: watch::Sender<usize>,
    ) -> Result<Analyzed> {
        Err(Error::new(
            ErrorKind::Unavailable,
            "busy",
            "Nothing is prepared for enrolment.",
        ))
    }

    async fn embed_again(&self, _: Vec<NewTemplate>) -> Result<Vec<NewTemplate>> {
        Ok(Vec::new())
    }

    async fn recognize(&self, frame: Frame) -> Result<Faces> {
        let name = String::from_utf8_lossy(&frame.image).into_owned();
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push((name.clone(), frame.sites));
        let answer = self.answers.lock().unwrap().get(&name).cloned();
        let answer = answer.ok_or_else(|| {
            Error::invalid("/image", "unreadable_image", "The image cannot be read.")
        })?;
        Ok(faces(&answer))
    }
}
