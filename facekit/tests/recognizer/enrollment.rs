use std::{sync::Barrier, thread};

use facekit::{
    CancellationToken, Embedding, EnrollOptions, EnrollReport, Error, FlatIndex, Gallery, Image,
    ImageView, MemoryStore, Metric, NewTemplate, Outcome, Person, QualityOptions, Recognizer,
    Refusal, Watch,
};
use jiff::Timestamp;

use crate::{
    parts::{
        FaultyStore, Scripted, add, another_space, at_angle, calibration, enroll, gallery, id,
        mean_color, parts, recognized, recognizer, space,
    },
    scenes::{Face, face, scene},
};

#[test]
fn each_photo_becomes_a_template_or_a_reason() {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    let photos = [
        scene(&[face(0.0)]),
        scene(&[]),
        // A second face of half the area is somebody in the background.
        scene(&[face(5.0).side(40), face(90.0).at(80, 20).side(28)]),
        scene(&[face(0.0), face(90.0).at(80, 20)]),
        scene(&[Face {
            textured: false,
            ..face(0.0)
        }]),
        scene(&[face(0.0).live(10)]),
        scene(&[face(90.0)]),
    ];
    let views: Vec<ImageView<'_>> = photos.iter().map(Image::view).collect();
    let report = recognizer
        .enroll(&id("anna"), &views, &EnrollOptions::default())
        .unwrap();
    assert_eq!(
        (&report.person, &report.accepted[..]),
        (&id("anna"), &[0, 2][..])
    );
    assert_eq!(report.templates.len(), 2);
    let refused: Vec<usize> = report.refused.iter().map(|refused| refused.photo).collect();
    assert_eq!(refused, [1, 3, 4, 5, 6]);
    let reasons: Vec<&Refusal> = report
        .refused
        .iter()
        .map(|refused| &refused.refusal)
        .collect();
    assert!(matches!(reasons[0], Refusal::NoFace));
    assert!(matches!(reasons[1], Refusal::SeveralFaces { count: 2 }));
    assert!(matches!(reasons[2], Refusal::PoorQuality { issues } if !issues.is_empty()));
    assert!(matches!(reasons[3], Refusal::Spoof { liveness } if liveness.value() == 0.1));
    assert!(matches!(reasons[4], Refusal::AnotherPerson { score } if score.abs() < 0.2));
    assert!(
        report
            .refused
            .iter()
            .all(|refused| !refused.refusal.to_string().is_empty())
    );

    let mut quality = QualityOptions::enrollment();
    quality.max_pitch = 200.0;
    for options in [
        EnrollOptions::default().with_quality(quality),
        EnrollOptions::default().with_ambiguity(f32::NAN),
    ] {
        let refused = recognizer.enroll(&id("berta"), &views, &options);
        assert!(matches!(refused, Err(Error::InvalidArgument { .. })));
    }

    let gallery = recognizer.gallery().unwrap();
    assert_eq!(gallery.len(), 1);
    assert_eq!(gallery.people()[0].1, 2);
    assert_eq!(recognized(&recognizer, &[face(2.0)]), ["known anna"]);

    // The report is data.
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<EnrollReport>(&json).unwrap(), report);
}

#[test]
fn passport_photos_need_not_be_live() {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    let photo = scene(&[face(0.0).live(0)]);
    let options = EnrollOptions::default().with_liveness(false);
    assert_eq!(
        recognizer
            .enroll(&id("anna"), &[photo.view()], &options)
            .unwrap()
            .accepted,
        [0]
    );
}

/// A recognizer whose calibration has a score of 0.7 (46 degrees) at 1e-2 and of 0.95 (18 degrees) at 1e-4.
fn calibrated() -> Recognizer {
    parts()
        .calibration(calibration())
        .gallery(gallery())
        .build()
        .unwrap()
}

fn enroll_all(
    recognizer: &Recognizer,
    angles: &[f32],
    options: &EnrollOptions<'_>,
) -> EnrollReport {
    let photos = angles.iter().map(|&degrees| Ok(scene(&[face(degrees)])));
    recognizer
        .enroll_each(&id("anna"), photos, options)
        .unwrap()
}

