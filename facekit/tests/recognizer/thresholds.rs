use std::sync::Arc;

use facekit::{
    Calibration, CalibrationPoint, Comparison, Curve, EnrollOptions, Error, FlatIndex, Gallery,
    MemoryStore, Metric, MirrorOptions, Outcome, QualityOptions, RateBasis, RecognizeOptions,
    Recognizer, Threshold, Verification,
};

use crate::{
    parts::{
        FirstRow, Scripted, add, another_space, calibration, enroll, gallery, id, mean_color,
        outcomes, parts, recognized, space,
    },
    scenes::{face, scene},
};

#[test]
fn a_false_match_rate_becomes_a_score() {
    // An angle of 28 degrees is a score of 0.883: a rate between 1e-3 (0.85) and 1e-4 (0.95).
    for (fmr, expected) in [(1e-3, "known anna"), (1e-4, "unknown")] {
        let recognizer = parts()
            .calibration(calibration())
            .threshold(Threshold::Fmr(fmr))
            .gallery(gallery())
            .build()
            .unwrap();
        enroll(&recognizer, "anna", 0.0);
        let found = recognizer.recognize(scene(&[face(28.0)]).view()).unwrap();
        assert_eq!(outcomes(&found), [expected]);
        let (Outcome::Known(identity)
        | Outcome::Unknown {
            nearest: Some(identity),
        }) = &found[0].outcome
        else {
            unreachable!()
        };
        let stands_for = identity.fmr.unwrap();
        assert!((1e-4..1e-3).contains(&stands_for), "{stands_for:e}");
    }
}

#[test]
fn a_search_rate_grows_stricter_with_the_templates_searched() {
    let recognizer = parts()
        .calibration(calibration())
        .threshold(Threshold::Fpir(0.05))
        .gallery(gallery())
        .build()
        .unwrap();
    let gallery = recognizer.gallery().unwrap();
    add(gallery, "anna", &[0.0]);
    // A score of 0.73. One template may be compared at a rate of 0.05 (score 0.56), forty at 0.0013 (0.83).
    assert_eq!(recognized(&recognizer, &[face(43.0)]), ["known anna"]);
    for stranger in 0..39 {
        add(gallery, &format!("stranger {stranger}"), &[180.0]);
    }
    assert_eq!(recognized(&recognizer, &[face(43.0)]), ["unknown"]);
    let roster = gallery.roster(&[id("anna")]).unwrap();
    let roster = RecognizeOptions::default().with_roster(roster);
    let found = recognizer
        .recognize_with(scene(&[face(43.0)]).view(), &roster)
        .unwrap();
    assert_eq!(outcomes(&found), ["known anna"]);
}

#[test]
fn a_lax_search_rate_takes_the_highest_measured_rate() {
    // A rate of 0.2 among two templates is 0.106 for each comparison, which is above the highest measured rate.
    let recognizer = parts()
        .calibration(calibration())
        .threshold(Threshold::Fpir(0.2))
        .gallery(gallery())
        .build()
        .unwrap();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 180.0);
    assert_eq!(
        recognized(&recognizer, &[face(50.0), face(70.0).at(60, 20)]),
        ["known anna", "unknown"]
    );
}

#[test]
fn beyond_its_capacity_a_recognizer_stays_in_service() {
    let gallery = Arc::new(gallery());
    let recognizer = |threshold| {
        parts()
            .calibration(calibration())
            .threshold(threshold)
            .gallery(Arc::clone(&gallery))
            .build()
            .unwrap()
    };
    let searching = recognizer(Threshold::Fpir(1e-3));
    assert_eq!(searching.capacity().unwrap().counted, 10);
    let basis = |recognizer: &Recognizer| {
        let found = recognizer.recognize(scene(&[face(10.0)]).view()).unwrap();
        found[0].known().unwrap().basis
    };
    let photo = scene(&[face(0.0)]);
    let enroll = EnrollOptions::default();
    let report = searching.enroll(&id("anna"), &[photo.view()], &enroll);
    assert_eq!(report.unwrap().room.unwrap().counted, 9);
    assert_eq!(basis(&searching), RateBasis::Counted);
    for stranger in 0..10 {
        add(&gallery, &format!("stranger {stranger}"), &[180.0]);
    }
    assert_eq!(basis(&searching), RateBasis::NotMet);
    let photo = scene(&[face(90.0)]);
    let report = searching.enroll(&id("bela"), &[photo.view()], &enroll);
    assert_eq!(report.unwrap().room.unwrap().extrapolated, 0);
    // A recognizer can be built on a gallery that has outgrown the calibration.
    assert_eq!(basis(&recognizer(Threshold::Fpir(1e-3))), RateBasis::NotMet);
    // These rates do not depend on the gallery.
    let single = recognizer(Threshold::Fmr(1e-4));
    assert_eq!(single.capacity(), None);
    assert_eq!(basis(&single), RateBasis::Counted);
    assert_eq!(basis(&recognizer(Threshold::Score(0.9))), RateBasis::None);
}

