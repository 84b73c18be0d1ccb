//! `Gallery`: people and their templates, in an encrypted file or in memory.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use facekit::{
    Error, FlatIndex, Fusion, GalleryKey, MemoryStore, Metric, NewTemplate, PersonId, Protection,
    Result, TemplateId, TemplateStore, jiff::Timestamp,
};
use pyo3::{prelude::*, types::PyTuple};
use serde::{Deserialize, Serialize};

use crate::{
    embedding::Embedding,
    errors,
    key::{self, parse_key},
    options::fraction,
    process::ProcessLocal,
    store::{Backing, ClosableStore},
    value::{self, value_class},
    work,
};

/// The time after which `close` checks again whether work with the file has ended.
const CLOSE_INTERVAL: Duration = Duration::from_millis(5);

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

    /// The name, if it differs from the id.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The time of the first enrollment: a datetime in UTC.
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

/// A template in a gallery.
///
/// >>> import facekit
/// >>> gallery = facekit.Gallery()
/// >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", "anna.jpg")
/// >>> gallery.templates_of("anna")
/// [<Template 0 of "anna">]
#[pyclass(frozen, eq, get_all, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Template {
    /// The number, which is never given again.
    number: u64,
    /// The id of the person.
    person: String,
    /// The name of the model's embedding space.
    space: String,
    /// The quality of the face, 0 to 1.
    quality: f32,
    /// The id of the photo or the request that it comes from. None if none was given.
    origin: Option<String>,
    /// True if it was made from the photo and its mirror image.
    mirrored: bool,
}

value_class!(Template {
    fn __repr__(&self) -> String {
        format!("<Template {} of {:?}>", self.number, self.person)
    }
});

impl From<&facekit::Template> for Template {
    fn from(template: &facekit::Template) -> Self {
        Self {
            number: template.id.0,
            person: template.person.to_string(),
            space: template.embedding.space().to_string(),
            quality: template.quality,
            origin: template.origin.clone(),
            mirrored: template.embedding.is_mirrored(),
        }
    }
}

/// The result of `Gallery.check`.
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
    /// The number of people whose records can be read.
    people: usize,
    /// The number of templates whose records can be read, by the embedding space's name.
    templates: BTreeMap<String, usize>,
    /// The number of aligned faces whose records can be read.
    crops: usize,
    /// One text for each damaged record or part of the file; empty if there is no damage.
    damage: Vec<String>,
}

value_class!(CheckReport {
    /// True if there is no damage.
    #[getter]
    fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }

    fn __repr__(&self) -> String {
        let state = if self.damage.is_empty() { "clean" } else { "damaged" };
        format!("<CheckReport {state}, {} people>", self.people)
    }
});

/// People and their templates, in one encrypted file that survives crashes and loss of power. Without a path, in memory.
///
/// `key` opens the file. It is `bytes` of length 32, a `pathlib.Path` to a key file (see `Gallery.new_key_file`), or a `str`, which
/// is a passphrase. The default is the key file that FACEKIT_KEY_FILE names, or else the key or passphrase in
/// FACEKIT_GALLERY_KEY. If the file does not exist, it is created, except with `read_only`. With `unprotected=True` there is no
/// key, and templates are not encrypted. With `keep_crops=True` the aligned faces are stored too, for `Recognizer.embed_again`.
///
/// `fusion` is the way to compare a face with a person who has several templates: with their "mean", or with the "nearest" one.
///
/// Only one process can open a file for changes, and only once. With `read_only=True`, many can read it at the same time. A
/// context manager closes the gallery at its end. Recognizers of a closed gallery raise an error.
///
/// Raises GalleryLockedError if the file is already open; KeyRefusedError for a wrong or missing key; GalleryDamagedError;
/// GalleryVersionError; an OSError if the file cannot be read.
///
/// >>> import facekit, pathlib, tempfile
/// >>> folder = pathlib.Path(tempfile.mkdtemp())
/// >>> facekit.Gallery.new_key_file(folder / "people.key")
/// >>> with facekit.Gallery(folder / "people.facekit", key=folder / "people.key") as gallery:
/// ...     len(gallery)
/// 0
#[pyclass(frozen, module = "facekit")]
pub(crate) struct Gallery(ProcessLocal<Arc<SharedGallery>>);

/// A store, and a gallery of the core for each embedding space. Recognizers share it.
pub(crate) struct SharedGallery {
    store: Arc<ClosableStore>,
    keep_crops: bool,
    fusion: Fusion,
    views: Mutex<Vec<Arc<facekit::Gallery>>>,
}

