//! Series of sessions by a recurrence rule.

use std::collections::BTreeSet;

use facekit::PersonId;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::Period,
    error::{Error, Result},
    recurrence::{DateBudget, dates},
    seconds::{Seconds, as_seconds},
    session::{Session, SessionRules},
    time::{DayNumber, second_of_day},
    zone::Zone,
};

/// Sessions that recur at the same local time.
///
/// ```
/// use attendance_rules::{Period, Seconds, SessionSeries};
///
/// let maths = SessionSeries::new("maths", "2026-03-16T10:00".parse()?, Seconds::hours(1), "FREQ=WEEKLY;BYDAY=MO");
/// let sessions = maths.sessions("Europe/Berlin", Period::new("2026-03-01".parse()?, "2026-03-31".parse()?)?)?;
/// let starts: Vec<_> = sessions.iter().map(|session| session.start.to_string()).collect();
/// // The clock changed on the 29th.
/// assert_eq!(starts, ["2026-03-16T09:00:00Z", "2026-03-23T09:00:00Z", "2026-03-30T08:00:00Z"]);
/// assert_eq!(sessions[0].id, "maths/2026-03-16");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SessionSeries {
    /// The id. The id of a session is this with its date.
    pub id: String,
    /// The start of the first session, in local time.
    pub start: DateTime,
    /// The length of each session.
    #[serde(rename = "length_seconds", with = "as_seconds")]
    pub length: Seconds,
    /// The days, as an RRULE of RFC 5545: `FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260717`.
    pub rule: String,
    /// Days without a session.
    #[serde(default)]
    pub except: BTreeSet<Date>,
    /// The people who may be marked; `None` for everybody.
    #[serde(default)]
    pub roster: Option<BTreeSet<PersonId>>,
    /// The rules for the status of people.
    #[serde(default)]
    pub rules: SessionRules,
}

impl SessionSeries {
    /// Sessions for everybody, each open from start to end.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        start: DateTime,
        length: Seconds,
        rule: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            start,
            length,
            rule: rule.into(),
            except: BTreeSet::new(),
            roster: None,
            rules: SessionRules::default(),
        }
    }

    /// The sessions of the days of `period`, in a time zone of the IANA database.
    ///
    /// # Errors
    ///
    /// [`Error::Session`] if the rule cannot be read or a session contradicts itself; [`Error::Policy`] for an unknown time
    /// zone.
    pub fn sessions(&self, time_zone: &str, period: Period) -> Result<Vec<Session>> {
        let zone =
            Zone::new(time_zone).map_err(|reason| Error::policy("site.time_zone", reason))?;
        let mut budget = DateBudget::new();
        let days = dates(
            self.start,
            &self.rule,
            &zone,
            period.day_numbers(),
            &mut budget,
        );
        let days = days.map_err(|reason| {
            Error::session(&self.id, format!("rule {:?}: {reason}", self.rule))
        })?;
        let days = days
            .into_iter()
            .filter(|&day| zone.exists(day) && !self.except.contains(&day.date()));
        let session = |day: DayNumber| {
            let start = zone.at(day, second_of_day(self.start.time()));
            let session = Session {
                id: format!("{}/{day}", self.id),
                start: start.timestamp(),
                end: start.saturating_add(self.length.0).timestamp(),
                roster: self.roster.clone(),
                rules: self.rules.clone(),
            };
            session.window().map(|_| session)
        };
        days.map(session).collect()
    }
}
