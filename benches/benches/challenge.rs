//! A challenge from its first to its last frame, with the models of facekit-nano on tract and one thread: `cargo xtask bench challenge`.
//!
//! The frames are those of a simulated head. A turned view is a frame in which the face is found, and the points of the middle view are
//! tracked.

use std::{hint::black_box, path::Path};

use criterion::{Criterion, criterion_group, criterion_main};
use facekit::{
    Challenge, ChallengeOptions, ChallengeOutcome, Image, LoadOptions, Recognizer,
    image::{self, DecodeLimits},
    jiff::Timestamp,
};
use facekit_tract::Tract;
use presentations::{Presentation, Species};

const NONCE: [u8; 32] = [3; 32];

fn recognizer() -> Recognizer {
    let models = facekit_nano::registry().load("nano", &Tract::new(), &LoadOptions::default());
    let builder = Recognizer::builder().models(models.expect("models that are part of a crate"));
    builder.without_liveness().build().expect("all parts")
}

/// The frames of a head that passes, with their times.
fn frames(recognizer: &Recognizer) -> Vec<(Image, Timestamp)> {
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/people/Ari/1.jpg");
    let photo = image::open(photo, &DecodeLimits::default()).expect("a photo");
    let faces = recognizer.find_faces(photo.view()).expect("a photo").faces;
    let head = Species::named("head").expect("a species");
    let mut presentation = Presentation::new(head, &photo, &faces[0].landmarks, 1).expect("a face");
    let options = ChallengeOptions::default();
    let mut challenge =
        Challenge::new(NONCE, presentation.at(), recognizer, &options).expect("limits");
    let mut frames = Vec::new();
    while challenge.outcome() == ChallengeOutcome::Undecided {
        let at = presentation.at();
        let frame = presentation.frame(&challenge.prompt(at));
        challenge
            .push(recognizer, frame.view(), at)
            .expect("a frame");
        frames.push((frame, at));
    }
    assert!(challenge.verdict().passed(), "{:?}", challenge.verdict());
    frames
}

fn challenge(criterion: &mut Criterion) {
    let recognizer = recognizer();
    let frames = frames(&recognizer);
    let options = ChallengeOptions::default();
    let new = || Challenge::new(NONCE, frames[0].1, &recognizer, &options).expect("limits");
    let mut group = criterion.benchmark_group("challenge");
    group.sample_size(10);
    group.bench_function(format!("whole, {} frames", frames.len()), |bencher| {
        bencher.iter(|| {
            let mut challenge = new();
            for (frame, at) in &frames {
                challenge
                    .push(&recognizer, black_box(frame.view()), *at)
                    .expect("a frame");
            }
            assert!(challenge.verdict().passed());
        });
    });

    // The state before the first turned view, and that view: the frame after which its number grows.
    let mut waiting = new();
    let mut turned = None;
    for (frame, at) in &frames {
        let before = serde_json::to_vec(&waiting).expect("a state");
        waiting
            .push(&recognizer, frame.view(), *at)
            .expect("a frame");
        if format!("{waiting:?}").contains("Views(1 left, 0 right)")
            || format!("{waiting:?}").contains("Views(0 left, 1 right)")
        {
            turned = Some((before, frame, *at));
            break;
        }
    }
    let (state, frame, at) = turned.expect("a turned view");
    let restored = || serde_json::from_slice::<Challenge>(&state).expect("a state");
    group.bench_function("turned view of a stored state", |bencher| {
        bencher.iter_batched(
            restored,
            |mut challenge| {
                challenge
                    .push(&recognizer, black_box(frame.view()), at)
                    .expect("a frame");
            },
            criterion::BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, challenge);
criterion_main!(benches);
