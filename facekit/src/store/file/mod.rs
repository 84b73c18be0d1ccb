//! A durable template store in one encrypted file.

mod backup;
mod check;
mod damage;
mod database;
mod disk;
mod header;
mod import;
mod key;
mod overlay;
mod records;
mod seal;
mod snapshot;
mod store;
mod survey;
mod unpublished;
mod writer;

#[cfg(test)]
mod tests;

pub use check::CheckReport;
pub use import::{ImportConflict, ImportOptions, ImportReport, OnConflict};
pub use key::{GalleryKey, Protection, ProtectionKind};
pub use store::FileStore;
