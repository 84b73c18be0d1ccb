//! Objects after a fork.

use std::{mem, process};

use pyo3::prelude::*;

use crate::errors;

/// A value that only the process that made it may use. A child that was forked off has a copy of the memory, but not the threads,
/// and it must not touch the files. There the value is refused, and never dropped.
#[derive(Debug)]
pub(crate) struct ProcessLocal<T> {
    process: u32,
    /// Always `Some`. An option so that `drop` can leave the value alone.
    value: Option<T>,
}

impl<T> ProcessLocal<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            process: process::id(),
            value: Some(value),
        }
    }

    /// The value, if this process made it.
    pub(crate) fn value(&self) -> Option<&T> {
        self.value
            .as_ref()
            .filter(|_| self.process == process::id())
    }

    /// The value, or an error with the name of the class if another process made it.
    pub(crate) fn require(&self, py: Python<'_>, class: &str) -> PyResult<&T> {
        self.value()
            .ok_or_else(|| errors::forked(py, class, self.process))
    }
}

impl<T> Drop for ProcessLocal<T> {
    fn drop(&mut self) {
        if self.process != process::id() {
            mem::forget(self.value.take());
        }
    }
}
