use std::{
    any::Any,
    collections::HashMap,
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::Database;

use self::{
    disk::{Backend, Disk, LockedFile, Overlay},
    header::{Wrapping, damaged},
    records::{Snapshot, Writer},
    seal::SecretKey,
};
use super::{NewTemplate, Template, TemplateStore};
use crate::{
    align::AlignedFace,
    error::{Error, Result},
    index::TemplateId,
    person::{Person, PersonId},
};

mod check;
mod disk;
mod header;
mod key;
mod records;
mod seal;
mod transfer;

pub use check::CheckReport;
pub use key::{GalleryKey, Protection, ProtectionKind};
pub use transfer::{ImportConflict, ImportOptions, ImportReport, OnConflict};

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
/// # What holds
///
/// - **Durable.** What `put` and `remove` returned `Ok` for was written and synced: it outlives a crash and a loss of
///   power, as far as the drive keeps what it was told to keep. Commits are in two phases, so that a page which rots is
///   an error and never passes for a change that was cut short.
/// - **Whole.** A change happens entirely or not at all. A gallery file appears under its name complete or not at all.
/// - **Alone.** A file that can be changed is open once, in one process; whoever comes second gets
///   [`Error::GalleryLocked`], readers included. Many may read at once ([`open_read_only`](Self::open_read_only)) while
///   nobody changes anything.
/// - **Sealed.** Ids, names, times, vectors and crops are encrypted and authenticated with XChaCha20-Poly1305, each
///   person's under a key of their own. Without the gallery's key one can see how many people, templates and crops
///   there are, how large each record is, and which template belongs to which number of a person; with
///   [`Protection::None`] one can see everything.
/// - **Erased.** After [`remove`](TemplateStore::remove) the file holds no key that opens anything of the person,
///   neither in its pages in use nor in those that are free: the root key is replaced, the keys of all who stay are
///   wrapped anew, and the old root key is overwritten. The gallery's own key does not help.
///
/// # What does not
///
/// - Erasure ends at the file. Backups, exports, file system snapshots and copies keep what they hold. Where
///   overwriting a block does not reach the old one (copy-on-write file systems such as Btrfs and ZFS, flash that
///   levels wear) the old root key may survive on the medium: whoever then has both that medium and the gallery's
///   key can undo the removal. An encrypted drive or destroying it covers that.
/// - Someone who can write to the file can put an older copy in its place, or take records out; they cannot read or
///   forge any.
/// - While a gallery is open its keys are in memory.
///
/// # Limits
///
/// A name of more than 1024 bytes is [`Error::InvalidArgument`].
///
/// # After errors
///
/// A change that fails leaves the gallery as it was. Where a commit itself failed nobody can say whether it reached
/// the drive; the store then refuses further work, and opening it anew settles the matter. If the very last step of
/// [`remove`](TemplateStore::remove) fails, overwriting the old key, the people are gone from the gallery and the
/// error says so; the next removal or the next opening for changes repeats that step.
pub struct FileStore {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    read_only: bool,
    state: Mutex<State>,
}

struct State {
    database: GuardedDatabase,
    root: SecretKey,
    epoch: u64,
    wrapping: Wrapping,
    /// Needed for changes, and empty where there cannot be any.
    people: HashMap<PersonId, u64>,
    /// An old root key could not be overwritten yet.
    unerased: bool,
    broken: Option<Broken>,
}

/// Why nothing can be changed any more.
#[derive(Clone, Copy)]
enum Broken {
    /// A commit failed, so what is on disk is unknown.
    Commit,
    /// A check found damaged pages.
    Pages,
}

impl FileStore {
    /// Creates a gallery file. It appears under its name once it is complete, readable by its owner alone (mode 0600
    /// on Unix).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file exists or cannot be written.
    pub fn create(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        let path = path.as_ref();
        let wrapping = Wrapping::new(protection)?;
        let new = transfer::Unpublished::new(path)?;
        let store = Self::create_on(new.disk(), path, wrapping, SecretKey::random()?)?;
        new.publish()?;
        Ok(store)
    }

    /// Opens a gallery file.
    ///
    /// # Errors
    ///
    /// - [`Error::Io`] where the file cannot be read and written; see [`Error::is_not_found`].
    /// - [`Error::GalleryLocked`] where it is open already, here or in another process.
    /// - [`Error::GalleryDamaged`] where it is not a gallery, or not whole.
    /// - [`Error::GalleryVersion`] where a later version of facekit wrote it.
    /// - [`Error::Key`] where `protection` is not the file's: the wrong key, no key for a protected file, or a key
    ///   for a file without protection.
    pub fn open(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        let path = path.as_ref();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(Error::io("opening", path))?;
        // Before the lock, which may be on the very same file: a crash can leave it with both names.
        transfer::clear_left_behind(path);
        let file = locked(LockedFile::exclusive(file), path)?;
        Self::open_on(Arc::new(file), path, protection)
    }

    /// Opens a gallery file for reading alone. Not a byte of it changes, whatever state it is in, so a file or medium
    /// that cannot be written is enough. Many may have it open so at once; changes are refused.
    ///
    /// After a crash the file is read as [`open`](Self::open) would settle it, in memory. A root key that was to be
    /// overwritten stays until the gallery is opened for changes.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`Error::GalleryLocked`] where somebody has it open for changes. People whose records
    /// are damaged do not keep the rest from being opened; what reads them fails.
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

    /// Opens a gallery file, or creates it where there is none.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(path: impl AsRef<Path>, protection: &Protection) -> Result<Self> {
        let path = path.as_ref();
        match Self::open(path, protection) {
            Err(error) if error.is_not_found() => match Self::create(path, protection) {
                // Somebody else was quicker.
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                    Self::open(path, protection)
                }
                created => created,
            },
            opened => opened,
        }
    }

    /// How a gallery file is protected, from its header alone: which key to ask for. It may be open meanwhile.
    ///
    /// Where changing the key was cut short, this is the kind of the key that was to come.
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

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the file is protected.
    #[must_use]
    pub fn protection(&self) -> ProtectionKind {
        self.state().wrapping.kind()
    }

    /// Protects the file anew. The old key, or the missing one, opens nothing in it from then on: the root key is replaced
    /// as well.
    ///
    /// People's own keys stay. Whoever has the old key *and* a copy of the file from before has those, and with them can
    /// read the same people's records in later copies. Where a key has leaked together with a file, [`export`](Self::export)
    /// everybody to a new one, which seals all anew.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] where the file cannot be written. See [above](Self#after-errors).
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

    /// Lays out a gallery on an empty disk.
    fn create_on(
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
            writer.initialise(epoch)?;
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

    fn open_on(disk: Arc<dyn Disk>, path: &Path, protection: &Protection) -> Result<Self> {
        Self::open_as(disk, path, protection, false)
    }

    fn open_read_only_on(disk: impl Disk, path: &Path, protection: &Protection) -> Result<Self> {
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
            // `header::version` lets through what has an arm here.
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
        // Where a crash left two root keys, the database says which of them holds.
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

    fn state(&self) -> MutexGuard<'_, State> {
        // Panics inside the database are caught below the lock, and nothing else changes the state halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writable(&self) -> Result<MutexGuard<'_, State>> {
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
                return Err(damaged(&self.path, "its pages do not hold together"));
            }
        }
        self.erase_old_key(&mut state)?;
        Ok(state)
    }

    fn snapshot(&self) -> Result<Snapshot<'_>> {
        let state = self.state();
        Snapshot::new(&state.database, &state.root, &self.path)
    }

    /// Commits, and notes where that fails.
    fn commit(&self, state: &mut State, writer: Writer<'_>) -> Result<()> {
        let committed = guarded(&self.path, || writer.commit());
        if committed.is_err() {
            state.broken = Some(Broken::Commit);
        }
        committed
    }

    /// Removes people, by number in rising order, and replaces the root key: the new one is written beside the old one, the database
    /// changes over in one commit, and the old one is overwritten. A crash in between is settled by the next opening.
    fn rotate(&self, state: &mut State, removed: &[u64], wrapping: Wrapping) -> Result<()> {
        let root = SecretKey::random()?;
        let epoch = state.epoch + 1;
        let path = &self.path;
        let writer = guarded(path, || {
            // Before the new key is written: where the database refuses, nothing has happened.
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

/// A database whose closing cannot panic either.
struct GuardedDatabase(Option<Database>);

impl GuardedDatabase {
    fn new(disk: &Arc<dyn Disk>, path: &Path) -> Result<Self> {
        guarded(path, || {
            Database::builder()
                .set_cache_size(CACHE)
                .create_with_backend(Backend(Arc::clone(disk)))
                .map_err(fault(path, "opening"))
        })
        .map(|database| Self(Some(database)))
    }
}

/// Bytes of a person's name.
const LONGEST_NAME: usize = 1024;

/// Bytes of pages that the database keeps in memory.
const CACHE: usize = 64 << 20;

impl std::ops::Deref for GuardedDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.0.as_ref().expect("only dropping takes it")
    }
}

impl std::ops::DerefMut for GuardedDatabase {
    fn deref_mut(&mut self) -> &mut Database {
        self.0.as_mut().expect("only dropping takes it")
    }
}

impl Drop for GuardedDatabase {
    fn drop(&mut self) {
        // Closing saves time at the next opening and nothing else: every commit is on disk already.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.0.take())));
    }
}

/// Runs `work` on the database. redb checks most of what it reads but not all, and panics on some damaged pages;
/// those are errors about the file like any other.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(Error::GalleryDamaged {
            path: path.to_owned(),
            reason: "its pages do not hold together".to_owned(),
            source: Some(message(&*panic).into()),
        })
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("panicked").to_owned()
}

/// For `map_err`: what redb reported while `action` was under way.
fn fault<E: Into<redb::Error>>(path: &Path, action: &'static str) -> impl FnOnce(E) -> Error {
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
        error => Error::GalleryDamaged {
            path: path.to_owned(),
            reason: "its pages do not hold together".to_owned(),
            source: Some(error.into()),
        },
    }
}

#[cfg(test)]
mod tests;
