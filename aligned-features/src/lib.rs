//! Features of shared dependencies, the same for every program of this workspace.
//!
//! This crate has no code. Its manifest says why it exists.
