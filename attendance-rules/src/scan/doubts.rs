//! Anomalies of accepted scans whose shift or direction is doubtful. They are always reported.

use std::ops::{Range, RangeInclusive};

use facekit::{Anomaly, Direction};

use super::{
    AcceptedScan, ScanState,
    input::Scan,
    stay::{ShiftKey, Stay},
};
use crate::{
    interval::Interval,
    punch::PunchKind,
    seconds::Seconds,
    time::{HOUR, MINUTE},
};

/// An exit of unknown direction this long after its entry may be the entry of the next day, in seconds.
const LONG_STAY: i64 = 12 * HOUR;

/// A night of 12 h to 13 h 30 min leaves a day of 10 h 30 min to 12 h, in seconds. Two scans that look like such a day and a scan
/// that long after them may be the days between nights.
const LONG_NIGHT: RangeInclusive<i64> = LONG_STAY + 1..=13 * HOUR + 30 * MINUTE;
const DAY_BETWEEN_NIGHTS: Range<i64> = 10 * HOUR + 30 * MINUTE..LONG_STAY;

/// An exit of unknown direction less than this after its entry may be a repetition, in seconds.
const SHORT_STAY: i64 = 2 * MINUTE;

impl ScanState<'_> {
    /// Adds what is doubtful about an accepted scan.
    pub(super) fn add_doubts(
        &self,
        scan: &Scan<'_>,
        accepted: &AcceptedScan,
        anomalies: &mut Vec<Anomaly>,
    ) {
        let stay = &accepted.stay;
        if let (ShiftKey::Scheduled { shift, .. }, Some(hours)) = (stay.key, stay.hours) {
            anomalies.extend(self.outside_margins(scan, accepted, hours, shift));
        }
        if accepted.is_first && accepted.direction == Direction::Exit {
            let message = "an exit without an entry before it; the IN is missing";
            anomalies.push(Anomaly::new("missing_in", message));
        }
        // The state has the stay before this scan.
        if let Some(before) = self.stay.filter(|_| !accepted.is_first)
            && before.inside
            && accepted.direction == Direction::Exit
            && scan.kind == PunchKind::Undetermined
        {
            anomalies.extend(doubtful_length(scan, &before));
        }
        if accepted.is_first
            && accepted.direction == Direction::Entry
            && scan.kind == PunchKind::Undetermined
            && stay.key == ShiftKey::Unscheduled
        {
            anomalies.extend(self.stay.and_then(|before| doubtful_gap(scan, &before)));
        }
    }

    /// A scan that belongs to a shift although it is outside its margins.
    fn outside_margins(
        &self,
        scan: &Scan<'_>,
        accepted: &AcceptedScan,
        (start, end): Interval,
        shift: usize,
    ) -> Option<Anomaly> {
        let rule = &self.rules.shifts[shift];
        let name = &*rule.name;
        let (code, seconds, message) = if scan.at > end + rule.margin_after {
            let seconds = scan.at - end;
            let long = Seconds(seconds);
            let message =
                format!("{long} after the end of shift {name:?}, which is after its margin");
            ("after_margin", seconds, message)
        } else if accepted.is_first && scan.at < start - rule.margin_before {
            let seconds = start - scan.at;
            let long = Seconds(seconds);
            let message =
                format!("{long} before the start of shift {name:?}, which is before its margin");
            ("before_margin", seconds, message)
        } else {
            return None;
        };
        let anomaly = Anomaly::new(code, message).with("shift", name);
        Some(anomaly.with("seconds", seconds))
    }
}

/// An exit of unknown direction after a very short or a very long time.
fn doubtful_length(scan: &Scan<'_>, before: &Stay) -> Option<Anomaly> {
    let seconds = scan.at - before.last;
    let long = Seconds(seconds);
    let (code, message) = if seconds < SHORT_STAY {
        let message = format!("{long} after the entry; it may be a repetition and no exit");
        ("short_stay", message)
    } else if seconds >= LONG_STAY && before.key == ShiftKey::Unscheduled {
        let message =
            format!("{long} after the entry; it may be a new entry, with an OUT missing before it");
        ("long_stay", message)
    } else {
        return None;
    };
    Some(Anomaly::new(code, message).with("seconds", seconds))
}

/// An entry of unknown direction after a gap that may be a night of work.
///
/// If a file begins with the OUT of a night, the days between the nights look like work. Between nights of at most twelve hours,
/// such a day is a [`LONG_STAY`] or longer than a stay can be. Between longer nights, only the gap shows the doubt.
fn doubtful_gap(scan: &Scan<'_>, before: &Stay) -> Option<Anomaly> {
    let gap = scan.at - before.last;
    let is_pair = !before.inside && before.scans == 2 && !before.is_stated;
    let is_doubtful = is_pair
        && before.key == ShiftKey::Unscheduled
        && LONG_NIGHT.contains(&gap)
        && DAY_BETWEEN_NIGHTS.contains(&(before.last - before.opened));
    is_doubtful.then(|| {
        let long = Seconds(gap);
        let message = format!(
            "{long} after the exit; it may be the exit of a night, with an IN missing before it"
        );
        Anomaly::new("doubtful_gap", message).with("seconds", gap)
    })
}
