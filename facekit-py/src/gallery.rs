//! Who is known, in an encrypted file or in memory.

use std::{
    cell::Cell,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use facekit::{
    AlignedFace, Error, ExactIndex, FileStore, GalleryKey, MemoryStore, Metric, NewTemplate,
    PersonId, Protection, Result, Template, TemplateId, TemplateStore, jiff::Timestamp,
};
use pyo3::{prelude::*, types::PyTuple};
use serde::{Deserialize, Serialize};

use crate::{
    embedding::Embedding,
    errors,
    key::{self, given_key},
    options::share,
    process::OfProcess,
    results::value_class,
    value, work,
};

/// How often it is looked whether work that holds a closed file has ended.
const LOOK: Duration = Duration::from_millis(5);

/// A person in a gallery.
///
/// >>> import facekit
/// >>> gallery = facekit.Gallery()
/// >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", "anna.jpg", name="Anna Weiß")
/// >>> gallery.people()
/// [<Person "anna", Anna Weiß>]
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Person(facekit::Person);

value_class!(Person {
    /// The id, unique in the gallery.
    #[getter]
    fn id(&self) -> &str {
        self.0.id.as_str()
    }

    /// A name for people to read, where it differs from the id.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// When the person was first enrolled: a datetime in UTC.
    #[getter]
    fn enrolled<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::datetime(py, self.0.enrolled)
    }

    fn __repr__(&self) -> String {
        match &self.0.name {
            Some(name) => format!("<Person {:?}, {name}>", self.0.id.as_str()),
            None => format!("<Person {:?}>", self.0.id.as_str()),
        }
    }
});

/// What `Gallery.check` found.
///
/// >>> import facekit, pathlib, tempfile
/// >>> folder = pathlib.Path(tempfile.mkdtemp())
/// >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
/// >>> report = gallery.check()
/// >>> report.is_clean, report.damage
/// (True, [])
#[pyclass(frozen, eq, get_all, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CheckReport {
    /// People whose records open.
    people: usize,
    /// Templates whose records open, by the embedding space's name.
    templates: BTreeMap<String, usize>,
    /// Aligned faces whose records open.
    crops: usize,
    /// What is wrong, a line for each; empty where nothing is.
    damage: Vec<String>,
}

value_class!(CheckReport {
    /// Whether nothing is wrong.
    #[getter]
    fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }

    fn __repr__(&self) -> String {
        let state = if self.damage.is_empty() { "clean" } else { "damaged" };
        format!("<CheckReport {state}, {} people>", self.people)
    }
});

/// People and their templates: in one encrypted file that survives a crash and a loss of power, or, without a path, in memory.
///
/// `key` is what opens the file: `bytes` of length 32; a `pathlib.Path` to a key file, which `Gallery.new_key_file` makes; or a
/// `str`, which is a passphrase. Without it, the key file that FACEKIT_KEY_FILE names, or the key or passphrase in
/// FACEKIT_GALLERY_KEY. A file that is not there is created, unless `read_only`. Leaving people's templates open is for you to
/// say: `unprotected=True`.
///
/// A file that can be changed is open once, in one process; many may read it at once with `read_only=True`. As a context manager
/// it is closed at the end, and its recognisers refuse to work from then on.
///
/// Raises GalleryLockedError where the file is open already, KeyRefusedError for a wrong or missing key, GalleryDamagedError,
/// GalleryVersionError, and an OSError where the file cannot be read.
///
/// >>> import facekit, pathlib, tempfile
/// >>> folder = pathlib.Path(tempfile.mkdtemp())
/// >>> facekit.Gallery.new_key_file(folder / "people.key")
/// >>> with facekit.Gallery(folder / "people.facekit", key=folder / "people.key") as gallery:
/// ...     len(gallery)
/// 0
#[pyclass(frozen, module = "facekit")]
pub(crate) struct Gallery(OfProcess<Arc<Shared>>);

/// A store, and what searches it in each embedding space.
pub(crate) struct Shared {
    store: Arc<Store>,
    keep_crops: bool,
    views: Mutex<Vec<Arc<facekit::Gallery>>>,
}

