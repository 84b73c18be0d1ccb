//! The liveness of a track is the median of its shots.

use facekit::{Outcome, Threshold, TrackEvent};

use crate::stage::{LEAST_CONTEXT, Play, decisions, ended, face, words};

fn play() -> Play {
    Play::with_liveness(Threshold::Fmr(1e-3), true)
}

/// The events of anna's face, with these liveness scores in the frames from the second one on, which is the first shot.
fn events(scores: &[f32]) -> Vec<TrackEvent> {
    play().events(5.0, scores.len() + 1, |seconds| {
        let shot = ((seconds * 5.0).round() as usize).saturating_sub(1);
        vec![face(200.0, 0.0).live(scores[shot])]
    })
}

#[test]
fn a_decision_waits_for_three_shots() {
    let found = events(&[0.9, 0.8, 0.7, 0.9]);
    let expected = "1:started 1:shot 1:shot 1:shot 1:anna 1:shot 1:ended";
    assert_eq!(words(&found), expected);
    let sighting = found.iter().find_map(TrackEvent::sighting).unwrap();
    assert_eq!(sighting.liveness, Some(0.8));
}

#[test]
fn with_fewer_than_three_shots_a_track_is_undecided() {
    let found = events(&[0.9, 0.9]);
    assert_eq!(decisions(&found), ["undecided"]);
    let track = ended(&found)[0];
    assert_eq!((track.shots, track.live), (2, None));
    assert_eq!(track.sighting(), None);
}

#[test]
fn one_bad_frame_refuses_nobody_and_one_lucky_frame_lets_nobody_pass() {
    assert_eq!(decisions(&events(&[0.1, 0.9, 0.8])), ["anna"]);
    assert_eq!(decisions(&events(&[0.9, 0.1, 0.2])), ["spoof"]);
    assert_eq!(
        decisions(&events(&[0.9, 0.9, 0.1, 0.1])),
        ["anna"],
        "after three"
    );
    let found = events(&[0.1, 0.9, 0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.9, 0.9]);
    assert_eq!(decisions(&found), ["spoof"], "after six: {}", words(&found));
}

#[test]
fn six_shots_can_pass_where_three_did_not() {
    let found = events(&[0.1, 0.9, 0.1, 0.9, 0.9, 0.9]);
    let shots = ["1:shot"; 6].join(" ");
    assert_eq!(words(&found), format!("1:started {shots} 1:anna 1:ended"));
    // Of two middle scores the lower one counts.
    assert_eq!(
        decisions(&events(&[0.1, 0.9, 0.1, 0.9, 0.1, 0.9])),
        ["spoof"]
    );
}

#[test]
fn a_check_that_fails_is_not_live() {
    assert_eq!(decisions(&events(&[f32::NAN, f32::NAN, 0.9])), ["spoof"]);
}

#[test]
fn a_tight_crop_is_no_spoof() {
    let side = 360.0 / LEAST_CONTEXT + 20.0;
    let events = play().events(5.0, 6, |_| {
        let mut near = face(200.0, 0.0).live(0.1);
        near.side = side;
        vec![near]
    });
    let outcome = ended(&events)[0].decision.as_ref();
    assert!(
        matches!(outcome, Some(Outcome::TightCrop { minimum, .. }) if *minimum == LEAST_CONTEXT),
        "{outcome:?}"
    );
}
