//! Properties that hold for any punches under any policy.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use attendance_rules::{
    Change, Correction, DayOf, Ledger, Period, Punch, PunchKind, PunchVerdict, Round, RoundTo,
    Rules, Seconds, Times,
};
use common::{anna, streams};
use facekit::{AttendancePolicy, Sighting, Verdict};
use proptest::prelude::*;

fn month() -> Period {
    common::period("2026-03-16", "2026-05-10")
}

fn evaluate(rules: &Rules, punches: &[Punch], corrections: &[Correction]) -> Ledger {
    rules
        .evaluate(
            &anna(),
            punches,
            corrections,
            month(),
            streams::instant(150 * 86_400),
        )
        .unwrap()
}

/// The verdict that corresponds to an outcome.
fn verdict(outcome: &PunchVerdict) -> Verdict {
    match outcome {
        PunchVerdict::Assigned { direction, .. } => Verdict::Accepted {
            direction: *direction,
        },
        PunchVerdict::Suppressed { seconds_left } => Verdict::Duplicate {
            seconds_left: *seconds_left as u64,
        },
        PunchVerdict::Unassigned { code, reason } => Verdict::Refused {
            code: code.clone(),
            reason: reason.clone(),
        },
        other => panic!("{other:?}"),
    }
}

fn sum(parts: impl Iterator<Item = Times>) -> [i64; 4] {
    parts.fold([0; 4], |sum, it| {
        let parts = [it.worked, it.paid_break, it.unpaid_break, it.elapsed];
        std::array::from_fn(|index| sum[index] + parts[index].0)
    })
}

