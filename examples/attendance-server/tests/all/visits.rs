//! Visits of the synthetic people at a door, with the real recognition: who is enrolled is named, strangers are not.

use attendance_server::{
    door::{DoorRules, DoorState, Guide, MARK_FRAMES, Visit},
    id::Id,
    recognition::{Faces, Frame, Recognition},
};
use facekit::{Template, TemplateId};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::support::{picture, recognition};

/// A face in a frame: the file, the name, and the point between the eyes.
struct Sight {
    file: String,
    name: String,
    x: f32,
    y: f32,
}

fn sights() -> Vec<Sight> {
    let list = picture("frames.csv");
    let lines = std::str::from_utf8(&list).unwrap().lines().skip(1);
    let sight = |line: &str| {
        let parts: Vec<&str> = line.split(',').collect();
        Sight {
            file: format!("frames/{}", parts[0]),
            name: parts[1].to_owned(),
            x: parts[2].parse().unwrap(),
            y: parts[3].parse().unwrap(),
        }
    };
    lines.map(sight).collect()
}

/// The faces of a frame as if this one stood in the middle of the picture, alone.
async fn alone(org: Id, sight: &Sight) -> Faces {
    let mut faces = recognition()
        .recognize(Frame {
            org,
            image: picture(&sight.file),
            sites: None,
        })
        .await
        .unwrap();
    let distance = |face: &facekit::Recognition| {
        let eyes = face.detection.landmarks;
        let (x, y) = (
            (eyes.left_eye.x + eyes.right_eye.x) / 2.0,
            (eyes.left_eye.y + eyes.right_eye.y) / 2.0,
        );
        (x - sight.x).hypot(y - sight.y)
    };
    faces.faces.retain(|face| distance(face) < 20.0);
    assert_eq!(faces.faces.len(), 1, "{} in {}", sight.name, sight.file);
    let rect = &mut faces.faces[0].detection.rect;
    rect.x = (640.0 - rect.width) / 2.0;
    faces
}

/// Enrols a person from five photos.
async fn enrol(org: Id, site: Id, name: &str) -> Id {
    let person = Id::new(Timestamp::now());
    let photos = (1..=5).map(|photo| picture(&format!("people/{name}/{photo}.jpg")));
    let (seen, _) = watch::channel(0);
    let analyzed = recognition()
        .analyze(org, person, person, photos.collect(), seen)
        .await
        .unwrap();
    let id = facekit::PersonId::new(person.to_string()).unwrap();
    let templates = analyzed.templates.iter().enumerate();
    let templates =
        templates.map(|(number, new)| Template::new(TemplateId(number as u64), id.clone(), new));
    recognition()
        .follow(org, person, site, templates.collect())
        .await
        .unwrap();
    person
}

/// The result of a visit of at most three seconds, five frames a second, and the frames that it took.
fn visit(faces: &Faces) -> (DoorState, usize) {
    let mut visit = Visit::new(DoorRules {
        has_liveness: true,
        liveness: 0.5,
    });
    let mut now = Timestamp::UNIX_EPOCH;
    for frame in 1..=15 {
        now += SignedDuration::from_millis(200);
        match visit.push(faces, now) {
            DoorState::Guide(..) => {}
            state => return (state, frame),
        }
    }
    (DoorState::Guide(Guide::Idle, 0), 15)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enrolled_people_are_named_and_strangers_are_not() {
    let [org, site] = [(); 2].map(|()| Id::new(Timestamp::now()));
    let all = sights();
    let mut people: Vec<(String, Id)> = Vec::new();
    for sight in all.iter().filter(|sight| !sight.name.contains("stranger")) {
        if people.iter().all(|(name, _)| *name != sight.name) {
            people.push((sight.name.clone(), enrol(org, site, &sight.name).await));
        }
    }
    let (mut named, mut strangers) = (0, 0);
    for sight in &all {
        let (state, frames) = visit(&alone(org, sight).await);
        let person = people.iter().find(|(name, _)| *name == sight.name);
        let name = format!("{} in {}: {state:?}", sight.name, sight.file);
        match (state, person) {
            (DoorState::Decided(decision), Some((_, person))) => {
                assert_eq!(decision.person.as_str(), person.to_string(), "{name}");
                assert_eq!(frames, MARK_FRAMES, "{name}");
                named += 1;
            }
            // Refused, or asked for a better picture.
            (DoorState::Refused(_) | DoorState::Guide(..), None) => strangers += 1,
            _ => panic!("{name}"),
        }
    }
    assert_eq!((named, strangers), (30, 5));
}
