//! Sessions: classes and meetings that people are marked present at, once.

use std::collections::{BTreeMap, BTreeSet};

use facekit::{
    Anomaly, AttendancePolicy, Decision, Direction, Mark, PersonId, Severity, Sighting, Verdict,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Punch, PunchId, Result, Seconds,
    time::{DAY, checked, seconds_of, timestamp_of},
};

/// Who counts as what in a session.
///
/// ```
/// use attendance_rules::{Seconds, SessionRules};
///
/// let rules = SessionRules { present_within: Some(Seconds::minutes(15)), ..SessionRules::default() };
/// assert_eq!(rules.opens_before, Seconds(0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionRules {
    /// How long before the start scans are accepted. Default: 0s.
    pub opens_before: Seconds,
    /// Until this long after the start, inclusive, one is present. Default: until the end.
    pub present_within: Option<Seconds>,
    /// Until this long after the start, inclusive, one is late; then the session is closed to scans. Default: until the end.
    pub late_within: Option<Seconds>,
    /// What those on the roster become who are not marked when it closes.
    pub unmarked: Unmarked,
}

/// What becomes of those who are not marked when a session closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmarked {
    /// They were absent.
    #[default]
    Absent,
    /// They were excused.
    Excused,
    /// Nothing is written.
    Nothing,
}

/// What somebody was in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum SessionStatus {
    /// In time.
    Present,
    /// Late.
    Late,
    /// Not there.
    Absent,
    /// Not there, and need not have been.
    Excused,
}

/// A session: a window of time in which people are marked, once each.
///
/// It is an [`AttendancePolicy`], too: it accepts the first sighting of each person as an entry, with the anomaly `late`
/// where that is so.
///
/// ```
/// use attendance_rules::{Seconds, Session, SessionRules};
/// use facekit::{AttendancePolicy, PersonId, Sighting, Verdict};
///
/// let session = Session::new("maths", "2026-03-02T10:00:00Z".parse().unwrap(), "2026-03-02T11:00:00Z".parse().unwrap());
/// let early = Sighting::new(PersonId::new("anna")?, "2026-03-02T09:59:00Z".parse().unwrap());
/// let decision = session.decide(&[], &early)?;
/// assert!(matches!(decision.verdict, Verdict::Refused { code, .. } if code == "not_open"));
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Session {
    /// Its name.
    pub id: String,
    /// When it starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Who may be marked; `None` for everybody.
    #[serde(default)]
    pub roster: Option<BTreeSet<PersonId>>,
    /// Who counts as what.
    #[serde(default)]
    pub rules: SessionRules,
}

impl Session {
    /// A session for everybody, open from start to end.
    #[must_use]
    pub fn new(id: impl Into<String>, start: Timestamp, end: Timestamp) -> Self {
        Self {
            id: id.into(),
            start,
            end,
            roster: None,
            rules: SessionRules::default(),
        }
    }

    /// A session that starts now, which the caller says, and lasts for `length`.
    ///
    /// ```
    /// use attendance_rules::{Seconds, Session};
    ///
    /// let session = Session::instant("meeting", "2026-03-02T10:00:00Z".parse().unwrap(), Seconds::minutes(45));
    /// assert_eq!(session.end.to_string(), "2026-03-02T10:45:00Z");
    /// ```
    #[must_use]
    pub fn instant(id: impl Into<String>, now: Timestamp, length: Seconds) -> Self {
        Self::new(
            id,
            now,
            timestamp_of(seconds_of(now).saturating_add(length.0)),
        )
    }

    /// Sets [`roster`](Self::roster).
    #[must_use]
    pub fn with_roster(mut self, roster: impl IntoIterator<Item = PersonId>) -> Self {
        self.roster = Some(roster.into_iter().collect());
        self
    }

    /// Sets [`rules`](Self::rules).
    #[must_use]
    pub fn with_rules(mut self, rules: SessionRules) -> Self {
        self.rules = rules;
        self
    }

    /// The first second, the last second in which one is present, and the last in which one is late.
    ///
    /// # Errors
    ///
    /// [`Error::Session`] where the session ends before it starts, a length of time is negative, or being late ends before
    /// being present does.
    fn window(&self) -> Result<(i64, i64, i64)> {
        let wrong = |reason: String| Err(Error::session(&self.id, reason));
        let start = checked(self.start, || format!("session {:?}", self.id))?;
        let end = checked(self.end, || format!("session {:?}", self.id))?;
        if end <= start {
            return wrong(format!(
                "it ends at {}, not after its start at {}",
                self.end, self.start
            ));
        }
        if end - start > 2 * DAY {
            return wrong("it is longer than two days".to_owned());
        }
        let length = end - start - 1;
        let rules = &self.rules;
        let lengths = [
            ("opens_before", rules.opens_before),
            ("present_within", rules.present_within.unwrap_or_default()),
            ("late_within", rules.late_within.unwrap_or_default()),
        ];
        if let Some((name, value)) = lengths
            .iter()
            .find(|(_, value)| !(0..=2 * DAY).contains(&value.0))
        {
            return wrong(format!("{name} is {value}, not within 0s to 48h"));
        }
        let present = rules.present_within.map_or(length, |within| within.0);
        let late = rules
            .late_within
            .map_or_else(|| length.max(present), |within| within.0);
        if late < present && rules.present_within.is_some() {
            let (late, present) = (Seconds(late), Seconds(present));
            return wrong(format!(
                "late_within ({late}) is less than present_within ({present})"
            ));
        }
        Ok((
            start - rules.opens_before.0,
            start + present.min(late),
            start + late,
        ))
    }

