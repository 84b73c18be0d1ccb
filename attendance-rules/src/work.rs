//! Counts the time of a shift from its scans, before breaks are taken.

use facekit::Direction;

use crate::{
    account::Account,
    breaks::take_breaks_of_day,
    interval::{Interval, clip, normalize, overlap, total},
    policy::{Count, MissingOut, OnTime, Round},
    rules::Rules,
    seconds::Seconds,
    time::{DayNumber, Instant},
};

/// The scans of a shift, and its circumstances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShiftScans<'a> {
    pub(crate) scans: &'a [(Instant, Direction)],
    /// The index of the scheduled shift; `None` for an unscheduled shift.
    pub(crate) shift: Option<usize>,
    /// Start and end; `None` for an unscheduled shift.
    pub(crate) scheduled: Option<Interval>,
    /// The expected time, for an automatic OUT. In seconds.
    pub(crate) expected: Option<i64>,
    /// The start of a free afternoon.
    pub(crate) free_from: Option<Instant>,
    /// Punches that count as the start and the end; `None` for an unscheduled shift.
    pub(crate) on_time: Option<OnTime>,
    /// No later scan can belong to the shift.
    pub(crate) closed: bool,
    /// The end of the time that earlier shifts count.
    pub(crate) counted_until: Instant,
    /// The start of the next shift.
    pub(crate) next: Option<Instant>,
    pub(crate) as_of: Instant,
}

impl Rules {
    /// The account of a shift, before breaks are taken.
    pub(crate) fn account(&self, shift: &ShiftScans<'_>) -> Account {
        let (Some(&(opened, _)), Some(&(closed, _))) = (shift.scans.first(), shift.scans.last())
        else {
            return Account::default();
        };
        let count = self.policy.work.count;
        let (mut spans, open_since) = spans(count, shift.scans);
        let mut account = Account {
            span: (opened, closed),
            ..Account::default()
        };
        let begins_with_exit = shift.scans[0].1 == Direction::Exit;
        account.missing_in = match count {
            Count::FirstToLast => begins_with_exit && shift.scans.len() == 1,
            Count::Pairs | Count::FirstInLastOut => begins_with_exit,
        };
        account.came = match count {
            Count::FirstToLast => Some(opened).filter(|_| !account.missing_in),
            _ => shift
                .scans
                .iter()
                .find(|scan| scan.1 == Direction::Entry)
                .map(|scan| scan.0),
        };
        account.left = spans.last().map(|span| span.1);
        if let Some(since) = open_since {
            self.close_open_span(shift, since, &mut spans, &mut account);
        }
        if account.refused {
            return account;
        }
        self.limit(&mut spans, shift);
        let (Some(&(from, _)), Some(&(_, to))) = (spans.first(), spans.last()) else {
            account.hull = (opened, opened);
            return account;
        };
        account.hull = (from, to);
        account.counted = spans;
        account
    }

    /// Applies the rule for missing OUTs to a shift whose last span began at `since` and has no end.
    fn close_open_span(
        &self,
        shift: &ShiftScans<'_>,
        since: Instant,
        spans: &mut Vec<Interval>,
        account: &mut Account,
    ) {
        account.open = true;
        account.left = None;
        // `FirstInLastOut` counts from the first IN, so the span contains all spans before it.
        let from = match self.policy.work.count {
            Count::Pairs => since,
            _ => account.came.unwrap_or(since),
        };
        let out = match self.policy.assignment.missing_out {
            MissingOut::Open => None,
            MissingOut::Refuse => {
                account.refused = shift.closed;
                None
            }
            MissingOut::AtShiftEnd => shift
                .scheduled
                .filter(|_| shift.closed)
                .map(|(_, end)| end.min(shift.free_from.unwrap_or(end)).max(since)),
            MissingOut::AfterExpected { tolerance } => shift
                .expected
                .map(|expected| {
                    self.end_of_work(shift, spans, (from, since), expected + tolerance.0)
                })
                // Until then, the person is still inside.
                .filter(|&out| shift.as_of >= out || shift.next.is_some()),
        };
        // No second counts in two shifts.
        if let Some(out) = out.map(|out| out.min(shift.next.unwrap_or(Instant::MAX))) {
            account.open = false;
            account.automatic_out = Some(out);
            account.left = Some(out);
            account.span.1 = account.span.1.max(out);
            spans.push((from, out));
        }
    }

