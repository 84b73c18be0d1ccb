//! One decision for each track.

use std::sync::Arc;

use facekit::{
    Error, Outcome, PersonId, RateBasis, Threshold, TrackEvent, Tracker, TrackerOptions,
};
use jiff::SignedDuration;

use crate::stage::{Play, at, decisions, ended, face, picture, words};

#[test]
fn a_known_person_is_one_sighting_after_the_first_shot() {
    let play = Play::new(Threshold::Fmr(1e-3));
    let events = play.events(5.0, 20, |_| vec![face(200.0, 5.0)]);
    let expected = "1:started 1:shot 1:anna 1:shot 1:shot 1:shot 1:shot 1:shot 1:ended";
    assert_eq!(words(&events), expected);
    let sightings: Vec<_> = events.iter().filter_map(TrackEvent::sighting).collect();
    assert_eq!(sightings.len(), 1);
    let [sighting] = &sightings[..] else { panic!() };
    assert_eq!(sighting.person.as_str(), "anna");
    assert_eq!(sighting.at, at(0), "the time at which the face came");
    assert_eq!(sighting.liveness, None);
    assert!(sighting.score.unwrap() > 0.99);

    let track = ended(&events)[0];
    assert_eq!((track.from, track.to), (at(0), at(3800)));
    assert_eq!((track.shots, track.live), (6, None));
    assert_eq!(track.sighting().as_ref(), Some(sighting), "the same one");
    let best = track.best.as_ref().unwrap();
    assert_eq!((best.at, best.crop.side()), (at(200), 112));
}

#[test]
fn each_test_has_a_share_of_the_rate() {
    // 42°: the score is 0.743. At 1e-2 the limit is 0.7, at 0.4 of it 0.760, and at a quarter 0.790.
    let play = Play::new(Threshold::Fmr(1e-2));
    let faces = [face(200.0, 42.0)];
    play.stage.set(&faces);
    let single = play
        .recognizer
        .recognize(picture(&faces, 0).view())
        .unwrap();
    assert!(single[0].known().is_some());
    let events = play.events(5.0, 20, |_| faces.to_vec());
    assert_eq!(decisions(&events), ["unknown"]);
    // 36°: 0.809.
    let events = play.events(5.0, 20, |_| vec![face(200.0, 36.0)]);
    assert_eq!(decisions(&events), ["anna"]);
}

#[test]
fn a_part_of_the_rate_that_was_not_measured_says_that_the_rate_is_not_met() {
    let play = Play::new(Threshold::Fmr(1e-4));
    let events = play.events(5.0, 5, |_| vec![face(200.0, 3.0)]);
    let Some(Outcome::Known(identity)) = &ended(&events)[0].decision else {
        panic!("{}", words(&events));
    };
    assert_eq!(identity.basis, RateBasis::NotMet);
    // 20°: 0.940 is below the strictest score.
    let events = play.events(5.0, 5, |_| vec![face(200.0, 20.0)]);
    assert_eq!(decisions(&events), ["unknown"]);
}

#[test]
fn the_mean_of_three_shots_finds_whom_one_does_not() {
    // At 0.4 of 4e-4 the limit is 0.93, 21.6°, and at a quarter 0.95, 18.2°. Faces scatter about 10° by 15°, so the first is at 25° and their means are at
    // about 13°.
    let play = Play::new(Threshold::Fmr(4e-4));
    let scattered = |seconds: f64| {
        let is_even = (seconds * 5.0).round() as i64 % 2 == 0;
        vec![face(200.0, if is_even { -5.0 } else { 25.0 })]
    };
    let events = play.events(5.0, 12, scattered);
    assert!(
        words(&events).starts_with("1:started 1:shot 1:shot 1:shot 1:anna"),
        "{}",
        words(&events)
    );
}

#[test]
fn unknown_is_said_once_after_six_shots_or_at_the_end() {
    let play = Play::new(Threshold::Fmr(1e-3));
    let events = play.events(5.0, 20, |_| vec![face(200.0, 60.0)]);
    let shots = ["1:shot"; 6].join(" ");
    assert_eq!(
        words(&events),
        format!("1:started {shots} 1:unknown 1:ended")
    );
    assert!(events.iter().all(|event| event.sighting().is_none()));

    let events = play.events(5.0, 5, |_| vec![face(200.0, 60.0)]);
    let shots = ["1:shot"; 4].join(" ");
    assert_eq!(
        words(&events),
        format!("1:started {shots} 1:unknown 1:ended")
    );
    let Some(Outcome::Unknown { nearest }) = &ended(&events)[0].decision else {
        panic!()
    };
    assert!(nearest.is_some());
}

#[test]
fn frames_that_fail_the_gate_cost_no_shot() {
    let play = Play::new(Threshold::Fmr(1e-3));
    let events = play.events(5.0, 30, |_| vec![face(200.0, 0.0).unfit()]);
    assert_eq!(words(&events), "1:started 1:ended");
    assert_eq!(decisions(&events), ["undecided"]);
    let track = ended(&events)[0];
    assert_eq!((track.shots, track.best.is_some()), (0, false));
    assert_eq!(play.stage.embedded(), 0);

    // Far away for a long time, then near.
    let near = |seconds: f64| {
        let face = face(200.0, 0.0);
        vec![if seconds < 10.0 { face.unfit() } else { face }]
    };
    assert_eq!(decisions(&play.events(5.0, 60, near)), ["anna"]);
}

