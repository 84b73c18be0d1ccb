//! The cameras and their reports, which readers, workers and the user of a watcher share.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use facekit::{Pace, TrackEvent, VideoFrame};
use jiff::Timestamp;

use super::{
    CameraId, CameraState, Change, Health, Report, Watched,
    camera::{self, Camera, Done, Job, Step, Work},
    overload::Overload,
};

/// The most reports that wait.
const MOST: usize = 1024;

#[derive(Debug)]
pub(super) struct Shared {
    inner: Mutex<Inner>,
    workers: usize,
    /// There may be work for a worker.
    ready: Condvar,
    /// A worker took a frame or is done with it, so a reader may go on.
    taken: Condvar,
    /// There is a report, or the last camera has ended.
    reported: Condvar,
    /// There is room for reports again.
    room: Condvar,
}

#[derive(Debug)]
struct Inner {
    cameras: Vec<Camera>,
    next: u64,
    reports: VecDeque<Report>,
    overload: Overload,
    /// The watcher was dropped.
    is_closed: bool,
}

impl Shared {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                cameras: Vec::new(),
                next: 1,
                reports: VecDeque::new(),
                overload: Overload::new(Instant::now()),
                is_closed: false,
            }),
            workers,
            ready: Condvar::new(),
            taken: Condvar::new(),
            reported: Condvar::new(),
            room: Condvar::new(),
        }
    }

    pub(super) fn add(&self, camera: impl FnOnce(CameraId) -> Camera) -> CameraId {
        let mut inner = self.inner();
        let id = CameraId(inner.next);
        inner.next += 1;
        inner.cameras.push(camera(id));
        id
    }

    /// Undoes [`add`](Self::add).
    pub(super) fn forget(&self, id: CameraId) {
        self.inner().cameras.retain(|camera| camera.id != id);
    }

    pub(super) fn remove(&self, id: CameraId) {
        let mut inner = self.inner();
        if let Some(camera) = inner.camera(id) {
            camera.is_removed = true;
            camera.end(CameraState::Ended, Instant::now());
        }
        inner.drop_removed();
        drop(inner);
        self.ready.notify_all();
        self.taken.notify_all();
        self.reported.notify_all();
    }

    pub(super) fn stop(&self) {
        let now = Instant::now();
        for camera in &mut self.inner().cameras {
            camera.end(CameraState::Ended, now);
        }
        self.ready.notify_all();
        self.taken.notify_all();
    }

    /// Ends all threads. Nobody takes reports any more.
    pub(super) fn close(&self) {
        let mut inner = self.inner();
        inner.is_closed = true;
        inner.reports.clear();
        drop(inner);
        self.ready.notify_all();
        self.taken.notify_all();
        self.room.notify_all();
    }

    pub(super) fn next(&self, wait: Duration) -> Watched {
        let is_waiting = |inner: &mut Inner| {
            inner.reports.is_empty() && inner.cameras.iter().any(|camera| !camera.is_done())
        };
        let waited = self
            .reported
            .wait_timeout_while(self.inner(), wait, is_waiting);
        let (mut inner, late) = waited.unwrap_or_else(PoisonError::into_inner);
        match inner.reports.pop_front() {
            Some(report) => {
                drop(inner);
                self.room.notify_all();
                Watched::Report(report)
            }
            None if late.timed_out() => Watched::Nothing,
            None => Watched::End,
        }
    }

    pub(super) fn health(&self, id: CameraId) -> Option<Health> {
        let mut inner = self.inner();
        let overload = inner.overload.halvings();
        inner.camera(id).map(|camera| camera.health(overload))
    }

    pub(super) fn cameras(&self) -> Vec<CameraId> {
        self.inner()
            .cameras
            .iter()
            .map(|camera| camera.id)
            .collect()
    }

    /// Waits until it is the reader's turn. Returns the time from which the frames of a live source are needed, if there is one. `None` if
    /// the reader is to end.
    pub(super) fn waits_for_turn(&self, id: CameraId) -> Option<Option<Timestamp>> {
        let mut inner = self.inner();
        loop {
            let is_closed = inner.is_closed;
            let camera = inner.camera(id).filter(|_| !is_closed)?;
            match camera.step(Instant::now(), Timestamp::now()) {
                Step::Take => return Some(camera.due()),
                Step::Stop => return None,
                Step::Wait(time) => {
                    let waited = self.taken.wait_timeout(inner, time);
                    inner = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// Takes a frame from a reader.
    pub(super) fn put(&self, id: CameraId, frame: VideoFrame) {
        self.change(id, |camera| {
            camera.put(frame, Instant::now(), Timestamp::now())
        });
    }

    /// The source of a camera could not decode so many frames.
    pub(super) fn set_damaged(&self, id: CameraId, frames: u64) {
        if let Some(camera) = self.inner().camera(id) {
            camera.set_damaged(frames);
        }
    }

    /// The connection is lost, or frames stay away.
    pub(super) fn pause(&self, id: CameraId, state: CameraState) {
        self.change(id, |camera| camera.pause(state, Instant::now()));
    }

    /// A source has ended or failed.
    pub(super) fn end(&self, id: CameraId, state: CameraState) {
        self.change(id, |camera| {
            camera.end(state, Instant::now());
            false
        });
    }

    /// The state of a camera. `None` if there is no such camera.
    pub(super) fn state(&self, id: CameraId) -> Option<CameraState> {
        self.inner().camera(id).map(|camera| camera.state().clone())
    }

    /// Changes a camera, and reports its state if `change` returns true.
    fn change(&self, id: CameraId, change: impl FnOnce(&mut Camera) -> bool) {
        let mut inner = self.inner();
        let Some(camera) = inner.camera(id).filter(|camera| !camera.is_done()) else {
            return;
        };
        if change(camera) {
            let state = camera.state().clone();
            inner.report(id, Change::State(state));
        }
        drop(inner);
        self.ready.notify_one();
        self.reported.notify_all();
    }

    /// Waits for work. `None` if the worker is to end.
    pub(super) fn job(&self) -> Option<Job> {
        let mut inner = self.inner();
        loop {
            if inner.is_closed {
                return None;
            }
            let now = Instant::now();
            if let Some(job) = camera::most_urgent(&mut inner.cameras, now) {
                drop(inner);
                self.taken.notify_all();
                return Some(job);
            }
            inner = self
                .ready
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes the result of a job, which took the time `worked`. Waits for room for the events.
    pub(super) fn done(&self, done: Done, job: &Finished, events: Vec<TrackEvent>) {
        let mut inner = self.inner();
        while inner.reports.len() >= MOST && !inner.is_closed {
            inner = self
                .room
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let id = done.camera;
        if !events.is_empty() {
            inner.report(id, Change::Events(events));
        }
        if job.pace == Pace::Live {
            let now = Instant::now();
            inner
                .overload
                .add(job.waited, job.worked, self.workers, now);
        }
        let halvings = inner.overload.halvings();
        let last = inner
            .camera(id)
            .and_then(|camera| camera.done(done, job.was_finish, halvings));
        if let Some(state) = last {
            inner.report(id, Change::State(state));
        }
        inner.drop_removed();
        drop(inner);
        self.ready.notify_one();
        self.taken.notify_all();
        self.reported.notify_all();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn camera(&mut self, id: CameraId) -> Option<&mut Camera> {
        self.cameras.iter_mut().find(|camera| camera.id == id)
    }

    fn report(&mut self, camera: CameraId, change: Change) {
        if self.is_closed {
            return;
        }
        // Readers do not wait for room. Of the states of a camera that nobody takes, only the last one is kept.
        if self.reports.len() >= MOST && matches!(change, Change::State(_)) {
            let is_old = |report: &Report| {
                report.camera == camera && matches!(report.change, Change::State(_))
            };
            if let Some(old) = self.reports.iter().rposition(is_old) {
                self.reports.remove(old);
            }
        }
        self.reports.push_back(Report { camera, change });
    }

    fn drop_removed(&mut self) {
        self.cameras
            .retain(|camera| !(camera.is_removed && camera.is_done()));
    }
}

/// The description of a job that a worker has done.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) pace: Pace,
    pub(super) was_finish: bool,
    pub(super) waited: Duration,
    pub(super) worked: Duration,
}

impl Finished {
    pub(super) fn new(job: &Job, begin: Instant) -> Self {
        Self {
            pace: job.pace,
            was_finish: matches!(job.work, Work::Finish),
            waited: job.waited,
            worked: begin.elapsed(),
        }
    }
}
