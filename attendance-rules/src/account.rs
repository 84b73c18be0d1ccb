//! The parts of a shift: worked time, breaks and uncounted time.

use crate::{
    interval::{Interval, overlap},
    record::Times,
    seconds::Seconds,
    time::Instant,
};

/// The parts of a shift: worked time, breaks and uncounted time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    /// From the first scan to the last, or to the automatic OUT.
    pub(crate) span: Interval,
    /// The last span has no OUT, and no automatic OUT was set.
    pub(crate) open: bool,
    /// The first scan is an OUT.
    pub(crate) missing_in: bool,
    pub(crate) automatic_out: Option<Instant>,
    pub(crate) refused: bool,
    pub(crate) came: Option<Instant>,
    pub(crate) left: Option<Instant>,
    /// Worked time and paid breaks.
    pub(crate) counted: Vec<Interval>,
    /// Paid breaks: a part of `counted`.
    pub(crate) paid: Vec<Interval>,
    /// From the first counted second to the last, breaks included.
    pub(crate) hull: Interval,
}

impl Account {
    /// The times within a window.
    pub(crate) fn times(&self, window: Interval) -> Times {
        let within = |interval: Interval| overlap(&[interval], window);
        let paid = overlap(&self.paid, window);
        let counted = overlap(&self.counted, window);
        let (elapsed, hull) = (within(self.span), within(self.hull));
        let uncounted =
            elapsed - within((self.span.0.max(self.hull.0), self.span.1.min(self.hull.1)));
        Times {
            elapsed: Seconds(elapsed),
            worked: Seconds(counted - paid),
            paid_break: Seconds(paid),
            unpaid_break: Seconds(hull - counted),
            uncounted: Seconds(uncounted),
        }
    }
}
