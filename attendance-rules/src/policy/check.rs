//! Checks a policy for contradictions.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Policy,
    assignment::MissingOut,
    breaks::Break,
    rounding::Round,
    schedule::{Schedule, Shift},
    site::Day,
    terms::Terms,
};
use crate::{
    error::{Error, Result},
    seconds::Seconds,
    spelling::{closest, unknown_region},
    time::{DAY, HOUR, second_of_day},
    zone::Zone,
};

/// The maximum number of shifts, breaks, places and windows. It limits the time of a decision.
const MAX_ENTRIES: usize = 200;

impl Policy {
    /// Checks the policy for contradictions. [`from_toml`](Self::from_toml), [`from_json`](Self::from_json) and
    /// [`Rules::new`](crate::Rules::new) do this, so only a policy made in code needs it.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`] with the path of the wrong key.
    ///
    /// ```
    /// use attendance_rules::{Policy, Seconds};
    ///
    /// let mut policy = Policy::default();
    /// policy.scans.cooldown = Seconds(-1);
    /// assert_eq!(policy.check().unwrap_err().to_string(), "policy, scans.cooldown: it is negative (-1s)");
    /// ```
    pub fn check(&self) -> Result<()> {
        self.check_site()?;
        self.check_scans()?;
        self.check_anomalies()?;
        self.check_shifts()?;
        for (index, rule) in self.breaks.iter().enumerate() {
            check_break(&format!("breaks[{index}]"), rule)?;
        }
        few("breaks", self.breaks.len())?;
        check_apart("breaks", &self.breaks)?;
        check_schedule("schedule", &self.schedule, self)?;
        check_terms("terms", &self.terms, self)?;
        self.check_holidays()?;
        self.check_assignment()?;
        self.check_work()?;
        self.check_overtime()?;
        self.check_windows()?;
        self.check_statistics()
    }

    fn check_shifts(&self) -> Result<()> {
        few("shifts", self.shifts.len())?;
        let mut names = BTreeSet::new();
        for (index, shift) in self.shifts.iter().enumerate() {
            let path = format!("shifts[{index}]");
            if !names.insert(&shift.name) {
                return wrong(
                    format!("{path}.name"),
                    format!("another shift has the name {:?}, too", shift.name),
                );
            }
            check_shift(&path, shift)?;
        }
        Ok(())
    }

    fn check_site(&self) -> Result<()> {
        let site = &self.site;
        Zone::new(&site.time_zone).map_err(|reason| Error::policy("site.time_zone", reason))?;
        few("site.places", site.places.len())?;
        few("site.regions", site.regions.len())?;
        few("site.rest_days", site.rest_days.len())?;
        self.check_rest_days()?;
        let (mut names, mut devices) = (BTreeSet::new(), BTreeMap::new());
        for (index, place) in site.places.iter().enumerate() {
            let path = format!("site.places[{index}]");
            if !names.insert(&place.name) {
                return wrong(
                    format!("{path}.name"),
                    format!("another place has the name {:?}, too", place.name),
                );
            }
            length(&format!("{path}.travel"), place.travel, 0, 2 * DAY)?;
            for device in &place.devices {
                if let Some(other) = devices.insert(device, &place.name) {
                    let reason = format!("device {device:?} is already at {other:?}");
                    return wrong(format!("{path}.devices"), reason);
                }
            }
        }
        Ok(())
    }

    fn check_rest_days(&self) -> Result<()> {
        for (index, rule) in self.site.rest_days.iter().enumerate() {
            let path = format!("site.rest_days[{index}].weeks");
            if rule.weeks.is_empty() {
                return wrong(path, "no week is given");
            }
            let is_week = |week: &&i8| !(1..=5).contains(*week) && **week != -1;
            if let Some(week) = rule.weeks.iter().find(is_week) {
                let reason = format!("{week} is not 1 to 5, or -1 for the last week");
                return wrong(path, reason);
            }
        }
        Ok(())
    }

    fn check_holidays(&self) -> Result<()> {
        for (index, holiday) in self.holidays.iter().enumerate() {
            for region in &holiday.regions {
                if !self.site.regions.contains(region) {
                    let reason = unknown_region(region, &self.site.regions);
                    return wrong(format!("holidays[{index}].regions"), reason);
                }
            }
        }
        Ok(())
    }

    /// Returns `true` if some day has an expected time.
    fn expects_hours(&self) -> bool {
        !self.shifts.is_empty()
            || self.work.expected.is_some()
            || self.terms.iter().any(|terms| terms.expected.is_some())
    }

