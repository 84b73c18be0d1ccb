//! Keys of people whose data are kept elsewhere.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    person::PersonId,
    sealed_file::{
        key::{Protection, ProtectionKind},
        rows::{Kind, context},
        seal::SecretKey,
        slots::{Slot, SlotRecord, Slots},
        unpublished::{self, Unpublished},
        wrapping::Wrapping,
    },
};

mod file;
mod storage;
mod template;

#[cfg(test)]
mod tests;

use file::{VAULT, VaultFile};
pub use storage::{KeyRecord, VaultRecords, VaultState, VaultStorage};
pub use template::SealedTemplate;

/// A key for each person, for programs that keep sealed data elsewhere: templates, names and photos in an SQL database.
/// Erasing a person's key erases all data that were sealed under it, wherever copies of these data are.
///
/// A random root key wraps the keys of people, and [`Protection`] protects the root key: a key from a file or the
/// environment, or a passphrase. The vault is a file ([`open`](Self::open)) or any other [`VaultStorage`], such as a table
/// ([`over`](Self::over)). A [`FileStore`](crate::FileStore) keeps the keys of its people inside the gallery file and needs
/// no vault.
///
/// ```
/// use facekit::{GalleryKey, KeyVault, PersonId, Protection};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("keys.facekit");
///
/// let vault = KeyVault::create(&path, &Protection::Key(GalleryKey::generate()?))?;
/// let anna = PersonId::new("anna")?;
/// vault.add(&[anna.clone()])?;
/// let sealed = vault.seal(&anna, b"mail address", b"anna@example.org")?;
/// assert_eq!(vault.unseal(&anna, b"mail address", &sealed)?, b"anna@example.org");
///
/// vault.forget(&[anna.clone()])?;
/// assert!(vault.unseal(&anna, b"mail address", &sealed).is_err());
/// # Ok::<(), facekit::Error>(())
/// ```
///
/// # Order of changes
///
/// The vault and the place of the sealed data are changed one after the other, so a crash can come between the two:
///
/// - **New person.** Call [`add`](Self::add) first, then commit the data. The key is on the medium when `add` returns, so no
///   data are ever without their key. A crash in between leaves a key without data: find it among [`people`](Self::people)
///   at the next start, and [`forget`](Self::forget) it.
/// - **Erasure.** Commit the deletion of the data together with a note that the key is to be forgotten, then call
///   [`forget`](Self::forget), then delete the note. At the next start, forget the people of notes that are left.
///
/// # Guarantees
///
/// - **Durable.** A change that returned `Ok` is on the medium.
/// - **Erased.** After [`forget`](Self::forget) the storage holds no key that opens data of the person: the root key is
///   replaced, the other keys are wrapped under the new one, and the old root key is overwritten.
/// - **Sealed.** Data are encrypted and authenticated with XChaCha20-Poly1305 under a random nonce, and bound to a context.
///   The vault file shows how many people it has keys for, but not their ids.
///
/// The limits of a gallery file's guarantees apply: see [`FileStore`](crate::FileStore#limits-of-these-guarantees). An old
/// copy of the vault, together with its key, opens the data of people who were forgotten since. So keep the newest backup
/// only.
///
/// # After errors
///
/// After a change that failed, the vault refuses further changes until it is opened again. The keys in memory stay as they
/// were before the change, and the next opening finds the change either done or not done.
pub struct KeyVault {
    storage: Box<dyn VaultStorage>,
    /// Locked through a whole change of storage and memory, so that changes come one after the other.
    root: Mutex<Root>,
    keys: RwLock<HashMap<PersonId, Entry>>,
}

struct Root {
    key: SecretKey,
    /// The record of the key in the storage.
    record: SlotRecord,
    wrapping: Wrapping,
    epoch: u64,
    /// The number of the next key.
    next: u64,
    /// A change failed, so the state of the storage is unknown.
    broken: bool,
}

/// The key of a person, and its number in the storage.
#[derive(Clone)]
struct Entry {
    number: u64,
    key: SecretKey,
}

type Keys = HashMap<PersonId, Entry>;

