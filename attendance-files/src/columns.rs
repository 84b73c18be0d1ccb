//! Which column has what.

use attendance_rules::Columns;

use crate::error::{Error, Result};

/// Common names of the columns of punches, in lower case, without signs and spaces. An earlier name precedes a later one.
pub(crate) const PERSON: &[&str] = &[
    "person",
    "personid",
    "personno",
    "employeeid",
    "employeeno",
    "employeenumber",
    "employeecode",
    "employee",
    "empid",
    "empno",
    "empcode",
    "emp",
    "userid",
    "userno",
    "user",
    "enno",
    "enrollno",
    "enrollnumber",
    "enrollid",
    "acno",
    "staffid",
    "staffno",
    "staff",
    "studentid",
    "student",
    "memberid",
    "member",
    "pin",
    "badgenumber",
    "badgeno",
    "badgeid",
    "badge",
    "cardno",
    "cardnumber",
    "personalnummer",
    "personalnr",
    "mitarbeiter",
    "matricule",
    "empleado",
    "no",
    "number",
    "name",
];
const AT: &[&str] = &[
    "at",
    "timestamp",
    "datetime",
    "dateandtime",
    "dateandtimes",
    "checktime",
    "punchtime",
    "logtime",
    "eventtime",
    "recordtime",
    "scantime",
    "attendancetime",
    "punchdatetime",
    "logdate",
    "sdatetime",
    "zeitpunkt",
    "zeitstempel",
    "time",
];
const DATE: &[&str] = &[
    "date",
    "day",
    "punchdate",
    "attendancedate",
    "datum",
    "fecha",
];
const TIME: &[&str] = &[
    "time",
    "timeofday",
    "clock",
    "punchtime",
    "uhrzeit",
    "zeit",
    "hora",
    "heure",
];
const KIND: &[&str] = &[
    "kind",
    "direction",
    "inout",
    "inoutmode",
    "inoutstate",
    "inoutstatus",
    "punchstate",
    "punchtype",
    "checktype",
    "state",
    "status",
    "eventtype",
    "event",
    "type",
    "richtung",
];
const DEVICE: &[&str] = &[
    "device",
    "deviceid",
    "deviceno",
    "devicename",
    "terminal",
    "terminalid",
    "tmno",
    "gmno",
    "machine",
    "machineno",
    "machineid",
    "machinenumber",
    "reader",
    "door",
    "sn",
    "serialnumber",
];
const ID: &[&str] = &["id", "punchid", "recordid", "logid", "transactionid"];

/// A name without case, signs and spaces.
pub(crate) fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The columns of a header, each of which is used at most once.
pub(crate) struct Header<'a> {
    names: &'a [String],
    plain: Vec<String>,
    used: Vec<bool>,
}

impl<'a> Header<'a> {
    pub(crate) fn new(names: &'a [String]) -> Self {
        Self {
            names,
            plain: names.iter().map(|name| plain(name)).collect(),
            used: vec![false; names.len()],
        }
    }

    /// The column with this name, or with this number.
    pub(crate) fn named(&mut self, field: &'static str, name: &str) -> Result<Option<usize>> {
        let name = name.trim();
        if name.is_empty() {
            return Ok(None);
        }
        let exact = self.names.iter().position(|known| known == name);
        let similar = || {
            self.plain
                .iter()
                .position(|known| !known.is_empty() && *known == plain(name))
        };
        let number = || {
            let number: usize = name.parse().ok()?;
            (1..=self.names.len()).contains(&number).then(|| number - 1)
        };
        let Some(column) = exact.or_else(similar).or_else(number) else {
            let names: Vec<&str> = self
                .names
                .iter()
                .map(String::as_str)
                .filter(|name| !name.is_empty())
                .collect();
            return Err(Error::Column {
                field,
                reason: format!(
                    "there is no column {name:?}; the file has {}",
                    names.join(", ")
                ),
            });
        };
        self.used[column] = true;
        Ok(Some(column))
    }

    /// The first free column with one of these names, in the order of `known`.
    pub(crate) fn guessed(&mut self, known: &[&str]) -> Option<usize> {
        let column = known.iter().find_map(|known| {
            let columns = self.plain.iter().zip(&self.used);
            columns
                .into_iter()
                .position(|(name, used)| !used && name == known)
        })?;
        self.used[column] = true;
        Some(column)
    }

    pub(crate) fn has(&self, known: &[&str]) -> bool {
        self.plain.iter().any(|name| known.contains(&name.as_str()))
    }

