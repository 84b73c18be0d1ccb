//! Files that are replaced in one step.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::error::{Error, Result};

/// Writes `path`, and replaces a file of that name in one step: a reader finds the old or the new content, also after a loss
/// of power.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    static WRITERS: AtomicU64 = AtomicU64::new(0);
    // A name that no other writer uses, in this process or another.
    let writer = WRITERS.fetch_add(1, Ordering::Relaxed);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}-{writer}.part", std::process::id()));
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(Error::io("writing", &temporary))
        .and_then(|()| fs::rename(&temporary, path).map_err(Error::io("creating", path)));
    if written.is_err() {
        // The error of writing is returned. If removing the rest fails too, nothing more can be done.
        let _ = fs::remove_file(&temporary);
    }
    written
}
