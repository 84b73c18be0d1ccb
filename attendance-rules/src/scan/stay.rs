//! Stays: the accepted scans of one shift.

use crate::{
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
    /// The first accepted scan.
    pub(crate) opened: Instant,
    /// The last accepted scan.
    pub(crate) last: Instant,
    /// The last accepted scan was an entry.
    pub(crate) inside: bool,
}

impl Stay {
    /// The last second at which a scan can belong to the stay.
    pub(crate) fn reach(&self, rules: &Rules) -> Instant {
        match self.key {
            ShiftKey::Scheduled { day, shift } => {
                rules.hours(day, shift).1 + rules.shifts[shift].margin_after
            }
            ShiftKey::Unscheduled => {
                let rule = &rules.policy.assignment;
                let longest = self.opened + rule.longest_shift.0;
                if self.inside {
                    longest
                } else {
                    longest.min(self.last + rule.new_shift_after.0 - 1)
                }
            }
        }
    }
}
