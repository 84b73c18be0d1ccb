//! The boundary between recognition and attendance: sightings, and the trait of policies that decide about them.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{error::Result, person::PersonId};

/// A known person was seen.
///
/// ```
/// use facekit::{PersonId, Sighting};
///
/// let sighting = Sighting::new(PersonId::new("anna")?, "2026-03-02T08:59:30Z".parse().unwrap())
///     .with_device("front door")
///     .with_score(0.71);
/// assert_eq!(sighting.device.as_deref(), Some("front door"));
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sighting {
    /// The person.
    pub person: PersonId,
    /// The time.
    pub at: Timestamp,
    /// The camera or terminal that saw the person.
    pub device: Option<String>,
    /// The similarity to the person's template, greater is closer.
    pub score: Option<f32>,
    /// The liveness score of the face, 0 to 1; `None` if there was no check.
    pub liveness: Option<f32>,
}

impl Sighting {
    /// A sighting of `person` at the time `at`.
    #[must_use]
    pub fn new(person: PersonId, at: Timestamp) -> Self {
        Self {
            person,
            at,
            device: None,
            score: None,
            liveness: None,
        }
    }

    /// Sets [`device`](Self::device).
    #[must_use]
    pub fn with_device(mut self, device: impl Into<String>) -> Self {
        self.device = Some(device.into());
        self
    }

    /// Sets [`score`](Self::score).
    #[must_use]
    pub fn with_score(mut self, score: f32) -> Self {
        self.score = Some(score);
        self
    }

    /// Sets [`liveness`](Self::liveness).
    #[must_use]
    pub fn with_liveness(mut self, liveness: f32) -> Self {
        self.liveness = Some(liveness);
        self
    }
}

/// The direction in which a person went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Direction {
    /// Into the building, the room or the shift.
    Entry,
    /// Out of it.
    Exit,
}

/// A sighting that a policy has accepted. Later decisions about the person depend on it.
///
/// [`Decision::mark`] makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mark {
    /// The time.
    pub at: Timestamp,
    /// The direction.
    pub direction: Direction,
    /// The camera or terminal.
    pub device: Option<String>,
    /// The liveness score of the face, 0 to 1; `None` if there was no check.
    #[serde(default)]
    pub liveness: Option<f32>,
    /// The beginning of the stay that the mark belongs to, from the [`Decision`].
    #[serde(default)]
    pub opened: Option<Timestamp>,
}

impl Mark {
    /// An accepted sighting.
    #[must_use]
    pub fn new(at: Timestamp, direction: Direction, device: Option<String>) -> Self {
        Self {
            at,
            direction,
            device,
            liveness: None,
            opened: None,
        }
    }
}

/// The decision of a policy about one sighting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decision {
    /// The meaning of the sighting.
    pub verdict: Verdict,
    /// Unusual properties of the sighting. They do not change the verdict.
    pub anomalies: Vec<Anomaly>,
    /// The time of the first mark of the stay or shift that an accepted sighting belongs to; `None` if the policy has no
    /// stays.
    #[serde(default)]
    pub opened: Option<Timestamp>,
}

impl Decision {
    /// A decision without anomalies.
    #[must_use]
    pub fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            anomalies: Vec::new(),
            opened: None,
        }
    }

    /// The mark that the caller keeps for `sighting`, which this decision is about; `None` if the sighting does not count.
    ///
    /// ```
    /// use facekit::{Decision, Direction, PersonId, Sighting, Verdict};
    ///
    /// let sighting = Sighting::new(PersonId::new("anna")?, "2026-03-02T08:59:30Z".parse().unwrap());
    /// let decision = Decision::new(Verdict::Accepted { direction: Direction::Entry });
    /// assert_eq!(decision.mark(&sighting).unwrap().at, sighting.at);
    /// let decision = Decision::new(Verdict::Duplicate { seconds_left: 7 });
    /// assert!(decision.mark(&sighting).is_none());
    /// # Ok::<(), facekit::Error>(())
    /// ```
    #[must_use]
    pub fn mark(&self, sighting: &Sighting) -> Option<Mark> {
        let Verdict::Accepted { direction } = self.verdict else {
            return None;
        };
        Some(Mark {
            at: sighting.at,
            direction,
            device: sighting.device.clone(),
            liveness: sighting.liveness,
            opened: self.opened,
        })
    }
}

