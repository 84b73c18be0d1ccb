use std::{collections::VecDeque, fmt, time::Duration};

use jiff::Timestamp;

/// The condition of a camera, for people and for monitoring.
///
/// A frame is received, then decoded, then examined. A camera sends more frames than are needed: a tracker looks at 5 to 10 in a second.
/// The other ones are dropped, most of them before they are decoded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Health {
    /// The frames that the source received.
    pub received: u64,
    /// The frames that the source delivered. A camera of H.264 decodes the others, too, because later pictures need them.
    pub decoded: u64,
    /// The frames in which faces were searched.
    pub examined: u64,
    /// The frames that could not be decoded.
    pub damaged: u64,
    /// The frames that the tracker did not get, because a newer one came first or because they were not due. 0 for a recording.
    pub dropped: u64,
    /// The age that 95 % of the last 256 examined frames did not exceed when their events were there: the time since they were taken.
    /// `None` before the first one, and for a recording.
    pub age_p95: Option<Duration>,
    /// How often the rate of searches is halved now, 0 to 3, because the workers cannot do all. Only cameras without a track are slowed
    /// down.
    pub halvings: u32,
    /// The state of the source.
    pub state: CameraState,
}

/// The state of the source of a camera.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CameraState {
    /// There was no frame yet.
    Connecting,
    /// Frames come.
    Running,
    /// There is a connection, but no frame for [`stalled_after`](crate::WatcherOptions::stalled_after). If
    /// [`damaged`](Health::damaged) grows, there are frames that cannot be decoded.
    Stalled,
    /// The connection is lost. The source makes it again.
    Lost {
        /// The reason, without credentials.
        reason: String,
        /// The time of the next attempt.
        retry_at: Timestamp,
    },
    /// The source failed, and never delivers a frame again.
    Failed {
        /// The reason, without credentials.
        reason: String,
    },
    /// The video has ended, or the camera was removed.
    Ended,
}

impl CameraState {
    /// True if no frame ever comes again.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Ended)
    }
}

impl fmt::Display for CameraState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting => f.write_str("connecting"),
            Self::Running => f.write_str("running"),
            Self::Stalled => f.write_str("no frames"),
            Self::Lost { reason, .. } => write!(f, "the connection is lost: {reason}"),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
            Self::Ended => f.write_str("ended"),
        }
    }
}

/// The ages of the last frames.
#[derive(Debug, Default)]
pub(super) struct Ages(VecDeque<Duration>);

impl Ages {
    const KEPT: usize = 256;

    pub(super) fn add(&mut self, age: Duration) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(age);
    }

    /// The least age that 95 % do not exceed.
    pub(super) fn p95(&self) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let place = (95 * sorted.len()).div_ceil(100);
        sorted.get(place.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_95_percent() {
        let mut ages = Ages::default();
        assert_eq!(ages.p95(), None);
        ages.add(Duration::from_millis(7));
        assert_eq!(ages.p95(), Some(Duration::from_millis(7)));
        for age in (1..=1000).rev() {
            ages.add(Duration::from_millis(age));
        }
        // The last 256 are 256 to 1; 12 of them are greater.
        assert_eq!(ages.p95(), Some(Duration::from_millis(244)));
    }
}
