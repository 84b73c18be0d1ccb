//! Which models there are, where their files lie, and whether the files are what they should be.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use sha2::Digest as _;

use crate::{
    digest::Digest,
    error::{Error, Result},
    runtime::Model,
};

mod keep;
mod load;
mod manifest;
#[cfg(feature = "download")]
mod pull;

pub use load::Models;
use manifest::Manifest;
pub use manifest::{Export, HeadSpec, ModelEntry, SetEntry, Task};
#[cfg(feature = "download")]
pub use pull::{PullOptions, PullReport};

/// A manifest of this name in the models folder adds to the built-in one.
const MANIFEST: &str = "models.toml";

/// The set that a selection starts from where it names none.
const STANDARD: &str = "standard";

/// The models that are known by name, and the folder that holds their files.
///
/// Knowing a model and having its file are different things: [`open`](Self::open) reads a file that is there and
/// checks it against the manifest, and `pull` (crate feature `download`) fetches it. Nothing else here
/// touches the network.
///
/// ```
/// use facekit::{Registry, Task};
///
/// let registry = Registry::builtin();
/// let yunet = registry.model("yunet_n")?;
/// assert_eq!(yunet.task(), Task::Detector);
/// assert_eq!(yunet.licence, "Apache-2.0");
///
/// let error = registry.model("yunet").unwrap_err();
/// assert!(error.to_string().starts_with("no model or set named \"yunet\", did you mean \"yunet_n\"?"));
/// # Ok::<(), facekit::Error>(())
/// ```
///
/// # Manifests
///
/// A manifest is TOML. Each `[[model]]` names a file, where it comes from (but for one made here), the digests accepted, its
/// licence, and in exactly one of the tables `yunet`, `scrfd`, `arcface` and `minifasnet` what the head that reads it must know.
/// Of the `exports`, the files accepted, the one at `url` comes first; `bytes` may be left out where it is unknown.
/// A `[[set]]` names models that make a recogniser together.
///
/// ```
/// use facekit::Registry;
///
/// let mut registry = Registry::builtin();
/// registry.add_manifest(
///     r#"
/// [[model]]
/// name = "ours"
/// file = "ours.onnx"
/// url = "https://models.example.org/ours.onnx"
/// exports = [{ sha256 = "b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507", bytes = 3998070 }]
/// licence = "MIT"
/// commercial_use = true
/// source = "trained by us on our own photos"
///
/// [model.arcface]
/// pixels = { color = "rgb", mean = [127.5, 127.5, 127.5], std = [127.5, 127.5, 127.5] }
/// side = 112
/// dimension = 256
///
/// [[set]]
/// name = "office"
/// detector = "yunet_n"
/// embedder = "ours"
/// liveness = ["minifasnet_v2"]
/// "#,
///     "office.toml",
/// )?;
/// assert_eq!(registry.resolve("office")?.embedder.name, "ours");
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    folder: PathBuf,
    models: BTreeMap<String, ModelEntry>,
    sets: BTreeMap<String, SetEntry>,
    /// The files that are part of the program, by the name of their model.
    bundled: BTreeMap<String, (Digest, &'static [u8])>,
    #[cfg_attr(
        not(feature = "download"),
        allow(dead_code, reason = "only pull reads it")
    )]
    mirror: Option<String>,
}

