//! Corrections of punches, and their effect.

use std::collections::{BTreeMap, HashSet};

use facekit::PersonId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    punch::{Punch, PunchId},
    schema,
    time::Instant,
};

/// A change of earlier records, with its author, time and reason. Records are never edited in place.
///
/// ```
/// use attendance_rules::{Change, Correction};
///
/// let forgotten = Correction::new(
///     "c1",
///     "2026-03-03T07:00:00Z".parse().unwrap(),
///     "head of unit",
///     "was at a customer's",
///     Change::Void { punch: "4711".into() },
/// );
/// assert_eq!(forgotten.by, "head of unit");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Correction {
    /// The id, unique among the person's corrections.
    pub id: String,
    /// The time at which it was made.
    #[schemars(with = "schema::Time")]
    pub made: Timestamp,
    /// The author.
    pub by: String,
    /// The reason.
    pub reason: String,
    /// The change.
    pub change: Change,
}

impl Correction {
    /// The JSON Schema (2020-12) of a file of corrections, which is a list.
    ///
    /// ```
    /// let schema = attendance_rules::Correction::json_schema();
    /// assert_eq!(schema["items"]["$ref"], "#/$defs/Correction");
    /// ```
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        schema::of_list::<Self>("corrections")
    }

    /// A correction.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        made: Timestamp,
        by: impl Into<String>,
        reason: impl Into<String>,
        change: Change,
    ) -> Self {
        Self {
            id: id.into(),
            made,
            by: by.into(),
            reason: reason.into(),
            change,
        }
    }
}

/// The change of a [`Correction`].
///
/// A replacement takes the place of the replaced punch. Of several corrections of either, the latest applies. A correction of a
/// punch that an undone correction added has no effect.
///
/// ```
/// use attendance_rules::{Change, Punch, PunchKind, PunchSource};
/// use facekit::PersonId;
///
/// let out = Punch::new("forgotten", PersonId::new("anna")?, "2026-03-02T17:00:00Z".parse().unwrap())
///     .with_kind(PunchKind::Out)
///     .with_source(PunchSource::Manual);
/// let change = Change::Add { punch: Box::new(out) };
/// let undone = Change::Undo { correction: "the id of the correction with that change".into() };
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Change {
    /// Adds a forgotten punch.
    Add {
        /// The punch, with a new id.
        punch: Box<Punch>,
    },
    /// Replaces a punch by another.
    Replace {
        /// The id of the punch that no longer counts.
        punch: PunchId,
        /// The punch that counts, with a new id.
        with: Box<Punch>,
    },
    /// Removes a punch from the evaluation.
    Void {
        /// The id of the punch.
        punch: PunchId,
    },
    /// Undoes an earlier correction, as if it had never been made.
    Undo {
        /// The id of the correction.
        correction: String,
    },
}

impl Change {
    /// The punch that the change adds.
    fn added_punch(&self) -> Option<&Punch> {
        match self {
            Self::Add { punch } | Self::Replace { with: punch, .. } => Some(punch),
            Self::Void { .. } | Self::Undo { .. } => None,
        }
    }

    /// The id of the punch that the change replaces or removes.
    fn target(&self) -> Option<&PunchId> {
        match self {
            Self::Replace { punch, .. } | Self::Void { punch } => Some(punch),
            Self::Add { .. } | Self::Undo { .. } => None,
        }
    }
}

/// The punches of a person after all corrections, in order of time.
pub(crate) struct ResolvedPunches<'a> {
    /// The punches that count.
    pub(crate) punches: Vec<(Instant, &'a Punch)>,
    /// The punches that do not count, each with the id of the correction that superseded it.
    pub(crate) superseded: Vec<(Instant, &'a Punch, String)>,
}

/// Applies corrections to punches.
pub(crate) fn resolve<'a>(
    person: &PersonId,
    punches: &'a [Punch],
    corrections: &'a [Correction],
) -> Result<ResolvedPunches<'a>> {
    let mut all = Vec::with_capacity(punches.len() + corrections.len());
    for punch in punches {
        all.push((check(person, punch)?, punch));
    }
    if corrections.is_empty() {
        return Ok(ResolvedPunches {
            punches: sorted(all)?,
            superseded: Vec::new(),
        });
    }
    let (active, undone) = active_and_undone(corrections)?;
    let removed: HashSet<&PunchId> = undone
        .iter()
        .filter_map(|correction| correction.change.added_punch().map(|punch| &punch.id))
        .collect();
    let mut known: HashSet<&PunchId> = punches.iter().map(|punch| &punch.id).collect();
    let mut effects = Effects::default();
    for correction in active {
        let target = correction.change.target();
        if let Some(target) = target.filter(|target| !known.contains(target)) {
            if removed.contains(target) {
                continue;
            }
            return Err(Error::Correction {
                id: correction.id.clone(),
                reason: format!("there is no punch {target:?} before it"),
            });
        }
        let added = correction.change.added_punch();
        if let Some(target) = target {
            effects.add(correction, target, added.map(|punch| &punch.id));
        }
        if let Some(punch) = added {
            all.push((check(person, punch)?, punch));
            if !known.insert(&punch.id) {
                return Err(Error::DuplicateId {
                    what: "punch",
                    id: punch.id.to_string(),
                });
            }
        }
    }
    let (kept, superseded): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|(_, punch)| effects.counts(&punch.id));
    let superseded = sorted(superseded)?.into_iter();
    let superseded = superseded.map(|(at, punch)| (at, punch, effects.superseded_by(&punch.id)));
    Ok(ResolvedPunches {
        punches: sorted(kept)?,
        superseded: superseded.collect(),
    })
}

