//! Rules for scans: repetitions, doors and anomalies.

use facekit::Severity;
use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::seconds::Seconds;

/// Rules for the decision on a sighting.
///
/// ```
/// use attendance_rules::Policy;
///
/// let policy = Policy::from_toml(
///     r#"
///     [scans]
///     cooldown = "2m"
///     entry_devices = ["turnstile in"]
///     exit_devices = ["turnstile out"]
///     "#,
/// )?;
/// assert!(!policy.scans.members_only);
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Scans {
    /// A scan less than this after an accepted scan is a duplicate. Duplicates do not extend the time, and midnight does not
    /// reset it. Scans of the same second are always duplicates. A scan that is known to have the other direction is never
    /// one. Default: 60s.
    pub cooldown: Seconds,
    /// Devices at entrances: their scans are entries. Scans of other devices alternate.
    pub entry_devices: Vec<String>,
    /// Devices at exits: their scans are exits. Scans of other devices alternate.
    pub exit_devices: Vec<String>,
    /// Only members are accepted. Default: no; other people follow the policy's schedule.
    pub members_only: bool,
}

impl Default for Scans {
    fn default() -> Self {
        Self {
            cooldown: Seconds(60),
            entry_devices: Vec::new(),
            exit_devices: Vec::new(),
            members_only: false,
        }
    }
}

/// Unusual scans. Each kind is detected only if the policy has its key.
///
/// ```
/// use attendance_rules::{Action, Policy};
///
/// let policy = Policy::from_toml(
///     r#"
///     [anomalies]
///     out_of_hours = { from = "06:00", to = "22:00" }
///     rest_day = { severity = "info" }
///     too_many_scans = { most = 10, action = "refuse" }
///     low_liveness = { below = 0.6, streak = 3, severity = "critical" }
///     "#,
/// )?;
/// assert_eq!(policy.anomalies.too_many_scans.unwrap().action, Action::Refuse);
/// assert!(policy.anomalies.holiday.is_none(), "not detected");
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Anomalies {
    /// `out_of_hours`: a scan before or after the usual hours.
    pub out_of_hours: Option<OutOfHours>,
    /// `rest_day`: a scan on a day without scheduled work.
    pub rest_day: Option<Reaction>,
    /// `holiday`: a scan on a whole holiday.
    pub holiday: Option<Reaction>,
    /// `on_leave`: a scan of a person who is on leave all day.
    pub on_leave: Option<Reaction>,
    /// `too_many_scans`: more accepted scans on a day than usual.
    pub too_many_scans: Option<TooManyScans>,
    /// `impossible_travel`: a scan at another place after less than the travel time.
    pub impossible_travel: Option<Reaction>,
    /// `low_liveness`: several accepted scans in a row, within 24 hours, with a low liveness score.
    pub low_liveness: Option<LowLiveness>,
    /// `expired_roster`: a scan after the last planned day of a member.
    pub expired_roster: Option<Reaction>,
}

/// The action on an anomaly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The decision reports the anomaly, and the scan counts.
    #[default]
    Flag,
    /// The scan is refused.
    Refuse,
}

/// The action on an anomaly, and its severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reaction {
    /// The action. Default: flag.
    pub action: Action,
    /// The severity. Default: warning.
    #[schemars(with = "SeveritySchema")]
    pub severity: Severity,
}

#[derive(JsonSchema)]
#[schemars(rename = "Severity", rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum SeveritySchema {
    Info,
    Warning,
    Critical,
}

/// The usual hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutOfHours {
    /// The start of the usual hours, inclusive.
    #[serde(deserialize_with = "super::clock::deserialize")]
    #[schemars(with = "String")]
    pub from: Time,
    /// The end of the usual hours, exclusive. If it is before `from`, the hours include midnight.
    #[serde(deserialize_with = "super::clock::deserialize")]
    #[schemars(with = "String")]
    pub to: Time,
    /// The action. Default: flag.
    #[serde(default)]
    pub action: Action,
    /// The severity. Default: warning.
    #[serde(default)]
    #[schemars(with = "SeveritySchema")]
    pub severity: Severity,
}

/// The usual number of accepted scans on a calendar day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TooManyScans {
    /// The highest usual number.
    pub most: u32,
    /// The action. Default: flag.
    #[serde(default)]
    pub action: Action,
    /// The severity. Default: warning.
    #[serde(default)]
    #[schemars(with = "SeveritySchema")]
    pub severity: Severity,
}

/// The limit for low liveness scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LowLiveness {
    /// A score below this is low. 0 to 1.
    pub below: f32,
    /// This many low scores in a row within 24 hours, with that of the current scan, are an anomaly. 1 to 100.
    pub streak: u32,
    /// The action. Default: flag.
    #[serde(default)]
    pub action: Action,
    /// The severity. Default: warning.
    #[serde(default)]
    #[schemars(with = "SeveritySchema")]
    pub severity: Severity,
}
