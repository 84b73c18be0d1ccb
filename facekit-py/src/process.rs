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

    /// The value, unless it is another process's.
    pub(crate) fn here(&self) -> Option<&T> {
        self.value
            .as_ref()
            .filter(|_| self.process == process::id())
    }

    /// The value; `what` names it where it is another process's.
    pub(crate) fn get(&self, py: Python<'_>, what: &str) -> PyResult<&T> {
        self.here()
            .ok_or_else(|| errors::forked(py, what, self.process))
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if self.process != process::id() {
            mem::forget(self.value.take());
        }
    }
}