    fn check_scans(&self) -> Result<()> {
        let scans = &self.scans;
        length("scans.cooldown", scans.cooldown, 0, DAY)?;
        length("scans.shortest_stay", scans.shortest_stay, 0, 4 * HOUR)?;
        if let Some(both) = scans
            .exit_devices
            .iter()
            .find(|device| scans.entry_devices.contains(device))
        {
            let reason = format!("device {both:?} is in scans.entry_devices, too");
            return wrong("scans.exit_devices", reason);
        }
        Ok(())
    }

    fn check_anomalies(&self) -> Result<()> {
        let anomalies = &self.anomalies;
        if anomalies
            .out_of_hours
            .is_some_and(|hours| hours.from == hours.to)
        {
            return wrong(
                "anomalies.out_of_hours.to",
                "it equals `from`, so no hour would be usual or unusual",
            );
        }
        if anomalies.too_many_scans.is_some_and(|rule| rule.most == 0) {
            return wrong(
                "anomalies.too_many_scans.most",
                "no scan would be usual; give at least 1",
            );
        }
        if let Some(rule) = anomalies.low_liveness {
            if !(0.0..=1.0).contains(&rule.below) {
                let reason = format!(
                    "{} is not within 0 to 1, as liveness scores are",
                    rule.below
                );
                return wrong("anomalies.low_liveness.below", reason);
            }
            if !(1..=100).contains(&rule.streak) {
                let reason = format!("{} is not within 1 to 100", rule.streak);
                return wrong("anomalies.low_liveness.streak", reason);
            }
        }
        for (path, value) in [
            ("anomalies.short_rest", anomalies.short_rest),
            ("anomalies.long_work", anomalies.long_work),
        ] {
            if let Some(value) = value {
                length(path, value, 1, 2 * DAY)?;
            }
        }
        if anomalies.impossible_travel.is_some() && self.site.places.len() < 2 {
            return wrong(
                "anomalies.impossible_travel",
                "it needs at least two places; see site.places",
            );
        }
        Ok(())
    }

    fn check_assignment(&self) -> Result<()> {
        let rule = &self.assignment;
        length(
            "assignment.new_shift_after",
            rule.new_shift_after,
            1,
            2 * DAY,
        )?;
        length("assignment.longest_shift", rule.longest_shift, 1, 2 * DAY)?;
        length("assignment.early_arrival", rule.early_arrival, 0, 12 * HOUR)?;
        if let MissingOut::AfterExpected { tolerance } = rule.missing_out {
            length("assignment.missing_out.tolerance", tolerance, 0, DAY)?;
            if !self.expects_hours() {
                let reason = "nothing is expected: give work.expected, or shifts";
                return wrong("assignment.missing_out", reason);
            }
        }
        if rule.missing_out == MissingOut::AtShiftEnd && self.shifts.is_empty() {
            return wrong(
                "assignment.missing_out",
                "at_shift_end needs shifts, and there are none",
            );
        }
        Ok(())
    }

    fn check_work(&self) -> Result<()> {
        let work = &self.work;
        for (path, value) in [
            ("work.expected", work.expected),
            ("work.tolerance", Some(work.tolerance)),
        ] {
            length(path, value.unwrap_or_default(), 0, DAY)?;
        }
        check_cycles("work", work.expected_weekly, work.expected_monthly)?;
        check_thresholds("work", work.full_day, work.half_day)?;
        let rounding = &work.rounding;
        for (path, round) in [
            ("in", rounding.coming),
            ("out", rounding.going),
            ("duration", rounding.duration),
        ] {
            if let Some(Round { step, .. }) = round
                && (step.0 < 1 || DAY % step.0 != 0)
            {
                return wrong(
                    format!("work.rounding.{path}.step"),
                    format!("{step} does not divide a day"),
                );
            }
        }
        Ok(())
    }

