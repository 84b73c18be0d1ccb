//! Arguments from Python as options of the core.

use std::num::NonZeroUsize;

use facekit::{
    Error, Passes, PersonId, QualityOptions, RecognizeOptions, Recognizer, Roster, Subject,
    Threshold,
};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyString},
};
use serde_json::{Map, Value};

use crate::{errors, work};

pub(crate) fn threshold(
    py: Python<'_>,
    fmr: Option<f64>,
    fpir: Option<f64>,
    score: Option<f32>,
) -> PyResult<Threshold> {
    match (fmr, fpir, score) {
        (None, None, None) => Ok(Threshold::default()),
        (Some(fmr), None, None) => Ok(Threshold::Fmr(fmr)),
        (None, Some(fpir), None) => Ok(Threshold::Fpir(fpir)),
        (None, None, Some(score)) => Ok(Threshold::Score(score)),
        _ => {
            let reason = "several of fmr, fpir and score given, at most one needed";
            Err(errors::argument(py, "threshold", reason))
        }
    }
}

/// The threshold of one call, if one is given.
pub(crate) fn given_threshold(
    py: Python<'_>,
    fmr: Option<f64>,
    fpir: Option<f64>,
    score: Option<f32>,
) -> PyResult<Option<Threshold>> {
    let given = fmr.is_some() || fpir.is_some() || score.is_some();
    given.then(|| threshold(py, fmr, fpir, score)).transpose()
}

/// Checks that a number is from 0 to 1.
pub(crate) fn fraction(
    py: Python<'_>,
    name: &'static str,
    value: Option<f32>,
) -> PyResult<Option<f32>> {
    match value {
        Some(value) if !(0.0..=1.0).contains(&value) => {
            let reason = format!("{value} given, a number from 0 to 1 needed");
            Err(errors::argument(py, name, reason))
        }
        value => Ok(value),
    }
}

/// A number from 0 on.
pub(crate) fn count(py: Python<'_>, name: &'static str, value: i64) -> PyResult<usize> {
    usize::try_from(value).map_err(|_| {
        let reason = format!("{value} given, an integer of at least 0 needed");
        errors::argument(py, name, reason)
    })
}

/// A number of threads, from 1 on.
pub(crate) fn thread_count(py: Python<'_>, given: Option<i64>) -> PyResult<Option<NonZeroUsize>> {
    let positive = |count: i64| {
        let count = usize::try_from(count).ok().and_then(NonZeroUsize::new);
        count.ok_or_else(|| {
            let reason = format!("{} given, at least 1 needed", given.unwrap_or(0));
            errors::argument(py, "threads", reason)
        })
    };
    given.map(positive).transpose()
}

/// The passes of the detector: None or "auto", "one", or a number of megapixels.
pub(crate) fn passes(py: Python<'_>, given: Option<&Bound<'_, PyAny>>) -> PyResult<Passes> {
    let Some(given) = given else {
        return Ok(Passes::default());
    };
    let wrong = || {
        let reason = format!("{given} given, \"auto\", \"one\" or a number of megapixels needed");
        errors::argument(py, "passes", reason)
    };
    if let Ok(name) = given.cast::<PyString>() {
        return match &*name.to_cow()? {
            "auto" => Ok(Passes::default()),
            "one" => Ok(Passes::One),
            _ => Err(wrong()),
        };
    }
    match given.extract::<f64>() {
        Ok(megapixels) if (0.0..=1e6).contains(&megapixels) => Ok(Passes::Auto {
            max_pixels: (megapixels * 1e6) as usize,
        }),
        _ => Err(wrong()),
    }
}

pub(crate) fn parse_subject(py: Python<'_>, name: &str) -> PyResult<Subject> {
    match name {
        "all" => Ok(Subject::All),
        "largest" => Ok(Subject::Largest),
        "central" => Ok(Subject::Central),
        _ => {
            let reason = format!("{name:?} given, \"all\", \"largest\" or \"central\" needed");
            Err(errors::argument(py, "subject", reason))
        }
    }
}

