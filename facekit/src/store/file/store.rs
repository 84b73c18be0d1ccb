//! The store itself: how a gallery file is created, opened and changed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    records::{GALLERY, PEOPLE, TEMPLATES},
    snapshot::Snapshot,
    writer::Writer,
};
use crate::{
    align::AlignedFace,
    error::{Error, Result},
    person::{Person, PersonId},
    sealed_file::{
        damage::damaged,
        database::{BROKEN_PAGES, GuardedDatabase, guarded},
        disk::{Disk, LockedFile},
        key::{Protection, ProtectionKind},
        overlay::Overlay,
        seal::SecretKey,
        slots::{LiveSlot, Slot, SlotRecord, Slots},
        unpublished::{self, Unpublished},
        wrapping::Wrapping,
    },
    store::{NewTemplate, Template, TemplateId, TemplateStore, check_origins},
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
///   reading too, is [`Error::FileLocked`]. Many stores can read a file at once
///   ([`open_read_only`](Self::open_read_only)) while none has it open for changes.
/// - **Sealed.** Ids, names, times, vectors and crops are encrypted and authenticated with XChaCha20-Poly1305, under a
///   key for each person. The file shows without the gallery's key how many people, templates and crops there are, how
///   large each record is, and which templates belong to the same person. With [`Protection::None`] it shows everything.
/// - **Erased.** After [`remove`](TemplateStore::remove) the file holds no key that opens a record of the person, neither
///   in pages in use nor in free pages: the root key is replaced, the keys of the remaining people are wrapped under the
///   new one, and the old root key is overwritten. The gallery's own key does not open the records either.
///
///   [`remove_templates`](TemplateStore::remove_templates) gives the person a new key and erases the old one in the same
///   way.
/// - **Upgraded.** A file that an earlier version of facekit wrote opens as it is, and is not changed by reading. The first
///   change upgrades it to the newest format, entirely or not at all. Earlier versions of facekit refuse it from then on.
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
/// A name of more than 1024 bytes is [`Error::InvalidArgument`], as is an [origin](NewTemplate::origin) of more than 128.
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
    slots: Slots,
    pub(super) wrapping: Wrapping,
    /// Header or records are of format 1, and are upgraded at the first change.
    outdated: bool,
    /// The number of each person, for changes. Empty in a store that was opened read-only.
    pub(super) people: HashMap<PersonId, u64>,
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
        let store = Self::create_on(
            new.disk(),
            path,
            GALLERY.newest,
            wrapping,
            SecretKey::random()?,
        )?;
        new.publish()?;
        Ok(store)
    }

    /// Opens a gallery file.
    ///
    /// # Errors
    ///
    /// - [`Error::Io`] if the file cannot be read and written; see [`Error::is_not_found`].
    /// - [`Error::FileLocked`] if it is open already, here or in another process.
    /// - [`Error::FileDamaged`] if it is not a gallery, or not complete.
    /// - [`Error::FileVersion`] if a later version of facekit wrote it.
    /// - [`Error::Key`] if `protection` is not the file's: the wrong key, no key for a protected file, or a key
    ///   for a file without protection.
    pub fn open(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        let path = path.as_ref();
        Self::open_on(Arc::new(LockedFile::open(path)?), path, protection)
    }

    /// Opens a gallery file for reading only. The file is never written, whatever its state, so it may lie on a medium
    /// that cannot be written. Many stores can have it open in this way at once.
    ///
    /// After a crash, the repairs that [`open`](Self::open) makes are made in memory. A root key that was to be
    /// overwritten stays in the file until it is opened for changes.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`Error::FileLocked`] if a store has it open for changes. A gallery with damaged
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
        let file = LockedFile::shared(file).map_err(LockedFile::refused(path))?;
        Self::open_read_only_on(file, path, protection)
    }

    /// Opens a gallery file, or creates it if there is none.
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

    /// Reads the kind of a gallery file's protection from its header, to know which key to ask for. The file may be open
    /// at the same time.
    ///
    /// If a crash interrupted a change of the key, this is the kind of the new key.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::FileDamaged`] and [`Error::FileVersion`] as for [`open`](Self::open).
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
        GALLERY.version(&file, path)?;
        let slots = Slots::read(&GALLERY, &file, path)?;
        slots
            .iter()
            .filter_map(Slot::live)
            .max_by_key(|slot| slot.epoch)
            .map(LiveSlot::kind)
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
        let mut state = self.begin_change()?;
        self.rotate(&mut state, wrapping, |_, _| Ok(()))?;
        state.slots.erase_old()
    }

    /// Creates a gallery of a format on an empty disk.
    pub(super) fn create_on(
        disk: Arc<dyn Disk>,
        path: &Path,
        format: u32,
        wrapping: Wrapping,
        root: SecretKey,
    ) -> Result<Self> {
        let epoch = Slots::FIRST_EPOCH;
        GALLERY
            .write(&*disk, format)
            .map_err(Error::io("creating", path))?;
        let record = SlotRecord::new(&GALLERY, epoch, &wrapping, &root)?;
        let slots = Slots::create(&disk, path, &record)?;
        let database = GuardedDatabase::new(&disk, path)?;
        guarded(path, || {
            let writer = Writer::new(&database, path)?;
            writer.initialize(epoch, format)?;
            writer.commit()
        })?;
        Ok(Self {
            path: path.to_owned(),
            disk,
            read_only: false,
            state: Mutex::new(State {
                database,
                root,
                slots,
                wrapping,
                outdated: format < GALLERY.newest,
                people: HashMap::new(),
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
        let version = GALLERY.version(&*disk, path)?;
        let found = Slots::read(&GALLERY, &*disk, path)?;
        // A crash can leave two root keys. The database names the epoch of the one that is in use.
        let database = GuardedDatabase::new(&disk, path)?;
        let epoch = Snapshot::epoch(&database, path)?;
        let slot = Slots::of_epoch(&found, epoch, path)?;
        let (wrapping, root) = slot.unlock(protection, path.display())?;
        let mut slots = Slots::open(&disk, path, &found, epoch);
        let mut people = HashMap::new();
        let outdated = {
            let snapshot = Snapshot::new(&database, &root, path)?;
            if !read_only {
                slots.erase_old()?;
                for (number, owner) in snapshot.owners()? {
                    if people.insert(owner.person.id, number).is_some() {
                        return Err(damaged(path, "a person is in it twice"));
                    }
                }
            }
            version.min(snapshot.format) < GALLERY.newest
        };
        Ok(Self {
            path: path.to_owned(),
            disk,
            read_only,
            state: Mutex::new(State {
                database,
                root,
                slots,
                wrapping,
                outdated,
                people,
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
        state.slots.erase_old()?;
        Ok(state)
    }

    /// The state, for a change. A gallery of format 1 is upgraded before.
    pub(super) fn begin_change(&self) -> Result<MutexGuard<'_, State>> {
        let mut state = self.writable()?;
        if state.outdated {
            self.upgrade(&mut state)?;
        }
        Ok(state)
    }

    /// Upgrades a gallery of format 1 in two steps: the header names the new format, and one commit of the database rewrites
    /// the records. After a crash between the two, the records are read as format 1, and the next change commits again.
    fn upgrade(&self, state: &mut State) -> Result<()> {
        GALLERY
            .write(&*self.disk, GALLERY.newest)
            .map_err(|source| Error::Store {
                store: self.path.display().to_string(),
                action: "upgrading the format",
                source: source.into(),
            })?;
        let snapshot = Snapshot::new(&state.database, &state.root, &self.path)?;
        if snapshot.format < GALLERY.newest {
            let writer = guarded(&self.path, || {
                let writer = Writer::new(&state.database, &self.path)?;
                writer.upgrade(&snapshot)?;
                Ok(writer)
            })?;
            drop(snapshot);
            self.commit(state, writer)?;
        }
        state.outdated = false;
        Ok(())
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

    /// Makes a change and replaces the root key, so that the old one opens nothing that the change removed. The old root key
    /// is still to be overwritten: see [`Slots`]. `change` gets the root key that wraps data keys until the commit.
    fn rotate(
        &self,
        state: &mut State,
        wrapping: Wrapping,
        change: impl FnOnce(&Writer<'_>, &SecretKey) -> Result<()>,
    ) -> Result<()> {
        let root = SecretKey::random()?;
        let epoch = state.slots.epoch() + 1;
        let path = &self.path;
        let writer = guarded(path, || {
            // Before the new key is written, so that a failure of the database leaves everything as it was.
            let writer = Writer::new(&state.database, path)?;
            change(&writer, &state.root)?;
            writer.rewrap(&state.root, &root)?;
            writer.set_epoch(epoch)?;
            Ok(writer)
        })?;
        let record = SlotRecord::new(&GALLERY, epoch, &wrapping, &root)?;
        state.slots.write_next(&record)?;
        self.commit(state, writer)?;
        state.slots.switched();
        state.root = root;
        state.wrapping = wrapping;
        Ok(())
    }

    /// The number of a person.
    fn number_of(&self, person: &PersonId) -> Result<Option<u64>> {
        if self.read_only {
            let owners = self.snapshot()?.owners()?;
            let mut numbers = owners.into_iter();
            return Ok(numbers
                .find(|(_, owner)| owner.person.id == *person)
                .map(|(number, _)| number));
        }
        Ok(self.state().people.get(person).copied())
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
        check_origins(templates)?;
        let mut state = self.begin_change()?;
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
        let mut state = self.begin_change()?;
        let mut numbers: Vec<u64> = people
            .iter()
            .filter_map(|person| state.people.get(person).copied())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        if !numbers.is_empty() {
            let wrapping = state.wrapping.clone();
            self.rotate(&mut state, wrapping, |writer, _| writer.remove(&numbers))?;
            state
                .people
                .retain(|_, number| numbers.binary_search(number).is_err());
            state.slots.erase_old()?;
        }
        Ok(numbers.len())
    }

    fn remove_templates(&self, templates: &[TemplateId]) -> Result<usize> {
        let mut state = self.begin_change()?;
        let mut removed = BTreeMap::<u64, BTreeSet<u64>>::new();
        {
            let snapshot = Snapshot::new(&state.database, &state.root, &self.path)?;
            for template in templates {
                let record = snapshot.get(TEMPLATES, template.0)?;
                if let Some(person) = record.as_deref().and_then(<[u8]>::first_chunk) {
                    let person = removed.entry(u64::from_le_bytes(*person));
                    person.or_default().insert(template.0);
                }
            }
        }
        if !removed.is_empty() {
            let wrapping = state.wrapping.clone();
            self.rotate(&mut state, wrapping, |writer, root| {
                removed
                    .iter()
                    .try_for_each(|(&person, ids)| writer.remove_templates(root, person, ids))
            })?;
            state.slots.erase_old()?;
        }
        Ok(removed.values().map(BTreeSet::len).sum())
    }

    fn person(&self, id: &PersonId) -> Result<Option<Person>> {
        let Some(number) = self.number_of(id)? else {
            return Ok(None);
        };
        let snapshot = self.snapshot()?;
        let record = snapshot.get(PEOPLE, number)?;
        let owner = record.map(|record| snapshot.owner(number, &record));
        Ok(owner.transpose()?.map(|owner| owner.person))
    }

    fn templates_of(&self, person: &PersonId) -> Result<Vec<Template>> {
        match self.number_of(person)? {
            Some(number) => self.snapshot()?.templates_of_person(number),
            None => Ok(Vec::new()),
        }
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
