//! Punches and corrections.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::Arc,
};

use facekit::{Direction, PersonId, Sighting};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    time::Instant,
};

/// The id of a punch, given by the caller. It is cheap to clone.
///
/// ```
/// use attendance_rules::PunchId;
///
/// assert_eq!(PunchId::from("18446").as_str(), "18446");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PunchId(Arc<str>);

impl PunchId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Arc<str>>> From<T> for PunchId {
    fn from(id: T) -> Self {
        Self(id.into())
    }
}

impl fmt::Debug for PunchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for PunchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The direction that a punch states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PunchKind {
    /// The person comes.
    In,
    /// The person goes.
    Out,
    /// The punch states no direction. The policy determines it.
    #[default]
    Undetermined,
}

impl From<Direction> for PunchKind {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Entry => Self::In,
            Direction::Exit => Self::Out,
        }
    }
}

/// The source of a punch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// Face recognition.
    #[default]
    Face,
    /// Manual entry.
    Manual,
    /// A one-time code that was typed.
    Code,
    /// An import from another system.
    Import,
}

/// A person was at a device at some time.
///
/// ```
/// use attendance_rules::{Punch, PunchKind, Source};
/// use facekit::PersonId;
///
/// let punch = Punch::new("4711", PersonId::new("anna")?, "2026-03-02T08:59:30Z".parse().unwrap())
///     .with_kind(PunchKind::In)
///     .with_source(Source::Manual)
///     .with_device("front door");
/// assert_eq!(punch.id.as_str(), "4711");
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Punch {
    /// The id, unique among the person's punches.
    pub id: PunchId,
    /// The person.
    pub person: PersonId,
    /// The time. A fraction of a second is dropped.
    pub at: Timestamp,
    /// The terminal or camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Arc<str>>,
    /// The direction, if it is known.
    #[serde(default)]
    pub kind: PunchKind,
    /// The source.
    #[serde(default)]
    pub source: Source,
    /// The similarity to the person's template; a greater score is closer. The rules do not use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// The liveness score of the face, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<f32>,
}

/// Equal records. Two scores that are NaN are equal, too.
impl PartialEq for Punch {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            id,
            person,
            at,
            device,
            kind,
            source,
            score,
            liveness,
        } = self;
        let same = |one: Option<f32>, two: Option<f32>| match (one, two) {
            (Some(one), Some(two)) => one == two || (one.is_nan() && two.is_nan()),
            _ => one.is_none() && two.is_none(),
        };
        (id, person, at, device, kind, source)
            == (
                &other.id,
                &other.person,
                &other.at,
                &other.device,
                &other.kind,
                &other.source,
            )
            && same(*score, other.score)
            && same(*liveness, other.liveness)
    }
}

impl Punch {
    /// A punch of unknown direction from a recognised face.
    #[must_use]
    pub fn new(id: impl Into<PunchId>, person: PersonId, at: Timestamp) -> Self {
        Self {
            id: id.into(),
            person,
            at,
            device: None,
            kind: PunchKind::default(),
            source: Source::default(),
            score: None,
            liveness: None,
        }
    }

    /// A punch from a sighting, with an id of the caller.
    ///
    /// ```
    /// use attendance_rules::Punch;
    /// use facekit::{PersonId, Sighting};
    ///
    /// let sighting = Sighting::new(PersonId::new("anna")?, "2026-03-02T08:59:30Z".parse().unwrap()).with_liveness(0.9);
    /// assert_eq!(Punch::from_sighting("1", &sighting).liveness, Some(0.9));
    /// # Ok::<(), facekit::Error>(())
    /// ```
    #[must_use]
    pub fn from_sighting(id: impl Into<PunchId>, sighting: &Sighting) -> Self {
        let mut punch = Self::new(id, sighting.person.clone(), sighting.at);
        punch.device = sighting.device.as_deref().map(Arc::from);
        punch.score = sighting.score;
        punch.liveness = sighting.liveness;
        punch
    }