impl Registry {
    /// The built-in manifest, with the current folder as models folder. Reads nothing.
    #[must_use]
    #[allow(
        clippy::missing_panics_doc,
        reason = "the manifest is part of the crate, and a test parses it"
    )]
    pub fn builtin() -> Self {
        let mut registry = Self {
            folder: PathBuf::from("."),
            models: BTreeMap::new(),
            sets: BTreeMap::new(),
            bundled: BTreeMap::new(),
            mirror: None,
        };
        registry
            .add_manifest(include_str!("builtin.toml"), "built in")
            .expect("the built-in manifest keeps its own rules");
        registry
    }

    /// The built-in manifest with `folder` as models folder, and on top of it the folder's `models.toml`, if there is
    /// one.
    ///
    /// # Errors
    ///
    /// As [`read_folder`](Self::read_folder).
    pub fn in_folder(folder: impl Into<PathBuf>) -> Result<Self> {
        Self::builtin().read_folder(folder)
    }

    /// The registry of this user: the built-in manifest, and [`read_env`](Self::read_env).
    ///
    /// # Errors
    ///
    /// As [`read_env`](Self::read_env).
    pub fn from_env() -> Result<Self> {
        Self::builtin().read_env()
    }

    /// Takes `folder` as models folder, and adds the folder's `models.toml`, if there is one.
    ///
    /// A set of that file which names a model that nobody knows here is left out, with a warning in the log: it is for a
    /// program that has other models built in.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where `models.toml` cannot be read, and [`Error::Manifest`] where it is wrong.
    pub fn read_folder(self, folder: impl Into<PathBuf>) -> Result<Self> {
        let mut registry = self.with_folder(folder);
        let path = registry.folder.join(MANIFEST);
        match std::fs::read_to_string(&path) {
            Ok(text) => registry.add_folder_manifest(&text, &path.display().to_string())?,
            // A path below a file is reported by whoever needs the folder.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => return Err(Error::io("reading", path)(error)),
        }
        Ok(registry)
    }

    /// [`read_folder`](Self::read_folder) with the folder `FACEKIT_MODELS`, or without that variable `facekit/models` in
    /// the platform's cache folder (`~/.cache` on Linux and macOS).
    ///
    /// Where `FACEKIT_MIRROR` is set, `pull` fetches from there; see `PullOptions::with_mirror`.
    ///
    /// # Errors
    ///
    /// As [`read_folder`](Self::read_folder), and [`Error::InvalidArgument`] where there is neither `FACEKIT_MODELS` nor a
    /// home folder.
    pub fn read_env(self) -> Result<Self> {
        self.read_variables(|name| std::env::var_os(name))
    }

    fn read_variables(self, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let folder = match variable("FACEKIT_MODELS") {
            Some(folder) => folder.into(),
            None => etcetera::choose_base_strategy()
                .map_err(|_| {
                    Error::argument(
                        "FACEKIT_MODELS",
                        "not set, and there is no home folder to keep models in",
                    )
                })?
                .cache_dir()
                .join("facekit")
                .join("models"),
        };
        let mut registry = self.read_folder(folder)?;
        registry.mirror = variable("FACEKIT_MIRROR")
            .map(|mirror| {
                mirror
                    .into_string()
                    .map_err(|_| Error::argument("FACEKIT_MIRROR", "not an address"))
            })
            .transpose()?;
        Ok(registry)
    }

    /// Another models folder. It need not exist, and a `models.toml` in it is not read:
    /// that is [`in_folder`](Self::in_folder).
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// Adds a manifest's models and sets. Those whose name is known already take the place of the earlier ones.
    ///
    /// `origin` says in errors where the text came from: a path, or a name. On an error nothing is added.
    ///
    /// # Errors
    ///
    /// [`Error::Manifest`] that names the entry: the text is not TOML; a key is missing, unknown or of the wrong type;
    /// a name is given twice; a number is out of range; an address is neither https nor on this machine; a file name
    /// is more than a plain name or another model's; a set names a model that does not exist or does something else.
    pub fn add_manifest(&mut self, text: &str, origin: &str) -> Result<()> {
        self.add(Manifest::parse(text, origin)?, origin)
    }

    /// Adds a manifest together with files of its models, each with the model's name: for models that are part of a
    /// program, as those of `facekit-nano` are. They are used without any file in the models folder.
    ///
    /// ```
    /// use facekit::{Digest, FileState, Registry};
    ///
    /// static WEIGHTS: &[u8] = b"an ONNX model";
    /// let manifest = format!(
    ///     r#"
    /// [[model]]
    /// name = "ours"
    /// file = "ours.onnx"
    /// exports = [{{ sha256 = "{}" }}]
    /// licence = "MIT"
    /// commercial_use = true
    /// source = "trained by us on our own photos"
    ///
    /// [model.yunet]
    /// pixels = {{ color = "bgr" }}
    /// strides = [8, 16, 32]
    /// score = 0.6
    /// overlap = 0.3
    /// "#,
    ///     Digest::of(WEIGHTS)
    /// );
    /// let mut registry = Registry::builtin();
    /// registry.add_bundle(&manifest, "our program", [("ours", WEIGHTS)])?;
    /// assert!(matches!(registry.verify("ours")?, FileState::Bundled { .. }));
    /// assert_eq!(registry.open("ours")?.bytes(), WEIGHTS);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// A manifest added later may give a model of the same name other files, and then those are used.
    ///
    /// # Errors
    ///
    /// As [`add_manifest`](Self::add_manifest); [`Error::UnknownModel`] for a file whose model is not known;
    /// [`Error::HashMismatch`] for one that its entry does not accept. On an error nothing is added.
    pub fn add_bundle<'a>(
        &mut self,
        manifest: &str,
        origin: &str,
        files: impl IntoIterator<Item = (&'a str, &'static [u8])>,
    ) -> Result<()> {
        let mut with = self.clone();
        with.add_manifest(manifest, origin)?;
        for (name, bytes) in files {
            let (entry, digest) = (with.model(name)?, Digest::of(bytes));
            if !entry.accepts(digest) {
                return Err(mismatch(entry, format!("{name} in {origin}"), digest));
            }
            with.bundled.insert(name.to_owned(), (digest, bytes));
        }
        *self = with;
        Ok(())
    }

    /// Adds the manifest of the models folder, without sets that name models which are not known.
    fn add_folder_manifest(&mut self, text: &str, origin: &str) -> Result<()> {
        let mut manifest = Manifest::parse(text, origin)?;
        let known: Vec<&str> = manifest
            .models
            .iter()
            .chain(self.models.values())
            .map(|model| model.name.as_str())
            .collect();
        manifest.sets.retain(|set| {
            let missing = set.members().find(|member| !known.contains(member));
            if let Some(missing) = missing {
                tracing::warn!(
                    set = set.name,
                    origin,
                    "left out: there is no model {missing:?}"
                );
            }
            missing.is_none()
        });
        self.add(manifest, origin)
    }

    fn add(&mut self, manifest: Manifest, origin: &str) -> Result<()> {
        let mut merged = self.clone();
        for model in manifest.models {
            merged.models.insert(model.name.clone(), model);
        }
        for set in manifest.sets {
            merged.sets.insert(set.name.clone(), set);
        }
        merged
            .check()
            .map_err(|reason| manifest::error(origin, reason))?;
        *self = merged;
        Ok(())
    }

    /// What must hold between entries, from whichever manifests they came.
    fn check(&self) -> Result<(), String> {
        let mut files = BTreeMap::new();
        for model in self.models.values() {
            // Some file systems do not tell case apart.
            if let Some(other) = files.insert(model.file.to_ascii_lowercase(), &model.name) {
                return Err(format!(
                    "model {:?}: its file {:?} is the file of model {other:?} too",
                    model.name, model.file
                ));
            }
        }
        for set in self.sets.values() {
            if self.models.contains_key(&set.name) {
                return Err(format!("set {:?}: a model has this name", set.name));
            }
            let tasks = [Task::Detector, Task::Embedder]
                .into_iter()
                .chain(std::iter::repeat(Task::Liveness));
            for (member, task) in set.members().zip(tasks) {
                match self.models.get(member) {
                    None => {
                        return Err(format!("set {:?}: there is no model {member:?}", set.name));
                    }
                    Some(model) if model.task() != task => {
                        return Err(format!(
                            "set {:?}: {member:?} as {task}: its task is {}",
                            set.name,
                            model.task()
                        ));
                    }
                    Some(_) => {}
                }
            }
            for (at, name) in set.liveness.iter().enumerate() {
                if set.liveness[..at].contains(name) {
                    return Err(format!("set {:?}: {name:?} is listed twice", set.name));
                }
            }
        }
        Ok(())
    }

    /// All models, by name.
    pub fn models(&self) -> impl ExactSizeIterator<Item = &ModelEntry> {
        self.models.values()
    }

    /// The model of this name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`].
    pub fn model(&self, name: &str) -> Result<&ModelEntry> {
        self.models.get(name).ok_or_else(|| self.unknown(name))
    }

    /// All sets, by name.
    pub fn sets(&self) -> impl ExactSizeIterator<Item = &SetEntry> {
        self.sets.values()
    }

    /// The set of this name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`].
    pub fn set(&self, name: &str) -> Result<&SetEntry> {
        self.sets.get(name).ok_or_else(|| self.unknown(name))
    }

    /// The models that a comma-separated list of sets and models names together.
    ///
    /// The list is read from the left, each name overriding its part: a set all parts, a detector the detector, an
    /// embedder the embedder, liveness models all liveness models before them that came from a set. A list that does
    /// not begin with a set starts from the set `standard`.
    ///
    /// ```
    /// use facekit::Registry;
    ///
    /// let models = Registry::builtin().resolve("standard,scrfd_500m")?;
    /// assert_eq!(models.detector.name, "scrfd_500m");
    /// assert_eq!(models.embedder.name, "mobilefacenet");
    /// assert_eq!(models.liveness.len(), 2);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] that names the first unknown name.
    pub fn resolve(&self, selection: &str) -> Result<ModelSet> {
        let mut parts = self.parts(STANDARD)?;
        let mut liveness_named = false;
        for name in names(selection) {
            if self.sets.contains_key(name) {
                parts = self.parts(name)?;
                liveness_named = false;
                continue;
            }
            let model = self.model(name)?.clone();
            match model.task() {
                Task::Detector => parts.detector = model,
                Task::Embedder => parts.embedder = model,
                Task::Liveness => {
                    if !liveness_named {
                        parts.liveness.clear();
                        liveness_named = true;
                    }
                    if !parts.liveness.iter().any(|other| other.name == model.name) {
                        parts.liveness.push(model);
                    }
                }
            }
        }
        Ok(parts)
    }

    fn parts(&self, set: &str) -> Result<ModelSet> {
        let set = self.set(set)?;
        Ok(ModelSet {
            detector: self.model(&set.detector)?.clone(),
            embedder: self.model(&set.embedder)?.clone(),
            liveness: set
                .liveness
                .iter()
                .map(|name| self.model(name).cloned())
                .collect::<Result<_>>()?,
        })
    }

    /// Every model that a comma-separated list of sets and models names, once each, in order. Unlike
    /// [`resolve`](Self::resolve), nothing is overridden and nothing added.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] that names the first unknown name.
    pub fn members(&self, names: &str) -> Result<Vec<&ModelEntry>> {
        let mut members: Vec<&ModelEntry> = Vec::new();
        for name in self::names(names) {
            let found = match self.sets.get(name) {
                Some(set) => set
                    .members()
                    .map(|member| self.model(member))
                    .collect::<Result<_>>()?,
                None => vec![self.model(name)?],
            };
            for model in found {
                if !members.iter().any(|other| other.name == model.name) {
                    members.push(model);
                }
            }
        }
        Ok(members)
    }

    /// The models folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the file of a model lies, or would lie. One that is part of the program lies nowhere until it is pulled.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`].
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        Ok(self.folder.join(&self.model(name)?.file))
    }

    /// The file of a model that is part of the program, and its digest, unless a later manifest wants another.
    fn bundled(&self, entry: &ModelEntry) -> Option<(Digest, &'static [u8])> {
        let bundled = self.bundled.get(&entry.name).copied();
        bundled.filter(|(digest, _)| entry.accepts(*digest))
    }

    /// Reads a model's file and checks its digest. The model is named as its entry. A model that is part of the program
    /// has no need of a file.
    ///
    /// The digest is that of one file, so weights in a file beside it, which nobody vouches for, are not followed: what
    /// comes out has no path.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`]; [`Error::ModelMissing`] where there is no such file; [`Error::HashMismatch`] where it
    /// is not one of the files the manifest vouches for; [`Error::Io`] where it cannot be read.
    pub fn open(&self, name: &str) -> Result<Model> {
        let entry = self.model(name)?;
        if let Some((_, bytes)) = self.bundled(entry) {
            return Ok(Model::from_bytes(&entry.name, bytes));
        }
        let path = self.folder.join(&entry.file);
        let model = Model::open(&path).map_err(|error| missing(entry, &path, error))?;
        let digest = Digest::of(model.bytes());
        if entry.accepts(digest) {
            Ok(Model::from_bytes(&entry.name, model.into_bytes()))
        } else {
            Err(mismatch(entry, path.display().to_string(), digest))
        }
    }

    /// The digest of a model's file as it is, whatever the manifest says of it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`]; [`Error::ModelMissing`] where there is no such file; [`Error::Io`] where it cannot be
    /// read.
    pub fn digest(&self, name: &str) -> Result<Digest> {
        let entry = self.model(name)?;
        if let Some((digest, _)) = self.bundled(entry) {
            return Ok(digest);
        }
        let path = self.folder.join(&entry.file);
        digest_of(&path)
            .map(|(digest, _)| digest)
            .map_err(|error| missing(entry, &path, error))
    }

    /// Looks at a model's file.
    ///
    /// ```
    /// use facekit::{FileState, Registry};
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let registry = Registry::builtin().with_folder(folder.path());
    /// assert_eq!(registry.verify("yunet_n")?, FileState::Missing);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`], and [`Error::Io`] where the file is there and cannot be read.
    pub fn verify(&self, name: &str) -> Result<FileState> {
        let entry = self.model(name)?;
        match self.bundled(entry) {
            Some((digest, bytes)) => Ok(FileState::Bundled {
                digest,
                bytes: bytes.len() as u64,
            }),
            None => state(entry, &self.folder.join(&entry.file)),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<&str> = self
            .sets
            .keys()
            .chain(self.models.keys())
            .map(String::as_str)
            .collect();
        // A typing error or two, or a name cut short.
        let allowed = name.chars().count().div_ceil(3).min(3);
        let closest = known
            .iter()
            .map(|known| (distance(name, known), *known))
            .filter(|(distance, _)| *distance <= allowed)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, known)| known.to_owned());
        Error::UnknownModel {
            name: name.to_owned(),
            closest,
            known: known.join(", "),
        }
    }
}

