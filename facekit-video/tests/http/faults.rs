//! Many faults: the next frame comes in time, and other cameras notice nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use facekit::{Next, TrackerOptions};
use facekit_video::{
    CameraOptions, CameraState, Change, HttpCamera, HttpOptions, Watched, Watcher, WatcherOptions,
};

use crate::{
    PATIENCE,
    chance::{faults_of_each, random_numbers},
    frame, hasty, open, open_with, options,
    server::{FAULTS, Server, endless, fault, few},
    stage::Stage,
};

/// A server whose answers are faulty and good, one after the other.
fn faulty(count: usize) -> Server {
    let mut random = random_numbers();
    let faults: Vec<usize> = (0..count).map(|_| random()).collect();
    Server::start(move |nth, _, stream| {
        if nth % 2 == 1 || nth / 2 >= count {
            return few(stream);
        }
        fault(nth / 2, faults[nth / 2], stream)
    })
}

#[test]
fn after_any_fault_the_next_frame_comes_in_time() {
    let count = FAULTS * faults_of_each();
    let server = faulty(count);
    let mut camera = open_with(&server, &hasty());
    let mut last = Instant::now();
    let mut longest = Duration::ZERO;
    while server.requests().len() < 2 * count {
        frame(&mut camera);
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    println!("{count} faults, the longest time without a frame: {longest:?}");
    // The longest pause is 24 ms and the timeout 0.3 s.
    assert!(longest < Duration::from_millis(324) + Duration::from_secs(2));
}

#[test]
fn a_server_is_killed_many_times() {
    let mut server = Server::start(|_, _, stream| endless(stream));
    let address = server.address();
    let mut camera = open(&server);
    for _ in 0..faults_of_each() {
        let (before, _) = frame(&mut camera);
        drop(server);
        server = Server::start_at(address, |_, _, stream| endless(stream));
        let begin = Instant::now();
        // Frames that came before are still there.
        while !frame(&mut camera).0.discontinuity {
            assert!(begin.elapsed() < Duration::from_secs(3));
        }
        assert!(frame(&mut camera).0.sequence > before.sequence);
    }
}

#[test]
fn other_cameras_notice_nothing() {
    let count = FAULTS * faults_of_each();
    let bad = faulty(count);
    let good = Server::start(|_, _, stream| endless(stream));
    let watcher = Watcher::new(Stage::default().recognizer(), &WatcherOptions::default()).unwrap();
    // Every frame that is due is searched.
    let tracker = TrackerOptions::default().with_motion_gate(false);
    let camera = CameraOptions::default().with_tracker(tracker);
    let add = |server: &Server, options: &HttpOptions| {
        let address = format!("http://{}/", server.address());
        let source = HttpCamera::open(&address, options).unwrap();
        watcher.add(source, &camera).unwrap()
    };
    let (good_camera, bad_camera) = (add(&good, &options()), add(&bad, &hasty()));
    let mut lost = 0;
    let mut progress = (0, Instant::now());
    while bad.requests().len() < 2 * count {
        if bad.requests().len() > progress.0 {
            progress = (bad.requests().len(), Instant::now());
        }
        assert!(progress.1.elapsed() < PATIENCE, "{progress:?}");
        if let Watched::Report(report) = watcher.next(Duration::from_millis(100))
            && let Change::State(state) = report.change
        {
            assert!(
                report.camera == bad_camera || state == CameraState::Running,
                "{state}"
            );
            assert!(!state.is_over(), "{state}");
            lost += usize::from(matches!(state, CameraState::Lost { .. }));
        }
    }
    let health = watcher.health(good_camera).unwrap();
    println!("beside {count} faults: {health:?}");
    assert_eq!(health.state, CameraState::Running);
    // The machine may have other work. Alone it is a few milliseconds.
    assert!(
        health.age_p95.unwrap() < Duration::from_secs(1),
        "{health:?}"
    );
    assert!(lost > count / 4, "{lost} of {count}");
    assert!(watcher.health(bad_camera).unwrap().examined > 0);
}

#[test]
fn a_pause_of_the_reader_costs_frames_only() {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let server = Server::start(move |_, _, stream| {
        count.fetch_add(1, Ordering::Relaxed);
        endless(stream)
    });
    let mut camera = open(&server);
    let (before, _) = frame(&mut camera);
    std::thread::sleep(Duration::from_millis(700));
    let (after, reasons) = frame(&mut camera);
    assert!(after.sequence > before.sequence + 10 && !after.discontinuity);
    assert!(reasons.is_empty() && sent.load(Ordering::Relaxed) == 1);
    // The newest frame, not one of a queue.
    let age = jiff::Timestamp::now().duration_since(after.at);
    assert!(age < jiff::SignedDuration::from_millis(600), "{age}");
    assert!(!matches!(
        facekit::FrameSource::next(&mut camera, Duration::ZERO),
        Ok(Next::End)
    ));
}
