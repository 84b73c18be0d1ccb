//! Sets of intervals on the line of seconds: sorted, disjoint, not empty, half open.

/// From the first second to before the second.
pub(crate) type Interval = (i64, i64);

pub(crate) fn total(set: &[Interval]) -> i64 {
    set.iter().map(|(from, to)| to - from).sum()
}

/// Sorts, joins what overlaps or touches, and drops what is empty.
pub(crate) fn normalize(set: &mut Vec<Interval>) {
    set.retain(|(from, to)| from < to);
    if set.windows(2).all(|pair| pair[0].1 < pair[1].0) {
        return;
    }
    set.sort_unstable();
    let mut kept = 0;
    for at in 1..set.len() {
        if set[at].0 <= set[kept].1 {
            set[kept].1 = set[kept].1.max(set[at].1);
        } else {
            kept += 1;
            set[kept] = set[at];
        }
    }
    set.truncate(kept + 1);
}

/// How much of `set` lies within `window`.
pub(crate) fn overlap(set: &[Interval], window: Interval) -> i64 {
    set.iter()
        .map(|&(from, to)| (to.min(window.1) - from.max(window.0)).max(0))
        .sum()
}

/// What of `set` lies within `window`.
pub(crate) fn clip(set: &[Interval], window: Interval) -> Vec<Interval> {
    let cut = set
        .iter()
        .map(|&(from, to)| (from.max(window.0), to.min(window.1)));
    cut.filter(|(from, to)| from < to).collect()
}

/// What of `set` is not in `other`.
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

/// What lies between the first second of `set` and the last, and is not in it.
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

/// What comes after the first `length` seconds of `set`.
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

    fn sets() -> impl Strategy<Value = Vec<Interval>> {
        proptest::collection::vec((0_i64..60, 0_i64..20), 0..6).prop_map(|pairs| {
            let mut set = pairs
                .into_iter()
                .map(|(from, length)| (from, from + length))
                .collect();
            normalize(&mut set);
            set
        })
    }

    fn points(set: &[Interval]) -> BTreeSet<i64> {
        set.iter().flat_map(|&(from, to)| from..to).collect()
    }

    proptest! {
        #[test]
        fn they_are_sets_of_seconds(a in sets(), b in sets(), from in 0_i64..60, length in 0_i64..40) {
            let (all, window) = (points(&a), (from, from + length));
            prop_assert_eq!(total(&a), all.len() as i64);
            let inside: BTreeSet<i64> = all.iter().copied().filter(|at| (window.0..window.1).contains(at)).collect();
            prop_assert_eq!(overlap(&a, window), inside.len() as i64);
            prop_assert_eq!(points(&clip(&a, window)), inside);
            prop_assert_eq!(points(&subtract(&a, &b)), all.difference(&points(&b)).copied().collect());
            let ends = all.first().zip(all.last()).map_or(0..0, |(from, to)| *from..*to);
            prop_assert_eq!(points(&between(&a)), ends.filter(|at| !all.contains(at)).collect());
            let count = length as usize;
            prop_assert_eq!(points(&first(&a, length)), all.iter().copied().take(count).collect());
            prop_assert_eq!(points(&after(&a, length)), all.iter().copied().skip(count).collect());
            prop_assert_eq!(points(&last(&a, length)), all.iter().rev().copied().take(count).collect());
        }
    }
}
