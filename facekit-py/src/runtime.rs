//! The runtime that a recognizer computes with.

use std::{num::NonZeroUsize, path::PathBuf};

use facekit::Runtime;
use facekit_runtimes::{RuntimeName, RuntimeOptions};
use pyo3::prelude::*;

use crate::errors;

/// Makes the runtime with this name for so many threads. Without `library`, ONNX Runtime is the one of this interpreter's own
/// package, if it is installed.
pub(crate) fn make_runtime(
    py: Python<'_>,
    name: &str,
    provider: Option<&str>,
    library: Option<PathBuf>,
    threads: NonZeroUsize,
) -> PyResult<Box<dyn Runtime>> {
    let to_python = |error| errors::to_python(py, &error);
    let name: RuntimeName = name.parse().map_err(to_python)?;
    let mut options = RuntimeOptions::default().with_concurrency(threads);
    if let Some(provider) = provider {
        options = options.with_provider(provider.parse().map_err(to_python)?);
    }
    options.library = match library {
        None if name == RuntimeName::Ort => py
            .import("facekit._onnxruntime")?
            .call_method0("library")?
            .extract()?,
        given => given,
    };
    name.runtime(&options).map_err(to_python)
}
