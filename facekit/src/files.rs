//! Files that are there whole or not at all.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::error::{Error, Result};

/// Writes `path`, over what may be there: whoever reads it, even after a loss of power, finds the one or the other.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    static WRITERS: AtomicU64 = AtomicU64::new(0);
    // A name that no other writer has, in this process or another.
    let writer = WRITERS.fetch_add(1, Ordering::Relaxed);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}-{writer}.part", std::process::id()));
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(Error::io("writing", &temporary))
        .and_then(|()| fs::rename(&temporary, path).map_err(Error::io("creating", path)));
    if written.is_err() {
        // What is left of a failed attempt is of no use; that it cannot be removed, either, changes nothing.
        let _ = fs::remove_file(&temporary);
    }
    written
}
