//! Progress and cancellation of long work.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::error::{Error, Result};

/// A flag that stops long work. Clones share the flag.
///
/// ```
/// use facekit::CancellationToken;
///
/// let token = CancellationToken::new();
/// let seen_by_the_worker = token.clone();
/// token.cancel();
/// assert!(seen_by_the_worker.check().unwrap_err().is_cancelled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancellationToken(Arc<AtomicBool>);

impl CancellationToken {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels the work: all work that holds this token stops at its next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails once the token is cancelled. For the code that does the work.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] once [`cancel`](Self::cancel) was called.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }
}

/// The progress of long work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Units done: photos, people or bytes.
    pub done: u64,
    /// Units in total; `None` if that is unknown.
    pub total: Option<u64>,
}

impl Progress {
    /// `done` units of `total`.
    #[must_use]
    pub fn new(done: u64, total: Option<u64>) -> Self {
        Self { done, total }
    }
}

/// A caller's view of long work: a token that stops it, and a function that gets its progress. Both are optional.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use facekit::{CancellationToken, Watch};
///
/// let token = CancellationToken::new();
/// let photos = AtomicU64::new(0);
/// let count = |progress: facekit::Progress| photos.store(progress.done, Ordering::Relaxed);
/// let watch = Watch::new().with_cancellation(&token).with_progress(&count);
/// watch.report(3, Some(10))?;
/// assert_eq!(photos.into_inner(), 3);
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Copy, Default)]
pub struct Watch<'a> {
    cancellation: Option<&'a CancellationToken>,
    progress: Option<&'a (dyn Fn(Progress) + Sync)>,
}

impl<'a> Watch<'a> {
    /// No token and no function: the work runs to its end.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the work when `token` is cancelled.
    #[must_use]
    pub fn with_cancellation(mut self, token: &'a CancellationToken) -> Self {
        self.cancellation = Some(token);
        self
    }

    /// Calls `progress` after each unit of work, from the thread that did it.
    #[must_use]
    pub fn with_progress(mut self, progress: &'a (dyn Fn(Progress) + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Reports progress, and fails once the token is cancelled. For the code that does the work.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] once the token is cancelled.
    pub fn report(&self, done: u64, total: Option<u64>) -> Result<()> {
        if let Some(progress) = self.progress {
            progress(Progress { done, total });
        }
        self.cancellation.map_or(Ok(()), CancellationToken::check)
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("cancellation", &self.cancellation)
            .field("progress", &self.progress.is_some())
            .finish()
    }
}
