//! Times of a log in local time, some of which occur twice.

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use crate::punch::PunchKind;

/// A time in the log of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTime {
    /// A time with its offset from UTC.
    Instant(Timestamp),
    /// A local time without an offset.
    Local(DateTime),
}

/// The instant of a [`LogTime`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogReading {
    /// The instant.
    pub at: Timestamp,
    /// The other instant that the local time can mean, if it occurs twice. See [`Punch::also_possible`](crate::Punch).
    pub also_possible: Option<Timestamp>,
}

impl LogTime {
    /// The instants of one person's times, in the order of the log.
    ///
    /// A local time that occurs twice, when clocks go back, is the first of the two if that is not before the instant of the
    /// time before it, and else the second. So the order of the log tells one from the other. A log that runs backwards is
    /// read from its end. In a log that is sorted by local time, an OUT in front of the IN that it follows is the second of
    /// its two instants. A local time that is skipped moves on by the length of the gap.
    ///
    /// ```
    /// use attendance_rules::{LogTime, PunchKind};
    /// use facekit::jiff::{civil::date, tz::TimeZoneDatabase};
    ///
    /// let helsinki = TimeZoneDatabase::bundled().get("Europe/Helsinki")?;
    /// let times = [date(2022, 10, 30).at(3, 50, 0, 0), date(2022, 10, 30).at(3, 10, 0, 0)];
    /// let times = times.map(|time| (LogTime::Local(time), PunchKind::Undetermined));
    /// let readings = LogTime::read(&helsinki, &times);
    /// assert_eq!(readings[1].at.duration_since(readings[0].at).as_mins(), 20);
    /// assert!(readings[1].also_possible.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn read(zone: &TimeZone, times: &[(Self, PunchKind)]) -> Vec<LogReading> {
        let readings = times.iter().map(|(time, _)| time.first_reading(zone));
        let mut readings: Vec<LogReading> = readings.collect();
        if readings.iter().all(|it| it.also_possible.is_none()) {
            return readings;
        }
        // The times of a repeated hour do not tell whether the log runs backwards.
        let mut clear = readings.iter().filter(|it| it.also_possible.is_none());
        let last = clear.next_back();
        let is_backwards = clear
            .next()
            .zip(last)
            .is_some_and(|(first, last)| first.at > last.at);
        let mut order: Vec<usize> = (0..readings.len()).collect();
        if is_backwards {
            order.reverse();
        }
        let kind = |index: usize| times[index].1;
        let mut before: Option<usize> = None;
        for (place, &index) in order.iter().enumerate() {
            let it = readings[index];
            if let Some(second) = it.also_possible {
                let previous = before.map(|before| readings[before].at);
                let is_after = previous.is_some_and(|at| it.at < at && at <= second);
                // An OUT without an IN before it, and the IN after it in the log at a later local time of the same hour.
                let follows = kind(index) == PunchKind::Out
                    && before.is_none_or(|before| kind(before) != PunchKind::In)
                    && order.get(place + 1).is_some_and(|&next| {
                        let next_time = readings[next];
                        kind(next) == PunchKind::In
                            && next_time.also_possible.is_some()
                            && it.at < next_time.at
                            && next_time.at < second
                    });
                if is_after || follows {
                    readings[index] = LogReading {
                        at: second,
                        also_possible: Some(it.at),
                    };
                }
                if follows {
                    // The IN of this OUT is in front of it, so it is not compared with it.
                    continue;
                }
            }
            before = Some(index);
        }
        readings
    }

    fn first_reading(&self, zone: &TimeZone) -> LogReading {
        let local = match *self {
            Self::Instant(at) => {
                return LogReading {
                    at,
                    also_possible: None,
                };
            }
            Self::Local(local) => local,
        };
        let time = zone.to_ambiguous_timestamp(local);
        let also_possible = match time.offset() {
            AmbiguousOffset::Fold { after, .. } => after.to_timestamp(local).ok(),
            _ => None,
        };
        // Only times at the ends of jiff's range have no instant.
        let limit = if local.year() < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        LogReading {
            at: time.compatible().unwrap_or(limit),
            also_possible,
        }
    }
}
