//! The file below a gallery: a header region, and redb's pages after it.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io, iter,
    ops::{Deref, Range},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::StorageBackend;

use super::header;
use crate::error::{Error, Result};

/// What a gallery needs of a file. Tests put a disk under it that loses what was not synced.
pub(super) trait Disk: fmt::Debug + Send + Sync + 'static {
    fn len(&self) -> io::Result<u64>;
    fn set_len(&self, length: u64) -> io::Result<()>;
    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Returns once everything that was written is on the medium.
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

/// A file that is locked as long as this lives.
///
/// Closing alone would not do: a process that is being started elsewhere in this one has the file open too until it runs
/// its program, and with it the lock.
#[derive(Debug)]
pub(super) struct LockedFile(File);

impl LockedFile {
    /// Takes `file` for one owner alone.
    pub(super) fn exclusive(file: File) -> std::result::Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }

    /// Takes `file` together with others who do the same.
    pub(super) fn shared(file: File) -> std::result::Result<Self, TryLockError> {
        file.try_lock_shared()?;
        Ok(Self(file))
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
        // Where this fails, the lock ends when the file is closed.
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

/// A disk that is never written: what would be is kept in memory, page by page. The database writes even where nothing
/// changes, when it opens after a crash and when it closes.
#[derive(Debug)]
pub(super) struct Overlay<D> {
    below: D,
    state: Mutex<Above>,
}

#[derive(Debug)]
struct Above {
    length: u64,
    /// Up to here the disk below shows through.
    shown: u64,
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
}

const PAGE: usize = 4096;

impl<D: Disk> Overlay<D> {
    pub(super) fn new(below: D) -> io::Result<Self> {
        let length = below.len()?;
        Ok(Self {
            below,
            state: Mutex::new(Above {
                length,
                shown: length,
                pages: BTreeMap::new(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, Above> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the disk below shows at `offset`, and zeros beyond.
    fn read_below(&self, shown: u64, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let count = usize::try_from(shown.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (there, beyond) = bytes.split_at_mut(count.min(bytes.len()));
        beyond.fill(0);
        if there.is_empty() {
            return Ok(());
        }
        self.below.read(offset, there)
    }
}

/// The pages that `length` bytes from `offset` lie in: the number of each, and the range in it.
fn pages(offset: u64, length: usize) -> impl Iterator<Item = (u64, Range<usize>)> {
    let end = offset + length as u64;
    let mut at = offset;
    iter::from_fn(move || {
        let number = at / PAGE as u64;
        let (first, next) = (at, end.min((number + 1) * PAGE as u64));
        at = next;
        let start = (first % PAGE as u64) as usize;
        (first < end).then(|| (number, start..start + (next - first) as usize))
    })
}

impl<D: Disk> Disk for Overlay<D> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().length)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.state();
        state.length = length;
        state.shown = state.shown.min(length);
        let (last, used) = (length / PAGE as u64, (length % PAGE as u64) as usize);
        state.pages.retain(|&number, _| number <= last);
        if let Some(page) = state.pages.get_mut(&last) {
            page[used..].fill(0);
        }
        Ok(())
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > state.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_below(state.shown, offset, bytes)?;
        if state.pages.is_empty() {
            return Ok(());
        }
        let mut rest = bytes;
        for (number, range) in pages(offset, rest.len()) {
            let (part, after) = rest.split_at_mut(range.len());
            if let Some(page) = state.pages.get(&number) {
                part.copy_from_slice(&page[range]);
            }
            rest = after;
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let mut rest = bytes;
        for (number, range) in pages(offset, bytes.len()) {
            let (part, after) = rest.split_at(range.len());
            if !state.pages.contains_key(&number) {
                let mut page = Box::new([0; PAGE]);
                self.read_below(state.shown, number * PAGE as u64, &mut *page)?;
                state.pages.insert(number, page);
            }
            if let Some(page) = state.pages.get_mut(&number) {
                page[range].copy_from_slice(part);
            }
            rest = after;
        }
        state.length = state.length.max(offset + bytes.len() as u64);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The part of a disk behind the header, as redb's storage. The lock is on the whole file and not redb's to take.
#[derive(Debug)]
pub(super) struct Backend(pub(super) Arc<dyn Disk>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len()?.saturating_sub(header::LENGTH))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(header::LENGTH + offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(header::LENGTH + len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(header::LENGTH + offset, data)
    }
}

/// Lets nobody but the owner read the file that `options` create, where the system has such a notion.
pub(super) fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes sure that the name of `path` is on disk, where the system has a way to do so.
pub(super) fn sync_folder_of(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = folder_of(path);
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::io("syncing", folder))?;
    }
    Ok(())
}

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}
