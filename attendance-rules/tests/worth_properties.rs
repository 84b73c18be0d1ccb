//! Properties of the worth of days, for any punches under any policy, with leave, holidays, terms and contracts.

mod common;

use attendance_rules::{
    Calendar, DayCount, DayRecord, Half, Hours, Leave, Ledger, Member, Policy, Punch, RestDay,
    Rules, Seconds, Statistics, Status, Terms,
};
use common::{anna, period, streams};
use facekit::jiff::{Span, civil::date};
use proptest::prelude::*;

/// Policies with the keys that change what a day is worth.
fn policies() -> impl Strategy<Value = Policy> {
    let flags = prop::collection::vec(any::<bool>(), 8);
    (streams::policies(), flags).prop_map(|(mut policy, flags)| {
        if flags[0] {
            policy.site.rest_days = vec![
                RestDay {
                    day: attendance_rules::Day::Mon,
                    weeks: vec![2, -1],
                },
                RestDay {
                    day: attendance_rules::Day::Wed,
                    weeks: vec![1],
                },
            ];
        }
        if flags[1] {
            policy.work.expected_weekly = Some(Seconds::hours(32));
        }
        if flags[2] {
            policy.overtime.weekly_less_free = true;
        }
        if flags[3] {
            policy.work.tolerance = Seconds::minutes(20);
        }
        if flags[4] {
            for shift in &mut policy.shifts {
                shift.on_time.before_start = Seconds::minutes(20);
                shift.on_time.after_end = Seconds::minutes(20);
            }
        }
        if flags[5] {
            policy.terms = terms(&[
                serde_json::json!({"from": "2026-04-10", "expected": "6h", "full_day": "5h", "half_day": "2h"}),
                serde_json::json!({"from": "2026-03-25", "to": "2026-04-04", "expected_monthly": "100h"}),
            ]);
        }
        if flags[6] {
            policy.overtime.holidays = true;
            policy.overtime.at_most_daily = Some(Seconds::hours(2));
        }
        if flags[7] {
            policy.work.full_day = Some(Seconds::hours(6));
            policy.work.half_day = Some(Seconds::hours(3));
        }
        policy
    })
}

fn terms(all: &[serde_json::Value]) -> Vec<Terms> {
    let read = |terms: &serde_json::Value| serde_json::from_value(terms.clone()).unwrap();
    all.iter().map(read).collect()
}

fn leaves() -> impl Strategy<Value = Vec<Leave>> {
    let part = prop::sample::select(vec![
        (None, None),
        (Some(Half::Morning), None),
        (Some(Half::Afternoon), None),
        (None, Some(("08:00", "10:00"))),
        (None, Some(("23:00", "02:00"))),
    ]);
    let leave = (0_i64..45, 0_i64..3, part).prop_map(|(first, length, (half, hours))| {
        let day = |number: i64| date(2026, 3, 18) + Span::new().days(number);
        let mut leave = Leave::new(day(first), day(first + length), "annual");
        leave.half = half;
        leave.hours = hours.map(|(from, to)| Hours {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        });
        leave
    });
    prop::collection::vec(leave, 0..6)
}

fn holidays() -> impl Strategy<Value = Calendar> {
    let half = prop::sample::select(vec![None, Some(Half::Morning), Some(Half::Afternoon)]);
    prop::collection::vec((0_i64..45, half), 0..6).prop_map(|days| {
        let mut calendar = Calendar::new();
        for (day, half) in days {
            calendar.add(
                date(2026, 3, 18) + Span::new().days(day),
                "Founders' Day",
                half,
            );
        }
        calendar
    })
}

