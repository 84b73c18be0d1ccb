//! [candle](https://docs.rs/candle-core) as a facekit [`Runtime`](facekit::Runtime): neural networks in pure Rust, on the
//! CPU or a GPU.
//!
//! ```no_run
//! use facekit::{LoadOptions, Model, Runtime};
//! use facekit_candle::Candle;
//!
//! let model = Model::open("mobilefacenet.onnx")?;
//! let network = Candle::new().load(&model, &LoadOptions::default())?;
//! let face = ndarray::ArrayD::<f32>::zeros(vec![1, 3, 112, 112]);
//! let outputs = network.run(&[face.view().into()])?;
//! assert_eq!(outputs[0].view().shape(), [1, 128]);
//! # Ok::<(), facekit::Error>(())
//! ```
//!
//! It is there for GPUs, and for programs that use candle anyway; on the CPU it needs nothing but Rust either, takes any
//! input size without preparation, and loads a model in milliseconds. It is not the fastest there: ONNX Runtime finds faces
//! two to four times as fast.
//!
//! # GPUs
//!
//! The application makes the device and says so to candle in its own `Cargo.toml`; this crate has no features.
//!
//! ```toml
//! [dependencies]
//! candle-core = { version = "0.11", features = ["cuda"] } # or "metal"
//! facekit-candle = "0.1"
//! ```
//!
//! ```no_run
//! use facekit_candle::{Candle, candle_core::Device};
//!
//! let candle = Candle::on(Device::new_cuda(0)?); // an error without a GPU, or without the feature
//! # Ok::<(), candle_core::Error>(())
//! ```
//!
//! There candle's own operators compute everything. They compute depthwise convolutions channel group by channel group,
//! so a GPU pays for large batches only. Nothing of this was run on a GPU by the project's own tests;
//! [`Candle::without_kernels`] runs the same code on the CPU, and is tested.
//!
//! # Threads
//!
//! A run on the CPU computes on the thread that calls it. [`LoadOptions::threads`](facekit::LoadOptions::threads) is an
//! upper bound and one thread is within any: to use more cores, run from more threads. A thread that ran a network keeps up to
//! 64 MiB of memory for its next run.
//!
//! # What is not supported
//!
//! - Operators other than those of [the list](https://docs.rs/crate/facekit-candle/latest/source/src/ops/mod.rs), and
//!   attributes of theirs that are not computed exactly: loading names the node, the operator and the attribute.
//! - Weights of convolutions, and bounds, axes and pads, that the graph computes; images of other than two dimensions.
//! - Elements of other types than `f32`, `i64` and `u8`.
//! - Empty tensors, and tensors of more than 2³⁰ elements: an error when they come up.

mod constant;
mod error;
mod kernel;
mod network;
mod node;
mod ops;
mod plan;
mod runtime;
mod tensor;

pub use candle_core;

pub use crate::runtime::Candle;