impl KeyVault {
    /// Creates a vault file without keys. It gets its name when it is complete. Only its owner can read it (mode 0600 on
    /// Unix).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file exists or cannot be written.
    pub fn create(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        let path = path.as_ref();
        let new = Unpublished::new(path)?;
        let vault = Self::over(VaultFile::create(new.disk(), path)?, protection)?;
        new.publish()?;
        Ok(vault)
    }

    /// Opens a vault file. One vault at a time, in one process, can have a file open.
    ///
    /// # Errors
    ///
    /// - [`Error::Io`] if the file cannot be read and written; see [`Error::is_not_found`].
    /// - [`Error::FileLocked`] if it is open already, here or in another process.
    /// - [`Error::FileDamaged`] if it is not a vault, or is damaged.
    /// - [`Error::FileVersion`] if a later version of facekit wrote it.
    /// - [`Error::Key`] if `protection` is not the file's.
    pub fn open(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        Self::over(VaultFile::open(path.as_ref())?, protection)
    }

    /// Opens a vault file, or creates it if there is none.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        let path = path.as_ref();
        unpublished::open_or_create(
            || Self::open(path, protection),
            || Self::create(path, protection),
        )
    }

    /// Opens the vault in a storage. An empty storage becomes a vault without keys.
    ///
    /// Use one vault at a time for a storage. If another vault has changed the storage, the next change fails, as described
    /// [above](Self#after-errors), and no key is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if `protection` is not the vault's or a key does not open, and errors of the storage.
    pub fn over(storage: impl VaultStorage + 'static, protection: &Protection) -> Result<Self> {
        let (root, keys) = match storage.load()? {
            Some(records) => unlock(&records, protection, &storage.name())?,
            None => {
                let root = Root::new(Wrapping::new(protection)?, Slots::FIRST_EPOCH, 0)?;
                let keys = Keys::new();
                storage.replace(None, &root.records(&keys)?)?;
                (root, keys)
            }
        };
        Ok(Self {
            storage: Box::new(storage),
            root: Mutex::new(root),
            keys: RwLock::new(keys),
        })
    }

    /// The number of people who have a key.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys().len()
    }

    /// Returns true if nobody has a key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns true if `person` has a key.
    #[must_use]
    pub fn contains(&self, person: &PersonId) -> bool {
        self.keys().contains_key(person)
    }

    /// The people who have a key, in order of id.
    #[must_use]
    pub fn people(&self) -> Vec<PersonId> {
        let mut people: Vec<PersonId> = self.keys().keys().cloned().collect();
        people.sort();
        people
    }

    /// The kind of the vault's protection.
    #[must_use]
    pub fn protection(&self) -> ProtectionKind {
        self.root().wrapping.kind()
    }

    /// Makes keys for those of `people` who have none, in one step, and returns how many it made. The keys are on the medium
    /// when this returns.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] and other errors of the storage. Nobody has a new key then.
    pub fn add(&self, people: &[PersonId]) -> Result<usize> {
        let mut root = self.change()?;
        let mut new = Keys::new();
        {
            let keys = self.keys();
            for person in people.iter().filter(|person| !keys.contains_key(*person)) {
                if !new.contains_key(person) {
                    let number = root.next + new.len() as u64;
                    let key = SecretKey::random()?;
                    new.insert(person.clone(), Entry { number, key });
                }
            }
        }
        if new.is_empty() {
            return Ok(0);
        }
        let records = new
            .iter()
            .map(|(person, entry)| root.wrap(person, entry))
            .collect::<Result<Vec<_>>>()?;
        let before = root.state(&self.keys());
        let added = self.storage.insert(before, &records);
        root.broken = added.is_err();
        added?;
        root.next += new.len() as u64;
        let count = new.len();
        self.keys_mut().extend(new);
        Ok(count)
    }

    /// Erases the keys of people, in one step, and returns how many of them had one. Afterward, nothing that was sealed for
    /// them can be opened. People without a key are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] and other errors of the storage. See [above](Self#after-errors).
    pub fn forget(&self, people: &[PersonId]) -> Result<usize> {
        let mut root = self.change()?;
        let gone: HashSet<&PersonId> = {
            let keys = self.keys();
            people.iter().filter(|id| keys.contains_key(*id)).collect()
        };
        if !gone.is_empty() {
            let wrapping = root.wrapping.clone();
            self.rotate_to(&mut root, wrapping, &gone)?;
            self.keys_mut().retain(|person, _| !gone.contains(person));
        }
        Ok(gone.len())
    }

    /// Replaces the root key. The keys of people stay the same.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] and other errors of the storage. See [above](Self#after-errors).
    pub fn rotate(&self) -> Result<()> {
        let mut root = self.change()?;
        let wrapping = root.wrapping.clone();
        self.rotate_to(&mut root, wrapping, &HashSet::new())
    }

    /// Changes the protection, and replaces the root key. The old protection opens nothing in the vault from then on.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] and other errors of the storage. See [above](Self#after-errors).
    pub fn rekey(&self, protection: &Protection) -> Result<()> {
        let wrapping = Wrapping::new(protection)?;
        let mut root = self.change()?;
        self.rotate_to(&mut root, wrapping, &HashSet::new())
    }

    /// Writes a copy of the vault to a new file, under the same protection and a root key of its own. The copy gets its name
    /// when it is complete. People who are forgotten later stay in the copy.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if `to` exists or cannot be written.
    ///
    /// ```
    /// use facekit::{GalleryKey, KeyVault, PersonId, Protection};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, copy) = (folder.path().join("keys.facekit"), folder.path().join("keys.backup"));
    ///
    /// let protection = Protection::Key(GalleryKey::generate()?);
    /// let vault = KeyVault::create(&path, &protection)?;
    /// vault.add(&[PersonId::new("anna")?])?;
    /// vault.backup(&copy)?;
    /// assert_eq!(KeyVault::open(&copy, &protection)?.len(), 1);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        let to = to.as_ref();
        let records = {
            let root = self.root();
            let copy = Root::new(root.wrapping.clone(), Slots::FIRST_EPOCH, root.next)?;
            copy.records(&*self.keys())?
        };
        let new = Unpublished::new(to)?;
        let file = VaultFile::create(new.disk(), to)?;
        file.replace(None, &records)?;
        drop(file);
        new.publish()
    }

    /// Encrypts `plain` under the key of `person`. `context` says what it is: "mail address", or a table and a column. The
    /// same context is needed to open it again, so data that are moved to another place do not open there. The result is 40
    /// bytes longer than `plain`.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the person has no key.
    pub fn seal(&self, person: &PersonId, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        self.key(person)?.seal(&bound(context), plain)
    }

    /// Opens what [`seal`](Self::seal) made for the same person and context.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the person has no key, or if `sealed` was made for another person, with another context or under a
    /// key that was forgotten, or is damaged.
    pub fn unseal(&self, person: &PersonId, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        match self.key(person)?.open(&bound(context), sealed) {
            Some(plain) => Ok(plain.to_vec()),
            None => Err(does_not_open(person)),
        }
    }

    /// The key of a person.
    fn key(&self, person: &PersonId) -> Result<SecretKey> {
        let keys = self.keys();
        let entry = keys.get(person);
        entry.map(|entry| entry.key.clone()).ok_or_else(|| {
            refused(
                format!("person {person}"),
                "the vault has no key for this person",
            )
        })
    }

    fn keys(&self) -> RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys_mut(&self) -> RwLockWriteGuard<'_, Keys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn root(&self) -> MutexGuard<'_, Root> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The root key, for a change.
    fn change(&self) -> Result<MutexGuard<'_, Root>> {
        let root = self.root();
        if root.broken {
            return Err(Error::Store {
                store: self.storage.name(),
                action: "changing a key vault after a failed change",
                source: "close it and open it again".into(),
            });
        }
        Ok(root)
    }

    /// Replaces the root key and all records of keys, without those of the people who are `gone`.
    fn rotate_to(
        &self,
        root: &mut Root,
        wrapping: Wrapping,
        gone: &HashSet<&PersonId>,
    ) -> Result<()> {
        let new = Root::new(wrapping, root.epoch + 1, root.next)?;
        let keys = self.keys();
        let records = new.records(keys.iter().filter(|(person, _)| !gone.contains(person)))?;
        let replaced = self.storage.replace(Some(root.state(&keys)), &records);
        drop(keys);
        root.broken = replaced.is_err();
        replaced?;
        *root = new;
        Ok(())
    }
}

