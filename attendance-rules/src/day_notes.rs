//! Notes on days: what is unusual or doubtful about a day as a whole.

use facekit::Anomaly;

use crate::{
    calendar::Period,
    interval::Interval,
    plan::Plan,
    punch::Punch,
    record::{DayRecord, ShiftRecord, Status},
    rules::Rules,
    seconds::Seconds,
    time::{DayNumber, Instant},
};

/// Adds the notes on a day to its record, and counts them. `worked` are the indices of the shifts that were worked on it.
pub(crate) fn notes_of(
    rules: &Rules,
    plan: &Plan,
    shifts: &[ShiftRecord],
    worked: &(impl Iterator<Item = usize> + Clone),
    record: &mut DayRecord,
) {
    let policy = &rules.policy.anomalies;
    // With one shift in the policy, no day has a second one.
    if rules.shifts.len() > 1 && record.obliged && record.is_final && record.shifts > 0 {
        let worked = worked.clone().map(|index| &shifts[index]);
        let day = DayNumber::of(record.date);
        shifts_not_worked(rules, plan, day, &worked, &mut record.notes);
    }
    if record.status == Status::Absent && record.is_final && record.shifts == 0 {
        let day = DayNumber::of(record.date);
        shifts_in_other_stays(rules, plan, day, shifts, &mut record.notes);
    }
    if let Some(least) = policy.short_rest
        && let Some(index) = worked.clone().next().filter(|&index| index > 0)
    {
        let (before, first) = (&shifts[index - 1], &shifts[index]);
        let rest = Instant::of(first.opened) - Instant::of(before.closed);
        if before.day != first.day && rest < least.0 {
            let message = format!("a rest of {} before this day's work", Seconds(rest));
            let note = Anomaly::new("short_rest", message).with("rest_seconds", rest);
            record.notes.push(note);
        }
    }
    if let Some(most) = policy.long_work.filter(|&most| record.counted > most) {
        let message = format!("{} of work, more than {most}", record.counted);
        let note = Anomaly::new("long_work", message);
        let note = note.with("counted_seconds", record.counted.0);
        record.notes.push(note);
    }
    record.anomalies = record.notes.len() as u32;
}

/// Adds a note for each scheduled shift of a worked day in which the person was not.
fn shifts_not_worked<'s>(
    rules: &Rules,
    plan: &Plan,
    day: DayNumber,
    worked: &(impl Iterator<Item = &'s ShiftRecord> + Clone),
    notes: &mut Vec<Anomaly>,
) {
    for (shift, (start, end)) in owed_shifts(rules, plan, day) {
        let touches = |it: &ShiftRecord| {
            let is_this = it.scheduled == Some((start.timestamp(), end.timestamp()));
            is_this || (Instant::of(it.opened) < end && start < Instant::of(it.closed))
        };
        if !worked.clone().any(touches) {
            let name = &*rules.shifts[shift].name;
            let message = format!("shift {name:?} was not worked");
            notes.push(Anomaly::new("shift_not_worked", message).with("shift", name));
        }
    }
}

/// Adds a note for each scheduled shift of a day of absence that begins or ends in a stay of another day. A person who stays
/// from one shift to the end of the next looks like this, and so do a missing OUT and a missing IN.
fn shifts_in_other_stays(
    rules: &Rules,
    plan: &Plan,
    day: DayNumber,
    shifts: &[ShiftRecord],
    notes: &mut Vec<Anomaly>,
) {
    for (shift, (start, end)) in owed_shifts(rules, plan, day) {
        // Stays are in order of time, so only the last that begins before the end can reach into the shift.
        let before = shifts.partition_point(|it| Instant::of(it.opened) < end);
        let Some(stay) = before.checked_sub(1).map(|index| &shifts[index]) else {
            continue;
        };
        if start < Instant::of(stay.closed) {
            let name = &*rules.shifts[shift].name;
            let of_day = stay.day.to_string();
            let message = format!("the work of {of_day} reaches into shift {name:?}");
            let note = Anomaly::new("work_of_other_day", message).with("shift", name);
            notes.push(note.with("day", of_day));
        }
    }
}

/// The scheduled shifts that count for a day and are not free, with their hours.
fn owed_shifts(rules: &Rules, plan: &Plan, day: DayNumber) -> Vec<(usize, Interval)> {
    let mut owed = Vec::new();
    let homes = DayNumber::all(rules.homes(day));
    for home in homes.filter(|&home| rules.zone.exists(home)) {
        let day_plan = rules.day_plan(plan, home);
        if !day_plan.obliged() || day_plan.shifts.is_empty() {
            continue;
        }
        for &shift in day_plan.shifts {
            let hours = rules.hours(home, shift);
            if rules.day_of_hours(home, hours) == day
                && rules.owed(home, &day_plan, hours).is_some()
            {
                owed.push((shift, hours));
            }
        }
    }
    owed
}

impl Rules {
    /// Adds the note `cut_week` to the days of one person in the first week of `period`, if weekly overtime in them may be too
    /// low: the week begins before the period, work was due on its earlier days, and none of `punches` is on them or in the
    /// week before. `punches` are those of all people, as in a file that begins with the period.
    ///
    /// ```
    /// use attendance_rules::{Period, Policy, Punch, Rules};
    /// use facekit::PersonId;
    ///
    /// let rules = Rules::new(Policy::from_toml("[overtime]\nweekly_after = '40h'")?)?;
    /// let anna = PersonId::new("anna")?;
    /// let punches = ["2026-03-04T08:00:00Z", "2026-03-04T18:00:00Z"]
    ///     .map(|at| Punch::new(at, anna.clone(), at.parse().unwrap()));
    /// let from_wednesday = Period::new("2026-03-04".parse()?, "2026-03-06".parse()?)?;
    /// let mut ledger = rules.evaluate(&anna, &punches, &[], from_wednesday, "2026-03-09T12:00:00Z".parse()?)?;
    /// rules.note_cut_week(&mut ledger.days, from_wednesday, &punches);
    /// assert_eq!(ledger.days[0].notes[0].code, "cut_week");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn note_cut_week(&self, days: &mut [DayRecord], period: Period, punches: &[Punch]) {
        let first = *period.day_numbers().start();
        let start = self.week_start(first);
        let Some(person) = days.first().map(|day| &day.person) else {
            return;
        };
        let plan = self.plan(person);
        let is_due = |day: DayNumber| self.day_plan(plan, day).obliged();
        let known = self.zone.at(start - 7, 0)..self.zone.at(first, 0);
        if self.policy.overtime.weekly_after.is_none()
            || start == first
            || !DayNumber::all(start..=first - 1).any(is_due)
            || punches.iter().any(|it| known.contains(&Instant::of(it.at)))
        {
            return;
        }
        let message = format!(
            "its week begins on {start}, and there are no punches before {first}; weekly overtime may be too low"
        );
        let note = Anomaly::new("cut_week", message).with("week_starts", start.to_string());
        let of_week = |day: &&mut DayRecord| DayNumber::of(day.date) < start + 7;
        for day in days.iter_mut().take_while(of_week) {
            day.notes.push(note.clone());
            day.anomalies += 1;
        }
    }
}
