//! Sets of time intervals, and operations on them.
//!
//! A set is a sorted slice of intervals that neither overlap nor touch. All functions but [`normalize`] require that.

use crate::time::Instant;

/// From the first instant, included, to the second, excluded.
pub(crate) type Interval = (Instant, Instant);

/// All of time.
pub(crate) const ALWAYS: Interval = (Instant::MIN, Instant::MAX);

/// The length of `set` in seconds.
pub(crate) fn total(set: &[Interval]) -> i64 {
    set.iter().map(|&(from, to)| to - from).sum()
}

/// Makes a set of any intervals: sorts them, joins those that overlap or touch, and drops empty ones.
pub(crate) fn normalize(set: &mut Vec<Interval>) {
    set.retain(|(from, to)| from < to);
    if set.windows(2).all(|pair| pair[0].1 < pair[1].0) {
        return;
    }
    set.sort_unstable();
    let mut kept = 0;
    for next in 1..set.len() {
        if set[next].0 <= set[kept].1 {
            set[kept].1 = set[kept].1.max(set[next].1);
        } else {
            kept += 1;
            set[kept] = set[next];
        }
    }
    set.truncate(kept + 1);
}

/// The length of the part of `set` within `window`, in seconds.
pub(crate) fn overlap(set: &[Interval], window: Interval) -> i64 {
    set.iter()
        .map(|&(from, to)| (to.min(window.1) - from.max(window.0)).max(0))
        .sum()
}

/// The part of `set` within `window`.
pub(crate) fn clip(set: &[Interval], window: Interval) -> Vec<Interval> {
    let cut = set
        .iter()
        .map(|&(from, to)| (from.max(window.0), to.min(window.1)));
    cut.filter(|(from, to)| from < to).collect()
}

/// The part of `set` that is not in `other`.
pub(crate) fn subtract(set: &[Interval], other: &[Interval]) -> Vec<Interval> {
    if set.is_empty() || other.is_empty() {
        return set.to_vec();
    }
    let mut left = Vec::with_capacity(set.len() + other.len());
    let mut cuts = other.iter().copied().peekable();
    for &(mut from, to) in set {
        while let Some(cut) = cuts.next_if(|cut| cut.1 <= to) {
            if from < cut.0 {
                left.push((from, cut.0));
            }
            from = from.max(cut.1);
        }
        let end = cuts.peek().map_or(to, |cut| to.min(cut.0));
        if from < end {
            left.push((from, end));
        }
    }
    left
}

/// The gaps between the intervals of `set`.
pub(crate) fn between(set: &[Interval]) -> Vec<Interval> {
    set.windows(2).map(|pair| (pair[0].1, pair[1].0)).collect()
}

/// The first `length` seconds of `set`.
pub(crate) fn first(set: &[Interval], length: i64) -> Vec<Interval> {
    let mut left = length;
    let mut taken = Vec::new();
    for &(from, to) in set {
        if left <= 0 {
            break;
        }
        let end = to.min(from + left);
        left -= end - from;
        taken.push((from, end));
    }
    taken
}

/// The last `length` seconds of `set`, latest first.
pub(crate) fn last(set: &[Interval], length: i64) -> Vec<Interval> {
    let mut left = length;
    let mut taken = Vec::new();
    for &(from, to) in set.iter().rev() {
        if left <= 0 {
            break;
        }
        let start = from.max(to - left);
        left -= to - start;
        taken.push((start, to));
    }
    taken
}

/// `set` without its first `length` seconds.
pub(crate) fn after(set: &[Interval], length: i64) -> Vec<Interval> {
    let mut skip = length.max(0);
    let mut rest = Vec::new();
    for &(from, to) in set {
        let start = to.min(from + skip);
        skip -= start - from;
        if start < to {
            rest.push((start, to));
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn interval(from: i64, to: i64) -> Interval {
        (Instant::from_second(from), Instant::from_second(to))
    }

    fn sets() -> impl Strategy<Value = Vec<Interval>> {
        proptest::collection::vec((0_i64..60, 0_i64..20), 0..6).prop_map(|pairs| {
            let mut set = pairs
                .into_iter()
                .map(|(from, length)| interval(from, from + length))
                .collect();
            normalize(&mut set);
            set
        })
    }

    fn seconds_in(set: &[Interval]) -> BTreeSet<i64> {
        set.iter()
            .flat_map(|&(from, to)| from.second()..to.second())
            .collect()
    }

    proptest! {
        #[test]
        fn operations_agree_with_sets_of_seconds(a in sets(), b in sets(), from in 0_i64..60, length in 0_i64..40) {
            let (all, window) = (seconds_in(&a), interval(from, from + length));
            prop_assert_eq!(total(&a), all.len() as i64);
            let inside: BTreeSet<i64> = all.iter().copied().filter(|second| (from..from + length).contains(second)).collect();
            prop_assert_eq!(overlap(&a, window), inside.len() as i64);
            prop_assert_eq!(seconds_in(&clip(&a, window)), inside);
            prop_assert_eq!(seconds_in(&subtract(&a, &b)), all.difference(&seconds_in(&b)).copied().collect());
            let ends = all.first().zip(all.last()).map_or(0..0, |(from, to)| *from..*to);
            prop_assert_eq!(seconds_in(&between(&a)), ends.filter(|second| !all.contains(second)).collect());
            let count = length as usize;
            prop_assert_eq!(seconds_in(&first(&a, length)), all.iter().copied().take(count).collect());
            prop_assert_eq!(seconds_in(&after(&a, length)), all.iter().copied().skip(count).collect());
            prop_assert_eq!(seconds_in(&last(&a, length)), all.iter().rev().copied().take(count).collect());
        }
    }
}
