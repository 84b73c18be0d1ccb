//! New files, which get their name once they are complete.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::disk::{Disk, LockedFile};
use crate::error::{Error, Result};

/// The beginning and the end of the names of unfinished files beside `path`.
fn unfinished(path: &Path) -> Option<(String, &'static str)> {
    let name = path.file_name()?.to_string_lossy();
    Some((format!(".{name}."), ".partial"))
}

/// Removes unfinished files that crashes left beside `path`, but none that is being written now. Each is removed under its
/// lock, so that a writer that has just created it notices: see [`Unpublished::new`].
pub(crate) fn clear_left_behind(path: &Path) {
    let Some((start, end)) = unfinished(path) else {
        return;
    };
    let Ok(entries) = folder_of(path).read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let named_so = name
            .to_str()
            .is_some_and(|name| name.starts_with(&start) && name.ends_with(end));
        if named_so
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Ok(file) = File::open(entry.path())
            && let Ok(_locked) = LockedFile::exclusive(file)
        {
            // If this fails, the next opening of the gallery tries again.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Opens a file, or creates it if there is none.
pub(crate) fn open_or_create<T>(
    open: impl Fn() -> Result<T>,
    create: impl FnOnce() -> Result<T>,
) -> Result<T> {
    match open() {
        Err(error) if error.is_not_found() => match create() {
            // Another program created it between the two calls.
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                open()
            }
            created => created,
        },
        opened => opened,
    }
}

/// A new file under a temporary name. It is removed if it is dropped before [`publish`](Self::publish). A crash leaves
/// it behind, and the next attempt removes it.
pub(crate) struct Unpublished {
    path: PathBuf,
    temporary: PathBuf,
    file: Arc<LockedFile>,
}

impl Unpublished {
    /// A new file. Fails if there is one of that name.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(Error::io("creating", path)(
                io::ErrorKind::AlreadyExists.into(),
            ));
        }
        Self::replacement(path)
    }

    /// A file that may take the place of another: see [`publish_over`](Self::publish_over).
    pub(crate) fn replacement(path: &Path) -> Result<Self> {
        const ATTEMPTS: usize = 16;
        let creating = || Error::io("creating", path);
        let Some((start, end)) = unfinished(path) else {
            return Err(creating()(io::ErrorKind::InvalidInput.into()));
        };
        clear_left_behind(path);
        for _ in 0..ATTEMPTS {
            // A random name, so that no other writer uses the same file.
            let mut random = [0; 8];
            getrandom::fill(&mut random).map_err(|error| creating()(io::Error::other(error)))?;
            let temporary =
                path.with_file_name(format!("{start}{:016x}{end}", u64::from_le_bytes(random)));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            let file = owner_only(&mut options)
                .open(&temporary)
                .map_err(creating())?;
            // Before the lock was taken, another process may have removed the file as one that a crash left behind.
            if let Ok(file) = LockedFile::exclusive(file)
                && fs::symlink_metadata(&temporary).is_ok()
            {
                return Ok(Self {
                    path: path.to_owned(),
                    temporary,
                    file: Arc::new(file),
                });
            }
            let _ = fs::remove_file(&temporary);
        }
        Err(creating()(io::ErrorKind::ResourceBusy.into()))
    }

    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::<LockedFile>::clone(&self.file)
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Syncs the file and gives it its name, in place of another file.
    pub(crate) fn publish_over(self) -> Result<()> {
        let creating = || Error::io("creating", &self.path);
        self.file.sync_all().map_err(creating())?;
        fs::rename(&self.temporary, &self.path).map_err(creating())?;
        sync_folder_of(&self.path)
    }

    /// Syncs the file and gives it its name. Fails if another file has that name by now.
    pub(crate) fn publish(self) -> Result<()> {
        let creating = || Error::io("creating", &self.path);
        self.file.sync_all().map_err(creating())?;
        match fs::hard_link(&self.temporary, &self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(creating()(error));
            }
            // The file system has no hard links. Renaming replaces a file without an error, so look first.
            Err(_) if fs::symlink_metadata(&self.path).is_err() => {
                fs::rename(&self.temporary, &self.path).map_err(creating())?;
            }
            Err(_) => return Err(creating()(io::ErrorKind::AlreadyExists.into())),
        }
        let path = self.path.clone();
        drop(self);
        sync_folder_of(&path)
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Makes the file that `options` create readable by its owner only, on systems that have such permissions.
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes sure that the name of `path` is on disk, on systems that can do so.
fn sync_folder_of(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = folder_of(path);
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::io("syncing", folder))?;
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}
