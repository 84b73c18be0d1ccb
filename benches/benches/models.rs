//! The models of the standard set, one step at a time, and single networks: `cargo xtask bench models`.
//!
//! The folder that `FACEKIT_TEST_DATA` names must hold the weights in `models/` and photos in `data/photos/`. Or
//! `FACEKIT_MODELS` names a folder of weights. Without either, nothing is measured, and a line says so. Each step is checked:
//! it must give the same result in every run.

use std::{env, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use facekit::{
    AlignedFace, DetectOptions, Detection, Image, Landmarks, LoadOptions, Point, Rect, Registry,
    Runtime, align,
    image::{self, DecodeLimits},
};
use facekit_ort::Ort;
use facekit_tract::Tract;
use ndarray::Array4;

/// A large and sharp photo of two people.
const PHOTO: &str = "data/photos/couple.jpg";

const LIVENESS: [&str; 2] = ["minifasnet_v2", "minifasnet_v1se"];

/// The models, and a photo 640 pixels wide with at least one face; or without photos, noise and an invented face.
struct Fixture {
    registry: Registry,
    photo: Image,
    is_photo: bool,
}

impl Fixture {
    fn new() -> Option<Self> {
        let models_only =
            env::var_os("FACEKIT_MODELS").filter(|_| env::var_os("FACEKIT_TEST_DATA").is_none());
        let builtin = Registry::builtin();
        if let Some(models) = models_only {
            let mut noise = 1_u32;
            let mut byte = |_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8
            };
            let pixels = (0..3 * 640 * 480).map(&mut byte).collect();
            return Some(Self {
                registry: builtin.with_folder(models),
                photo: Image::from_rgb8(pixels, 640, 480).expect("the sides fit the pixels"),
                is_photo: false,
            });
        }
        let data = facekit_conformance::data("models (bench)", &["models", PHOTO])?;
        let photo = image::open(data.join(PHOTO), &DecodeLimits::default()).expect("a photo");
        Some(Self {
            registry: builtin.with_folder(data.join("models")),
            photo: scaled(&photo, 640),
            is_photo: true,
        })
    }

    /// The first face in the photo.
    fn face(&self) -> Detection {
        if self.is_photo {
            let found = self
                .detector()
                .detect(self.photo.view(), &DetectOptions::default());
            return found.expect("a photo")[0];
        }
        let points = [
            (300.0, 200.0),
            (360.0, 204.0),
            (330.0, 235.0),
            (305.0, 270.0),
            (352.0, 272.0),
        ];
        Detection {
            rect: Rect::new(270.0, 150.0, 120.0, 150.0),
            landmarks: Landmarks::from(points.map(|(x, y)| Point::new(x, y))),
            score: 0.9,
        }
    }

    fn detector(&self) -> Box<dyn facekit::Detector> {
        self.registry
            .load_detector("yunet_n", &Tract::new(), &LoadOptions::default())
            .expect("yunet_n")
    }
}

/// `photo`, resized so that its longer side has `side` pixels.
fn scaled(photo: &Image, side: usize) -> Image {
    let longer = photo.width().max(photo.height());
    let [width, height] = [photo.width(), photo.height()].map(|size| (size * side / longer).max(1));
    image::resize(photo.view(), width, height).expect("not empty")
}

fn models(criterion: &mut Criterion) {
    let Some(fixture) = Fixture::new() else {
        return;
    };
    let options = LoadOptions::default();

    let detector = fixture.detector();
    let mut group = criterion.benchmark_group("detect");
    for side in [320, 640] {
        let photo = scaled(&fixture.photo, side);
        let options = DetectOptions::default().with_max_side(None);
        let expected = detector.detect(photo.view(), &options).expect("an image");
        assert!(
            !(fixture.is_photo && expected.is_empty()),
            "no face at {side} pixels"
        );
        group.bench_function(format!("{side}/tract"), |bencher| {
            bencher.iter(|| {
                let found = detector
                    .detect(black_box(photo.view()), &options)
                    .expect("an image");
                assert_eq!(found, expected);
            });
        });
    }
    group.finish();

    let face = fixture.face();
    let expected = align(fixture.photo.view(), &face.landmarks, 112).expect("a face");
    criterion.bench_function("align/112/facekit", |bencher| {
        bencher.iter(|| {
            let aligned = align(black_box(fixture.photo.view()), &face.landmarks, 112);
            assert_eq!(aligned.as_ref().ok(), Some(&expected));
        });
    });

    let embedder = fixture
        .registry
        .load_embedder("mobilefacenet", &Tract::new(), &options)
        .expect("mobilefacenet");
    let mut group = criterion.benchmark_group("embed");
    for count in [1, 16] {
        let faces: Vec<AlignedFace> = vec![expected.clone(); count];
        let embeddings = embedder.embed(&faces).expect("faces");
        assert_eq!(embeddings.len(), count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count}/tract"), |bencher| {
            bencher.iter(|| {
                let found = embedder.embed(black_box(&faces)).expect("faces");
                assert_eq!(found, embeddings);
            });
        });
    }
    group.finish();

    let liveness = fixture
        .registry
        .load_liveness(&LIVENESS, &Tract::new(), &options)
        .expect("minifasnet");
    let scores = liveness
        .assess(fixture.photo.view(), &[face])
        .expect("a face");
    assert_eq!(scores.len(), 1);
    criterion.bench_function("liveness/1/tract", |bencher| {
        bencher.iter(|| {
            let found = liveness.assess(black_box(fixture.photo.view()), &[face]);
            assert_eq!(found.as_ref().ok(), Some(&scores));
        });
    });
}

/// Single networks on one thread, on every available runtime: those of the standard set and of `nano`.
fn networks(criterion: &mut Criterion) {
    const NETWORKS: [(&str, usize); 7] = [
        ("yunet_n", 320),
        ("minifasnet_v2", 80),
        ("minifasnet_v1se", 80),
        ("mobilefacenet", 112),
        ("nano_detector", 320),
        ("nano_liveness", 80),
        ("nano_embedder", 112),
    ];
    let Some(mut fixture) = Fixture::new() else {
        return;
    };
    facekit_nano::add_to(&mut fixture.registry);
    let options = LoadOptions::default().with_threads(1);
    for (name, side) in NETWORKS {
        let model = fixture.registry.open(name).expect(name);
        let input = Array4::from_shape_fn((1, 3, side, side), |(_, channel, y, x)| {
            (37 * channel + 11 * y + 5 * x) as f32 % 256.0
        });
        let input = input.into_dyn();
        let mut group = criterion.benchmark_group(format!("network/{name}"));
        let runtimes: [(&str, Box<dyn Runtime>); 2] = [
            ("tract", Box::new(Tract::new())),
            ("ort", Box::new(Ort::new())),
        ];
        for (runtime_name, runtime) in runtimes {
            let network = match runtime.load(&model, &options) {
                Ok(network) => network,
                Err(error @ facekit::Error::LibraryUnavailable { .. }) => {
                    println!("network/{name}/{runtime_name} is not measured: {error}");
                    continue;
                }
                Err(error) => panic!("{name}: {error}"),
            };
            group.bench_function(runtime_name, |bencher| {
                bencher.iter(|| network.run(black_box(&[input.view().into()])).expect(name));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, models, networks);
criterion_main!(benches);
