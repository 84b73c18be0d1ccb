//! The demo with the models of the program, and with noise in place of the embedder.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use attendance_server::{
    access::Actor,
    commands::{
        audit, enrolments, recompute,
        sightings::{self, Outcome, SightingFilter},
        templates, today,
    },
    paging::PageRequest,
    recognition::{LocalOptions, LocalRecognition},
};
use facekit::{AlignedFace, Embedder, Embedding, EmbeddingSpace};
use tokio::time::Instant;

use super::*;

fn pictures() -> Pictures {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../data");
    Pictures::read(folder.as_ref()).unwrap()
}

async fn demo(recognition: LocalRecognition) -> Demo {
    let models = async { Ok::<_, anyhow::Error>(Arc::new(recognition) as Arc<dyn Recognition>) };
    Demo::make(models, &pictures()).await.unwrap()
}

/// The results of the frames at the doors of a demo.
#[derive(Debug, Default)]
struct Seen {
    /// The faces in the tiles of the page Live.
    faces: usize,
    /// The people whom the tiles name.
    named: BTreeSet<String>,
    /// The people whom a door marked.
    marked: BTreeSet<String>,
}

/// Follows the cameras for a time, or until enough people were marked.
async fn follow(demo: &Demo, time: Duration, enough: usize) -> Seen {
    let start = demo.server.store.services().clock.now();
    let mut seen = Seen::default();
    let mut tx = demo.server.store.read().await.unwrap();
    let mut views = Vec::new();
    for token in [&demo.office.camera, &demo.office.tablet] {
        let actor = office::actor(&mut tx, token).await.unwrap();
        let attendance_server::access::Principal::Device(device) = actor.principal else {
            panic!("{actor:?}");
        };
        views.push(demo.server.cameras.watch(device));
    }
    drop(tx);
    let end = Instant::now() + time;
    while Instant::now() < end && seen.marked.len() < enough {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for view in &mut views {
            let newest = view.latest();
            let faces = newest.and_then(|view| view.faces.clone());
            for face in faces.iter().flat_map(|found| &found.faces) {
                seen.faces += 1;
                let known = face.known().map(|known| known.person.to_string());
                seen.named.extend(known);
            }
        }
        let operator = Actor::operator(demo.office.org);
        let filter = SightingFilter {
            outcome: Some(Outcome::Accepted),
            ..SightingFilter::default()
        };
        let mut tx = demo.server.store.read().await.unwrap();
        let page = PageRequest::default();
        let newest = sightings::list(&mut tx, &operator, &filter, &page);
        for sighting in newest.await.unwrap().items {
            if sighting.received >= start {
                seen.marked
                    .extend(sighting.person.map(|person| person.to_string()));
            }
        }
    }
    seen
}

fn models() -> LocalRecognition {
    LocalRecognition::open(&LocalOptions::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_named_at_the_door() {
    let demo = demo(models()).await;
    let org = demo.office.org;
    let operator = Actor::operator(org);
    let store = demo.server.store.clone();

    // Four weeks are there, whole and true.
    let report = recompute::recompute(&store, org, true).await.unwrap();
    assert_eq!(report.people, 12);
    assert!(report.changes.is_empty(), "{:?}", report.changes);
    let mut tx = store.read().await.unwrap();
    let overview = today::overview(&mut tx, &operator, None).await.unwrap();
    assert!(overview.people.len() >= 11, "{overview:?}");
    let verified = audit::verify(&mut tx, &operator).await.unwrap();
    assert!(
        verified.records > 40 && verified.fault.is_none(),
        "{verified:?}"
    );
    drop(tx);

    let background = demo.start(pictures());
    let seen = follow(&demo, Duration::from_secs(60), 3).await;
    background.iter().for_each(tokio::task::JoinHandle::abort);
    assert!(seen.marked.len() >= 3, "{seen:?}");
    assert!(seen.named.is_superset(&seen.marked), "{seen:?}");
}

/// An embedder that is replaced by noise after the enrolment: embeddings that have nothing to do with the face.
#[derive(Debug)]
struct Noise {
    embedder: Arc<dyn Embedder>,
    is_noise: Arc<AtomicBool>,
    drawn: AtomicU64,
}

impl Embedder for Noise {
    fn space(&self) -> &EmbeddingSpace {
        self.embedder.space()
    }

    fn face_side(&self) -> usize {
        self.embedder.face_side()
    }

    fn embed(&self, faces: &[AlignedFace]) -> facekit::Result<Vec<Embedding>> {
        if !self.is_noise.load(Ordering::SeqCst) {
            return self.embedder.embed(faces);
        }
        let draw = || {
            let drawn = self
                .drawn
                .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
        };
        let dimension = self.space().dimension();
        let noise = |_| Embedding::new(self.space(), (0..dimension).map(|_| draw()).collect());
        faces.iter().map(noise).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_noise_in_place_of_the_embedder_nobody_is_named() {
    let is_noise = Arc::new(AtomicBool::new(false));
    let noise = models().with_embedder(|embedder| {
        Arc::new(Noise {
            embedder,
            is_noise: Arc::clone(&is_noise),
            drawn: AtomicU64::new(0),
        })
    });
    let demo = demo(noise).await;
    let server = &demo.server;
    while enrolments::run_next(&server.store, &*server.recognition)
        .await
        .unwrap()
    {}
    // The worker, which tells recognition of changes, is started below.
    templates::load_all(&server.store, &*server.recognition)
        .await
        .unwrap();
    is_noise.store(true, Ordering::SeqCst);
    let background = demo.start(pictures());
    let seen = follow(&demo, Duration::from_secs(12), usize::MAX).await;
    background.iter().for_each(tokio::task::JoinHandle::abort);
    let room = demo.server.recognition.room(demo.office.org).unwrap();
    assert_eq!(room.people, 12, "everybody has templates");
    assert!(seen.faces > 20, "{seen:?}");
    assert!(seen.named.is_empty() && seen.marked.is_empty(), "{seen:?}");
}
