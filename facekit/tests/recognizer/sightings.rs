use facekit::{PersonId, Recognition, Sighting, sightings};
use jiff::Timestamp;

use crate::{
    parts::{Scripted, enroll, gallery, parts},
    scenes::{Face, face, scene},
};

fn at() -> Timestamp {
    "2026-03-02T08:59:30Z".parse().unwrap()
}

fn recognized(faces: &[Face]) -> Vec<Recognition> {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    enroll(&recognizer, "bela", 120.0);
    enroll(&recognizer, "anna", 0.0);
    recognizer.recognize(scene(faces).view()).unwrap()
}

#[test]
fn a_person_is_seen_once_in_a_frame_with_the_best_score_and_its_liveness() {
    let near = face(2.0).at(36, 4).live(70);
    let far = face(15.0).at(4, 4).live(95);
    for faces in [[near, far], [far, near]] {
        let seen = sightings(&recognized(&faces), at());
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!(seen[0].liveness, Some(0.7));
        assert!(seen[0].score.unwrap() > 0.99);
        assert_eq!((seen[0].at, &seen[0].device), (at(), &None));
    }
}

#[test]
fn people_are_in_order_of_id() {
    let faces = [
        face(118.0).at(4, 4),
        face(1.0).at(36, 4),
        face(60.0).at(68, 4),
    ];
    let seen = sightings(&recognized(&faces), at());
    let people: Vec<&str> = seen
        .iter()
        .map(|sighting: &Sighting| PersonId::as_str(&sighting.person))
        .collect();
    assert_eq!(people, ["anna", "bela"]);
}

#[test]
fn strangers_and_refused_faces_are_no_sightings() {
    let faces = [
        face(60.0).at(4, 4),
        face(0.0).at(36, 4).live(20),
        Face {
            textured: false,
            ..face(0.0).at(68, 4)
        },
    ];
    assert_eq!(sightings(&recognized(&faces), at()), []);
    assert_eq!(sightings(&[], at()), []);
}
