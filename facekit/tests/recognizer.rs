//! The recogniser and the gallery from outside, on parts that need no models.
//!
//! A scene is an image whose first row says where its faces are. Faces are squares of a textured colour; people differ
//! by the angle of that colour about grey, so that the similarity of two faces is the cosine between their angles.

#![cfg(feature = "engine")]

use std::{
    f32::consts::TAU,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use facekit::{
    AlignedFace, Calibration, CalibrationPoint, CancellationToken, DetectOptions, Detection,
    Detector, Digest, Embedder, Embedding, EmbeddingSpace, EnrollOptions, Error, ExactIndex,
    Gallery, Image, ImageView, Landmarks, Liveness, LivenessScore, MemoryStore, Metric,
    NewTemplate, Outcome, Person, PersonId, PixelFormat, Point, QualityOptions, Recognition,
    RecognizeOptions, Recognizer, RecognizerBuilder, Rect, Refusal, Result, Subject, Template,
    TemplateId, TemplateStore, Threshold, Verification, Watch,
};
use jiff::Timestamp;
use proptest::prelude::*;

// ---- scenes ----

/// A face in a scene: coordinates are in units of four pixels.
#[derive(Clone, Copy, Debug)]
struct Face {
    x: u8,
    y: u8,
    side: u8,
    degrees: f32,
    textured: bool,
    collapsed: bool,
    live: u8,
}

/// In place of a percentage of liveness: no number, and no score at all.
const NAN: u8 = 101;
const NO_SCORE: u8 = 102;

/// A fine face of the colour at this angle.
fn face(degrees: f32) -> Face {
    Face {
        x: 20,
        y: 20,
        side: 28,
        degrees,
        textured: true,
        collapsed: false,
        live: 90,
    }
}

impl Face {
    fn at(self, x: u8, y: u8) -> Self {
        Self { x, y, ..self }
    }

    fn side(self, side: u8) -> Self {
        Self { side, ..self }
    }

    fn live(self, live: u8) -> Self {
        Self { live, ..self }
    }

    fn rect(&self) -> Rect {
        let [x, y, side] = [self.x, self.y, self.side].map(|units| 4.0 * f32::from(units));
        Rect::new(x, y, side, side)
    }

    fn detection(&self, rank: usize) -> Detection {
        let rect = self.rect();
        let place = |(x, y): (f32, f32)| {
            let scale = if self.collapsed {
                0.0
            } else {
                rect.width / 112.0
            };
            Point::new(rect.x + x * scale, rect.y + y * scale)
        };
        // ArcFace's template: the aligned face is the square itself.
        let landmarks = [
            (38.2946, 51.6963),
            (73.5318, 51.5014),
            (56.0252, 71.7366),
            (41.5493, 92.3655),
            (70.7299, 92.2041),
        ];
        Detection {
            rect,
            landmarks: Landmarks::from(landmarks.map(place)),
            score: 0.9 - 0.01 * rank as f32,
        }
    }
}

/// An image of 640 × 480 pixels that shows `faces`.
fn scene(faces: &[Face]) -> Image {
    let mut image = Image::filled(640, 480, [0; 3]);
    let pixels = image.data_mut();
    pixels[0] = faces.len() as u8;
    for (nth, face) in faces.iter().enumerate() {
        let flags = u8::from(face.collapsed);
        let entry = [face.x, face.y, face.side, face.live, flags, 0];
        pixels[3 + 6 * nth..][..6].copy_from_slice(&entry);
        let (sin, cos) = face.degrees.to_radians().sin_cos();
        let color = [cos, sin, 0.0].map(|share| (128.0 + 60.0 * share).round() as i32);
        let [left, top, side] = [face.x, face.y, face.side].map(|units| 4 * usize::from(units));
        for y in top..top + side {
            for x in left..left + side {
                let light = match (face.textured, (x / 4 + y / 4) % 2) {
                    (false, _) => 0,
                    (true, 0) => 30,
                    (true, _) => -30,
                };
                let pixel = color.map(|value| (value + light) as u8);
                pixels[3 * (640 * y + x)..][..3].copy_from_slice(&pixel);
            }
        }
    }
    image
}

fn faces_of(image: ImageView<'_>) -> Vec<(Face, Detection)> {
    let pixels = image.rgb8();
    let entries = pixels[3..].chunks_exact(6).take(pixels[0].into());
    let faces = entries.enumerate().map(|(nth, entry)| {
        let face = Face {
            live: entry[3],
            collapsed: entry[4] == 1,
            ..face(0.0).at(entry[0], entry[1]).side(entry[2])
        };
        (face, face.detection(nth))
    });
    faces.collect()
}

// ---- parts ----

/// Reads the first row of the scene.
#[derive(Debug)]
struct FirstRow;

impl Detector for FirstRow {
    fn detect(&self, image: ImageView<'_>, _: &DetectOptions) -> Result<Vec<Detection>> {
        Ok(faces_of(image)
            .into_iter()
            .map(|(_, detection)| detection)
            .collect())
    }
}

/// The mean colour of the middle of a face, as seen from grey.
#[derive(Debug)]
struct MeanColor {
    space: EmbeddingSpace,
    /// The number of faces in each call so far.
    calls: Arc<Mutex<Vec<usize>>>,
    /// Gives one embedding less than it should.
    forgetful: bool,
}

fn space() -> EmbeddingSpace {
    EmbeddingSpace::new("mean color", Digest::of("mean color"), 3)
}

fn another_space() -> EmbeddingSpace {
    EmbeddingSpace::new("mean color 2", Digest::of("mean color 2"), 3)
}

fn mean_color() -> MeanColor {
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

/// Says of each face what the scene says.
#[derive(Debug)]
struct Scripted;

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
}

fn gallery() -> Gallery {
    Gallery::open(MemoryStore::new(), ExactIndex::new(space(), Metric::Cosine)).unwrap()
}

/// Two faces match up to an angle of 25 degrees.
const THRESHOLD: f32 = 0.9;

fn parts() -> RecognizerBuilder {
    Recognizer::builder()
        .detector(FirstRow)
        .embedder(mean_color())
        .threshold(Threshold::Score(THRESHOLD))
}

/// With an empty gallery.
fn recognizer() -> Recognizer {
    parts().gallery(gallery()).build().unwrap()
}

fn calibration() -> Calibration {
    let points = [(1e-1, 0.5), (1e-2, 0.7), (1e-3, 0.85), (1e-4, 0.95)];
    let points = points.map(|(fmr, score)| CalibrationPoint { fmr, score });
    Calibration::new(&space(), points.to_vec(), "made up").unwrap()
}

fn id(text: &str) -> PersonId {
    PersonId::new(text).unwrap()
}

fn enroll(recognizer: &Recognizer, person: &str, degrees: f32) {
    let photo = scene(&[face(degrees)]);
    let report = recognizer
        .enroll(&id(person), &[photo.view()], &EnrollOptions::default())
        .unwrap();
    assert_eq!(report.accepted, [0], "{report:?}");
}

fn at_angle(degrees: f32) -> Embedding {
    let (sin, cos) = degrees.to_radians().sin_cos();
    Embedding::new(&space(), vec![cos, sin, 0.0]).unwrap()
}

fn add(gallery: &Gallery, person: &str, angles: &[f32]) -> Vec<TemplateId> {
    let now = Timestamp::now();
    let template = |&degrees: &f32| NewTemplate::new(at_angle(degrees), 1.0, now);
    let templates: Vec<_> = angles.iter().map(template).collect();
    gallery
        .add(&Person::new(id(person), now), &templates)
        .unwrap()
}

/// A store that takes its time to write, or fails after it has removed somebody.
#[derive(Debug)]
struct Odd {
    store: MemoryStore,
    delay: Duration,
    fails: bool,
}

impl Odd {
    fn slow() -> Self {
        Self {
            store: MemoryStore::new(),
            delay: Duration::from_millis(20),
            fails: false,
        }
    }

    fn failing() -> Self {
        Self {
            store: MemoryStore::new(),
            delay: Duration::ZERO,
            fails: true,
        }
    }
}

impl TemplateStore for Odd {
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
fn outcomes(recognitions: &[Recognition]) -> Vec<String> {
    let name = |recognition: &Recognition| match &recognition.outcome {
        Outcome::Known(identity) => format!("known {}", identity.person),
        Outcome::Unknown { .. } => "unknown".to_owned(),
        Outcome::Spoof => "spoof".to_owned(),
        Outcome::PoorQuality { .. } => "poor quality".to_owned(),
        other => format!("{other:?}"),
    };
    recognitions.iter().map(name).collect()
}

fn recognized(recognizer: &Recognizer, faces: &[Face]) -> Vec<String> {
    outcomes(&recognizer.recognize(scene(faces).view()).unwrap())
}

// ---- recognition ----

#[test]
fn every_outcome() {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 120.0);
    let frame = scene(&[
        face(5.0).at(4, 4),
        face(118.0).at(36, 4),
        face(60.0).at(68, 4),
        face(0.0).at(100, 4).live(20),
        Face {
            textured: false,
            ..face(0.0).at(4, 40)
        },
        face(0.0).at(40, 40).side(6),
    ]);
    let found = recognizer.recognize(frame.view()).unwrap();
    let expected = [
        "known anna",
        "known bela",
        "unknown",
        "spoof",
        "poor quality",
        "poor quality",
    ];
    assert_eq!(outcomes(&found), expected);

    let Outcome::Known(anna) = &found[0].outcome else {
        unreachable!()
    };
    assert!((anna.score - 5_f32.to_radians().cos()).abs() < 0.01);
    assert_eq!((&anna.name, anna.fmr), (&None, None));
    assert!(found[0].embedding.is_some() && found[0].liveness.unwrap().value() == 0.9);
    // A stranger's nearest person is named all the same.
    let Outcome::Unknown {
        nearest: Some(nearest),
    } = &found[2].outcome
    else {
        unreachable!()
    };
    assert!((nearest.score - 0.5).abs() < 0.02);
    // What was refused is not embedded; what the quality gate refused is not checked either.
    assert!(found[3].embedding.is_none() && found[3].liveness.unwrap().value() == 0.2);
    assert!(found[4].embedding.is_none() && found[4].liveness.is_none());
    let codes = |nth: usize| match &found[nth].outcome {
        Outcome::PoorQuality { issues } => issues.iter().map(|issue| issue.code()).collect(),
        _ => Vec::new(),
    };
    assert!(codes(4).contains(&"blurred") && codes(4).contains(&"low_contrast"));
    assert!(codes(5).contains(&"too_small"));

    assert!(recognizer.recognize(scene(&[]).view()).unwrap().is_empty());
}

#[test]
fn without_a_gallery_everyone_is_unknown() {
    let recognizer = parts().build().unwrap();
    let found = recognizer.recognize(scene(&[face(0.0)]).view()).unwrap();
    assert_eq!(found[0].outcome, Outcome::Unknown { nearest: None });
    let photo = scene(&[face(0.0)]);
    assert!(matches!(
        recognizer.enroll(&id("anna"), &[photo.view()], &EnrollOptions::default()),
        Err(Error::InvalidArgument { .. })
    ));
    let empty = parts().gallery(gallery()).build().unwrap();
    let found = empty.recognize(scene(&[face(0.0)]).view()).unwrap();
    assert_eq!(found[0].outcome, Outcome::Unknown { nearest: None });
}

#[test]
fn landmarks_on_one_spot_are_no_face() {
    let collapsed = Face {
        collapsed: true,
        ..face(0.0).at(60, 20)
    };
    let found = recognizer()
        .recognize(scene(&[collapsed, face(0.0)]).view())
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].detection.rect, face(0.0).rect());
}

