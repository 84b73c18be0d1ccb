//! [ONNX Runtime](https://onnxruntime.ai) as a facekit [`Runtime`](facekit::Runtime): the fastest of the runtimes, on
//! processors and accelerators.
//!
//! ```no_run
//! use facekit::{LoadOptions, Model, Runtime};
//! use facekit_ort::Ort;
//!
//! let model = Model::open("mobilefacenet.onnx")?;
//! let network = Ort::new().load(&model, &LoadOptions::default())?;
//! let faces = ndarray::ArrayD::<f32>::zeros(vec![1, 3, 112, 112]);
//! let outputs = network.run(&[faces.view().into()])?;
//! assert_eq!(outputs[0].view().shape(), [1, 128]);
//! # Ok::<(), facekit::Error>(())
//! ```
//!
//! # The library
//!
//! ONNX Runtime is a C++ library that must be on the machine, in version 1.24 or later. The simplest way to install it is
//! `pip install onnxruntime`. It is searched in this order:
//!
//! 1. The file of [`Ort::with_library`], or else of the environment variable `ORT_DYLIB_PATH`. If either is set, no other place
//!    is searched.
//! 2. The program's folder, and the places that the system's loader searches.
//! 3. The package `onnxruntime` of the Python environment that `VIRTUAL_ENV` or `CONDA_PREFIX` names.
//! 4. The package `onnxruntime` that `python3` would import.
//!
//! Every library is checked before it is used. One that is too old or for another processor is skipped, as is a file that is no
//! library. If none is left, the [error](facekit::Error::LibraryUnavailable) lists every place and what is wrong there. A
//! process uses one library: the first that works. Its telemetry is off.
//!
//! # Threads
//!
//! A run uses [`LoadOptions::threads`](facekit::LoadOptions::threads) threads, or one for each core. Any number of threads can
//! share a network: runs at the same time use sessions of a pool, see [`Ort::with_sessions`]. Large networks gain most from
//! several threads. Small networks, and a server that is always busy, are faster with one thread for each run.
//!
//! # Batches
//!
//! A model that was exported with a batch of one accepts any batch if [it is certain](facekit_onnx::rewrite::free_batch) that
//! each image gets the result that it would get alone. Otherwise its signature still has a batch of one.
//!
//! # Crate features
//!
//! - `load-dynamic` (default): the library is found when the program runs, as described above.
//!
//! Without this feature the library is linked when the program is built, and [ort](https://ort.pyke.io/setup/linking) decides
//! where it comes from: the folder that the environment variable `ORT_LIB_PATH` names, or a download. For the download, depend
//! on ort as well:
//!
//! ```toml
//! facekit-ort = { version = "0.1", default-features = false }
//! ort = { version = "=2.0.0-rc.15", default-features = false, features = ["download-binaries", "lax-feature-matching", "tls-rustls"] }
//! ```
//!
//! `lax-feature-matching` selects the library with most of the [providers](Provider), because no library has all of them. If
//! any crate of the program enables `load-dynamic`, nothing is linked or downloaded.
//!
//! # What is not supported
//!
//! - Inputs and outputs of other element types than `f32`, `i64` and `u8`.
//! - Processes that were forked off one that uses ONNX Runtime: loading a model there is an error.
//! - Programs that create an environment of ort themselves: a process has one environment, and this crate creates it.
//! - A guarantee that an accelerator computes everything: operators that it lacks run on the processor.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod cache;
mod error;
mod fork;
mod inspect;
mod library;
#[cfg(feature = "load-dynamic")]
mod locations;
mod network;
mod optimization;
mod pool;
mod provider;
mod rewrite;
mod runtime;
mod session;
mod tensor;

pub use crate::{library::Library, optimization::Optimization, provider::Provider, runtime::Ort};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