    /// What a person is who is seen at `at`, or the code and reason why not.
    fn status(
        &self,
        person: &PersonId,
        at: i64,
    ) -> Result<Result<SessionStatus, (&'static str, String)>> {
        let (opens, present, closes) = self.window()?;
        let refused = |code, reason: &str| Ok(Err((code, reason.to_owned())));
        if self
            .roster
            .as_ref()
            .is_some_and(|roster| !roster.contains(person))
        {
            refused("not_on_roster", "the person is not on the roster")
        } else if at < opens {
            refused("not_open", "the session is not open yet")
        } else if at > closes {
            refused("closed", "the session is closed")
        } else if at > present {
            Ok(Ok(SessionStatus::Late))
        } else {
            Ok(Ok(SessionStatus::Present))
        }
    }

    /// Who was what, as of an instant. Of somebody's punches the first in the window counts; order and repetitions do not
    /// matter. Until the session has closed, those who are not marked are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Session`] where the session contradicts itself; [`Error::DuplicateId`] where two different punches have one
    /// id.
    ///
    /// ```
    /// use attendance_rules::{Punch, Session, SessionStatus};
    /// use facekit::PersonId;
    ///
    /// let session = Session::new("maths", "2026-03-02T10:00:00Z".parse()?, "2026-03-02T11:00:00Z".parse()?)
    ///     .with_roster([PersonId::new("anna")?, PersonId::new("bert")?]);
    /// let punch = Punch::new("1", PersonId::new("anna")?, "2026-03-02T10:10:00Z".parse()?);
    /// let sheet = session.evaluate(&[punch], "2026-03-02T11:00:00Z".parse()?)?;
    /// let statuses: Vec<_> = sheet.marks.iter().map(|mark| mark.status).collect();
    /// assert_eq!(statuses, [SessionStatus::Present, SessionStatus::Absent]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evaluate(&self, punches: &[Punch], as_of: Timestamp) -> Result<SessionSheet> {
        let (_, _, closes) = self.window()?;
        let start = seconds_of(self.start);
        let now = checked(as_of, || "as_of".to_owned())?;
        let mut ordered: Vec<&Punch> = punches.iter().collect();
        ordered.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        ordered.dedup_by(|a, b| a == b);
        let mut ids = BTreeSet::new();
        let mut marks: BTreeMap<PersonId, SessionMark> = BTreeMap::new();
        let mut refused = Vec::new();
        for punch in ordered {
            if !ids.insert(&punch.id) {
                return Err(Error::DuplicateId {
                    what: "punch",
                    id: punch.id.to_string(),
                });
            }
            let at = checked(punch.at, || format!("punch {:?}", punch.id))?;
            let status = if at > now {
                Err((
                    "future",
                    "it is later than the time of evaluation".to_owned(),
                ))
            } else if marks.contains_key(&punch.person) {
                Err(("already_marked", "the person is marked already".to_owned()))
            } else {
                self.status(&punch.person, at)?
            };
            match status {
                Ok(status) => {
                    let late = if status == SessionStatus::Late {
                        at - start
                    } else {
                        0
                    };
                    let (person, id) = (punch.person.clone(), Some(punch.id.clone()));
                    let mark = SessionMark {
                        person,
                        status,
                        at: Some(punch.at),
                        late: Seconds(late),
                        punch: id,
                    };
                    marks.insert(punch.person.clone(), mark);
                }
                Err((code, reason)) => {
                    let punch = punch.id.clone();
                    refused.push(RefusedPunch {
                        punch,
                        code: code.to_owned(),
                        reason,
                    });
                }
            }
        }
        let is_closed = now > closes;
        let unmarked = match self.rules.unmarked {
            Unmarked::Absent => Some(SessionStatus::Absent),
            Unmarked::Excused => Some(SessionStatus::Excused),
            Unmarked::Nothing => None,
        };
        if let Some(status) = unmarked.filter(|_| is_closed) {
            for person in self.roster.iter().flatten() {
                marks.entry(person.clone()).or_insert_with(|| SessionMark {
                    person: person.clone(),
                    status,
                    at: None,
                    late: Seconds(0),
                    punch: None,
                });
            }
        }
        Ok(SessionSheet {
            session: self.id.clone(),
            is_closed,
            marks: marks.into_values().collect(),
            refused,
        })
    }
}