#[test]
fn the_format_of_the_image_does_not_matter() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    let frame = scene(&[face(0.0)]);
    let bgr: Vec<u8> = frame
        .data()
        .chunks(3)
        .flat_map(|p| [p[2], p[1], p[0]])
        .collect();
    let bgr = ImageView::new(&bgr, 640, 480, PixelFormat::Bgr8).unwrap();
    assert_eq!(
        outcomes(&recognizer.recognize(bgr).unwrap()),
        ["known anna"]
    );
}

#[test]
fn subjects() {
    let small = face(0.0).at(70, 50).side(20);
    let large = face(60.0).at(4, 4).side(40);
    let frame = scene(&[small, large]);
    let recognizer = recognizer();
    for (subject, expected) in [
        (Subject::All, vec![small.rect(), large.rect()]),
        (Subject::Largest, vec![large.rect()]),
        (Subject::Central, vec![small.rect()]),
    ] {
        let options = RecognizeOptions::default().with_subject(subject);
        let found = recognizer.recognize_with(frame.view(), &options).unwrap();
        let rects: Vec<Rect> = found.iter().map(|face| face.detection.rect).collect();
        assert_eq!(rects, expected, "{subject:?}");
        assert!(Subject::choose(subject, Vec::new(), (640, 480)).is_empty());
    }
    let kiosk = parts().subject(Subject::Largest).build().unwrap();
    assert_eq!(kiosk.recognize(frame.view()).unwrap().len(), 1);
    let all = RecognizeOptions::default().with_subject(Subject::All);
    assert_eq!(kiosk.recognize_with(frame.view(), &all).unwrap().len(), 2);
}

