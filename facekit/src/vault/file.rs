//! A vault in a file.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::TableDefinition;

use super::{KeyRecord, VaultRecords, VaultState, VaultStorage};
use crate::{
    error::{Error, Result},
    sealed_file::{
        damage::damaged,
        database::{GuardedDatabase, Reading, Writing, guarded},
        disk::{Disk, LockedFile},
        header::FileKind,
        rows::{EPOCH, Records},
        slots::{Slot, SlotRecord, Slots},
    },
};

/// The format of vault files.
pub(super) const VAULT: FileKind = FileKind {
    magic: *b"facekit vault\n\0\0",
    newest: 1,
    name: "key vault",
};

/// Number of a key → the record of the key.
const KEYS: Records = TableDefinition::new("keys");

/// A vault in a file: key slots, and a table of records.
pub(super) struct VaultFile {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
}

struct State {
    database: GuardedDatabase,
    /// `None` before the first root key.
    slots: Option<Slots>,
}

impl VaultFile {
    /// Makes an empty storage on an empty disk.
    pub(super) fn create(disk: Arc<dyn Disk>, path: &Path) -> Result<Self> {
        VAULT
            .write(&*disk, VAULT.newest)
            .map_err(Error::io("creating", path))?;
        let database = GuardedDatabase::new(&disk, path)?;
        guarded(path, || {
            let writing = Writing::begin(&database, path)?;
            writing.table(KEYS)?;
            writing.commit()
        })?;
        Ok(Self {
            path: path.to_owned(),
            disk,
            state: Mutex::new(State {
                database,
                slots: None,
            }),
        })
    }

    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::open_on(Arc::new(LockedFile::open(path)?), path)
    }

    pub(super) fn open_on(disk: Arc<dyn Disk>, path: &Path) -> Result<Self> {
        VAULT.version(&*disk, path)?;
        let found = Slots::read(&VAULT, &*disk, path)?;
        let database = GuardedDatabase::new(&disk, path)?;
        let epoch = guarded(path, || Reading::begin(&database, path))?.meta(EPOCH)?;
        let epoch = epoch.ok_or_else(|| damaged(path, "the epoch is missing"))?;
        Slots::of_epoch(&found, epoch, path)?;
        let mut slots = Slots::open(&disk, path, &found, epoch);
        slots.erase_old()?;
        Ok(Self {
            path: path.to_owned(),
            disk,
            state: Mutex::new(State {
                database,
                slots: Some(slots),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VaultStorage for VaultFile {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn load(&self) -> Result<Option<VaultRecords>> {
        let state = self.state();
        let Some(slots) = &state.slots else {
            return Ok(None);
        };
        let path = &self.path;
        let found = Slots::read(&VAULT, &*self.disk, path)?;
        let root = Slots::of_epoch(&found, slots.epoch(), path)?.record();
        let mut keys = Vec::new();
        guarded(path, || Reading::begin(&state.database, path))?.scan(
            KEYS,
            &mut |number, sealed| {
                keys.push(KeyRecord::new(number, sealed.to_vec()));
                Ok(())
            },
        )?;
        Ok(Some(VaultRecords::new(root.to_vec(), keys)))
    }

    fn insert(&self, before: VaultState<'_>, keys: &[KeyRecord]) -> Result<()> {
        let state = self.state();
        self.check(&state, Some(before))?;
        let path = &self.path;
        guarded(path, || {
            let writing = Writing::begin(&state.database, path)?;
            {
                let mut table = writing.table(KEYS)?;
                for key in keys {
                    if table.get(key.number)?.is_some() {
                        return Err(self.failed(format!("key {} is there already", key.number)));
                    }
                    table.insert(key.number, key.sealed.as_slice())?;
                }
            }
            writing.commit()
        })
    }

    fn replace(&self, before: Option<VaultState<'_>>, records: &VaultRecords) -> Result<()> {
        let mut state = self.state();
        self.check(&state, before)?;
        let path = &self.path;
        let root = SlotRecord::from_bytes(&records.root)
            .ok_or_else(|| self.failed("the root record has another length".to_owned()))?;
        let next = match &state.slots {
            Some(slots) => slots.epoch() + 1,
            None => Slots::FIRST_EPOCH,
        };
        match Slot::parse(&VAULT, &root.0) {
            Slot::Live(slot) if slot.epoch == next => {}
            _ => return Err(self.failed(format!("the root record is not of epoch {next}"))),
        }
        // Before the new key is written, so that a failure of the database leaves everything as it was.
        let writing = guarded(path, || {
            let writing = Writing::begin(&state.database, path)?;
            let kept: HashSet<u64> = records.keys.iter().map(|key| key.number).collect();
            let old = writing.all(KEYS)?;
            let mut table = writing.table(KEYS)?;
            for (number, _) in old {
                if !kept.contains(&number) {
                    table.remove(number)?;
                }
            }
            for key in &records.keys {
                table.insert(key.number, key.sealed.as_slice())?;
            }
            drop(table);
            writing.set_meta(EPOCH, next)?;
            Ok(writing)
        })?;
        match &mut state.slots {
            Some(slots) => {
                slots.write_next(&root)?;
                guarded(path, || writing.commit())?;
                slots.switched();
                slots.erase_old()
            }
            none => {
                let slots = Slots::create(&self.disk, path, &root)?;
                guarded(path, || writing.commit())?;
                *none = Some(slots);
                Ok(())
            }
        }
    }
}

impl VaultFile {
    /// Checks that the file is in the state `before`.
    fn check(&self, state: &State, before: Option<VaultState<'_>>) -> Result<()> {
        let path = &self.path;
        let is_same = match (&state.slots, before) {
            (None, None) => true,
            (Some(slots), Some(before)) => {
                let found = Slots::read(&VAULT, &*self.disk, path)?;
                let root = Slots::of_epoch(&found, slots.epoch(), path)?.record();
                let keys = guarded(path, || Reading::begin(&state.database, path))?.count(KEYS)?;
                before.root == root && before.keys as u64 == keys
            }
            _ => false,
        };
        if is_same {
            Ok(())
        } else {
            Err(self.failed("another vault has changed the file".to_owned()))
        }
    }

    fn failed(&self, reason: String) -> Error {
        Error::Store {
            store: self.name(),
            action: "changing a key vault",
            source: reason.into(),
        }
    }
}

impl fmt::Debug for VaultFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VaultFile").field(&self.path).finish()
    }
}