/// The meaning of a sighting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Verdict {
    /// The sighting counts, in this direction.
    Accepted {
        /// The direction.
        direction: Direction,
    },
    /// The sighting repeats the person's last accepted sighting and changes nothing.
    Duplicate {
        /// The whole seconds, rounded up, until a sighting of this person counts again.
        seconds_left: u64,
    },
    /// The sighting does not count.
    Refused {
        /// A stable code, such as `out_of_hours`.
        code: String,
        /// The reason, for people.
        reason: String,
    },
}

/// Something unusual about a sighting.
///
/// ```
/// use facekit::{Anomaly, Severity};
///
/// let anomaly = Anomaly::new("too_many_scans", "the 11th scan of the day, 10 are usual")
///     .with_severity(Severity::Critical)
///     .with("scans", 11)
///     .with("device", "front door");
/// assert_eq!(anomaly.data["scans"], 11.into());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Anomaly {
    /// A stable code, such as `rest_day`.
    pub code: String,
    /// The description for people.
    pub message: String,
    /// The severity.
    #[serde(default)]
    pub severity: Severity,
    /// The values of the message, for programs. The names contain the units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, AnomalyValue>,
}

impl Anomaly {
    /// A warning with this code and without data.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            severity: Severity::default(),
            data: BTreeMap::new(),
        }
    }

    /// Sets [`severity`](Self::severity).
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Adds to [`data`](Self::data).
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<AnomalyValue>) -> Self {
        self.data.insert(name.into(), value.into());
        self
    }
}

/// The severity of an [`Anomaly`], from lowest to highest.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Information; no action is needed.
    Info,
    /// A person should check it.
    #[default]
    Warning,
    /// A person should check it now.
    Critical,
}

/// A value in the data of an [`Anomaly`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AnomalyValue {
    /// A number; the name contains its unit.
    Integer(i64),
    /// A name, a date or a time.
    Text(String),
}

impl From<i64> for AnomalyValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for AnomalyValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for AnomalyValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// Decides immediately about a sighting: entry, exit, repetition, or refused.
///
/// # Contract
///
/// - `decide` is a function of its arguments: it reads no clock and keeps no state, so it can be replayed.
/// - `past` holds the accepted sightings of the same person, oldest first, none later than
///   `sighting.at`, and at least all those of the last [`lookback`](Self::lookback).
/// - Before the next call, the caller appends the [`Decision::mark`] of an accepted sighting to `past`.
pub trait AttendancePolicy: fmt::Debug + Send + Sync {
    /// How far back `past` must reach.
    fn lookback(&self) -> SignedDuration;

    /// Decides about `sighting`, which follows `past`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) if `past` breaks the contract.
    fn decide(&self, past: &[Mark], sighting: &Sighting) -> Result<Decision>;
}

/// Attendance without rules: for each person the first sighting, the last sighting and the number of sightings.
///
/// ```
/// use facekit::{AttendanceSheet, PersonId, Sighting};
///
/// let anna = PersonId::new("anna")?;
/// let mut sheet = AttendanceSheet::new();
/// for time in ["2026-03-02T16:30:00Z", "2026-03-02T08:59:30Z", "2026-03-02T12:00:00Z"] {
///     sheet.record(&Sighting::new(anna.clone(), time.parse().unwrap()));
/// }
/// let seen = sheet.get(&anna).unwrap();
/// assert_eq!(seen.first.to_string(), "2026-03-02T08:59:30Z");
/// assert_eq!(seen.times, 3);
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttendanceSheet(BTreeMap<PersonId, Seen>);

/// The sightings of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Seen {
    /// The earliest sighting.
    pub first: Timestamp,
    /// The latest sighting.
    pub last: Timestamp,
    /// The number of sightings.
    pub times: u64,
}

impl AttendanceSheet {
    /// An empty sheet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a sighting. Sightings may come in any order.
    pub fn record(&mut self, sighting: &Sighting) {
        let at = sighting.at;
        let seen = self.0.entry(sighting.person.clone()).or_insert(Seen {
            first: at,
            last: at,
            times: 0,
        });
        seen.first = seen.first.min(at);
        seen.last = seen.last.max(at);
        seen.times += 1;
    }

    /// The sightings of `person`; `None` if there are none.
    #[must_use]
    pub fn get(&self, person: &PersonId) -> Option<Seen> {
        self.0.get(person).copied()
    }

    /// All people with sightings, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = (&PersonId, Seen)> {
        self.0.iter().map(|(person, &seen)| (person, seen))
    }

    /// The number of people with sightings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if there are no sightings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
