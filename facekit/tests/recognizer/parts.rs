//! A detector, an embedder, a liveness check and a store for scenes.

use std::{sync::Arc, sync::Mutex, thread, time::Duration};

use facekit::{
    AlignedFace, Calibration, CalibrationPoint, DetectOptions, Detection, Detector, Digest,
    Embedder, Embedding, EmbeddingSpace, EnrollOptions, Error, FlatIndex, Gallery, ImageView,
    Liveness, LivenessScore, MemoryStore, Metric, NewTemplate, Outcome, Person, PersonId,
    Recognition, Recognizer, RecognizerBuilder, Result, Template, TemplateId, TemplateStore,
    Threshold,
};
use jiff::Timestamp;

use crate::scenes::{Face, NAN, NO_SCORE, face, faces_of, scene};

/// Reads the first row of the scene.
#[derive(Debug)]
pub(crate) struct FirstRow;

impl Detector for FirstRow {
    fn detect(&self, image: ImageView<'_>, _: &DetectOptions) -> Result<Vec<Detection>> {
        Ok(faces_of(image)
            .into_iter()
            .map(|(_, detection)| detection)
            .collect())
    }

    fn largest_side(&self) -> Option<usize> {
        None
    }
}

/// Embeds the mean color of the middle of a face, relative to gray.
#[derive(Debug)]
pub(crate) struct MeanColor {
    pub(crate) space: EmbeddingSpace,
    /// The number of faces in each call so far.
    pub(crate) calls: Arc<Mutex<Vec<usize>>>,
    /// Returns one embedding too few.
    pub(crate) forgetful: bool,
}

pub(crate) fn space() -> EmbeddingSpace {
    EmbeddingSpace::new("mean color", Digest::of("mean color"), 3)
}

pub(crate) fn another_space() -> EmbeddingSpace {
    EmbeddingSpace::new("mean color 2", Digest::of("mean color 2"), 3)
}

pub(crate) fn mean_color() -> MeanColor {
    MeanColor {
        space: space(),
        calls: Arc::default(),
        forgetful: false,
    }
}

impl Embedder for MeanColor {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn face_side(&self) -> usize {
        112
    }

    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
        self.calls.lock().unwrap().push(faces.len());
        let faces = &faces[..faces.len() - usize::from(self.forgetful)];
        let embed = |face: &AlignedFace| {
            let side = face.side();
            let mut sums = [0.0; 3];
            for y in side / 4..side - side / 4 {
                let row = &face.image().data()[3 * side * y..][..3 * side];
                for pixel in row[3 * (side / 4)..3 * (side - side / 4)].chunks_exact(3) {
                    for (sum, value) in sums.iter_mut().zip(pixel) {
                        *sum += f32::from(*value) - 128.0;
                    }
                }
            }
            Embedding::new(&self.space, sums.to_vec())
        };
        faces.iter().map(embed).collect()
    }
}

/// The least size of a scene relative to a face at which [`Scripted`] judges the face.
pub(crate) const LEAST_CONTEXT: f32 = 1.5;

/// Returns the liveness that the scene states for each face.
#[derive(Debug)]
pub(crate) struct Scripted;

impl Liveness for Scripted {
    fn assess(&self, image: ImageView<'_>, faces: &[Detection]) -> Result<Vec<LivenessScore>> {
        let scripts = faces_of(image);
        let script = |detection: &Detection| {
            let found = scripts
                .iter()
                .find(|(_, other)| other.rect == detection.rect);
            found.expect("the face of the scene").0.live
        };
        let scores = faces
            .iter()
            .map(script)
            .take_while(|&live| live != NO_SCORE);
        let score = |live| match live {
            NAN => f32::NAN,
            percent => f32::from(percent) / 100.0,
        };
        Ok(scores.map(|live| LivenessScore::new(score(live))).collect())
    }

    fn least_context(&self) -> f32 {
        LEAST_CONTEXT
    }
}

pub(crate) fn gallery() -> Gallery {
    Gallery::open(MemoryStore::new(), FlatIndex::new(space(), Metric::Cosine)).unwrap()
}

/// Two faces match up to an angle of 25 degrees.
pub(crate) const THRESHOLD: f32 = 0.9;