#[test]
fn shots_are_a_tenth_of_a_second_apart() {
    let play = Play::new(Threshold::Fmr(1e-3));
    let options = TrackerOptions::default()
        .with_searches_per_second(30.0)
        .with_undecided_searches_per_second(30.0);
    let mut tracker = play.tracker_with(options);
    let mut times = Vec::new();
    for nth in 0..30 {
        let events = play.push(&mut tracker, 33 * nth, &[face(200.0, 0.0)]);
        times.extend(events.iter().filter_map(|event| match event {
            TrackEvent::Shot { shot, .. } => Some(shot.at),
            _ => None,
        }));
    }
    assert_eq!(times.len(), 6);
    for pair in times.windows(2) {
        assert!(pair[1].duration_since(pair[0]) >= SignedDuration::from_millis(100));
    }
}

#[test]
fn a_clearly_better_shot_replaces_the_worst() {
    let play = Play::new(Threshold::Fmr(1e-3));
    let mut events = Vec::new();
    let mut tracker = play.tracker();
    for nth in 0..20_i64 {
        let mut shown = face(200.0, 0.0);
        if nth > 10 {
            shown.side = 110.0;
        }
        events.extend(play.push(&mut tracker, 200 * nth, &[shown]));
    }
    events.extend(tracker.finish(at(4000)).unwrap());
    let qualities: Vec<f32> = events
        .iter()
        .filter_map(|event| match event {
            TrackEvent::Shot { shot, .. } => Some(shot.quality.score),
            _ => None,
        })
        .collect();
    assert!(qualities.len() > 6, "{qualities:?}");
    assert!(qualities[6] >= qualities[0] + 0.1, "{qualities:?}");
    let track = ended(&events)[0];
    assert_eq!(track.shots, 6);
    let best = qualities.iter().copied().fold(0.0, f32::max);
    assert_eq!(track.best.as_ref().unwrap().quality.score, best);
}

#[test]
fn a_decided_track_ends_if_its_face_becomes_another_one() {
    let play = Play::new(Threshold::Fmr(1e-3));
    let changing = |seconds: f64| vec![face(200.0, if seconds < 0.7 { 0.0 } else { 120.0 })];
    let events = play.events(5.0, 20, changing);
    assert_eq!(decisions(&events), ["anna", "bert"], "{}", words(&events));
    let people: Vec<_> = events
        .iter()
        .filter_map(TrackEvent::sighting)
        .map(|sighting| sighting.person.to_string())
        .collect();
    assert_eq!(people, ["anna", "bert"]);
}

#[test]
fn one_bad_frame_does_not_end_a_track() {
    let play = Play::new(Threshold::Fmr(1e-3));
    let flicker = |seconds: f64| {
        let is_bad = (seconds - 0.6).abs() < 0.05;
        vec![face(200.0, if is_bad { 120.0 } else { 0.0 })]
    };
    let events = play.events(5.0, 20, flicker);
    assert_eq!(decisions(&events), ["anna"]);
    let is_anna = |shot: &facekit::BestShot| shot.embedding.values()[0] > 0.9;
    assert!(events.iter().all(|event| match event {
        TrackEvent::Shot { shot, .. } => is_anna(shot),
        _ => true,
    }));
}

#[test]
fn a_roster_limits_the_search() {
    let play = Play::new(Threshold::Fmr(1e-3));
    let gallery = play.recognizer.gallery().unwrap();
    let roster = gallery.roster(&[PersonId::new("bert").unwrap()]).unwrap();
    let options = TrackerOptions::default().with_roster(roster);
    let mut tracker = play.tracker_with(options);
    let mut events = Vec::new();
    for nth in 0..8 {
        let faces = [face(100.0, 0.0), face(400.0, 120.0)];
        events.extend(play.push(&mut tracker, 200 * nth, &faces));
    }
    events.extend(tracker.finish(at(2000)).unwrap());
    let mut found = decisions(&events);
    found.sort();
    assert_eq!(found, ["bert", "unknown"]);
}

#[test]
fn options_out_of_range_are_refused() {
    let play = Play::new(Threshold::Fmr(1e-3));
    let options = TrackerOptions::default;
    for (options, name) in [
        (
            options().with_searches_per_second(0.0),
            "searches_per_second",
        ),
        (
            options().with_undecided_searches_per_second(f64::NAN),
            "undecided_searches_per_second",
        ),
        (options().with_start_score(1.5), "start_score"),
        (options().with_continue_score(0.7), "continue_score"),
        (
            options().with_lost_after(SignedDuration::ZERO),
            "lost_after",
        ),
        (
            options().with_longest_rest(SignedDuration::from_hours(2)),
            "longest_rest",
        ),
    ] {
        let error = Tracker::new(Arc::clone(&play.recognizer), options).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let options = options().with_threshold(Threshold::Fmr(1e-9));
    assert!(matches!(
        Tracker::new(Arc::clone(&play.recognizer), options),
        Err(Error::RateOutOfRange { .. })
    ));
}
