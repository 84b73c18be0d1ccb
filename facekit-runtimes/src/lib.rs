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
//! The features `ort` and `candle`, both on by default, are the runtimes of these names; tract is always there. A program
//! that needs one runtime only depends on its crate and builds faster: `facekit-tract`, `facekit-ort` or `facekit-candle`.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "ort")]
use std::path::PathBuf;
use std::{fmt, num::NonZeroUsize, str::FromStr};

use facekit::{Error, Result, Runtime};
#[cfg(feature = "candle")]
use facekit_candle::Candle;
#[cfg(feature = "ort")]
use facekit_ort::Ort;
#[cfg(feature = "ort")]
pub use facekit_ort::Provider;
use facekit_tract::Tract;

/// The inference runtimes, whether this program has them or not.
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
    /// The runtimes that this program has: tract, and those of its features.
    pub const ALL: &[Self] = &[
        Self::Tract,
        #[cfg(feature = "ort")]
        Self::Ort,
        #[cfg(feature = "candle")]
        Self::Candle,
    ];

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
    /// [`Error::InvalidArgument`] if this program was built without the runtime, or if `options` has a provider or a library
    /// and the runtime is not ONNX Runtime. The argument is `runtime`, `provider` or `onnxruntime`.
    pub fn runtime(self, options: &RuntimeOptions) -> Result<Box<dyn Runtime>> {
        if self != Self::Ort
            && let Some(argument) = options.of_ort()
        {
            let reason = format!("is an option of the runtime ort, and {self} was chosen");
            return Err(Error::argument(argument, reason));
        }
        match self {
            Self::Tract => Ok(Box::new(Tract::new())),
            #[cfg(feature = "ort")]
            Self::Ort => Ok(Box::new(options.ort())),
            #[cfg(feature = "candle")]
            Self::Candle => Ok(Box::new(Candle::new())),
            #[cfg(not(all(feature = "ort", feature = "candle")))]
            absent => Err(Error::argument("runtime", absent.is_absent())),
        }
    }

    #[cfg(not(all(feature = "ort", feature = "candle")))]
    fn is_absent(self) -> String {
        format!("this program was built without {self}")
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
        let named = |names: &[Self]| names.iter().copied().find(|name| name.as_str() == text);
        if let Some(name) = named(Self::ALL) {
            return Ok(name);
        }
        #[cfg(not(all(feature = "ort", feature = "candle")))]
        if let Some(absent) = named(&[Self::Ort, Self::Candle]) {
            return Err(Error::argument("runtime", absent.is_absent()));
        }
        let known: Vec<&str> = Self::ALL.iter().map(|name| name.as_str()).collect();
        let known = known.join(", ");
        Err(Error::argument(
            "runtime",
            format!("{text:?} is none of {known}"),
        ))
    }
}

/// Options of a runtime.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RuntimeOptions {
    /// The device that computes, for ONNX Runtime only: the CPU by default.
    #[cfg(feature = "ort")]
    pub provider: Option<Provider>,
    /// The file of ONNX Runtime's library, for ONNX Runtime only. By default `ORT_DYLIB_PATH`, the system's loader and
    /// Python's packages are searched.
    #[cfg(feature = "ort")]
    pub library: Option<PathBuf>,
    /// The number of threads that will run a model at the same time; `None` if it is not known. ONNX Runtime keeps one session
    /// for each on the CPU.
    pub concurrency: Option<NonZeroUsize>,
}

impl RuntimeOptions {
    /// Sets [`concurrency`](Self::concurrency).
    #[must_use]
    pub fn with_concurrency(mut self, threads: NonZeroUsize) -> Self {
        self.concurrency = Some(threads);
        self
    }
}

#[cfg(feature = "ort")]
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

    /// An option that only ONNX Runtime has and that is set.
    fn of_ort(&self) -> Option<&'static str> {
        let library = self.library.is_some().then_some("onnxruntime");
        let provider = self.provider.is_some().then_some("provider");
        provider.or(library)
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

#[cfg(not(feature = "ort"))]
impl RuntimeOptions {
    fn of_ort(&self) -> Option<&'static str> {
        None
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
        for &name in RuntimeName::ALL {
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