pub(crate) fn parts() -> RecognizerBuilder {
    Recognizer::builder()
        .detector(FirstRow)
        .embedder(mean_color())
        .threshold(Threshold::Score(THRESHOLD))
}

/// A recognizer with an empty gallery.
pub(crate) fn recognizer() -> Recognizer {
    parts().gallery(gallery()).build().unwrap()
}

pub(crate) fn calibration() -> Calibration {
    let points = [(1e-1, 0.5), (1e-2, 0.7), (1e-3, 0.85), (1e-4, 0.95)];
    let points = points.map(|(fmr, score)| CalibrationPoint::new(fmr, score));
    Calibration::new(&space(), points.to_vec(), "made up").unwrap()
}

pub(crate) fn id(text: &str) -> PersonId {
    PersonId::new(text).unwrap()
}

pub(crate) fn enroll(recognizer: &Recognizer, person: &str, degrees: f32) {
    let photo = scene(&[face(degrees)]);
    let report = recognizer
        .enroll(&id(person), &[photo.view()], &EnrollOptions::default())
        .unwrap();
    assert_eq!(report.accepted, [0], "{report:?}");
}

pub(crate) fn at_angle(degrees: f32) -> Embedding {
    let (sin, cos) = degrees.to_radians().sin_cos();
    Embedding::new(&space(), vec![cos, sin, 0.0]).unwrap()
}

pub(crate) fn add(gallery: &Gallery, person: &str, angles: &[f32]) -> Vec<TemplateId> {
    let now = Timestamp::now();
    let template = |&degrees: &f32| NewTemplate::new(at_angle(degrees), 1.0, now);
    let templates: Vec<_> = angles.iter().map(template).collect();
    gallery
        .add(&Person::new(id(person), now), &templates)
        .unwrap()
}

/// A store that is slow to write, or that fails after it has removed people.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    store: MemoryStore,
    delay: Duration,
    fails: bool,
}

impl FaultyStore {
    pub(crate) fn slow() -> Self {
        Self {
            store: MemoryStore::new(),
            delay: Duration::from_millis(20),
            fails: false,
        }
    }

    pub(crate) fn failing() -> Self {
        Self {
            store: MemoryStore::new(),
            delay: Duration::ZERO,
            fails: true,
        }
    }
}

impl TemplateStore for FaultyStore {
    fn put(&self, person: &Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>> {
        thread::sleep(self.delay);
        self.store.put(person, templates)
    }

    fn remove(&self, people: &[PersonId]) -> Result<usize> {
        let removed = self.store.remove(people)?;
        if !self.fails {
            return Ok(removed);
        }
        Err(Error::Store {
            store: "odd".into(),
            action: "erasing",
            source: "no reason".into(),
        })
    }

    fn remove_templates(&self, templates: &[TemplateId]) -> Result<usize> {
        self.store.remove_templates(templates)
    }

    fn person(&self, id: &PersonId) -> Result<Option<Person>> {
        self.store.person(id)
    }

    fn templates_of(&self, person: &PersonId) -> Result<Vec<Template>> {
        self.store.templates_of(person)
    }

    fn people(&self) -> Result<Vec<Person>> {
        self.store.people()
    }

    fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
        self.store.templates(visit)
    }

    fn crops(
        &self,
        visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
    ) -> Result<()> {
        self.store.crops(visit)
    }
}

/// "known anna", "unknown", "spoof", "poor quality" for each face.
pub(crate) fn outcomes(recognitions: &[Recognition]) -> Vec<String> {
    let name = |recognition: &Recognition| match &recognition.outcome {
        Outcome::Known(identity) => format!("known {}", identity.person),
        Outcome::Unknown { .. } => "unknown".to_owned(),
        Outcome::Spoof => "spoof".to_owned(),
        Outcome::TightCrop { .. } => "tight crop".to_owned(),
        Outcome::PoorQuality { .. } => "poor quality".to_owned(),
        other => format!("{other:?}"),
    };
    recognitions.iter().map(name).collect()
}

pub(crate) fn recognized(recognizer: &Recognizer, faces: &[Face]) -> Vec<String> {
    outcomes(&recognizer.recognize(scene(faces).view()).unwrap())
}
