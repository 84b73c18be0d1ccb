//! The methods that all results have: `to_dict` and pickling. Both use the JSON that the command prints.

use facekit::jiff::Timestamp;
use pyo3::{prelude::*, types::PyTuple};
use serde::Serialize;

use crate::errors;

/// Defines the methods of a class of results, and adds the methods that all results have.
macro_rules! value_class {
    ($class:ident { $($body:tt)* }) => {
        #[pymethods]
        impl $class {
            $($body)*

            /// The value as Python's own types, with the keys of `facekit --json`.
            fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                value::to_dict(py, self)
            }

            fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
                value::reduce(py, stringify!($class), self)
            }
        }
    };
}
pub(crate) use value_class;

/// The value as Python's own types, with the keys of `facekit --json`.
pub(crate) fn to_dict<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?
        .call_method1("loads", (to_json(py, value)?,))
}

/// The answer of `__reduce__`: the function in `pickle.rs` that makes the value again, and its arguments.
pub(crate) fn reduce<'py>(
    py: Python<'py>,
    class: &str,
    value: &impl Serialize,
) -> PyResult<Bound<'py, PyTuple>> {
    let restore = py.import("facekit._facekit")?.getattr("_restore")?;
    (restore, (class, to_json(py, value)?)).into_pyobject(py)
}

pub(crate) fn to_json(py: Python<'_>, value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| errors::argument(py, "value", error))
}

/// The time of a datetime, which must have a time zone. `argument` is its name in errors.
pub(crate) fn timestamp(argument: &'static str, given: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    let py = given.py();
    let text: String = py
        .import("facekit._exchange")?
        .call_method1("instant", (argument, given))?
        .extract()?;
    text.parse()
        .map_err(|error| errors::argument(py, argument, error))
}

/// The time as a datetime in UTC, with microseconds.
pub(crate) fn datetime<'py>(py: Python<'py>, time: Timestamp) -> PyResult<Bound<'py, PyAny>> {
    let datetime = py.import("datetime")?;
    let utc = datetime.getattr("timezone")?.getattr("utc")?;
    let epoch = datetime
        .getattr("datetime")?
        .call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
    epoch.add(
        datetime
            .getattr("timedelta")?
            .call1((0, 0, time.as_microsecond()))?,
    )
}
