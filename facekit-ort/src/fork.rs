//! Refuses to work in a process that was forked off one that uses ONNX Runtime. Such a child has a copy of the library's memory,
//! but not its threads, and would wait for them without end.

use std::{process, sync::OnceLock};

use facekit::Result;

use crate::error::no_library;

/// The first process that used the library.
static FIRST: OnceLock<u32> = OnceLock::new();

/// An error in a process that was forked off the first one.
pub(crate) fn check_process() -> Result<()> {
    check(*FIRST.get_or_init(process::id), process::id())
}

fn check(first: u32, this: u32) -> Result<()> {
    if first == this {
        return Ok(());
    }
    Err(no_library(format!(
        "process {first} uses it, and process {this} was forked off that one, without its threads; \
         start a new program instead (in Python: multiprocessing.set_start_method(\"spawn\"))"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_is_refused() {
        check_process().unwrap();
        check_process().unwrap();
        let error = check(process::id(), process::id() + 1).unwrap_err();
        let expected = format!("process {} uses it", process::id());
        assert!(error.to_string().contains(&expected), "{error}");
    }
}