/// The photos of a report that match poorly, and the photos that they match best.
fn poor(report: &EnrollReport) -> Vec<(usize, Option<usize>)> {
    let pair = |mismatch: &facekit::Mismatch| (mismatch.photo, mismatch.other);
    report.mismatches.iter().map(pair).collect()
}

#[test]
fn photos_of_different_people_are_refused() {
    let recognizer = calibrated();
    let report = enroll_all(&recognizer, &[0.0, 90.0], &EnrollOptions::default());
    assert!(report.accepted.is_empty() && report.mismatches.is_empty());
    assert!(recognizer.gallery().unwrap().people().is_empty());
    for (refused, expected) in report.refused.iter().zip([1, 0]) {
        let Refusal::Mismatch {
            person,
            other,
            score,
            fmr,
        } = &refused.refusal
        else {
            panic!("{refused:?}")
        };
        assert_eq!((person, *other), (&id("anna"), Some(expected)));
        assert!(score.abs() < 0.05 && *fmr == Some(1.0));
        let text = refused.refusal.to_string();
        let words = [&*format!("photos[{expected}]"), "anna", "similarity"];
        assert!(words.iter().all(|words| text.contains(words)), "{text}");
        // The rate is unknown below the calibrated scores.
        assert!(!text.contains("false-match rate"), "{text}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["refused"][0]["reason"], "mismatch");
    assert_eq!(
        serde_json::from_value::<EnrollReport>(json).unwrap(),
        report
    );

    // Positions are those of the input, also if photos before them are refused.
    let photos = [scene(&[]), scene(&[face(0.0)]), scene(&[face(90.0)])];
    let views: Vec<_> = photos.iter().map(Image::view).collect();
    let report = recognizer
        .enroll(&id("anna"), &views, &EnrollOptions::default())
        .unwrap();
    assert!(
        matches!(
            report.refused[1].refusal,
            Refusal::Mismatch { other: Some(2), .. }
        ),
        "{report:?}"
    );
}

#[test]
fn photos_that_match_poorly_are_accepted_and_listed() {
    let recognizer = calibrated();
    let report = enroll_all(&recognizer, &[0.0, 30.0], &EnrollOptions::default());
    assert_eq!(report.accepted, [0, 1]);
    assert_eq!(poor(&report), [(0, Some(1)), (1, Some(0))]);
    let mismatch = &report.mismatches[0];
    assert!((mismatch.score - 30_f32.to_radians().cos()).abs() < 0.02);
    assert_eq!(mismatch.fmr, recognizer.fmr_of(mismatch.score));
    assert!((1e-4..1e-2).contains(&mismatch.fmr.unwrap()));

    let report = enroll_all(&calibrated(), &[0.0, 10.0], &EnrollOptions::default());
    assert_eq!(report.accepted, [0, 1]);
    assert!(report.mismatches.is_empty());
    let report = enroll_all(&calibrated(), &[0.0], &EnrollOptions::default());
    assert!(report.mismatches.is_empty());
}

#[test]
fn a_photo_of_somebody_else_is_not_added_to_a_person() {
    let recognizer = calibrated();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 90.0);
    let report = enroll_all(&recognizer, &[88.0], &EnrollOptions::default());
    assert!(report.accepted.is_empty());
    let Refusal::Mismatch {
        person,
        other: None,
        score,
        ..
    } = &report.refused[0].refusal
    else {
        panic!("{report:?}")
    };
    assert!(*person == id("anna") && score.abs() < 0.1);
    assert!(
        report.refused[0]
            .refusal
            .to_string()
            .contains("does not match anna, who is enrolled already")
    );

    let report = enroll_all(&recognizer, &[35.0], &EnrollOptions::default());
    assert_eq!(
        (&report.accepted[..], poor(&report)),
        (&[0][..], vec![(0, None)])
    );
    // The nearest template counts: that at 35 degrees.
    let report = enroll_all(&recognizer, &[40.0, 130.0], &EnrollOptions::default());
    assert_eq!(report.accepted, [0]);
    assert!(report.mismatches.is_empty() && report.refused[0].photo == 1);

    // The person is known, so a majority of photos of somebody else does not replace the person.
    let report = enroll_all(&recognizer, &[120.0, 2.0, 122.0], &EnrollOptions::default());
    assert_eq!(report.accepted, [1]);
    assert_eq!(recognizer.gallery().unwrap().people()[0].1, 4);
}

#[test]
fn mismatches_can_be_allowed() {
    let allow = EnrollOptions::default().with_allow_mismatch(true);
    let report = enroll_all(&calibrated(), &[0.0, 90.0], &allow);
    assert_eq!(report.accepted, [0, 1]);
    assert_eq!(poor(&report), [(0, Some(1)), (1, Some(0))]);
    let recognizer = calibrated();
    enroll(&recognizer, "anna", 0.0);
    let report = enroll_all(&recognizer, &[2.0, 90.0, 1.0], &allow);
    assert_eq!(report.accepted, [0, 1, 2]);
    assert_eq!(poor(&report), [(1, Some(0))]);
    // A resemblance is refused all the same, and then nothing is listed as accepted.
    enroll(&recognizer, "bela", 180.0);
    let strict = allow.with_refuse_resemblance(true);
    let report = enroll_all(&recognizer, &[180.0], &strict);
    assert!(matches!(
        report.refused[0].refusal,
        Refusal::Resembles { .. }
    ));
    assert!(report.accepted.is_empty() && report.mismatches.is_empty());
}

#[test]
fn without_a_calibration_photos_that_do_not_match_are_listed() {
    let report = enroll_all(&recognizer(), &[0.0, 90.0], &EnrollOptions::default());
    assert_eq!(report.accepted, [0, 1]);
    assert_eq!(poor(&report), [(0, Some(1)), (1, Some(0))]);
    assert!(
        report
            .mismatches
            .iter()
            .all(|mismatch| mismatch.fmr.is_none())
    );
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    let report = enroll_all(&recognizer, &[90.0, 5.0], &EnrollOptions::default());
    assert_eq!(
        (&report.accepted[..], poor(&report)),
        (&[0, 1][..], vec![(0, Some(1))])
    );
}

#[test]
fn nothing_is_stored_if_all_photos_are_refused() {
    let recognizer = recognizer();
    let photo = scene(&[]);
    let options = EnrollOptions::default().with_name("Anna");
    let report = recognizer
        .enroll(&id("anna"), &[photo.view()], &options)
        .unwrap();
    assert!(report.templates.is_empty() && report.accepted.is_empty());
    let gallery = recognizer.gallery().unwrap();
    assert!(gallery.people().is_empty() && gallery.is_empty());

    // A known person does not change either.
    enroll(&recognizer, "anna", 0.0);
    recognizer
        .enroll(&id("anna"), &[photo.view()], &options)
        .unwrap();
    assert_eq!(gallery.person(&id("anna")).unwrap().name, None);
    assert!(
        recognizer
            .enroll(&id("anna"), &[], &options)
            .unwrap_err()
            .is_invalid_input()
    );
}

#[test]
fn a_face_of_another_person_is_reported_or_refused() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    let photo = scene(&[face(10.0)]);
    let refuse = EnrollOptions::default().with_refuse_resemblance(true);
    let report = recognizer
        .enroll(&id("bela"), &[photo.view()], &refuse)
        .unwrap();
    assert!(
        matches!(&report.refused[0].refusal, Refusal::Resembles { person, score } if *person == id("anna") && *score > 0.95)
    );
    assert!(recognizer.gallery().unwrap().person(&id("bela")).is_none());

    let report = recognizer
        .enroll(&id("bela"), &[photo.view()], &EnrollOptions::default())
        .unwrap();
    assert_eq!(report.accepted, [0]);
    assert_eq!(
        (report.resembles[0].photo, &report.resembles[0].person),
        (0, &id("anna"))
    );

    // A person does not resemble herself, even if all of the nearest templates are hers.
    add(
        recognizer.gallery().unwrap(),
        "carla",
        &[200.0, 201.0, 202.0, 203.0],
    );
    let photo = scene(&[face(201.0)]);
    let report = recognizer
        .enroll(&id("carla"), &[photo.view()], &refuse)
        .unwrap();
    assert_eq!(report.accepted, [0]);
    assert!(report.resembles.is_empty());
}

