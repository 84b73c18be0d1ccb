//! The tracker with the models of `facekit-nano`, on generated videos of the demo's people.

mod identities;
mod walkers;

use std::sync::{Arc, OnceLock};

use facekit::{
    EnrollOptions, FlatIndex, Gallery, Image, LoadOptions, MemoryStore, Metric, PersonId,
    Recognizer, TrackEvent, Tracker, TrackerOptions,
};
use facekit_tract::Tract;
use jiff::Timestamp;

use identities::{Identities, Seen};
use walkers::{People, Scene, Walker};

/// The number of photos of each person that are enrolled. The videos show the others.
const ENROLLED: usize = 3;

struct Setup {
    recognizer: Arc<Recognizer>,
    people: People,
}

fn setup() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| {
        let models = facekit_nano::registry()
            .load("nano", &Tract::new(), &LoadOptions::default())
            .unwrap();
        let index = FlatIndex::new(models.embedder.space().clone(), Metric::Cosine);
        let recognizer = Recognizer::builder()
            .models(models)
            // The people of the videos are cut out of photos.
            .without_liveness()
            .gallery(Gallery::open(MemoryStore::new(), index).unwrap())
            .build()
            .unwrap();
        let people = People::load(&recognizer);
        for (name, photos) in people.photos() {
            let views: Vec<_> = photos[..ENROLLED].iter().map(Image::view).collect();
            let person = PersonId::new(name).unwrap();
            let report = recognizer
                .enroll(&person, &views, &EnrollOptions::default())
                .unwrap();
            assert_eq!(report.accepted.len(), ENROLLED, "{name}: {report:?}");
        }
        Setup {
            recognizer: Arc::new(recognizer),
            people,
        }
    })
}

/// The result of a scene.
struct Played {
    events: Vec<TrackEvent>,
    identities: Identities,
}

impl Played {
    /// The people of all sightings, in order of name.
    fn sightings(&self) -> Vec<String> {
        let seen = self.events.iter().filter_map(TrackEvent::sighting);
        let mut seen: Vec<String> = seen.map(|sighting| sighting.person.to_string()).collect();
        seen.sort();
        seen
    }

    fn tracks(&self) -> usize {
        let ended = |event: &&TrackEvent| matches!(event, TrackEvent::Ended(_));
        self.events.iter().filter(ended).count()
    }
}

fn play(scene: &Scene, frames_per_second: f64, seconds: f64) -> Played {
    let setup = setup();
    let mut tracker =
        Tracker::new(Arc::clone(&setup.recognizer), TrackerOptions::default()).unwrap();
    let at = |nth: usize| {
        let milliseconds = 1000.0 * nth as f64 / frames_per_second;
        Timestamp::from_millisecond(milliseconds.round() as i64).unwrap()
    };
    let count = (seconds * frames_per_second).round() as usize;
    let (mut events, mut identities) = (Vec::new(), Identities::default());
    for nth in 0..count {
        let (frame, truth) = scene.frame(&setup.people, nth as f64 / frames_per_second);
        let new = tracker.push(frame.view(), at(nth)).unwrap();
        for event in &new {
            // A track begins with its second face, and then the first one is known.
            if let TrackEvent::Started {
                track, from, first, ..
            } = event
            {
                identities.add_found(*from, Seen::new(track.0, first.rect));
            }
        }
        events.extend(new);
        if tracker.searched() == Some(at(nth)) {
            identities.add_frame(at(nth), truth);
            for face in tracker.faces() {
                identities.add_found(at(nth), Seen::new(face.track.0, face.detection.rect));
            }
        }
    }
    events.extend(tracker.finish(at(count)).unwrap());
    Played { events, identities }
}

#[test]
fn a_walker_is_one_track_and_one_sighting() {
    // 1.4 m/s: 8.75 face widths of 56 pixels a second.
    let walker = Walker::new("Ari", 56.0)
        .from(-60.0, 120.0)
        .speed(490.0, 0.0);
    let played = play(&Scene::new(vec![walker]), 5.0, 2.0);
    assert_eq!(played.sightings(), ["Ari"]);
    assert_eq!(played.tracks(), 1);
}

#[test]
fn people_who_cross_are_one_track_each() {
    let scene = Scene::new(vec![
        Walker::new("Chi", 70.0)
            .from(-80.0, 130.0)
            .speed(200.0, 0.0),
        Walker::new("Gale", 60.0)
            .from(640.0, 120.0)
            .speed(-180.0, 0.0),
        Walker::new("Kim", 80.0).from(290.0, 200.0).speed(0.0, 0.0),
    ]);
    let played = play(&scene, 5.0, 4.0);
    assert_eq!(played.sightings(), ["Chi", "Gale", "Kim"]);
    assert_eq!(played.tracks(), 3);
}

#[test]
fn a_person_hidden_by_another_is_one_track() {
    let scene = Scene::new(vec![
        Walker::new("Indra", 55.0)
            .from(300.0, 130.0)
            .speed(0.0, 0.0),
        Walker::new("Bela", 85.0)
            .from(-90.0, 115.0)
            .speed(170.0, 0.0),
    ]);
    let played = play(&scene, 5.0, 4.6);
    assert_eq!(played.sightings(), ["Bela", "Indra"]);
    assert_eq!(played.tracks(), 2);
}

#[test]
fn events_are_the_same_twice() {
    let scene = Scene::random(7, 3);
    let [first, second] = [(); 2].map(|()| play(&scene, 5.0, 3.0).events);
    assert!(!first.is_empty());
    assert_eq!(first, second);
}

/// The bounds of the identity scores at 5 frames a second, over all scenes.
const LEAST_IDF1: f64 = 0.95;
const LEAST_SIGHTED: f64 = 0.98;

#[test]
fn random_scenes_keep_identities() {
    let (mut identities, mut people, mut sighted, mut wrong) = (Identities::default(), 0, 0, 0);
    for seed in 0..12 {
        let scene = Scene::random(seed, 1 + seed as usize % 4);
        let played = play(&scene, 5.0, 6.0);
        let sightings = played.sightings();
        for name in scene.names() {
            people += 1;
            let count = sightings.iter().filter(|seen| *seen == name).count();
            sighted += usize::from(count == 1);
        }
        wrong += sightings
            .iter()
            .filter(|seen| scene.names().all(|name| name != *seen))
            .count();
        identities.extend(played.identities);
    }
    let scores = identities.scores();
    println!(
        "IDF1 {:.3}, {} switches in {} tracks, {} of {} faces found; one sighting: {sighted} of {people} people",
        scores.idf1, scores.switches, scores.tracks, scores.found_faces, scores.true_faces
    );
    assert_eq!(wrong, 0, "a person who is not there was seen");
    assert!(scores.idf1 >= LEAST_IDF1, "{scores:?}");
    let share = f64::from(sighted as u32) / f64::from(people as u32);
    assert!(share >= LEAST_SIGHTED, "{sighted} of {people}");
}
