use std::time::Duration;

use facekit::{Result, image::DecodeLimits};

use crate::options::{DAY, HOUR, LEAST, check_times};

/// Options of an [`RtspCamera`](crate::RtspCamera).
///
/// ```
/// use std::time::Duration;
///
/// use facekit_video::RtspOptions;
///
/// let options = RtspOptions::default().with_timeout(Duration::from_secs(5));
/// assert_eq!(options.longest_retry, Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RtspOptions {
    /// The limits of a picture. [`max_file_bytes`](DecodeLimits::max_file_bytes) limits the bytes of a picture, and of the pictures that wait
    /// to be decoded.
    pub limits: DecodeLimits,
    /// The connection is lost if the camera does not begin to play, or sends no whole picture, in this time: 10 s by default.
    pub timeout: Duration,
    /// The pause before a lost connection is made again, above 0: 1 s by default. It doubles with each failure, and begins again
    /// after a connection that works for longer than the last pause. After the answers 401 and 403 it is `longest_retry` at once.
    pub first_retry: Duration,
    /// The longest such pause, at most a day: 60 s by default. Pauses differ by up to 20 %.
    pub longest_retry: Duration,
}

impl Default for RtspOptions {
    fn default() -> Self {
        Self {
            limits: DecodeLimits::default(),
            timeout: Duration::from_secs(10),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(60),
        }
    }
}

impl RtspOptions {
    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn with_limits(mut self, limits: DecodeLimits) -> Self {
        self.limits = limits;
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
            ("timeout", self.timeout, LEAST..=HOUR),
            ("first_retry", self.first_retry, LEAST..=HOUR),
            ("longest_retry", self.longest_retry, LEAST..=DAY),
        ])
    }
}
