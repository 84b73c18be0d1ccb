//! The suite for every [`Runtime`] with real models on real photos. The reference outputs are from OpenCV and ONNX Runtime.

use std::{collections::BTreeMap, fs, path::Path};

use facekit::{
    Comparison, DetectOptions, Detection, Embedding, Image, LoadOptions, ModelSet, Models, Point,
    Recognizer, Runtime, align,
    image::{self, DecodeLimits},
};
use serde::Deserialize;

use crate::data::data;

/// The greatest distance of boxes and landmarks from the reference: in pixels, or as a fraction of the face's longer side. The
/// greater of the two applies.
const MAX_OFFSET: (f32, f32) = (1.5, 0.01);
/// The greatest difference of liveness scores. Images are decoded and resampled a little differently than for the reference.
const MAX_LIVENESS_DIFFERENCE: f32 = 0.05;
/// The least cosine of an embedding and the embedding of the reference.
const MIN_COSINE: f32 = 0.99;

/// Makes a module of tests on real photos, one for each property. For `requires`, see
/// [`runtime_suite!`](crate::runtime_suite).
///
/// ```
/// facekit_conformance::photo_suite!(tract, facekit_tract::Tract::new);
/// ```
#[macro_export]
macro_rules! photo_suite {
    ($name:ident, $runtime:expr $(, requires: $requires:expr)? $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn is_available(test: &str) -> bool {
                let _ = test;
                $(if let Err(reason) = ($requires)() {
                    $crate::skip(test, &reason);
                    return false;
                })?
                true
            }

            $crate::photo_suite!(@tests $runtime; reference_outputs, attacks_are_refused, detectors_agree, turned_photos_are_recognized);
        }
    };
    (@tests $runtime:expr; $($test:ident),*) => {
        $(
            #[test]
            fn $test() {
                let test = concat!(module_path!(), "::", stringify!($test));
                if is_available(test) {
                    $crate::photos::$test(&($runtime)(), test);
                }
            }
        )*
    };
}

/// One face of the reference outputs.
#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "box")]
    rect: [f32; 4],
    landmarks: [f32; 10],
    live: f32,
    embedding: Vec<f32>,
}

/// Boxes, landmarks, liveness scores and embeddings of all photos agree with the reference.
///
/// # Panics
///
/// If one does not.
pub fn reference_outputs(runtime: &dyn Runtime, test: &str) {
    let Some(folder) = data(test, &["golden/photos.json", "data/photos", "models"]) else {
        return;
    };
    let golden = fs::read_to_string(folder.join("golden/photos.json"))
        .expect("the reference outputs are readable");
    let golden: BTreeMap<String, Vec<Reference>> = serde_json::from_str(&golden).expect("and JSON");
    let models = plain("standard", runtime, &folder);
    for (photo, references) in &golden {
        let image = open(&folder, photo);
        let faces = detect(&models, &image, &full_size());
        assert_eq!(faces.len(), references.len(), "{photo}: faces found");
        let scores = models
            .liveness
            .as_ref()
            .expect("a part")
            .assess(image.view(), &faces)
            .expect("runs");
        for reference in references {
            let [x, y, width, height] = reference.rect;
            let rect = facekit::Rect::new(x, y, width, height);
            let nearest = faces
                .iter()
                .zip(&scores)
                .max_by(|a, b| a.0.rect.iou(&rect).total_cmp(&b.0.rect.iou(&rect)));
            let (face, liveness) = nearest.expect("faces were found");

            let allowed = MAX_OFFSET.0.max(MAX_OFFSET.1 * width.max(height));
            let corners =
                |x: f32, y: f32, w: f32, h: f32| [Point::new(x, y), Point::new(x + w, y + h)];
            let found = corners(face.rect.x, face.rect.y, face.rect.width, face.rect.height);
            let expected = corners(x, y, width, height);
            let (points, _) = reference.landmarks.as_chunks::<2>();
            let points = points.iter().map(|&[x, y]| Point::new(x, y));
            let pairs = found
                .into_iter()
                .chain(face.landmarks.points())
                .zip(expected.into_iter().chain(points));
            for (found, expected) in pairs {
                let offset = (found.x - expected.x)
                    .abs()
                    .max((found.y - expected.y).abs());
                assert!(
                    offset <= allowed,
                    "{photo}: {found:?} is {offset} pixels from {expected:?}"
                );
            }

            let difference = (liveness.value() - reference.live).abs();
            assert!(
                difference <= MAX_LIVENESS_DIFFERENCE,
                "{photo}: liveness {} differs by {difference} from {}",
                liveness.value(),
                reference.live
            );

            let cosine = embed(&models, &image, face)
                .cosine(
                    &Embedding::new(models.embedder.space(), reference.embedding.clone())
                        .expect("a vector"),
                )
                .expect("one space");
            assert!(
                cosine >= MIN_COSINE,
                "{photo}: cosine {cosine} to the embedding of the reference"
            );
        }
    }
}

