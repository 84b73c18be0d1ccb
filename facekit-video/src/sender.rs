//! The choice between the clock of a sender and that of this computer.

use facekit::Clock;
use jiff::{SignedDuration, Timestamp};

/// A sender whose clock is off by more than this has no say in the time of its frames.
const OFF: SignedDuration = SignedDuration::from_secs(2);
/// It has a say again if it is off by no more than this. A clock that is off by about two seconds would otherwise change the
/// clock of the frames again and again, and each change is a jump in time.
const RIGHT_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// Chooses the times of the frames of one sender.
#[derive(Debug, Default)]
pub(crate) struct SenderTimes {
    is_off: bool,
}

impl SenderTimes {
    /// The time of a frame that arrives now. The sender may state one.
    pub(crate) fn choose(
        &mut self,
        stated: Option<Timestamp>,
        now: Timestamp,
    ) -> (Timestamp, Clock) {
        let Some(at) = stated else {
            return (now, Clock::Arrival);
        };
        let most = if self.is_off { RIGHT_AGAIN } else { OFF };
        self.is_off = at.duration_since(now).abs() > most;
        if self.is_off {
            (now, Clock::Arrival)
        } else {
            (at, Clock::Sender)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_at_the_limit_does_not_change_sides() {
        let now: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let mut times = SenderTimes::default();
        let mut clock = |milliseconds: i64| {
            let at = now + SignedDuration::from_millis(milliseconds);
            let (chosen, clock) = times.choose(Some(at), now);
            assert_eq!(chosen, if clock == Clock::Sender { at } else { now });
            clock
        };
        assert_eq!(clock(-1900), Clock::Sender);
        assert_eq!(clock(-2100), Clock::Arrival);
        for offset in [-1900, -2100, 1900, 2100, -1001] {
            assert_eq!(clock(offset), Clock::Arrival);
        }
        assert_eq!(clock(1000), Clock::Sender);
        assert_eq!(clock(1900), Clock::Sender);
        assert_eq!(times.choose(None, now), (now, Clock::Arrival));
    }
}
