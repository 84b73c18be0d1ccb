//! The library of ONNX Runtime, and its environment: one of each in a process.

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
use crate::places::{Place, VARIABLE, places};
use crate::{
    error::{guarded, no_library},
    probe,
};

/// The library of ONNX Runtime that this process uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    path: Option<PathBuf>,
    version: String,
}

impl Library {
    /// Its file; or its name, where the system's loader found it. `None` where it is linked in.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Its version, as in `1.31.1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// The library, in use.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) library: Library,
    pub(crate) environment: Environment,
}

/// ort has one library and one environment for the process, so the first that works stays.
static LOADED: Mutex<Option<&'static Loaded>> = Mutex::new(None);

/// The library, which is loaded on the first call. What failed may be tried again.
///
/// # Errors
///
/// `LibraryUnavailable`, with every place that was tried, or where `path` is another than the one in use.
pub(crate) fn loaded(path: Option<&Path>) -> Result<&'static Loaded> {
    crate::fork::check_process()?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = *loaded {
        same(path, &loaded.library)?;
        return Ok(loaded);
    }
    let new: &Loaded = Box::leak(Box::new(load(path)?));
    tracing::debug!(library = ?new.library, "loaded ONNX Runtime");
    *loaded = Some(new);
    Ok(new)
}

#[cfg(feature = "load-dynamic")]
fn load(path: Option<&Path>) -> Result<Loaded> {
    search(&places(path, |name| std::env::var_os(name)))
}

/// The first library that will do.
#[cfg(feature = "load-dynamic")]
fn search(places: &[Place]) -> Result<Loaded> {
    let mut tried = Vec::new();
    for place in places {
        let candidates = place.candidates().unwrap_or_else(|why| {
            tried.push(format!("{place}: {why}"));
            Vec::new()
        });
        for path in candidates {
            match open(&path) {
                Ok(loaded) => return Ok(loaded),
                Err(why) => tried.push(format!("{place}: {}: {why}", path.display())),
            }
        }
    }
    Err(no_library(format!(
        "{}. Install it (pip install onnxruntime), or name its file in {}",
        tried.join("; "),
        VARIABLE
    )))
}

#[cfg(feature = "load-dynamic")]
fn open(path: &Path) -> Result<Loaded, String> {
    let (library, version) = probe::open(path)?;
    let builder = ort::init_from(path).map_err(|error| error.to_string())?;
    // Now that ort has it open, ours may be closed.
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
fn same(path: Option<&Path>, library: &Library) -> Result<()> {
    let Some((asked, used)) = path.zip(library.path()) else {
        return Ok(());
    };
    let file = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if file(asked) == file(used) {
        return Ok(());
    }
    let (asked, used) = (asked.display(), used.display());
    Err(no_library(format!(
        "{asked} was asked for, and this process already uses {used}; it can use one"
    )))
}

#[cfg(not(feature = "load-dynamic"))]
fn load(_: Option<&Path>) -> Result<Loaded> {
    let version = probe::linked().map_err(no_library)?;
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
fn same(_: Option<&Path>, _: &Library) -> Result<()> {
    Ok(())
}

/// Without telemetry, which Microsoft's own builds would send on Windows, and with what it logs as events of `tracing`.
fn environment(builder: impl FnOnce() -> EnvironmentBuilder) -> ort::Result<Environment> {
    guarded(|| {
        let environment = builder()
            .with_name("facekit")
            .with_telemetry(false)
            .with_logger(Arc::new(log))
            .build()?;
        environment.set_log_level(LogLevel::Warning);
        Ok(environment)
    })
}

/// What fails is returned as an error too, so that nothing here is worse than a warning.
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
    fn every_place_is_listed() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let given = |how, path: &str| Place::Given {
            how,
            path: here.join(path),
        };
        let environment = Place::Environment {
            variable: "VIRTUAL_ENV",
            folder: here.join("src"),
        };
        let places = [
            given("one", "Cargo.toml"),
            environment,
            given("two", "gone.so"),
        ];
        let said = search(&places).unwrap_err().to_string();
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
        let mut rest = &said[..];
        for part in parts {
            let at = rest
                .find(part)
                .unwrap_or_else(|| panic!("{part:?} is not in {said}"));
            rest = &rest[at + part.len()..];
        }
    }
}