    /// The end of a span from `from` on with which `target` seconds count, after the breaks of the shift. It is not before
    /// `since`, the start of the last span. `spans` are the spans before.
    fn end_of_work(
        &self,
        shift: &ShiftScans<'_>,
        spans: &[Interval],
        (from, since): Interval,
        target: i64,
    ) -> Instant {
        let counted = |out: Instant| {
            let mut counted = spans.to_vec();
            counted.push((from, out));
            normalize(&mut counted);
            let ends = counted.first().zip(counted.last());
            let mut account = Account {
                hull: ends.map_or((out, out), |(first, last)| (first.0, last.1)),
                counted,
                ..Account::default()
            };
            let day = std::iter::once((shift.shift, &mut account));
            take_breaks_of_day(&self.zone, &self.shifts, &self.breaks, day);
            total(&account.counted)
        };
        let own = shift.shift.and_then(|it| self.shifts[it].breaks.as_ref());
        let breaks = own.unwrap_or(&self.breaks).len();
        let mut out = since;
        // Each step adds the time that is missing. A break in the added time makes another step necessary.
        for _ in 0..breaks + 3 {
            let missing = target - counted(out);
            if missing == 0 {
                break;
            }
            out = (out + missing).max(since);
        }
        out
    }

    /// Rounds spans, and limits them to the time that may count.
    fn limit(&self, spans: &mut Vec<Interval>, shift: &ShiftScans<'_>) {
        let punched = spans.first().zip(spans.last()).map(|it| (it.0.0, it.1.1));
        self.round(spans);
        if let (Some(hours), Some(on_time), Some(punched)) =
            (shift.scheduled, shift.on_time, punched)
        {
            snap(spans, on_time, punched, hours);
        }
        // Rounding can extend a shift into the one before it. No second counts in two shifts.
        *spans = clip(spans, (shift.counted_until, Instant::MAX));
        if let Some((start, end)) = shift.scheduled {
            let work = &self.policy.work;
            let from = if work.before_start {
                Instant::MIN
            } else {
                start
            };
            let to = if work.after_end { Instant::MAX } else { end };
            *spans = clip(spans, (from, to));
        }
        normalize(spans);
    }

    fn round(&self, spans: &mut [Interval]) {
        let rounding = &self.policy.work.rounding;
        if rounding.coming.is_none() && rounding.going.is_none() {
            return;
        }
        // Steps begin at local midnight.
        let rounded = |at: Instant, rule: Option<Round>| {
            rule.map_or(at, |rule| {
                let offset = self.zone.offset(at);
                Instant::from_second(rule.apply(at.second() + offset) - offset)
            })
        };
        for span in spans {
            let from = rounded(span.0, rounding.coming);
            let to = rounded(span.1, rounding.going);
            // A span may become empty, but its ends do not cross.
            *span = (from, to.max(from));
        }
    }

    /// The length of the part of `set` within a window of the clock, on all days that it touches. In seconds.
    pub(crate) fn within_clock(&self, set: &[Interval], from: i64, to: i64) -> i64 {
        let (Some(start), Some(end)) = (set.first(), set.last()) else {
            return 0;
        };
        let days = self.zone.day(start.0) - 1..=self.zone.day(end.1);
        let days = DayNumber::all(days).filter(|&day| self.zone.exists(day));
        days.map(|day| overlap(set, (self.zone.at(day, from), self.zone.at(day, to))))
            .sum()
    }
}

/// Moves the first arrival to the start of the shift and the last departure to its end, if the punches are near enough.
fn snap(spans: &mut [Interval], on_time: OnTime, punched: Interval, (start, end): Interval) {
    let near = |at: Instant, time: Instant, before: Seconds, after: Seconds| {
        // Without limits, rounded times stay as they are.
        let any = before.0 > 0 || after.0 > 0;
        any && (-before.0..=after.0).contains(&(at - time))
    };
    if let Some(first) = spans.first_mut()
        && near(punched.0, start, on_time.before_start, on_time.after_start)
    {
        first.0 = start.min(first.1);
    }
    if let Some(last) = spans.last_mut()
        && near(punched.1, end, on_time.before_end, on_time.after_end)
    {
        last.1 = end.max(last.0);
    }
}

/// The counted spans, and the start of a last span without an end.
fn spans(count: Count, scans: &[(Instant, Direction)]) -> (Vec<Interval>, Option<Instant>) {
    let mut found = Vec::with_capacity(scans.len() / 2 + 1);
    let mut open = None;
    match count {
        Count::Pairs => {
            for &(at, direction) in scans {
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
            let came = scans.iter().find(|scan| scan.1 == Direction::Entry);
            let left = scans.iter().rfind(|scan| scan.1 == Direction::Exit);
            if let (Some(came), Some(left)) = (came, left)
                && came.0 < left.0
            {
                found.push((came.0, left.0));
            }
            open = scans
                .last()
                .filter(|scan| scan.1 == Direction::Entry)
                .map(|scan| scan.0);
        }
        Count::FirstToLast => match scans {
            [(only, Direction::Entry)] => open = Some(*only),
            [(_, Direction::Exit)] => {}
            [(from, _), .., (to, _)] => found.push((*from, *to)),
            [] => {}
        },
    }
    (found, open)
}
