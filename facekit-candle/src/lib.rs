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
//! Use it for GPUs, and in programs that use candle for other things. On the CPU it needs nothing but Rust, takes inputs of any
//! size without preparation, and loads a model in milliseconds. It is not the fastest runtime there: ONNX Runtime detects faces
//! two to four times as fast.
//!
//! # GPUs
//!
//! The application creates the device and enables the feature of candle in its own `Cargo.toml`. This crate has no features.
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
//! On a GPU, candle's own operators compute everything. They compute depthwise convolutions one group after the other, so a GPU
//! pays off for large batches only. The project's tests do not run on a GPU. They run [`Candle::without_kernels`], which is the
//! same code on the CPU.
//!
//! # Threads
//!
//! A run on the CPU uses one thread, the caller's. [`LoadOptions::threads`](facekit::LoadOptions::threads) is an upper bound,
//! so any value allows one thread. To use more cores, run from several threads. A thread that ran a network keeps up to 64 MiB
//! of memory for its next run.
//!
//! # What is not supported
//!
//! - Operators that are not in [the list](https://docs.rs/crate/facekit-candle/latest/source/src/ops/mod.rs), and attributes
//!   that are not computed exactly. Loading names the node, the operator and the attribute.
//! - Weights of convolutions, bounds, axes and pads that the graph computes, and images of more or less than two dimensions.
//! - Elements of other types than `f32`, `i64` and `u8`.
//! - Empty tensors, and tensors of more than 2³⁰ elements. They are an error when they occur.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod axis;
mod constant;
mod error;
mod kernel;
mod network;
mod node;
mod operator;
mod ops;
mod plan;
mod pointwise;
mod runtime;
mod target;
mod tensor;
mod windows;

pub use candle_core;

pub use crate::runtime::Candle;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
