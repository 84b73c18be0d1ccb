//! Nonces: the same one gives the same verdict, and another one gives other moves.

use std::sync::Arc;

use facekit::{
    Challenge, ChallengeDot, ChallengeOptions,
    jiff::{SignedDuration, Timestamp},
};
use presentations::{Presentation, Species};

use crate::stage::{changed, nonce, photo, recognizer, verdict};

#[test]
fn the_same_frames_and_the_same_nonce_give_the_same_verdict() {
    assert_eq!(verdict("head", 1), verdict("head", 1));
}

/// A state that was stored between all frames gives the same verdict.
#[test]
fn a_stored_state_goes_on() {
    let whole = changed(2, |_, _, _, _, _, _| false);
    let stored = changed(2, |challenge, _, _, _, _, _| {
        let state = serde_json::to_vec(&*challenge).unwrap();
        assert!(state.len() < 400_000, "{} bytes", state.len());
        *challenge = serde_json::from_slice(&state).unwrap();
        false
    });
    assert_eq!(stored, whole);
    assert!(stored.passed());
}

#[test]
fn a_prompt_shows_nothing_before_it_is_due() {
    let mut seen: Vec<(ChallengeDot, Timestamp)> = Vec::new();
    changed(2, |challenge, _, _, _, at, _| {
        let now = challenge.prompt(at);
        assert!(now.since.is_none_or(|since| since <= at));
        assert_eq!(now.moves, 4);
        if now.number > seen.len() {
            seen.push((now.dot, now.since.unwrap()));
        }
        assert_eq!(now.number, seen.len());
        let shown = format!("{challenge:?}");
        assert!(
            !shown.contains("Left") && !shown.contains("plan"),
            "{shown}"
        );
        false
    });
    assert_eq!(seen.len(), 4);
    for pair in seen.windows(2) {
        let apart = pair[1].1.duration_since(pair[0].1);
        assert!(
            apart >= SignedDuration::from_secs(1) && apart <= SignedDuration::from_millis(2500)
        );
        assert_ne!(pair[0].0, pair[1].0);
    }
    assert!(
        [ChallengeDot::Left, ChallengeDot::Right]
            .iter()
            .all(|dot| seen.iter().any(|(seen, _)| seen == dot))
    );
}

/// Frames of one nonce do not pass with another one, unless the moves are the same by chance.
#[test]
fn frames_of_another_nonce_fail() {
    let recognizer = recognizer(&Arc::default());
    let (photo, landmarks) = photo();
    let head = Species::named("head").unwrap();
    let options = ChallengeOptions::default().with_moves(5);
    let mut presentation = Presentation::new(head, &photo, &landmarks, 2).unwrap();
    let issued = presentation.at();
    let new = |number| Challenge::new(nonce(number), issued, &recognizer, &options).unwrap();
    let mut own = new(2);
    let mut others: Vec<Challenge> = (3..15).map(new).collect();
    for _ in 0..220 {
        let at = presentation.at();
        let image = presentation.frame(&own.prompt(at));
        for challenge in others.iter_mut().chain([&mut own]) {
            challenge.push(&recognizer, image.view(), at).unwrap();
        }
    }
    assert!(own.verdict().passed(), "{:?}", own.verdict());
    for other in others {
        let verdict = other.verdict();
        assert!(!verdict.passed(), "{verdict:?}");
        assert!(!verdict.reasons.is_empty());
        assert_ne!(verdict.nonce, own.verdict().nonce);
    }
}
