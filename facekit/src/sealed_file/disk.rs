//! The file below a gallery, and the lock on it.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io,
    ops::Deref,
    path::Path,
};

use super::unpublished;
use crate::error::{Error, Result};

/// The operations on a file that a gallery needs. Tests implement it by a disk that loses data that was not synced.
pub(crate) trait Disk: fmt::Debug + Send + Sync + 'static {
    fn len(&self) -> io::Result<u64>;
    fn set_len(&self, length: u64) -> io::Result<()>;
    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Returns when all written data is on the medium.
    fn sync(&self) -> io::Result<()>;
}

impl Disk for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        Self::set_len(self, length)
    }

    #[cfg(unix)]
    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, bytes, offset)
    }

    #[cfg(unix)]
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, offset)
    }

    #[cfg(windows)]
    fn read(&self, mut offset: u64, mut bytes: &mut [u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_read(self, bytes, offset)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes = &mut bytes[count..];
            offset += count as u64;
        }
        Ok(())
    }

    #[cfg(windows)]
    fn write(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_write(self, bytes, offset)?;
            bytes = &bytes[count..];
            offset += count as u64;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A file that is locked until this is dropped.
///
/// Dropping unlocks it explicitly. Closing the file is not enough: while another thread starts a process, the new process
/// holds the file, and with it the lock, until it runs its program.
#[derive(Debug)]
pub(crate) struct LockedFile(File);

impl LockedFile {
    /// Opens the file at `path` for changes, and locks it for one owner. Unfinished files that crashes left beside it are removed.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(Error::io("opening", path))?;
        // Before the lock: a crash can leave one file under both names, and then the lock would be on both.
        unpublished::clear_left_behind(path);
        Self::exclusive(file).map_err(Self::refused(path))
    }

    /// Locks `file` for one owner.
    pub(crate) fn exclusive(file: File) -> std::result::Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }

    /// Locks `file` together with other owners of a shared lock.
    pub(crate) fn shared(file: File) -> std::result::Result<Self, TryLockError> {
        file.try_lock_shared()?;
        Ok(Self(file))
    }

    /// For `map_err`: turns an error of locking into one about the file.
    pub(crate) fn refused(path: &Path) -> impl FnOnce(TryLockError) -> Error {
        let path = path.to_owned();
        |error| match error {
            TryLockError::WouldBlock => Error::FileLocked { path },
            TryLockError::Error(source) => Error::io("locking", path)(source),
        }
    }
}

impl Deref for LockedFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // If this fails, the lock ends when the file is closed.
        let _ = self.0.unlock();
    }
}

impl Disk for LockedFile {
    fn len(&self) -> io::Result<u64> {
        Disk::len(&self.0)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        Disk::set_len(&self.0, length)
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        Disk::read(&self.0, offset, bytes)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        Disk::write(&self.0, offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        Disk::sync(&self.0)
    }
}
