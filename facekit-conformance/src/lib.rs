//! The suites that every implementation of a core trait must pass.
//!
//! Each suite is a module with one function for each property of a trait, and a macro that makes a separately named test of
//! each function:
//!
//! ```
//! facekit_conformance::runtime_suite!(tract, facekit_tract::Tract::new);
//! ```
//!
//! The gaps of an implementation are listed in the call of the macro, where a reader sees them. No test skips anything on its
//! own. Tests that need models or photos get them from [`data`], which skips the test visibly if they are missing.

mod data;
mod error_text;
pub mod frame_source;
pub mod key_vault;
pub mod photos;
pub mod runtime;
pub mod template_store;
pub mod tolerance;
pub mod vector_index;

pub use crate::data::{data, skip};

// The README of the workspace is tested here, because this crate can depend on every other crate.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct WorkspaceReadme;
