//! What of a shift is worked, break, or nothing.

use facekit::Direction;

use crate::{
    Count, MissingOut, Rules, Seconds, Times,
    interval::{Interval, clip, normalize, overlap, total},
};

/// The scans of a shift, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scans<'a> {
    pub(crate) marks: &'a [(i64, Direction)],
    /// Start and end; `None` for an unscheduled shift.
    pub(crate) scheduled: Option<Interval>,
    /// What is expected of it, for an automatic OUT.
    pub(crate) expected: Option<i64>,
    /// From when on the day is free.
    pub(crate) free_from: Option<i64>,
    /// No scan to come belongs to it.
    pub(crate) closed: bool,
    /// Until when the shift before it counts.
    pub(crate) before: i64,
    /// When the next shift begins.
    pub(crate) next: Option<i64>,
    pub(crate) as_of: i64,
}

/// What of a shift is worked, break, or nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    /// First and last scan, or the automatic OUT.
    pub(crate) span: Interval,
    pub(crate) open: bool,
    pub(crate) automatic: Option<i64>,
    pub(crate) refused: bool,
    pub(crate) came: Option<i64>,
    pub(crate) left: Option<i64>,
    /// Worked and paid.
    pub(crate) counted: Vec<Interval>,
    /// Of it, paid breaks.
    pub(crate) paid: Vec<Interval>,
    /// From the first counted second to the last, breaks included.
    pub(crate) hull: Interval,
}

impl Account {
    /// The times within a window.
    pub(crate) fn times(&self, window: Interval) -> Times {
        let within = |it: Interval| overlap(&[it], window);
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

impl Rules {
    /// What the scans of a shift come to, before breaks are taken.
    pub(crate) fn account(&self, shift: &Scans<'_>) -> Account {
        let (Some(&(opened, _)), Some(&(closed, _))) = (shift.marks.first(), shift.marks.last())
        else {
            return Account::default();
        };
        let count = self.policy.work.count;
        let (mut spans, open_since) = spans(count, shift.marks);
        let mut account = Account {
            span: (opened, closed),
            ..Account::default()
        };
        account.came = match count {
            Count::FirstToLast => Some(opened),
            _ => shift
                .marks
                .iter()
                .find(|mark| mark.1 == Direction::Entry)
                .map(|mark| mark.0),
        };
        account.left = spans.last().map(|span| span.1);
        if let Some(since) = open_since {
            account.open = true;
            account.left = None;
            match self.policy.assignment.missing_out {
                MissingOut::Open => {}
                MissingOut::Refuse => account.refused = shift.closed,
                rule => {
                    // With FirstInLastOut, all from the first IN on.
                    let from = match count {
                        Count::Pairs => since,
                        _ => account.came.unwrap_or(since),
                    };
                    let worked = match count {
                        Count::Pairs => total(&spans),
                        _ => since - from,
                    };
                    if let Some(out) = automatic_out(rule, shift, since, worked) {
                        account.open = false;
                        account.automatic = Some(out);
                        account.left = Some(out);
                        account.span.1 = account.span.1.max(out);
                        spans.push((from, out));
                    }
                }
            }
        }
        if account.refused {
            return account;
        }
        self.round(&mut spans);
        // Rounding may make shifts meet; no two count the same second.
        spans = clip(&spans, (shift.before, i64::MAX));
        if let Some((start, end)) = shift.scheduled {
            let from = if self.policy.work.before_start {
                i64::MIN
            } else {
                start
            };
            let to = if self.policy.work.after_end {
                i64::MAX
            } else {
                end
            };
            spans = clip(&spans, (from, to));
        }
        normalize(&mut spans);
        let (Some(&(from, _)), Some(&(_, to))) = (spans.first(), spans.last()) else {
            account.hull = (opened, opened);
            return account;
        };
        account.hull = (from, to);
        account.counted = spans;
        account
    }

    fn round(&self, spans: &mut [Interval]) {
        let rounding = &self.policy.work.rounding;
        if rounding.coming.is_none() && rounding.going.is_none() {
            return;
        }
        for span in spans {
            let local = |at: i64, round: crate::Round| {
                let offset = self.zone.offset(at);
                round.apply(at + offset) - offset
            };
            let from = rounding.coming.map_or(span.0, |round| local(span.0, round));
            let to = rounding.going.map_or(span.1, |round| local(span.1, round));
            // Rounding may meet, never cross.
            *span = (from, to.max(from));
        }
    }
}

/// What is counted, and since when somebody is inside who has not left.
fn spans(count: Count, marks: &[(i64, Direction)]) -> (Vec<Interval>, Option<i64>) {
    let mut found = Vec::with_capacity(marks.len() / 2 + 1);
    let mut open = None;
    match count {
        Count::Pairs => {
            for &(at, direction) in marks {
                match (direction, open) {
                    (Direction::Entry, None) => open = Some(at),
                    (Direction::Exit, Some(since)) => {
                        found.push((since, at));
                        open = None;
                    }
                    _ => {}
                }
            }
        }
        Count::FirstInLastOut => {
            let came = marks.iter().find(|mark| mark.1 == Direction::Entry);
            let left = marks.iter().rfind(|mark| mark.1 == Direction::Exit);
            if let (Some(came), Some(left)) = (came, left)
                && came.0 < left.0
            {
                found.push((came.0, left.0));
            }
            open = marks
                .last()
                .filter(|mark| mark.1 == Direction::Entry)
                .map(|mark| mark.0);
        }
        Count::FirstToLast => match marks {
            [(only, _)] => open = Some(*only),
            [(from, _), .., (to, _)] => found.push((*from, *to)),
            [] => {}
        },
    }
    (found, open)
}

fn automatic_out(rule: MissingOut, shift: &Scans<'_>, since: i64, worked: i64) -> Option<i64> {
    let out = match rule {
        MissingOut::AtShiftEnd => {
            let (_, end) = shift.scheduled.filter(|_| shift.closed)?;
            end.min(shift.free_from.unwrap_or(end)).max(since)
        }
        MissingOut::AfterExpected { tolerance } => {
            let left = (shift.expected? + tolerance.0 - worked).max(0);
            let out = since + left;
            // Before then, somebody is simply inside.
            if shift.as_of < out && shift.next.is_none() {
                return None;
            }
            out
        }
        MissingOut::Open | MissingOut::Refuse => return None,
    };
    // No two shifts count the same second.
    Some(out.min(shift.next.unwrap_or(i64::MAX)))
}

impl Rules {
    /// What of `set` is within a window of the clock, on the days it touches.
    pub(crate) fn within_clock(&self, set: &[Interval], from: i64, to: i64) -> i64 {
        let (Some(start), Some(end)) = (set.first(), set.last()) else {
            return 0;
        };
        let days = self.zone.day(start.0) - 1..=self.zone.day(end.1);
        let days = days.filter(|&day| self.zone.exists(day));
        days.map(|day| overlap(set, (self.zone.at(day, from), self.zone.at(day, to))))
            .sum()
    }
}
