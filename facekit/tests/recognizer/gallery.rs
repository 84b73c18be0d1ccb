use std::{f32::consts::TAU, sync::Arc, sync::atomic::AtomicBool, sync::atomic::Ordering, thread};

use facekit::{
    Embedding, Error, FlatIndex, Fusion, Gallery, MemoryStore, Metric, Neighbor, NewTemplate,
    Person, PersonId, SearchOptions, VectorIndex,
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::{
    parts::{add, another_space, at_angle, enroll, gallery, id, outcomes, recognizer, space},
    scenes::{face, scene},
};

fn gallery_with(fusion: Fusion) -> Gallery {
    let index = FlatIndex::new(space(), Metric::Cosine);
    Gallery::open_with(MemoryStore::new(), index, fusion).unwrap()
}

fn fusions() -> impl Strategy<Value = Fusion> {
    prop_oneof![Just(Fusion::Mean), Just(Fusion::Nearest)]
}

proptest! {
    #[test]
    fn the_nearest_people_are_distinct_and_in_order(
        people in prop::collection::vec(prop::collection::vec(0.0_f32..170.0, 1..30), 1..8),
        probe in 0.0_f32..360.0, k in 0_usize..10, fusion in fusions(),
    ) {
        let gallery = gallery_with(fusion);
        for (nth, angles) in people.iter().enumerate() {
            add(&gallery, &format!("person {nth}"), angles);
        }
        let probe = at_angle(probe);
        let found = gallery.nearest(&probe, k, None).unwrap();
        let score = |angles: &Vec<f32>| match fusion {
            Fusion::Nearest => angles.iter().map(|&degrees| at_angle(degrees).cosine(&probe).unwrap()).fold(-1.0, f32::max),
            _ => {
                let templates: Vec<Embedding> = angles.iter().map(|&degrees| at_angle(degrees)).collect();
                Embedding::mean(&templates).unwrap().cosine(&probe).unwrap()
            }
        };
        let mut expected: Vec<f32> = people.iter().map(score).collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        expected.truncate(k);
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found.score - expected).abs() < 1e-5, "{} is not {}", found.score, expected);
        }
        let mut names: Vec<&PersonId> = found.iter().map(|neighbor| &neighbor.person).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), found.len());
    }
}

#[test]
fn many_templates_of_one_person_hide_nobody() {
    let gallery = gallery_with(Fusion::Nearest);
    let circle: Vec<f32> = (0..500).map(|nth| nth as f32 / 500.0).collect();
    add(&gallery, "anna", &circle);
    add(&gallery, "bela", &[30.0]);
    add(&gallery, "carla", &[50.0]);
    let found = gallery.nearest(&at_angle(0.0), 3, None).unwrap();
    let names: Vec<&str> = found
        .iter()
        .map(|neighbor| neighbor.person.as_str())
        .collect();
    assert_eq!(names, ["anna", "bela", "carla"]);
    assert_eq!(
        gallery
            .nearest(&at_angle(0.0), usize::MAX, None)
            .unwrap()
            .len(),
        3
    );
    let roster = gallery.roster(&[id("carla")]).unwrap();
    assert_eq!(
        gallery.nearest(&at_angle(0.0), 3, Some(&roster)).unwrap()[0].person,
        id("carla")
    );
}

#[test]
fn a_gallery_refuses_other_spaces() {
    let gallery = gallery();
    let foreign = Embedding::new(&another_space(), vec![1.0, 0.0, 0.0]).unwrap();
    let now = Timestamp::now();
    let templates = [at_angle(0.0), foreign.clone()].map(|e| NewTemplate::new(e, 1.0, now));
    let added = gallery.add(&Person::new(id("anna"), now), &templates);
    assert!(matches!(added, Err(Error::SpaceMismatch { .. })));
    assert!(gallery.people().is_empty() && gallery.is_empty());
    assert!(matches!(
        gallery.nearest(&foreign, 1, None),
        Err(Error::SpaceMismatch { .. })
    ));
}

