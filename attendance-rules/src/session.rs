//! Sessions: classes and meetings in which each person is marked once.

use std::collections::{BTreeMap, BTreeSet};

use facekit::{
    Anomaly, AttendancePolicy, Decision, Direction, Mark, PersonId, Severity, Sighting, Verdict,
};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    punch::{Punch, PunchId},
    refusal::Refusal,
    schema,
    seconds::{Seconds, as_seconds},
    time::{DAY, Instant},
};

/// Rules for the status of people in a session.
///
/// ```
/// use attendance_rules::{Seconds, SessionRules};
///
/// let rules = SessionRules { present_within: Some(Seconds::minutes(15)), ..SessionRules::default() };
/// assert_eq!(rules.opens_before, Seconds(0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionRules {
    /// Scans are accepted from this long before the start on. Default: 0s.
    pub opens_before: Seconds,
    /// A person is present until this long after the start, inclusive. Default: until the end.
    pub present_within: Option<Seconds>,
    /// A person is late until this long after the start, inclusive. Then the session accepts no scans. Default: until the end.
    pub late_within: Option<Seconds>,
    /// The status of people on the roster who are not marked when the session closes. Default: absent.
    pub unmarked: Unmarked,
    /// People scan again when they leave, until this long after the end. Of several such scans, the last counts. A scan within
    /// a minute of another is no scan of leaving. Default: nobody scans when leaving.
    pub leave_within: Option<Seconds>,
    /// A person who leaves earlier than this before the end leaves early. It needs `leave_within`. Default: 0s.
    pub early_before: Seconds,
    /// A person who was there for less than this is absent. The time is from the start or the first scan, whichever is later,
    /// to the last scan, or to the end if there is no second scan or it is later. It needs `leave_within`. Default: 0s.
    pub minimum: Seconds,
}

/// The status of people on the roster who are not marked when a session closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unmarked {
    /// Absent.
    #[default]
    Absent,
    /// Excused.
    Excused,
    /// No entry in the sheet.
    Nothing,
}

/// The status of a person in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum SessionStatus {
    /// Present in time.
    Present,
    /// Present, but late.
    Late,
    /// Not present.
    Absent,
    /// Not present, with an excuse.
    Excused,
}

/// A session: a time window in which each person is marked once.
///
/// It is also an [`AttendancePolicy`]: it accepts the first sighting of each person as an entry, and later ones as exits if
/// people scan when they leave. A late entry has the anomaly `late`.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Session {
    /// The id.
    pub id: String,
    /// The start.
    #[schemars(with = "schema::Time")]
    pub start: Timestamp,
    /// The end.
    #[schemars(with = "schema::Time")]
    pub end: Timestamp,
    /// The people who may be marked; `None` for everybody.
    #[serde(default)]
    #[schemars(with = "Option<BTreeSet<String>>")]
    pub roster: Option<BTreeSet<PersonId>>,
    /// People who need not come. They are excused if they are not marked.
    #[serde(default)]
    #[schemars(with = "BTreeSet<String>")]
    pub excused: BTreeSet<PersonId>,
    /// The id of an earlier session that people make up for here. Nobody is absent in this session. See
    /// [`Statistics::of_sessions`](crate::Statistics::of_sessions).
    #[serde(default)]
    pub makes_up: Option<String>,
    /// The rules for the status of people.
    #[serde(default)]
    pub rules: SessionRules,
}

