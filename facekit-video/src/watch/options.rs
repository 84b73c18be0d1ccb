use std::{num::NonZeroUsize, thread, time::Duration};

use facekit::{Error, Result, TrackerOptions};

/// Options of a [`Watcher`](crate::Watcher).
///
/// ```
/// use std::{num::NonZeroUsize, time::Duration};
///
/// use facekit_video::WatcherOptions;
///
/// let options = WatcherOptions::default().with_workers(NonZeroUsize::MIN);
/// assert_eq!(options.stalled_after, Duration::from_secs(10));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WatcherOptions {
    /// The number of threads that search faces; `None` for one for each core, which is the default. More than one for each core does not
    /// help.
    pub workers: Option<NonZeroUsize>,
    /// A camera without a frame for this time is [stalled](crate::CameraState::Stalled): 10 s by default.
    pub stalled_after: Duration,
}

impl Default for WatcherOptions {
    fn default() -> Self {
        Self {
            workers: None,
            stalled_after: Duration::from_secs(10),
        }
    }
}

impl WatcherOptions {
    /// Sets [`workers`](Self::workers).
    #[must_use]
    pub fn with_workers(mut self, workers: NonZeroUsize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Sets [`stalled_after`](Self::stalled_after).
    #[must_use]
    pub fn with_stalled_after(mut self, time: Duration) -> Self {
        self.stalled_after = time;
        self
    }

    /// The number of workers, at most one for each core.
    pub(super) fn worker_count(&self) -> usize {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.workers.unwrap_or(cores).min(cores).get()
    }
}

/// Options of one camera of a [`Watcher`](crate::Watcher).
///
/// ```
/// use facekit::TrackerOptions;
/// use facekit_video::CameraOptions;
///
/// let tracker = TrackerOptions::default().with_searches_per_second(3.0);
/// let entrance = CameraOptions::default().with_weight(2.0).with_tracker(tracker);
/// assert_eq!(entrance.weight, 2.0);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CameraOptions {
    /// The importance of the camera relative to the others, 0.01 to 100: 1 by default. If the workers cannot do all, a frame of a camera of
    /// weight 2 waits half as long as others.
    pub weight: f64,
    /// The options of its tracker.
    pub tracker: TrackerOptions,
}

impl Default for CameraOptions {
    fn default() -> Self {
        Self {
            weight: 1.0,
            tracker: TrackerOptions::default(),
        }
    }
}

impl CameraOptions {
    /// Sets [`weight`](Self::weight).
    #[must_use]
    pub fn with_weight(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// Sets [`tracker`](Self::tracker).
    #[must_use]
    pub fn with_tracker(mut self, options: TrackerOptions) -> Self {
        self.tracker = options;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if (0.01..=100.0).contains(&self.weight) {
            return Ok(());
        }
        let reason = format!("{} given, a number from 0.01 to 100 needed", self.weight);
        Err(Error::argument("weight", reason))
    }
}