#[pymethods]
impl Gallery {
    #[new]
    #[pyo3(signature = (path = None, key = None, *, read_only = false, unprotected = false, keep_crops = false, fusion = "mean"))]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        key: Option<&Bound<'_, PyAny>>,
        read_only: bool,
        unprotected: bool,
        keep_crops: bool,
        fusion: &str,
    ) -> PyResult<Self> {
        let fusion = match fusion {
            "mean" => Fusion::Mean,
            "nearest" => Fusion::Nearest,
            _ => {
                let reason = format!("{fusion:?} given, \"mean\" or \"nearest\" needed");
                return Err(errors::argument(py, "fusion", reason));
            }
        };
        let key = key.map(parse_key).transpose()?;
        if unprotected && key.is_some() {
            let reason = "given with unprotected=True; only one of them is possible";
            return Err(errors::argument(py, "key", reason));
        }
        if path.is_none() && (read_only || key.is_some()) {
            let reason = "missing; key and read_only are for galleries in files";
            return Err(errors::argument(py, "path", reason));
        }
        let store = work::detached(py, || {
            let backing = match &path {
                Some(path) => Backing::File(key::open(path, key, read_only, unprotected)?),
                None => Backing::Memory(MemoryStore::new()),
            };
            Ok(ClosableStore::new(path, backing))
        })?;
        Ok(Self(ProcessLocal::new(Arc::new(SharedGallery {
            store: Arc::new(store),
            keep_crops,
            fusion,
            views: Mutex::default(),
        }))))
    }

    /// Makes a random key and writes it to a new file that only its owner can read. Without this file, the gallery is lost.
    ///
    /// Raises an OSError if the file exists or cannot be written.
    ///
    /// >>> import facekit, pathlib, tempfile
    /// >>> facekit.Gallery.new_key_file(pathlib.Path(tempfile.mkdtemp()) / "people.key")
    #[staticmethod]
    fn new_key_file(py: Python<'_>, path: PathBuf) -> PyResult<()> {
        work::detached(py, || GalleryKey::generate()?.write_new_file(path))
    }

    /// The gallery's file. None for a gallery in memory.
    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let path = self.shared(py)?.store.path.as_ref();
        path.map(|path| path.into_pyobject(py)).transpose()
    }

    /// The way to compare a face with a person who has several templates: "mean" or "nearest".
    ///
    /// >>> import facekit
    /// >>> facekit.Gallery(fusion="nearest").fusion
    /// 'nearest'
    #[getter]
    fn fusion(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(match self.shared(py)?.fusion {
            Fusion::Nearest => "nearest",
            _ => "mean",
        })
    }

    /// True if the gallery is closed.
    #[getter]
    fn closed(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.shared(py)?.store.is_closed())
    }

    /// All people, in order of id.
    ///
    /// >>> import facekit
    /// >>> facekit.Gallery().people()
    /// []
    fn people(&self, py: Python<'_>) -> PyResult<Vec<Person>> {
        let shared = self.open_shared(py)?;
        let people = work::detached(py, || shared.store.people())?;
        Ok(people.into_iter().map(Person).collect())
    }

    /// Adds embeddings as templates of a person, who is added if the id is new. For photos, see `Recognizer.enroll`. `quality` is
    /// the quality of the faces, 0 to 1. Returns the numbers of the templates.
    ///
    /// `origins` has an id of the photo or the request for each embedding, 1 to 128 bytes. An embedding of an origin that the
    /// person has already is not added, and the earlier number is returned. So a call that is repeated adds nothing twice.
    ///
    /// Raises InvalidPersonIdError; InvalidArgumentError if there is not one origin for each embedding, or an origin is empty or longer
    /// than 128 bytes; StoreError if the file cannot be written. The gallery is then unchanged.
    ///
    /// >>> import facekit, numpy
    /// >>> space = facekit.EmbeddingSpace("example", "00" * 32, 3)
    /// >>> gallery = facekit.Gallery()
    /// >>> gallery.add("anna", [facekit.Embedding(space, numpy.array([1, 2, 3], dtype="float32"))])
    /// [0]
    /// >>> "anna" in gallery
    /// True
    #[pyo3(signature = (person, embeddings, *, name = None, quality = 1.0, origins = None))]
    fn add(
        &self,
        py: Python<'_>,
        person: &str,
        embeddings: Vec<Embedding>,
        name: Option<String>,
        quality: f32,
        origins: Option<Vec<String>>,
    ) -> PyResult<Vec<u64>> {
        let shared = self.open_shared(py)?;
        fraction(py, "quality", Some(quality))?;
        if let Some(origins) = &origins
            && origins.len() != embeddings.len()
        {
            let (given, needed) = (origins.len(), embeddings.len());
            let reason = format!("{given} given for {needed} embeddings, one for each needed");
            return Err(errors::argument(py, "origins", reason));
        }
        let mut origins = origins.unwrap_or_default().into_iter();
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
            let view = shared.view(first.0.space())?;
            let templates: Vec<NewTemplate> = embeddings
                .iter()
                .map(|embedding| {
                    let mut template = NewTemplate::new((*embedding.0).clone(), quality, now);
                    template.origin = origins.next();
                    template
                })
                .collect();
            let ids = view.add(&entry, &templates)?;
            Ok(ids.into_iter().map(|id| id.0).collect())
        })
    }

    /// Removes people with all of their data, and returns the number of those who were in the gallery. Afterward, the file has no
    /// key to their data.
    ///
    /// Raises StoreError if the file cannot be written.
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
            // A view tells the other views.
            match views.first() {
                Some(view) => view.remove(&ids),
                None => shared.store.remove(&ids),
            }
        })
    }

    /// The templates of a person, of every model, in the order of their numbers. Empty if the person is not in the gallery.
    ///
    /// >>> import facekit
    /// >>> gallery = facekit.Gallery()
    /// >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", ["anna.jpg", "door.jpg"])
    /// >>> [template.number for template in gallery.templates_of("anna")] == report.templates
    /// True
    fn templates_of(&self, py: Python<'_>, person: &str) -> PyResult<Vec<Template>> {
        let shared = self.open_shared(py)?;
        let templates = work::detached(py, || shared.store.templates_of(&PersonId::new(person)?))?;
        Ok(templates.iter().map(Template::from).collect())
    }

    /// Removes templates of a person, by number, and returns how many of them the person had. The person stays in the gallery.
    /// Afterward, the file has no key to their data.
    ///
    /// Raises StoreError if the file cannot be written.
    ///
    /// >>> import facekit
    /// >>> gallery = facekit.Gallery()
    /// >>> report = facekit.Recognizer(gallery=gallery).enroll("anna", ["anna.jpg", "door.jpg"])
    /// >>> gallery.remove_templates("anna", report.templates[1:]), len(gallery.templates_of("anna"))
    /// (1, 1)
    fn remove_templates(
        &self,
        py: Python<'_>,
        person: &str,
        templates: Vec<u64>,
    ) -> PyResult<usize> {
        let shared = self.open_shared(py)?;
        work::detached(py, || {
            let person = PersonId::new(person)?;
            let ids: Vec<TemplateId> = templates.into_iter().map(TemplateId).collect();
            let views = shared.views.lock().unwrap_or_else(PoisonError::into_inner);
            // A view tells the other views.
            if let Some(view) = views.first() {
                return view.remove_templates(&person, &ids);
            }
            let mut removed = shared.store.templates_of(&person)?;
            removed.retain(|template| ids.contains(&template.id));
            let removed: Vec<_> = removed.iter().map(|template| template.id).collect();
            shared.store.remove_templates(&removed)
        })
    }

    /// Reads the whole file and reports damage. Damage does not raise an error. Only for galleries in files.
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

    /// Copies the gallery to a new file with the same key, also while the gallery is used. The copy appears under its name when it
    /// is complete. `progress(done, total)` is called after each record.
    ///
    /// Raises an OSError if the file exists or cannot be written; GalleryDamagedError.
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

    /// Replaces the file's key. Afterward, the old key opens nothing in the file. For `key`, see `Gallery`.
    ///
    /// Raises KeyRefusedError; StoreError if the file cannot be written.
    ///
    /// >>> import facekit, pathlib, tempfile
    /// >>> folder = pathlib.Path(tempfile.mkdtemp())
    /// >>> gallery = facekit.Gallery(folder / "people.facekit", key="correct horse battery staple")
    /// >>> gallery.rekey("a new passphrase")
    fn rekey(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let shared = self.open_shared(py)?;
        let key = parse_key(key)?;
        work::detached(py, || {
            let protection = Protection::Key(key.read()?);
            shared.store.with_file(|file| file.rekey(&protection))
        })
    }

    /// Closes the gallery. Afterward, its methods raise an error. This method waits for work that is under way. If the `progress`
    /// function of such work calls it, the file closes when the work ends. A second call does nothing.
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
        while shared.store.is_in_use() && !ClosableStore::is_in_use_by_this_thread() {
            py.detach(|| thread::sleep(CLOSE_INTERVAL));
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

    /// True if a person with this id is in the gallery.
    fn __contains__(&self, py: Python<'_>, person: &str) -> PyResult<bool> {
        let shared = self.open_shared(py)?;
        // A string that is not an id is the id of nobody.
        let Ok(person) = PersonId::new(person) else {
            return Ok(false);
        };
        let known = work::detached(py, || shared.store.person(&person))?;
        Ok(known.is_some())
    }

    fn __repr__(&self) -> String {
        let Some(shared) = self.0.value() else {
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
    fn shared(&self, py: Python<'_>) -> PyResult<&Arc<SharedGallery>> {
        self.0.require(py, "Gallery")
    }

    /// An error if the gallery is closed.
    pub(crate) fn open_shared(&self, py: Python<'_>) -> PyResult<&Arc<SharedGallery>> {
        let shared = self.shared(py)?;
        shared.check_open(py)?;
        Ok(shared)
    }
}

impl SharedGallery {
    pub(crate) fn check_open(&self, py: Python<'_>) -> PyResult<()> {
        if self.store.is_closed() {
            return Err(errors::argument(py, "gallery", "it is closed"));
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.store.path.as_deref()
    }

    /// The core's gallery that searches in this space. All callers share it.
    pub(crate) fn view(&self, space: &facekit::EmbeddingSpace) -> Result<Arc<facekit::Gallery>> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = views.iter().find(|view| view.space() == space) {
            return Ok(Arc::clone(view));
        }
        let index = FlatIndex::new(space.clone(), Metric::Cosine);
        let view = match views.first() {
            Some(other) => other.beside(index)?,
            None => {
                let store = Arc::clone(&self.store);
                facekit::Gallery::open_with(store, index, self.fusion)?.with_crops(self.keep_crops)
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
