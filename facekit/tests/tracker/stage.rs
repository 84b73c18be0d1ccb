//! Scripted videos: for each frame the faces that it shows. A face is a textured square, and people differ by the angle of its
//! color about gray, so that the similarity of two faces is the cosine between their angles.

use std::{
    fmt::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use facekit::{
    AlignedFace, Calibration, CalibrationPoint, DetectOptions, Detection, Detector, Digest,
    Embedder, Embedding, EmbeddingSpace, EntryId, Error, FlatIndex, Gallery, Image, ImageView,
    Landmarks, Liveness, LivenessScore, MemoryStore, Metric, NewTemplate, Outcome, Person,
    PersonId, Point, Recognizer, Rect, Result, ScoredEntry, SearchOptions, Threshold, Track,
    TrackEvent, Tracker, TrackerOptions, VectorIndex,
};
use jiff::Timestamp;

pub(crate) const WIDTH: usize = 640;
pub(crate) const HEIGHT: usize = 360;

/// A face in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shown {
    /// The left edge, in pixels.
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) side: f32,
    pub(crate) degrees: f32,
    pub(crate) score: f32,
    /// The liveness score.
    pub(crate) live: f32,
    /// False for a face without texture, which the quality gate refuses.
    pub(crate) is_fit: bool,
}

/// A good face of 60 pixels at this place, with the color at this angle.
pub(crate) fn face(x: f32, degrees: f32) -> Shown {
    Shown {
        x,
        y: 100.0,
        side: 60.0,
        degrees,
        score: 0.9,
        live: 0.9,
        is_fit: true,
    }
}

impl Shown {
    pub(crate) fn y(self, y: f32) -> Self {
        Self { y, ..self }
    }

    pub(crate) fn score(self, score: f32) -> Self {
        Self { score, ..self }
    }

    pub(crate) fn live(self, live: f32) -> Self {
        Self { live, ..self }
    }

    pub(crate) fn unfit(self) -> Self {
        Self {
            is_fit: false,
            ..self
        }
    }

    pub(crate) fn rect(&self) -> Rect {
        Rect::new(self.x, self.y, self.side, self.side)
    }

    fn detection(&self) -> Detection {
        // ArcFace's template: the aligned face is the square itself.
        let landmarks = [
            (38.2946, 51.6963),
            (73.5318, 51.5014),
            (56.0252, 71.7366),
            (41.5493, 92.3655),
            (70.7299, 92.2041),
        ];
        let scale = self.side / 112.0;
        let place = |(x, y): (f32, f32)| Point::new(self.x + x * scale, self.y + y * scale);
        Detection {
            rect: self.rect(),
            landmarks: Landmarks::from(landmarks.map(place)),
            score: self.score,
        }
    }
}

/// The frame that the tracker sees now, which detector and liveness check read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stage {
    faces: Arc<Mutex<Vec<Shown>>>,
    searches: Arc<AtomicUsize>,
    embedded: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
}

impl Stage {
    /// Sets whether searches in the gallery fail from now on.
    pub(crate) fn set_failing(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }

    fn faces(&self) -> Vec<Shown> {
        let faces = self.faces.lock();
        faces.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, faces: &[Shown]) {
        *self.faces.lock().unwrap() = faces.to_vec();
    }

    /// The number of frames in which faces were searched.
    pub(crate) fn searches(&self) -> usize {
        self.searches.load(Ordering::Relaxed)
    }

    /// The number of faces that were embedded.
    pub(crate) fn embedded(&self) -> usize {
        self.embedded.load(Ordering::Relaxed)
    }
}

impl Detector for Stage {
    fn detect(&self, _: ImageView<'_>, options: &DetectOptions) -> Result<Vec<Detection>> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        let mut found: Vec<Detection> = self.faces().iter().map(Shown::detection).collect();
        found.retain(|face| options.score.is_none_or(|score| face.score >= score));
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(found)
    }

    fn largest_side(&self) -> Option<usize> {
        None
    }
}

impl Liveness for Stage {
    fn assess(&self, _: ImageView<'_>, faces: &[Detection]) -> Result<Vec<LivenessScore>> {
        let shown = self.faces();
        let score = |face: &Detection| {
            let shown = shown.iter().find(|shown| shown.rect() == face.rect);
            LivenessScore::new(shown.expect("a face of the frame").live)
        };
        Ok(faces.iter().map(score).collect())
    }

    fn least_context(&self) -> f32 {
        LEAST_CONTEXT
    }
}

/// The least size of a frame relative to a face at which the liveness check judges the face.
pub(crate) const LEAST_CONTEXT: f32 = 2.0;

