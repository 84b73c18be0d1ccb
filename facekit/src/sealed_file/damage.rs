//! Damage to a gallery file: as an error, or as lines of a report.

use std::{cell::RefCell, path::Path};

use crate::error::{Error, Result};

pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Error {
    Error::FileDamaged {
        path: path.to_owned(),
        reason: reason.into(),
        source: None,
    }
}

/// Decides about damage that is found: it ends the work, or it becomes a line of a report and the work goes on.
pub(crate) struct Damage {
    tolerated: bool,
    lines: RefCell<Vec<String>>,
}

impl Damage {
    pub(crate) fn refused() -> Self {
        Self {
            tolerated: false,
            lines: RefCell::default(),
        }
    }

    pub(crate) fn tolerated() -> Self {
        Self {
            tolerated: true,
            lines: RefCell::default(),
        }
    }

    /// Passes a value on. An error about damage becomes a line and `None` if damage is tolerated; every other error is
    /// returned.
    pub(crate) fn tolerate<T>(&self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Error::FileDamaged { reason, source, .. }) if self.tolerated => {
                let source = source.map(|source| format!(": {source}"));
                let line = reason + &source.unwrap_or_default();
                let mut lines = self.lines.borrow_mut();
                if !lines.contains(&line) {
                    lines.push(line);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.into_inner()
    }
}
