use facekit::{ComparedPhoto, RateBasis, Refusal, Threshold, Verification, VerifyOptions};

use crate::{
    parts::{Scripted, THRESHOLD, calibration, parts},
    scenes::{Face, face, scene},
};

#[test]
fn two_photos_are_compared() {
    let recognizer = parts()
        .liveness(Scripted)
        .calibration(calibration())
        .build()
        .unwrap();
    let passport = scene(&[face(0.0).live(0)]);
    let verify = |faces: &[Face]| {
        recognizer
            .verify(passport.view(), scene(faces).view())
            .unwrap()
    };
    for (degrees, expected) in [(5.0, true), (90.0, false)] {
        let Verification::Compared {
            same,
            score,
            threshold,
            fmr,
            ..
        } = verify(&[face(degrees)])
        else {
            panic!("both photos are fine")
        };
        assert_eq!((same, threshold), (expected, THRESHOLD));
        assert!((score - degrees.to_radians().cos()).abs() < 0.02);
        assert_eq!(fmr, Some(calibration().fmr_of(score)));
    }
    // A passport is a print. The person in front of the camera is not.
    let unusable = verify(&[face(0.0).live(0)]);
    assert!(matches!(
        unusable,
        Verification::Unusable {
            photo: 1,
            refusal: Refusal::Spoof { .. }
        }
    ));
    let unusable = verify(&[]);
    assert!(matches!(
        unusable,
        Verification::Unusable {
            photo: 1,
            refusal: Refusal::NoFace
        }
    ));
    let unusable = recognizer
        .verify(scene(&[]).view(), passport.view())
        .unwrap();
    assert!(matches!(
        unusable,
        Verification::Unusable {
            photo: 0,
            refusal: Refusal::NoFace
        }
    ));
    // The largest face counts.
    let crowd = verify(&[face(0.0).at(80, 20).side(20), face(90.0).side(30)]);
    assert!(matches!(crowd, Verification::Compared { same: false, .. }));
}

fn photo(found: &Verification, nth: usize) -> &ComparedPhoto {
    match found {
        Verification::Compared {
            reference, probe, ..
        } => [reference, probe][nth],
        _ => panic!("{found:?}"),
    }
}

#[test]
fn the_compared_faces_and_the_others_are_named() {
    let recognizer = parts().build().unwrap();
    let reference = face(0.0);
    let crowd = [
        face(0.0).at(80, 20).side(20),
        face(90.0).at(4, 4).side(40),
        face(40.0).at(80, 60).side(28),
    ];
    let found = recognizer
        .verify(scene(&[reference]).view(), scene(&crowd).view())
        .unwrap();
    assert!(matches!(found, Verification::Compared { same: false, .. }));
    assert_eq!(photo(&found, 0).face, reference.rect());
    assert!(photo(&found, 0).others.is_empty());
    assert_eq!(photo(&found, 1).face, crowd[1].rect());
    assert_eq!(photo(&found, 1).others, [crowd[2].rect(), crowd[0].rect()]);

    // The result is data.
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["probe"]["others"][1]["width"], 80.0);
    assert_eq!(serde_json::from_value::<Verification>(json).unwrap(), found);
}

#[test]
fn the_best_pair_is_compared_on_request() {
    let recognizer = parts().liveness(Scripted).build().unwrap();
    let best = VerifyOptions::default().with_best_pair(true);
    let verify = |reference: &[Face], probe: &[Face]| {
        recognizer
            .verify_with(scene(reference).view(), scene(probe).view(), &best)
            .unwrap()
    };
    // The liveness of a reference is not checked. Faces of similar size are no obstacle.
    let reference = [face(200.0).at(4, 4).side(40), face(0.0).at(80, 20).live(0)];
    let probe = [
        face(90.0).at(4, 4).side(40),
        face(5.0).at(80, 20).side(20),
        face(0.0).at(80, 60).side(20).live(10),
    ];
    let found = verify(&reference, &probe);
    let Verification::Compared { same, score, .. } = found else {
        panic!("{found:?}")
    };
    assert!(same && (score - 5_f32.to_radians().cos()).abs() < 0.01);
    assert_eq!(photo(&found, 0).face, reference[1].rect());
    assert_eq!(photo(&found, 0).others, [reference[0].rect()]);
    assert_eq!(photo(&found, 1).face, probe[1].rect());
    assert_eq!(photo(&found, 1).others, [probe[0].rect(), probe[2].rect()]);

    // If no face passes the checks, the largest one has the reason.
    let small = Face {
        textured: false,
        ..face(0.0).at(80, 20).side(20)
    };
    let found = verify(&reference, &[small, face(0.0).at(4, 4).side(40).live(10)]);
    let expected = |refusal: &Refusal| matches!(refusal, Refusal::Spoof { .. });
    assert!(
        matches!(&found, Verification::Unusable { photo: 1, refusal } if expected(refusal)),
        "{found:?}"
    );
    let found = verify(&[], &probe);
    assert!(matches!(
        found,
        Verification::Unusable {
            photo: 0,
            refusal: Refusal::NoFace
        }
    ));
}

#[test]
fn an_identification_rate_holds_for_all_pairs_together() {
    let recognizer = parts()
        .calibration(calibration())
        .threshold(Threshold::Fpir(2e-3))
        .build()
        .unwrap();
    let verify = |count: u8| {
        let crowd: Vec<Face> = (0..count).map(|n| face(0.0).at(32 * n, 4)).collect();
        let best = VerifyOptions::default().with_best_pair(true);
        recognizer.verify_with(scene(&[face(0.0)]).view(), scene(&crowd).view(), &best)
    };
    let threshold = |count| match verify(count).unwrap() {
        Verification::Compared { threshold, .. } => threshold,
        found => panic!("{found:?}"),
    };
    // A comparison of two faces has a false-match rate of 1e-4, whatever the rate of searches is. A search rate of 2e-3 for four
    // pairs together is 5e-4 for each.
    assert_eq!(threshold(1), 0.95);
    assert_eq!(threshold(4), 0.95);

    let strict = parts()
        .calibration(calibration())
        .threshold(Threshold::Fpir(2e-4))
        .build()
        .unwrap();
    let crowd = scene(&[face(0.0).at(4, 4), face(0.0).at(40, 4)]);
    let best = VerifyOptions::default().with_best_pair(true);
    let found = strict.verify_with(crowd.view(), crowd.view(), &best);
    // Each of the four pairs needs 5e-5, which the calibration does not answer for.
    let Ok(Verification::Compared {
        basis, threshold, ..
    }) = found
    else {
        panic!("{found:?}");
    };
    assert_eq!((basis, threshold), (RateBasis::NotMet, 0.95));
}
