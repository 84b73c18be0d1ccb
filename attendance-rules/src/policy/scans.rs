//! What a sighting means at once.

use facekit::Severity;
use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Seconds;

/// What a sighting means at once.
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
    /// A scan that follows an accepted one by less than this repeats it. Neither a repetition nor midnight changes that.
    /// Scans of the same second always repeat each other; a scan that is known to go the other way never repeats. Default:
    /// 60s.
    pub cooldown: Seconds,
    /// Devices that people pass coming. Others alternate.
    pub entry_devices: Vec<String>,
    /// Devices that people pass going. Others alternate.
    pub exit_devices: Vec<String>,
    /// Whether only members are accepted, or everybody by the policy's schedule. Default: everybody.
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

/// What is unusual about a scan. Each is looked for only where the policy has its key.
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
/// assert!(policy.anomalies.holiday.is_none(), "not looked for");
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Anomalies {
    /// `out_of_hours`: before or after the usual hours.
    pub out_of_hours: Option<OutOfHours>,
    /// `rest_day`: on a day of the week that is no working day.
    pub rest_day: Option<Reaction>,
    /// `holiday`: on a whole holiday.
    pub holiday: Option<Reaction>,
    /// `on_leave`: by somebody who is on leave all day.
    pub on_leave: Option<Reaction>,
    /// `too_many_scans`: more accepted scans on a day than usual.
    pub too_many_scans: Option<TooManyScans>,
    /// `impossible_travel`: at another place sooner than the way there takes.
    pub impossible_travel: Option<Reaction>,
    /// `low_liveness`: several accepted scans in a row, within 24 hours, with a low liveness score.
    pub low_liveness: Option<LowLiveness>,
    /// `expired_roster`: after the last day that somebody has planned.
    pub expired_roster: Option<Reaction>,
}

/// What follows from an anomaly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The decision says so, and the scan counts.
    #[default]
    Flag,
    /// The scan is refused.
    Refuse,
}

/// What follows from an anomaly, and how much it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reaction {
    /// Default: flag.
    pub action: Action,
    /// Default: warning.
    #[schemars(with = "SeveritySchema")]
    pub severity: Severity,
}

#[derive(JsonSchema)]
#[schemars(rename = "Severity", rename_all = "snake_case")]
#[expect(dead_code, reason = "its schema is what it is for")]
enum SeveritySchema {
    Info,
    Warning,
    Critical,
}

/// The usual hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutOfHours {
    /// The first usual minute.
    #[serde(deserialize_with = "super::read::clock")]
    #[schemars(with = "String")]
    pub from: Time,
    /// No longer usual. Before `from`, the hours reach past midnight.
    #[serde(deserialize_with = "super::read::clock")]
    #[schemars(with = "String")]
    pub to: Time,
    /// Default: flag.
    #[serde(default)]
    pub action: Action,
    /// Default: warning.
    #[serde(default)]
    #[schemars(with = "SeveritySchema")]
    pub severity: Severity,
}

/// How many accepted scans on a calendar day are usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TooManyScans {
    /// The last number that is usual.
    pub most: u32,
    /// Default: flag.
    #[serde(default)]
    pub action: Action,
    /// Default: warning.
    #[serde(default)]
    #[schemars(with = "SeveritySchema")]
    pub severity: Severity,
}

/// When liveness scores are suspiciously low.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LowLiveness {
    /// A score below this is low, 0 to 1.
    pub below: f32,
    /// This many low ones in a row within 24 hours, the scan in question included, are too many. At most 100.
    pub streak: u32,
    /// Default: flag.
    #[serde(default)]
    pub action: Action,
    /// Default: warning.
    #[serde(default)]
    #[schemars(with = "SeveritySchema")]
    pub severity: Severity,
}
