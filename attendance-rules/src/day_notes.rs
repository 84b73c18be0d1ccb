//! Notes on days: what is unusual or doubtful about a day as a whole.

use facekit::Anomaly;

use crate::{
    plan::Plan,
    record::{DayRecord, ShiftRecord},
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
    let homes = DayNumber::all(rules.homes(day));
    for home in homes.filter(|&home| rules.zone.exists(home)) {
        let day_plan = rules.day_plan(plan, home);
        if !day_plan.obliged() || day_plan.shifts.is_empty() {
            continue;
        }
        for &shift in day_plan.shifts {
            let (start, end) = rules.hours(home, shift);
            let is_free = rules.owed(home, &day_plan, (start, end)).is_none();
            let touches = |it: &ShiftRecord| {
                let is_this = it.scheduled == Some((start.timestamp(), end.timestamp()));
                is_this || (Instant::of(it.opened) < end && start < Instant::of(it.closed))
            };
            if is_free
                || rules.day_of_hours(home, (start, end)) != day
                || worked.clone().any(touches)
            {
                continue;
            }
            let name = &*rules.shifts[shift].name;
            let message = format!("shift {name:?} was not worked");
            notes.push(Anomaly::new("shift_not_worked", message).with("shift", name));
        }
    }
}

/// A note if the week of `first`, the first day of the period, begins before it and the person has no punches from then. The
/// weekly overtime can be too low.
pub(crate) fn cut_week(
    rules: &Rules,
    plan: &Plan,
    shifts: &[ShiftRecord],
    first: DayNumber,
) -> Option<Anomaly> {
    let start = rules.week_start(first);
    // Punches of the week before show that the punches do not begin with the period.
    let near = start - 7..=first - 1;
    let is_known = |it: &ShiftRecord| near.contains(&DayNumber::of(it.day));
    let is_due = |day: DayNumber| rules.day_plan(plan, day).obliged();
    if start == first
        || shifts.iter().any(is_known)
        || !DayNumber::all(start..=first - 1).any(is_due)
    {
        return None;
    }
    let message = format!(
        "its week begins on {start}, and there are no punches before {first}; weekly overtime may be too low"
    );
    Some(Anomaly::new("cut_week", message).with("week_starts", start.to_string()))
}
