//! The frames that are searched.

use facekit::{Threshold, TrackEvent, TrackerOptions};

use crate::stage::{Play, Shown, at, face};

/// The number of searches in a video of 30 frames a second.
fn searches(options: TrackerOptions, seconds: i64, shown: impl Fn(f64) -> Vec<Shown>) -> usize {
    let play = Play::new(Threshold::Fmr(1e-3));
    let mut tracker = play.tracker_with(options);
    for nth in 0..30 * seconds {
        let faces = shown(nth as f64 / 30.0);
        play.push(&mut tracker, nth * 1000 / 30, &faces);
    }
    play.stage.searches()
}

#[test]
fn an_empty_scene_is_searched_every_two_seconds() {
    let count = searches(TrackerOptions::default(), 20, |_| Vec::new());
    assert!((10..=12).contains(&count), "{count}");
    let options = TrackerOptions::default().with_motion_gate(false);
    assert_eq!(searches(options, 4, |_| Vec::new()), 20);
}

#[test]
fn something_that_moves_is_searched_five_times_a_second() {
    // Weak detections are no tracks.
    let moving = |seconds: f64| vec![face(40.0 * seconds as f32, 0.0).score(0.1)];
    let count = searches(TrackerOptions::default(), 8, moving);
    assert!((38..=42).contains(&count), "{count}");
}

#[test]
fn an_undecided_track_is_searched_ten_times_a_second() {
    let still = |_: f64| vec![face(200.0, 0.0)];
    let known = searches(TrackerOptions::default(), 8, still);
    assert!((40..=42).contains(&known), "{known}");
    let unfit = |_: f64| vec![face(200.0, 0.0).unfit()];
    let undecided = searches(TrackerOptions::default(), 8, unfit);
    assert!((78..=82).contains(&undecided), "{undecided}");
    // A poster is not worth more than others for ever: ten seconds at the higher rate, and ten at the lower.
    let poster = searches(TrackerOptions::default(), 20, unfit);
    assert!((146..=156).contains(&poster), "{poster}");
}

#[test]
fn frames_at_irregular_times_are_ten_shots_a_second() {
    for jitter in [0, 3, 12, 20] {
        let play = Play::new(Threshold::Fmr(1e-3));
        let mut tracker = play.tracker();
        let mut shots = 0;
        for nth in 0..7 {
            let late = if nth % 2 == 1 { jitter } else { 0 };
            let events = play.push(&mut tracker, 100 * nth + late, &[face(200.0, 60.0)]);
            shots += events
                .iter()
                .filter(|event| matches!(event, TrackEvent::Shot { .. }))
                .count();
        }
        assert_eq!(shots, 6, "{jitter} ms");
    }
}

#[test]
fn frames_that_are_not_due_need_no_pixels() {
    // Anna walks past and is decided; then nobody is there for longer than a track is kept.
    let shown = |nth: i64| match nth {
        ..=60 => vec![face(6.0 * nth as f32, 0.0)],
        _ => Vec::new(),
    };
    let time = |nth: i64| at(nth * 1000 / 30);
    let play = Play::new(Threshold::Fmr(1e-3));
    let (mut all, mut due) = (play.tracker(), play.tracker());
    let (mut expected, mut events, mut skipped) = (Vec::new(), Vec::new(), 0);
    for nth in 0..150 {
        expected.extend(play.push(&mut all, nth * 1000 / 30, &shown(nth)));
        if due.is_due(time(nth)) {
            events.extend(play.push(&mut due, nth * 1000 / 30, &shown(nth)));
            assert!(!due.is_due(time(nth)), "the same picture again");
        } else {
            skipped += 1;
            events.extend(due.skip(time(nth)).unwrap());
        }
    }
    assert_eq!(events, expected);
    assert!(skipped > 90 && crate::stage::decisions(&events) == ["anna"]);
    assert!(due.skip(time(3)).is_err(), "time does not fall");
}

#[test]
fn a_walker_in_an_empty_scene_is_not_missed() {
    let walker = |seconds: f64| {
        let x = 525.0 * (seconds as f32 - 5.0);
        let is_there = (-60.0..640.0).contains(&x);
        if is_there {
            vec![face(x, 0.0)]
        } else {
            Vec::new()
        }
    };
    let play = Play::new(Threshold::Fmr(1e-3));
    let events = play.events(15.0, 150, walker);
    assert_eq!(crate::stage::decisions(&events), ["anna"]);
}