/// The liveness check accepts a living face and refuses prints and screens.
///
/// # Panics
///
/// If a decision is wrong.
pub fn attacks_are_refused(runtime: &dyn Runtime, test: &str) {
    let Some(folder) = data(test, &["data/photos", "models"]) else {
        return;
    };
    let expected = [
        ("image_T1.jpg", true),
        ("image_F1.jpg", false),
        ("image_F2.jpg", false),
        ("rgb_fake.jpg", false),
    ];
    // The detector of nano misses faces of a thousand pixels, so it gets the photos at the default size.
    for (set, options) in [
        ("standard", full_size()),
        ("nano", DetectOptions::default()),
    ] {
        let models = load(set, runtime, &folder);
        for (photo, live) in expected {
            let image = open(&folder, photo);
            let faces = detect(&models, &image, &options);
            let scores = models
                .liveness
                .as_ref()
                .expect("a part")
                .assess(image.view(), &faces)
                .expect("runs");
            assert!(!scores.is_empty(), "{set}, {photo}: no face");
            for score in scores {
                assert_eq!(
                    score.is_live(0.5),
                    live,
                    "{set}, {photo}: liveness {}",
                    score.value()
                );
            }
        }
    }
}

/// SCRFD, the smaller YuNet, the YuNet of fixed size and the nano detector find the six faces that YuNet finds in a group
/// photo.
///
/// # Panics
///
/// If one does not.
pub fn detectors_agree(runtime: &dyn Runtime, test: &str) {
    let Some(folder) = data(test, &["data/photos/t1.jpg", "models"]) else {
        return;
    };
    let image = open(&folder, "t1.jpg");
    let expected = detect(&load("standard", runtime, &folder), &image, &full_size());
    assert_eq!(expected.len(), 6);
    for name in ["scrfd_500m", "yunet_s", "yunet_2023mar", "nano"] {
        let found = detect(&load(name, runtime, &folder), &image, &full_size());
        assert_eq!(found.len(), 6, "{name}");
        for face in &expected {
            let overlap = found
                .iter()
                .map(|other| other.rect.iou(&face.rect))
                .fold(0.0, f32::max);
            assert!(overlap > 0.5, "{name}: no face at {:?}", face.rect);
        }
    }
}