#[test]
fn a_recognizer_stays_in_service_if_the_curve_of_many_photos_ends_early() {
    let points = [(1e-1, 0.6), (1e-2, 0.8), (1e-3, 0.9)];
    let points = points.map(|(fmr, score)| CalibrationPoint::new(fmr, score));
    let short = Curve::new(points.to_vec(), Vec::new()).unwrap();
    let of_five = Comparison::default().with_photos(5);
    let calibration = calibration().with_curve(of_five, short, 0);
    for threshold in [Threshold::Fmr(1e-4), Threshold::default()] {
        let recognizer = parts()
            .calibration(calibration.clone())
            .threshold(threshold)
            .mirror(MirrorOptions::never())
            .gallery(gallery())
            .build()
            .unwrap();
        let gallery = recognizer.gallery().unwrap();
        add(gallery, "anna", &[0.0]);
        add(gallery, "bela", &[120.0; 5]);
        let identity = |degrees| {
            let found = recognizer
                .recognize(scene(&[face(degrees)]).view())
                .unwrap();
            found[0].known().unwrap().clone()
        };
        assert_eq!(identity(10.0).basis, RateBasis::Counted);
        // 24 degrees is a score of 0.914, above the strictest score of the curve of five photos.
        let bela = identity(144.0);
        assert_eq!((bela.person, bela.basis), (id("bela"), RateBasis::NotMet));
        // 28 degrees is a score of 0.883.
        assert_eq!(recognized(&recognizer, &[face(148.0)]), ["unknown"]);
        let extra = RecognizeOptions::default().with_threshold(threshold);
        let found = recognizer.recognize_with(scene(&[face(144.0)]).view(), &extra);
        assert_eq!(outcomes(&found.unwrap()), ["known bela"]);
    }
    // No curve has this rate.
    let refused = parts()
        .calibration(calibration)
        .threshold(Threshold::Fmr(1e-5))
        .build();
    assert!(matches!(refused, Err(Error::RateOutOfRange { .. })));
}

#[test]
fn an_extrapolated_rate_is_marked() {
    let curve = Curve::new(
        calibration().points().to_vec(),
        vec![CalibrationPoint::new(1e-5, 0.99)],
    )
    .unwrap();
    let recognizer = parts()
        .calibration(Calibration::from_curve(&space(), curve, "made up"))
        .threshold(Threshold::default())
        .gallery(gallery())
        .build()
        .unwrap();
    let gallery = recognizer.gallery().unwrap();
    add(gallery, "anna", &[0.0]);
    let identity = |degrees| {
        let scene = scene(&[face(degrees)]);
        let found = recognizer.recognize(scene.view()).unwrap();
        found[0].known().unwrap().clone()
    };
    // Scores of 0.956 and 0.995.
    let (far, near) = (identity(17.0), identity(5.0));
    assert!(near.extrapolated && near.fmr == Some(1e-5), "{near:?}");
    assert!(far.extrapolated && far.fmr < Some(1e-4), "{far:?}");
    assert_eq!(far.basis, RateBasis::Counted);
    for stranger in 0..200 {
        add(gallery, &format!("stranger {stranger}"), &[180.0]);
    }
    // 1 % of searches among 201 people is 5e-5 for each comparison.
    assert_eq!(identity(5.0).basis, RateBasis::Extrapolated);
    assert_eq!(recognized(&recognizer, &[face(17.0)]), ["unknown"]);
}

#[test]
fn comparisons_of_two_faces_hold_their_rate_in_every_gallery() {
    let single = calibration().score_at(1e-4).unwrap();
    let plain = Comparison::default();
    for people in [1, 11, 30, 1_000] {
        for threshold in [Threshold::default(), Threshold::Fpir(1e-2)] {
            let recognizer = parts()
                .calibration(calibration())
                .threshold(threshold)
                .gallery(gallery())
                .build()
                .unwrap();
            let gallery = recognizer.gallery().unwrap();
            for person in 0..people {
                add(gallery, &format!("person {person}"), &[90.0]);
            }
            let limit = recognizer.comparison_limit(&plain).unwrap();
            assert_eq!(limit.score, single, "{people}, {threshold:?}");
            // 17 degrees is a score of 0.956, and 20 degrees is 0.940.
            for (degrees, expected) in [(17.0, true), (20.0, false)] {
                let photos = [scene(&[face(0.0)]), scene(&[face(degrees)])];
                let found = recognizer.verify(photos[0].view(), photos[1].view());
                let Ok(Verification::Compared { same, .. }) = found else {
                    panic!("{found:?}");
                };
                assert_eq!(same, expected, "{people}, {threshold:?}, {degrees}");
            }
            // Photos of one enrollment: a pair below 1e-4 is listed.
            let photos = [scene(&[face(0.0)]), scene(&[face(20.0)])];
            let views = [photos[0].view(), photos[1].view()];
            let report = recognizer.enroll(&id("anna"), &views, &EnrollOptions::default());
            let report = report.unwrap();
            assert_eq!(report.mismatches.len(), 2, "{people}, {threshold:?}");
            // A photo against its own person.
            let photo = scene(&[face(-20.0)]);
            let report = recognizer.enroll(&id("anna"), &[photo.view()], &EnrollOptions::default());
            assert_eq!(
                report.unwrap().mismatches.len(),
                1,
                "{people}, {threshold:?}"
            );
        }
    }
}

