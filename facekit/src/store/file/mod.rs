//! A durable template store in one encrypted file.

mod backup;
mod check;
mod import;
mod records;
mod snapshot;
mod store;
mod survey;
mod writer;

#[cfg(test)]
mod tests;

pub use check::CheckReport;
pub use import::{ImportConflict, ImportOptions, ImportReport, OnConflict};
pub use store::FileStore;