/// With the second look, the faces of a photo are the same if the photo is turned: as many, recognizable, with the roll of the turn,
/// and matching those of the upright photo. Without the search for turned faces, none of them passes.
///
/// # Panics
///
/// If a verdict is wrong.
pub fn turned_photos_are_recognized(runtime: &dyn Runtime, test: &str) {
    let Some(folder) = data(test, &["data/photos/couple.jpg", "models"]) else {
        return;
    };
    for set in ["standard", "nano"] {
        let recognizer = |turned_faces: bool| {
            Recognizer::builder()
                .models(load(set, runtime, &folder))
                .without_liveness()
                .turned_faces(turned_faces)
                .build()
                .unwrap_or_else(|error| panic!("{set}: {error}"))
        };
        let (search, upright_only) = (recognizer(true), recognizer(false));
        let photo = open(&folder, "couple.jpg");
        let threshold = search
            .comparison_limit(&Comparison::default())
            .expect("calibrated")
            .score;
        let expected = embeddings(&search, &photo);
        assert_eq!(expected.len(), 2, "{set}");
        let mut turned = photo;
        for roll in [90.0, 180.0, -90.0] {
            turned = quarter(&turned);
            let found = embeddings(&search, &turned);
            // The detector of nano misses one of the two faces on their side.
            let fewest = if set == "nano" && roll != 180.0 { 1 } else { 2 };
            assert!(found.len() >= fewest, "{set}, {roll}°: {}", found.len());
            for (embedding, found_roll) in &found {
                let off = (found_roll - roll).rem_euclid(360.0);
                assert!(
                    off.min(360.0 - off) < 30.0,
                    "{set}, {roll}°: roll {found_roll}°"
                );
                let matching = expected
                    .iter()
                    .filter(|(other, _)| other.cosine(embedding).expect("one space") >= threshold);
                assert_eq!(matching.count(), 1, "{set}, {roll}°");
            }
            let passed = embeddings(&upright_only, &turned);
            assert!(passed.is_empty(), "{set}, {roll}°: {}", passed.len());
        }
    }
}

/// The embedding and the roll of each face that passes.
fn embeddings(recognizer: &Recognizer, image: &Image) -> Vec<(Embedding, f32)> {
    let found = recognizer
        .recognize(image.view())
        .unwrap_or_else(|error| panic!("{error}"));
    found
        .into_iter()
        .filter_map(|face| Some((face.embedding?, face.detection.landmarks.roll())))
        .collect()
}

/// The image, turned clockwise by 90°.
fn quarter(image: &Image) -> Image {
    let (width, height) = (image.width(), image.height());
    let pixels = image.data();
    let turned = (0..width).flat_map(|y| {
        (0..height).flat_map(move |x| {
            let from = 3 * ((height - 1 - x) * width + y);
            [pixels[from], pixels[from + 1], pixels[from + 2]]
        })
    });
    Image::from_rgb8(turned.collect(), height, width).expect("as many pixels")
}

fn load(selection: &str, runtime: &dyn Runtime, folder: &Path) -> Models {
    let registry = facekit_nano::registry().with_folder(folder.join("models"));
    registry
        .load(selection, runtime, &LoadOptions::default())
        .unwrap_or_else(|error| panic!("{selection}: {error}"))
}

fn open(folder: &Path, photo: &str) -> Image {
    image::open(
        folder.join("data/photos").join(photo),
        &DecodeLimits::default(),
    )
    .unwrap_or_else(|error| panic!("{error}"))
}

/// The models without a second look, as those of the reference.
fn plain(selection: &str, runtime: &dyn Runtime, folder: &Path) -> Models {
    let registry = facekit_nano::registry().with_folder(folder.join("models"));
    let set = registry
        .resolve(selection)
        .map(ModelSet::without_second_look);
    set.and_then(|set| registry.load_set(&set, runtime, &LoadOptions::default()))
        .unwrap_or_else(|error| panic!("{selection}: {error}"))
}

/// Detection at the photo's own size, as for the reference.
fn full_size() -> DetectOptions {
    DetectOptions::default().with_max_side(None)
}

fn detect(models: &Models, image: &Image, options: &DetectOptions) -> Vec<Detection> {
    models
        .detector
        .detect(image.view(), options)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn embed(models: &Models, image: &Image, face: &Detection) -> Embedding {
    let aligned =
        align(image.view(), &face.landmarks, models.embedder.face_side()).expect("a face");
    models.embedder.embed(&[aligned]).expect("runs").remove(0)
}