#[pymethods]
impl Gallery {
    #[new]
    #[pyo3(signature = (path = None, key = None, *, read_only = false, unprotected = false, keep_crops = false))]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        key: Option<&Bound<'_, PyAny>>,
        read_only: bool,
        unprotected: bool,
        keep_crops: bool,
    ) -> PyResult<Self> {
        let key = key.map(given_key).transpose()?;
        if unprotected && key.is_some() {
            let reason = "a gallery is either unprotected or has one";
            return Err(errors::argument(py, "key", reason));
        }
        if path.is_none() && (read_only || key.is_some()) {
            let reason = "a gallery in memory has no key, and is there to be changed";
            return Err(errors::argument(py, "path", reason));
        }
        let store = work::detached(py, || {
            let backing = match &path {
                Some(path) => Backing::File(key::open(path, key, read_only, unprotected)?),
                None => Backing::Memory(MemoryStore::new()),
            };
            Ok(Store::new(path, backing))
        })?;
        Ok(Self(OfProcess::new(Arc::new(Shared {
            store: Arc::new(store),
            keep_crops,
            views: Mutex::default(),
        }))))
    }

    /// Makes a random key and writes it to a new file that only its owner can read. Whoever loses it loses the gallery.
    ///
    /// Raises an OSError where the file exists or cannot be written.
    ///
    /// >>> import facekit, pathlib, tempfile
    /// >>> facekit.Gallery.new_key_file(pathlib.Path(tempfile.mkdtemp()) / "people.key")
    #[staticmethod]
    fn new_key_file(py: Python<'_>, path: PathBuf) -> PyResult<()> {
        work::detached(py, || GalleryKey::generate()?.write_new_file(path))
    }

    /// The file; None for a gallery in memory.
    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let path = self.shared(py)?.store.path.as_ref();
        path.map(|path| path.into_pyobject(py)).transpose()
    }

    /// Whether the gallery was closed.
    #[getter]
    fn closed(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.shared(py)?.store.is_closed())
    }

    /// Everyone, in order of id.
    ///
    /// >>> import facekit
    /// >>> facekit.Gallery().people()
    /// []
    fn people(&self, py: Python<'_>) -> PyResult<Vec<Person>> {
        let shared = self.open_shared(py)?;
        let people = work::detached(py, || shared.store.people())?;
        Ok(people.into_iter().map(Person).collect())
    }

    /// Adds embeddings to a person, who becomes known if that is new: for vectors that come from elsewhere.
    /// `Recognizer.enroll` takes photos. `quality` is that of the faces, 0 to 1. Returns the numbers of the new templates.
    ///
    /// Raises InvalidPersonIdError, and StoreError where the file cannot be written; nothing has changed then.
    ///
    /// >>> import facekit, numpy
    /// >>> space = facekit.EmbeddingSpace("example", "00" * 32, 3)
    /// >>> gallery = facekit.Gallery()
    /// >>> gallery.add("anna", [facekit.Embedding(space, numpy.array([1, 2, 3], dtype="float32"))])
    /// [0]
    /// >>> "anna" in gallery
    /// True
    #[pyo3(signature = (person, embeddings, *, name = None, quality = 1.0))]
    fn add(
        &self,
        py: Python<'_>,
        person: &str,
        embeddings: Vec<Embedding>,
        name: Option<String>,
        quality: f32,
    ) -> PyResult<Vec<u64>> {
        let shared = self.open_shared(py)?;
        share(py, "quality", Some(quality))?;
        work::detached(py, || {
            let now = Timestamp::now();
            let mut entry = facekit::Person::new(PersonId::new(person)?, now);
            entry.name = name;
            let Some(first) = embeddings.first() else {
                return Err(Error::argument(
                    "embeddings",
                    "none given, at least one needed",
                ));
            };
            let view = shared.over(first.0.space())?;
            let templates: Vec<NewTemplate> = embeddings
                .iter()
                .map(|embedding| NewTemplate::new((*embedding.0).clone(), quality, now))
                .collect();
            let ids = view.add(&entry, &templates)?;
            Ok(ids.into_iter().map(|id| id.0).collect())
        })
    }

    /// Removes people with everything about them, and returns how many were there. The file holds no key to anything of theirs
    /// afterwards.
    ///
    /// Raises StoreError where the file cannot be written.
    ///
    /// >>> import facekit
    /// >>> gallery = facekit.Gallery()
    /// >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", "anna.jpg")
    /// >>> gallery.remove("anna", "nobody"), len(gallery)
    /// (1, 0)
    #[pyo3(signature = (*people))]
    fn remove(&self, py: Python<'_>, people: Vec<String>) -> PyResult<usize> {
        let shared = self.open_shared(py)?;
        work::detached(py, || {
            let ids = people
                .into_iter()
                .map(PersonId::new)
                .collect::<Result<Vec<_>>>()?;
            let views = shared.views.lock().unwrap_or_else(PoisonError::into_inner);
            // One tells the others.
            match views.first() {
                Some(view) => view.remove(&ids),
                None => shared.store.remove(&ids),
            }
        })
    }

    /// Reads everything and says what is wrong. Damage is no error but in the report. For galleries in files.
    ///
    /// `progress(done, total)` is called after each record.
    ///
    /// >>> import facekit, pathlib, tempfile
    /// >>> folder = pathlib.Path(tempfile.mkdtemp())
    /// >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
    /// >>> gallery.check().is_clean
    /// True
    #[pyo3(signature = (*, progress = None))]
    fn check(&self, py: Python<'_>, progress: Option<&Bound<'_, PyAny>>) -> PyResult<CheckReport> {
        let shared = self.open_shared(py)?;
        let report = work::watched(py, progress, |watch| {
            shared.store.with_file(|file| file.check(watch))
        })?;
        let mut templates = BTreeMap::new();
        for (space, count) in report.templates {
            templates.insert(space.to_string(), count);
        }
        Ok(CheckReport {
            people: report.people,
            templates,
            crops: report.crops,
            damage: report.damage,
        })
    }

    /// Copies the gallery to a new file under the same key, while it is in use. The copy appears under its name once it is
    /// complete.
    ///
    /// Raises an OSError where the file exists or cannot be written, and GalleryDamagedError.
    ///
    /// >>> import facekit, pathlib, tempfile
    /// >>> folder = pathlib.Path(tempfile.mkdtemp())
    /// >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
    /// >>> gallery.backup(folder / "backup.facekit")
    #[pyo3(signature = (to, *, progress = None))]
    fn backup(
        &self,
        py: Python<'_>,
        to: PathBuf,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let shared = self.open_shared(py)?;
        work::watched(py, progress, |watch| {
            shared.store.with_file(|file| file.backup(to, watch))
        })
    }

    /// Protects the file anew; the old key opens nothing in it from then on. `key` is as for `Gallery`.
    ///
    /// Raises KeyRefusedError, and StoreError where the file cannot be written.
    ///
    /// >>> import facekit, pathlib, tempfile
    /// >>> folder = pathlib.Path(tempfile.mkdtemp())
    /// >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
    /// >>> gallery.rekey("a new passphrase")
    fn rekey(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let shared = self.open_shared(py)?;
        let key = given_key(key)?;
        work::detached(py, || {
            let protection = Protection::Key(key.read()?);
            shared.store.with_file(|file| file.rekey(&protection))
        })
    }

    /// Closes the file. What comes after it is an error; work that is under way is waited for, unless it is this work's own
    /// `progress` that closes: then the file closes when it ends. Closing twice does nothing.
    ///
    /// >>> import facekit
    /// >>> gallery = facekit.Gallery()
    /// >>> gallery.close()
    /// >>> gallery.closed
    /// True
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let shared = self.shared(py)?;
        work::detached(py, || {
            shared.close();
            Ok(())
        })?;
        while shared.store.is_held() && AT_WORK.get() == 0 {
            py.detach(|| thread::sleep(LOOK));
            py.check_signals()?;
        }
        Ok(())
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyResult<PyRef<'_, Self>> {
        slf.open_shared(slf.py())?;
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.people(py)?.len())
    }

    /// Whether somebody of this id is in the gallery.
    fn __contains__(&self, py: Python<'_>, person: &str) -> PyResult<bool> {
        Ok(self.people(py)?.iter().any(|known| known.id() == person))
    }

    fn __repr__(&self) -> String {
        let Some(shared) = self.0.here() else {
            return "<Gallery of another process>".to_owned();
        };
        let place = match &shared.store.path {
            Some(path) => path.display().to_string(),
            None => "in memory".to_owned(),
        };
        let closed = if shared.store.is_closed() {
            ", closed"
        } else {
            ""
        };
        format!("<Gallery {place}{closed}>")
    }
}

