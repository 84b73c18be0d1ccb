//! Policies to begin with.

use jiff::civil::time;
use serde_json::Value;

use super::{
    Anomalies, Break, Count, Deduct, OutOfHours, Policy, Reaction, Scans, TooManyScans, Work,
    closest,
};
use crate::{Error, Result, Seconds};

pub(super) const NAMES: [&str; 1] = ["s3"];

pub(super) fn named(name: &Value) -> Result<Policy> {
    match name.as_str() {
        Some("s3") => Ok(Policy::s3()),
        Some(name) => {
            let hint = closest(name, NAMES.into_iter()).unwrap_or(NAMES[0]);
            Err(Error::policy(
                "preset",
                format!("{name:?} is no preset; did you mean {hint:?}?"),
            ))
        }
        None => Err(Error::policy("preset", "a preset is named by a text")),
    }
}

impl Policy {
    /// The defaults and the lunch arithmetic of system S3, for those who come from there.
    ///
    /// A full day from 6 h, half a day from 3 h, from the first entry to the last exit; a whole hour of lunch as soon as a
    /// second between 12:00 and 14:00 was worked; anomalies outside 06:00 to 22:00, on rest days, and from the eleventh scan
    /// of a day on. Its defects are not copied: midnight resets nothing, and less than half a day is absence.
    ///
    /// ```
    /// use attendance_rules::{Policy, Seconds};
    ///
    /// assert_eq!(Policy::s3().work.half_day, Some(Seconds::hours(3)));
    /// ```
    #[must_use]
    pub fn s3() -> Self {
        Self {
            scans: Scans {
                cooldown: Seconds(60),
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
                deduct: Deduct::Whole,
                paid: false,
            }],
            ..Self::default()
        }
    }
}