    fn check_overtime(&self) -> Result<()> {
        let overtime = &self.overtime;
        let after = overtime.daily.and_then(|rule| rule.after);
        let tolerance = overtime.daily.map(|rule| rule.tolerance);
        for (path, value, most) in [
            ("overtime.daily.after", after, DAY),
            ("overtime.daily.tolerance", tolerance, DAY),
            ("overtime.at_most_daily", overtime.at_most_daily, 2 * DAY),
            ("overtime.weekly_after", overtime.weekly_after, 7 * DAY),
        ] {
            length(path, value.unwrap_or_default(), 0, most)?;
        }
        let any = overtime.daily.is_some() || overtime.weekly_after.is_some();
        if overtime.at_most_daily.is_some() && !any && !overtime.rest_days && !overtime.holidays {
            let reason =
                "there is no overtime to limit: give daily, weekly_after, rest_days or holidays";
            return wrong("overtime.at_most_daily", reason);
        }
        if overtime.weekly_less_free && overtime.weekly_after.is_none() {
            return wrong("overtime.weekly_less_free", "it needs weekly_after");
        }
        if !self.expects_hours() && overtime.daily.is_some() && after.is_none() {
            let reason = "nothing is expected, so all work would be overtime: give overtime.daily.after, work.expected, or shifts";
            return wrong("overtime.daily", reason);
        }
        Ok(())
    }

    fn check_windows(&self) -> Result<()> {
        few("windows", self.windows.len())?;
        let mut names = BTreeSet::new();
        for (index, window) in self.windows.iter().enumerate() {
            if window.from == window.to {
                return wrong(format!("windows[{index}].to"), "it equals `from`");
            }
            if !names.insert(&window.name) {
                return wrong(
                    format!("windows[{index}].name"),
                    format!("another window has the name {:?}, too", window.name),
                );
            }
        }
        Ok(())
    }

    fn check_statistics(&self) -> Result<()> {
        let statistics = &self.statistics;
        if statistics.lates_per_half_day == Some(0) {
            return wrong("statistics.lates_per_half_day", "give at least 1");
        }
        if statistics.marks_per_half_day == Some(0) {
            return wrong("statistics.marks_per_half_day", "give at least 1");
        }
        if statistics.marks_per_half_day.is_some() && statistics.lates_per_half_day.is_some() {
            let reason = "lates_per_half_day is given, too; late arrivals are marks already";
            return wrong("statistics.marks_per_half_day", reason);
        }
        if let Some(percent) = statistics
            .warn_below_percent
            .filter(|&percent| percent > 100)
        {
            return wrong(
                "statistics.warn_below_percent",
                format!("{percent} is more than 100"),
            );
        }
        Ok(())
    }
}

fn wrong<T>(path: impl Into<String>, reason: impl ToString) -> Result<T> {
    Err(Error::policy(path, reason))
}

fn few(path: &str, number: usize) -> Result<()> {
    if number > MAX_ENTRIES {
        return wrong(
            path,
            format!("there are {number}, the limit is {MAX_ENTRIES}"),
        );
    }
    Ok(())
}

fn length(path: &str, value: Seconds, least: i64, most: i64) -> Result<()> {
    if value.0 < 0 {
        return wrong(path, format!("it is negative ({value})"));
    }
    if !(least..=most).contains(&value.0) {
        return wrong(
            path,
            format!(
                "{value} is not within {} to {}",
                Seconds(least),
                Seconds(most)
            ),
        );
    }
    Ok(())
}

/// Checks expected hours of a week or a month.
fn check_cycles(path: &str, weekly: Option<Seconds>, monthly: Option<Seconds>) -> Result<()> {
    for (key, value, most) in [
        ("expected_weekly", weekly, 7 * DAY),
        ("expected_monthly", monthly, 31 * DAY),
    ] {
        length(&format!("{path}.{key}"), value.unwrap_or_default(), 0, most)?;
    }
    if weekly.is_some() && monthly.is_some() {
        let reason = "expected_weekly is given, too; give one of them";
        return wrong(format!("{path}.expected_monthly"), reason);
    }
    Ok(())
}

fn check_thresholds(path: &str, full: Option<Seconds>, half: Option<Seconds>) -> Result<()> {
    for (key, value) in [("full_day", full), ("half_day", half)] {
        length(&format!("{path}.{key}"), value.unwrap_or_default(), 0, DAY)?;
    }
    if let (Some(full), Some(half)) = (full, half)
        && half > full
    {
        return wrong(
            format!("{path}.half_day"),
            format!("half a day from {half} is more than a full day from {full}"),
        );
    }
    Ok(())
}

