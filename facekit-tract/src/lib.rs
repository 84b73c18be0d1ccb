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
//! # Speed
//!
//! Convolutions over images, and what is computed between them, are taken out of tract's hands: they run over maps in which
//! sixteen channels lie together, with AVX-512, AVX2 or NEON, whichever the processor has. This covers dense and depthwise
//! convolutions in `f32`, ReLU, clipping, PReLU, sums, pooling, enlargement by whole factors and factors for channels; everything
//! else, such as grouped convolutions, is computed by tract. High images take as long as wide ones of the same area.
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

mod blocked;
mod error;
mod network;
mod plans;
mod runtime;
mod tensor;

pub use crate::runtime::Tract;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