#[test]
fn threads_share_a_recognizer_during_changes() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    let gallery = recognizer.gallery().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let frame = scene(&[face(0.0).at(4, 4), face(120.0).at(36, 4)]);
                let mut searches = 0;
                while !done.load(Ordering::Relaxed) || searches == 0 {
                    let found = outcomes(&recognizer.recognize(frame.view()).unwrap());
                    assert_eq!(found[0], "known anna");
                    assert!(
                        ["unknown", "known bela", "known carla"].contains(&&*found[1]),
                        "{found:?}"
                    );
                    searches += 1;
                }
            });
        }
        let changes = ["bela", "carla"].map(|person| {
            threads.spawn(move || {
                for round in 0..200 {
                    add(gallery, person, &[120.0, 125.0]);
                    let roster = gallery.roster(&[id(person)]).unwrap();
                    assert_eq!(gallery.searched(Some(&roster)), 1, "{round}");
                    assert_eq!(gallery.remove(&[id(person)]).unwrap(), 1);
                }
            })
        });
        let changes = changes.map(|changes| changes.join());
        done.store(true, Ordering::Relaxed);
        assert!(changes.iter().all(|changes| changes.is_ok()));
    });
    assert_eq!((gallery.len(), gallery.people().len()), (1, 1));
}

proptest! {
    #[test]
    fn a_gallery_is_what_its_store_holds(
        steps in prop::collection::vec((0_u8..6, any::<bool>(), prop::collection::vec(0.0_f32..360.0, 0..4)), 0..40),
        fusion in fusions(),
    ) {
        let store = Arc::new(MemoryStore::new());
        let open = || Gallery::open_with(store.clone(), FlatIndex::new(space(), Metric::Cosine), fusion).unwrap();
        let gallery = open();
        for (person, removed, angles) in &steps {
            let person = format!("person {person}");
            if *removed {
                gallery.remove(&[id(&person)]).unwrap();
            } else {
                add(&gallery, &person, angles);
            }
        }
        let fresh = open();
        prop_assert_eq!(gallery.people(), fresh.people());
        prop_assert_eq!(gallery.len(), fresh.len());
        for degrees in [0.0, 0.3 * TAU.to_degrees()] {
            let probe = at_angle(degrees);
            prop_assert_eq!(gallery.nearest(&probe, 3, None).unwrap(), fresh.nearest(&probe, 3, None).unwrap());
        }
    }
}

#[test]
fn a_mean_follows_its_templates() {
    let store = Arc::new(MemoryStore::new());
    let index = Arc::new(FlatIndex::new(space(), Metric::Cosine));
    let gallery = Gallery::open(Arc::clone(&store), Arc::clone(&index)).unwrap();
    add(&gallery, "anna", &[0.0]);
    add(&gallery, "bela", &[180.0]);
    let roster = gallery.roster(&[id("anna")]).unwrap();
    let nearest = |roster| {
        let found = gallery.nearest(&at_angle(30.0), 1, roster).unwrap();
        let Neighbor {
            person,
            template,
            score,
            photos,
            ..
        } = &found[0];
        assert_eq!((person, *template), (&id("anna"), None));
        ((score.acos().to_degrees()).round(), *photos)
    };
    assert_eq!(nearest(Some(&roster)), (30.0, 1));
    let entry = index
        .search(&at_angle(0.0), &SearchOptions::new(1))
        .unwrap()[0]
        .entry;

    // The mean of 0 and 60 degrees, and then that of 0, 60 and 90 degrees.
    for (degrees, expected) in [(60.0, (0.0, 2)), (90.0, (21.0, 3))] {
        add(&gallery, "anna", &[degrees]);
        for roster in [None, Some(&roster)] {
            assert_eq!(nearest(roster), expected);
            assert_eq!(gallery.searched(roster), 2 - usize::from(roster.is_some()));
        }
        let found = index
            .search(&at_angle(30.0), &SearchOptions::new(1))
            .unwrap();
        assert_eq!(
            (found[0].entry, index.len()),
            (entry, 2),
            "the entry keeps its id"
        );
    }
    assert_eq!(gallery.people()[0].1, 3);

    // Opened again, the mean is the same.
    let again = Gallery::open(store, FlatIndex::new(space(), Metric::Cosine)).unwrap();
    let probe = at_angle(77.0);
    assert_eq!(
        again.nearest(&probe, 2, None).unwrap(),
        gallery.nearest(&probe, 2, None).unwrap()
    );
}