#[test]
fn a_roster_limits_the_search_itself() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 18.0);
    let frame = scene(&[face(3.0)]);
    let with = |roster: &[&str]| {
        let people: Vec<PersonId> = roster.iter().map(|person| id(person)).collect();
        let options = RecognizeOptions::default().with_roster(people);
        recognizer.recognize_with(frame.view(), &options)
    };
    assert_eq!(outcomes(&with(&["anna", "bela"]).unwrap()), ["known anna"]);
    // Anna is nearer, but not on the list: her results do not crowd out Bela's.
    assert_eq!(outcomes(&with(&["bela"]).unwrap()), ["known bela"]);
    assert_eq!(
        with(&[]).unwrap()[0].outcome,
        Outcome::Unknown { nearest: None }
    );
    let error = with(&["anna", "carla"]).unwrap_err();
    assert!(matches!(&error, Error::UnknownPerson { id } if id == "carla") && error.is_not_found());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_batch_is_what_its_frames_are(
        frames in prop::collection::vec(prop::collection::vec((0_u16..360, 0_u8..=100, any::<bool>()), 0..4), 0..5),
    ) {
        let embedder = mean_color();
        let calls = embedder.calls.clone();
        let recognizer = parts().embedder(embedder).liveness(Scripted).gallery(gallery()).build().unwrap();
        enroll(&recognizer, "anna", 0.0);
        enroll(&recognizer, "bela", 150.0);
        let scenes: Vec<Image> = frames.iter().map(|faces| {
            let faces: Vec<Face> = faces.iter().enumerate().map(|(nth, &(degrees, live, textured))| {
                Face { textured, ..face(f32::from(degrees)).at(4 + 32 * nth as u8, 8).live(live) }
            }).collect();
            scene(&faces)
        }).collect();
        let views: Vec<ImageView<'_>> = scenes.iter().map(Image::view).collect();

        calls.lock().unwrap().clear();
        let batch = recognizer.recognize_batch(&views, &RecognizeOptions::default()).unwrap();
        let fit = batch.iter().flatten().filter(|face| face.embedding.is_some()).count();
        prop_assert_eq!(&*calls.lock().unwrap(), &[fit][..], "all frames in one call");

        prop_assert_eq!(batch.len(), views.len());
        for (&view, batch) in views.iter().zip(&batch) {
            let one = recognizer.recognize(view).unwrap();
            prop_assert_eq!(one.len(), batch.len());
            for (one, batch) in one.iter().zip(batch) {
                prop_assert_eq!(&one.outcome, &batch.outcome);
                prop_assert_eq!(&one.detection, &batch.detection);
                prop_assert_eq!(&one.quality, &batch.quality);
                prop_assert_eq!(&one.liveness, &batch.liveness);
                prop_assert_eq!(&one.embedding, &batch.embedding);
            }
        }
    }

    #[test]
    fn a_match_is_what_the_threshold_says(enrolled in 0_u16..360, seen in 0_u16..360) {
        let apart = (f32::from(enrolled) - f32::from(seen)).to_radians().cos();
        // Colours are whole numbers: near the threshold either answer is right.
        prop_assume!((apart - THRESHOLD).abs() > 0.02);
        let recognizer = recognizer();
        enroll(&recognizer, "anna", f32::from(enrolled));
        let expected = if apart >= THRESHOLD { "known anna" } else { "unknown" };
        prop_assert_eq!(recognized(&recognizer, &[face(f32::from(seen))]), [expected]);
    }
}

#[test]
fn an_embedder_that_loses_faces_is_an_error() {
    let embedder = MeanColor {
        forgetful: true,
        ..mean_color()
    };
    let recognizer = parts()
        .embedder(embedder)
        .gallery(gallery())
        .build()
        .unwrap();
    let photo = scene(&[face(0.0)]);
    let view = photo.view();
    assert!(recognizer.recognize(view).is_err());
    assert!(recognizer.verify(view, view).is_err());
    assert!(
        recognizer
            .enroll(&id("anna"), &[view, view], &EnrollOptions::default())
            .is_err()
    );
    assert!(recognizer.gallery().unwrap().people().is_empty());
}

// ---- thresholds ----

#[test]
fn a_false_match_rate_becomes_a_score() {
    // An angle of 28 degrees is a score of 0.883: a rate between 1e-3 (0.85) and 1e-4 (0.95).
    for (fmr, expected) in [(1e-3, "known anna"), (1e-4, "unknown")] {
        let recognizer = parts()
            .calibration(calibration())
            .threshold(Threshold::Fmr(fmr))
            .gallery(gallery())
            .build()
            .unwrap();
        enroll(&recognizer, "anna", 0.0);
        let found = recognizer.recognize(scene(&[face(28.0)]).view()).unwrap();
        assert_eq!(outcomes(&found), [expected]);
        let (Outcome::Known(identity)
        | Outcome::Unknown {
            nearest: Some(identity),
        }) = &found[0].outcome
        else {
            unreachable!()
        };
        let stands_for = identity.fmr.unwrap();
        assert!((1e-4..1e-3).contains(&stands_for), "{stands_for:e}");
    }
}

#[test]
fn a_search_rate_grows_stricter_with_the_templates_searched() {
    let recognizer = parts()
        .calibration(calibration())
        .threshold(Threshold::Fpir(0.05))
        .gallery(gallery())
        .build()
        .unwrap();
    let gallery = recognizer.gallery().unwrap();
    add(gallery, "anna", &[0.0]);
    // A score of 0.73. One template may be compared at a rate of 0.05 (score 0.56), forty at 0.0013 (0.83).
    assert_eq!(recognized(&recognizer, &[face(43.0)]), ["known anna"]);
    for stranger in 0..39 {
        add(gallery, &format!("stranger {stranger}"), &[180.0]);
    }
    assert_eq!(recognized(&recognizer, &[face(43.0)]), ["unknown"]);
    let roster = RecognizeOptions::default().with_roster([id("anna")]);
    let found = recognizer
        .recognize_with(scene(&[face(43.0)]).view(), &roster)
        .unwrap();
    assert_eq!(outcomes(&found), ["known anna"]);
}

