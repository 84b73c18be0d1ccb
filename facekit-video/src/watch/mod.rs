//! Several cameras at the same time.

mod camera;
mod health;
mod options;
mod overload;
mod reader;
mod shared;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    fmt, mem,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use facekit::{Error, FrameSource, Recognizer, Result, TrackEvent, Tracker};

pub use health::{CameraState, Health};
pub use options::{CameraOptions, WatcherOptions};

use camera::Camera;
use shared::Shared;

/// Watches any number of cameras and recordings, and reports what happens in them.
///
/// Each source has a thread that reads it, a slot for its newest frame, and a [`Tracker`]. The workers, at most one for each core, take
/// the frames out of the slots: first that of the camera whose time of waiting, times its [weight](CameraOptions::weight), is the
/// longest. A frame of a live source that waits is replaced by a newer one, so that the events are never far behind. A recording
/// waits instead: all its frames are taken, and its events are the same each time.
///
/// Of a live source, a frame is taken only when its tracker wants one, so that a source that decodes late decodes little.
///
/// If more than half of the frames wait for longer than 150 ms, the rate of searches of all live cameras without a track is halved, three
/// times at most, one second after the other. It rises again when the workers have a reserve. [`Health::halvings`] says so.
///
/// A camera whose decoder or model fails or panics ends, and the others go on. A lost connection, and a camera without frames for 10 s,
/// end the tracks of the camera. A camera that has ended keeps its [`health`](Self::health) until it is [removed](Self::remove).
///
/// ```no_run
/// # fn recognizer() -> facekit::Recognizer { unimplemented!() }
/// # fn camera() -> facekit_video::Inbox { unimplemented!() }
/// use std::{sync::Arc, time::Duration};
///
/// use facekit_video::{CameraOptions, Change, Watched, Watcher, WatcherOptions};
///
/// let watcher = Watcher::new(Arc::new(recognizer()), &WatcherOptions::default())?;
/// let door = watcher.add(camera(), &CameraOptions::default())?;
/// loop {
///     match watcher.next(Duration::from_secs(1)) {
///         Watched::Report(report) => match report.change {
///             Change::Events(events) => {
///                 for sighting in events.iter().filter_map(|event| event.sighting()) {
///                     println!("camera {}: {}", report.camera, sighting.person);
///                 }
///             }
///             Change::State(state) => println!("camera {}: {state}", report.camera),
///             _ => {}
///         },
///         Watched::Nothing => println!("{:?}", watcher.health(door)),
///         Watched::End => break,
///     }
/// }
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct Watcher {
    recognizer: Arc<Recognizer>,
    options: WatcherOptions,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// The number of a camera. A watcher counts its cameras from 1 and gives no number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CameraId(pub u64);

impl fmt::Display for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A report about a camera.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The camera.
    pub camera: CameraId,
    /// The news.
    pub change: Change,
}

/// The content of a [`Report`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// The events of a frame, one or more, in the order in which they happened.
    Events(Vec<TrackEvent>),
    /// The state of the source is another one. After [`Ended`](CameraState::Ended) and [`Failed`](CameraState::Failed), there are no
    /// more reports about the camera.
    State(CameraState),
}

/// The result of [`Watcher::next`].
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub enum Watched {
    /// A report.
    Report(Report),
    /// There was no report in the time.
    Nothing,
    /// All cameras have ended, and all reports were taken.
    End,
}

impl Watcher {
    /// Starts the workers.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the system has no more threads.
    pub fn new(recognizer: Arc<Recognizer>, options: &WatcherOptions) -> Result<Self> {
        let count = options.worker_count();
        let shared = Arc::new(Shared::new(count));
        let mut watcher = Self {
            recognizer,
            options: options.clone(),
            shared,
            workers: Vec::new(),
        };
        for nth in 1..=count {
            let shared = Arc::clone(&watcher.shared);
            let worker = spawn(format!("facekit worker {nth}"), move || {
                worker::run(&shared);
            })?;
            watcher.workers.push(worker);
        }
        Ok(watcher)
    }

    /// Begins to watch a source.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for a weight that is out of range, the errors of [`Tracker::new`], and [`Error::Io`] if the system
    /// has no more threads.
    pub fn add(
        &self,
        source: impl FrameSource + 'static,
        options: &CameraOptions,
    ) -> Result<CameraId> {
        options.check()?;
        let tracker = Tracker::new(Arc::clone(&self.recognizer), options.tracker.clone())?;
        let pace = source.pace();
        let now = Instant::now();
        let id = self
            .shared
            .add(|id| Camera::new(id, pace, tracker, options, now));
        let (shared, stalled_after) = (Arc::clone(&self.shared), self.options.stalled_after);
        let started = spawn(format!("facekit camera {id}"), move || {
            reader::run(&shared, id, source, pace, stalled_after);
        });
        // The reader ends by itself.
        started.map(|_| id).inspect_err(|_| self.shared.forget(id))
    }

    /// Stops watching a camera. Its tracks end. After its last report, it has no [`health`](Self::health) any more. Nothing happens if
    /// there is no such camera.
    pub fn remove(&self, camera: CameraId) {
        self.shared.remove(camera);
    }

    /// Stops watching all cameras. Their tracks end, and [`next`](Self::next) still returns all reports.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// The next report, for which it waits for the time `wait` at most.
    ///
    /// Reports that nobody takes wait. If there are 1024 of them, the workers wait, too, and only the last state of each camera is kept.
    #[must_use]
    pub fn next(&self, wait: Duration) -> Watched {
        self.shared.next(wait)
    }

    /// The condition of a camera. `None` if there is no such camera.
    #[must_use]
    pub fn health(&self, camera: CameraId) -> Option<Health> {
        self.shared.health(camera)
    }
}

impl Drop for Watcher {
    /// Drops the reports that were not taken. Waits for the frames that workers look at now.
    fn drop(&mut self) {
        self.shared.close();
        for worker in mem::take(&mut self.workers) {
            // A worker catches the panics of its work.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("options", &self.options)
            .field("cameras", &self.shared.cameras())
            .finish_non_exhaustive()
    }
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let started = thread::Builder::new().name(name.clone()).spawn(work);
    started.map_err(Error::io("starting the thread", name))
}
