//! What a fork leaves behind.

use std::{mem, process};

use pyo3::prelude::*;

use crate::errors;

/// Something of the process that made it. A child that was forked off has its memory, but neither the threads nor a right to
/// its files: there it is refused, and never dropped.
#[derive(Debug)]
pub(crate) struct OfProcess<T> {
    process: u32,
    /// Always there; an option so that it can be left alone.
    value: Option<T>,
}

impl<T> OfProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            process: process::id(),
            value: Some(value),
        }
    }

    /// The value; `what` names it where it is another process's.
    pub(crate) fn get(&self, py: Python<'_>, what: &str) -> PyResult<&T> {
        match &self.value {
            Some(value) if self.process == process::id() => Ok(value),
            _ => Err(errors::forked(py, what, self.process)),
        }
    }

    pub(crate) fn get_mut(&mut self, py: Python<'_>, what: &str) -> PyResult<&mut T> {
        match &mut self.value {
            Some(value) if self.process == process::id() => Ok(value),
            _ => Err(errors::forked(py, what, self.process)),
        }
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if self.process != process::id() {
            mem::forget(self.value.take());
        }
    }
}
