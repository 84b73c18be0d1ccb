//! The windows of scheduled shifts around a scan.

use super::{input::Scan, stay::ShiftKey};
use crate::{
    interval::Interval,
    plan::Plan,
    punch::PunchKind,
    rules::Rules,
    time::{DayNumber, Instant},
};

/// A shift on a day, with the window in which scans belong to it.
#[derive(Clone, Copy, Debug)]
struct ShiftWindow {
    day: DayNumber,
    shift: usize,
    start: Instant,
    end: Instant,
    /// The start with the margin before it. Inclusive.
    opens: Instant,
    /// The end with the margin after it. Inclusive.
    closes: Instant,
}

impl ShiftWindow {
    fn key(&self) -> ShiftKey {
        ShiftKey::Scheduled {
            day: self.day,
            shift: self.shift,
        }
    }
}

/// The windows of a member's shifts around one day. They are computed again only when the day changes.
#[derive(Debug)]
pub(super) struct ShiftWindows<'r> {
    rules: &'r Rules,
    plan: &'r Plan,
    /// Sorted by the end of the shift. [`shift_of`](Self::shift_of) depends on that.
    windows: Vec<ShiftWindow>,
    /// The day around which `windows` lie.
    around: Option<DayNumber>,
}

impl<'r> ShiftWindows<'r> {
    pub(super) fn new(rules: &'r Rules, plan: &'r Plan) -> Self {
        Self {
            rules,
            plan,
            windows: Vec::new(),
            around: None,
        }
    }

    /// The shift of a scan on `day`, by the clock. The scan closes no open shift, and the person was last in `known`.
    ///
    /// Where windows overlap, the window of the earlier shift ends when that shift ends. No window outlasts the window of a
    /// later shift. Before the end of the earlier shift, a person who comes and was not in that shift yet belongs to the shift
    /// whose start is nearer.
    pub(super) fn shift_of(
        &mut self,
        scan: &Scan<'_>,
        day: DayNumber,
        known: Option<ShiftKey>,
    ) -> Option<ShiftKey> {
        if self.rules.shifts.is_empty() {
            return None;
        }
        self.move_to(day);
        let at = scan.at;
        // A window that has closed also ends all windows before it: none outlasts that of a later shift.
        let closed = self.windows.iter().rposition(|it| it.closes < at);
        let mut candidates = self.windows[closed.map_or(0, |index| index + 1)..]
            .iter()
            .filter(|it| it.opens <= at);
        let first = candidates.next()?;
        // The first shift that has not ended, or else the last one.
        let by_clock = if at <= first.end {
            first
        } else {
            candidates
                .clone()
                .find(|it| at <= it.end)
                .or_else(|| candidates.clone().next_back())
                .unwrap_or(first)
        };
        let comes = scan.kind != PunchKind::Out && known != Some(by_clock.key());
        if !comes || at > by_clock.end {
            return Some(by_clock.key());
        }
        // A scan of unknown direction in the last second of a shift is an exit, unless the next shift has started.
        let leaves = at == by_clock.end && scan.kind == PunchKind::Undetermined;
        let later = candidates.filter(|it| it.start <= at || !leaves);
        let nearest = later.fold(by_clock, |nearest, it| {
            let distance = |it: &ShiftWindow| (it.start - at).abs();
            if distance(it) < distance(nearest) {
                it
            } else {
                nearest
            }
        });
        Some(nearest.key())
    }

    /// The shift that begins next after a scan on `day`, if it begins within `early` seconds.
    pub(super) fn next_shift(
        &mut self,
        at: Instant,
        day: DayNumber,
        early: i64,
    ) -> Option<ShiftKey> {
        if self.rules.shifts.is_empty() {
            return None;
        }
        self.move_to(day);
        let soon = |it: &&ShiftWindow| at < it.start && it.start - at <= early;
        let next = self.windows.iter().filter(soon).min_by_key(|it| it.start)?;
        Some(next.key())
    }

    /// Computes the windows around `day`.
    fn move_to(&mut self, day: DayNumber) {
        if self.around == Some(day) {
            return;
        }
        let (back, ahead) = self.rules.reach_days;
        let days = day - back..=day + ahead;
        // Windows of days that are in both ranges are kept.
        let known = self.around.map(|day| day - back..=day + ahead);
        self.windows.retain(|it| days.contains(&it.day));
        for day in DayNumber::all(days) {
            if known.as_ref().is_some_and(|known| known.contains(&day)) {
                continue;
            }
            let plan = self.rules.day_plan(self.plan, day);
            if !plan.obliged() || plan.shifts.is_empty() || !self.rules.zone.exists(day) {
                continue;
            }
            for &shift in plan.shifts {
                let (start, end): Interval = self.rules.hours(day, shift);
                let rule = &self.rules.shifts[shift];
                self.windows.push(ShiftWindow {
                    day,
                    shift,
                    start,
                    end,
                    opens: start - rule.margin_before,
                    closes: end + rule.margin_after,
                });
            }
        }
        self.windows.sort_by_key(|it| (it.end, it.opens));
        self.around = Some(day);
    }
}
