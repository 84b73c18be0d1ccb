//! The library of ONNX Runtime and its environment. A process has one of each.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use facekit::Result;
use ort::{
    environment::{Environment, EnvironmentBuilder},
    logging::LogLevel,
};

#[cfg(feature = "load-dynamic")]
use crate::locations::{LIBRARY_VARIABLE, Location, search_locations};
use crate::{
    error::{catch_panics, no_library},
    inspect,
};

/// The library of ONNX Runtime that this process uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    path: Option<PathBuf>,
    version: String,
}

impl Library {
    /// The library's file, or its name if the system's loader found it. `None` if it is linked into the program.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The library's version, such as `1.31.1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// The library in use, and its environment.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) library: Library,
    pub(crate) environment: Environment,
}

/// ort has one library and one environment for the process, so the first that works is kept.
static LOADED: Mutex<Option<&'static Loaded>> = Mutex::new(None);

/// The library in use. The first call loads it; after an error, a later call tries again.
///
/// # Errors
///
/// `LibraryUnavailable` with every place that was tried, or if `path` is not the library in use.
pub(crate) fn loaded(path: Option<&Path>) -> Result<&'static Loaded> {
    crate::fork::check_process()?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = *loaded {
        check_same_library(path, &loaded.library)?;
        return Ok(loaded);
    }
    let new: &Loaded = Box::leak(Box::new(load(path)?));
    tracing::debug!(library = ?new.library, "loaded ONNX Runtime");
    *loaded = Some(new);
    Ok(new)
}

#[cfg(feature = "load-dynamic")]
fn load(path: Option<&Path>) -> Result<Loaded> {
    search(&search_locations(path, |name| std::env::var_os(name)))
}

/// The first library that can be used.
#[cfg(feature = "load-dynamic")]
fn search(locations: &[Location]) -> Result<Loaded> {
    let mut tried = Vec::new();
    for location in locations {
        let candidates = location.candidates().unwrap_or_else(|reason| {
            tried.push(format!("{location}: {reason}"));
            Vec::new()
        });
        for path in candidates {
            match open(&path) {
                Ok(loaded) => return Ok(loaded),
                Err(reason) => tried.push(format!("{location}: {}: {reason}", path.display())),
            }
        }
    }
    Err(no_library(format!(
        "{}. Install it (pip install onnxruntime), or name its file in {LIBRARY_VARIABLE}",
        tried.join("; "),
    )))
}

#[cfg(feature = "load-dynamic")]
fn open(path: &Path) -> Result<Loaded, String> {
    let (library, version) = inspect::open(path)?;
    let builder = ort::init_from(path).map_err(|error| error.to_string())?;
    // Kept open until ort has opened it too.
    drop(library);
    Ok(Loaded {
        library: Library {
            path: Some(path.to_owned()),
            version,
        },
        environment: environment(|| builder).map_err(|error| error.to_string())?,
    })
}

#[cfg(feature = "load-dynamic")]
fn check_same_library(path: Option<&Path>, library: &Library) -> Result<()> {
    let Some((requested, used)) = path.zip(library.path()) else {
        return Ok(());
    };
    let file = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if file(requested) == file(used) {
        return Ok(());
    }
    let (requested, used) = (requested.display(), used.display());
    Err(no_library(format!(
        "{requested} was requested, but this process already uses {used}; a process can use one library"
    )))
}

#[cfg(not(feature = "load-dynamic"))]
fn load(_: Option<&Path>) -> Result<Loaded> {
    let version = inspect::linked().map_err(no_library)?;
    let environment = environment(ort::init).map_err(|error| no_library(error.to_string()))?;
    Ok(Loaded {
        library: Library {
            path: None,
            version,
        },
        environment,
    })
}

#[cfg(not(feature = "load-dynamic"))]
fn check_same_library(_: Option<&Path>, _: &Library) -> Result<()> {
    Ok(())
}

/// The environment, without the telemetry that Microsoft's builds send on Windows. Its log becomes events of `tracing`.
fn environment(builder: impl FnOnce() -> EnvironmentBuilder) -> ort::Result<Environment> {
    catch_panics(|| {
        let environment = builder()
            .with_name("facekit")
            .with_telemetry(false)
            .with_logger(Arc::new(log))
            .build()?;
        environment.set_log_level(LogLevel::Warning);
        Ok(environment)
    })
}

/// Passes a message of ONNX Runtime to `tracing`. Errors are logged as warnings, because the call that fails returns them as
/// well.
fn log(level: LogLevel, category: &str, _id: &str, location: &str, message: &str) {
    match level {
        LogLevel::Verbose | LogLevel::Info => {
            tracing::trace!(target: "onnxruntime", category, location, "{message}");
        }
        LogLevel::Warning => {
            tracing::debug!(target: "onnxruntime", category, location, "{message}");
        }
        LogLevel::Error | LogLevel::Fatal => {
            tracing::warn!(target: "onnxruntime", category, location, "{message}");
        }
    }
}

#[cfg(all(test, feature = "load-dynamic"))]
mod tests {
    use super::*;

    #[test]
    fn the_error_lists_every_place() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let given = |how, path: &str| Location::Given {
            how,
            path: here.join(path),
        };
        let environment = Location::Environment {
            variable: "VIRTUAL_ENV",
            folder: here.join("src"),
        };
        let locations = [
            given("one", "Cargo.toml"),
            environment,
            given("two", "gone.so"),
        ];
        let message = search(&locations).unwrap_err().to_string();
        let parts = [
            "one: ",
            "Cargo.toml: ",
            "VIRTUAL_ENV ",
            "it has no package onnxruntime",
            "two: ",
            "gone.so: ",
            "pip install onnxruntime",
            "ORT_DYLIB_PATH",
        ];
        let mut rest = &message[..];
        for part in parts {
            let start = rest
                .find(part)
                .unwrap_or_else(|| panic!("{part:?} is not in {message}"));
            rest = &rest[start + part.len()..];
        }
    }
}
