use std::time::Duration;

use facekit::{Result, image::DecodeLimits};

use crate::options::{DAY, HOUR, LEAST, check_times};

/// The shortest time from one snapshot to the next: no camera takes 50 pictures a second.
const LEAST_INTERVAL: Duration = Duration::from_millis(20);

/// Options of an [`HttpCamera`](crate::HttpCamera).
///
/// ```
/// use std::time::Duration;
///
/// use facekit_video::HttpOptions;
///
/// let options = HttpOptions::default().with_interval(Duration::from_millis(500));
/// assert_eq!(options.timeout, Duration::from_secs(10));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpOptions {
    /// The limits of a picture. [`max_file_bytes`](DecodeLimits::max_file_bytes) limits its bytes.
    pub limits: DecodeLimits,
    /// The time from one snapshot to the next, 20 ms to an hour: 1 s by default. A stream has its own rate.
    pub interval: Duration,
    /// The connection is lost if the server does not answer, or sends no whole picture, in this time: 10 s by default.
    pub timeout: Duration,
    /// The pause before a lost connection is made again, above 0: 1 s by default. It doubles with each failure, and begins again
    /// after a connection that works for longer than the last pause. After the answers 401 and 403 it is `longest_retry` at once.
    pub first_retry: Duration,
    /// The longest such pause, at most a day: 60 s by default. Pauses differ by up to 20 %.
    pub longest_retry: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            limits: DecodeLimits::default(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(60),
        }
    }
}

impl HttpOptions {
    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn with_limits(mut self, limits: DecodeLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`interval`](Self::interval).
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets [`timeout`](Self::timeout).
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`first_retry`](Self::first_retry) and [`longest_retry`](Self::longest_retry).
    #[must_use]
    pub fn with_retries(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_retry, self.longest_retry) = (first, longest);
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        check_times(&[
            ("interval", self.interval, LEAST_INTERVAL..=HOUR),
            ("timeout", self.timeout, LEAST..=HOUR),
            ("first_retry", self.first_retry, LEAST..=HOUR),
            ("longest_retry", self.longest_retry, LEAST..=DAY),
        ])
    }
}