/// The limits of the quality gate. A dict has changes of `base`, which applies if nothing is given.
pub(crate) fn quality_options(
    py: Python<'_>,
    given: Option<&Bound<'_, PyAny>>,
    base: QualityOptions,
) -> PyResult<QualityOptions> {
    let Some(given) = given else {
        return Ok(base);
    };
    if let Ok(changes) = given.cast::<PyDict>() {
        let json = py.import("json")?.call_method1("dumps", (changes,))?;
        return changed(&base, &json.extract::<String>()?)
            .map_err(|error| errors::argument(py, "quality", error));
    }
    match given.extract::<String>().as_deref() {
        Ok("recognition") => Ok(QualityOptions::recognition()),
        Ok("enrollment") => Ok(QualityOptions::enrollment()),
        Ok("anything") => Ok(QualityOptions::anything()),
        _ => {
            let reason = format!(
                "{} given, \"recognition\", \"enrollment\", \"anything\" or a dict needed",
                given.repr()?
            );
            Err(errors::argument(py, "quality", reason))
        }
    }
}

/// The limits `base` with the changes in a JSON object.
fn changed(base: &QualityOptions, changes: &str) -> serde_json::Result<QualityOptions> {
    let mut limits: Map<String, Value> = serde_json::from_value(serde_json::to_value(base)?)?;
    limits.extend(serde_json::from_str::<Map<String, Value>>(changes)?);
    serde_json::from_value(Value::Object(limits))
}

/// The options of one call. An error if a person of the roster is not in the gallery.
pub(crate) fn recognize_options(
    py: Python<'_>,
    recognizer: &Recognizer,
    roster: Option<&Bound<'_, PyAny>>,
    subject: Option<&str>,
) -> PyResult<RecognizeOptions> {
    let mut options = RecognizeOptions::default();
    options.subject = subject
        .map(|subject| parse_subject(py, subject))
        .transpose()?;
    options.roster = given_roster(py, recognizer, roster)?;
    Ok(options)
}

/// The options of one image: `base`, with the changes in a dict.
pub(crate) fn changed_recognize_options(
    recognizer: &Recognizer,
    base: &RecognizeOptions,
    changes: &Bound<'_, PyDict>,
) -> PyResult<RecognizeOptions> {
    let py = changes.py();
    let mut options = base.clone();
    let (mut fmr, mut fpir, mut score) = (None, None, None);
    for (key, value) in changes {
        match key.extract::<String>()?.as_str() {
            "roster" => options.roster = given_roster(py, recognizer, Some(&value))?,
            "subject" => options.subject = Some(parse_subject(py, &value.extract::<String>()?)?),
            "fmr" => fmr = Some(value.extract()?),
            "fpir" => fpir = Some(value.extract()?),
            "score" => score = Some(value.extract()?),
            other => {
                let reason = format!(
                    "{other:?} given; \"roster\", \"subject\", \"fmr\", \"fpir\" and \"score\" are known"
                );
                return Err(errors::argument(py, "images", reason));
            }
        }
    }
    if let Some(threshold) = given_threshold(py, fmr, fpir, score)? {
        options.threshold = Some(threshold);
    }
    Ok(options)
}

/// The roster of one call, if there is one. An error if a person is not in the gallery.
pub(crate) fn given_roster(
    py: Python<'_>,
    recognizer: &Recognizer,
    people: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Roster>> {
    let Some(people) = people else {
        return Ok(None);
    };
    let people = person_ids(people)?;
    work::detached(py, || match recognizer.gallery() {
        Some(gallery) => gallery.roster(&people).map(Some),
        None => Err(Error::argument(
            "gallery",
            "the recognizer was built without one",
        )),
    })
}

/// The ids of an iterable.
fn person_ids(given: &Bound<'_, PyAny>) -> PyResult<Vec<PersonId>> {
    let py = given.py();
    let wrong = |what: &Bound<'_, PyAny>| {
        PyTypeError::new_err(format!(
            "roster: {} given, ids of people needed, each a str",
            what.get_type()
        ))
    };
    if given.is_instance_of::<PyString>() {
        return Err(wrong(given));
    }
    let mut people = Vec::new();
    for person in given.try_iter().map_err(|_| wrong(given))? {
        let person = person?;
        let id: String = person.extract().map_err(|_| wrong(&person))?;
        people.push(PersonId::new(id).map_err(|error| errors::to_python(py, &error))?);
    }
    Ok(people)
}
