//! One track for each person: walkers, crossings, occlusions, gaps, cuts.

use facekit::{Threshold, TrackEvent, TrackerOptions, VideoFrame};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::stage::{Play, Shown, WIDTH, at, decisions, ended, face, picture, words};

fn play() -> Play {
    Play::new(Threshold::Fmr(1e-3))
}

/// The number of tracks that ended.
fn tracks(events: &[TrackEvent]) -> usize {
    ended(events).len()
}

#[test]
fn a_walker_is_one_track() {
    // 1.4 m/s in front of a camera: 8.75 widths of 60 pixels a second. The boxes of two frames do not overlap at 5 frames a second.
    let walker = |seconds: f64| vec![face((525.0 * seconds) as f32, 0.0)];
    for frames_per_second in [5.0, 10.0, 15.0, 30.0] {
        let events = play().events(frames_per_second, frames_per_second as usize, walker);
        assert_eq!(decisions(&events), ["anna"], "{frames_per_second}");
    }
}

#[test]
fn people_who_cross_stay_themselves() {
    let crossing = |seconds: f64| {
        let step = (300.0 * seconds) as f32;
        vec![face(step, 0.0), face(500.0 - step, 120.0).y(110.0)]
    };
    for frames_per_second in [5.0, 10.0, 15.0] {
        let count = (1.6 * frames_per_second) as usize;
        let events = play().events(frames_per_second, count, crossing);
        let mut found = decisions(&events);
        found.sort();
        assert_eq!(found, ["anna", "bert"], "{frames_per_second}");
    }
}

#[test]
fn people_who_turn_back_behind_each_other_stay_themselves() {
    // Both go back where they came from, so that constant velocity expects both at the same place.
    let turning = |seconds: f64| {
        let step = 180.0 - 150.0 * (seconds as f32 - 1.2).abs();
        vec![face(60.0 + step, 0.0), face(480.0 - step, 120.0)]
    };
    let events = play().events(5.0, 13, turning);
    let mut found = decisions(&events);
    found.sort();
    assert_eq!(found, ["anna", "bert"]);
    for track in ended(&events) {
        let shots = events.iter().filter_map(|event| match event {
            TrackEvent::Shot { track: id, shot } if *id == track.id => Some(shot),
            _ => None,
        });
        for shot in shots {
            let best = track.best.as_ref().unwrap();
            assert!(shot.embedding.cosine(&best.embedding).unwrap() > 0.95);
        }
    }
}

#[test]
fn somebody_who_is_hidden_by_another_comes_back_as_the_same_track() {
    let passing = |seconds: f64| {
        let mut faces = vec![face((250.0 * seconds) as f32, 120.0)];
        let is_hidden = (faces[0].x - 250.0).abs() < 60.0;
        if !is_hidden {
            faces.push(face(250.0, 0.0));
        }
        faces
    };
    let events = play().events(5.0, 11, passing);
    let mut found = decisions(&events);
    found.sort();
    assert_eq!(found, ["anna", "bert"], "{}", words(&events));
}

#[test]
fn somebody_who_is_back_at_an_unexpected_place_is_the_same_track() {
    // She walks on, turns back while nobody sees her, and stands.
    let turning = |seconds: f64| match seconds {
        ..=1.0 => vec![face((300.0 * seconds) as f32, 0.0)],
        ..=1.5 => Vec::new(),
        _ => vec![face(120.0, 0.0)],
    };
    let events = play().events(5.0, 15, turning);
    assert_eq!(decisions(&events), ["anna"], "{}", words(&events));
    assert_eq!(tracks(&events), 1, "{}", words(&events));
    // Nobody goes 420 pixels, which are 7 widths, in that time at 1.4 m/s.
    let far = |seconds: f64| match seconds {
        ..=0.5 => vec![face(10.0, 0.0)],
        ..=0.7 => Vec::new(),
        _ => vec![face(430.0, 0.0)],
    };
    assert_eq!(tracks(&play().events(5.0, 15, far)), 2);
}

#[test]
fn a_new_track_is_not_led_away() {
    // After two frames, somebody else stands before her for one frame.
    let led = |seconds: f64| match (5.0 * seconds).round() as u32 {
        2 => vec![face(240.0, 120.0)],
        3 => vec![face(200.0, 0.0), face(300.0, 120.0)],
        nth @ 4.. => vec![face(200.0, 0.0), face(60.0 * nth as f32 + 120.0, 120.0)],
        _ => vec![face(200.0, 0.0)],
    };
    let events = play().events(5.0, 7, led);
    let mut found = decisions(&events);
    found.sort();
    assert_eq!(found, ["anna", "bert"], "{}", words(&events));
    assert_eq!(tracks(&events), 2, "{}", words(&events));
}

