//! The lock on a `.part` file.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use crate::{
    error::{Error, Result},
    progress::Watch,
};

/// The time between two attempts to take a lock that another process holds.
const LOCK_INTERVAL: Duration = Duration::from_millis(50);

/// The lock of the writer of a `.part`. It is on a file of its own, because a lock on the `.part` would stay on the file
/// when that gets its final name.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    pub(super) fn acquire(path: PathBuf, watch: &Watch<'_>) -> Result<Self> {
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(Error::io("creating", &path))?;
            match file.try_lock() {
                Ok(()) if is_file_at(&file, &path) => return Ok(Self { path, _file: file }),
                // The last holder removed the file after it was opened here. Try again with a new file.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    watch.report(0, None)?;
                    thread::sleep(LOCK_INTERVAL);
                }
                Err(TryLockError::Error(error)) => return Err(Error::io("locking", path)(error)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // On other systems `is_file_at` cannot recognize a removed file, so the empty lock file stays.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// True if `file` is still the file of this name.
#[cfg(unix)]
fn is_file_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => identity(held) == identity(there),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_file_at(_: &File, _: &Path) -> bool {
    true
}
