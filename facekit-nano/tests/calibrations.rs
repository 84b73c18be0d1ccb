//! The figures that come with facekit.

/// Both sets offer challenges, also without their second look.
#[test]
fn sets_offer_challenges() {
    let registry = facekit_nano::registry();
    for name in ["nano", "standard"] {
        let set = registry.resolve(name).unwrap();
        assert!(!set.challenge().unwrap().mirrored, "{name}");
        let plain = set.without_second_look();
        assert_eq!(plain.challenge(), plain.detector.challenge.as_ref());
        assert!(plain.challenge().is_some(), "{name}");
    }
}

/// A curve of more photos is at least as strict at each rate as a curve of fewer, in all calibrations that come with facekit.
#[test]
fn curves_of_more_photos_are_stricter() {
    let registry = facekit_nano::registry();
    for name in ["nano", "standard"] {
        let set = registry.resolve(name).unwrap();
        for set in [set.clone().without_second_look(), set] {
            let calibration = set.calibration().unwrap();
            let mut compared = 0;
            for (fewer, curve) in calibration.curves() {
                for (more, stricter) in calibration.curves() {
                    if more.photos <= fewer.photos || more != fewer.with_photos(more.photos) {
                        continue;
                    }
                    for point in curve.points().iter().chain(curve.extrapolated()) {
                        if let Ok(score) = stricter.score_at(point.fmr) {
                            assert!(
                                score >= point.score,
                                "{name}, {fewer:?}, {more:?}: {point:?}"
                            );
                            compared += 1;
                        }
                    }
                }
            }
            assert!(compared > 200, "{name}: {compared}");
        }
    }
}
