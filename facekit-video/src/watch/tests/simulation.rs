//! The rules of the watcher in simulated time: cameras of 15 frames a second, and workers that need a stated time for a frame.

use std::time::{Duration, Instant};

use facekit::{Clock, Pace, Tracker, TrackerOptions};
use jiff::{SignedDuration, Timestamp};

use super::stage::{Stage, frame};
use crate::{
    CameraId, CameraOptions, Health,
    watch::{
        camera::{Camera, Done, Job, Step, Work, most_urgent},
        overload::Overload,
    },
};

const FRAMES_PER_SECOND: u64 = 15;

struct Simulation {
    cameras: Vec<Simulated>,
    overload: Overload,
    /// The job of each worker, and the time at which it is done.
    workers: Vec<Option<(Job, u64)>>,
    /// The time for a frame, in milliseconds.
    work: u64,
    begin: (Instant, Timestamp),
}

struct Simulated {
    has_face: bool,
    /// The number of its newest frame that nobody took.
    newest: Option<u64>,
    /// The times at which a frame was examined, in milliseconds.
    examined: Vec<u64>,
}

impl Simulation {
    fn new(work: u64, workers: usize) -> Self {
        let now = Instant::now();
        Self {
            cameras: Vec::new(),
            overload: Overload::new(now),
            workers: (0..workers).map(|_| None).collect(),
            work,
            begin: (now, Timestamp::UNIX_EPOCH),
        }
    }

    /// Runs cameras with these weights, and with or without a face, for so many seconds.
    fn run(mut self, seconds: u64, cameras: &[(f64, bool)]) -> Vec<(Simulated, Health)> {
        let stage = Stage::default();
        let recognizer = stage.recognizer();
        let tracker = TrackerOptions::default().with_motion_gate(false);
        let make = |(nth, (weight, _)): (usize, &(f64, bool))| {
            let options = CameraOptions::default()
                .with_weight(*weight)
                .with_tracker(tracker.clone());
            let tracker = Tracker::new(recognizer.clone(), tracker.clone()).unwrap();
            let id = CameraId(nth as u64);
            Camera::new(id, Pace::Live, tracker, &options, self.begin.0)
        };
        let mut shared: Vec<Camera> = cameras.iter().enumerate().map(make).collect();
        self.cameras = cameras
            .iter()
            .map(|(_, has_face)| Simulated {
                has_face: *has_face,
                newest: None,
                examined: Vec::new(),
            })
            .collect();
        for millisecond in 0..1000 * seconds {
            self.millisecond(millisecond, &mut shared);
        }
        let halvings = self.overload.halvings();
        let health = shared.iter().map(|camera| camera.health(halvings));
        self.cameras.into_iter().zip(health).collect()
    }

    fn millisecond(&mut self, millisecond: u64, shared: &mut [Camera]) {
        let passed = Duration::from_millis(millisecond);
        let now = self.begin.0 + passed;
        let wall = self.begin.1 + SignedDuration::try_from(passed).unwrap();
        for (nth, (camera, simulated)) in shared.iter_mut().zip(&mut self.cameras).enumerate() {
            // Cameras do not send their frames at the same time.
            let shifted = millisecond + 7 * nth as u64;
            let number = shifted * FRAMES_PER_SECOND / 1000;
            if (shifted + 1) * FRAMES_PER_SECOND / 1000 != number {
                simulated.newest = Some(number);
            }
            if camera.step(now, wall) == Step::Take
                && let Some(number) = simulated.newest.take()
            {
                let frame = frame(simulated.has_face, wall, number);
                camera.put(frame.with_clock(Clock::Arrival), now, wall);
            }
        }
        let count = self.workers.len();
        for worker in &mut self.workers {
            if let Some((job, _)) = worker.take_if(|(_, until)| *until <= millisecond) {
                let work = Duration::from_millis(self.work);
                self.overload.add(job.waited, work, count, now);
                done(
                    job,
                    wall,
                    millisecond,
                    &mut self.cameras,
                    shared,
                    &self.overload,
                );
            }
            if worker.is_none()
                && let Some(job) = most_urgent(shared, now)
            {
                *worker = Some((job, millisecond + self.work));
            }
        }
    }
}

fn done(
    mut job: Job,
    wall: Timestamp,
    millisecond: u64,
    cameras: &mut [Simulated],
    shared: &mut [Camera],
    overload: &Overload,
) {
    let Work::Frame(frame) = &job.work else {
        panic!("no camera ends");
    };
    let searched = job.tracker.searched();
    job.tracker.push_frame(frame).unwrap();
    let is_examined = job.tracker.searched() != searched;
    let place = job.camera.0 as usize;
    if is_examined {
        cameras[place].examined.push(millisecond);
    }
    let age = wall.duration_since(frame.at);
    let done = Done {
        camera: job.camera,
        tracker: Some(job.tracker),
        is_examined,
        age: is_examined.then(|| Duration::try_from(age).unwrap()),
        failure: None,
    };
    shared[place].done(done, false, overload.halvings());
}