/// Embeds the mean color of the middle of a face, relative to gray.
#[derive(Debug)]
struct MeanColor {
    space: EmbeddingSpace,
    stage: Stage,
}

impl Embedder for MeanColor {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn face_side(&self) -> usize {
        112
    }

    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
        self.stage
            .embedded
            .fetch_add(faces.len(), Ordering::Relaxed);
        let embed = |face: &AlignedFace| {
            let middle = face.side() / 4..face.side() - face.side() / 4;
            let mut sums = vec![0.0; 3];
            for y in middle.clone() {
                for x in middle.clone() {
                    let pixel = &face.image().data()[3 * (face.side() * y + x)..][..3];
                    for (sum, value) in sums.iter_mut().zip(pixel) {
                        *sum += f32::from(*value) - 128.0;
                    }
                }
            }
            Embedding::new(&self.space, sums)
        };
        faces.iter().map(embed).collect()
    }
}

fn space() -> EmbeddingSpace {
    EmbeddingSpace::new("mean color", Digest::of("mean color"), 3)
}

/// Scores are cosines: 45.6°, 31.8° and 18.2° at rates of 1e-2, 1e-3 and 1e-4.
pub(crate) fn calibration() -> Calibration {
    let points = [(1e-1, 0.5), (1e-2, 0.7), (1e-3, 0.85), (1e-4, 0.95)];
    let points = points.map(|(fmr, score)| CalibrationPoint::new(fmr, score));
    Calibration::new(&space(), points.to_vec(), "made up").unwrap()
}

/// The people of the gallery, with the angles of their colors.
pub(crate) const PEOPLE: [(&str, f32); 3] = [("anna", 0.0), ("bert", 120.0), ("cleo", 240.0)];

/// An index whose searches fail if the stage says so.
#[derive(Debug)]
struct StagedIndex {
    index: FlatIndex,
    stage: Stage,
}

impl VectorIndex for StagedIndex {
    fn space(&self) -> &EmbeddingSpace {
        self.index.space()
    }

    fn metric(&self) -> Metric {
        self.index.metric()
    }

    fn len(&self) -> usize {
        self.index.len()
    }

    fn insert(&self, entries: &[(EntryId, Embedding)]) -> Result<()> {
        self.index.insert(entries)
    }

    fn remove(&self, ids: &[EntryId]) -> Result<usize> {
        self.index.remove(ids)
    }

    fn search(&self, probe: &Embedding, options: &SearchOptions<'_>) -> Result<Vec<ScoredEntry>> {
        if self.stage.fails.load(Ordering::Relaxed) {
            return Err(Error::InvalidArgument {
                argument: "search",
                reason: "it fails here".to_owned(),
            });
        }
        self.index.search(probe, options)
    }
}

fn gallery(stage: &Stage) -> Gallery {
    let index = StagedIndex {
        index: FlatIndex::new(space(), Metric::Cosine),
        stage: stage.clone(),
    };
    let gallery = Gallery::open(MemoryStore::new(), index).unwrap();
    for (name, degrees) in PEOPLE {
        let (sin, cos) = f32::to_radians(degrees).sin_cos();
        let embedding = Embedding::new(&space(), vec![cos, sin, 0.0]).unwrap();
        let template = NewTemplate::new(embedding, 1.0, Timestamp::UNIX_EPOCH);
        let person = Person::new(PersonId::new(name).unwrap(), Timestamp::UNIX_EPOCH);
        gallery.add(&person, &[template]).unwrap();
    }
    gallery
}

/// A tracker over a stage.
pub(crate) struct Play {
    pub(crate) stage: Stage,
    pub(crate) recognizer: Arc<Recognizer>,
}

impl Play {
    /// Without a liveness check.
    pub(crate) fn new(threshold: Threshold) -> Self {
        Self::with_liveness(threshold, false)
    }

    pub(crate) fn with_liveness(threshold: Threshold, liveness: bool) -> Self {
        let stage = Stage::default();
        let embedder = MeanColor {
            space: space(),
            stage: stage.clone(),
        };
        let mut parts = Recognizer::builder()
            .detector(stage.clone())
            .embedder(embedder)
            .calibration(calibration())
            .threshold(threshold)
            .gallery(gallery(&stage));
        if liveness {
            parts = parts.liveness(stage.clone());
        }
        Self {
            stage,
            recognizer: Arc::new(parts.build().unwrap()),
        }
    }

    pub(crate) fn tracker(&self) -> Tracker {
        self.tracker_with(TrackerOptions::default())
    }