    /// Sets [`kind`](Self::kind).
    #[must_use]
    pub fn with_kind(mut self, kind: PunchKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets [`source`](Self::source).
    #[must_use]
    pub fn with_source(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// Sets [`device`](Self::device).
    #[must_use]
    pub fn with_device(mut self, device: impl Into<Arc<str>>) -> Self {
        self.device = Some(device.into());
        self
    }

    /// Sets [`liveness`](Self::liveness).
    #[must_use]
    pub fn with_liveness(mut self, liveness: f32) -> Self {
        self.liveness = Some(liveness);
        self
    }
}

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Correction {
    /// The id, unique among the person's corrections.
    pub id: String,
    /// The time at which it was made.
    pub made: Timestamp,
    /// The author.
    pub by: String,
    /// The reason.
    pub reason: String,
    /// The change.
    pub change: Change,
}

impl Correction {
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
/// use attendance_rules::{Change, Punch, PunchKind, Source};
/// use facekit::PersonId;
///
/// let out = Punch::new("forgotten", PersonId::new("anna")?, "2026-03-02T17:00:00Z".parse().unwrap())
///     .with_kind(PunchKind::Out)
///     .with_source(Source::Manual);
/// let change = Change::Add { punch: Box::new(out) };
/// let undone = Change::Undo { correction: "the id of the correction with that change".into() };
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The id of the punch that the change adds.
    fn added_punch(&self) -> Option<&PunchId> {
        match self {
            Self::Add { punch } | Self::Replace { with: punch, .. } => Some(&punch.id),
            Self::Void { .. } | Self::Undo { .. } => None,
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
        .filter_map(|correction| correction.change.added_punch())
        .collect();
    let mut known: HashSet<&PunchId> = punches.iter().map(|punch| &punch.id).collect();
    // The latest correction that names the punch.
    let mut direct: BTreeMap<&PunchId, &Correction> = BTreeMap::new();
    // The punch that each replacement takes the place of, through all replacements.
    let mut origins: BTreeMap<&PunchId, &PunchId> = BTreeMap::new();
    // By such a punch: the latest correction of it or of its replacements, and the punch that counts since then, if any.
    let mut latest: BTreeMap<&PunchId, (&Correction, Option<&PunchId>)> = BTreeMap::new();
    for &correction in &active {
        let wrong = |reason: String| Error::Correction {
            id: correction.id.clone(),
            reason,
        };
        let (target, new) = match &correction.change {
            Change::Add { punch } => (None, Some(punch)),
            Change::Replace { punch, with } => (Some(punch), Some(with)),
            Change::Void { punch } => (Some(punch), None),
            Change::Undo { .. } => continue,
        };
        if target.is_some_and(|target| !known.contains(target) && removed.contains(target)) {
            continue;
        }
        if let Some(target) = target {
            if !known.contains(target) {
                return Err(wrong(format!("there is no punch {target:?} before it")));
            }
            let origin = origins.get(target).copied().unwrap_or(target);
            direct.insert(target, correction);
            latest.insert(origin, (correction, new.map(|punch| &punch.id)));
            origins.extend(new.map(|punch| (&punch.id, origin)));
        }
        if let Some(punch) = new {
            all.push((check(person, punch)?, &**punch));
            if !known.insert(&punch.id) {
                return Err(Error::DuplicateId {
                    what: "punch",
                    id: punch.id.to_string(),
                });
            }
        }
    }
    let latest_of = |id: &PunchId| latest.get(origins.get(id).copied().unwrap_or(id));
    let (gone, kept): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|(_, punch)| latest_of(&punch.id).is_some_and(|it| it.1 != Some(&punch.id)));
    let superseded = sorted(gone)?.into_iter().map(|(at, punch)| {
        let direct = direct.get(&punch.id).copied();
        let correction = direct.or_else(|| latest_of(&punch.id).map(|it| it.0));
        let id = correction.map(|correction| correction.id.clone());
        (at, punch, id.unwrap_or_default())
    });
    let superseded = superseded.collect();
    Ok(ResolvedPunches {
        punches: sorted(kept)?,
        superseded,
    })
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
