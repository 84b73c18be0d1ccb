//! The suites that every implementation of a core trait must pass.
//!
//! Each suite is a module of functions over the trait, one function per property, and a macro that makes a
//! separately named test of each:
//!
//! ```
//! facekit_conformance::runtime_suite!(tract, facekit_tract::Tract::new);
//! ```
//!
//! Gaps of an implementation stand in the macro's call, where they can be seen; no test leaves anything out by
//! itself. Tests that need models or photos ask [`data`] for them, which says so where they are not there.

mod data;
pub mod photos;
pub mod runtime;
pub mod template_store;
pub mod vector_index;

pub use crate::data::{data, skip};
