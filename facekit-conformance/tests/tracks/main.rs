//! The tracker with the models of `facekit-nano`, on generated videos of the demo's people.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, OnceLock},
};

use facekit::{
    EnrollOptions, FlatIndex, Gallery, Image, LoadOptions, MemoryStore, Metric, PersonId,
    Recognizer, TrackEvent, Tracker, TrackerOptions,
    image::{DecodeLimits, open},
};
use facekit_tract::Tract;
use jiff::Timestamp;
use scenes::{Actor, Crowd, Identities, Portrait, Scene, Seen, Walker};

/// The number of photos of each person that are enrolled. The videos show the others.
const ENROLLED: usize = 3;

struct Setup {
    recognizer: Arc<Recognizer>,
    /// The people of the demo, in order of name.
    actors: Vec<Arc<Actor>>,
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
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/people");
        let people = std::fs::read_dir(folder).unwrap();
        let mut people: Vec<_> = people.map(|person| person.unwrap().path()).collect();
        people.sort();
        let actors = people.iter().map(|folder| {
            let photo = |nth: usize| {
                let path = folder.join(format!("{nth}.jpg"));
                open(path, &DecodeLimits::default()).unwrap()
            };
            let photos: Vec<Image> = (1..=6).map(photo).collect();
            let name = folder.file_name().unwrap().to_str().unwrap();
            let views: Vec<_> = photos[..ENROLLED].iter().map(Image::view).collect();
            let person = PersonId::new(name).unwrap();
            let report = recognizer
                .enroll(&person, &views, &EnrollOptions::default())
                .unwrap();
            assert_eq!(report.accepted.len(), ENROLLED, "{name}: {report:?}");
            let portraits = photos.into_iter().skip(ENROLLED).map(|photo| {
                let face = recognizer.find_faces(photo.view()).unwrap().faces[0].rect;
                Portrait::new(photo, face)
            });
            Arc::new(Actor::new(name, portraits.collect()))
        });
        let actors = actors.collect();
        Setup {
            recognizer: Arc::new(recognizer),
            actors,
        }
    })
}

/// Somebody of the demo, with a face of this width in pixels.
fn walker(name: &str, width: f32) -> Walker {
    let mut actors = setup().actors.iter();
    let actor = actors.find(|actor| actor.name == name);
    Walker::new(actor.unwrap_or_else(|| panic!("no person {name}")), width)
}

fn crowd(seed: u64, people: usize) -> Scene {
    Scene::random(seed, &setup().actors, Crowd::of(people))
}

/// The result of a scene.
struct Played {
    events: Vec<TrackEvent>,
    identities: Identities,
    /// The number of frames in which each walker can be seen.
    visible: BTreeMap<usize, usize>,
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
    let mut visible = BTreeMap::new();
    for nth in 0..count {
        let frame = scene.frame(nth as f64 / frames_per_second);
        for face in &frame.faces {
            *visible.entry(face.walker).or_default() += 1;
        }
        let new = tracker.push(frame.image.view(), at(nth)).unwrap();
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
            let truth = frame.faces.iter();
            let truth = truth.map(|face| Seen::new(face.walker as u64, face.rect));
            identities.add_frame(at(nth), truth.collect());
            let partial = frame.partial.iter().map(|face| face.rect);
            identities.add_partial(at(nth), partial.collect());
            for face in tracker.faces() {
                identities.add_found(at(nth), Seen::new(face.track.0, face.detection.rect));
            }
        }
    }
    events.extend(tracker.finish(at(count)).unwrap());
    Played {
        events,
        identities,
        visible,
    }
}

#[test]
fn a_walker_is_one_track_and_one_sighting() {
    // 1.4 m/s: 8.75 face widths of 56 pixels a second.
    let walker = walker("Ari", 56.0).from(-60.0, 120.0).speed(490.0, 0.0);
    let played = play(&Scene::new(vec![walker]), 5.0, 2.0);
    assert_eq!(played.sightings(), ["Ari"]);
    assert_eq!(played.tracks(), 1);
}

#[test]
fn people_who_cross_are_one_track_each() {
    let scene = Scene::new(vec![
        walker("Chi", 70.0).from(-80.0, 130.0).speed(200.0, 0.0),
        walker("Gale", 60.0).from(640.0, 120.0).speed(-180.0, 0.0),
        walker("Kim", 80.0).from(290.0, 200.0).speed(0.0, 0.0),
    ]);
    let played = play(&scene, 5.0, 4.0);
    assert_eq!(played.sightings(), ["Chi", "Gale", "Kim"]);
    assert_eq!(played.tracks(), 3);
}

#[test]
fn a_person_hidden_by_another_is_one_track() {
    let scene = Scene::new(vec![
        walker("Indra", 55.0).from(300.0, 130.0).speed(0.0, 0.0),
        walker("Bela", 85.0).from(-90.0, 115.0).speed(170.0, 0.0),
    ]);
    let played = play(&scene, 5.0, 4.6);
    assert_eq!(played.sightings(), ["Bela", "Indra"]);
    assert_eq!(played.tracks(), 2);
}

#[test]
fn events_are_the_same_twice() {
    let scene = crowd(7, 3);
    let [first, second] = [(); 2].map(|()| play(&scene, 5.0, 3.0).events);
    assert!(!first.is_empty());
    assert_eq!(first, second);
}

/// A person who can be seen in fewer frames than this does not count: somebody else stands before them.
const FEWEST_FRAMES: usize = 3;
/// The bounds of the identity scores at 5 frames a second, over all scenes.
const LEAST_IDF1: f64 = 0.95;
const LEAST_SIGHTED: f64 = 0.98;
const MOST_SWITCHES: f64 = 0.01;

#[test]
fn random_scenes_keep_identities() {
    let (mut identities, mut people, mut sighted, mut wrong) = (Identities::default(), 0, 0, 0);
    for seed in 0..12 {
        let scene = crowd(seed, 1 + seed as usize % 4);
        let played = play(&scene, 5.0, 6.0);
        let sightings = played.sightings();
        for (walker, name) in scene.names().enumerate() {
            if played.visible.get(&walker).copied().unwrap_or(0) < FEWEST_FRAMES {
                continue;
            }
            people += 1;
            let count = sightings.iter().filter(|seen| *seen == name).count();
            sighted += usize::from(count == 1);
            if count != 1 {
                let frames = played.visible[&walker];
                println!(
                    "scene {seed}: {name} can be seen in {frames} frames, and has {count} sightings"
                );
            }
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
    // The few tracks of this run may have one switch.
    let most = (MOST_SWITCHES * scores.tracks as f64).max(1.0);
    assert!(scores.switches as f64 <= most, "{scores:?}");
    let share = f64::from(sighted as u32) / f64::from(people as u32);
    assert!(share >= LEAST_SIGHTED, "{sighted} of {people}");
}
