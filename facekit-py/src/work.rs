//! Work without the interpreter: other Python threads run meanwhile, a panic becomes an exception, and Ctrl-C ends what takes
//! long.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
    thread,
};

use facekit::{CancellationToken, Progress, Result, Watch};
use pyo3::prelude::*;

use crate::errors;

/// What became of work: a panic is an outcome, too.
pub(crate) type Outcome<T> = thread::Result<Result<T>>;

/// Does `work` detached from the interpreter.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    let outcome = py.detach(|| attempt(work));
    settle(py, outcome)
}

/// Does `work`, on whichever thread.
pub(crate) fn attempt<T>(work: impl FnOnce() -> Result<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(work))
}

/// The outcome as Python hears of it.
pub(crate) fn settle<T>(py: Python<'_>, outcome: Outcome<T>) -> PyResult<T> {
    match outcome {
        Ok(result) => result.map_err(|error| errors::to_python(py, &error)),
        Err(panic) => Err(errors::panicked(py, &*panic)),
    }
}

/// Does long work detached, which calls `progress(done, total)` after each unit. Ctrl-C, or an exception of `progress`, ends it
/// at the next one.
pub(crate) fn watched<T: Send>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(Watch<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    let token = CancellationToken::new();
    let raised = Mutex::new(None);
    let progress = progress.map(|progress| progress.clone().unbind());
    let hear = |at: Progress| {
        let attached = Python::try_attach(|py| {
            let heard = py.check_signals().and_then(|()| match &progress {
                Some(progress) => progress.call1(py, (at.done, at.total)).map(drop),
                None => Ok(()),
            });
            if let Err(error) = heard {
                token.cancel();
                *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        // An interpreter that is shutting down hears no more.
        if attached.is_none() {
            token.cancel();
        }
    };
    let watch = Watch::new().with_cancellation(&token).with_progress(&hear);
    let result = detached(py, || work(watch));
    match raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => result,
    }
}
