//! Heads pass, and pictures and recordings do not.

use std::sync::Arc;

use facekit::{
    Challenge, ChallengeOptions, ChallengeReason, LivenessScore, Recognizer, Threshold,
    jiff::Timestamp,
};
use presentations::{Presentation, Species};

use crate::stage::{nonce, photo, recognizer, verdict};

#[test]
fn heads_pass() {
    let verdicts: Vec<_> = (0..8).map(|number| verdict("head", number)).collect();
    let failed: Vec<_> = verdicts
        .iter()
        .filter(|verdict| !verdict.passed())
        .collect();
    assert!(failed.len() <= 1, "{failed:?}");
    for verdict in verdicts.iter().filter(|verdict| verdict.passed()) {
        let depth = verdict.depth.unwrap();
        assert!(depth.least() > 0.15, "{depth:?}");
        assert_eq!(verdict.steps.len(), 4);
        assert_eq!(verdict.passive, Some(LivenessScore::new(0.9)));
        assert!(verdict.continuity.longest_gap <= 0.25);
        assert!(verdict.steps.iter().all(|step| step.begun > step.prompted));
    }
}

#[test]
fn flat_and_curved_pictures_have_no_depth() {
    let recognizer = recognizer(&Arc::default());
    let (photo, landmarks) = photo();
    for species in Species::all()
        .iter()
        .filter(|species| species.must_be_stopped())
    {
        for seed in 0..2 {
            let new = || Presentation::new(*species, &photo, &landmarks, seed).unwrap();
            let depth = new().depth(&recognizer).unwrap();
            assert!(
                depth.is_none_or(|depth| depth.least() < 0.06),
                "{} {seed}: {depth:?}",
                species.name()
            );
        }
        let verdict = verdict(species.name(), 3);
        assert!(
            !verdict.passed() && !verdict.reasons.is_empty(),
            "{verdict:?}"
        );
    }
}

/// At most one of 12 heads is refused.
#[test]
fn heads_have_depth() {
    let recognizer = recognizer(&Arc::default());
    let (photo, landmarks) = photo();
    let head = Species::named("head").unwrap();
    let mut refused = Vec::new();
    for seed in 0..12 {
        let mut presentation = Presentation::new(head, &photo, &landmarks, seed).unwrap();
        let depth = presentation.depth(&recognizer).unwrap();
        if depth.is_none_or(|depth| !depth.is_enough() || depth.tracked < 0.2) {
            refused.push((seed, presentation.head(), depth));
        }
    }
    assert!(refused.len() <= 1, "{refused:?}");
}

/// A recording of another challenge fits in one of 110 challenges.
#[test]
fn recordings_of_other_challenges_fail() {
    let verdicts: Vec<_> = (0..12)
        .map(|number| verdict("other-replay", number))
        .collect();
    let passed = verdicts.iter().filter(|verdict| verdict.passed()).count();
    assert!(passed <= 1, "{passed} of 12");
    let timed = verdicts
        .iter()
        .flat_map(|verdict| &verdict.reasons)
        .filter(|reason| {
            matches!(
                reason,
                ChallengeReason::AnsweredTooEarly
                    | ChallengeReason::AnsweredTooLate
                    | ChallengeReason::WrongDirection
                    | ChallengeReason::TurnTooSmall
            )
        });
    assert!(timed.count() >= 10, "{verdicts:?}");
}

#[test]
fn a_recognizer_without_limits_offers_no_challenge() {
    let (detector, embedder) = crate::stage::models(&Arc::default());
    let recognizer = Recognizer::builder()
        .detector(detector)
        .embedder(embedder)
        .threshold(Threshold::Score(0.5))
        .build()
        .unwrap();
    let options = ChallengeOptions::default();
    let error = Challenge::new(nonce(0), Timestamp::UNIX_EPOCH, &recognizer, &options);
    let error = error.err().unwrap().to_string();
    assert!(
        error.starts_with("recognizer: no limits were measured"),
        "{error}"
    );
}