    pub(crate) fn tracker_with(&self, options: TrackerOptions) -> Tracker {
        Tracker::new(Arc::clone(&self.recognizer), options).unwrap()
    }

    /// The events of one frame.
    pub(crate) fn push(
        &self,
        tracker: &mut Tracker,
        milliseconds: i64,
        faces: &[Shown],
    ) -> Vec<TrackEvent> {
        self.stage.set(faces);
        let image = picture(faces, 0);
        tracker.push(image.view(), at(milliseconds)).unwrap()
    }

    /// The events of a video of so many frames a second, from its beginning to its end.
    pub(crate) fn events(
        &self,
        frames_per_second: f64,
        frames: usize,
        shown: impl Fn(f64) -> Vec<Shown>,
    ) -> Vec<TrackEvent> {
        let mut tracker = self.tracker();
        let mut events = Vec::new();
        let mut last = 0;
        for nth in 0..frames {
            let seconds = nth as f64 / frames_per_second;
            last = (1000.0 * seconds).round() as i64;
            events.extend(self.push(&mut tracker, last, &shown(seconds)));
        }
        events.extend(tracker.finish(at(last)).unwrap());
        events
    }
}

pub(crate) fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

/// A frame with these faces in front of the background `background`.
pub(crate) fn picture(faces: &[Shown], background: usize) -> Image {
    let mut image = Image::filled(WIDTH, HEIGHT, [0; 3]);
    let pixels = image.data_mut();
    for (nth, pixel) in pixels.chunks_exact_mut(3).enumerate() {
        let (x, y) = (nth % WIDTH / 20, nth / WIDTH / 20);
        let hash = (x * 31 + y * 17 + 1000 * background) as u32;
        let hash = hash.wrapping_mul(0x9E37_79B1);
        pixel.fill(((hash ^ (hash >> 15)).wrapping_mul(0x85EB_CA77) >> 24) as u8);
    }
    for face in faces {
        let (sin, cos) = face.degrees.to_radians().sin_cos();
        let color = [cos, sin, 0.0].map(|share| (128.0 + 60.0 * share).round() as i32);
        let range = |from: f32, most: usize| {
            let end = ((from + face.side).max(0.0) as usize).min(most);
            (from.max(0.0) as usize).min(end)..end
        };
        for y in range(face.y, HEIGHT) {
            for x in range(face.x, WIDTH) {
                // The texture moves with the face.
                let cell =
                    (x as f32 - face.x).div_euclid(3.0) + (y as f32 - face.y).div_euclid(3.0);
                let light = match (face.is_fit, cell as i32 % 2) {
                    (false, _) => 0,
                    (true, 0) => 30,
                    (true, _) => -30,
                };
                let pixel = color.map(|value| (value + light).clamp(0, 255) as u8);
                pixels[3 * (WIDTH * y + x)..][..3].copy_from_slice(&pixel);
            }
        }
    }
    image
}

/// The tracks that ended, in order.
pub(crate) fn ended(events: &[TrackEvent]) -> Vec<&Track> {
    let ended = events.iter().filter_map(|event| match event {
        TrackEvent::Ended(track) => Some(track),
        _ => None,
    });
    ended.collect()
}

/// "anna", "unknown", "spoof", "tight crop" or "undecided" for each track that ended, in order.
pub(crate) fn decisions(events: &[TrackEvent]) -> Vec<String> {
    let ended = ended(events).into_iter();
    ended.map(decision).collect()
}

fn decision(track: &Track) -> String {
    match &track.decision {
        None => "undecided".to_owned(),
        Some(Outcome::Known(identity)) => identity.person.to_string(),
        Some(Outcome::Unknown { .. }) => "unknown".to_owned(),
        Some(Outcome::Spoof) => "spoof".to_owned(),
        Some(Outcome::TightCrop { .. }) => "tight crop".to_owned(),
        Some(other) => format!("{other:?}"),
    }
}

/// The events of all tracks, one word each, such as "1:started 1:shot 1:anna 1:ended".
pub(crate) fn words(events: &[TrackEvent]) -> String {
    let mut words = String::new();
    for event in events {
        let word = match event {
            TrackEvent::Started { .. } => "started".to_owned(),
            TrackEvent::Shot { .. } => "shot".to_owned(),
            TrackEvent::Decided(track) => decision(track),
            TrackEvent::Ended(_) => "ended".to_owned(),
            other => format!("{other:?}"),
        };
        let space = if words.is_empty() { "" } else { " " };
        write!(words, "{space}{}:{word}", event.track()).unwrap();
    }
    words
}