/// The models of a recogniser, as [`Registry::resolve`] puts them together.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ModelSet {
    /// The detector.
    pub detector: ModelEntry,
    /// The embedder.
    pub embedder: ModelEntry,
    /// The liveness models; none means no liveness check.
    pub liveness: Vec<ModelEntry>,
}

impl ModelSet {
    /// All of them: the detector first, the embedder, then the liveness models.
    pub fn models(&self) -> impl Iterator<Item = &ModelEntry> {
        [&self.detector, &self.embedder]
            .into_iter()
            .chain(&self.liveness)
    }
}

/// What [`Registry::verify`] found in the place of a model's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// Nothing.
    Missing,
    /// A file the manifest vouches for.
    Verified {
        /// Its digest.
        digest: Digest,
    },
    /// Nothing, for the model is part of the program.
    Bundled {
        /// The digest of the model.
        digest: Digest,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A file of a length that no accepted file has; it was not read.
    WrongSize {
        /// Its length in bytes.
        bytes: u64,
    },
    /// A file that may be of the right length and is not the model.
    WrongHash {
        /// Its digest.
        digest: Digest,
    },
}

fn state(entry: &ModelEntry, path: &Path) -> Result<FileState> {
    let found = match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            let error = io::Error::other("not a file");
            return Err(Error::io("reading", path)(error));
        }
        Ok(found) if !entry.fits(found.len()) => {
            return Ok(FileState::WrongSize { bytes: found.len() });
        }
        Ok(_) => digest_of(path),
        Err(error) => Err(Error::io("reading", path)(error)),
    };
    match found {
        Ok((digest, _)) if entry.accepts(digest) => Ok(FileState::Verified { digest }),
        Ok((digest, _)) => Ok(FileState::WrongHash { digest }),
        Err(error) if error.is_not_found() => Ok(FileState::Missing),
        Err(error) => Err(error),
    }
}

