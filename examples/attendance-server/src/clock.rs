//! The clock of the server. Tests set it.

use std::{fmt, sync::Mutex};

use jiff::{SignedDuration, Timestamp};

/// The present time. Only this trait knows it; commands get it from their transaction.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present time, in microseconds; databases keep no more.
    fn now(&self) -> Timestamp;
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

/// A clock that moves only when it is set, for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        *self.time() = now;
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: SignedDuration) {
        let mut time = self.time();
        *time = time.saturating_add(by).unwrap_or(*time);
    }

    fn time(&self) -> std::sync::MutexGuard<'_, Timestamp> {
        // The time is one value, so a panic in another thread leaves nothing half done.
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.time()
    }
}
