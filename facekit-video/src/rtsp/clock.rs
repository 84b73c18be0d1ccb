//! The times of pictures.

use std::num::NonZeroU32;

use facekit::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::sender::SenderTimes;

/// The seconds from 1900, where NTP begins, to 1970.
const NTP_BEGIN: i64 = 2_208_988_800;
const NANOSECONDS: i128 = 1_000_000_000;

/// The clock of a camera, by its last sender report (RFC 3550, 6.4.1).
#[derive(Debug)]
pub(super) struct SenderClock {
    /// Ticks of the RTP clock a second.
    rate: NonZeroU32,
    /// The time of the last report, in both clocks.
    report: Option<(Timestamp, i64)>,
    times: SenderTimes,
}

impl SenderClock {
    pub(super) fn new(rate: NonZeroU32) -> Self {
        Self {
            rate,
            report: None,
            times: SenderTimes::default(),
        }
    }

    /// The camera says that its clock has the NTP time `ntp`, in 2⁻³² s, at this tick.
    pub(super) fn report(&mut self, ntp: u64, ticks: i64) {
        let seconds = (ntp >> 32) as i64 - NTP_BEGIN;
        let part = (i128::from(ntp & u64::from(u32::MAX)) * NANOSECONDS) >> 32;
        // Below a second, so it fits. Cameras without a clock send 0.
        let at = Timestamp::new(seconds, part as i32);
        self.report = at.ok().filter(|_| ntp != 0).map(|at| (at, ticks));
    }

    /// The time of a picture that arrives now.
    pub(super) fn time(&mut self, ticks: i64, now: Timestamp) -> (Timestamp, Clock) {
        let stated = self.report.and_then(|(at, then)| {
            let ticks = i128::from(ticks) - i128::from(then);
            let since = ticks * NANOSECONDS / i128::from(self.rate.get());
            at.checked_add(SignedDuration::from_nanos_i128(since)).ok()
        });
        self.times.choose(stated, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_report_gives_the_times() {
        let mut clock = SenderClock::new(NonZeroU32::new(90_000).unwrap());
        let now = at("2026-03-02T08:00:00.3Z");
        assert_eq!(clock.time(5, now), (now, Clock::Arrival), "no report yet");
        let ntp = ((at("2026-03-02T08:00:00Z").as_second() + NTP_BEGIN) as u64) << 32;
        clock.report(ntp + (1 << 31), 900_000);
        let sent = at("2026-03-02T08:00:00.6Z");
        assert_eq!(clock.time(909_000, now), (sent, Clock::Sender));
        let sent = at("2026-03-02T07:59:58.5Z");
        assert_eq!(clock.time(720_000, now), (sent, Clock::Sender));
        // Off by more than two seconds, in both directions.
        for ticks in [700_000, 1_100_000, i64::MIN, i64::MAX] {
            assert_eq!(clock.time(ticks, now), (now, Clock::Arrival));
        }
        clock.report(0, 0);
        assert_eq!(clock.time(909_000, now), (now, Clock::Arrival));
    }
}