impl Simulated {
    /// Searches a second, without the first ten seconds.
    fn rate(&self) -> f64 {
        let counted = self.examined.iter().filter(|time| **time >= 10_000).count();
        let last = self.examined.last().unwrap();
        counted as f64 / ((last - 10_000) as f64 / 1000.0)
    }

    /// The longest time without a search, in milliseconds.
    fn longest(&self) -> u64 {
        let pauses = self.examined.windows(2).map(|pair| pair[1] - pair[0]);
        pauses.max().unwrap()
    }
}

#[test]
fn the_rate_of_searches_is_the_trackers_if_there_is_time() {
    for (camera, health) in Simulation::new(20, 2).run(40, &[(1.0, false); 8]) {
        assert!((4.6..5.2).contains(&camera.rate()), "{}", camera.rate());
        assert!(camera.longest() <= 300, "{}", camera.longest());
        assert_eq!(health.halvings, 0);
        assert!(
            health.age_p95.unwrap() <= Duration::from_millis(150),
            "{health:?}"
        );
        assert!(health.decoded <= 2 * health.examined + 10, "{health:?}");
        assert!(health.received > 590, "{health:?}");
    }
}

#[test]
fn overload_slows_down_cameras_without_a_track_first() {
    // Sixteen cameras need 2.4 times what the workers have.
    let mut cameras = [(1.0, false); 16];
    cameras[3].1 = true;
    for (nth, (camera, health)) in Simulation::new(60, 2).run(60, &cameras).iter().enumerate() {
        assert!(health.halvings >= 1, "{health:?}");
        assert!(
            health.age_p95.unwrap() <= Duration::from_secs(1),
            "{health:?}"
        );
        assert!(camera.longest() <= 2000, "{nth}: {}", camera.longest());
        if nth == 3 {
            assert!(camera.rate() > 4.5, "{}", camera.rate());
        } else {
            assert!(camera.rate() < 3.0, "{}", camera.rate());
        }
    }
}

#[test]
fn no_camera_starves_if_all_have_tracks() {
    let cameras = [(1.0, true); 16];
    for (camera, health) in Simulation::new(100, 2).run(60, &cameras) {
        assert!(camera.longest() <= 2000, "{}", camera.longest());
        assert!(
            health.age_p95.unwrap() <= Duration::from_secs(1),
            "{health:?}"
        );
        assert!(health.dropped > 0 && health.examined > 50, "{health:?}");
    }
}

#[test]
fn a_weight_is_the_share_of_a_camera() {
    let mut cameras = [(1.0, true); 16];
    cameras[5].0 = 4.0;
    let watched = Simulation::new(100, 2).run(60, &cameras);
    let rates: Vec<f64> = watched.iter().map(|(camera, _)| camera.rate()).collect();
    let usual = rates[4];
    assert!(rates[5] > 2.0 * usual, "{rates:?}");
    assert!(rates.iter().all(|rate| *rate > 0.8 * usual), "{rates:?}");
}

#[test]
fn a_clock_that_is_set_back_blinds_nobody() {
    let stage = Stage::default();
    let tracker = TrackerOptions::default().with_motion_gate(false);
    let options = CameraOptions::default().with_tracker(tracker.clone());
    let tracker = Tracker::new(stage.recognizer(), tracker).unwrap();
    let (begin, wall) = (
        Instant::now(),
        "2026-03-02T08:00:00Z".parse::<Timestamp>().unwrap(),
    );
    let mut cameras = [Camera::new(
        CameraId(0),
        Pace::Live,
        tracker,
        &options,
        begin,
    )];
    for nth in 0..4 {
        let passed = Duration::from_millis(200 * nth);
        let (now, wall) = (
            begin + passed,
            wall + SignedDuration::try_from(passed).unwrap(),
        );
        assert_eq!(cameras[0].step(now, wall), Step::Take);
        let frame = frame(false, wall, nth).with_clock(Clock::Arrival);
        cameras[0].put(frame, now, wall);
        let mut job = most_urgent(&mut cameras, now).unwrap();
        let Work::Frame(frame) = &job.work else {
            panic!("there is a frame");
        };
        job.tracker.push_frame(frame).unwrap();
        let done = Done {
            camera: job.camera,
            tracker: Some(job.tracker),
            is_examined: true,
            age: None,
            failure: None,
        };
        cameras[0].done(done, false, 0);
    }
    // 0.6 s have passed. The clock of the system is an hour behind after that.
    let wall = wall - SignedDuration::from_hours(1);
    let step = |milliseconds| cameras[0].step(begin + Duration::from_millis(milliseconds), wall);
    assert!(matches!(step(700), Step::Wait(_)));
    assert_eq!(step(801), Step::Take);
}