/// A member who can have leave, a contract that begins in the period, and a gap in the employment.
fn members() -> impl Strategy<Value = Member> {
    (leaves(), any::<bool>(), any::<bool>()).prop_map(|(leave, contract, gap)| {
        let mut member = Member::new(anna());
        member.leave = leave;
        if contract {
            let contract = serde_json::json!({"from": "2026-04-01", "expected_weekly": "20h"});
            member.terms = terms(&[contract]);
        }
        if gap {
            member.employment = serde_json::from_value(serde_json::json!(
                [{"left": "2026-03-28"}, {"joined": "2026-04-02"}]
            ))
            .unwrap();
        }
        member
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    (policies(), holidays(), members()).prop_map(|(policy, holidays, member)| {
        let rules = Rules::new(policy).unwrap().with_calendar(holidays);
        rules.with_members([member]).unwrap()
    })
}

/// The evaluation of whole weeks and months.
fn evaluate(rules: &Rules, punches: &[Punch], from: &str, to: &str) -> Ledger {
    let as_of = streams::instant(250 * 86_400);
    rules
        .evaluate(&anna(), punches, &[], period(from, to), as_of)
        .unwrap()
}

fn sum(days: &[DayRecord], of: fn(&DayRecord) -> Seconds) -> i64 {
    days.iter().map(|day| of(day).0).sum()
}

proptest! {
    /// Weekly overtime is exactly what regular work is beyond the weekly limit, and regular work is no other overtime.
    #[test]
    fn no_second_is_in_two_kinds_of_overtime(rules in rules(), punches in streams::punches()) {
        let ledger = evaluate(&rules, &punches, "2026-03-02", "2026-07-05");
        for day in &ledger.days {
            let over = day.overtime;
            let kinds = over.holiday.0 + over.rest_day.0 + over.daily.0 + over.weekly.0;
            prop_assert!(kinds <= day.counted.0, "{:?}", day);
            for window in &day.windows {
                prop_assert!(window.overtime.0 <= window.worked.0.min(over.counted().0), "{:?}", day);
            }
        }
        if rules.policy().overtime.weekly_less_free {
            return Ok(());
        }
        let limit = rules.policy().overtime.weekly_after.unwrap().0;
        let week = |day: &DayRecord| (day.date - date(2026, 3, 2)).get_days() / 7;
        for days in ledger.days.chunk_by(|one, other| week(one) == week(other)) {
            let regular = sum(days, |day| {
                let over = day.overtime;
                Seconds(day.counted.0 - over.holiday.0 - over.rest_day.0 - over.daily.0)
            });
            prop_assert_eq!(sum(days, |day| day.overtime.weekly), (regular - limit).max(0));
        }
    }

    #[test]
    fn halves_add_up(rules in rules(), punches in streams::punches()) {
        let ledger = evaluate(&rules, &punches, "2026-03-02", "2026-07-05");
        let mut all = Statistics::default();
        for day in &ledger.days {
            let sums = Statistics::of([day]);
            all.add(&sums);
            prop_assert!((day.due + day.on_leave) <= DayCount::ONE, "{:?}", day);
            prop_assert_eq!(day.obliged, day.due > DayCount::ZERO, "{:?}", day);
            prop_assert!(sums.attended <= sums.due, "{:?}", day);
            let parts = sums.present + sums.half_days + sums.absent + sums.incomplete;
            if day.obliged {
                prop_assert_eq!(parts, day.due, "{:?}", day);
            } else {
                prop_assert_eq!(sums.absent, DayCount::ZERO, "{:?}", day);
                prop_assert!(parts <= DayCount::ONE, "{:?}", day);
            }
            prop_assert!(day.status != Status::OnLeave || day.on_leave > DayCount::ZERO, "{:?}", day);
            prop_assert!(day.leave_time.0 >= 0 && day.expected.0 >= 0, "{:?}", day);
        }
        prop_assert_eq!(all, Statistics::of(&ledger.days));
    }

    /// Two periods have the days of one, also in the middle of a week or a month.
    #[test]
    fn periods_add_up(rules in rules(), punches in streams::punches(), cut in 1_i64..60) {
        let whole = evaluate(&rules, &punches, "2026-03-16", "2026-05-31").days;
        let middle = date(2026, 3, 16) + Span::new().days(cut);
        let next = middle + Span::new().days(1);
        let mut parts = evaluate(&rules, &punches, "2026-03-16", &middle.to_string()).days;
        parts.extend(evaluate(&rules, &punches, &next.to_string(), "2026-05-31").days);
        // A period that cuts a week can have a note about that.
        prop_assert_eq!(without_notes(parts), without_notes(whole));
    }

    /// Later punches do not change a final day, with expected hours of a week, too.
    #[test]
    fn final_days_do_not_change(rules in rules(), punches in streams::punches(), hours in 0_i64..500) {
        let days = period("2026-03-16", "2026-05-10");
        let as_of = |second| rules.evaluate(&anna(), &punches, &[], days, streams::instant(second)).unwrap();
        let (then, later) = (as_of(hours * 3600), as_of(250 * 86_400));
        for day in then.days.iter().filter(|day| day.is_final) {
            let after = later.days.iter().find(|it| it.date == day.date);
            prop_assert_eq!(Some(day), after);
        }
    }

    #[test]
    fn the_order_of_rules_does_not_matter(
        policy in policies(),
        member in members(),
        calendar in holidays(),
        punches in streams::punches(),
        more in prop::collection::vec((1_i64..12, 1_i64..90, 0_i64..30, any::<bool>()), 0..5),
        seed in any::<u64>(),
    ) {
        let mut policy = policy;
        for (worked, length, shortest, whole) in more {
            let deduct = if whole { "whole" } else { "worked" };
            policy.breaks.push(serde_json::from_value(serde_json::json!({
                "kind": "after_work", "worked": format!("{worked}h"), "length": format!("{length}m"),
                "shortest": format!("{shortest}m"), "deduct": deduct,
            })).unwrap());
        }
        policy.windows.push(serde_json::from_value(serde_json::json!({"name": "day", "from": "06:00", "to": "20:00"})).unwrap());
        let mut other = (policy.clone(), member.clone());
        shuffle(&mut other.0.shifts, seed);
        shuffle(&mut other.0.breaks, seed);
        shuffle(&mut other.0.windows, seed);
        shuffle(&mut other.0.terms, seed);
        shuffle(&mut other.0.site.places, seed);
        shuffle(&mut other.0.site.rest_days, seed);
        shuffle(&mut other.0.site.working_days, seed);
        shuffle(&mut other.1.leave, seed);
        shuffle(&mut other.1.employment, seed);
        let evaluate = |policy: Policy, member: Member| {
            let rules = Rules::new(policy).unwrap().with_calendar(calendar.clone());
            let rules = rules.with_members([member]).unwrap();
            let mut ledger = evaluate(&rules, &punches, "2026-03-16", "2026-05-31");
            for day in &mut ledger.days {
                day.windows.sort_by(|one, other| one.name.cmp(&other.name));
            }
            ledger
        };
        prop_assert_eq!(evaluate(policy, member), evaluate(other.0, other.1));
    }
}

fn without_notes(mut days: Vec<DayRecord>) -> Vec<DayRecord> {
    for day in &mut days {
        day.notes.clear();
        day.anomalies = 0;
    }
    days
}

/// Another order of a list, by a linear congruential generator.
fn shuffle<T>(list: &mut [T], mut seed: u64) {
    for last in (1..list.len()).rev() {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        list.swap(last, (seed >> 33) as usize % (last + 1));
    }
}