impl Gallery {
    fn shared(&self, py: Python<'_>) -> PyResult<&Arc<Shared>> {
        self.0.get(py, "Gallery")
    }

    /// For use: an error where it is closed.
    pub(crate) fn open_shared(&self, py: Python<'_>) -> PyResult<&Arc<Shared>> {
        let shared = self.shared(py)?;
        shared.check_open(py)?;
        Ok(shared)
    }
}

impl Shared {
    pub(crate) fn check_open(&self, py: Python<'_>) -> PyResult<()> {
        if self.store.is_closed() {
            return Err(errors::argument(py, "gallery", "it is closed"));
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.store.path.as_deref()
    }

    /// The people, searched in this space. All who ask share it.
    pub(crate) fn over(&self, space: &facekit::EmbeddingSpace) -> Result<Arc<facekit::Gallery>> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = views.iter().find(|view| view.space() == space) {
            return Ok(Arc::clone(view));
        }
        let index = ExactIndex::new(space.clone(), Metric::Cosine);
        let view = match views.first() {
            Some(other) => other.beside(index)?,
            None => {
                facekit::Gallery::open(Arc::clone(&self.store), index)?.with_crops(self.keep_crops)
            }
        };
        let view = Arc::new(view);
        views.push(Arc::clone(&view));
        Ok(view)
    }

