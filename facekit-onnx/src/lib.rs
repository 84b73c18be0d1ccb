//! ONNX files for those who implement a facekit [`Runtime`](facekit::Runtime): what every engine needs to know of a
//! file before, or instead of, reading it itself.
//!
//! ```no_run
//! let model = facekit::Model::open("mobilefacenet.onnx")?;
//! let proto = facekit_onnx::read(&model)?;
//! facekit_onnx::check_operators(&proto, &model, "my-runtime", |operator| operator == "Conv")?;
//! let inputs = facekit_onnx::inputs(&proto, &model)?;
//! assert_eq!(inputs[0].name, "input0");
//! # Ok::<(), facekit::Error>(())
//! ```

mod check;
pub mod graph;
pub mod proto;
mod read;
pub mod rewrite;

pub use crate::check::{
    check_operators, has_external_data, inputs, invalid, node_name, outputs, read,
};
