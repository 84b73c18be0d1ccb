//! The first block of a sealed file: its kind and the version of its format.

use std::{io, path::Path};

use super::{damage::damaged, disk::Disk};
use crate::{
    digest::Digest,
    error::{Error, Result},
};

/// Bytes before the database: the header and two slots.
pub(crate) const LENGTH: u64 = 3 * BLOCK as u64;

pub(super) const BLOCK: usize = 4096;

/// A kind of sealed file.
#[derive(Debug)]
pub(crate) struct FileKind {
    /// The first bytes of each file.
    pub(crate) magic: [u8; 16],
    /// The version that this code writes, and the highest it reads.
    pub(crate) newest: u32,
    /// The kind, as errors name it.
    pub(crate) name: &'static str,
}

impl FileKind {
    /// Writes the first block of a file, and syncs it.
    pub(crate) fn write(&self, disk: &dyn Disk, version: u32) -> io::Result<()> {
        let mut block = [0; BLOCK];
        block[..16].copy_from_slice(&self.magic);
        block[16..20].copy_from_slice(&version.to_le_bytes());
        let digest = Digest::of(&block[..20]);
        block[20..52].copy_from_slice(digest.as_bytes());
        disk.write(0, &block)?;
        disk.sync()
    }

    /// Checks that a file is of this kind, and returns the version of its format.
    pub(crate) fn version(&self, disk: &dyn Disk, path: &Path) -> Result<u32> {
        let mut start = [0; 52];
        let length = disk.len().map_err(Error::io("reading", path))?;
        let count = start
            .len()
            .min(usize::try_from(length).unwrap_or(usize::MAX));
        disk.read(0, &mut start[..count])
            .map_err(Error::io("reading", path))?;
        let version = u32::from_le_bytes([start[16], start[17], start[18], start[19]]);
        if length == 0 {
            Err(damaged(path, "the file is empty"))
        } else if start[..16] != self.magic {
            Err(damaged(path, format!("not a {}", self.name)))
        } else if start[20..] != *Digest::of(&start[..20]).as_bytes() || version == 0 {
            Err(damaged(path, "the header does not match its checksum"))
        } else if version > self.newest {
            Err(Error::FileVersion {
                path: path.to_owned(),
                found: version,
                supported: self.newest,
            })
        } else if length <= LENGTH {
            Err(damaged(path, format!("it ends after {length} bytes")))
        } else {
            Ok(version)
        }
    }
}
