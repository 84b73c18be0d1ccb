//! Work without the interpreter: other Python threads run at the same time, a panic becomes an exception, and Ctrl-C ends long
//! work.

use std::sync::{Mutex, PoisonError};

use facekit::{CancellationToken, Progress, Result, Watch, catch_panic};
use pyo3::prelude::*;

use crate::errors;

/// The result of work, or the message of the panic that ended it.
pub(crate) type Attempt<T> = std::result::Result<Result<T>, String>;

/// Calls `work` detached from the interpreter.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    let attempt = py.detach(|| catch_panic(work));
    to_python(py, attempt)
}

/// The result for Python: an error and a panic become exceptions.
pub(crate) fn to_python<T>(py: Python<'_>, attempt: Attempt<T>) -> PyResult<T> {
    match attempt {
        Ok(result) => result.map_err(|error| errors::to_python(py, &error)),
        Err(message) => Err(errors::panicked(py, &message)),
    }
}

/// Calls long work detached from the interpreter. The work calls `progress(done, total)` after each unit. Ctrl-C, or an
/// exception of `progress`, ends the work after the current unit.
pub(crate) fn watched<T: Send>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(Watch<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    let token = CancellationToken::new();
    let raised = Mutex::new(None);
    let progress = progress.map(|progress| progress.clone().unbind());
    let report = |at: Progress| {
        let attached = Python::try_attach(|py| {
            let answer = py.check_signals().and_then(|()| match &progress {
                Some(progress) => progress.call1(py, (at.done, at.total)).map(drop),
                None => Ok(()),
            });
            if let Err(error) = answer {
                token.cancel();
                *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        // An interpreter that is shutting down cannot be attached to.
        if attached.is_none() {
            token.cancel();
        }
    };
    let watch = Watch::new()
        .with_cancellation(&token)
        .with_progress(&report);
    let result = detached(py, || work(watch));
    match raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => result,
    }
}
