//! Presets: policies that a file can start from.

use jiff::civil::time;
use serde_json::Value;

use super::{
    Policy,
    breaks::{Break, Deduct},
    scans::{Anomalies, OutOfHours, Reaction, Scans, TooManyScans},
    work::{Count, Work},
};
use crate::{
    error::{Error, Result},
    seconds::Seconds,
    spelling::closest,
};

pub(super) const NAMES: [&str; 1] = ["esp32cam-gateway"];

/// Names that presets had before, and their present names.
const RENAMED: [(&str, &str); 1] = [("s3", "esp32cam-gateway")];

/// The preset with a name.
pub(super) fn named(name: &Value) -> Result<Policy> {
    let Some(name) = name.as_str() else {
        return Err(Error::policy("preset", "the name of a preset is a text"));
    };
    if name == "esp32cam-gateway" {
        return Ok(Policy::esp32cam_gateway());
    }
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == name) {
        let reason = format!("the preset {name:?} is named {new:?} now");
        return Err(Error::policy("preset", reason));
    }
    let hint = closest(name, NAMES.into_iter()).unwrap_or(NAMES[0]);
    let reason = format!("{name:?} is not a preset; did you mean {hint:?}?");
    Err(Error::policy("preset", reason))
}

impl Policy {
    /// The preset for sites that migrate from the ESP32-CAM gateway attendance system. It has that system's thresholds and
    /// lunch deduction; all else has the defaults.
    ///
    /// - A full day from 6 h, half a day from 3 h, from the first entry to the last exit.
    /// - A whole hour of lunch is deducted if at least one second between 12:00 and 14:00 was worked.
    /// - A scan less than two minutes after an entry is a duplicate.
    /// - Scans outside 06:00 to 22:00, scans on rest days, and scans from the eleventh of a day on are anomalies.
    ///
    /// Two defects of that system are not copied: midnight does not reset the cooldown, and less than half a day is an
    /// absence.
    ///
    /// In a policy file it is `preset = "esp32cam-gateway"`.
    ///
    /// ```
    /// use attendance_rules::{Policy, Seconds};
    ///
    /// let policy = Policy::from_toml("preset = \"esp32cam-gateway\"")?;
    /// assert_eq!(policy, Policy::esp32cam_gateway());
    /// assert_eq!(policy.work.half_day, Some(Seconds::hours(3)));
    /// # Ok::<(), attendance_rules::Error>(())
    /// ```
    #[must_use]
    pub fn esp32cam_gateway() -> Self {
        Self {
            scans: Scans {
                cooldown: Seconds(60),
                shortest_stay: Seconds::minutes(2),
                ..Scans::default()
            },
            anomalies: Anomalies {
                out_of_hours: Some(OutOfHours {
                    from: time(6, 0, 0, 0),
                    to: time(22, 0, 0, 0),
                    action: Default::default(),
                    severity: Default::default(),
                }),
                rest_day: Some(Reaction::default()),
                too_many_scans: Some(TooManyScans {
                    most: 10,
                    action: Default::default(),
                    severity: Default::default(),
                }),
                ..Anomalies::default()
            },
            work: Work {
                count: Count::FirstInLastOut,
                full_day: Some(Seconds::hours(6)),
                half_day: Some(Seconds::hours(3)),
                ..Work::default()
            },
            breaks: vec![Break::Fixed {
                from: time(12, 0, 0, 0),
                to: time(14, 0, 0, 0),
                at_most: Some(Seconds::hours(1)),
                shortest: Seconds(0),
                deduct: Deduct::Whole,
                paid: false,
            }],
            ..Self::default()
        }
    }
}
