//! Attendance: sightings and rules. Records are exchanged as JSON, and `attendance.py` makes dataclasses of them.

use std::collections::BTreeMap;

use attendance_rules::{Calendar, Correction, Error, Member, Period, Policy, Punch, Statistics};
use facekit::{
    AttendancePolicy as _, Mark, PersonId, Sighting,
    jiff::{Timestamp, civil::Date},
};
use pyo3::prelude::*;
use serde::de::DeserializeOwned;

use crate::{errors, recognition::Recognition, value, work};

/// A checked policy with holidays and members. See facekit.attendance.Policy.
#[pyclass(frozen, module = "facekit._facekit", name = "_Rules")]
pub(crate) struct Rules(attendance_rules::Rules);

#[pymethods]
impl Rules {
    /// `format` is "toml" or "json"; `regional` has the holidays of each region; `members` is a list in JSON.
    #[new]
    #[allow(clippy::too_many_arguments, reason = "the arguments of the rules")]
    fn new(
        py: Python<'_>,
        policy: &str,
        format: &str,
        holidays: Option<&str>,
        regional: BTreeMap<String, String>,
        holidays_between: (i16, i16),
        members: &str,
    ) -> PyResult<Self> {
        let members: Vec<Member> = read(py, "members", members)?;
        with_rules(py, || {
            let policy = match format {
                "json" => Policy::from_json(policy)?,
                _ => Policy::from_toml(policy)?,
            };
            let zone = policy.site.time_zone.clone();
            let calendar = |text: &str| holidays_of(text, &zone, holidays_between);
            let everybody = holidays.map_or_else(|| Ok(Calendar::new()), calendar)?;
            let mut rules = attendance_rules::Rules::new(policy)?.with_calendar(everybody);
            for (region, text) in &regional {
                rules = rules.with_regional_calendar(region, calendar(text)?)?;
            }
            rules.with_members(members)
        })
        .map(Self)
    }

    /// The site's time zone.
    #[getter]
    fn time_zone(&self) -> &str {
        &self.0.policy().site.time_zone
    }

    /// The complete policy as TOML.
    fn to_toml(&self, py: Python<'_>) -> PyResult<String> {
        with_rules(py, || self.0.policy().to_toml())
    }

    /// `past` is a list of marks and `sighting` a sighting, in JSON. Returns the decision and its mark.
    fn decide(&self, py: Python<'_>, past: &str, sighting: &str) -> PyResult<String> {
        let past: Vec<Mark> = read(py, "past", past)?;
        let sighting: Sighting = read(py, "sighting", sighting)?;
        let decision = work::detached(py, || self.0.decide(&past, &sighting))?;
        let mark = decision.mark(&sighting);
        value::to_json(py, &(decision, mark))
    }

    /// `punches` and `corrections` are lists in JSON, `from_` and `to` dates, `as_of` a time. Returns the ledger and the statistics.
    #[allow(clippy::too_many_arguments, reason = "the arguments of the rules")]
    fn evaluate(
        &self,
        py: Python<'_>,
        person: &str,
        punches: &str,
        corrections: &str,
        from_: &str,
        to: &str,
        as_of: &str,
    ) -> PyResult<String> {
        let person = id(py, person)?;
        let punches: Vec<Punch> = read(py, "punches", punches)?;
        let corrections: Vec<Correction> = read(py, "corrections", corrections)?;
        let (from, to) = (date(py, "from", from_)?, date(py, "to", to)?);
        let as_of = time(py, "as_of", as_of)?;
        let ledger = with_rules(py, || {
            let period = Period::new(from, to)?;
            self.0
                .evaluate(&person, &punches, &corrections, period, as_of)
        })?;
        let statistics = Statistics::of(&ledger.days);
        value::to_json(py, &(ledger, statistics))
    }

    /// `punches` and `corrections` are lists in JSON, `at` is a time. Returns the presence.
    fn presence(
        &self,
        py: Python<'_>,
        person: &str,
        punches: &str,
        corrections: &str,
        at: &str,
    ) -> PyResult<String> {
        let person = id(py, person)?;
        let punches: Vec<Punch> = read(py, "punches", punches)?;
        let corrections: Vec<Correction> = read(py, "corrections", corrections)?;
        let at = time(py, "at", at)?;
        let presence = with_rules(py, || self.0.presence(&person, &punches, &corrections, at))?;
        value::to_json(py, &presence)
    }
}

/// The id, score and liveness of a person in a frame.
type Seen = (String, Option<f32>, Option<f32>);

/// See facekit.sightings. The people are in order of id.
#[pyfunction]
#[pyo3(name = "_sightings")]
pub(crate) fn sightings(
    py: Python<'_>,
    faces: Vec<PyRef<'_, Recognition>>,
    at: &str,
) -> PyResult<Vec<Seen>> {
    let at = time(py, "at", at)?;
    let faces: Vec<facekit::Recognition> = faces.iter().map(|face| face.face().clone()).collect();
    Ok(facekit::sightings(&faces, at)
        .into_iter()
        .map(|sighting| (sighting.person.into(), sighting.score, sighting.liveness))
        .collect())
}

/// The holidays of these years, both included. A calendar can be read for ten years at a time.
fn holidays_of(text: &str, zone: &str, (first, last): (i16, i16)) -> Result<Calendar, Error> {
    let mut holidays = Calendar::new();
    for from in (first..=last).step_by(10) {
        let to = last.min(from.saturating_add(9));
        let period = Period::new(day(from, 1, 1)?, day(to, 12, 31)?)?;
        for (date, holiday) in Calendar::from_ics(text, zone, period)?.iter() {
            holidays.add(date, &holiday.name, holiday.half);
        }
    }
    Ok(holidays)
}

fn day(year: i16, month: i8, day: i8) -> Result<Date, Error> {
    Date::new(year, month, day).map_err(|error| Error::Calendar {
        event: None,
        reason: error.to_string(),
    })
}

/// Calls the rules without the interpreter. Their errors are about the arguments.
fn with_rules<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    let result = work::detached(py, || Ok(work()))?;
    result.map_err(|error| errors::attendance(py, &error))
}

fn read<T: DeserializeOwned>(py: Python<'_>, argument: &'static str, json: &str) -> PyResult<T> {
    serde_json::from_str(json).map_err(|error| errors::argument(py, argument, error))
}

fn id(py: Python<'_>, person: &str) -> PyResult<PersonId> {
    PersonId::new(person).map_err(|error| errors::to_python(py, &error))
}

fn date(py: Python<'_>, argument: &'static str, text: &str) -> PyResult<Date> {
    text.parse()
        .map_err(|error| errors::argument(py, argument, error))
}

fn time(py: Python<'_>, argument: &'static str, text: &str) -> PyResult<Timestamp> {
    text.parse()
        .map_err(|error| errors::argument(py, argument, error))
}
