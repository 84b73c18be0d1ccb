//! The store itself: how a gallery file is created, opened and changed.

use std::{
    collections::HashMap,
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io, mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    damage::damaged,
    database::{BROKEN_PAGES, GuardedDatabase, guarded},
    disk::{Disk, LockedFile},
    header::{self, Wrapping},
    key::{Protection, ProtectionKind},
    overlay::Overlay,
    seal::SecretKey,
    snapshot::Snapshot,
    unpublished::{self, Unpublished},
    writer::Writer,
};
use crate::{
    align::AlignedFace,
    error::{Error, Result},
    person::{Person, PersonId},
    store::{NewTemplate, Template, TemplateId, TemplateStore},
};

/// The most bytes that a person's name may have.
const LONGEST_NAME: usize = 1024;

/// A durable store in one file, encrypted at rest.
///
/// ```
/// use facekit::{FileStore, GalleryKey, Person, PersonId, Protection, TemplateStore};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("staff.gallery");
///
/// let protection = Protection::Key(GalleryKey::from_passphrase("correct horse battery staple")?);
/// let store = FileStore::create(&path, &protection)?;
/// store.put(&Person::new(PersonId::new("anna")?, jiff::Timestamp::UNIX_EPOCH), &[])?;
/// drop(store);
///
/// let store = FileStore::open(&path, &protection)?;
/// assert_eq!(store.people()?[0].id.as_str(), "anna");
/// # Ok::<(), facekit::Error>(())
/// ```
///
/// # Guarantees
///
/// - **Durable.** A `put` or `remove` that returned `Ok` is written and synced. It survives a crash and a loss of power,
///   provided that the drive keeps synced data. Commits have two phases, so a page that rots is an error; it is never
///   taken for a change that was cut short.
/// - **Atomic.** A change happens entirely or not at all. A new gallery file gets its name when it is complete.
/// - **Exclusive.** One store at a time, in one process, can open a file for changes. Every other attempt to open it, for
///   reading too, is [`Error::GalleryLocked`]. Many stores can read a file at once
///   ([`open_read_only`](Self::open_read_only)) while none has it open for changes.
/// - **Sealed.** Ids, names, times, vectors and crops are encrypted and authenticated with XChaCha20-Poly1305, under a
///   key for each person. The file shows without the gallery's key how many people, templates and crops there are, how
///   large each record is, and which templates belong to the same person. With [`Protection::None`] it shows everything.
/// - **Erased.** After [`remove`](TemplateStore::remove) the file holds no key that opens a record of the person, neither
///   in pages in use nor in free pages: the root key is replaced, the keys of the remaining people are wrapped under the
///   new one, and the old root key is overwritten. The gallery's own key does not open the records either.
///
/// # Limits of these guarantees
///
/// - Only the file itself is erased. Backups, exports, file system snapshots and copies keep their content. Some media
///   do not overwrite a block in place: copy-on-write file systems such as Btrfs and ZFS, and flash with wear leveling.
///   There the old root key may survive, and a person who has both the medium and the gallery's key can undo the
///   removal. Use an encrypted drive, or destroy the medium.
/// - A person who can write to the file can replace it by an older copy or take records out. They cannot read or forge a
///   record.
/// - While a gallery is open, its keys are in memory.
///
/// # Limits
///
/// A name of more than 1024 bytes is [`Error::InvalidArgument`].
///
/// # After errors
///
/// A change that fails leaves the gallery as it was. If the commit itself fails, it is unknown whether the change reached
/// the drive: the store then refuses further changes, and the next opening finds the change either done or not done. The
/// last step of [`remove`](TemplateStore::remove) overwrites the old key. If that step fails, the people are removed, and
/// the error says that the old key was not erased; the next change or the next opening for changes repeats the step.
pub struct FileStore {
    pub(super) path: PathBuf,
    disk: Arc<dyn Disk>,
    pub(super) read_only: bool,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) database: GuardedDatabase,
    pub(super) root: SecretKey,
    epoch: u64,
    pub(super) wrapping: Wrapping,
    /// The number of each person, for changes. Empty in a store that was opened read-only.
    pub(super) people: HashMap<PersonId, u64>,
    /// The old root key is still to be overwritten.
    unerased: bool,
    pub(super) broken: Option<Broken>,
}

/// The reason why a store refuses changes.
#[derive(Clone, Copy)]
pub(super) enum Broken {
    /// A commit failed, so the state on disk is unknown.
    Commit,
    /// A check found damaged pages.
    Pages,
}

