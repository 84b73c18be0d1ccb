//! The part of a camera that its reader and the workers share.

use std::time::{Duration, Instant};

use facekit::{Clock, Pace, Tracker, VideoFrame};
use jiff::{SignedDuration, Timestamp};

use super::{CameraId, CameraOptions, CameraState, Health, health::Ages, overload};

/// A camera. The slot has the newest frame, which waits for a worker.
#[derive(Debug)]
pub(super) struct Camera {
    pub(super) id: CameraId,
    weight: f64,
    pub(super) pace: Pace,
    /// `None` while a worker has it, and after the end.
    tracker: Option<Tracker>,
    slot: Option<VideoFrame>,
    /// The tracks are to end: the connection is lost, or there is no frame for long.
    pauses: bool,
    /// The source is over. The tracks are to end, and this is the last state.
    over: Option<CameraState>,
    /// The last events were reported.
    is_done: bool,
    /// It is removed as soon as it is done.
    pub(super) is_removed: bool,
    /// Since then, something waits for a worker. A newer frame does not change it, so that no camera waits forever.
    waiting_since: Option<Instant>,
    /// The time of the last frame that the tracker got.
    last: Option<Timestamp>,
    turn: Turn,
    counts: Counts,
    damaged: u64,
    state: CameraState,
}

#[derive(Debug, Default)]
struct Counts {
    received: u64,
    decoded: u64,
    taken: u64,
    examined: u64,
    ages: Ages,
}

/// The time at which the reader takes the next frame of a live source.
#[derive(Debug)]
struct Turn {
    /// The usual time from one search to the next.
    usual: Duration,
    /// Frames before this time are left out by the tracker. `None` before the first frame.
    due: Option<Timestamp>,
    /// The time that overload adds to the usual one.
    extra: Duration,
    /// The time that frames need from the sender's clock to the reader, at the least.
    delay: SignedDuration,
    /// A frame that waits for a worker is replaced at this time.
    refresh: Instant,
    /// The reader takes a frame at this time at the latest. The time that is due may be far away if the clock of the system was set back.
    latest: Instant,
}

/// The work on a camera.
#[derive(Debug)]
pub(super) enum Work {
    Frame(VideoFrame),
    /// End all tracks.
    Finish,
}

/// The work that a worker takes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) camera: CameraId,
    pub(super) tracker: Tracker,
    pub(super) work: Work,
    /// The time of the last frame before.
    pub(super) last: Option<Timestamp>,
    pub(super) pace: Pace,
    pub(super) waited: Duration,
}

/// The result of a job.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) camera: CameraId,
    /// `None` if it must not be used again.
    pub(super) tracker: Option<Tracker>,
    /// Faces were searched in the frame.
    pub(super) is_examined: bool,
    /// The age of the frame, for a live source.
    pub(super) age: Option<Duration>,
    /// The reason why the camera is over.
    pub(super) failure: Option<String>,
}

/// The next action of a reader.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// It takes a frame.
    Take,
    /// It waits until something changes, for this time at most.
    Wait(Duration),
    /// It ends.
    Stop,
}

/// Takes the most urgent work.
pub(super) fn most_urgent(cameras: &mut [Camera], now: Instant) -> Option<Job> {
    let urgencies = cameras.iter_mut();
    let urgencies = urgencies.filter_map(|camera| Some((camera.urgency(now)?, camera)));
    let (_, camera) = urgencies.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    camera.job(now)
}

impl Camera {
    pub(super) fn new(
        id: CameraId,
        pace: Pace,
        tracker: Tracker,
        options: &CameraOptions,
        now: Instant,
    ) -> Self {
        Self {
            id,
            weight: options.weight,
            pace,
            tracker: Some(tracker),
            slot: None,
            pauses: false,
            over: None,
            is_done: false,
            is_removed: false,
            waiting_since: None,
            last: None,
            turn: Turn {
                usual: Duration::from_secs_f64(1.0 / options.tracker.searches_per_second),
                due: None,
                extra: Duration::ZERO,
                delay: SignedDuration::MAX,
                refresh: now,
                latest: now,
            },
            counts: Counts::default(),
            damaged: 0,
            state: CameraState::Connecting,
        }
    }

    pub(super) fn health(&self, halvings: u32) -> Health {
        let counts = &self.counts;
        Health {
            received: counts.received,
            decoded: counts.decoded,
            examined: counts.examined,
            damaged: self.damaged,
            dropped: counts.received.saturating_sub(counts.taken),
            age_p95: counts.ages.p95(),
            halvings: match self.pace {
                Pace::Live => halvings,
                Pace::Recorded => 0,
            },
            state: self.state.clone(),
        }
    }

    /// True if the last events were reported.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// The order of the work: the time for which it waits, times the weight. `None` if there is nothing to do, or if a worker is at it.
    fn urgency(&self, now: Instant) -> Option<f64> {
        self.tracker.as_ref()?;
        let waited = now.saturating_duration_since(self.waiting_since?);
        Some(waited.as_secs_f64() * self.weight)
    }

