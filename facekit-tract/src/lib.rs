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
//! tract is fastest if every size is known. A network whose inputs have [`Dim::Any`](facekit::Dim::Any) is therefore prepared
//! once for each set of input shapes that it is run with. The result is a plan. The plans that were used last are kept: eight,
//! unless [`Tract::with_plans`] sets another number. Preparing takes about as long as loading. Meanwhile, other threads can run
//! the sizes that are ready, and threads that need the same new size wait for its plan. A network with fixed sizes is prepared
//! when it is loaded.
//!
//! # Speed
//!
//! Convolutions over images, and the functions between them, are computed by this crate and not by tract. They run over maps in
//! which sixteen channels of a pixel lie together, with AVX-512, AVX2 or NEON, as the processor has it. This covers dense and
//! depthwise convolutions in `f32`, ReLU, clipping, PReLU, sums, pooling, upsampling by whole factors, and factors for
//! channels. tract computes all other operators, such as grouped convolutions. Portrait images take as long as landscape images
//! of the same area.
//!
//! # Threads
//!
//! A run uses one thread, the caller's. [`LoadOptions::threads`](facekit::LoadOptions::threads) is an upper bound, so any value
//! allows one thread. To use more cores, run from several threads.
//!
//! # What is not supported
//!
//! - Inputs and outputs of other element types than `f32`, `i64` and `u8`.
//! - Operators outside the ONNX domains `ai.onnx` and `ai.onnx.ml`, and operators that tract does not have. Loading names the
//!   node and the operator.
//! - Accelerators.
//! - Models that you do not trust: a damaged model is an error, but one that asks for more memory than there is ends the
//!   process.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod blocked;
mod error;
mod network;
mod plans;
mod runtime;
mod tensor;

pub use crate::runtime::Tract;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
