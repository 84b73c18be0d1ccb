//! Stays: the accepted scans of one shift.

use crate::{
    interval::Interval,
    rules::Rules,
    time::{DayNumber, Instant},
};

/// The shift to which scans belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShiftKey {
    Scheduled { day: DayNumber, shift: usize },
    Unscheduled,
}

/// A person's presence in one shift, up to the last accepted scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stay {
    pub(crate) key: ShiftKey,
    /// The start and the end of the scheduled shift.
    pub(crate) hours: Option<Interval>,
    /// The first accepted scan.
    pub(crate) opened: Instant,
    /// The last accepted scan.
    pub(crate) last: Instant,
    /// The last accepted scan was an entry.
    pub(crate) inside: bool,
    /// The number of its scans, up to [`MANY`](Self::MANY).
    pub(crate) scans: u8,
    /// A scan or its device stated a direction.
    pub(crate) is_stated: bool,
}

impl Stay {
    /// More scans than that are not counted.
    pub(crate) const MANY: u8 = u8::MAX;

    /// The last second at which a scan can belong to the stay.
    ///
    /// A person who is inside can leave up to the maximum length of a stay, also after the margin of a scheduled shift.
    pub(crate) fn reach(&self, rules: &Rules) -> Instant {
        let rule = &rules.policy.assignment;
        let longest = self.opened + rule.longest_shift.0;
        let back = longest.min(self.last + rule.new_shift_after.0 - 1);
        match self.window_end(rules) {
            Some(end) if self.inside => end.max(longest),
            // A person who left after the margin can come back, as to an unscheduled shift.
            Some(end) if self.last > end => back,
            Some(end) => end,
            None if self.inside => longest,
            None => back,
        }
    }

    /// The end of the scheduled shift with its margin.
    pub(crate) fn window_end(&self, rules: &Rules) -> Option<Instant> {
        match (self.key, self.hours) {
            (ShiftKey::Scheduled { shift, .. }, Some((_, end))) => {
                Some(end + rules.shifts[shift].margin_after)
            }
            _ => None,
        }
    }
}
