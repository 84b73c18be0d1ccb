//! Series of sessions by a recurrence rule.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

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
    /// Sessions at another time: the day by the rule, and the new start in local time. The id keeps the day by the rule.
    #[serde(default)]
    pub moved: BTreeMap<Date, DateTime>,
    /// Additional sessions: their starts, in local time.
    #[serde(default)]
    pub extra: BTreeSet<DateTime>,
    /// The people who may be marked; `None` for everybody.
    #[serde(default)]
    pub roster: Option<BTreeSet<PersonId>>,
    /// The first day of people on the roster who join late. Earlier sessions do not have them.
    #[serde(default)]
    pub roster_from: BTreeMap<PersonId, Date>,
    /// The last day of people on the roster who leave before the end. Later sessions do not have them.
    #[serde(default)]
    pub roster_until: BTreeMap<PersonId, Date>,
    /// People who need not come on a day.
    #[serde(default)]
    pub excused: BTreeMap<Date, BTreeSet<PersonId>>,
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
            moved: BTreeMap::new(),
            extra: BTreeSet::new(),
            roster: None,
            roster_from: BTreeMap::new(),
            roster_until: BTreeMap::new(),
            excused: BTreeMap::new(),
            rules: SessionRules::default(),
        }
    }

    /// The sessions of the days of `period`, in order of time, in a time zone of the IANA database. A moved session is in the
    /// period of its new day.
    ///
    /// # Errors
    ///
    /// [`Error::Session`] if the rule cannot be read, a session contradicts itself, or `moved` has a day without a session;
    /// [`Error::Policy`] for an unknown time zone.
    pub fn sessions(&self, time_zone: &str, period: Period) -> Result<Vec<Session>> {
        let zone =
            Zone::new(time_zone).map_err(|reason| Error::policy("site.time_zone", reason))?;
        let mut budget = DateBudget::new();
        let mut days_of_rule = |days: RangeInclusive<DayNumber>| {
            let days = dates(self.start, &self.rule, &zone, days, &mut budget);
            days.map_err(|reason| {
                Error::session(&self.id, format!("rule {:?}: {reason}", self.rule))
            })
        };
        let regular = days_of_rule(period.day_numbers())?;
        let regular = regular.into_iter().map(DayNumber::date);
        let mut starts: Vec<(Date, DateTime)> = regular
            .filter(|date| !self.except.contains(date) && !self.moved.contains_key(date))
            .map(|date| (date, date.to_datetime(self.start.time())))
            .collect();
        for (&date, &start) in &self.moved {
            let day = DayNumber::of(date);
            if days_of_rule(day..=day)?.is_empty() {
                let reason = format!("moved {date}: the rule has no session on this day");
                return Err(Error::session(&self.id, reason));
            }
            starts.push((date, start));
        }
        starts.extend(self.extra.iter().map(|&start| (start.date(), start)));
        starts.sort_unstable_by_key(|&(date, start)| (start, date));
        let days = period.day_numbers();
        let in_period = |start: &DateTime| days.contains(&DayNumber::of(start.date()));
        let starts = starts.into_iter().filter(|(_, start)| in_period(start));
        let mut ids = BTreeSet::new();
        let sessions = starts.filter(|(_, start)| zone.exists(DayNumber::of(start.date())));
        let sessions = sessions.map(|(date, start)| {
            let mut id = format!("{}/{date}", self.id);
            if !ids.insert(id.clone()) {
                id = format!("{}/{start}", self.id);
            }
            self.session(id, start, &zone)
        });
        sessions.collect()
    }

    /// The session that starts at a local time.
    fn session(&self, id: String, at: DateTime, zone: &Zone) -> Result<Session> {
        let date = at.date();
        let start = zone.at(DayNumber::of(date), second_of_day(at.time()));
        let on_roster = |person: &&PersonId| {
            let from = self.roster_from.get(*person);
            let until = self.roster_until.get(*person);
            from.is_none_or(|from| *from <= date) && until.is_none_or(|until| date <= *until)
        };
        let roster = self.roster.as_ref();
        let session = Session {
            id,
            start: start.timestamp(),
            end: start.saturating_add(self.length.0).timestamp(),
            roster: roster.map(|people| people.iter().filter(on_roster).cloned().collect()),
            excused: self.excused.get(&date).cloned().unwrap_or_default(),
            makes_up: None,
            rules: self.rules.clone(),
        };
        session.window().map(|_| session)
    }
}