#[test]
fn a_search_rate_that_asks_for_little_is_met_by_more() {
    // A rate of 0.2 among two templates is 0.106 a comparison, laxer than anything measured.
    let recognizer = parts()
        .calibration(calibration())
        .threshold(Threshold::Fpir(0.2))
        .gallery(gallery())
        .build()
        .unwrap();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 180.0);
    assert_eq!(
        recognized(&recognizer, &[face(50.0), face(70.0).at(60, 20)]),
        ["known anna", "unknown"]
    );
}

#[test]
fn a_search_rate_that_was_not_measured_is_an_error() {
    let recognizer = parts()
        .calibration(calibration())
        .threshold(Threshold::Fpir(1e-3))
        .gallery(gallery())
        .build()
        .unwrap();
    let angles: Vec<f32> = (0..20).map(|nth| nth as f32).collect();
    add(recognizer.gallery().unwrap(), "anna", &angles);
    let error = recognizer
        .recognize(scene(&[face(0.0)]).view())
        .unwrap_err();
    assert!(matches!(error, Error::RateOutOfRange { .. }), "{error}");
}

#[test]
fn what_does_not_fit_together_is_refused_at_build() {
    let other = Gallery::open(
        MemoryStore::new(),
        ExactIndex::new(another_space(), Metric::Cosine),
    )
    .unwrap();
    assert!(matches!(
        parts().gallery(other).build(),
        Err(Error::SpaceMismatch { .. })
    ));
    let other = Calibration::new(&another_space(), calibration().points().to_vec(), "").unwrap();
    assert!(matches!(
        parts().calibration(other).build(),
        Err(Error::SpaceMismatch { .. })
    ));

    for rate in [
        Threshold::default(),
        Threshold::Fmr(1e-3),
        Threshold::Fpir(1e-2),
    ] {
        assert!(
            matches!(
                parts().threshold(rate).build(),
                Err(Error::Uncalibrated { .. })
            ),
            "{rate:?}"
        );
    }
    let calibrated = |threshold| {
        parts()
            .calibration(calibration())
            .threshold(threshold)
            .build()
    };
    assert!(matches!(
        calibrated(Threshold::Fmr(1e-6)),
        Err(Error::RateOutOfRange { .. })
    ));
    assert!(matches!(
        calibrated(Threshold::Fmr(2.0)),
        Err(Error::InvalidArgument { .. })
    ));
    assert!(matches!(
        calibrated(Threshold::Fpir(f64::NAN)),
        Err(Error::InvalidArgument { .. })
    ));
    assert!(matches!(
        calibrated(Threshold::Score(f32::NAN)),
        Err(Error::InvalidArgument { .. })
    ));
    let mut broken = serde_json::to_value(calibration()).unwrap();
    broken["points"] = serde_json::json!([]);
    assert!(
        serde_json::from_value::<Calibration>(broken).is_err(),
        "points are checked when read"
    );

    for threshold in [-0.1, 1.1, f32::NAN] {
        let built = parts()
            .liveness(Scripted)
            .liveness_threshold(threshold)
            .build();
        assert!(
            matches!(built, Err(Error::InvalidArgument { .. })),
            "{threshold}"
        );
    }
    for (quality, named) in [
        (r#"{"min_contrast": 0.6}"#, "min_contrast"),
        (r#"{"max_yaw": -1}"#, "max_yaw"),
        (
            r#"{"min_brightness": 0.8, "max_brightness": 0.2}"#,
            "min_brightness",
        ),
    ] {
        let quality: QualityOptions = serde_json::from_str(quality).unwrap();
        let Err(error) = parts().quality(quality).build() else {
            panic!("{named} is out of range");
        };
        assert!(error.to_string().contains(named), "{error}");
    }
    let mut quality = QualityOptions::default();
    quality.min_sharpness = f32::NAN;
    assert!(parts().quality(quality).build().is_err());
    let built = Recognizer::builder().detector(FirstRow).build();
    assert!(matches!(
        built,
        Err(Error::InvalidArgument {
            argument: "embedder",
            ..
        })
    ));
    let built = Recognizer::builder().embedder(mean_color()).build();
    assert!(matches!(
        built,
        Err(Error::InvalidArgument {
            argument: "detector",
            ..
        })
    ));
}

// ---- liveness ----

#[test]
fn liveness_can_be_left_out() {
    let recognizer = parts()
        .liveness(Scripted)
        .without_liveness()
        .gallery(gallery())
        .build()
        .unwrap();
    assert!(recognizer.liveness().is_none());
    enroll(&recognizer, "anna", 0.0);
    let found = recognizer
        .recognize(scene(&[face(0.0).live(0)]).view())
        .unwrap();
    assert_eq!(outcomes(&found), ["known anna"]);
    assert_eq!(found[0].liveness, None);
}

#[test]
fn a_check_that_fails_never_counts_as_live() {
    for threshold in [0.0, 0.5, 1.0] {
        let recognizer = parts()
            .liveness(Scripted)
            .liveness_threshold(threshold)
            .gallery(gallery())
            .build()
            .unwrap();
        add(recognizer.gallery().unwrap(), "anna", &[0.0]);
        let frame = [
            face(0.0).at(4, 4).live(100),
            face(0.0).at(36, 4).live(NAN),
            face(0.0).at(68, 4).live(NO_SCORE),
            // The scores that came before belong to the faces before.
            face(0.0).at(100, 4).live(100),
        ];
        assert_eq!(
            recognized(&recognizer, &frame),
            ["known anna", "spoof", "spoof", "spoof"],
            "{threshold}"
        );
        for live in [NAN, NO_SCORE] {
            let photo = scene(&[face(0.0).live(live)]);
            let report = recognizer
                .enroll(&id("bela"), &[photo.view()], &EnrollOptions::default())
                .unwrap();
            assert!(
                matches!(report.refused[0].refusal, Refusal::Spoof { .. }),
                "{report:?}"
            );
        }
    }
    assert_eq!(
        serde_json::from_str::<LivenessScore>("7").unwrap(),
        LivenessScore::new(0.0)
    );
}

#[test]
fn the_liveness_threshold_is_inclusive() {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    let faces = [face(0.0).at(4, 4).live(50), face(0.0).at(36, 4).live(49)];
    assert_eq!(recognized(&recognizer, &faces), ["unknown", "spoof"]);
}

// ---- enrolment ----

#[test]
fn each_photo_becomes_a_template_or_a_reason() {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    let photos = [
        scene(&[face(0.0)]),
        scene(&[]),
        // A second face of half the area is somebody in the background.
        scene(&[face(5.0).side(40), face(90.0).at(80, 20).side(28)]),
        scene(&[face(0.0), face(90.0).at(80, 20)]),
        scene(&[Face {
            textured: false,
            ..face(0.0)
        }]),
        scene(&[face(0.0).live(10)]),
        scene(&[face(90.0)]),
    ];
    let views: Vec<ImageView<'_>> = photos.iter().map(Image::view).collect();
    let report = recognizer
        .enroll(&id("anna"), &views, &EnrollOptions::default())
        .unwrap();
    assert_eq!(
        (&report.person, &report.accepted[..]),
        (&id("anna"), &[0, 2][..])
    );
    assert_eq!(report.templates.len(), 2);
    let refused: Vec<usize> = report.refused.iter().map(|refused| refused.photo).collect();
    assert_eq!(refused, [1, 3, 4, 5, 6]);
    let reasons: Vec<&Refusal> = report
        .refused
        .iter()
        .map(|refused| &refused.refusal)
        .collect();
    assert!(matches!(reasons[0], Refusal::NoFace));
    assert!(matches!(reasons[1], Refusal::SeveralFaces { count: 2 }));
    assert!(matches!(reasons[2], Refusal::PoorQuality { issues } if !issues.is_empty()));
    assert!(matches!(reasons[3], Refusal::Spoof { liveness } if liveness.value() == 0.1));
    assert!(matches!(reasons[4], Refusal::AnotherPerson { score } if score.abs() < 0.2));
    assert!(
        report
            .refused
            .iter()
            .all(|refused| !refused.refusal.to_string().is_empty())
    );

    let mut quality = QualityOptions::enrollment();
    quality.max_pitch = 200.0;
    for options in [
        EnrollOptions::default().with_quality(quality),
        EnrollOptions::default().with_ambiguity(f32::NAN),
    ] {
        let refused = recognizer.enroll(&id("berta"), &views, &options);
        assert!(matches!(refused, Err(Error::InvalidArgument { .. })));
    }

    let gallery = recognizer.gallery().unwrap();
    assert_eq!(gallery.len(), 2);
    assert_eq!(gallery.people()[0].1, 2);
    assert_eq!(recognized(&recognizer, &[face(2.0)]), ["known anna"]);

    // The report is data.
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(
        serde_json::from_str::<facekit::EnrollReport>(&json).unwrap(),
        report
    );
}

#[test]
fn passport_photos_need_not_be_live() {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    let photo = scene(&[face(0.0).live(0)]);
    let options = EnrollOptions::default().with_liveness(false);
    assert_eq!(
        recognizer
            .enroll(&id("anna"), &[photo.view()], &options)
            .unwrap()
            .accepted,
        [0]
    );
}

#[test]
fn of_two_photos_nobody_can_say_which_is_wrong() {
    let photos = [scene(&[face(0.0)]), scene(&[face(90.0)])];
    let report = recognizer()
        .enroll(
            &id("anna"),
            &[photos[0].view(), photos[1].view()],
            &EnrollOptions::default(),
        )
        .unwrap();
    assert_eq!(report.accepted, [0, 1]);
}

#[test]
fn nothing_is_stored_where_all_photos_are_refused() {
    let recognizer = recognizer();
    let photo = scene(&[]);
    let options = EnrollOptions::default().with_name("Anna");
    let report = recognizer
        .enroll(&id("anna"), &[photo.view()], &options)
        .unwrap();
    assert!(report.templates.is_empty() && report.accepted.is_empty());
    let gallery = recognizer.gallery().unwrap();
    assert!(gallery.people().is_empty() && gallery.is_empty());

    // A known person is left as she was, too.
    enroll(&recognizer, "anna", 0.0);
    recognizer
        .enroll(&id("anna"), &[photo.view()], &options)
        .unwrap();
    assert_eq!(gallery.person(&id("anna")).unwrap().name, None);
    assert!(
        recognizer
            .enroll(&id("anna"), &[], &options)
            .unwrap_err()
            .is_invalid_input()
    );
}

#[test]
fn a_face_of_somebody_else_is_reported_or_refused() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    let photo = scene(&[face(10.0)]);
    let refuse = EnrollOptions::default().with_refuse_resemblance(true);
    let report = recognizer
        .enroll(&id("bela"), &[photo.view()], &refuse)
        .unwrap();
    assert!(
        matches!(&report.refused[0].refusal, Refusal::Resembles { person, score } if *person == id("anna") && *score > 0.95)
    );
    assert!(recognizer.gallery().unwrap().person(&id("bela")).is_none());

    let report = recognizer
        .enroll(&id("bela"), &[photo.view()], &EnrollOptions::default())
        .unwrap();
    assert_eq!(report.accepted, [0]);
    assert_eq!(
        (report.resembles[0].photo, &report.resembles[0].person),
        (0, &id("anna"))
    );

    // Her own face is none of somebody else's, however many templates of hers are nearest.
    add(
        recognizer.gallery().unwrap(),
        "carla",
        &[200.0, 201.0, 202.0, 203.0],
    );
    let photo = scene(&[face(201.0)]);
    let report = recognizer
        .enroll(&id("carla"), &[photo.view()], &refuse)
        .unwrap();
    assert_eq!(report.accepted, [0]);
    assert!(report.resembles.is_empty());
}

#[test]
fn one_photo_of_somebody_else_refuses_the_enrolment() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    let photos = [scene(&[face(3.0)]), scene(&[face(120.0)])];
    let refuse = EnrollOptions::default().with_refuse_resemblance(true);
    let report = recognizer
        .enroll(&id("bela"), &[photos[0].view(), photos[1].view()], &refuse)
        .unwrap();
    assert!(report.accepted.is_empty() && report.templates.is_empty());
    assert_eq!(report.refused.len(), 2);
    assert!(recognizer.gallery().unwrap().person(&id("bela")).is_none());
}

