//! What every [`Runtime`] must make of real photos, with real models: what OpenCV and ONNX Runtime make of them.

use std::{collections::BTreeMap, fs, path::Path};

use facekit::{
    DetectOptions, Detection, Embedding, Image, LoadOptions, Models, Point, Runtime, align,
    image::{self, DecodeLimits},
};
use serde::Deserialize;

use crate::data;

/// Boxes and landmarks may lie this far from the reference's: in pixels, or as a share of the face's longer side,
/// whichever is more.
const PLACE: (f32, f32) = (1.5, 0.01);
/// Liveness scores may differ by this much: images are decoded and resampled a little differently.
const LIVENESS: f32 = 0.05;
/// The cosine of an embedding and the reference's is at least this.
const EMBEDDING: f32 = 0.99;

/// Makes a module of tests on real photos, one for each property. `requires` is as in
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

            fn there(test: &str) -> bool {
                let _ = test;
                $(if let Err(reason) = ($requires)() {
                    $crate::skip(test, &reason);
                    return false;
                })?
                true
            }

            $crate::photo_suite!(@tests $runtime; reference_outputs, attacks_are_refused, detectors_agree);
        }
    };
    (@tests $runtime:expr; $($test:ident),*) => {
        $(
            #[test]
            fn $test() {
                let test = concat!(module_path!(), "::", stringify!($test));
                if there(test) {
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

/// Boxes, landmarks, liveness scores and embeddings of all photos are those of the reference.
///
/// # Panics
///
/// Where one is not.
pub fn reference_outputs(runtime: &dyn Runtime, test: &str) {
    let Some(folder) = data(test, &["golden/photos.json", "data/photos", "models"]) else {
        return;
    };
    let golden = fs::read_to_string(folder.join("golden/photos.json"))
        .expect("the reference outputs are readable");
    let golden: BTreeMap<String, Vec<Reference>> = serde_json::from_str(&golden).expect("and JSON");
    let models = load("standard", runtime, &folder);
    for (photo, references) in &golden {
        let image = open(&folder, photo);
        let faces = detect(&models, &image, &whole());
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

            let allowed = PLACE.0.max(PLACE.1 * width.max(height));
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
                let off = (found.x - expected.x)
                    .abs()
                    .max((found.y - expected.y).abs());
                assert!(
                    off <= allowed,
                    "{photo}: {found:?} is {off} pixels from {expected:?}"
                );
            }

            let off = (liveness.value() - reference.live).abs();
            assert!(
                off <= LIVENESS,
                "{photo}: liveness {} is {off} from {}",
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
                cosine >= EMBEDDING,
                "{photo}: cosine {cosine} to the reference's embedding"
            );
        }
    }
}

/// A living face passes the liveness check; prints and screens do not.
///
/// # Panics
///
/// Where a verdict is wrong.
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
    // The detector of nano is not made for faces of a thousand pixels.
    for (set, options) in [("standard", whole()), ("nano", DetectOptions::default())] {
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
/// Where one does not.
pub fn detectors_agree(runtime: &dyn Runtime, test: &str) {
    let Some(folder) = data(test, &["data/photos/t1.jpg", "models"]) else {
        return;
    };
    let image = open(&folder, "t1.jpg");
    let expected = detect(&load("standard", runtime, &folder), &image, &whole());
    assert_eq!(expected.len(), 6);
    for name in ["scrfd_500m", "yunet_s", "yunet_2023mar", "nano"] {
        let found = detect(&load(name, runtime, &folder), &image, &whole());
        assert_eq!(found.len(), 6, "{name}");
        for face in &expected {
            let overlap = found
                .iter()
                .map(|other| other.rect.iou(&face.rect))
                .fold(0.0, f32::max);
            assert!(overlap > 0.5, "{name}: nothing at {:?}", face.rect);
        }
    }
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

/// The reference looked at photos as large as they are.
fn whole() -> DetectOptions {
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