fn missing(entry: &ModelEntry, path: &Path, error: Error) -> Error {
    if error.is_not_found() {
        Error::ModelMissing {
            model: entry.name.clone(),
            path: path.to_owned(),
        }
    } else {
        error
    }
}

fn mismatch(entry: &ModelEntry, what: String, actual: Digest) -> Error {
    Error::HashMismatch {
        what,
        expected: entry.expected(),
        actual: actual.to_string(),
    }
}

/// The digest and length of a file, read in pieces.
fn digest_of(path: &Path) -> Result<(Digest, u64)> {
    let mut hasher = sha2::Sha256::new();
    let bytes = File::open(path)
        .and_then(|file| hash_into(&mut hasher, file))
        .map_err(Error::io("reading", path))?;
    Ok((Digest::from_bytes(hasher.finalize().into()), bytes))
}

fn hash_into(hasher: &mut sha2::Sha256, mut file: impl Read) -> io::Result<u64> {
    let mut chunk = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(bytes),
            Ok(read) => {
                hasher.update(&chunk[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The names of a comma-separated list.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

/// How many letters must be inserted, removed or replaced to get from one name to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_folder_and_mirror() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::builtin()
            .read_variables(|name| match name {
                "FACEKIT_MODELS" => Some(folder.path().into()),
                "FACEKIT_MIRROR" => Some("http://models.local/".into()),
                _ => None,
            })
            .unwrap();
        assert_eq!(registry.folder(), folder.path());
        assert_eq!(registry.mirror.as_deref(), Some("http://models.local/"));
    }

    #[test]
    fn without_variables_the_platform_decides() {
        let registry = Registry::builtin()
            .read_variables(|_| Some(OsString::new()))
            .unwrap();
        assert!(registry.folder().ends_with("facekit/models"));
        assert_eq!(registry.mirror, None);
    }

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("yunet_n", "yunet_s"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
