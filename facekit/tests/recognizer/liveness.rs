use facekit::{EnrollOptions, LivenessScore, Refusal};

use crate::{
    parts::{Scripted, add, enroll, gallery, id, outcomes, parts, recognized},
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