    /// The names of the columns that nothing uses.
    pub(crate) fn unused(&self) -> Vec<String> {
        let names = self.names.iter().zip(&self.used);
        let names = names.filter(|(name, used)| !**used && !name.is_empty());
        names.map(|(name, _)| name.clone()).collect()
    }

    /// The names, for error messages.
    pub(crate) fn listed(&self) -> String {
        let names = self
            .names
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty());
        names.collect::<Vec<_>>().join(", ")
    }
}

/// The columns of a punch file, as indices.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PunchColumns {
    pub(crate) person: usize,
    pub(crate) at: At,
    pub(crate) kind: Option<usize>,
    pub(crate) device: Option<usize>,
    pub(crate) id: Option<usize>,
    pub(crate) source: Option<usize>,
    pub(crate) score: Option<usize>,
    pub(crate) liveness: Option<usize>,
}

/// Where the time is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    One(usize),
    DateAndTime(usize, usize),
}

impl Default for At {
    fn default() -> Self {
        Self::One(0)
    }
}

impl PunchColumns {
    /// The columns of ZKTeco's `attlog.dat`, which has no header: person, time, device, kind, way of verification, work code.
    pub(crate) fn attlog() -> Self {
        Self {
            person: 0,
            at: At::One(1),
            device: Some(2),
            kind: Some(3),
            ..Self::default()
        }
    }

    /// The columns of a header, by the layout or by their names.
    pub(crate) fn of(header: &mut Header<'_>, layout: &Columns) -> Result<Self> {
        // Stated columns first, so that no guess takes them.
        let mut stated = |field, name: &Option<String>| match name {
            Some(name) => header.named(field, name).map(Some),
            None => Ok(None),
        };
        let person = stated("person", &layout.person)?;
        let at = stated("at", &layout.at)?;
        let date = stated("date", &layout.date)?;
        let time = stated("time", &layout.time)?;
        let kind = stated("kind", &layout.kind)?;
        let device = stated("device", &layout.device)?;
        let id = stated("id", &layout.id)?;
        let source = stated("source", &layout.source)?;
        let score = stated("score", &layout.score)?;
        let liveness = stated("liveness", &layout.liveness)?;

        let at = match (at.flatten(), date.flatten(), time.flatten()) {
            (Some(at), None, None) => Some(At::One(at)),
            (Some(_), ..) => {
                return Err(Error::Column {
                    field: "at",
                    reason:
                        "state either the column of the date and time, or the columns date and time"
                            .to_owned(),
                });
            }
            (None, Some(date), time) => {
                let time = time.or_else(|| header.guessed(TIME));
                Some(time.map_or(At::One(date), |time| At::DateAndTime(date, time)))
            }
            (None, None, Some(time)) => {
                let date = header.guessed(DATE);
                Some(date.map_or(At::One(time), |date| At::DateAndTime(date, time)))
            }
            (None, None, None) => guessed_time(header),
        };
        let Some(at) = at else {
            return Err(missing("at", "2026-03-02 08:59:30", header));
        };
        let mut or_guessed = |stated: Option<Option<usize>>, known: &[&str]| {
            stated.unwrap_or_else(|| header.guessed(known))
        };
        let person = or_guessed(person, PERSON);
        let columns = Self {
            person: 0,
            at,
            kind: or_guessed(kind, KIND),
            device: or_guessed(device, DEVICE),
            id: or_guessed(id, ID),
            source: or_guessed(source, &["source"]),
            score: or_guessed(score, &["score"]),
            liveness: or_guessed(liveness, &["liveness"]),
        };
        let Some(person) = person else {
            return Err(missing("person", "an id", header));
        };
        Ok(Self { person, ..columns })
    }
}

fn guessed_time(header: &mut Header<'_>) -> Option<At> {
    // A column "time" is a time of day if there is a date, too.
    let mut both = AT.iter().filter(|name| !TIME.contains(name));
    let has_both = both.any(|name| header.has(&[*name]));
    if header.has(DATE) && header.has(TIME) && !has_both {
        let date = header.guessed(DATE)?;
        return header.guessed(TIME).map(|time| At::DateAndTime(date, time));
    }
    let at = header.guessed(AT).or_else(|| header.guessed(DATE));
    at.map(At::One)
}

fn missing(field: &'static str, example: &str, header: &Header<'_>) -> Error {
    Error::Column {
        field,
        reason: format!(
            "no column has a known name for it; the file has {}; state the column ({field}=NAME), which has {example} for example",
            header.listed()
        ),
    }
}