    fn close(&self) {
        self.store.close();
        self.views
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// A store that can be closed while recognisers hold it.
#[derive(Debug)]
struct Store {
    path: Option<PathBuf>,
    /// None once it is closed. Work borrows it and holds no lock, since it may call Python, which may want the gallery again.
    open: Mutex<Option<Arc<Open>>>,
    /// As long as it can be upgraded, the file is open.
    held: Weak<()>,
}

#[derive(Debug)]
struct Open {
    backing: Backing,
    /// After the backing, so that the file is closed before this is gone.
    _held: Arc<()>,
}

thread_local! {
    /// Work of this thread with a store, one within the other.
    static AT_WORK: Cell<usize> = const { Cell::new(0) };
}

#[derive(Debug)]
enum Backing {
    File(FileStore),
    Memory(MemoryStore),
}

impl Store {
    fn new(path: Option<PathBuf>, backing: Backing) -> Self {
        let held = Arc::new(());
        Self {
            path,
            held: Arc::downgrade(&held),
            open: Mutex::new(Some(Arc::new(Open {
                backing,
                _held: held,
            }))),
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<Arc<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.open().is_none()
    }

    /// Closes it for all but those that still work with it: the file closes with the last.
    fn close(&self) {
        let open = self.open().take();
        drop(open);
    }

    /// Whether the file is open, also where that is only for somebody who still works with it.
    fn is_held(&self) -> bool {
        self.held.strong_count() > 0
    }

    fn work<T>(&self, work: impl FnOnce(&Backing) -> Result<T>) -> Result<T> {
        let open = self.open().clone();
        let Some(open) = open else {
            return Err(Error::argument("gallery", "it is closed"));
        };
        let _at_work = AtWork::new();
        work(&open.backing)
    }

    fn with<T>(&self, work: impl FnOnce(&dyn TemplateStore) -> Result<T>) -> Result<T> {
        self.work(|backing| match backing {
            Backing::File(file) => work(file),
            Backing::Memory(memory) => work(memory),
        })
    }

    fn with_file<T>(&self, work: impl FnOnce(&FileStore) -> Result<T>) -> Result<T> {
        self.work(|backing| match backing {
            Backing::File(file) => work(file),
            Backing::Memory(_) => Err(Error::argument(
                "gallery",
                "it is in memory, and this is for files",
            )),
        })
    }
}

/// While it is there, this thread works with a store.
struct AtWork;

impl AtWork {
    fn new() -> Self {
        AT_WORK.set(AT_WORK.get() + 1);
        Self
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        AT_WORK.set(AT_WORK.get() - 1);
    }
}

impl TemplateStore for Store {
    fn put(&self, person: &facekit::Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>> {
        self.with(|store| store.put(person, templates))
    }

    fn remove(&self, people: &[PersonId]) -> Result<usize> {
        self.with(|store| store.remove(people))
    }

    fn people(&self) -> Result<Vec<facekit::Person>> {
        self.with(|store| store.people())
    }

    fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
        self.with(|store| store.templates(visit))
    }

    fn crops(
        &self,
        visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
    ) -> Result<()> {
        self.with(|store| store.crops(visit))
    }
}