impl Root {
    /// A new root key.
    fn new(wrapping: Wrapping, epoch: u64, next: u64) -> Result<Self> {
        let key = SecretKey::random()?;
        Ok(Self {
            record: SlotRecord::new(&VAULT, epoch, &wrapping, &key)?,
            key,
            wrapping,
            epoch,
            next,
            broken: false,
        })
    }

    /// The state of a storage with this root key and the keys of these people.
    fn state(&self, keys: &Keys) -> VaultState<'_> {
        VaultState::new(&self.record.0[..], keys.len())
    }

    /// The record of a person's key: the key and the person's id, sealed under the root key.
    fn wrap(&self, person: &PersonId, entry: &Entry) -> Result<KeyRecord> {
        let id = person.as_str().as_bytes();
        let mut plain = Zeroizing::new(Vec::with_capacity(32 + id.len()));
        plain.extend(entry.key.bytes());
        plain.extend(id);
        let sealed = self
            .key
            .seal(&context(Kind::Key, entry.number, 0), &plain)?;
        Ok(KeyRecord {
            number: entry.number,
            sealed,
        })
    }

    /// All records of a vault with this root key.
    fn records<'a>(
        &self,
        keys: impl IntoIterator<Item = (&'a PersonId, &'a Entry)>,
    ) -> Result<VaultRecords> {
        let keys = keys.into_iter();
        let keys = keys.map(|(person, entry)| self.wrap(person, entry));
        let keys = keys.collect::<Result<_>>()?;
        Ok(VaultRecords::new(self.record.0.to_vec(), keys))
    }
}