    /// Takes the work, which [`urgency`](Self::urgency) says is there.
    fn job(&mut self, now: Instant) -> Option<Job> {
        let since = self.waiting_since?;
        let tracker = self.tracker.take()?;
        let work = match self.slot.take() {
            Some(frame) => Work::Frame(frame),
            None => {
                self.pauses = false;
                Work::Finish
            }
        };
        // The source can be over while its last frame waits.
        self.waiting_since = (self.pauses || self.over.is_some()).then_some(since);
        let last = self.last;
        if let Work::Frame(frame) = &work {
            self.last = Some(frame.at);
            self.counts.taken += 1;
        }
        Some(Job {
            camera: self.id,
            tracker,
            work,
            last,
            pace: self.pace,
            waited: now.saturating_duration_since(since),
        })
    }

    /// Takes the result of a job. Returns the last state if the camera is done.
    pub(super) fn done(
        &mut self,
        done: Done,
        was_finish: bool,
        halvings: u32,
    ) -> Option<CameraState> {
        self.counts.examined += u64::from(done.is_examined);
        if let Some(age) = done.age {
            self.counts.ages.add(age);
        }
        if let Some(reason) = done.failure {
            self.over = Some(CameraState::Failed { reason });
        }
        let is_failed = done.tracker.is_none();
        if let Some(tracker) = &done.tracker {
            let usual = self.turn.usual;
            let extra = overload::interval(usual, halvings).saturating_sub(usual);
            self.turn.extra = extra;
            let extra = SignedDuration::try_from(extra).unwrap_or(SignedDuration::ZERO);
            let due = tracker.due();
            self.turn.due = if tracker.is_following() {
                due
            } else {
                due.and_then(|due| due.checked_add(extra).ok())
            };
        }
        self.tracker = done.tracker;
        // The tracks ended before the source was over if this is not its last job.
        let is_last = is_failed || (was_finish && self.slot.is_none());
        let over = self.over.clone().filter(|_| is_last)?;
        self.is_done = true;
        self.tracker = None;
        self.slot = None;
        self.waiting_since = None;
        self.state = over.clone();
        Some(over)
    }

    /// The next action of the reader.
    pub(super) fn step(&self, now: Instant, wall: Timestamp) -> Step {
        /// The longest time after which the reader looks again.
        const LONGEST: Duration = Duration::from_secs(1);
        if self.over.is_some() {
            return Step::Stop;
        }
        let is_waiting = self.slot.is_some() || self.tracker.is_none();
        if self.pace == Pace::Recorded {
            return if self.slot.is_some() {
                Step::Wait(LONGEST)
            } else {
                Step::Take
            };
        }
        let left = if is_waiting {
            self.turn.refresh.saturating_duration_since(now)
        } else {
            let due = self.turn.due.map(|due| due.saturating_add(self.turn.delay));
            let left = due.and_then(Result::ok).map(|due| due.duration_since(wall));
            left.and_then(|left| Duration::try_from(left).ok())
                .unwrap_or_default()
                .min(self.turn.latest.saturating_duration_since(now))
        };
        if left.is_zero() {
            Step::Take
        } else {
            Step::Wait(left.min(LONGEST))
        }
    }

    /// The time from which the frames of a live source are needed, if there is one.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.turn.due.filter(|_| self.pace == Pace::Live)
    }

    /// Puts a new frame into the slot, unless the tracker would leave it out. Returns true if the state has changed.
    pub(super) fn put(&mut self, frame: VideoFrame, now: Instant, wall: Timestamp) -> bool {
        self.counts.decoded += 1;
        self.counts.received = self.counts.received.max(frame.sequence.saturating_add(1));
        if frame.discontinuity {
            (self.turn.due, self.turn.delay) = (None, SignedDuration::MAX);
        }
        let delay = match frame.clock {
            Clock::Sender => wall.duration_since(frame.at),
            Clock::Arrival => SignedDuration::ZERO,
        };
        self.turn.delay = self.turn.delay.min(delay);
        let is_early = self.turn.due.is_some_and(|due| frame.at < due);
        if self.pace == Pace::Recorded || !is_early {
            // A discontinuity in a frame that is replaced is one of the new frame.
            let jumps = self.slot.as_ref().is_some_and(|old| old.discontinuity);
            let discontinuity = frame.discontinuity || jumps;
            self.slot = Some(frame.with_discontinuity(discontinuity));
            self.waiting_since.get_or_insert(now);
            self.pauses = false;
        }
        self.turn.refresh = now + self.turn.usual;
        self.turn.latest = now + self.turn.usual + self.turn.extra;
        self.set(CameraState::Running)
    }

    /// The source could not decode so many frames.
    pub(super) fn set_damaged(&mut self, frames: u64) {
        self.damaged = frames;
    }

    /// Ends the tracks, and sets the state. Returns true if it has changed.
    pub(super) fn pause(&mut self, state: CameraState, now: Instant) -> bool {
        self.pauses = true;
        self.waiting_since.get_or_insert(now);
        self.set(state)
    }

    /// The source is over. The first reason counts.
    pub(super) fn end(&mut self, state: CameraState, now: Instant) {
        self.over.get_or_insert(state);
        self.waiting_since.get_or_insert(now);
    }

    pub(super) fn state(&self) -> &CameraState {
        &self.state
    }

    fn set(&mut self, state: CameraState) -> bool {
        let changes = self.state != state;
        self.state = state;
        changes
    }
}