#[test]
fn of_many_who_enrol_one_face_at_once_one_succeeds() {
    let index = ExactIndex::new(space(), Metric::Cosine);
    let gallery = Gallery::open(Odd::slow(), index).unwrap();
    let recognizer = parts().gallery(gallery).build().unwrap();
    let (photo, start) = (scene(&[face(0.0)]), Barrier::new(4));
    let refuse = EnrollOptions::default().with_refuse_resemblance(true);
    let accepted: usize = thread::scope(|scope| {
        let enroll = |number: usize| {
            let (recognizer, photo, start, refuse) = (&recognizer, &photo, &start, &refuse);
            scope.spawn(move || {
                start.wait();
                let person = id(&format!("nr-{number}"));
                let report = recognizer.enroll(&person, &[photo.view()], refuse);
                report.unwrap().accepted.len()
            })
        };
        let threads: Vec<_> = (0..4).map(enroll).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(accepted, 1);
    assert_eq!(recognizer.gallery().unwrap().people().len(), 1);
}

#[test]
fn galleries_beside_each_other_have_the_same_people() {
    let first = gallery();
    add(&first, "anna", &[0.0]);
    let second = first
        .beside(ExactIndex::new(another_space(), Metric::Cosine))
        .unwrap();
    assert_eq!(second.space(), &another_space());
    assert_eq!(second.unsearchable().len(), 1);

    // Who comes in through one is known to the other, where no template is.
    add(&first, "bela", &[90.0]);
    assert!(second.roster(&[id("bela")]).unwrap().is_empty());
    let now = Timestamp::now();
    let other = Embedding::new(&another_space(), vec![1.0, 0.0, 0.0]).unwrap();
    let named = Person::new(id("anna"), now).with_name("Anna Weiß");
    second
        .add(&named, &[NewTemplate::new(other.clone(), 1.0, now)])
        .unwrap();
    assert_eq!(first.person(&id("anna")), second.person(&id("anna")));
    assert_eq!(
        first.person(&id("anna")).unwrap().name.as_deref(),
        Some("Anna Weiß")
    );
    assert_eq!((first.len(), second.len()), (2, 1));

    // And who leaves one leaves both.
    assert_eq!(second.remove(&[id("anna")]).unwrap(), 1);
    assert!(second.nearest(&other, 1, None).unwrap().is_empty());
    let nearest = first.nearest(&at_angle(0.0), 2, None).unwrap();
    assert!(nearest.iter().all(|neighbor| neighbor.person == id("bela")));
    assert_eq!(first.people().len(), 1);
}

#[test]
fn photos_of_two_people_are_no_enrolment() {
    let recognizer = recognizer();
    let photos = [0.0, 2.0, 120.0, 122.0].map(|degrees| scene(&[face(degrees)]));
    let views: Vec<_> = photos.iter().map(Image::view).collect();
    let report = recognizer
        .enroll(&id("anna"), &views, &EnrollOptions::default())
        .unwrap();
    assert!(
        report.accepted.is_empty(),
        "two of each: nobody can say who anna is"
    );

    let report = recognizer
        .enroll(&id("anna"), &views[..3], &EnrollOptions::default())
        .unwrap();
    assert_eq!(report.accepted, [0, 1]);
    assert!(matches!(
        report.refused[0].refusal,
        Refusal::AnotherPerson { .. }
    ));
}

#[test]
fn a_euclidean_index_knows_the_same_people() {
    let index = ExactIndex::new(space(), Metric::Euclidean);
    let gallery = Gallery::open(MemoryStore::new(), index).unwrap();
    let recognizer = parts().gallery(gallery).build().unwrap();
    enroll(&recognizer, "anna", 10.0);
    let found = recognizer.recognize(scene(&[face(10.0)]).view()).unwrap();
    let Outcome::Known(identity) = &found[0].outcome else {
        panic!("{:?}", found[0].outcome)
    };
    assert!(
        (identity.score - 1.0).abs() < 1e-3,
        "a cosine: {}",
        identity.score
    );
}

#[test]
fn whom_a_failing_store_let_go_is_not_recognised() {
    let index = ExactIndex::new(space(), Metric::Cosine);
    let gallery = Gallery::open(Odd::failing(), index).unwrap();
    let recognizer = parts().gallery(gallery).build().unwrap();
    enroll(&recognizer, "anna", 0.0);
    assert!(recognizer.gallery().unwrap().remove(&[id("anna")]).is_err());
    assert!(recognizer.gallery().unwrap().is_empty());
    assert!(recognizer.gallery().unwrap().person(&id("anna")).is_none());
}

#[test]
fn augmentation_makes_one_template_a_photo() {
    let embedder = mean_color();
    let calls = embedder.calls.clone();
    let recognizer = parts()
        .embedder(embedder)
        .gallery(gallery())
        .build()
        .unwrap();
    let photos = [scene(&[face(0.0)]), scene(&[face(6.0)])];
    let options = EnrollOptions::default().with_augment(true);
    let report = recognizer
        .enroll(&id("anna"), &[photos[0].view(), photos[1].view()], &options)
        .unwrap();
    assert_eq!(report.templates.len(), 2);
    assert!(
        calls.lock().unwrap().iter().sum::<usize>() > 4,
        "variants were embedded"
    );
    let nearest = recognizer
        .gallery()
        .unwrap()
        .nearest(&at_angle(0.0), 1, None)
        .unwrap();
    assert!(nearest[0].score > 0.97, "{nearest:?}");
}

#[test]
fn cancelled_enrolment_leaves_nothing() {
    let recognizer = recognizer();
    let photos: Vec<Image> = (0..3).map(|nth| scene(&[face(nth as f32)])).collect();
    let views: Vec<ImageView<'_>> = photos.iter().map(Image::view).collect();
    for stop_after in 1..=3 {
        let token = CancellationToken::new();
        let progress = |progress: facekit::Progress| {
            assert_eq!(progress.total, Some(3));
            if progress.done == stop_after {
                token.cancel();
            }
        };
        let watch = Watch::new()
            .with_cancellation(&token)
            .with_progress(&progress);
        let options = EnrollOptions::default().with_watch(watch);
        let error = recognizer
            .enroll(&id("anna"), &views, &options)
            .unwrap_err();
        assert!(error.is_cancelled());
        assert!(recognizer.gallery().unwrap().people().is_empty());
    }
}

#[test]
fn a_second_enrolment_adds_to_the_first() {
    let recognizer = recognizer();
    let photo = scene(&[face(0.0)]);
    let named = EnrollOptions::default().with_name("Anna Weiß");
    recognizer
        .enroll(&id("anna"), &[photo.view()], &named)
        .unwrap();
    let gallery = recognizer.gallery().unwrap();
    let first = gallery.person(&id("anna")).unwrap();
    recognizer
        .enroll(&id("anna"), &[photo.view()], &EnrollOptions::default())
        .unwrap();
    assert_eq!(gallery.people(), [(first.clone(), 2)]);
    assert_eq!(first.name.as_deref(), Some("Anna Weiß"));
    recognizer
        .enroll(
            &id("anna"),
            &[photo.view()],
            &EnrollOptions::default().with_name("Anna Schwarz"),
        )
        .unwrap();
    let third = gallery.person(&id("anna")).unwrap();
    assert_eq!(
        (third.name.as_deref(), third.enrolled),
        (Some("Anna Schwarz"), first.enrolled)
    );

    let found = recognizer.recognize(photo.view()).unwrap();
    assert!(
        matches!(&found[0].outcome, Outcome::Known(identity) if identity.name.as_deref() == Some("Anna Schwarz"))
    );
}

#[test]
fn the_removed_are_unknown() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 10.0);
    let gallery = recognizer.gallery().unwrap();
    assert_eq!(
        gallery
            .remove(&[id("anna"), id("nobody"), id("anna")])
            .unwrap(),
        1
    );
    assert_eq!(recognized(&recognizer, &[face(0.0)]), ["known bela"]);
    assert!(gallery.person(&id("anna")).is_none() && gallery.roster(&[id("anna")]).is_err());
    assert_eq!(gallery.remove(&[id("anna")]).unwrap(), 0);
    enroll(&recognizer, "anna", 0.0);
    assert_eq!(recognized(&recognizer, &[face(0.0)]), ["known anna"]);
}