impl FileStore {
    /// Creates a gallery file. It gets its name when it is complete. Only its owner can read it (mode 0600 on Unix).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file exists or cannot be written.
    pub fn create(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        let path = path.as_ref();
        let wrapping = Wrapping::new(protection)?;
        let new = Unpublished::new(path)?;
        let store = Self::create_on(new.disk(), path, wrapping, SecretKey::random()?)?;
        new.publish()?;
        Ok(store)
    }

    /// Opens a gallery file.
    ///
    /// # Errors
    ///
    /// - [`Error::Io`] if the file cannot be read and written; see [`Error::is_not_found`].
    /// - [`Error::GalleryLocked`] if it is open already, here or in another process.
    /// - [`Error::GalleryDamaged`] if it is not a gallery, or not complete.
    /// - [`Error::GalleryVersion`] if a later version of facekit wrote it.
    /// - [`Error::Key`] if `protection` is not the file's: the wrong key, no key for a protected file, or a key
    ///   for a file without protection.
    pub fn open(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        let path = path.as_ref();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(Error::io("opening", path))?;
        // Before the lock: a crash can leave one file under both names, and then the lock would be on both.
        unpublished::clear_left_behind(path);
        let file = locked(LockedFile::exclusive(file), path)?;
        Self::open_on(Arc::new(file), path, protection)
    }

