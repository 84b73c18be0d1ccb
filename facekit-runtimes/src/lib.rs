//! The inference runtimes of facekit by name, for programs whose users choose one.
//!
//! ```
//! use facekit_runtimes::{RuntimeName, RuntimeOptions};
//!
//! let name: RuntimeName = "tract".parse()?;
//! let runtime = name.runtime(&RuntimeOptions::default())?;
//! assert_eq!(runtime.to_string(), "tract");
//!
//! let error = "tensorflow".parse::<RuntimeName>().unwrap_err();
//! assert_eq!(error.to_string(), "runtime: \"tensorflow\" is none of tract, ort, candle");
//! # Ok::<(), facekit::Error>(())
//! ```
//!
//! A program that needs one runtime only depends on its crate and builds faster: [`facekit_tract`], [`facekit_ort`] or
//! [`facekit_candle`].

use std::{fmt, num::NonZeroUsize, path::PathBuf, str::FromStr};

use facekit::{Error, Result, Runtime};
use facekit_candle::Candle;
use facekit_ort::Ort;
pub use facekit_ort::Provider;
use facekit_tract::Tract;

/// The inference runtimes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuntimeName {
    /// tract: pure Rust, on the CPU. It needs no library.
    #[default]
    Tract,
    /// ONNX Runtime: on CPUs and accelerators. Its library must be on the machine.
    Ort,
    /// candle: pure Rust, on the CPU, slower than tract. It needs no library.
    Candle,
}

impl RuntimeName {
    /// All runtimes.
    pub const ALL: [Self; 3] = [Self::Tract, Self::Ort, Self::Candle];

    /// The name: `tract`, `ort` or `candle`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tract => "tract",
            Self::Ort => "ort",
            Self::Candle => "candle",
        }
    }

    /// One line about the runtime, for help texts.
    ///
    /// ```
    /// assert_eq!(facekit_runtimes::RuntimeName::Tract.summary(), "Pure Rust, on the CPU");
    /// ```
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::Tract => "Pure Rust, on the CPU",
            Self::Ort => {
                "ONNX Runtime, on CPUs and accelerators; its library must be on the machine"
            }
            Self::Candle => "Pure Rust, on the CPU, slower than tract",
        }
    }

    /// Makes the runtime. ONNX Runtime's library is loaded with the first model.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `options` has a provider or a library and the runtime is not ONNX Runtime. The argument
    /// is `provider` or `onnxruntime`.
    pub fn runtime(self, options: &RuntimeOptions) -> Result<Box<dyn Runtime>> {
        let of_ort = [
            ("provider", options.provider.is_some()),
            ("onnxruntime", options.library.is_some()),
        ];
        match of_ort.into_iter().find(|(_, given)| *given) {
            Some((argument, _)) if self != Self::Ort => {
                let reason = format!("is an option of the runtime ort, and {self} was chosen");
                Err(Error::argument(argument, reason))
            }
            _ => Ok(match self {
                Self::Tract => Box::new(Tract::new()),
                Self::Ort => Box::new(options.ort()),
                Self::Candle => Box::new(Candle::new()),
            }),
        }
    }
}

impl fmt::Display for RuntimeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RuntimeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named = Self::ALL.into_iter().find(|name| name.as_str() == text);
        named.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::argument("runtime", format!("{text:?} is none of {known}"))
        })
    }
}

/// Options of a runtime.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RuntimeOptions {
    /// The device that computes, for ONNX Runtime only: the CPU by default.
    pub provider: Option<Provider>,
    /// The file of ONNX Runtime's library, for ONNX Runtime only. By default `ORT_DYLIB_PATH`, the system's loader and
    /// Python's packages are searched.
    pub library: Option<PathBuf>,
    /// The number of threads that will run a model at the same time; `None` if it is not known. ONNX Runtime keeps one session
    /// for each on the CPU.
    pub concurrency: Option<NonZeroUsize>,
}

impl RuntimeOptions {
    /// Sets [`provider`](Self::provider).
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Sets [`library`](Self::library).
    #[must_use]
    pub fn with_library(mut self, library: impl Into<PathBuf>) -> Self {
        self.library = Some(library.into());
        self
    }

    /// Sets [`concurrency`](Self::concurrency).
    #[must_use]
    pub fn with_concurrency(mut self, threads: NonZeroUsize) -> Self {
        self.concurrency = Some(threads);
        self
    }

    fn ort(&self) -> Ort {
        let mut ort = Ort::new();
        ort = match (&self.provider, self.concurrency) {
            (None | Some(Provider::Cpu), Some(threads)) => ort.with_sessions(threads),
            (None | Some(Provider::Cpu), None) => ort,
            // An accelerator is one device for all threads.
            (Some(provider), _) => ort.with_provider(provider.clone()),
        };
        match &self.library {
            Some(library) => ort.with_library(library),
            None => ort,
        }
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_runtimes() {
        for name in RuntimeName::ALL {
            assert_eq!(name.as_str().parse::<RuntimeName>().unwrap(), name);
            let runtime = name.runtime(&RuntimeOptions::default()).unwrap();
            assert_eq!(runtime.to_string(), name.as_str());
        }
        assert!("Tract".parse::<RuntimeName>().is_err());
    }

    #[test]
    fn options_of_onnx_runtime_are_refused_for_others() {
        let library = RuntimeOptions::default().with_library("libonnxruntime.so");
        let provider = RuntimeOptions::default().with_provider("cuda:1".parse().unwrap());
        for (options, argument) in [(&library, "onnxruntime"), (&provider, "provider")] {
            assert!(RuntimeName::Ort.runtime(options).is_ok());
            for name in [RuntimeName::Tract, RuntimeName::Candle] {
                let error = name.runtime(options).unwrap_err().to_string();
                let expected =
                    format!("{argument}: is an option of the runtime ort, and {name} was chosen");
                assert_eq!(error, expected);
            }
        }
    }
}
