//! The model registry: known models, the folder of their files, and whether the files have the right content.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;

use self::{entry::FOLDER_MANIFEST, manifest::Manifest};
use crate::{
    digest::Digest,
    error::{Error, Result},
};

mod entry;
mod file;
mod keep;
mod load;
mod manifest;
#[cfg(feature = "download")]
mod pull;
mod selection;
mod url;

pub use entry::{Export, HeadSpec, ModelEntry, SecondLookEntry, SetEntry, Task};
pub use file::FileState;
pub use load::Models;
#[cfg(feature = "download")]
pub use pull::{PullOptions, PullReport};
pub use selection::{LandmarksModel, ModelSet};

/// The known models, by name, and the folder that holds their files.
///
/// A known model need not have a file. [`open`](Self::open) reads the file of a model and checks its digest, and `pull`
/// (crate feature `download`) fetches it. No other method uses the network.
///
/// ```
/// use facekit::{Registry, Task};
///
/// let registry = Registry::builtin();
/// let yunet = registry.model("yunet_n")?;
/// assert_eq!(yunet.task(), Task::Detector);
/// assert_eq!(yunet.license, "Apache-2.0");
///
/// let error = registry.model("yunet").unwrap_err();
/// assert!(error.to_string().starts_with("no model or set named \"yunet\", did you mean \"yunet_n\"?"));
/// # Ok::<(), facekit::Error>(())
/// ```
///
/// # Manifests
///
/// A manifest is a TOML file.
///
/// - A `[[model]]` has a name, a file name, a `url` (none for a model that was made on this machine), the accepted files,
///   a license, and exactly one of the tables `yunet`, `scrfd`, `arcface` and `minifasnet`: the specification for the head
///   that runs the model. The accepted files are `exports`, and the one at `url` is the first. `bytes` may be left out if
///   it is unknown.
/// - An embedder can have figures: `calibration` and `recognizability`, and for each second look that it was measured with a
///   `second_look` with figures of its own.
/// - A detector can have `challenge`, the limits of a [`Challenge`](crate::Challenge) for its landmarks.
/// - A `[[set]]` names the models of a recognizer. `landmarks` is optional: the detector of the [second
///   look](crate::SecondLook).
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
/// license = "MIT"
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
    /// The files that are part of the program, by name of the model.
    bundled: BTreeMap<String, (Digest, &'static [u8])>,
    #[cfg_attr(
        not(feature = "download"),
        allow(dead_code, reason = "only pull reads it")
    )]
    mirror: Option<String>,
}

