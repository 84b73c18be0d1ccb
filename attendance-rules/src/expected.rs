//! The expected time of shifts.

use crate::{
    account::Account,
    breaks::take_breaks_of_day,
    interval::{Interval, normalize, total},
    ready::{ReadyBreak, ReadyShift, ScheduledShift},
    zone::Zone,
};

/// The expected time of shifts of one day, in seconds.
///
/// It is the time that counts for a person who works exactly from start to end, with the breaks of the day taken out. So a
/// shift that is worked to the minute has a balance of zero, also on a day when the clock changes.
pub(crate) fn expected_seconds(
    zone: &Zone,
    shifts: &[ReadyShift],
    breaks: &[ReadyBreak],
    scheduled: &[ScheduledShift],
) -> i64 {
    if let [only] = scheduled
        && let Some(usual) = shifts[only.shift].usual
        && zone.is_steady_around(only.start, only.end)
    {
        return usual;
    }
    let stated = scheduled.iter().filter_map(|it| shifts[it.shift].stated);
    let stated: i64 = stated.sum();
    let others = scheduled
        .iter()
        .filter(|it| shifts[it.shift].stated.is_none());
    stated + total(&scheduled_work(zone, shifts, breaks, others))
}

/// The work of a person who works shifts of one day exactly from start to end, without the breaks of the day.
pub(crate) fn scheduled_work<'a>(
    zone: &Zone,
    shifts: &[ReadyShift],
    breaks: &[ReadyBreak],
    scheduled: impl Iterator<Item = &'a ScheduledShift>,
) -> Vec<Interval> {
    let worked = scheduled.map(|it| {
        let account = Account {
            counted: vec![(it.start, it.end)],
            hull: (it.start, it.end),
            ..Account::default()
        };
        (Some(it.shift), account)
    });
    let mut worked: Vec<_> = worked.collect();
    let accounts = worked.iter_mut().map(|it| (it.0, &mut it.1));
    take_breaks_of_day(zone, shifts, breaks, accounts);
    let mut work: Vec<Interval> = worked.into_iter().flat_map(|it| it.1.counted).collect();
    normalize(&mut work);
    work
}
