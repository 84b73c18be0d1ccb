//! The suites that every implementation of a core trait must pass.

pub mod template_store;