impl Registry {
    /// The built-in manifest, with the current folder as models folder. No file is read.
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
            .expect("the built-in manifest is valid");
        registry
    }

    /// The built-in manifest with `folder` as models folder, and the folder's `models.toml`, if it exists.
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

    /// Sets the models folder, and adds the folder's `models.toml`, if it exists.
    ///
    /// A set of that file that names an unknown model is left out, with a warning in the log. Such a set is for another
    /// program, which has more models built in.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if `models.toml` cannot be read, and [`Error::Manifest`] if it is invalid.
    pub fn read_folder(self, folder: impl Into<PathBuf>) -> Result<Self> {
        let mut registry = self.with_folder(folder);
        let path = registry.folder.join(FOLDER_MANIFEST);
        match fs::read_to_string(&path) {
            Ok(text) => registry.add_folder_manifest(&text, &path.display().to_string())?,
            // A path below a file is not an error here. The methods that use the folder report it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => return Err(Error::io("reading", path)(error)),
        }
        Ok(registry)
    }

    /// Reads the environment: [`read_folder`](Self::read_folder) with the folder in `FACEKIT_MODELS`. Without that
    /// variable, the folder is `facekit/models` in the platform's cache folder (`~/.cache` on Linux and macOS).
    ///
    /// If `FACEKIT_MIRROR` is set, `pull` fetches from there; see `PullOptions::with_mirror`.
    ///
    /// # Errors
    ///
    /// As [`read_folder`](Self::read_folder), and [`Error::InvalidArgument`] if neither `FACEKIT_MODELS` nor a home folder
    /// is set.
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
                    .map_err(|_| Error::argument("FACEKIT_MIRROR", "is not a URL"))
            })
            .transpose()?;
        Ok(registry)
    }

    /// Sets the models folder. It need not exist. A `models.toml` in it is not read; see
    /// [`read_folder`](Self::read_folder) for that.
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// Adds the models and sets of a manifest. An entry replaces an earlier one of the same name.
    ///
    /// `origin` is the name of the text in errors, such as a path. After an error nothing is added.
    ///
    /// # Errors
    ///
    /// [`Error::Manifest`] with the name of the entry if
    ///
    /// - the text is not TOML,
    /// - a key is missing, unknown or of the wrong type,
    /// - a name occurs twice,
    /// - a number is out of range,
    /// - a URL is neither https nor on this machine,
    /// - a file name is not a plain name, or is the file of another model,
    /// - a set names a model that does not exist or has another task.
    pub fn add_manifest(&mut self, text: &str, origin: &str) -> Result<()> {
        self.add(Manifest::parse(text, origin)?, origin)
    }

    /// Adds a manifest together with the files of its models, each with the model's name. For models that are part of a
    /// program, such as those of `facekit-nano`. They need no file in the models folder.
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
    /// license = "MIT"
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
    /// If a manifest that is added later accepts other files for a model of the same name, those are used.
    ///
    /// # Errors
    ///
    /// As [`add_manifest`](Self::add_manifest); [`Error::UnknownModel`] for a file of an unknown model;
    /// [`Error::HashMismatch`] for a file that its entry does not accept. After an error nothing is added.
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
                return Err(entry.mismatch(format!("{name} in {origin}"), digest));
            }
            with.bundled.insert(name.to_owned(), (digest, bytes));
        }
        *self = with;
        Ok(())
    }

    /// Adds the manifest of the models folder, without the sets that name unknown models.
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

    /// Checks the rules between entries of all manifests.
    fn check(&self) -> Result<(), String> {
        let mut files = BTreeMap::new();
        for model in self.models.values() {
            // Some file systems ignore case.
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
            if set.mirrored && set.landmarks.is_none() {
                return Err(format!(
                    "set {:?}: mirrored is for a second look, and the set has no landmarks",
                    set.name
                ));
            }
            for (member, task) in set.roles() {
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
            for (index, name) in set.liveness.iter().enumerate() {
                if set.liveness[..index].contains(name) {
                    return Err(format!("set {:?}: {name:?} is listed twice", set.name));
                }
            }
        }
        Ok(())
    }

    /// All models, in order of name.
    pub fn models(&self) -> impl ExactSizeIterator<Item = &ModelEntry> {
        self.models.values()
    }

    /// The model of this name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] if there is none.
    pub fn model(&self, name: &str) -> Result<&ModelEntry> {
        self.models.get(name).ok_or_else(|| self.unknown(name))
    }

    /// All sets, in order of name.
    pub fn sets(&self) -> impl ExactSizeIterator<Item = &SetEntry> {
        self.sets.values()
    }

    /// The set of this name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] if there is none.
    pub fn set(&self, name: &str) -> Result<&SetEntry> {
        self.sets.get(name).ok_or_else(|| self.unknown(name))
    }

    /// The models folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<&str> = self
            .sets
            .keys()
            .chain(self.models.keys())
            .map(String::as_str)
            .collect();
        // A third of the letters, but not more than three, may be wrong or missing.
        let allowed = name.chars().count().div_ceil(3).min(3);
        let closest = known
            .iter()
            .map(|known| (strsim::levenshtein(name, known), *known))
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
    fn without_variables_the_cache_folder_is_used() {
        let registry = Registry::builtin()
            .read_variables(|_| Some(OsString::new()))
            .unwrap();
        assert!(registry.folder().ends_with("facekit/models"));
        assert_eq!(registry.mirror, None);
    }
}
