//! [tract](https://docs.rs/tract-onnx) as a facekit [`Runtime`](facekit::Runtime): neural networks in pure Rust.
//!
//! ```no_run
//! use facekit::{LoadOptions, Model, Runtime};
//! use facekit_tract::Tract;
//!
//! let model = Model::open("mobilefacenet.onnx")?;
//! let network = Tract::new().load(&model, &LoadOptions::default())?;
//! let face = ndarray::ArrayD::<f32>::zeros(vec![1, 3, 112, 112]);
//! let outputs = network.run(&[face.view().into()])?;
//! assert_eq!(outputs[0].view().shape(), [1, 128]);
//! # Ok::<(), facekit::Error>(())
//! ```
//!
//! # Input sizes
//!
//! tract computes best where every size is known, so a network whose inputs have
//! [`Dim::Any`](facekit::Dim::Any) is prepared once for each set of input shapes that it is run with. The
//! plans last used are kept, eight of them unless [`Tract::with_plans`] says otherwise. Preparing takes
//! about as long as loading did; meanwhile other threads go on running the sizes that are ready, and those
//! that ask for the same new size wait for the one plan. A network of fixed sizes is prepared when it is
//! loaded.
//!
//! tract walks an image along its longer side, and memory is laid out by rows, so depthwise convolutions over an
//! image that is taller than wide take four times as long: YuNet on 320×320 pixels takes half the time of 320 rows by
//! 256 columns. Who has the choice gives it images at least as wide as high.
//!
//! # Threads
//!
//! A run computes on the thread that calls it. [`LoadOptions::threads`](facekit::LoadOptions::threads) is an
//! upper bound and one thread is within any: to use more cores, run from more threads.
//!
//! # What is not supported
//!
//! - Inputs and outputs of other element types than `f32`, `i64` and `u8`.
//! - Operators outside the ONNX domains `ai.onnx` and `ai.onnx.ml`, and those that tract does not have: loading
//!   names the node and the operator.
//! - Accelerators.
//! - Models from strangers: a damaged model is an error, but one that asks for more memory than there is ends the
//!   process.

mod error;
mod network;
mod plans;
mod runtime;
mod tensor;

pub use crate::runtime::Tract;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