/// A face that stands still, and is not seen from 1 s on for so many milliseconds. Then it is that of `degrees`.
fn gap(milliseconds: f64, degrees: f32) -> impl Fn(f64) -> Vec<Shown> {
    move |seconds| {
        if seconds < 1.0 {
            vec![face(200.0, 0.0)]
        } else if seconds < 1.0 + milliseconds / 1000.0 {
            Vec::new()
        } else {
            vec![face(210.0, degrees)]
        }
    }
}

#[test]
fn a_track_survives_a_gap_of_less_than_two_seconds() {
    let events = play().events(5.0, 25, gap(1600.0, 0.0));
    assert_eq!(decisions(&events), ["anna"]);
    let events = play().events(5.0, 25, gap(2400.0, 0.0));
    assert_eq!(decisions(&events), ["anna", "anna"]);
    let options = TrackerOptions::default().with_lost_after(SignedDuration::from_millis(500));
    let (play, mut events) = (play(), Vec::new());
    let mut tracker = play.tracker_with(options);
    for nth in 0..15_i64 {
        let shown = gap(1000.0, 0.0)(nth as f64 / 5.0);
        events.extend(play.push(&mut tracker, 200 * nth, &shown));
    }
    events.extend(tracker.finish(at(3000)).unwrap());
    assert_eq!(tracks(&events), 2);
}

#[test]
fn somebody_else_after_a_gap_is_another_track() {
    let events = play().events(5.0, 25, gap(600.0, 120.0));
    assert_eq!(decisions(&events), ["anna", "bert"], "{}", words(&events));
}

#[test]
fn somebody_who_takes_the_place_of_a_decided_track_is_another_track() {
    // Anna has all her shots. Bert comes to her place while his face is not fit to be compared.
    for unfit in 0..4 {
        let tailgating = |seconds: f64| match (10.0 * seconds).round() as u32 {
            ..30 => vec![face(200.0, 0.0)],
            30..35 => Vec::new(),
            nth if nth < 35 + unfit => vec![face(205.0, 120.0).unfit()],
            _ => vec![face(205.0, 120.0)],
        };
        let events = play().events(10.0, 70, tailgating);
        assert_eq!(decisions(&events), ["anna", "bert"], "{}", words(&events));
    }
    // If it is Anna, she stays one track, and is compared once.
    let play = play();
    let back = |seconds: f64| match (10.0 * seconds).round() as u32 {
        ..30 => vec![face(200.0, 0.0)],
        30..35 => Vec::new(),
        35..38 => vec![face(205.0, 0.0).unfit()],
        _ => vec![face(205.0, 0.0)],
    };
    let events = play.events(10.0, 70, back);
    assert_eq!(decisions(&events), ["anna"], "{}", words(&events));
    assert_eq!(play.stage.embedded(), 7);
}

#[test]
fn somebody_who_comes_out_beside_a_hidden_face_is_not_taken_for_it() {
    // Anna is hidden. Bert comes out two thirds of a width beside her place, and his face is not fit at first.
    let coming = |seconds: f64| match (5.0 * seconds).round() as u32 {
        ..10 => vec![face(200.0, 0.0)],
        10..12 => Vec::new(),
        12 => vec![face(240.0, 120.0).unfit()],
        _ => vec![face(240.0, 120.0)],
    };
    let events = play().events(5.0, 30, coming);
    assert_eq!(decisions(&events), ["anna", "bert"], "{}", words(&events));
    assert_eq!(ended(&events)[1].from, at(2400), "the first frame of Bert");
    assert_eq!(ended(&events)[0].to, at(1800), "the last frame of Anna");
}

#[test]
fn somebody_who_is_back_with_a_face_that_is_not_fit_at_first_is_the_same_track() {
    for unfit in 0..4 {
        let back = |seconds: f64| match (5.0 * seconds).round() as u32 {
            ..10 => vec![face(10.0, 0.0)],
            10..15 => Vec::new(),
            nth if nth < 15 + unfit => vec![face(300.0, 0.0).unfit()],
            _ => vec![face(300.0, 0.0)],
        };
        let events = play().events(5.0, 30, back);
        let known = decisions(&events).iter().filter(|it| *it == "anna").count();
        assert_eq!(known, 1, "{}", words(&events));
        let sightings = events.iter().filter_map(TrackEvent::sighting).count();
        assert_eq!(sightings, 1, "{}", words(&events));
    }
}