/// Opens the records of a vault. `name` names the vault in errors.
fn unlock(records: &VaultRecords, protection: &Protection, name: &str) -> Result<(Root, Keys)> {
    let damaged = |reason: &str| refused(format!("key vault {name}"), reason);
    let record =
        SlotRecord::from_bytes(&records.root).ok_or_else(|| damaged("its root key is damaged"))?;
    let Slot::Live(slot) = Slot::parse(&VAULT, &record.0) else {
        return Err(damaged("its root key is damaged"));
    };
    let (wrapping, key) = slot.unlock(protection, name)?;
    let mut keys = Keys::with_capacity(records.keys.len());
    let mut next = 0;
    for record in &records.keys {
        let number = record.number;
        let wrong = || damaged(&format!("key {number} does not open"));
        let plain = key
            .open(&context(Kind::Key, number, 0), &record.sealed)
            .ok_or_else(wrong)?;
        let (key, id) = plain.split_first_chunk::<32>().ok_or_else(wrong)?;
        let id = str::from_utf8(id).map_err(|_| wrong())?;
        let key = SecretKey::new(Zeroizing::new(*key));
        if keys
            .insert(PersonId::new(id)?, Entry { number, key })
            .is_some()
        {
            return Err(damaged("a person has two keys in it"));
        }
        next = next.max(number.saturating_add(1));
    }
    let root = Root {
        key,
        record,
        wrapping,
        epoch: slot.epoch,
        next,
        broken: false,
    };
    Ok((root, keys))
}

/// Binds data that a program seals to their kind and to the program's own context.
fn bound(own: &[u8]) -> Vec<u8> {
    [&context(Kind::Other, 0, 0)[..], own].concat()
}

fn does_not_open(person: &PersonId) -> Error {
    let reason = "the sealed data do not open: made for another person or context, under a key that was forgotten, or damaged";
    refused(format!("person {person}"), reason)
}

fn refused(what: String, reason: &str) -> Error {
    Error::Key {
        what,
        reason: reason.to_owned(),
    }
}

impl fmt::Debug for KeyVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyVault")
            .field("storage", &self.storage)
            .field("people", &self.len())
            .finish_non_exhaustive()
    }
}