    /// Opens a gallery file for reading only. The file is never written, whatever its state, so it may lie on a medium
    /// that cannot be written. Many stores can have it open in this way at once.
    ///
    /// After a crash, the repairs that [`open`](Self::open) makes are made in memory. A root key that was to be
    /// overwritten stays in the file until it is opened for changes.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`Error::GalleryLocked`] if a store has it open for changes. A gallery with damaged
    /// records can be opened; a call that reads such a record fails.
    /// [`put`](TemplateStore::put), [`remove`](TemplateStore::remove), [`import`](Self::import) and
    /// [`rekey`](Self::rekey) fail with [`Error::InvalidArgument`].
    ///
    /// ```
    /// use facekit::{FileStore, PersonId, Protection, TemplateStore};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("staff.gallery");
    ///
    /// drop(FileStore::create(&path, &Protection::None)?);
    /// let one = FileStore::open_read_only(&path, &Protection::None)?;
    /// let other = FileStore::open_read_only(&path, &Protection::None)?;
    /// assert_eq!(one.people()?, other.people()?);
    /// assert!(one.remove(&[PersonId::new("anna")?]).is_err());
    /// assert!(FileStore::open(&path, &Protection::None).is_err());
    /// # Ok::<(), facekit::Error>(())
    /// ```
    pub fn open_read_only(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::io("opening", path))?;
        let file = locked(LockedFile::shared(file), path)?;
        Self::open_read_only_on(file, path, protection)
    }

    /// Opens a gallery file, or creates it if there is none.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        let path = path.as_ref();
        match Self::open(path, protection) {
            Err(error) if error.is_not_found() => match Self::create(path, protection) {
                // Another store created it between the two calls.
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                    Self::open(path, protection)
                }
                created => created,
            },
            opened => opened,
        }
    }

    /// Reads the kind of a gallery file's protection from its header, to know which key to ask for. The file may be open
    /// at the same time.
    ///
    /// If a crash interrupted a change of the key, this is the kind of the new key.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::GalleryDamaged`] and [`Error::GalleryVersion`] as for [`open`](Self::open).
    ///
    /// ```
    /// use facekit::{FileStore, Protection, ProtectionKind};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("test.gallery");
    ///
    /// let _store = FileStore::create(&path, &Protection::None)?;
    /// assert_eq!(FileStore::protection_kind(&path)?, ProtectionKind::None);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    pub fn protection_kind(path: impl AsRef<Path>) -> Result<ProtectionKind> {
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::io("opening", path))?;
        header::version(&file, path)?;
        let slots = header::read_slots(&file, path)?;
        slots
            .iter()
            .filter_map(header::Slot::live)
            .max_by_key(|slot| slot.epoch)
            .map(header::LiveSlot::kind)
            .ok_or_else(|| damaged(path, "it has no root key"))
    }

    /// The path of the gallery file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kind of the file's protection.
    #[must_use]
    pub fn protection(&self) -> ProtectionKind {
        self.state().wrapping.kind()
    }

    /// Changes the protection of the file. The old protection opens nothing in it from then on, because the root key is
    /// replaced too.
    ///
    /// The keys of people stay the same. A person who has the old key *and* an earlier copy of the file has those keys,
    /// and can read the records of the same people in later copies. If a key leaked together with a file, use
    /// [`export`](Self::export) to write all people to a new file: it gets new keys throughout.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the file cannot be written. See [above](Self#after-errors).
    ///
    /// ```
    /// use facekit::{FileStore, GalleryKey, Protection};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("staff.gallery");
    ///
    /// let store = FileStore::create(&path, &Protection::None)?;
    /// let key = Protection::Key(GalleryKey::generate()?);
    /// store.rekey(&key)?;
    /// drop(store);
    /// assert!(FileStore::open(&path, &Protection::None).is_err());
    /// assert!(FileStore::open(&path, &key).is_ok());
    /// # Ok::<(), facekit::Error>(())
    /// ```
    pub fn rekey(&self, protection: &Protection) -> Result<()> {
        let wrapping = Wrapping::new(protection)?;
        let mut state = self.writable()?;
        self.rotate(&mut state, &[], wrapping)
    }

    /// Creates a gallery on an empty disk.
    pub(super) fn create_on(
        disk: Arc<dyn Disk>,
        path: &Path,
        wrapping: Wrapping,
        root: SecretKey,
    ) -> Result<Self> {
        let epoch = 1;
        header::write(&*disk).map_err(Error::io("creating", path))?;
        header::erase_slot(&*disk, path, epoch + 1)?;
        header::write_slot(&*disk, path, epoch, &wrapping, &root)?;
        let database = GuardedDatabase::new(&disk, path)?;
        guarded(path, || {
            let writer = Writer::new(&database, path)?;
            writer.initialize(epoch)?;
            writer.commit()
        })?;
        Ok(Self {
            path: path.to_owned(),
            disk,
            read_only: false,
            state: Mutex::new(State {
                database,
                root,
                epoch,
                wrapping,
                people: HashMap::new(),
                unerased: false,
                broken: None,
            }),
        })
    }

    pub(super) fn open_on(
        disk: Arc<dyn Disk>,
        path: &Path,
        protection: &Protection,
    ) -> Result<Self> {
        Self::open_as(disk, path, protection, false)
    }

    pub(super) fn open_read_only_on(
        disk: impl Disk,
        path: &Path,
        protection: &Protection,
    ) -> Result<Self> {
        let disk = Overlay::new(disk).map_err(Error::io("reading", path))?;
        Self::open_as(Arc::new(disk), path, protection, true)
    }

    fn open_as(
        disk: Arc<dyn Disk>,
        path: &Path,
        protection: &Protection,
        read_only: bool,
    ) -> Result<Self> {
        match header::version(&*disk, path)? {
            1 => Self::open_version_1(disk, path, protection, read_only),
            // `header::version` returns only versions that have an arm here.
            version => Err(damaged(path, format!("there is no version {version}"))),
        }
    }

    fn open_version_1(
        disk: Arc<dyn Disk>,
        path: &Path,
        protection: &Protection,
        read_only: bool,
    ) -> Result<Self> {
        let slots = header::read_slots(&*disk, path)?;
        if slots.iter().all(|slot| slot.live().is_none()) {
            return Err(damaged(path, "it has no root key"));
        }
        // A crash can leave two root keys. The database names the epoch of the one that is in use.
        let database = GuardedDatabase::new(&disk, path)?;
        let nothing_to_open = SecretKey::random()?;
        let epoch = Snapshot::new(&database, &nothing_to_open, path)?.epoch()?;
        let slot = slots
            .iter()
            .filter_map(header::Slot::live)
            .find(|slot| slot.epoch == epoch)
            .ok_or_else(|| damaged(path, "the root key of its records is missing"))?;
        let (wrapping, root) = slot.unlock(protection, path)?;
        let mut people = HashMap::new();
        if !read_only {
            if !slots[usize::from(epoch % 2 == 0)].is_erased() {
                header::erase_slot(&*disk, path, epoch + 1)?;
            }
            for (number, owner) in Snapshot::new(&database, &root, path)?.owners()? {
                if people.insert(owner.person.id, number).is_some() {
                    return Err(damaged(path, "a person is in it twice"));
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            disk,
            read_only,
            state: Mutex::new(State {
                database,
                root,
                epoch,
                wrapping,
                people,
                unerased: false,
                broken: None,
            }),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is no sign of a broken state: panics inside the database are caught while the lock is held,
        // and no other code under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn writable(&self) -> Result<MutexGuard<'_, State>> {
        if self.read_only {
            let reason = format!("{} was opened read-only", self.path.display());
            return Err(Error::argument("gallery", reason));
        }
        let mut state = self.state();
        match state.broken {
            None => {}
            Some(Broken::Commit) => {
                return Err(Error::Store {
                    store: self.path.display().to_string(),
                    action: "changing a gallery after a failed commit",
                    source: "close it and open it again".into(),
                });
            }
            Some(Broken::Pages) => {
                return Err(damaged(&self.path, BROKEN_PAGES));
            }
        }
        self.erase_old_key(&mut state)?;
        Ok(state)
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot<'_>> {
        let state = self.state();
        Snapshot::new(&state.database, &state.root, &self.path)
    }

    /// Commits a change. After a failure the store refuses further changes.
    pub(super) fn commit(&self, state: &mut State, writer: Writer<'_>) -> Result<()> {
        let committed = guarded(&self.path, || writer.commit());
        if committed.is_err() {
            state.broken = Some(Broken::Commit);
        }
        committed
    }

    /// Removes people, by number in rising order, and replaces the root key in three steps: the new root key is written
    /// beside the old one, one commit of the database switches to it, and the old one is overwritten. After a crash
    /// between two steps, the next opening either drops the new key or overwrites the old one.
    fn rotate(&self, state: &mut State, removed: &[u64], wrapping: Wrapping) -> Result<()> {
        let root = SecretKey::random()?;
        let epoch = state.epoch + 1;
        let path = &self.path;
        let writer = guarded(path, || {
            // Before the new key is written, so that a failure of the database leaves everything as it was.
            let writer = Writer::new(&state.database, path)?;
            writer.remove(removed)?;
            writer.rewrap(&state.root, &root)?;
            writer.set_epoch(epoch)?;
            Ok(writer)
        })?;
        header::write_slot(&*self.disk, path, epoch, &wrapping, &root)?;
        self.commit(state, writer)?;
        state.root = root;
        state.epoch = epoch;
        state.wrapping = wrapping;
        state
            .people
            .retain(|_, number| removed.binary_search(number).is_err());
        state.unerased = true;
        self.erase_old_key(state)
    }

    fn erase_old_key(&self, state: &mut State) -> Result<()> {
        if mem::take(&mut state.unerased) {
            let erased = header::erase_slot(&*self.disk, &self.path, state.epoch + 1);
            state.unerased = erased.is_err();
            erased?;
        }
        Ok(())
    }
}

impl TemplateStore for FileStore {
    fn put(&self, person: &Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>> {
        let length = person.name.as_ref().map_or(0, String::len);
        if length > LONGEST_NAME {
            let reason = format!(
                "the name of {} is {length} bytes long, the limit is {LONGEST_NAME}",
                person.id
            );
            return Err(Error::argument("person", reason));
        }
        let mut state = self.writable()?;
        let (writer, number, ids) = guarded(&self.path, || {
            let writer = Writer::new(&state.database, &self.path)?;
            let known = state.people.get(&person.id).copied();
            let (number, ids) = writer.put(&state.root, known, person, templates)?;
            Ok((writer, number, ids))
        })?;
        self.commit(&mut state, writer)?;
        state.people.insert(person.id.clone(), number);
        Ok(ids)
    }

    fn remove(&self, people: &[PersonId]) -> Result<usize> {
        let mut state = self.writable()?;
        let mut numbers: Vec<u64> = people
            .iter()
            .filter_map(|person| state.people.get(person).copied())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        if !numbers.is_empty() {
            let wrapping = state.wrapping.clone();
            self.rotate(&mut state, &numbers, wrapping)?;
        }
        Ok(numbers.len())
    }

    fn people(&self) -> Result<Vec<Person>> {
        let owners = self.snapshot()?.owners()?;
        let mut people: Vec<_> = owners.into_values().map(|owner| owner.person).collect();
        people.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(people)
    }

    fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
        self.snapshot()?.templates(visit)
    }

    fn crops(
        &self,
        visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
    ) -> Result<()> {
        self.snapshot()?.crops(visit)
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn locked(tried: std::result::Result<LockedFile, TryLockError>, path: &Path) -> Result<LockedFile> {
    tried.map_err(|error| match error {
        TryLockError::WouldBlock => Error::GalleryLocked {
            path: path.to_owned(),
        },
        TryLockError::Error(source) => Error::io("locking", path)(source),
    })
}
