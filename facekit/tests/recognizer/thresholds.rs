use facekit::{
    Calibration, Error, FlatIndex, Gallery, MemoryStore, Metric, Outcome, QualityOptions,
    RecognizeOptions, Recognizer, Threshold,
};

use crate::{
    parts::{
        FirstRow, Scripted, add, another_space, calibration, enroll, gallery, id, mean_color,
        outcomes, parts, recognized,
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
fn a_search_rate_that_was_not_measured_is_an_error() {
    let recognizer = parts()
        .calibration(calibration())
        .threshold(Threshold::Fpir(1e-3))
        .gallery(gallery())
        .build()
        .unwrap();
    for nth in 0..20 {
        let person = format!("person {nth}");
        add(recognizer.gallery().unwrap(), &person, &[nth as f32]);
    }
    let error = recognizer
        .recognize(scene(&[face(0.0)]).view())
        .unwrap_err();
    assert!(matches!(error, Error::RateOutOfRange { .. }), "{error}");
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
