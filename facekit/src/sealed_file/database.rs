//! The redb database in a gallery file. Its errors and panics become errors that name the file.

use std::{
    borrow::Borrow,
    io,
    ops::{Deref, DerefMut, RangeBounds},
    path::Path,
    sync::Arc,
};

use redb::{
    AccessGuard, Database, Durability, Key, ReadOnlyTable, ReadTransaction, ReadableDatabase,
    ReadableTable, ReadableTableMetadata, StorageBackend, TableDefinition, Value, WriteTransaction,
};

use super::{disk::Disk, header};
use crate::{
    error::{Error, Result},
    panic::catch_panic,
};

/// Bytes of pages that the database keeps in memory.
const CACHE: usize = 64 << 20;

/// The reason in errors about pages that the database cannot make sense of.
pub(crate) const BROKEN_PAGES: &str = "its pages are inconsistent";

/// The part of a disk behind the header, as redb's storage. redb takes no lock on it: the whole file is locked already.
#[derive(Debug)]
struct Backend(Arc<dyn Disk>);

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

/// A database that can be closed without a panic.
pub(crate) struct GuardedDatabase(Option<Database>);

impl GuardedDatabase {
    pub(crate) fn new(disk: &Arc<dyn Disk>, path: &Path) -> Result<Self> {
        guarded(path, || {
            Database::builder()
                .set_cache_size(CACHE)
                .create_with_backend(Backend(Arc::clone(disk)))
                .map_err(fault(path, "opening"))
        })
        .map(|database| Self(Some(database)))
    }
}

impl Deref for GuardedDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.0.as_ref().expect("only dropping takes it")
    }
}

impl DerefMut for GuardedDatabase {
    fn deref_mut(&mut self) -> &mut Database {
        self.0.as_mut().expect("only dropping takes it")
    }
}

impl Drop for GuardedDatabase {
    fn drop(&mut self) {
        // A database that was not closed opens more slowly. Nothing is lost: every commit is on disk already.
        let _ = catch_panic(|| drop(self.0.take()));
    }
}

/// A transaction of the database, [`Reading`] or [`Writing`].
pub(crate) struct Transaction<'a, T> {
    inner: T,
    path: &'a Path,
}

pub(crate) type Reading<'a> = Transaction<'a, ReadTransaction>;
pub(crate) type Writing<'a> = Transaction<'a, WriteTransaction>;

impl<'a, T> Transaction<'a, T> {
    pub(crate) fn path(&self) -> &'a Path {
        self.path
    }
}

impl<'a> Reading<'a> {
    pub(crate) fn begin(database: &Database, path: &'a Path) -> Result<Self> {
        let inner = database.begin_read().map_err(fault(path, "reading"))?;
        Ok(Self { inner, path })
    }

    pub(crate) fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<Table<'a, ReadOnlyTable<K, V>>> {
        let table = self.inner.open_table(definition);
        Ok(Table {
            inner: table.map_err(fault(self.path, "reading"))?,
            path: self.path,
        })
    }
}

impl<'a> Writing<'a> {
    pub(crate) fn begin(database: &Database, path: &'a Path) -> Result<Self> {
        const ACTION: &str = "starting a change";
        let mut inner = database.begin_write().map_err(fault(path, ACTION))?;
        inner
            .set_durability(Durability::Immediate)
            .map_err(fault(path, ACTION))?;
        // After a one-phase commit, redb takes a page that rotted for one that a crash kept from being written, and goes
        // back to the commit before without an error.
        inner.set_two_phase_commit(true);
        Ok(Self { inner, path })
    }

    pub(crate) fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<Table<'a, redb::Table<'_, K, V>>> {
        let table = self.inner.open_table(definition);
        Ok(Table {
            inner: table.map_err(fault(self.path, "writing"))?,
            path: self.path,
        })
    }

    pub(crate) fn commit(self) -> Result<()> {
        self.inner.commit().map_err(fault(self.path, "committing"))
    }
}

/// A table of the database.
pub(crate) struct Table<'a, T> {
    inner: T,
    path: &'a Path,
}

impl<T> Table<'_, T> {
    pub(crate) fn path(&self) -> &Path {
        self.path
    }

    pub(crate) fn len(&self) -> Result<u64>
    where
        T: ReadableTableMetadata,
    {
        self.inner.len().map_err(fault(self.path, "reading"))
    }

    pub(crate) fn get<'k, K, V>(
        &self,
        key: impl Borrow<K::SelfType<'k>>,
    ) -> Result<Option<AccessGuard<'_, V>>>
    where
        K: Key + 'static,
        V: Value + 'static,
        T: ReadableTable<K, V>,
    {
        self.inner.get(key).map_err(fault(self.path, "reading"))
    }

    /// The rows whose keys are in `range`, in rising order of key.
    pub(crate) fn rows<'k, K, V>(
        &self,
        range: impl RangeBounds<K::SelfType<'k>> + 'k,
    ) -> Result<impl Iterator<Item = Result<(AccessGuard<'_, K>, AccessGuard<'_, V>)>>>
    where
        K: Key + 'static,
        V: Value + 'static,
        T: ReadableTable<K, V>,
    {
        let rows = self
            .inner
            .range(range)
            .map_err(fault(self.path, "reading"))?;
        Ok(rows.map(|row| row.map_err(fault(self.path, "reading"))))
    }
}

impl<K: Key + 'static, V: Value + 'static> Table<'_, redb::Table<'_, K, V>> {
    pub(crate) fn insert<'k, 'v>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
        value: impl Borrow<V::SelfType<'v>>,
    ) -> Result<()> {
        self.inner
            .insert(key, value)
            .map_err(fault(self.path, "writing"))?;
        Ok(())
    }

    pub(crate) fn remove<'k>(&mut self, key: impl Borrow<K::SelfType<'k>>) -> Result<()> {
        self.inner
            .remove(key)
            .map_err(fault(self.path, "removing"))?;
        Ok(())
    }
}

/// Runs `work` on the database. redb checks most of what it reads but not all, and panics on some damaged pages; such a
/// panic becomes an error about the file.
pub(crate) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_panic(work).unwrap_or_else(|message| {
        Err(Error::FileDamaged {
            path: path.to_owned(),
            reason: BROKEN_PAGES.to_owned(),
            source: Some(message.into()),
        })
    })
}

/// For `map_err`: turns an error that redb reported during `action` into one about the file.
pub(crate) fn fault<E: Into<redb::Error>>(
    path: &Path,
    action: &'static str,
) -> impl FnOnce(E) -> Error {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    move |error| match error.into() {
        error @ (redb::Error::PreviousIo
        | redb::Error::LockPoisoned(_)
        | redb::Error::ValueTooLarge(_)) => Error::Store {
            store: path.display().to_string(),
            action,
            source: error.into(),
        },
        redb::Error::Io(source)
            if !matches!(source.kind(), InvalidData | InvalidInput | UnexpectedEof) =>
        {
            Error::Store {
                store: path.display().to_string(),
                action,
                source: source.into(),
            }
        }
        error => Error::FileDamaged {
            path: path.to_owned(),
            reason: BROKEN_PAGES.to_owned(),
            source: Some(error.into()),
        },
    }
}