impl Session {
    /// The JSON Schema (2020-12) of a file of sessions, which is a list.
    ///
    /// ```
    /// let schema = attendance_rules::Session::json_schema();
    /// assert_eq!(schema["items"]["$ref"], "#/$defs/Session");
    /// ```
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        schema::of_list::<Self>("sessions")
    }

    /// A session for everybody, open from start to end.
    #[must_use]
    pub fn new(id: impl Into<String>, start: Timestamp, end: Timestamp) -> Self {
        Self {
            id: id.into(),
            start,
            end,
            roster: None,
            excused: BTreeSet::new(),
            makes_up: None,
            rules: SessionRules::default(),
        }
    }

    /// A session that starts at `now` and lasts for `length`.
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
            Instant::of(now).saturating_add(length.0).timestamp(),
        )
    }

    /// Sets [`roster`](Self::roster).
    #[must_use]
    pub fn with_roster(mut self, roster: impl IntoIterator<Item = PersonId>) -> Self {
        self.roster = Some(roster.into_iter().collect());
        self
    }

    /// Sets [`excused`](Self::excused).
    #[must_use]
    pub fn with_excused(mut self, excused: impl IntoIterator<Item = PersonId>) -> Self {
        self.excused = excused.into_iter().collect();
        self
    }

    /// Sets [`makes_up`](Self::makes_up).
    #[must_use]
    pub fn with_makes_up(mut self, session: impl Into<String>) -> Self {
        self.makes_up = Some(session.into());
        self
    }

    /// Sets [`rules`](Self::rules).
    #[must_use]
    pub fn with_rules(mut self, rules: SessionRules) -> Self {
        self.rules = rules;
        self
    }

    /// The window in which scans are accepted.
    ///
    /// # Errors
    ///
    /// [`Error::Session`] if the session ends before it starts, a length of time is negative or too long, or `late_within` is
    /// less than `present_within`.
    pub(crate) fn window(&self) -> Result<SessionWindow> {
        let wrong = |reason: String| Err(Error::session(&self.id, reason));
        let start = Instant::checked(self.start, || format!("session {:?}", self.id))?;
        let end = Instant::checked(self.end, || format!("session {:?}", self.id))?;
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
            ("leave_within", rules.leave_within.unwrap_or_default()),
            ("early_before", rules.early_before),
            ("minimum", rules.minimum),
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
        let needs_leaving = [
            ("early_before", rules.early_before),
            ("minimum", rules.minimum),
        ];
        if rules.leave_within.is_none()
            && let Some((name, _)) = needs_leaving.iter().find(|it| it.1.0 > 0)
        {
            return wrong(format!(
                "{name} needs leave_within, so that people scan when they leave"
            ));
        }
        if rules.minimum.0 > end - start {
            let (minimum, long) = (rules.minimum, Seconds(end - start));
            return wrong(format!(
                "minimum ({minimum}) is longer than the session ({long})"
            ));
        }
        Ok(SessionWindow {
            start,
            end,
            opens: start - rules.opens_before.0,
            present_until: start + present.min(late),
            closes: start + late,
            leaves_until: rules.leave_within.map(|within| end + within.0),
        })
    }

    /// The status of a person who is seen at `at`.
    fn status(
        &self,
        window: &SessionWindow,
        person: &PersonId,
        at: Instant,
    ) -> Result<SessionStatus, Refusal> {
        let roster = self.roster.as_ref();
        if roster.is_some_and(|roster| !roster.contains(person)) {
            let reason = "the person is not on the roster";
            Err(Refusal::new("not_on_roster", reason))
        } else if at < window.opens {
            Err(Refusal::new("not_open", "the session is not open yet"))
        } else if at > window.closes {
            Err(Refusal::new("closed", "the session is closed"))
        } else if at > window.present_until {
            Ok(SessionStatus::Late)
        } else {
            Ok(SessionStatus::Present)
        }
    }

    /// The status of each person, as known at `as_of`. Of the punches of a person, the first in the window counts. If people
    /// scan when they leave, the last one counts, too. Punches may be in any order and repeated. People without a punch are
    /// left out until the session has closed.
    ///
    /// # Errors
    ///
    /// [`Error::Session`] if the session contradicts itself; [`Error::DuplicateId`] if two different punches have the same id;
    /// [`Error::TimeOutOfRange`].
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
        let window = self.window()?;
        let now = Instant::checked(as_of, || "as_of".to_owned())?;
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
            let at = Instant::checked(punch.at, || format!("punch {:?}", punch.id))?;
            let status = if at > now {
                Err(Refusal::future())
            } else if let Some(mark) = marks.get_mut(&punch.person) {
                let last = mark.left.or(mark.at);
                if last.is_some_and(|last| window.is_leaving(Instant::of(last), at)) {
                    mark.left = Some(punch.at);
                    continue;
                }
                let reason = "the person is marked already";
                Err(Refusal::new("already_marked", reason))
            } else {
                self.status(&window, &punch.person, at)
            };
            match status {
                Ok(status) => {
                    let late = match status {
                        SessionStatus::Late => at - Instant::of(self.start),
                        _ => 0,
                    };
                    let mark = SessionMark {
                        person: punch.person.clone(),
                        status,
                        at: Some(punch.at),
                        late: Seconds(late),
                        punch: Some(punch.id.clone()),
                        left: None,
                        left_early: Seconds(0),
                    };
                    marks.insert(punch.person.clone(), mark);
                }
                Err(refusal) => refused.push(RefusedPunch {
                    punch: punch.id.clone(),
                    code: refusal.code.to_owned(),
                    reason: refusal.reason,
                }),
            }
        }
        let is_closed = now > window.over();
        if is_closed {
            for mark in marks.values_mut() {
                self.judge_leaving(&window, mark);
            }
            self.mark_others(&mut marks);
        }
        Ok(SessionSheet {
            session: self.id.clone(),
            is_closed,
            makes_up: self.makes_up.clone(),
            marks: marks.into_values().collect(),
            refused,
        })
    }

    /// Records early leaving, and marks people as absent who were there for less than the minimum.
    fn judge_leaving(&self, window: &SessionWindow, mark: &mut SessionMark) {
        let Some(at) = mark.at.filter(|_| window.leaves_until.is_some()) else {
            return;
        };
        let left = mark
            .left
            .map_or(window.end, |left| Instant::of(left).min(window.end));
        let early = window.end - left;
        if early > self.rules.early_before.0 {
            mark.left_early = Seconds(early);
        }
        if left - Instant::of(at).max(window.start) < self.rules.minimum.0 {
            mark.status = SessionStatus::Absent;
        }
    }

    /// Marks the people who have no mark: those who are excused, and the others of the roster.
    fn mark_others(&self, marks: &mut BTreeMap<PersonId, SessionMark>) {
        let mut mark = |person: &PersonId, status| {
            marks.entry(person.clone()).or_insert_with(|| SessionMark {
                person: person.clone(),
                status,
                at: None,
                late: Seconds(0),
                punch: None,
                left: None,
                left_early: Seconds(0),
            });
        };
        for person in &self.excused {
            mark(person, SessionStatus::Excused);
        }
        let status = match self.rules.unmarked {
            _ if self.makes_up.is_some() => return,
            Unmarked::Absent => SessionStatus::Absent,
            Unmarked::Excused => SessionStatus::Excused,
            Unmarked::Nothing => return,
        };
        for person in self.roster.iter().flatten() {
            mark(person, status);
        }
    }
}

