#[cfg(any(feature = "http", feature = "rtsp"))]
use std::{ops::RangeInclusive, time::Duration};

use facekit::image::DecodeLimits;
#[cfg(any(feature = "http", feature = "rtsp"))]
use facekit::{Error, Result};
use jiff::Timestamp;

/// The shortest time of an option that is above 0.
#[cfg(any(feature = "http", feature = "rtsp"))]
pub(crate) const LEAST: Duration = Duration::from_nanos(1);
#[cfg(any(feature = "http", feature = "rtsp"))]
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
#[cfg(any(feature = "http", feature = "rtsp"))]
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Fails for options out of their range.
#[cfg(any(feature = "http", feature = "rtsp"))]
pub(crate) fn check_times(
    times: &[(&'static str, Duration, RangeInclusive<Duration>)],
) -> Result<()> {
    for (name, value, range) in times {
        if !range.contains(value) {
            let (least, most) = (range.start(), range.end());
            let reason = format!("{value:?} given, {least:?} to {most:?} needed");
            return Err(Error::argument(name, reason));
        }
    }
    Ok(())
}

/// Options of a [`Pipe`](crate::Pipe).
///
/// ```
/// use facekit_video::{PipeOptions, Timing};
///
/// let noon = "2026-03-02T12:00:00Z".parse().unwrap();
/// let options = PipeOptions::default().with_timing(Timing::recorded(noon).with_rate(25.0));
/// assert_ne!(options.timing, Timing::Arrival);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PipeOptions {
    /// The limits of a frame. [`max_file_bytes`](DecodeLimits::max_file_bytes) limits a JPEG.
    pub limits: DecodeLimits,
    /// The times of the frames: their arrival by default.
    pub timing: Timing,
}

impl PipeOptions {
    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn with_limits(mut self, limits: DecodeLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`timing`](Self::timing).
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }
}

/// The times of the frames of a pipe, which has no times itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Timing {
    /// The video is live: the time of a frame is that at which it arrives. Frames that nobody takes in time are dropped. The
    /// default.
    #[default]
    Arrival,
    /// The video is a recording: no frame is dropped, and frames follow each other at a constant rate.
    Recorded {
        /// The time of the first frame.
        start: Timestamp,
        /// Frames in each second, 0.01 to 1000; `None` takes the rate in the header, which only YUV4MPEG2 has.
        frames_per_second: Option<f64>,
    },
}

impl Timing {
    /// A recording that began at `start`, at the rate in its header.
    #[must_use]
    pub fn recorded(start: Timestamp) -> Self {
        Self::Recorded {
            start,
            frames_per_second: None,
        }
    }

    /// The same recording with so many frames in each second. Live video has no rate, and stays as it is.
    #[must_use]
    pub fn with_rate(mut self, rate: f64) -> Self {
        if let Self::Recorded {
            frames_per_second, ..
        } = &mut self
        {
            *frames_per_second = Some(rate);
        }
        self
    }
}
