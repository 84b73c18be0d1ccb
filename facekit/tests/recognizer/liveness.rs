use facekit::{EnrollOptions, LivenessScore, Outcome, Refusal, Verification, VerifyOptions};

use crate::{
    parts::{LEAST_CONTEXT, Scripted, add, enroll, gallery, id, outcomes, parts, recognized},
    scenes::{NAN, NO_SCORE, face, scene},
};

#[test]
fn liveness_can_be_left_out() {
    let recognizer = parts()
        .liveness(Scripted)
        .without_liveness()
        .gallery(gallery())
        .build()
        .unwrap();
    assert!(recognizer.liveness().is_none());
    enroll(&recognizer, "anna", 0.0);
    let found = recognizer
        .recognize(scene(&[face(0.0).live(0)]).view())
        .unwrap();
    assert_eq!(outcomes(&found), ["known anna"]);
    assert_eq!(found[0].liveness, None);
}

#[test]
fn a_failed_check_is_never_live() {
    for threshold in [0.0, 0.5, 1.0] {
        let recognizer = parts()
            .liveness(Scripted)
            .liveness_threshold(threshold)
            .gallery(gallery())
            .build()
            .unwrap();
        add(recognizer.gallery().unwrap(), "anna", &[0.0]);
        let frame = [
            face(0.0).at(4, 4).live(100),
            face(0.0).at(36, 4).live(NAN),
            face(0.0).at(68, 4).live(NO_SCORE),
            // The scores that are there belong to the first faces.
            face(0.0).at(100, 4).live(100),
        ];
        assert_eq!(
            recognized(&recognizer, &frame),
            ["known anna", "spoof", "spoof", "spoof"],
            "{threshold}"
        );
        for live in [NAN, NO_SCORE] {
            let photo = scene(&[face(0.0).live(live)]);
            let report = recognizer
                .enroll(&id("bela"), &[photo.view()], &EnrollOptions::default())
                .unwrap();
            assert!(
                matches!(report.refused[0].refusal, Refusal::Spoof { .. }),
                "{report:?}"
            );
        }
    }
    assert_eq!(
        serde_json::from_str::<LivenessScore>("7").unwrap(),
        LivenessScore::new(0.0)
    );
}

#[test]
fn the_liveness_threshold_is_inclusive() {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    let faces = [face(0.0).at(4, 4).live(50), face(0.0).at(36, 4).live(49)];
    assert_eq!(recognized(&recognizer, &faces), ["unknown", "spoof"]);
}

#[test]
fn a_low_score_of_a_tight_crop_has_an_outcome_of_its_own() {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    // The scene is 480 pixels high.
    let tight = |live| face(0.0).at(0, 1).side(100).live(live);
    let context = 480.0 / 400.0;
    let found = recognizer.recognize(scene(&[tight(49)]).view()).unwrap();
    assert_eq!(
        found[0].outcome,
        Outcome::TightCrop {
            context,
            minimum: LEAST_CONTEXT
        }
    );
    assert!(found[0].embedding.is_none() && found[0].liveness.unwrap().value() == 0.49);

    let photo = scene(&[tight(49)]);
    let refusal = Refusal::TightCrop {
        liveness: LivenessScore::new(0.49),
        context,
        minimum: LEAST_CONTEXT,
    };
    let report = recognizer
        .enroll(&id("anna"), &[photo.view()], &EnrollOptions::default())
        .unwrap();
    assert_eq!(report.refused[0].refusal, refusal);
    let text = "too little visible around the face for the liveness check: the image is 1.2 times as large as the face, \
                1.5 times needed";
    assert_eq!(refusal.to_string(), text);
    let reference = scene(&[face(0.0)]);
    for best_pair in [false, true] {
        let options = VerifyOptions::default().with_best_pair(best_pair);
        let verified = recognizer
            .verify_with(reference.view(), photo.view(), &options)
            .unwrap();
        let expected = Verification::Unusable {
            photo: 1,
            refusal: refusal.clone(),
        };
        assert_eq!(verified, expected);
    }

    // A tight crop with a high score is live, and a low score with enough around the face is a spoof.
    assert_eq!(recognized(&recognizer, &[tight(50)]), ["unknown"]);
    let wide = face(0.0).at(0, 1).side(80).live(49);
    assert_eq!(recognized(&recognizer, &[wide]), ["spoof"]);
    assert_eq!(recognized(&recognizer, &[tight(NAN)]), ["tight crop"]);
}