/// Two scans that are nearer than this are one, in seconds.
const SAME_SCAN: i64 = 60;

/// The window of a session. All instants but `end` are inclusive.
pub(crate) struct SessionWindow {
    start: Instant,
    end: Instant,
    opens: Instant,
    present_until: Instant,
    closes: Instant,
    /// The last second at which a scan is one of leaving, if people scan when they leave.
    leaves_until: Option<Instant>,
}

impl SessionWindow {
    fn contains(&self, at: Instant) -> bool {
        (self.opens..=self.over()).contains(&at)
    }

    /// The last second at which a scan can matter.
    fn over(&self) -> Instant {
        self.closes.max(self.leaves_until.unwrap_or(self.closes))
    }

    /// Returns `true` if a scan at `at` of a person whose last scan was at `last` is a scan of leaving.
    fn is_leaving(&self, last: Instant, at: Instant) -> bool {
        let in_time = self.leaves_until.is_some_and(|until| at <= until);
        in_time && at > self.start && at - last >= SAME_SCAN
    }
}

/// The status of each person in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionSheet {
    /// The id of the session.
    pub session: String,
    /// The session accepts no more scans.
    pub is_closed: bool,
    /// The id of the session that people make up for.
    #[serde(default)]
    pub makes_up: Option<String>,
    /// The marks, in order of the person's id.
    pub marks: Vec<SessionMark>,
    /// The punches that do not count, in order of time.
    pub refused: Vec<RefusedPunch>,
}

/// The mark of a person in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionMark {
    /// The person.
    pub person: PersonId,
    /// The status.
    pub status: SessionStatus,
    /// The time of the punch, if there was one.
    pub at: Option<Timestamp>,
    /// The time after the start, if the person was late; else 0.
    #[serde(rename = "late_seconds", with = "as_seconds")]
    pub late: Seconds,
    /// The punch that counts.
    pub punch: Option<PunchId>,
    /// The time of the punch of leaving, if there was one.
    #[serde(default)]
    pub left: Option<Timestamp>,
    /// The time from leaving to the end, if that is early; else 0.
    #[serde(default, rename = "left_early_seconds", with = "as_seconds")]
    pub left_early: Seconds,
}

/// A punch that does not count in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefusedPunch {
    /// The punch.
    pub punch: PunchId,
    /// The code: `not_on_roster`, `not_open`, `closed`, `already_marked` or `future`.
    pub code: String,
    /// The reason, for people.
    pub reason: String,
}

impl AttendancePolicy for Session {
    fn lookback(&self) -> SignedDuration {
        // The time before the start, the session and the time after it are at most two days each.
        SignedDuration::from_secs(6 * DAY)
    }

    fn decide(&self, past: &[Mark], sighting: &Sighting) -> facekit::Result<Decision> {
        if past.last().is_some_and(|last| last.at > sighting.at) {
            return Err(facekit::Error::argument(
                "past",
                "a mark is later than the sighting",
            ));
        }
        let window = self.window()?;
        let at = Instant::checked(sighting.at, || "sighting".to_owned())?;
        let in_window = |mark: &&Mark| window.contains(Instant::of(mark.at));
        if let Some(last) = past.iter().rfind(in_window)
            && window.contains(at)
        {
            if window.is_leaving(Instant::of(last.at), at) {
                let first = past.iter().find(in_window);
                let mut decision = Decision::new(Verdict::Accepted {
                    direction: Direction::Exit,
                });
                decision.opened = first.map(|mark| mark.at);
                return Ok(decision);
            }
            let seconds_left = (window.over() - at + 1).unsigned_abs();
            return Ok(Decision::new(Verdict::Duplicate { seconds_left }));
        }
        let status = match self.status(&window, &sighting.person, at) {
            Ok(status) => status,
            Err(refusal) => return Ok(Decision::new(refusal.into())),
        };
        let mut decision = Decision::new(Verdict::Accepted {
            direction: Direction::Entry,
        });
        decision.opened = Some(sighting.at);
        if status == SessionStatus::Late {
            let late = at - Instant::of(self.start);
            let message = format!("{} after the start", Seconds(late));
            let anomaly = Anomaly::new("late", message).with_severity(Severity::Info);
            decision.anomalies.push(anomaly.with("late_seconds", late));
        }
        Ok(decision)
    }
}
