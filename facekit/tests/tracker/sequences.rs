//! Rules of the events of any video.

use std::collections::BTreeMap;

use facekit::{Outcome, Threshold, TrackEvent, TrackId, VideoFrame};
use proptest::prelude::*;

use crate::stage::{Play, Shown, at, face, picture, words};

/// A frame: the time since the one before in milliseconds, a discontinuity, and faces.
type Frame = (i64, bool, Vec<Shown>);

fn shown() -> impl Strategy<Value = Shown> {
    (
        // Faces are partly outside the frame, too.
        -40.0_f32..620.0,
        -40.0_f32..340.0,
        20.0_f32..150.0,
        prop::sample::select(vec![0.0_f32, 20.0, 60.0, 120.0, 240.0]),
        0.1_f32..1.0,
        prop::sample::select(vec![0.0_f32, 0.4, 0.6, 0.9]),
        prop::bool::weighted(0.8),
    )
        .prop_map(|(x, y, side, degrees, score, live, is_fit)| Shown {
            x,
            y,
            side,
            degrees,
            score,
            live,
            is_fit,
        })
}

/// Frames that often show the same faces as the one before.
fn video() -> impl Strategy<Value = Vec<Frame>> {
    let frame = (
        prop::sample::select(vec![0_i64, 33, 100, 200, 200, 200, 200, 2500]),
        prop::bool::weighted(0.03),
        prop::bool::weighted(0.85),
        prop::collection::vec(shown(), 0..4),
    );
    prop::collection::vec(frame, 1..25).prop_map(|frames| {
        let mut before: Vec<Shown> = vec![face(200.0, 0.0)];
        let frames = frames.into_iter().map(|(step, jumps, repeats, faces)| {
            if !repeats {
                before = faces;
            }
            (step, jumps, before.clone())
        });
        frames.collect()
    })
}

fn events(play: &Play, video: &[Frame]) -> Vec<TrackEvent> {
    let mut tracker = play.tracker();
    let (mut now, mut events) = (0, Vec::new());
    for (step, jumps, faces) in video {
        now += step;
        play.stage.set(faces);
        let frame = VideoFrame::new(picture(faces, 0), at(now), 0).with_discontinuity(*jumps);
        events.extend(tracker.push_frame(&frame).unwrap());
    }
    events.extend(tracker.finish(at(now)).unwrap());
    assert_eq!(tracker.faces().count(), 0);
    events
}

#[derive(Default)]
struct Seen {
    is_started: bool,
    shots: usize,
    decision: Option<Outcome>,
    has_ended: bool,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_track_starts_is_decided_once_and_ends_once(video in video(), liveness: bool) {
        let play = Play::with_liveness(Threshold::Fmr(1e-3), liveness);
        let events = events(&play, &video);
        let story = words(&events);
        let mut tracks: BTreeMap<TrackId, Seen> = BTreeMap::new();
        for event in &events {
            let track = tracks.entry(event.track()).or_default();
            prop_assert!(!track.has_ended, "{story}");
            match event {
                TrackEvent::Started { .. } => {
                    prop_assert!(!track.is_started, "{story}");
                    track.is_started = true;
                }
                TrackEvent::Shot { shot, .. } => {
                    prop_assert!(track.is_started, "{story}");
                    prop_assert_eq!(shot.liveness.is_some(), liveness);
                    track.shots += 1;
                }
                TrackEvent::Decided(decided) => {
                    prop_assert!(track.decision.is_none(), "{story}");
                    prop_assert!(decided.decision.is_some());
                    if liveness {
                        prop_assert!(decided.shots >= 3, "{story}");
                        let is_live = decided.live.is_some_and(|live| live.is_live(0.5));
                        let refused =
                            matches!(decided.decision, Some(Outcome::Spoof | Outcome::TightCrop { .. }));
                        prop_assert_eq!(is_live, !refused, "{}", story);
                    }
                    track.decision.clone_from(&decided.decision);
                }
                TrackEvent::Ended(ended) => {
                    prop_assert!(track.is_started && ended.from < ended.to, "{story}");
                    prop_assert_eq!(&ended.decision, &track.decision);
                    prop_assert_eq!(ended.shots, track.shots.min(6));
                    prop_assert_eq!(ended.best.is_some(), track.shots > 0);
                    track.has_ended = true;
                }
                _ => {}
            }
        }
        prop_assert!(tracks.values().all(|track| track.has_ended), "{story}");
        let sightings = events.iter().filter_map(TrackEvent::sighting).count();
        let known = tracks.values().filter(|it| matches!(it.decision, Some(Outcome::Known(_))));
        prop_assert_eq!(sightings, known.count());
    }
}
