//! The watcher with its threads, on scripted sources.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use facekit::{
    Clock, Error, FrameSource, Next, Pace, Result, TrackEvent, Tracker, TrackerOptions, VideoFrame,
    image::DecodeLimits,
};
use jiff::{SignedDuration, Timestamp};

use super::stage::{Stage, frame, picture, words};
use crate::{
    CameraId, CameraOptions, CameraState, Change, Inbox, Watched, Watcher, WatcherOptions,
};

/// A source that does what is written.
#[derive(Debug)]
struct Script {
    pace: Pace,
    steps: VecDeque<Step>,
    damaged: u64,
}

#[derive(Debug)]
enum Step {
    Frame(VideoFrame),
    Lost,
    /// There is no frame for this time.
    Quiet(Duration),
    /// There is no other frame than before.
    Unchanged,
    /// A frame could not be decoded.
    Damaged,
    Fail,
    Panic,
}

impl FrameSource for Script {
    fn next(&mut self, wait: Duration) -> Result<Next> {
        match self.steps.pop_front() {
            Some(Step::Frame(frame)) => Ok(Next::Frame(frame)),
            Some(Step::Lost) => Ok(Next::Lost {
                reason: "the cable is loose".to_owned(),
                // Each loss is another state.
                retry_at: Timestamp::from_second(self.steps.len() as i64).unwrap(),
            }),
            Some(Step::Quiet(time)) => {
                thread::sleep(time.min(wait));
                if time > wait {
                    self.steps.push_front(Step::Quiet(time - wait));
                }
                Ok(Next::Nothing)
            }
            Some(Step::Unchanged) => {
                thread::sleep(wait.min(Duration::from_millis(50)));
                Ok(Next::Unchanged)
            }
            Some(Step::Damaged) => {
                self.damaged += 1;
                Ok(Next::Nothing)
            }
            Some(Step::Fail) => Err(Error::argument("lens", "it is broken")),
            Some(Step::Panic) => panic!("the decoder is broken"),
            None => Ok(Next::End),
        }
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn damaged(&self) -> u64 {
        self.damaged
    }
}

fn script(pace: Pace, steps: impl IntoIterator<Item = Step>) -> Script {
    let steps = steps.into_iter().collect();
    Script {
        pace,
        steps,
        damaged: 0,
    }
}

/// A recording of so many frames, five in a second, that shows a face from frame 3 to frame 12.
fn recorded(frames: u64) -> impl Iterator<Item = Step> {
    (0..frames).map(|nth| {
        let at = SignedDuration::from_millis(200 * nth as i64);
        let at = Timestamp::UNIX_EPOCH + at;
        Step::Frame(frame((3..=12).contains(&nth), at, nth))
    })
}

/// Live frames with a face, 100 ms apart, the last one now.
fn live(frames: u64) -> Vec<Step> {
    let begin = Timestamp::now() - SignedDuration::from_millis(100 * frames as i64);
    let frame = |nth: u64| {
        let at = begin + SignedDuration::from_millis(100 * nth as i64);
        Step::Frame(frame(true, at, nth).with_clock(Clock::Arrival))
    };
    (0..frames).map(frame).collect()
}

fn watcher(stage: &Stage) -> Watcher {
    let options = WatcherOptions::default().with_stalled_after(Duration::from_millis(150));
    Watcher::new(stage.recognizer(), &options).unwrap()
}

fn add(watcher: &Watcher, source: impl FrameSource + 'static) -> CameraId {
    watcher.add(source, &CameraOptions::default()).unwrap()
}

/// All reports until the end: events and states of each camera.
fn reports(watcher: &Watcher, camera: CameraId) -> (Vec<TrackEvent>, Vec<CameraState>) {
    let (mut events, mut states) = (Vec::new(), Vec::new());
    loop {
        match watcher.next(Duration::from_secs(20)) {
            Watched::Report(report) if report.camera != camera => {}
            Watched::Report(report) => match report.change {
                Change::Events(new) => {
                    assert!(!new.is_empty());
                    events.extend(new);
                }
                Change::State(state) => states.push(state),
            },
            Watched::End => return (events, states),
            Watched::Nothing => panic!("there is no report for long: {:?}", watcher.health(camera)),
        }
    }
}

#[test]
fn a_recording_is_watched_as_by_its_tracker() {
    let stage = Stage::default();
    let mut tracker = Tracker::new(stage.recognizer(), TrackerOptions::default()).unwrap();
    let mut expected = Vec::new();
    let mut last = Timestamp::UNIX_EPOCH;
    for step in recorded(20) {
        let Step::Frame(frame) = step else { continue };
        last = frame.at;
        expected.extend(tracker.push_frame(&frame).unwrap());
    }
    expected.extend(tracker.finish(last).unwrap());
    assert_eq!(words(&expected), ["1 started", "1 ended"]);
    for _ in 0..3 {
        let watcher = watcher(&stage);
        let camera = add(&watcher, script(Pace::Recorded, recorded(20)));
        let others = [(); 3].map(|()| add(&watcher, script(Pace::Recorded, recorded(20))));
        let (events, states) = reports(&watcher, camera);
        assert_eq!(events, expected);
        assert_eq!(states, [CameraState::Running, CameraState::Ended]);
        for camera in others.into_iter().chain([camera]) {
            let health = watcher.health(camera).unwrap();
            assert_eq!(
                (health.received, health.decoded, health.dropped),
                (20, 20, 0)
            );
            assert_eq!((health.age_p95, health.halvings), (None, 0));
            assert!(
                health.examined >= 10 && health.state == CameraState::Ended,
                "{health:?}"
            );
        }
        assert_eq!(watcher.next(Duration::ZERO), Watched::End);
    }
}

#[test]
fn of_a_live_camera_few_frames_are_decoded() {
    let stage = Stage::default();
    let watcher = Watcher::new(stage.recognizer(), &WatcherOptions::default()).unwrap();
    let (sender, inbox) = Inbox::new(&DecodeLimits::default());
    let camera = add(&watcher, inbox);
    assert_eq!(
        watcher.health(camera).unwrap().state,
        CameraState::Connecting
    );
    // A hundred frames in a second, if the machine has no other work.
    let begin = Instant::now();
    for _ in 0..100 {
        sender.push(picture(true), None);
        thread::sleep(Duration::from_millis(10));
    }
    drop(sender);
    let (events, states) = reports(&watcher, camera);
    assert_eq!(words(&events), ["1 started", "1 ended"]);
    assert_eq!(states, [CameraState::Running, CameraState::Ended]);
    let health = watcher.health(camera).unwrap();
    assert!(health.received > 90, "{health:?}");
    let most = 10.0 * begin.elapsed().as_secs_f64() + 4.0;
    assert!(health.examined as f64 <= most, "{health:?} in {most}");
    // The frames before the time at which the next one is due are not decoded.
    assert!(health.decoded <= 2 * health.examined + 4, "{health:?}");
    assert!(health.examined >= 2, "{health:?}");
    let taken = health.received - health.dropped;
    assert!(
        (health.examined..=health.decoded).contains(&taken),
        "{health:?}"
    );
    assert!(
        health.age_p95.unwrap() < Duration::from_secs(2),
        "{health:?}"
    );
}

#[test]
fn a_source_that_panics_or_fails_ends_alone() {
    let stage = Stage::default();
    let watcher = watcher(&stage);
    let begin = || recorded(13);
    let panics = add(
        &watcher,
        script(Pace::Recorded, begin().chain([Step::Panic])),
    );
    let fails = add(
        &watcher,
        script(Pace::Recorded, begin().chain([Step::Fail])),
    );
    let whole = add(&watcher, script(Pace::Recorded, recorded(20)));
    let (events, states) = reports(&watcher, panics);
    assert_eq!(words(&events), ["1 started", "1 ended"], "its tracks end");
    let reason = "the source panicked: the decoder is broken".to_owned();
    assert_eq!(
        states,
        [CameraState::Running, CameraState::Failed { reason }]
    );
    let CameraState::Failed { reason } = watcher.health(fails).unwrap().state else {
        panic!("{:?}", watcher.health(fails));
    };
    assert!(reason.contains("it is broken"), "{reason}");
    assert_eq!(watcher.health(whole).unwrap().state, CameraState::Ended);
}

#[test]
fn a_model_that_panics_ends_its_camera() {
    let stage = Stage::default();
    let watcher = watcher(&stage);
    stage.panics.store(true, Ordering::Relaxed);
    let camera = add(&watcher, script(Pace::Recorded, recorded(20)));
    let (events, states) = reports(&watcher, camera);
    assert_eq!(events, []);
    let reason = "the recognizer panicked: the detector is broken".to_owned();
    assert_eq!(states.last(), Some(&CameraState::Failed { reason }));
}

#[test]
fn a_time_that_falls_ends_the_camera_and_its_tracks() {
    let stage = Stage::default();
    let watcher = watcher(&stage);
    let early = Step::Frame(frame(true, Timestamp::UNIX_EPOCH, 9));
    let camera = add(
        &watcher,
        script(Pace::Recorded, recorded(13).chain([early])),
    );
    let (events, states) = reports(&watcher, camera);
    assert_eq!(words(&events), ["1 started", "1 ended"]);
    let last = states.last().unwrap().to_string();
    assert!(
        last.starts_with("failed:") && last.contains("before the last frame"),
        "{last}"
    );
}

#[test]
fn a_lost_connection_ends_the_tracks() {
    let stage = Stage::default();
    let watcher = watcher(&stage);
    let quiet = || Step::Quiet(Duration::from_millis(20));
    let mut steps = live(4);
    steps.extend([Step::Lost, quiet()]);
    let jump = frame(true, Timestamp::now(), 10).with_discontinuity(true);
    steps.push(Step::Frame(jump));
    let camera = add(&watcher, script(Pace::Live, steps));
    let (events, states) = reports(&watcher, camera);
    assert_eq!(words(&events), ["1 started", "1 ended"]);
    let states: Vec<String> = states.iter().map(ToString::to_string).collect();
    let lost = "the connection is lost: the cable is loose";
    assert_eq!(states, ["running", lost, "running", "ended"]);
}

#[test]
fn a_camera_without_frames_is_stalled() {
    let stage = Stage::default();
    let watcher = watcher(&stage);
    let mut steps = live(4);
    steps.push(Step::Quiet(Duration::from_millis(400)));
    steps.push(Step::Frame(frame(
        false,
        Timestamp::now() + SignedDuration::from_secs(1),
        9,
    )));
    let camera = add(&watcher, script(Pace::Live, steps));
    let (events, states) = reports(&watcher, camera);
    assert_eq!(words(&events), ["1 started", "1 ended"]);
    let states: Vec<String> = states.iter().map(ToString::to_string).collect();
    assert_eq!(states, ["running", "no frames", "running", "ended"]);
}

#[test]
fn a_camera_whose_picture_does_not_change_is_not_stalled() {
    let stage = Stage::default();
    let watcher = watcher(&stage);
    let mut steps = live(4);
    // Longer than the time after which a camera is stalled.
    steps.extend((0..10).map(|_| Step::Unchanged));
    let camera = add(&watcher, script(Pace::Live, steps));
    let (_, states) = reports(&watcher, camera);
    assert_eq!(states, [CameraState::Running, CameraState::Ended]);
}

#[test]
fn frames_that_cannot_be_decoded_are_counted() {
    let stage = Stage::default();
    let watcher = watcher(&stage);
    let steps = live(2).into_iter().chain((0..14).map(|_| Step::Damaged));
    let camera = add(&watcher, script(Pace::Live, steps));
    reports(&watcher, camera);
    assert_eq!(watcher.health(camera).unwrap().damaged, 14);
}

#[test]
fn of_the_states_that_nobody_takes_the_last_one_is_kept() {
    let stage = Stage::default();
    let watcher = watcher(&stage);
    let camera = add(&watcher, script(Pace::Live, (0..3000).map(|_| Step::Lost)));
    let begin = Instant::now();
    let is_last = |state: &CameraState| matches!(state, CameraState::Lost { retry_at, .. } if *retry_at == Timestamp::UNIX_EPOCH);
    while !is_last(&watcher.health(camera).unwrap().state) {
        assert!(begin.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(5));
    }
    let (_, states) = reports(&watcher, camera);
    assert!(states.len() <= 1026, "{}", states.len());
    assert!(is_last(&states[states.len() - 2]));
    assert_eq!(states.last(), Some(&CameraState::Ended));
}

#[test]
fn a_camera_is_removed_and_the_watcher_is_stopped() {
    let stage = Stage::default();
    let watcher = watcher(&stage);
    let quiet = Step::Quiet(Duration::from_secs(3600));
    let first = add(
        &watcher,
        script(Pace::Live, live(4).into_iter().chain([quiet])),
    );
    let (sender, inbox) = Inbox::new(&DecodeLimits::default());
    let second = add(&watcher, inbox);
    assert_eq!((first, second), (CameraId(1), CameraId(2)));
    while watcher.health(first).unwrap().examined < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    watcher.remove(first);
    watcher.remove(CameraId(7));
    let begin = Instant::now();
    while watcher.health(first).is_some() {
        assert!(begin.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(5));
    }
    watcher.stop();
    let (events, states) = reports(&watcher, first);
    assert_eq!(words(&events), ["1 started", "1 ended"]);
    assert_eq!(states.last(), Some(&CameraState::Ended));
    assert_eq!(watcher.health(second).unwrap().state, CameraState::Ended);
    // The readers end soon, and drop their sources.
    let begin = Instant::now();
    while !sender.is_closed() {
        assert!(begin.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_watcher_that_is_dropped_ends_its_threads() {
    let stage = Stage::default();
    let watcher = watcher(&stage);
    let (sender, inbox) = Inbox::new(&DecodeLimits::default());
    add(&watcher, inbox);
    // More reports than have room, which nobody takes.
    for _ in 0..4 {
        let steps = (0..4000).map(|nth| {
            let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(nth / 3 * 100 + nth % 3);
            Step::Frame(frame(nth % 3 < 2, at, nth as u64))
        });
        add(&watcher, script(Pace::Recorded, steps));
    }
    let begin = Instant::now();
    let mut before = 0;
    // All workers wait.
    while before == 0 || before != stage.searches() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        before = stage.searches();
        thread::sleep(Duration::from_millis(100));
    }
    assert!(before < 15_000, "{before}");
    drop(watcher);
    while !sender.is_closed() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn wrong_options_are_named() {
    let stage = Stage::default();
    let options = WatcherOptions::default().with_workers(NonZeroUsize::MIN);
    let watcher = Watcher::new(stage.recognizer(), &options).unwrap();
    for weight in [0.0, -1.0, f64::NAN, 101.0] {
        let options = CameraOptions::default().with_weight(weight);
        let error = watcher.add(script(Pace::Live, []), &options).unwrap_err();
        assert!(error.to_string().contains("weight"), "{error}");
    }
    let tracker = TrackerOptions::default().with_searches_per_second(0.0);
    let options = CameraOptions::default().with_tracker(tracker);
    assert!(watcher.add(script(Pace::Live, []), &options).is_err());
    assert_eq!(
        watcher.next(Duration::from_secs(5)),
        Watched::End,
        "no camera"
    );
}