#[test]
fn one_photo_of_another_person_refuses_the_enrollment() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    let photos = [scene(&[face(3.0)]), scene(&[face(120.0)])];
    let refuse = EnrollOptions::default().with_refuse_resemblance(true);
    let report = recognizer
        .enroll(&id("bela"), &[photos[0].view(), photos[1].view()], &refuse)
        .unwrap();
    assert!(report.accepted.is_empty() && report.templates.is_empty());
    assert_eq!(report.refused.len(), 2);
    assert!(recognizer.gallery().unwrap().person(&id("bela")).is_none());
}

#[test]
fn one_of_many_simultaneous_enrollments_of_a_face_succeeds() {
    let index = FlatIndex::new(space(), Metric::Cosine);
    let gallery = Gallery::open(FaultyStore::slow(), index).unwrap();
    let recognizer = parts().gallery(gallery).build().unwrap();
    let (photo, start) = (scene(&[face(0.0)]), Barrier::new(4));
    let refuse = EnrollOptions::default().with_refuse_resemblance(true);
    let accepted: usize = thread::scope(|scope| {
        let enroll = |number: usize| {
            let (recognizer, photo, start, refuse) = (&recognizer, &photo, &start, &refuse);
            scope.spawn(move || {
                start.wait();
                let person = id(&format!("nr-{number}"));
                let report = recognizer.enroll(&person, &[photo.view()], refuse);
                report.unwrap().accepted.len()
            })
        };
        let threads: Vec<_> = (0..4).map(enroll).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(accepted, 1);
    assert_eq!(recognizer.gallery().unwrap().people().len(), 1);
}

#[test]
fn galleries_beside_each_other_have_the_same_people() {
    let first = gallery();
    add(&first, "anna", &[0.0]);
    let second = first
        .beside(FlatIndex::new(another_space(), Metric::Cosine))
        .unwrap();
    assert_eq!(second.space(), &another_space());
    assert_eq!(second.unsearchable().len(), 1);

    // A person who is added through one is known to the other, which has no template of the person.
    add(&first, "bela", &[90.0]);
    let roster = second.roster(&[id("bela")]).unwrap();
    assert_eq!((roster.len(), second.searched(Some(&roster))), (1, 0));
    let now = Timestamp::now();
    let other = Embedding::new(&another_space(), vec![1.0, 0.0, 0.0]).unwrap();
    let named = Person::new(id("anna"), now).with_name("Anna Weiß");
    second
        .add(&named, &[NewTemplate::new(other.clone(), 1.0, now)])
        .unwrap();
    assert_eq!(first.person(&id("anna")), second.person(&id("anna")));
    assert_eq!(
        first.person(&id("anna")).unwrap().name.as_deref(),
        Some("Anna Weiß")
    );
    assert_eq!((first.len(), second.len()), (2, 1));

    // A person who is removed through one is removed from both.
    assert_eq!(second.remove(&[id("anna")]).unwrap(), 1);
    assert!(second.nearest(&other, 1, None).unwrap().is_empty());
    let nearest = first.nearest(&at_angle(0.0), 2, None).unwrap();
    assert!(nearest.iter().all(|neighbor| neighbor.person == id("bela")));
    assert_eq!(first.people().len(), 1);
}

#[test]
fn photos_of_two_people_are_refused() {
    let recognizer = recognizer();
    let photos = [0.0, 2.0, 120.0, 122.0].map(|degrees| scene(&[face(degrees)]));
    let views: Vec<_> = photos.iter().map(Image::view).collect();
    let report = recognizer
        .enroll(&id("anna"), &views, &EnrollOptions::default())
        .unwrap();
    assert!(
        report.accepted.is_empty(),
        "two of each: nobody can say who anna is"
    );

    let report = recognizer
        .enroll(&id("anna"), &views[..3], &EnrollOptions::default())
        .unwrap();
    assert_eq!(report.accepted, [0, 1]);
    assert!(matches!(
        report.refused[0].refusal,
        Refusal::AnotherPerson { .. }
    ));
}

#[test]
fn a_euclidean_index_knows_the_same_people() {
    let index = FlatIndex::new(space(), Metric::Euclidean);
    let gallery = Gallery::open(MemoryStore::new(), index).unwrap();
    let recognizer = parts().gallery(gallery).build().unwrap();
    enroll(&recognizer, "anna", 10.0);
    let found = recognizer.recognize(scene(&[face(10.0)]).view()).unwrap();
    let Outcome::Known(identity) = &found[0].outcome else {
        panic!("{:?}", found[0].outcome)
    };
    assert!(
        (identity.score - 1.0).abs() < 1e-3,
        "a cosine: {}",
        identity.score
    );
}

#[test]
fn a_person_whom_a_failing_store_removed_is_not_recognized() {
    let index = FlatIndex::new(space(), Metric::Cosine);
    let gallery = Gallery::open(FaultyStore::failing(), index).unwrap();
    let recognizer = parts().gallery(gallery).build().unwrap();
    enroll(&recognizer, "anna", 0.0);
    assert!(recognizer.gallery().unwrap().remove(&[id("anna")]).is_err());
    assert!(recognizer.gallery().unwrap().is_empty());
    assert!(recognizer.gallery().unwrap().person(&id("anna")).is_none());
}

#[test]
fn augmentation_makes_one_template_for_each_photo() {
    let embedder = mean_color();
    let calls = embedder.calls.clone();
    let recognizer = parts()
        .embedder(embedder)
        .gallery(gallery())
        .build()
        .unwrap();
    let photos = [scene(&[face(0.0)]), scene(&[face(6.0)])];
    let options = EnrollOptions::default().with_augment(true);
    let report = recognizer
        .enroll(&id("anna"), &[photos[0].view(), photos[1].view()], &options)
        .unwrap();
    assert_eq!(report.templates.len(), 2);
    assert!(
        calls.lock().unwrap().iter().sum::<usize>() > 4,
        "variants were embedded"
    );
    let nearest = recognizer
        .gallery()
        .unwrap()
        .nearest(&at_angle(0.0), 1, None)
        .unwrap();
    assert!(nearest[0].score > 0.97, "{nearest:?}");
}

#[test]
fn a_cancelled_enrollment_leaves_nothing() {
    let recognizer = recognizer();
    let photos: Vec<Image> = (0..3).map(|nth| scene(&[face(nth as f32)])).collect();
    let views: Vec<ImageView<'_>> = photos.iter().map(Image::view).collect();
    for stop_after in 1..=3 {
        let token = CancellationToken::new();
        let progress = |progress: facekit::Progress| {
            assert_eq!(progress.total, Some(3));
            if progress.done == stop_after {
                token.cancel();
            }
        };
        let watch = Watch::new()
            .with_cancellation(&token)
            .with_progress(&progress);
        let options = EnrollOptions::default().with_watch(watch);
        let error = recognizer
            .enroll(&id("anna"), &views, &options)
            .unwrap_err();
        assert!(error.is_cancelled());
        assert!(recognizer.gallery().unwrap().people().is_empty());
    }
}

#[test]
fn a_second_enrollment_adds_to_the_first() {
    let recognizer = recognizer();
    let photo = scene(&[face(0.0)]);
    let named = EnrollOptions::default().with_name("Anna Weiß");
    recognizer
        .enroll(&id("anna"), &[photo.view()], &named)
        .unwrap();
    let gallery = recognizer.gallery().unwrap();
    let first = gallery.person(&id("anna")).unwrap();
    recognizer
        .enroll(&id("anna"), &[photo.view()], &EnrollOptions::default())
        .unwrap();
    assert_eq!(gallery.people(), [(first.clone(), 2)]);
    assert_eq!(first.name.as_deref(), Some("Anna Weiß"));
    recognizer
        .enroll(
            &id("anna"),
            &[photo.view()],
            &EnrollOptions::default().with_name("Anna Schwarz"),
        )
        .unwrap();
    let third = gallery.person(&id("anna")).unwrap();
    assert_eq!(
        (third.name.as_deref(), third.enrolled),
        (Some("Anna Schwarz"), first.enrolled)
    );

    let found = recognizer.recognize(photo.view()).unwrap();
    assert!(
        matches!(&found[0].outcome, Outcome::Known(identity) if identity.name.as_deref() == Some("Anna Schwarz"))
    );
}

#[test]
fn removed_people_are_unknown() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 10.0);
    let gallery = recognizer.gallery().unwrap();
    assert_eq!(
        gallery
            .remove(&[id("anna"), id("nobody"), id("anna")])
            .unwrap(),
        1
    );
    assert_eq!(recognized(&recognizer, &[face(0.0)]), ["known bela"]);
    assert!(gallery.person(&id("anna")).is_none() && gallery.roster(&[id("anna")]).is_err());
    assert_eq!(gallery.remove(&[id("anna")]).unwrap(), 0);
    enroll(&recognizer, "anna", 0.0);
    assert_eq!(recognized(&recognizer, &[face(0.0)]), ["known anna"]);
}