/// The effects of corrections that name a punch.
#[derive(Default)]
struct Effects<'a> {
    /// The latest correction that names the punch.
    direct: BTreeMap<&'a PunchId, &'a Correction>,
    /// The punch that each replacement takes the place of, through all replacements.
    origins: BTreeMap<&'a PunchId, &'a PunchId>,
    /// By such a punch: the latest correction of it or of its replacements, and the punch that counts since then, if any.
    latest: BTreeMap<&'a PunchId, (&'a Correction, Option<&'a PunchId>)>,
}

impl<'a> Effects<'a> {
    /// Adds a correction of `target`, with the id of the replacement.
    fn add(
        &mut self,
        correction: &'a Correction,
        target: &'a PunchId,
        replacement: Option<&'a PunchId>,
    ) {
        let origin = self.origins.get(target).copied().unwrap_or(target);
        self.direct.insert(target, correction);
        self.latest.insert(origin, (correction, replacement));
        self.origins.extend(replacement.map(|id| (id, origin)));
    }

    fn latest_of(&self, id: &PunchId) -> Option<&(&'a Correction, Option<&'a PunchId>)> {
        self.latest.get(self.origins.get(id).copied().unwrap_or(id))
    }

    /// Returns `true` if the punch counts after all corrections.
    fn counts(&self, id: &PunchId) -> bool {
        self.latest_of(id).is_none_or(|latest| latest.1 == Some(id))
    }

    /// The id of the correction that superseded the punch.
    fn superseded_by(&self, id: &PunchId) -> String {
        let direct = self.direct.get(id).copied();
        let correction = direct.or_else(|| self.latest_of(id).map(|latest| latest.0));
        correction.map_or_else(String::new, |correction| correction.id.clone())
    }
}

/// Checks the person and the time of a punch.
fn check(person: &PersonId, punch: &Punch) -> Result<Instant> {
    if punch.person != *person {
        return Err(Error::OtherPerson {
            what: "punch",
            id: punch.id.to_string(),
            expected: person.to_string(),
            found: punch.person.to_string(),
        });
    }
    Instant::checked(punch.at, || format!("punch {:?}", punch.id))
}

/// Sorts punches by time and id, and drops repeated records.
fn sorted(mut punches: Vec<(Instant, &Punch)>) -> Result<Vec<(Instant, &Punch)>> {
    let order =
        |a: &(Instant, &Punch), b: &(Instant, &Punch)| (a.1.at, &a.1.id).cmp(&(b.1.at, &b.1.id));
    if !punches.is_sorted_by(|a, b| order(a, b).is_le()) {
        punches.sort_by(order);
    }
    punches.dedup_by(|a, b| a.1 == b.1);
    let mut ids = HashSet::with_capacity(punches.len());
    if let Some((_, twice)) = punches
        .iter()
        .find(|(_, punch)| !ids.insert(punch.id.as_str()))
    {
        return Err(Error::DuplicateId {
            what: "punch",
            id: twice.id.to_string(),
        });
    }
    drop(ids);
    Ok(punches)
}

/// The active corrections and the undone ones, in the order in which they were made.
fn active_and_undone(corrections: &[Correction]) -> Result<(Vec<&Correction>, Vec<&Correction>)> {
    let mut ordered: Vec<&Correction> = corrections.iter().collect();
    ordered.sort_by(|a, b| (a.made, &a.id).cmp(&(b.made, &b.id)));
    ordered.dedup_by(|a, b| a == b);
    let mut indices: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, correction) in ordered.iter().enumerate() {
        Instant::checked(correction.made, || {
            format!("correction {:?}", correction.id)
        })?;
        if indices.insert(&correction.id, index).is_some() {
            return Err(Error::DuplicateId {
                what: "correction",
                id: correction.id.clone(),
            });
        }
    }
    let mut undone = vec![false; ordered.len()];
    // The latest correction first: an undone `Undo` undoes nothing.
    for (index, correction) in ordered.iter().enumerate().rev() {
        if let Change::Undo { correction: target } = &correction.change {
            match indices.get(target.as_str()) {
                Some(&earlier) if earlier < index => undone[earlier] |= !undone[index],
                _ => {
                    let reason = format!("there is no correction {target:?} before it");
                    return Err(Error::Correction {
                        id: correction.id.clone(),
                        reason,
                    });
                }
            }
        }
    }
    let (mut active, mut removed) = (Vec::new(), Vec::new());
    for (correction, undone) in ordered.into_iter().zip(undone) {
        if undone { &mut removed } else { &mut active }.push(correction);
    }
    Ok((active, removed))
}