/// Checks dated terms of work.
pub(crate) fn check_terms(path: &str, all: &[Terms], policy: &Policy) -> Result<()> {
    few(path, all.len())?;
    for (index, terms) in all.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if let (Some(from), Some(to)) = (terms.from, terms.to)
            && to < from
        {
            return wrong(format!("{path}.to"), format!("{to} is before {from}"));
        }
        if let Some(schedule) = &terms.schedule {
            check_schedule(&format!("{path}.schedule"), schedule, policy)?;
        }
        length(
            &format!("{path}.expected"),
            terms.expected.unwrap_or_default(),
            0,
            DAY,
        )?;
        check_cycles(&path, terms.expected_weekly, terms.expected_monthly)?;
        check_thresholds(&path, terms.full_day, terms.half_day)?;
        let before = |one: &Terms, other: &Terms| match (one.to, other.from) {
            (Some(to), Some(from)) => to < from,
            _ => false,
        };
        let overlaps = |other: &Terms| !before(terms, other) && !before(other, terms);
        if let Some(other) = all[..index].iter().position(overlaps) {
            let reason = format!(
                "they overlap the terms {other} of the list, and one day can have only one of them"
            );
            return wrong(path, reason);
        }
    }
    Ok(())
}

fn check_shift(path: &str, shift: &Shift) -> Result<()> {
    if shift.name.trim().is_empty() {
        return wrong(format!("{path}.name"), "it is empty");
    }
    let (start, end) = hours(shift);
    let name = &shift.name;
    if !shift.overnight && end <= start {
        let reason = format!(
            "shift {name:?} ends at {}, not after its start at {}; if it ends on the next day, set overnight = true",
            shift.end, shift.start
        );
        return wrong(format!("{path}.end"), reason);
    }
    if end - start > DAY {
        let reason = format!(
            "shift {name:?} would last {}, longer than a day",
            Seconds(end - start)
        );
        return wrong(format!("{path}.overnight"), reason);
    }
    for (key, value, most) in [
        ("margin_before", shift.margin_before, 12 * HOUR),
        ("margin_after", shift.margin_after, 12 * HOUR),
        ("late_after", shift.late_after, DAY),
        ("early_before", shift.early_before, DAY),
        ("expected", shift.expected.unwrap_or_default(), DAY),
        ("on_time.before_start", shift.on_time.before_start, DAY),
        ("on_time.after_start", shift.on_time.after_start, DAY),
        ("on_time.before_end", shift.on_time.before_end, DAY),
        ("on_time.after_end", shift.on_time.after_end, DAY),
    ] {
        length(&format!("{path}.{key}"), value, 0, most)?;
    }
    if shift.flexible && shift.expected.is_none() {
        return wrong(
            format!("{path}.expected"),
            format!("shift {name:?} is flexible, so it needs an expected time"),
        );
    }
    let graces = [
        ("late_after", shift.late_after),
        ("early_before", shift.early_before),
        ("on_time.after_start", shift.on_time.after_start),
        ("on_time.before_end", shift.on_time.before_end),
    ];
    check_thresholds(path, shift.full_day, shift.half_day)?;
    if let Some((key, grace)) = graces.iter().find(|(_, grace)| grace.0 > end - start) {
        let long = Seconds(end - start);
        let reason = format!("{grace} is longer than shift {name:?}, which lasts {long}");
        return wrong(format!("{path}.{key}"), reason);
    }
    check_own_breaks(path, shift)
}

/// Checks the breaks of a shift, which must lie within it.
fn check_own_breaks(path: &str, shift: &Shift) -> Result<()> {
    let (start, end) = hours(shift);
    let breaks = shift.breaks.as_deref().unwrap_or_default();
    few(&format!("{path}.breaks"), breaks.len())?;
    check_apart(&format!("{path}.breaks"), breaks)?;
    for (index, rule) in breaks.iter().enumerate() {
        let path = format!("{path}.breaks[{index}]");
        check_break(&path, rule)?;
        if let Break::Fixed { from, to, .. } = rule {
            let (from, to) = (second_of_day(*from), second_of_day(*to));
            let long = (to - from).rem_euclid(DAY);
            let from = if from < start { from + DAY } else { from };
            if from + long > end {
                return wrong(
                    path,
                    format!("the break is not within shift {:?}", shift.name),
                );
            }
        }
    }
    Ok(())
}

/// The start and the end of a shift, in seconds since the midnight before its start.
fn hours(shift: &Shift) -> (i64, i64) {
    let next = if shift.overnight { DAY } else { 0 };
    (second_of_day(shift.start), second_of_day(shift.end) + next)
}

