use facekit::{Refusal, Verification};

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