#[test]
fn people_in_slow_frames_are_tracks() {
    // Snapshots and photos come seconds apart. Bert takes Anna's place between two of them.
    for seconds in [1_i64, 3, 10] {
        let (play, mut events) = (play(), Vec::new());
        let mut tracker = play.tracker();
        for nth in 0..16 {
            let degrees = if nth < 8 { 0.0 } else { 120.0 };
            events.extend(play.push(&mut tracker, 1000 * seconds * nth, &[face(200.0, degrees)]));
        }
        events.extend(tracker.finish(at(16_000 * seconds)).unwrap());
        let mut found = decisions(&events);
        found.sort();
        assert_eq!(found, ["anna", "bert"], "{seconds} s: {}", words(&events));
    }
    // After an hour without a frame, a track is over.
    let (play, mut events) = (play(), Vec::new());
    let mut tracker = play.tracker();
    for milliseconds in [0, 200, 400, 3_600_000, 3_600_200, 3_600_400] {
        events.extend(play.push(&mut tracker, milliseconds, &[face(200.0, 0.0)]));
    }
    events.extend(tracker.finish(at(3_600_400)).unwrap());
    assert_eq!(decisions(&events), ["anna", "anna"]);
}

#[test]
fn weak_detections_continue_a_track_and_start_none() {
    let weak = |from: f64, to: f64| {
        move |seconds: f64| {
            let score = if (from..to).contains(&seconds) {
                0.4
            } else {
                0.9
            };
            vec![face(60.0 * seconds as f32, 0.0).score(score)]
        }
    };
    // For longer than a track is kept that is not seen.
    let events = play().events(5.0, 40, weak(1.0, 6.0));
    assert_eq!(decisions(&events), ["anna"]);
    let events = play().events(5.0, 10, weak(0.0, 9.0));
    assert!(events.is_empty(), "{}", words(&events));
    let unseen = |seconds| {
        weak(1.0, 6.0)(seconds)
            .into_iter()
            .map(|it| it.score(it.score - 0.15))
    };
    let events = play().events(5.0, 40, |seconds| unseen(seconds).collect());
    assert_eq!(tracks(&events), 2, "scores below 0.3 continue nothing");
}

#[test]
fn a_face_in_a_single_frame_is_no_track() {
    let once = |seconds: f64| {
        let mut faces = vec![face(50.0, 0.0)];
        if (seconds - 1.0).abs() < 0.05 {
            faces.push(face(400.0, 120.0));
        }
        faces
    };
    let events = play().events(5.0, 12, once);
    assert_eq!(decisions(&events), ["anna"]);
}

#[test]
fn a_cut_ends_all_tracks() {
    let play = play();
    let mut tracker = play.tracker();
    let mut events = Vec::new();
    for nth in 0..20_i64 {
        let faces = [face(200.0, 0.0), face(400.0, 120.0)];
        play.stage.set(&faces);
        let image = picture(&faces, usize::from(nth >= 10));
        events.extend(tracker.push(image.view(), at(200 * nth)).unwrap());
        assert_eq!(tracks(&events), if nth < 10 { 0 } else { 2 }, "frame {nth}");
    }
    events.extend(tracker.finish(at(4000)).unwrap());
    assert_eq!(decisions(&events), ["anna", "bert", "anna", "bert"]);
}

#[test]
fn a_discontinuity_ends_all_tracks() {
    let play = play();
    let mut tracker = play.tracker();
    let faces = [face(200.0, 0.0)];
    play.stage.set(&faces);
    let frame = |milliseconds| VideoFrame::new(picture(&faces, 0), at(milliseconds), 0);
    let mut events = Vec::new();
    for nth in 0..5 {
        events.extend(tracker.push_frame(&frame(10_000 + 200 * nth)).unwrap());
    }
    // The clock jumps back.
    let jump = frame(3000).with_discontinuity(true);
    events.extend(tracker.push_frame(&jump).unwrap());
    assert_eq!(tracks(&events), 1);
    events.extend(tracker.push_frame(&frame(3200)).unwrap());
    events.extend(tracker.finish(at(3200)).unwrap());
    assert_eq!(decisions(&events), ["anna", "anna"]);
}