// ---- a change of model ----

/// Turns the colours of another embedder by nothing, but in a space of its own.
fn next_model() -> MeanColor {
    MeanColor {
        space: another_space(),
        ..mean_color()
    }
}

fn next_gallery(store: &Arc<MemoryStore>) -> Gallery {
    Gallery::open(
        store.clone(),
        ExactIndex::new(another_space(), Metric::Cosine),
    )
    .unwrap()
}

#[test]
fn kept_crops_are_embedded_again_after_a_change_of_model() {
    let store = Arc::new(MemoryStore::new());
    let open = || Gallery::open(store.clone(), ExactIndex::new(space(), Metric::Cosine)).unwrap();
    let first = parts().gallery(open().with_crops(true)).build().unwrap();
    enroll(&first, "anna", 0.0);
    enroll(&first, "anna", 6.0);
    enroll(&first, "bela", 120.0);
    drop(first);
    let careful = parts().gallery(open()).build().unwrap();
    assert!(careful.gallery().unwrap().unsearchable().is_empty());
    enroll(&careful, "carla", 240.0);
    drop(careful);

    let second = parts()
        .embedder(next_model())
        .gallery(next_gallery(&store))
        .build()
        .unwrap();
    let gallery = second.gallery().unwrap();
    assert_eq!(
        (
            gallery.len(),
            gallery.people().len(),
            gallery.unsearchable().len()
        ),
        (0, 3, 3)
    );
    assert_eq!(recognized(&second, &[face(0.0)]), ["unknown"]);
    let report = second.embed_again(&Watch::new()).unwrap();
    assert_eq!(report.embedded, [id("anna"), id("bela")]);
    assert_eq!(report.must_enroll, [id("carla")]);
    assert_eq!(
        gallery
            .people()
            .iter()
            .map(|(_, templates)| *templates)
            .collect::<Vec<_>>(),
        [2, 1, 0]
    );
    let faces = [
        face(3.0).at(4, 4),
        face(120.0).at(36, 4),
        face(240.0).at(68, 4),
    ];
    assert_eq!(
        recognized(&second, &faces),
        ["known anna", "known bela", "unknown"]
    );
    // A second time, there is nothing left to do.
    let again = second.embed_again(&Watch::new()).unwrap();
    assert_eq!(
        (again.embedded.len(), again.must_enroll),
        (0, vec![id("carla")])
    );
}

