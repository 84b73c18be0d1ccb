//! A store that can be closed while recognizers hold it.

use std::{
    cell::Cell,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use facekit::{
    AlignedFace, Error, FileStore, MemoryStore, NewTemplate, Person, PersonId, Result, Template,
    TemplateId, TemplateStore,
};

/// The store of a gallery, in a file or in memory. After `close`, its methods return errors.
#[derive(Debug)]
pub(crate) struct ClosableStore {
    pub(crate) path: Option<PathBuf>,
    /// `None` after `close`. Work holds a clone and no lock, because it may call Python code that uses the gallery too.
    open: Mutex<Option<Arc<OpenStore>>>,
    /// It can be upgraded as long as the file is open.
    in_use: Weak<()>,
}

#[derive(Debug)]
struct OpenStore {
    backing: Backing,
    /// Dropped after the backing, so that the file is closed before.
    _in_use: Arc<()>,
}

thread_local! {
    /// The number of nested calls of this thread that use a store.
    static STORE_CALLS: Cell<usize> = const { Cell::new(0) };
}

#[derive(Debug)]
pub(crate) enum Backing {
    File(FileStore),
    Memory(MemoryStore),
}

impl ClosableStore {
    pub(crate) fn new(path: Option<PathBuf>, backing: Backing) -> Self {
        let in_use = Arc::new(());
        Self {
            path,
            in_use: Arc::downgrade(&in_use),
            open: Mutex::new(Some(Arc::new(OpenStore {
                backing,
                _in_use: in_use,
            }))),
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<Arc<OpenStore>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.open().is_none()
    }

    /// Closes the store for new work. The file closes when the last work that is under way ends.
    pub(crate) fn close(&self) {
        let open = self.open().take();
        drop(open);
    }

    /// True if the file is open, if only for work that is under way.
    pub(crate) fn is_in_use(&self) -> bool {
        self.in_use.strong_count() > 0
    }

    /// True if the calling thread is inside work with a store.
    pub(crate) fn is_in_use_by_this_thread() -> bool {
        STORE_CALLS.get() > 0
    }

    fn work<T>(&self, work: impl FnOnce(&Backing) -> Result<T>) -> Result<T> {
        let open = self.open().clone();
        let Some(open) = open else {
            return Err(Error::argument("gallery", "it is closed"));
        };
        let _call = StoreCall::new();
        work(&open.backing)
    }

    fn with<T>(&self, work: impl FnOnce(&dyn TemplateStore) -> Result<T>) -> Result<T> {
        self.work(|backing| match backing {
            Backing::File(file) => work(file),
            Backing::Memory(memory) => work(memory),
        })
    }

    pub(crate) fn with_file<T>(&self, work: impl FnOnce(&FileStore) -> Result<T>) -> Result<T> {
        self.work(|backing| match backing {
            Backing::File(file) => work(file),
            Backing::Memory(_) => Err(Error::argument(
                "gallery",
                "it is in memory; this method is for galleries in files",
            )),
        })
    }
}

/// Counts a call of this thread that uses a store.
struct StoreCall;

impl StoreCall {
    fn new() -> Self {
        STORE_CALLS.set(STORE_CALLS.get() + 1);
        Self
    }
}

impl Drop for StoreCall {
    fn drop(&mut self) {
        STORE_CALLS.set(STORE_CALLS.get() - 1);
    }
}

impl TemplateStore for ClosableStore {
    fn put(&self, person: &Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>> {
        self.with(|store| store.put(person, templates))
    }

    fn remove(&self, people: &[PersonId]) -> Result<usize> {
        self.with(|store| store.remove(people))
    }

    fn people(&self) -> Result<Vec<Person>> {
        self.with(|store| store.people())
    }

    fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
        self.with(|store| store.templates(visit))
    }

    fn templates_of(&self, person: &PersonId) -> Result<Vec<Template>> {
        self.with(|store| store.templates_of(person))
    }

    fn crops(
        &self,
        visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
    ) -> Result<()> {
        self.with(|store| store.crops(visit))
    }
}