fn check_break(path: &str, rule: &Break) -> Result<()> {
    match rule {
        Break::Fixed {
            from,
            to,
            at_most,
            shortest,
            ..
        } => {
            if from == to {
                return wrong(format!("{path}.to"), "it equals `from`");
            }
            length(
                &format!("{path}.at_most"),
                at_most.unwrap_or_default(),
                0,
                DAY,
            )?;
            length(&format!("{path}.shortest"), *shortest, 0, DAY)
        }
        Break::AfterWork {
            worked,
            length: long,
            shortest,
            ..
        } => {
            length(&format!("{path}.worked"), *worked, 0, DAY)?;
            length(&format!("{path}.shortest"), *shortest, 0, DAY)?;
            length(&format!("{path}.length"), *long, 0, DAY)
        }
    }
}

/// Checks that breaks at fixed times do not overlap, also with those of the day before and after.
fn check_apart(path: &str, breaks: &[Break]) -> Result<()> {
    let mut fixed = Vec::new();
    for (index, rule) in breaks.iter().enumerate() {
        if let Break::Fixed { from, to, .. } = rule {
            let from = second_of_day(*from);
            let to = from + (second_of_day(*to) - from).rem_euclid(DAY);
            let overlaps = |(_, start, end): &&(usize, i64, i64)| {
                [-DAY, 0, DAY]
                    .iter()
                    .any(|days| from + days < *end && *start < to + days)
            };
            if let Some((other, ..)) = fixed.iter().find(overlaps) {
                let reason = format!("it overlaps {path}[{other}]");
                return wrong(format!("{path}[{index}].from"), reason);
            }
            fixed.push((index, from, to));
        }
    }
    Ok(())
}

/// Checks that the shifts of a schedule exist, and that those of one person do not overlap.
pub(crate) fn check_schedule(path: &str, schedule: &Schedule, policy: &Policy) -> Result<()> {
    let all: Vec<String> = policy
        .shifts
        .iter()
        .map(|shift| shift.name.clone())
        .collect();
    match schedule {
        Schedule::WorkingDays { shifts } => {
            let names = shifts.as_ref().unwrap_or(&all);
            check_shifts_of_days(&format!("{path}.shifts"), &[names, names], policy)
        }
        Schedule::Weekly { days } => {
            let none = Vec::new();
            let week = [
                Day::Mon,
                Day::Tue,
                Day::Wed,
                Day::Thu,
                Day::Fri,
                Day::Sat,
                Day::Sun,
                Day::Mon,
            ];
            let week: Vec<_> = week
                .iter()
                .map(|day| days.get(day).unwrap_or(&none))
                .collect();
            check_shifts_of_days(&format!("{path}.days"), &week, policy)
        }
        Schedule::Rotation { cycle, .. } => {
            let path = format!("{path}.cycle");
            if cycle.is_empty() || cycle.len() > 366 {
                return wrong(
                    path,
                    format!("a cycle has 1 to 366 days, this one {}", cycle.len()),
                );
            }
            let days: Vec<_> = cycle.iter().chain(&cycle[..1]).collect();
            check_shifts_of_days(&path, &days, policy)
        }
    }
}

/// Checks that the shifts of consecutive days exist, and that they do not overlap.
pub(crate) fn check_shifts_of_days(
    path: &str,
    days: &[&Vec<String>],
    policy: &Policy,
) -> Result<()> {
    // The end of the last shift so far, and its name.
    let mut busy: Option<(i64, &str)> = None;
    for (index, names) in days.iter().enumerate() {
        few(path, names.len())?;
        let mut hours_of_day = Vec::new();
        for name in *names {
            let Some(shift) = policy.shifts.iter().find(|shift| shift.name == *name) else {
                let hint = closest(name, policy.shifts.iter().map(|shift| &*shift.name))
                    .map_or_else(String::new, |closest| {
                        format!("; did you mean {closest:?}?")
                    });
                return wrong(path, format!("there is no shift {name:?}{hint}"));
            };
            let (start, end) = hours(shift);
            hours_of_day.push((
                start + DAY * index as i64,
                end + DAY * index as i64,
                &*shift.name,
            ));
        }
        hours_of_day.sort_unstable();
        for (start, end, name) in hours_of_day {
            if let Some((_, other)) = busy.filter(|(until, _)| start < *until) {
                let reason = format!(
                    "shifts {other:?} and {name:?} overlap, and nobody can work both; list only shifts that belong together"
                );
                return wrong(path, reason);
            }
            busy = Some((end, name));
        }
    }
    Ok(())
}