#[test]
fn crops_are_kept_only_where_that_was_asked() {
    let store = Arc::new(MemoryStore::new());
    let gallery = Gallery::open(store.clone(), ExactIndex::new(space(), Metric::Cosine)).unwrap();
    let recognizer = parts().gallery(gallery).build().unwrap();
    enroll(&recognizer, "anna", 0.0);
    store
        .crops(&mut |_, _, _| panic!("a crop was kept"))
        .unwrap();
}

#[test]
fn who_is_removed_meanwhile_is_not_brought_back() {
    let store = Arc::new(MemoryStore::new());
    let gallery = Gallery::open(store.clone(), ExactIndex::new(space(), Metric::Cosine)).unwrap();
    let first = parts().gallery(gallery.with_crops(true)).build().unwrap();
    enroll(&first, "anna", 0.0);
    enroll(&first, "bela", 120.0);
    drop(first);

    let second = parts()
        .embedder(next_model())
        .gallery(next_gallery(&store))
        .build()
        .unwrap();
    let remove_bela = |_: facekit::Progress| {
        second.gallery().unwrap().remove(&[id("bela")]).unwrap();
    };
    let report = second
        .embed_again(&Watch::new().with_progress(&remove_bela))
        .unwrap();
    assert_eq!(
        (report.embedded, report.must_enroll),
        (vec![id("anna")], vec![])
    );
    assert!(second.gallery().unwrap().person(&id("bela")).is_none());
}

// ---- verification ----