#[test]
fn a_request_that_is_sent_twice_adds_nothing_twice() {
    let recognizer = recognizer();
    let photos = [scene(&[face(0.0)]), scene(&[face(3.0)])];
    let views = [photos[0].view(), photos[1].view()];
    let send = |request: &str| {
        let options = EnrollOptions::default().with_request(request);
        recognizer.enroll(&id("anna"), &views, &options).unwrap()
    };
    let first = send("request 7");
    assert_eq!(first.templates.len(), 2);
    assert_eq!(send("request 7").templates, first.templates);
    let gallery = recognizer.gallery().unwrap();
    let origins = |person: &str| -> Vec<String> {
        let templates = gallery.templates_of(&id(person)).unwrap();
        templates.into_iter().filter_map(|one| one.origin).collect()
    };
    assert_eq!(origins("anna"), ["request 7/0", "request 7/1"]);
    // In two steps, too.
    let options = EnrollOptions::default().with_request("request 7");
    let analysis = recognizer.analyze(&id("anna"), &views, &options).unwrap();
    assert_eq!(
        recognizer.add(&analysis).unwrap().templates,
        first.templates
    );
    let another = send("request 8").templates;
    assert!(another.iter().all(|id| !first.templates.contains(id)));
    assert_eq!(origins("anna").len(), 4);

    for odd in ["", &"x".repeat(121)] {
        let options = EnrollOptions::default().with_request(odd);
        let error = recognizer
            .enroll(&id("bela"), &views, &options)
            .unwrap_err();
        assert!(error.to_string().starts_with("request: "), "{error}");
    }
}

#[test]
fn the_code_of_a_refusal_is_its_reason_in_json() {
    let liveness = facekit::LivenessScore::default();
    for refusal in [
        Refusal::NoFace,
        Refusal::SeveralFaces { count: 2 },
        Refusal::PoorQuality { issues: Vec::new() },
        Refusal::Spoof { liveness },
        Refusal::TightCrop {
            liveness,
            context: 1.0,
            minimum: 2.0,
        },
        Refusal::AnotherPerson { score: 0.1 },
        Refusal::Mismatch {
            person: id("anna"),
            other: None,
            score: 0.1,
            fmr: None,
        },
        Refusal::Resembles {
            person: id("anna"),
            score: 0.5,
        },
    ] {
        let json = serde_json::to_value(&refusal).unwrap();
        assert_eq!(json["reason"], refusal.code());
    }
}
