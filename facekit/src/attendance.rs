//! What recognition hands to attendance: sightings, and the trait of whatever decides about them.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{PersonId, Result};

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
    /// Who.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// Which camera or terminal saw the person.
    pub device: Option<String>,
    /// The similarity to the person's template, greater is closer.
    pub score: Option<f32>,
    /// How live the face was, 0 to 1; `None` where nothing checked it.
    pub liveness: Option<f32>,
}

impl Sighting {
    /// `person` was seen at `at`.
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

/// Which way a person went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Direction {
    /// Into the building, the room or the shift.
    Entry,
    /// Out of it.
    Exit,
}

/// A sighting that a policy has accepted: what later decisions about the person rest on.
///
/// [`Decision::mark`] makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// Where.
    pub device: Option<String>,
    /// How live the face was, 0 to 1; `None` where nothing checked it.
    #[serde(default)]
    pub liveness: Option<f32>,
    /// When the stay that it belongs to began, as the [`Decision`] said.
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

/// What a policy makes of one sighting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decision {
    /// Whether the sighting counts, and as what.
    pub verdict: Verdict,
    /// What is unusual about it; the verdict holds all the same.
    pub anomalies: Vec<Anomaly>,
    /// When the stay or shift that an accepted sighting belongs to began: its first mark. `None` where the policy keeps
    /// no stays.
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

    /// What the caller keeps of `sighting`, about which this was decided; `None` where it does not count.
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

/// Whether a sighting counts, and as what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Verdict {
    /// It counts, in this direction.
    Accepted {
        /// Which way the person went.
        direction: Direction,
    },
    /// It repeats the person's last accepted sighting and changes nothing.
    Duplicate {
        /// Whole seconds, rounded up, until a sighting of this person counts again.
        seconds_left: u64,
    },
    /// It does not count.
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
    /// What is unusual, for people.
    pub message: String,
    /// How much it matters.
    #[serde(default)]
    pub severity: Severity,
    /// What the message says, for programs; units stand in the names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, AnomalyValue>,
}

impl Anomaly {
    /// An anomaly of this code, a warning without data.
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

/// How much an [`Anomaly`] matters, from least to most.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Somebody should look at it.
    #[default]
    Warning,
    /// Somebody should look at it now.
    Critical,
}

/// A value in the data of an [`Anomaly`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AnomalyValue {
    /// A number; its unit stands in the name.
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

/// Decides at once what a sighting means: entry, exit, repetition, or nothing that counts.
///
/// # Contract
///
/// - `decide` is a function of its arguments: it reads no clock and keeps no state, so it can be replayed.
/// - `past` holds the accepted sightings of the same person, oldest first, none later than
///   `sighting.at`, and at least all those of the last [`lookback`](Self::lookback).
/// - What [`Decision::mark`] makes of an accepted sighting is what the caller appends to `past` before the next call.
pub trait AttendancePolicy: fmt::Debug + Send + Sync {
    /// How far back `past` must reach.
    fn lookback(&self) -> SignedDuration;

    /// What `sighting` means, after `past`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) where `past` breaks the contract.
    fn decide(&self, past: &[Mark], sighting: &Sighting) -> Result<Decision>;
}

/// Who was seen, from when until when, and how often: attendance without any rules.
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

/// When and how often somebody was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Seen {
    /// The earliest sighting.
    pub first: Timestamp,
    /// The latest sighting.
    pub last: Timestamp,
    /// Sightings in all.
    pub times: u64,
}

impl AttendanceSheet {
    /// Nobody has been seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a sighting; they may come in any order.
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

    /// When and how often `person` was seen; `None` where never.
    #[must_use]
    pub fn get(&self, person: &PersonId) -> Option<Seen> {
        self.0.get(person).copied()
    }

    /// Everyone who was seen, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = (&PersonId, Seen)> {
        self.0.iter().map(|(person, &seen)| (person, seen))
    }

    /// How many people were seen.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
