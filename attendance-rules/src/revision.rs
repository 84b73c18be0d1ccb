//! Differences between two evaluations.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    punch::PunchId,
    record::{DayRecord, Ledger, PunchVerdict},
};

/// The differences between two evaluations of one person: changed punches and changed days.
///
/// ```
/// use attendance_rules::{Period, Policy, Punch, Revision, Rules};
/// use facekit::PersonId;
///
/// let rules = Rules::new(Policy::default())?;
/// let anna = PersonId::new("anna")?;
/// let punch = |id: &str, time: &str| Punch::new(id, anna.clone(), time.parse().unwrap());
/// let mut punches = vec![punch("in", "2026-03-02T09:00:00Z"), punch("out", "2026-03-02T17:00:00Z")];
/// let day = "2026-03-02".parse()?;
/// let (day, as_of) = (Period::new(day, day)?, "2026-03-03T12:00:00Z".parse()?);
/// let before = rules.evaluate(&anna, &punches, &[], day, as_of)?;
///
/// // A terminal was offline, and sends a punch now.
/// punches.push(punch("late", "2026-03-02T08:00:00Z"));
/// let after = rules.evaluate(&anna, &punches, &[], day, as_of)?;
///
/// let revision = Revision::between(&before, &after);
/// let changed: Vec<_> = revision.punches.iter().map(|change| change.punch.as_str()).collect();
/// assert_eq!(changed, ["late", "in", "out"], "one is new, and two have the other direction now");
/// assert_eq!(revision.days.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Revision {
    /// The changed punches, in order of time.
    pub punches: Vec<PunchChange>,
    /// The changed days, in order of date.
    pub days: Vec<DayChange>,
}

/// A changed punch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PunchChange {
    /// The punch.
    pub punch: PunchId,
    /// The time of the punch.
    pub at: Timestamp,
    /// The outcome before; `None` if the punch was not known.
    pub before: Option<PunchVerdict>,
    /// The outcome now; `None` if the punch is missing.
    pub after: Option<PunchVerdict>,
}

/// A changed day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DayChange {
    /// The date.
    pub date: Date,
    /// The record before; `None` if there was none.
    pub before: Option<DayRecord>,
    /// The record now; `None` if there is none.
    pub after: Option<DayRecord>,
}

impl Revision {
    /// The differences between `before` and `after`.
    #[must_use]
    pub fn between(before: &Ledger, after: &Ledger) -> Self {
        let mut outcomes = Outcomes::new();
        let mut days: BTreeMap<Date, [Option<&DayRecord>; 2]> = BTreeMap::new();
        for (side, ledger) in [before, after].into_iter().enumerate() {
            for it in &ledger.outcomes {
                outcomes.entry((it.at, &it.punch)).or_default()[side] = Some(&it.outcome);
            }
            for day in &ledger.days {
                days.entry(day.date).or_default()[side] = Some(day);
            }
        }
        let anchors = anchors(&outcomes, before, after);
        let sides = [(before, &anchors[0]), (after, &anchors[1])];
        let identity = |side: usize, index: usize| {
            let (ledger, anchors) = sides[side];
            let shift = ledger.shifts.get(index)?;
            let anchor = anchors[index].filter(|_| shift.shift.is_none());
            Some((&shift.shift, shift.day, anchor))
        };
        let same = |old: Option<&PunchVerdict>, new: Option<&PunchVerdict>| match (old, new) {
            (
                Some(PunchVerdict::Assigned {
                    shift: old,
                    direction: was,
                }),
                Some(PunchVerdict::Assigned {
                    shift: new,
                    direction: is,
                }),
            ) => was == is && identity(0, *old) == identity(1, *new),
            _ => old == new,
        };
        let punches = outcomes
            .into_iter()
            .filter(|(_, [old, new])| !same(*old, *new));
        let punches = punches.map(|((at, punch), [old, new])| PunchChange {
            punch: punch.clone(),
            at,
            before: old.cloned(),
            after: new.cloned(),
        });
        let days = days.into_iter().filter(|(_, [old, new])| old != new);
        let days = days.map(|(date, [old, new])| DayChange {
            date,
            before: old.cloned(),
            after: new.cloned(),
        });
        Self {
            punches: punches.collect(),
            days: days.collect(),
        }
    }

    /// Returns `true` if there are no differences.
    ///
    /// ```
    /// assert!(attendance_rules::Revision::default().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.punches.is_empty() && self.days.is_empty()
    }
}

/// The outcomes of each punch before and after.
type Outcomes<'a> = BTreeMap<(Timestamp, &'a PunchId), [Option<&'a PunchVerdict>; 2]>;

/// For each shift before and after, its first punch that is in a shift on both sides. It identifies an unscheduled shift, which
/// has no name.
fn anchors<'a>(
    outcomes: &Outcomes<'a>,
    before: &Ledger,
    after: &Ledger,
) -> [Vec<Option<&'a PunchId>>; 2] {
    let mut anchors = [before, after].map(|ledger| vec![None; ledger.shifts.len()]);
    for (&(_, punch), sides) in outcomes {
        if let [
            Some(PunchVerdict::Assigned { shift: old, .. }),
            Some(PunchVerdict::Assigned { shift: new, .. }),
        ] = sides
        {
            for (anchors, &shift) in anchors.iter_mut().zip([old, new]) {
                if let Some(anchor) = anchors.get_mut(shift) {
                    anchor.get_or_insert(punch);
                }
            }
        }
    }
    anchors
}
