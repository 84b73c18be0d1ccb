//! ONNX files for those who implement a facekit [`Runtime`](facekit::Runtime): checks that every engine needs before it loads a
//! file, the signature of a model, and rewrites of its graph.
//!
//! ```no_run
//! let model = facekit::Model::open("mobilefacenet.onnx")?;
//! let proto = facekit_onnx::read(&model)?;
//! facekit_onnx::check_operators(&proto, &model, "my-runtime", |operator| operator == "Conv")?;
//! let inputs = facekit_onnx::inputs(&proto, &model)?;
//! assert_eq!(inputs[0].name, "input0");
//! # Ok::<(), facekit::Error>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod external_data;
pub mod graph;
mod operators;
mod ports;
pub mod proto;
mod read;
pub mod rewrite;
mod values;

pub use crate::{
    error::invalid,
    external_data::has_external_data,
    operators::{check_operators, node_name},
    ports::{inputs, outputs},
    read::read,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
