use jiff::{SignedDuration, Timestamp};

/// Frames that come this much before they are due are taken: the times of frames are rounded.
const EARLY: SignedDuration = SignedDuration::from_millis(2);

/// The choice of the frames that are looked at: so many a second, also if the frames come at another rate.
#[derive(Debug, Default)]
pub(super) struct Cadence {
    /// The time at which the last frame that was taken was due.
    due: Option<Timestamp>,
    /// The time of the last frame that was taken.
    taken: Option<Timestamp>,
    /// The time of the last frame whose faces were searched.
    searched: Option<Timestamp>,
}

impl Cadence {
    /// True if a frame is to be taken, at `interval` from each other on the average.
    pub(super) fn takes(&mut self, at: Timestamp, interval: SignedDuration) -> bool {
        if !self.is_due(at, interval) {
            return false;
        }
        self.taken = Some(at);
        // The time by which a frame is late is not lost, unless it is more than an interval.
        let late = self.due.map(|due| at.duration_since(due) - interval);
        let late = late.filter(|&late| late < interval);
        self.due = Some(late.map_or(at, |late| at - late));
        true
    }

    /// True if [`takes`](Self::takes) accepts a frame of this time.
    pub(super) fn is_due(&self, at: Timestamp, interval: SignedDuration) -> bool {
        // A late frame can be due again at once.
        self.taken != Some(at)
            && self
                .due
                .is_none_or(|due| at.duration_since(due) + EARLY >= interval)
    }

    /// The earliest time of a frame that [`takes`](Self::takes) accepts. `None` before the first frame.
    pub(super) fn due(&self, interval: SignedDuration) -> Option<Timestamp> {
        let due = self.due?.checked_add(interval - EARLY).ok()?;
        Some(due.max(self.taken?))
    }

    pub(super) fn searched(&mut self, at: Timestamp) {
        self.searched = Some(at);
    }

    pub(super) fn last_searched(&self) -> Option<Timestamp> {
        self.searched
    }

    /// True if faces were never searched, or if more than `longest` will have passed when the next frame is taken.
    pub(super) fn is_overdue(
        &self,
        at: Timestamp,
        interval: SignedDuration,
        longest: SignedDuration,
    ) -> bool {
        self.searched
            .is_none_or(|searched| at.duration_since(searched) + interval > longest + EARLY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The milliseconds of the frames that are taken.
    fn taken(frames_per_second: f64, interval: i64, seconds: f64) -> Vec<i64> {
        let mut cadence = Cadence::default();
        let count = (frames_per_second * seconds) as u32;
        let times = (0..count).map(|nth| (1000.0 * f64::from(nth) / frames_per_second) as i64);
        times
            .filter(|&milliseconds| {
                let at = Timestamp::from_millisecond(milliseconds).unwrap();
                cadence.takes(at, SignedDuration::from_millis(interval))
            })
            .collect()
    }

    #[test]
    fn the_rate_holds_at_every_rate_of_frames() {
        for frames_per_second in [5.0, 10.0, 15.0, 24.0, 25.0, 29.97, 30.0] {
            let count = taken(frames_per_second, 200, 20.0).len();
            assert!((99..=101).contains(&count), "{frames_per_second}: {count}");
        }
        assert_eq!(taken(15.0, 100, 1.0).len(), 10);
        assert_eq!(taken(3.0, 200, 2.0).len(), 6, "all frames are taken");
    }

    #[test]
    fn frames_are_taken_from_the_time_at_which_they_are_due() {
        let mut cadence = Cadence::default();
        let interval = SignedDuration::from_millis(200);
        assert_eq!(cadence.due(interval), None);
        for milliseconds in [0, 210, 400, 830, 1030, 1250] {
            let at = Timestamp::from_millisecond(milliseconds).unwrap();
            if let Some(due) = cadence.due(interval) {
                assert!(!cadence.takes(due - SignedDuration::from_millis(1), interval));
                assert!(due <= at, "{due} for {at}");
            }
            assert!(cadence.is_due(at, interval));
            assert!(cadence.takes(at, interval), "{milliseconds}");
            assert!(!cadence.is_due(at, interval));
        }
    }

    #[test]
    fn a_late_frame_is_taken_once() {
        let mut cadence = Cadence::default();
        let mut takes = |milliseconds| {
            let at = Timestamp::from_millisecond(milliseconds).unwrap();
            cadence.takes(at, SignedDuration::from_millis(200))
        };
        assert!(takes(0) && takes(399));
        assert!(!takes(399), "the same picture again");
        assert!(takes(400));
    }

    #[test]
    fn after_a_pause_the_rate_is_the_same() {
        let mut cadence = Cadence::default();
        let mut takes = |milliseconds| {
            let at = Timestamp::from_millisecond(milliseconds).unwrap();
            cadence.takes(at, SignedDuration::from_millis(200))
        };
        assert!(takes(0) && takes(5000));
        assert!(!takes(5100) && takes(5200));
    }
}
