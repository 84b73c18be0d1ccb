//! The runtimes that are in the wheel, by name.

use std::{num::NonZeroUsize, path::PathBuf, sync::OnceLock};

use facekit::{Error, LoadOptions, Model, Result, Runtime};
use facekit_candle::Candle;
use facekit_ort::{Ort, Provider};
use facekit_tract::Tract;
use pyo3::prelude::*;

use crate::errors;

/// The runtime of this name.
pub(crate) fn engine(
    py: Python<'_>,
    name: &str,
    provider: Option<&str>,
    library: Option<PathBuf>,
    threads: NonZeroUsize,
) -> PyResult<Box<dyn Runtime>> {
    match name {
        "tract" | "candle" => {
            let given = [
                ("provider", provider.is_some()),
                ("onnxruntime", library.is_some()),
            ];
            match given.into_iter().find(|(_, given)| *given) {
                Some((argument, _)) => {
                    Err(errors::argument(py, argument, "goes with runtime=\"ort\""))
                }
                None if name == "candle" => Ok(Box::new(Candle::new())),
                None => Ok(Box::new(Tract::new())),
            }
        }
        "ort" => {
            let mut ort = Ort::new();
            match provider {
                // An accelerator is one device, whoever calls.
                Some(provider) => {
                    let provider: Provider = provider
                        .parse()
                        .map_err(|error| errors::to_python(py, &error))?;
                    ort = ort.with_provider(provider);
                }
                None => ort = ort.with_sessions(threads),
            }
            // This interpreter's own package, before facekit looks for others.
            let library = match library {
                Some(library) => Some(library),
                None => py
                    .import("facekit._onnxruntime")?
                    .call_method0("library")?
                    .extract()?,
            };
            if let Some(library) = library {
                ort = ort.with_library(library);
            }
            Ok(Box::new(InOneProcess(ort)))
        }
        _ => {
            let reason = format!("{name:?} given, \"tract\", \"ort\" or \"candle\" needed");
            Err(errors::argument(py, "runtime", reason))
        }
    }
}

/// ONNX Runtime, whose threads are the process's that loaded it first: a child that was forked off would wait for them.
#[derive(Debug)]
struct InOneProcess(Ort);

impl std::fmt::Display for InOneProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Runtime for InOneProcess {
    fn load(&self, model: &Model, options: &LoadOptions) -> Result<Box<dyn facekit::Network>> {
        static LOADED: OnceLock<u32> = OnceLock::new();
        let first = *LOADED.get_or_init(std::process::id);
        if first != std::process::id() {
            return Err(Error::LibraryUnavailable {
                runtime: "ort",
                library: "ONNX Runtime",
                reason: format!(
                    "process {first} loaded it, and this one was forked off it, without its threads; \
                     start children with multiprocessing.set_start_method(\"spawn\")"
                ),
            });
        }
        self.0.load(model, options)
    }
}