#[test]
fn parts_that_do_not_fit_are_refused_at_build() {
    let other = Gallery::open(
        MemoryStore::new(),
        FlatIndex::new(another_space(), Metric::Cosine),
    )
    .unwrap();
    assert!(matches!(
        parts().gallery(other).build(),
        Err(Error::SpaceMismatch { .. })
    ));
    let other = Calibration::new(&another_space(), calibration().points().to_vec(), "").unwrap();
    assert!(matches!(
        parts().calibration(other).build(),
        Err(Error::SpaceMismatch { .. })
    ));

    for rate in [
        Threshold::default(),
        Threshold::Fmr(1e-3),
        Threshold::Fpir(1e-2),
    ] {
        assert!(
            matches!(
                parts().threshold(rate).build(),
                Err(Error::Uncalibrated { .. })
            ),
            "{rate:?}"
        );
    }
    let calibrated = |threshold| {
        parts()
            .calibration(calibration())
            .threshold(threshold)
            .build()
    };
    assert!(matches!(
        calibrated(Threshold::Fmr(1e-6)),
        Err(Error::RateOutOfRange { .. })
    ));
    assert!(matches!(
        calibrated(Threshold::Fmr(2.0)),
        Err(Error::InvalidArgument { .. })
    ));
    assert!(matches!(
        calibrated(Threshold::Fpir(f64::NAN)),
        Err(Error::InvalidArgument { .. })
    ));
    assert!(matches!(
        calibrated(Threshold::Score(f32::NAN)),
        Err(Error::InvalidArgument { .. })
    ));
    let mut broken = serde_json::to_value(calibration()).unwrap();
    broken["points"] = serde_json::json!([]);
    assert!(
        serde_json::from_value::<Calibration>(broken).is_err(),
        "points are checked when read"
    );

    for threshold in [-0.1, 1.1, f32::NAN] {
        let built = parts()
            .liveness(Scripted)
            .liveness_threshold(threshold)
            .build();
        assert!(
            matches!(built, Err(Error::InvalidArgument { .. })),
            "{threshold}"
        );
    }
    for (quality, named) in [
        (r#"{"min_contrast": 0.6}"#, "min_contrast"),
        (r#"{"max_yaw": -1}"#, "max_yaw"),
        (
            r#"{"min_brightness": 0.8, "max_brightness": 0.2}"#,
            "min_brightness",
        ),
    ] {
        let quality: QualityOptions = serde_json::from_str(quality).unwrap();
        let Err(error) = parts().quality(quality).build() else {
            panic!("{named} is out of range");
        };
        assert!(error.to_string().contains(named), "{error}");
    }
    let mut quality = QualityOptions::default();
    quality.min_sharpness = f32::NAN;
    assert!(parts().quality(quality).build().is_err());
    let built = Recognizer::builder().detector(FirstRow).build();
    assert!(matches!(
        built,
        Err(Error::InvalidArgument {
            argument: "embedder",
            ..
        })
    ));
    let built = Recognizer::builder().embedder(mean_color()).build();
    assert!(matches!(
        built,
        Err(Error::InvalidArgument {
            argument: "detector",
            ..
        })
    ));
}

#[test]
fn only_a_missing_calibration_beside_a_gallery_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    let gallery = folder.path().join("people.gallery");
    let beside = Calibration::path_beside(&gallery, space().model());
    let open = || Calibration::open_beside(&gallery, &space());
    assert_eq!(open().unwrap(), None);
    calibration().save(&beside).unwrap();
    assert_eq!(open().unwrap(), Some(calibration()));
    std::fs::write(&beside, "points = 1").unwrap();
    assert!(matches!(open(), Err(Error::Manifest { .. })));
    std::fs::remove_file(&beside).unwrap();
    // A file that cannot be read.
    #[cfg(unix)]
    std::os::unix::fs::symlink(&beside, &beside).unwrap();
    #[cfg(not(unix))]
    std::fs::create_dir(&beside).unwrap();
    assert!(matches!(open(), Err(Error::Io { .. })));
}