proptest! {

    /// Decisions scan by scan, with only the marks of the lookback, agree with the evaluation of all punches.
    #[test]
    fn decisions_agree_with_evaluation(rules in streams::rules(), mut punches in streams::punches()) {
        for punch in &mut punches {
            // A sighting has no direction of its own.
            punch.kind = PunchKind::Undetermined;
        }
        let ledger = evaluate(&rules, &punches, &[]);
        let (mut past, mut all) = (Vec::new(), Vec::new());
        for (punch, outcome) in punches.iter().zip(&ledger.outcomes) {
            let mut sighting = Sighting::new(anna(), punch.at);
            sighting.device = punch.device.as_deref().map(str::to_owned);
            sighting.liveness = punch.liveness;
            let from = punch.at - rules.lookback();
            past.retain(|mark: &facekit::Mark| mark.at >= from);
            let decision = rules.decide(&past, &sighting).unwrap();
            prop_assert_eq!(&decision.verdict, &verdict(&outcome.outcome), "{}", punch.at);
            prop_assert_eq!(&decision.anomalies, &outcome.anomalies);
            prop_assert_eq!(&rules.decide(&all, &sighting).unwrap(), &decision, "with all of the past");
            if let PunchVerdict::Assigned { shift, .. } = outcome.outcome {
                prop_assert_eq!(decision.opened.unwrap(), ledger.shifts[shift].opened);
            }
            past.extend(decision.mark(&sighting));
            all.extend(decision.mark(&sighting));
        }
    }

    #[test]
    fn order_of_arrival_changes_nothing(
        rules in streams::rules(),
        (punches, shuffled) in streams::punches().prop_flat_map(|punches| (Just(punches.clone()), Just(punches).prop_shuffle())),
    ) {
        prop_assert_eq!(evaluate(&rules, &punches, &[]), evaluate(&rules, &shuffled, &[]));
    }

    /// A repeated record changes nothing, nor does a scan of the same person within the cooldown. If the stay of an exit has no
    /// last OUT, a scan in the second of that exit is reported as doubtful, and changes no figure.
    #[test]
    fn a_duplicate_changes_nothing(rules in streams::rules(), punches in streams::punches(), index in any::<prop::sample::Index>()) {
        if punches.is_empty() {
            return Ok(());
        }
        let before = evaluate(&rules, &punches, &[]);
        let mut more = punches.clone();
        more.push(index.get(&punches).clone());
        prop_assert_eq!(&evaluate(&rules, &more, &[]), &before);
        let accepted = before.outcomes.iter().filter(|it| matches!(it.outcome, PunchVerdict::Assigned { .. }));
        let accepted: Vec<_> = accepted.map(|it| it.at).collect();
        if accepted.is_empty() {
            return Ok(());
        }
        let again = Punch::new("zzz", anna(), *index.get(&accepted));
        more.push(again);
        let mut after = evaluate(&rules, &more, &[]);
        let mut before = before;
        for day in before.days.iter_mut().chain(&mut after.days) {
            day.notes.retain(|note| note.code != "same_second_turn");
            day.anomalies = day.notes.len() as u32;
        }
        prop_assert_eq!(&after.days, &before.days);
        prop_assert_eq!(&after.shifts, &before.shifts);
    }

    #[test]
    fn parts_add_up_to_the_elapsed_time(rules in streams::rules(), punches in streams::punches()) {
        let ledger = evaluate(&rules, &punches, &[]);
        for shift in &ledger.shifts {
            let it = shift.times;
            let parts = [it.worked, it.paid_break, it.unpaid_break, it.uncounted];
            prop_assert!(parts.iter().all(|part| part.0 >= 0), "{:?}", shift);
            prop_assert_eq!(parts.iter().map(|part| part.0).sum::<i64>(), it.elapsed.0, "{:?}", shift);
        }
        for day in &ledger.days {
            prop_assert!(day.overtime.counted().0 <= day.counted.0, "no second twice: {:?}", day);
            prop_assert!(day.windows.iter().all(|window| window.worked.0 <= day.counted.0), "{:?}", day);
        }
    }

    #[test]
    fn days_sum_to_shifts(rules in streams::rules(), punches in streams::punches(), split in any::<bool>()) {
        let mut policy = rules.policy().clone();
        if split {
            policy.assignment.day = DayOf::SplitAtMidnight;
        }
        let rules = Rules::new(policy).unwrap();
        // The period contains all punches.
        let (all, as_of) = (common::period("2026-03-01", "2026-08-31"), streams::instant(150 * 86_400));
        let ledger = rules.evaluate(&anna(), &punches, &[], all, as_of).unwrap();
        prop_assert_eq!(sum(ledger.shifts.iter().map(|it| it.times)), sum(ledger.days.iter().map(|it| it.times)));
        let shifts: u32 = ledger.days.iter().map(|day| day.shifts).sum();
        prop_assert_eq!(shifts as usize, ledger.shifts.len());
    }

    /// A record far from the period changes no day of it.
    #[test]
    fn a_stray_record_outside_the_period_changes_no_day(
        rules in streams::rules(),
        punches in streams::punches(),
        days in prop_oneof![-3000_i64..-40, 100_i64..140],
        kind in prop::sample::select(vec![PunchKind::Undetermined, PunchKind::In, PunchKind::Out]),
    ) {
        let last = punches.last().map_or(0, |last| last.at.as_second() - streams::START);
        // Punches of a stay can be later than the period, so the stray record is far from them, too.
        if days > 0 && last > (days - 40) * 86_400 {
            return Ok(());
        }
        let before = evaluate(&rules, &punches, &[]);
        let mut more = punches.clone();
        more.push(Punch::new("stray", anna(), streams::instant(days * 86_400)).with_kind(kind));
        prop_assert_eq!(evaluate(&rules, &more, &[]).days, before.days);
    }

    /// No second of work is in two shifts.
    #[test]
    fn shifts_do_not_overlap(rules in streams::rules(), punches in streams::punches()) {
        let ledger = evaluate(&rules, &punches, &[]);
        for pair in ledger.shifts.windows(2) {
            prop_assert!(pair[0].closed <= pair[1].opened, "{:#?}", pair);
        }
    }

    /// Shifts may touch after rounding, but no second counts twice.
    #[test]
    fn nothing_counts_twice(policy in streams::policies(), punches in streams::punches(), minutes in prop::sample::select(vec![1, 5, 15])) {
        let mut policy = policy;
        let step = Seconds::minutes(minutes);
        policy.work.rounding.coming = Some(Round { to: RoundTo::Down, step });
        policy.work.rounding.going = Some(Round { to: RoundTo::Up, step });
        let ledger = evaluate(&Rules::new(policy).unwrap(), &punches, &[]);
        // The union of the shifts, each rounded outwards. Offsets of zones are multiples of a quarter of an hour.
        let (mut all, mut until) = (0, i64::MIN);
        for shift in &ledger.shifts {
            let from = shift.opened.as_second().div_euclid(step.0) * step.0;
            let to = -(-shift.closed.as_second()).div_euclid(step.0) * step.0;
            all += (to - from.max(until)).max(0);
            until = until.max(to);
        }
        let paid: i64 = ledger.shifts.iter().map(|shift| shift.times.paid().0).sum();
        prop_assert!(paid <= all, "{paid} of {all}");
    }

    #[test]
    fn every_punch_has_one_outcome(
        rules in streams::rules(),
        punches in streams::punches(),
        corrections in prop::collection::vec((any::<prop::sample::Index>(), 0_i64..800_000), 0..6),
    ) {
        let corrections: Vec<_> = corrections.iter().enumerate().map(|(number, (index, second))| {
            streams::correction(number, &punches, index.index(punches.len() + 1), *second)
        }).collect();
        let ledger = evaluate(&rules, &punches, &corrections);
        let brought = corrections.iter().filter_map(|correction| match &correction.change {
            Change::Add { punch } | Change::Replace { with: punch, .. } => Some(&punch.id),
            _ => None,
        });
        let all: BTreeSet<_> = punches.iter().map(|punch| &punch.id).chain(brought).collect();
        let reported: Vec<_> = ledger.outcomes.iter().map(|it| &it.punch).collect();
        prop_assert_eq!(reported.len(), all.len());
        prop_assert_eq!(reported.iter().copied().collect::<BTreeSet<_>>(), all);
        let mut used = BTreeMap::new();
        for it in &ledger.outcomes {
            if let PunchVerdict::Assigned { shift, .. } = it.outcome {
                *used.entry(shift).or_insert(0) += 1;
            }
        }
        prop_assert!(used.keys().copied().eq(0..ledger.shifts.len()), "each shift has a punch");
    }

    #[test]
    fn undone_corrections_have_no_effect(
        rules in streams::rules(),
        punches in streams::punches(),
        corrections in prop::collection::vec((any::<prop::sample::Index>(), 0_i64..800_000), 1..6),
    ) {
        let before = evaluate(&rules, &punches, &[]);
        let mut all: Vec<_> = corrections.iter().enumerate().map(|(number, (index, second))| {
            streams::correction(number, &punches, index.index(punches.len() + 1), *second)
        }).collect();
        let undo = |(number, it): (usize, &Correction)| {
            let change = Change::Undo { correction: it.id.clone() };
            Correction::new(format!("undo {}", it.id), streams::instant(1000 + number as i64), "head", "right after all", change)
        };
        let undone: Vec<_> = all.iter().enumerate().map(undo).collect();
        all.extend(undone);
        prop_assert_eq!(evaluate(&rules, &punches, &all), before);
    }

    /// Later punches do not change a final day.
    #[test]
    fn final_days_do_not_change(rules in streams::rules(), punches in streams::punches(), hours in 0_i64..500) {
        let as_of = |second| rules.evaluate(&anna(), &punches, &[], month(), streams::instant(second)).unwrap();
        let (then, later) = (as_of(hours * 3600), as_of(150 * 86_400));
        for day in then.days.iter().filter(|day| day.is_final) {
            let after = later.days.iter().find(|it| it.date == day.date);
            prop_assert_eq!(Some(day), after);
        }
    }

    #[test]
    fn policies_survive_writing(policy in streams::policies()) {
        let text = policy.to_toml().unwrap();
        prop_assert_eq!(&attendance_rules::Policy::from_toml(&text).unwrap(), &policy);
        let json = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(&attendance_rules::Policy::from_json(&json).unwrap(), &policy);
    }

    #[test]
    fn lengths_survive_writing(seconds in -1_000_000_i64..100_000_000) {
        prop_assert_eq!(Seconds(seconds).to_string().parse::<Seconds>(), Ok(Seconds(seconds)));
    }
}