#[test]
fn all_tracks_end_if_a_search_fails() {
    let play = play();
    let mut tracker = play.tracker();
    // Two strangers, whose tracks are searched once more at the end.
    let faces = [face(50.0, 60.0), face(400.0, 180.0)];
    play.stage.set(&faces);
    let frame = |milliseconds| VideoFrame::new(picture(&faces, 0), at(milliseconds), 0);
    let mut events = Vec::new();
    for nth in 0..3 {
        events.extend(tracker.push_frame(&frame(10_000 + 200 * nth)).unwrap());
    }
    play.stage.set_failing(true);
    // The clock jumps back.
    let jump = frame(3000).with_discontinuity(true);
    assert!(tracker.push_frame(&jump).is_err());
    play.stage.set_failing(false);
    events.extend(tracker.push_frame(&frame(3200)).unwrap());
    assert_eq!(tracks(&events), 2);
    events.extend(tracker.push_frame(&frame(3400)).unwrap());
    events.extend(tracker.finish(at(3400)).unwrap());
    assert_eq!(tracks(&events), 4, "{}", words(&events));
}

#[test]
fn time_does_not_go_back() {
    let play = play();
    let mut tracker = play.tracker();
    play.push(&mut tracker, 1000, &[]);
    let image = picture(&[], 0);
    let error = tracker.push(image.view(), at(999)).unwrap_err();
    assert!(
        error.to_string().contains("before the last frame"),
        "{error}"
    );
    assert!(tracker.finish(at(999)).is_err());
    // A frame of the same time is left out.
    let searches = play.stage.searches();
    assert!(play.push(&mut tracker, 1000, &[face(9.0, 0.0)]).is_empty());
    assert_eq!(play.stage.searches(), searches);
}

#[test]
fn the_faces_of_a_frame_have_their_tracks() {
    let play = play();
    let mut tracker = play.tracker();
    let faces = [face(100.0, 0.0), face(400.0, 120.0)];
    play.push(&mut tracker, 0, &faces);
    assert_eq!(tracker.faces().count(), 0, "no face was seen twice");
    play.push(&mut tracker, 200, &faces);
    let seen: Vec<_> = tracker.faces().collect();
    assert_eq!(seen.len(), 2);
    assert_eq!(tracker.searched(), Some(at(200)));
    play.push(&mut tracker, 400, &faces[1..]);
    let left: Vec<_> = tracker.faces().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].detection.rect, faces[1].rect());
    assert!(seen.contains(&left[0]));
}

#[test]
fn faces_are_embedded_for_the_association_only_if_it_is_not_clear() {
    // Two people far from each other: six shots each.
    let apart = |_: f64| vec![face(100.0, 0.0), face(400.0, 120.0)];
    let play = play();
    play.events(5.0, 50, apart);
    assert_eq!(play.stage.embedded(), 12);
}

/// Walkers in lanes of their own: their places at the beginning, and their velocities in widths a second.
fn walkers() -> impl Strategy<Value = Vec<(f32, f32)>> {
    prop::collection::vec((0.0_f32..1.0, -8.0_f32..8.0), 1..=3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn walkers_are_one_track_each_and_events_are_the_same_twice(
        walkers in walkers(),
        frames_per_second in prop::sample::select(vec![5.0, 10.0, 15.0]),
    ) {
        let shown = |seconds: f64| {
            let walkers = walkers.iter().enumerate();
            let faces = walkers.map(|(lane, &(from, speed))| {
                let way = from * WIDTH as f32 + speed * 60.0 * seconds as f32;
                face(way, 120.0 * lane as f32).y(20.0 + 110.0 * lane as f32)
            });
            faces.filter(|face| face.x > 0.0 && face.x < WIDTH as f32 - 60.0).collect::<Vec<_>>()
        };
        let frames = (2.0 * frames_per_second) as usize;
        let events = play().events(frames_per_second, frames, shown);
        // A face that is seen once, or only at the edge, is no track.
        let mut found = decisions(&events);
        found.sort();
        let count = found.len();
        found.dedup();
        prop_assert_eq!(found.len(), count, "{}", words(&events));
        prop_assert!(count <= walkers.len());
        let seen_twice = walkers.iter().enumerate().filter(|(lane, _)| {
            let of_lane = |face: &Shown| face.y == 20.0 + 110.0 * *lane as f32;
            // The tracker leaves out frames, so a face that is seen for 0.5 s is certain to be seen twice.
            let frames = (0..frames).map(|nth| shown(nth as f64 / frames_per_second));
            frames.filter(|faces| faces.iter().any(of_lane)).count() as f64
                >= 0.5 * frames_per_second + 1.0
        });
        prop_assert!(count >= seen_twice.count(), "{}", words(&events));
        prop_assert_eq!(play().events(frames_per_second, frames, shown), events);
    }
}
