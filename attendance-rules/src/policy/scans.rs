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
    /// A scan of unknown direction less than this after an entry is a duplicate, not an exit. It is for people who touch the
    /// terminal twice. A length that is not above `cooldown` has no effect. Default: 0s. Without it, an exit less than two
    /// minutes after its entry has the anomaly `short_stay`.
    pub shortest_stay: Seconds,
    /// Devices whose punches state a wrong direction, as terminals do that say IN for each punch. These punches alternate.
    /// `true` is for all punches. Default: no devices.
    pub ignore_kinds: IgnoreKinds,
}

impl Default for Scans {
    fn default() -> Self {
        Self {
            cooldown: Seconds(60),
            entry_devices: Vec::new(),
            exit_devices: Vec::new(),
            members_only: false,
            shortest_stay: Seconds(0),
            ignore_kinds: IgnoreKinds::default(),
        }
    }
}

/// The punches whose stated direction is not believed.
///
/// ```
/// use attendance_rules::{IgnoreKinds, Policy};
///
/// let policy = Policy::from_toml("[scans]\nignore_kinds = ['back door']")?;
/// assert_eq!(policy.scans.ignore_kinds, IgnoreKinds::Devices(vec!["back door".to_owned()]));
/// let policy = Policy::from_toml("[scans]\nignore_kinds = true")?;
/// assert_eq!(policy.scans.ignore_kinds, IgnoreKinds::All(true));
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "it is true, false, or a list of names of devices"
)]
pub enum IgnoreKinds {
    /// All punches, or none.
    All(bool),
    /// The punches of these devices.
    Devices(Vec<String>),
}

impl Default for IgnoreKinds {
    fn default() -> Self {
        Self::Devices(Vec::new())
    }
}

impl IgnoreKinds {
    /// Returns `true` if the stated direction of a punch at `device` is not believed.
    pub(crate) fn applies_to(&self, device: Option<&str>) -> bool {
        match self {
            Self::All(all) => *all,
            Self::Devices(devices) => {
                device.is_some_and(|device| devices.iter().any(|it| it == device))
            }
        }
    }
}

/// Unusual scans and days. Each kind is detected only if the policy has its key.
///
/// Doubtful punches are always reported, without a key:
///
/// - `before_margin`: an arrival before the margin of its shift, see `assignment.early_arrival`;
/// - `after_margin`: a punch after the margin of its shift, see `assignment.longest_shift`;
/// - `missing_in`: an exit without an entry before it;
/// - `short_stay`: an exit of unknown direction less than two minutes after its entry, which may be a repetition;
/// - `long_stay`: an exit of unknown direction twelve hours or more after its entry, in a stay without a scheduled shift. It
///   may be the entry of the next day;
/// - `doubtful_gap`: an entry of unknown direction 12 h to 13 h 30 min after the exit of a stay of 10 h 30 min to 12 h, both
///   without a scheduled shift. The gap may be a night of work, and the stay the day between two nights;
/// - `same_second_turn`: a second punch in the same second as an exit, in a stay without a last OUT. It may be an entry;
/// - `ambiguous_time`: a local time that occurs twice, when clocks go back.
///
/// These are about days: `shift_not_worked`, a second shift of a day without a punch; `work_of_other_day`, a day of absence
/// whose shift begins or ends in the work of another day; and `cut_week`, a week for weekly overtime without punches before the
/// period, in reports of the command.
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
    /// `short_rest`: less than this between the last punch of a day's work and the first of the next, as in `"11h"`. It is
    /// reported by the record of the later day.
    pub short_rest: Option<Seconds>,
    /// `long_work`: a day with more counted time than this, as in `"10h"`. It is reported by the record of the day.
    pub long_work: Option<Seconds>,
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