#[test]
fn two_photos_are_compared() {
    let recognizer = parts()
        .liveness(Scripted)
        .calibration(calibration())
        .build()
        .unwrap();
    let passport = scene(&[face(0.0).live(0)]);
    let verify = |faces: &[Face]| {
        recognizer
            .verify(passport.view(), scene(faces).view())
            .unwrap()
    };
    for (degrees, expected) in [(5.0, true), (90.0, false)] {
        let Verification::Compared {
            same,
            score,
            threshold,
            fmr,
        } = verify(&[face(degrees)])
        else {
            panic!("both photos are fine")
        };
        assert_eq!((same, threshold), (expected, THRESHOLD));
        assert!((score - degrees.to_radians().cos()).abs() < 0.02);
        assert_eq!(fmr, Some(calibration().fmr_of(score)));
    }
    // A passport is a print; the person before the camera is not.
    let unusable = verify(&[face(0.0).live(0)]);
    assert!(matches!(
        unusable,
        Verification::Unusable {
            photo: 1,
            refusal: Refusal::Spoof { .. }
        }
    ));
    let unusable = verify(&[]);
    assert!(matches!(
        unusable,
        Verification::Unusable {
            photo: 1,
            refusal: Refusal::NoFace
        }
    ));
    let unusable = recognizer
        .verify(scene(&[]).view(), passport.view())
        .unwrap();
    assert!(matches!(
        unusable,
        Verification::Unusable {
            photo: 0,
            refusal: Refusal::NoFace
        }
    ));
    // The largest face counts.
    let crowd = verify(&[face(0.0).at(80, 20).side(20), face(90.0).side(30)]);
    assert!(matches!(crowd, Verification::Compared { same: false, .. }));
}

// ---- the gallery ----

proptest! {
    #[test]
    fn the_nearest_people_are_distinct_and_in_order(
        people in prop::collection::vec(prop::collection::vec(0.0_f32..360.0, 1..30), 1..8),
        probe in 0.0_f32..360.0, k in 0_usize..10,
    ) {
        let gallery = gallery();
        for (nth, angles) in people.iter().enumerate() {
            add(&gallery, &format!("person {nth}"), angles);
        }
        let probe = at_angle(probe);
        let found = gallery.nearest(&probe, k, None).unwrap();
        let mut expected: Vec<f32> = people.iter().map(|angles| {
            angles.iter().map(|&degrees| at_angle(degrees).cosine(&probe).unwrap()).fold(-1.0, f32::max)
        }).collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        expected.truncate(k);
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found.score - expected).abs() < 1e-5, "{} is not {}", found.score, expected);
        }
        let mut names: Vec<&PersonId> = found.iter().map(|neighbor| &neighbor.person).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), found.len());
    }
}

#[test]
fn many_templates_of_one_person_hide_nobody() {
    let gallery = gallery();
    let circle: Vec<f32> = (0..500).map(|nth| nth as f32 / 500.0).collect();
    add(&gallery, "anna", &circle);
    add(&gallery, "bela", &[30.0]);
    add(&gallery, "carla", &[50.0]);
    let found = gallery.nearest(&at_angle(0.0), 3, None).unwrap();
    let names: Vec<&str> = found
        .iter()
        .map(|neighbor| neighbor.person.as_str())
        .collect();
    assert_eq!(names, ["anna", "bela", "carla"]);
    assert_eq!(
        gallery
            .nearest(&at_angle(0.0), usize::MAX, None)
            .unwrap()
            .len(),
        3
    );
    let roster = gallery.roster(&[id("carla")]).unwrap();
    assert_eq!(
        gallery.nearest(&at_angle(0.0), 3, Some(&roster)).unwrap()[0].person,
        id("carla")
    );
}

#[test]
fn a_gallery_takes_its_own_space_alone() {
    let gallery = gallery();
    let foreign = Embedding::new(&another_space(), vec![1.0, 0.0, 0.0]).unwrap();
    let now = Timestamp::now();
    let templates = [at_angle(0.0), foreign.clone()].map(|e| NewTemplate::new(e, 1.0, now));
    let added = gallery.add(&Person::new(id("anna"), now), &templates);
    assert!(matches!(added, Err(Error::SpaceMismatch { .. })));
    assert!(gallery.people().is_empty() && gallery.is_empty());
    assert!(matches!(
        gallery.nearest(&foreign, 1, None),
        Err(Error::SpaceMismatch { .. })
    ));
}

#[test]
fn threads_share_a_recogniser_while_people_come_and_go() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    let gallery = recognizer.gallery().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let frame = scene(&[face(0.0).at(4, 4), face(120.0).at(36, 4)]);
                let mut searches = 0;
                while !done.load(Ordering::Relaxed) || searches == 0 {
                    let found = outcomes(&recognizer.recognize(frame.view()).unwrap());
                    assert_eq!(found[0], "known anna");
                    assert!(
                        ["unknown", "known bela", "known carla"].contains(&&*found[1]),
                        "{found:?}"
                    );
                    searches += 1;
                }
            });
        }
        let changes = ["bela", "carla"].map(|person| {
            threads.spawn(move || {
                for round in 0..200 {
                    add(gallery, person, &[120.0, 125.0]);
                    assert_eq!(gallery.roster(&[id(person)]).unwrap().len(), 2, "{round}");
                    assert_eq!(gallery.remove(&[id(person)]).unwrap(), 1);
                }
            })
        });
        let changes = changes.map(|changes| changes.join());
        done.store(true, Ordering::Relaxed);
        assert!(changes.iter().all(|changes| changes.is_ok()));
    });
    assert_eq!((gallery.len(), gallery.people().len()), (1, 1));
}

proptest! {
    #[test]
    fn a_gallery_is_what_its_store_holds(
        steps in prop::collection::vec((0_u8..6, any::<bool>(), prop::collection::vec(0.0_f32..360.0, 0..4)), 0..40),
    ) {
        let store = Arc::new(MemoryStore::new());
        let open = || Gallery::open(store.clone(), ExactIndex::new(space(), Metric::Cosine)).unwrap();
        let gallery = open();
        for (person, removed, angles) in &steps {
            let person = format!("person {person}");
            if *removed {
                gallery.remove(&[id(&person)]).unwrap();
            } else {
                add(&gallery, &person, angles);
            }
        }
        let fresh = open();
        prop_assert_eq!(gallery.people(), fresh.people());
        prop_assert_eq!(gallery.len(), fresh.len());
        for degrees in [0.0, 0.3 * TAU.to_degrees()] {
            let probe = at_angle(degrees);
            prop_assert_eq!(gallery.nearest(&probe, 3, None).unwrap(), fresh.nearest(&probe, 3, None).unwrap());
        }
    }
}
