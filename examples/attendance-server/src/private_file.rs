//! Files that only their owner can read.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// Makes a new file that only its owner can read and write.
///
/// # Errors
///
/// If there is such a file already, or it cannot be made.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
