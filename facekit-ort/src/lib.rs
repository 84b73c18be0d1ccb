//! [ONNX Runtime](https://onnxruntime.ai) as a facekit [`Runtime`](facekit::Runtime): the fastest, on processors and
//! accelerators.
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
//! ONNX Runtime is a library in C++ that has to be on the machine, in version 1.24 or later: `pip install onnxruntime`
//! is the shortest way to it. It is looked for in this order:
//!
//! 1. [`Ort::with_library`], or else the variable `ORT_DYLIB_PATH`: where either names a file, no other is tried;
//! 2. beside the program, and where the system's loader looks;
//! 3. the package `onnxruntime` of the Python environment that `VIRTUAL_ENV` or `CONDA_PREFIX` names;
//! 4. the package `onnxruntime` that `python3` would import, which is asked for its folder.
//!
//! What is found is looked at before it is used: a library that is too old, for another processor, or no library at all
//! is passed over, and if none will do, the [error](facekit::Error::LibraryUnavailable) lists every place and what was
//! wrong there. A process uses one library; the first that works stays. Its telemetry is off.
//!
//! # Threads
//!
//! A run uses [`LoadOptions::threads`](facekit::LoadOptions::threads) threads, or one for each core. A network can be
//! shared by any number of threads: runs at the same time take sessions from a pool, see [`Ort::with_sessions`]. Large
//! networks gain most from several threads; small ones, and a server that is always busy, do better with one thread for
//! each run.
//!
//! # Batches
//!
//! A model that was exported with a batch of one takes any, where [it is certain](facekit_onnx::rewrite::free_batch) that each
//! image gets what it would get alone; otherwise its signature still says one.
//!
//! # Crate features
//!
//! - `load-dynamic` (default): the library is found when the program runs, as above.
//!
//! Without it the library is linked when the program is built, and where it comes from is up to
//! [ort](https://ort.pyke.io/setup/linking): the folder that the variable `ORT_LIB_PATH` names, or a download, which is
//! asked for by depending on ort too:
//!
//! ```toml
//! facekit-ort = { version = "0.1", default-features = false }
//! ort = { version = "=2.0.0-rc.15", default-features = false, features = ["download-binaries", "lax-feature-matching", "tls-rustls"] }
//! ```
//!
//! `lax-feature-matching` takes the library with most of the [providers](Provider), since none has them all. Where any
//! crate in the program turns `load-dynamic` on, it is on, and nothing is linked or downloaded.
//!
//! # What is not supported
//!
//! - Inputs and outputs of other element types than `f32`, `i64` and `u8`.
//! - Programs that make an environment of ort's own: there is one for each process, and this crate makes it.
//! - Holding an accelerator to computing everything: operators that it lacks run on the processor.

mod cache;
mod error;
mod fork;
mod library;
mod network;
#[cfg(feature = "load-dynamic")]
mod places;
mod pool;
mod probe;
mod provider;
mod rewrite;
mod runtime;
mod session;
mod tensor;

pub use crate::{
    library::Library,
    provider::Provider,
    runtime::{Optimization, Ort},
};