#[test]
fn a_neighbor_states_its_templates() {
    let now = Timestamp::now();
    let templates = [(0.0, false), (10.0, true), (20.0, false)].map(|(degrees, mirrored)| {
        NewTemplate::new(at_angle(degrees).with_mirrored(mirrored), 1.0, now)
    });
    for fusion in [Fusion::Mean, Fusion::Nearest] {
        let gallery = gallery_with(fusion);
        let ids = gallery
            .add(&Person::new(id("anna"), now), &templates)
            .unwrap();
        let near = |degrees: f32| {
            gallery
                .nearest(&at_angle(degrees), 1, None)
                .unwrap()
                .remove(0)
        };
        let stated = |near: &Neighbor| (near.template, near.photos, near.mirrored);
        let expected = match fusion {
            Fusion::Nearest => [(Some(ids[1]), 1, true), (Some(ids[2]), 1, false)],
            _ => [(None, 3, true); 2],
        };
        assert_eq!([near(10.0), near(20.0)].map(|near| stated(&near)), expected);
        assert_eq!(
            (gallery.fusion(), gallery.len()),
            (fusion, if fusion == Fusion::Mean { 1 } else { 3 })
        );
    }
}

#[test]
fn the_opposite_of_a_mean_is_left_out() {
    let gallery = gallery();
    add(&gallery, "anna", &[0.0, 180.0, 20.0]);
    let found = gallery.nearest(&at_angle(10.0), 1, None).unwrap();
    assert!(found[0].score > 0.999_9);
    assert_eq!((found[0].photos, gallery.people()[0].1), (2, 3));
}

#[test]
fn a_roster_follows_the_gallery() {
    let gallery = gallery_with(Fusion::Nearest);
    add(&gallery, "anna", &[0.0]);
    add(&gallery, "bela", &[90.0]);
    let roster = gallery
        .roster(&[id("anna"), id("bela"), id("anna")])
        .unwrap();
    let people: Vec<&PersonId> = roster.people().collect();
    assert_eq!(people, [&id("anna"), &id("bela")]);
    assert!(roster.contains(&id("bela")) && !roster.contains(&id("carla")));
    let near = |degrees: f32| {
        let found = gallery
            .nearest(&at_angle(degrees), 1, Some(&roster))
            .unwrap();
        let found = found.into_iter().next();
        found.map(|neighbor| (neighbor.person.to_string(), neighbor.score > 0.99))
    };
    let found = |person: &str, close| Some((person.to_owned(), close));
    assert_eq!(near(180.0), found("bela", false));

    // A new template of a person on the roster counts at once, and one of another person does not.
    add(&gallery, "anna", &[180.0]);
    add(&gallery, "carla", &[180.0]);
    assert_eq!(gallery.searched(Some(&roster)), 3);
    assert_eq!(near(180.0), found("anna", true));

    // A removed person does not match, and matches again after a new enrollment.
    gallery.remove(&[id("anna")]).unwrap();
    assert_eq!((near(180.0), roster.len()), (found("bela", false), 2));
    add(&gallery, "anna", &[180.0]);
    assert_eq!(near(180.0), found("anna", true));
}

#[test]
fn a_roster_serves_galleries_beside_each_other() {
    let gallery = gallery();
    let other = gallery
        .beside(FlatIndex::new(another_space(), Metric::Cosine))
        .unwrap();
    add(&gallery, "anna", &[0.0]);
    add(&gallery, "bela", &[90.0]);
    let roster = gallery.roster(&[id("bela")]).unwrap();
    let probe = Embedding::new(&another_space(), vec![1.0, 0.0, 0.0]).unwrap();
    let now = Timestamp::now();
    let template = NewTemplate::new(probe.clone(), 1.0, now);
    other
        .add(&Person::new(id("bela"), now), &[template])
        .unwrap();
    for _ in 0..2 {
        let found = other.nearest(&probe, 9, Some(&roster)).unwrap();
        assert_eq!((found.len(), &found[0].person), (1, &id("bela")));
        let found = gallery.nearest(&at_angle(0.0), 9, Some(&roster)).unwrap();
        assert_eq!((found.len(), &found[0].person), (1, &id("bela")));
    }
}
