//! The models of `facekit-nano`, on every runtime.

mod library;

use std::{fs, path::Path};

use facekit::{
    DetectOptions, Detection, Embedding, Image, LivenessScore, LoadOptions, Models, Runtime, align,
    find_faces,
    image::{self, DecodeLimits},
};
use facekit_candle::Candle;
use facekit_conformance::skip;
use facekit_ort::Ort;
use facekit_tract::Tract;
use library::onnxruntime;

/// The greatest differences between runtimes: of landmarks in pixels, of detection scores, of liveness scores and of
/// recognizability. And the least cosine of embeddings.
const MAX_OFFSET: f32 = 0.1;
const MAX_SCORE_DIFFERENCE: f32 = 0.005;
const MAX_LIVENESS_DIFFERENCE: f32 = 0.05;
const MAX_RECOGNIZABILITY_DIFFERENCE: f32 = 0.02;
const MIN_COSINE: f32 = 0.9999;

/// The frames of the demo.
fn frames() -> Vec<(String, Image)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/frames");
    let mut frames: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let frame = image::open(&path, &DecodeLimits::default()).unwrap();
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                frame,
            )
        })
        .collect();
    frames.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!frames.is_empty());
    frames
}

fn load(runtime: &dyn Runtime) -> Models {
    facekit_nano::registry()
        .load("nano", runtime, &LoadOptions::default())
        .unwrap()
}

/// The results of all models for the faces in a frame.
fn results(models: &Models, frame: &Image) -> Vec<(Detection, LivenessScore, Embedding)> {
    let found = models
        .detector
        .detect(frame.view(), &DetectOptions::default())
        .unwrap();
    let look = models.second_look.as_ref().unwrap();
    let faces: Vec<Detection> = found
        .iter()
        .map(|face| look.look(frame.view(), face, false).unwrap().unwrap())
        .collect();
    let aligned: Vec<_> = faces
        .iter()
        .map(|face| align(frame.view(), &face.landmarks, models.embedder.face_side()).unwrap())
        .collect();
    let embeddings = models.embedder.embed(&aligned).unwrap();
    let liveness = models.liveness.as_ref().unwrap();
    let liveness = liveness.assess(frame.view(), &faces).unwrap();
    let results = faces.into_iter().zip(liveness).zip(embeddings);
    results
        .map(|((face, live), embedding)| (face, live, embedding))
        .collect()
}

fn assert_agrees_with_tract(runtime: &dyn Runtime) {
    let (reference, models) = (load(&Tract::new()), load(runtime));
    let mut faces = 0;
    for (name, frame) in frames() {
        let (expected, found) = (results(&reference, &frame), results(&models, &frame));
        assert_eq!(expected.len(), found.len(), "{name}");
        faces += found.len();
        for ((face, live, embedding), (other, other_live, other_embedding)) in
            expected.iter().zip(&found)
        {
            let difference = (face.score - other.score).abs();
            assert!(
                difference <= MAX_SCORE_DIFFERENCE,
                "{name}: score {difference}"
            );
            let difference = (live.value() - other_live.value()).abs();
            assert!(
                difference <= MAX_LIVENESS_DIFFERENCE,
                "{name}: liveness differs by {difference}"
            );
            let points = face.landmarks.points().into_iter();
            for (point, other) in points.zip(other.landmarks.points()) {
                let offset = (point.x - other.x).abs().max((point.y - other.y).abs());
                assert!(offset <= MAX_OFFSET, "{name}: {offset} pixels");
            }
            let cosine = embedding.cosine(other_embedding).unwrap();
            assert!(cosine >= MIN_COSINE, "{name}: cosine {cosine}");
            let [a, b] = [embedding, other_embedding].map(|one| one.recognizability().unwrap());
            assert!(
                (a - b).abs() <= MAX_RECOGNIZABILITY_DIFFERENCE,
                "{name}: recognizability {a} and {b}"
            );
        }
    }
    assert!(faces > 0);
}

#[test]
fn ort_agrees_with_tract() {
    match onnxruntime() {
        Ok(()) => assert_agrees_with_tract(&Ort::new()),
        Err(reason) => skip("nano::ort_agrees_with_tract", &reason),
    }
}

#[test]
fn candle_agrees_with_tract() {
    assert_agrees_with_tract(&Candle::new());
}

/// Frames without faces: one color or a pattern, in several sizes.
fn patterns() -> Vec<(&'static str, Image)> {
    type Pattern = fn(usize, usize) -> [u8; 3];
    let patterns: [(&str, Pattern); 8] = [
        ("black", |_, _| [0; 3]),
        ("white", |_, _| [255; 3]),
        ("skin", |_, _| [205, 160, 135]),
        ("gradient", |x, y| [(x / 3) as u8, (y / 2) as u8, 128]),
        ("stripes", |x, _| [if x / 9 % 2 == 0 { 40 } else { 210 }; 3]),
        ("checks", |x, y| {
            [if (x / 16 + y / 16) % 2 == 0 { 90 } else { 160 }; 3]
        }),
        ("noise", |x, y| {
            let hash = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
            let hash = (hash ^ (hash >> 15)).wrapping_mul(0xC2B2_AE35);
            [(hash >> 8) as u8, (hash >> 16) as u8, (hash >> 24) as u8]
        }),
        ("rings", |x, y| {
            let (x, y) = (x as f32 - 160.0, y as f32 - 120.0);
            [(127.0 + 100.0 * (x.hypot(y) / 7.0).sin()) as u8; 3]
        }),
    ];
    let sizes = [(32, 32), (320, 240), (640, 480), (333, 517)];
    let mut frames = Vec::new();
    for (name, pattern) in patterns {
        for (width, height) in sizes {
            let pixels = (0..width * height).flat_map(|i| pattern(i % width, i / width));
            let frame = Image::from_rgb8(pixels.collect(), width, height).unwrap();
            frames.push((name, frame));
        }
    }
    frames
}

#[test]
fn frames_without_faces_have_no_detections() {
    let models = load(&Tract::new());
    for (name, frame) in patterns() {
        let found = find_faces(&*models.detector, frame.view(), &DetectOptions::default())
            .unwrap()
            .faces;
        assert!(
            found.is_empty(),
            "{name}, {} by {}: {found:?}",
            frame.width(),
            frame.height()
        );
    }
}

/// The set has all weights, cards, and figures with and without its second look.
#[test]
fn the_set_is_complete() {
    let registry = facekit_nano::registry();
    let set = registry.resolve("nano").unwrap();
    let mut bytes = 0;
    for entry in set.models() {
        let model = registry.open(&entry.name).unwrap();
        bytes += model.bytes().len();
        assert!(entry.commercial_use && entry.tested, "{}", entry.name);
        assert!(
            facekit_nano::CARDS.contains(&entry.name),
            "{} has no card",
            entry.name
        );
    }
    assert!(bytes <= 4_000_000, "{bytes} bytes");
    assert!(set.landmarks.is_some());
    for set in [set.clone().without_second_look(), set] {
        let calibration = set.calibration().unwrap();
        for rate in [1e-2, 1e-3, 1e-4] {
            calibration.score_at(rate).unwrap();
        }
        assert!(set.recognizability().is_some());
    }
}
