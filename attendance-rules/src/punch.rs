//! Punches.

use std::{fmt, sync::Arc};

use facekit::{Direction, PersonId, Sighting};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// The id of a punch, given by the caller. It is cheap to clone.
///
/// ```
/// use attendance_rules::PunchId;
///
/// assert_eq!(PunchId::from("18446").as_str(), "18446");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PunchSource {
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
/// use attendance_rules::{Punch, PunchKind, PunchSource};
/// use facekit::PersonId;
///
/// let punch = Punch::new("4711", PersonId::new("anna")?, "2026-03-02T08:59:30Z".parse().unwrap())
///     .with_kind(PunchKind::In)
///     .with_source(PunchSource::Manual)
///     .with_device("front door");
/// assert_eq!(punch.id.as_str(), "4711");
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Punch {
    /// The id, unique among the person's punches.
    pub id: PunchId,
    /// The person.
    #[schemars(with = "String")]
    pub person: PersonId,
    /// The time. A fraction of a second is dropped.
    #[schemars(with = "schema::Time")]
    pub at: Timestamp,
    /// The terminal or camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Arc<str>>,
    /// The direction, if it is known.
    #[serde(default)]
    pub kind: PunchKind,
    /// The source.
    #[serde(default)]
    pub source: PunchSource,
    /// The similarity to the person's template; a greater score is closer. The rules do not use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// The liveness score of the face, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<f32>,
    /// The other instant that the local time of the record can mean. Local times occur twice when clocks go back. The punch has
    /// the anomaly `ambiguous_time`. See [`LogTime::read`](crate::LogTime::read).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Time>")]
    pub also_possible: Option<Timestamp>,
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
            also_possible,
        } = self;
        let same = |one: Option<f32>, two: Option<f32>| match (one, two) {
            (Some(one), Some(two)) => one == two || (one.is_nan() && two.is_nan()),
            _ => one.is_none() && two.is_none(),
        };
        (id, person, at, device, kind, source, also_possible)
            == (
                &other.id,
                &other.person,
                &other.at,
                &other.device,
                &other.kind,
                &other.source,
                &other.also_possible,
            )
            && same(*score, other.score)
            && same(*liveness, other.liveness)
    }
}

impl Punch {
    /// A punch of unknown direction from a recognized face.
    #[must_use]
    pub fn new(id: impl Into<PunchId>, person: PersonId, at: Timestamp) -> Self {
        Self {
            id: id.into(),
            person,
            at,
            device: None,
            kind: PunchKind::default(),
            source: PunchSource::default(),
            score: None,
            liveness: None,
            also_possible: None,
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
    pub fn with_source(mut self, source: PunchSource) -> Self {
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