/// Who was what in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionSheet {
    /// The session's id.
    pub session: String,
    /// No scan counts any more.
    pub is_closed: bool,
    /// In order of id.
    pub marks: Vec<SessionMark>,
    /// The punches that do not count, in order of time.
    pub refused: Vec<RefusedPunch>,
}

/// What somebody was in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionMark {
    /// Who.
    pub person: PersonId,
    /// What.
    pub status: SessionStatus,
    /// When, where there was a punch.
    pub at: Option<Timestamp>,
    /// How much after the start, for those who were late.
    #[serde(rename = "late_seconds", with = "crate::time::as_seconds")]
    pub late: Seconds,
    /// The punch that counts.
    pub punch: Option<PunchId>,
}

/// A punch that does not count in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefusedPunch {
    /// The punch.
    pub punch: PunchId,
    /// `not_on_roster`, `not_open`, `closed`, `already_marked` or `future`.
    pub code: String,
    /// The reason, for people.
    pub reason: String,
}

impl AttendancePolicy for Session {
    fn lookback(&self) -> SignedDuration {
        // Opening, session and what is late after it are two days each at most.
        SignedDuration::from_secs(6 * DAY)
    }

    fn decide(&self, past: &[Mark], sighting: &Sighting) -> facekit::Result<Decision> {
        if past.last().is_some_and(|last| last.at > sighting.at) {
            return Err(facekit::Error::argument(
                "past",
                "a mark is later than the sighting",
            ));
        }
        let (opens, _, closes) = self.window()?;
        let at = checked(sighting.at, || "sighting".to_owned())?;
        let marked = past
            .iter()
            .any(|mark| (opens..=closes).contains(&seconds_of(mark.at)));
        if marked && (opens..=closes).contains(&at) {
            let seconds_left = (closes - at + 1).unsigned_abs();
            return Ok(Decision::new(Verdict::Duplicate { seconds_left }));
        }
        Ok(match self.status(&sighting.person, at)? {
            Ok(status) => {
                let mut decision = Decision::new(Verdict::Accepted {
                    direction: Direction::Entry,
                });
                decision.opened = Some(sighting.at);
                if status == SessionStatus::Late {
                    let late = at - seconds_of(self.start);
                    let anomaly =
                        Anomaly::new("late", format!("{} after the start", Seconds(late)));
                    decision.anomalies.push(
                        anomaly
                            .with_severity(Severity::Info)
                            .with("late_seconds", late),
                    );
                }
                decision
            }
            Err((code, reason)) => Decision::new(Verdict::Refused {
                code: code.to_owned(),
                reason,
            }),
        })
    }
}

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
#[cfg(feature = "ical")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SessionSeries {
    /// The name; a session's is this and its date.
    pub id: String,
    /// When the first starts, in local time.
    pub start: jiff::civil::DateTime,
    /// How long each lasts.
    #[serde(rename = "length_seconds", with = "crate::time::as_seconds")]
    pub length: Seconds,
    /// An RRULE of RFC 5545 that says on which days: `FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260717`.
    pub rule: String,
    /// Days on which there is none.
    #[serde(default)]
    pub except: BTreeSet<jiff::civil::Date>,
    /// Who may be marked; `None` for everybody.
    #[serde(default)]
    pub roster: Option<BTreeSet<PersonId>>,
    /// Who counts as what.
    #[serde(default)]
    pub rules: SessionRules,
}

#[cfg(feature = "ical")]
impl SessionSeries {
    /// Sessions for everybody, each open from start to end.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        start: jiff::civil::DateTime,
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
    /// [`Error::Session`] where the rule cannot be read or a session contradicts itself; [`Error::Policy`] for an unknown
    /// time zone.
    pub fn sessions(&self, time_zone: &str, period: crate::Period) -> Result<Vec<Session>> {
        use crate::time::{Zone, date_of, second_of};
        let zone =
            Zone::new(time_zone).map_err(|reason| Error::policy("site.time_zone", reason))?;
        let range = period.numbers();
        let range = (*range.start(), *range.end());
        let mut budget = crate::ical::Budget::new();
        let days = crate::ical::dates(self.start, &self.rule, &zone, range, &mut budget).map_err(
            |reason| Error::session(&self.id, format!("rule {:?}: {reason}", self.rule)),
        )?;
        let days = days
            .into_iter()
            .filter(|&day| zone.exists(day) && !self.except.contains(&date_of(day)));
        let session = |day: i32| {
            let start = zone.at(day, second_of(self.start.time()));
            let session = Session {
                id: format!("{}/{}", self.id, date_of(day)),
                start: timestamp_of(start),
                end: timestamp_of(start.saturating_add(self.length.0)),
                roster: self.roster.clone(),
                rules: self.rules.clone(),
            };
            session.window().map(|_| session)
        };
        days.map(session).collect()
    }
}
