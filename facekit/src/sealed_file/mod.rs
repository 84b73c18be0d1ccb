//! Encrypted files: a header, two slots for the root key, and a database. Gallery files and key vaults are such files.
//!
//! | Bytes | Content |
//! |-|-|
//! | 0 to 15 | the kind of file: a text such as `facekit gallery`, a line feed, zeros |
//! | 16 to 19 | format version |
//! | 20 to 51 | SHA-256 of bytes 0 to 19 |
//! | 4096, 8192 | a key slot each |
//! | from 12288 | the redb database |
//!
//! A slot is in a block of its own, so that overwriting it changes nothing else.

pub(crate) mod damage;
pub(crate) mod database;
pub(crate) mod disk;
pub(crate) mod header;
pub(crate) mod key;
pub(crate) mod overlay;
pub(crate) mod rows;
pub(crate) mod seal;
pub(crate) mod slots;
pub(crate) mod template;
pub(crate) mod unpublished;
pub(crate) mod wrapping;

#[cfg(test)]
pub(crate) mod tests;

pub use key::{GalleryKey, Protection, ProtectionKind};
