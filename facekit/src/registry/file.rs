//! The files of models: where they are, and whether they have the right content.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::Digest as _;

use super::{ModelEntry, Registry};
use crate::{
    digest::Digest,
    error::{Error, Result},
    runtime::Model,
};

impl Registry {
    /// The path of a model's file in the models folder. The file need not exist; that of a model that is part of the
    /// program exists only after it was pulled.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] for an unknown name.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        Ok(self.folder.join(&self.model(name)?.file))
    }

    /// The content and digest of a model that is part of the program. `None` if a later manifest accepts other files only.
    pub(super) fn bundled(&self, entry: &ModelEntry) -> Option<(Digest, &'static [u8])> {
        let bundled = self.bundled.get(&entry.name).copied();
        bundled.filter(|(digest, _)| entry.accepts(*digest))
    }

    /// Reads a model's file and checks its digest. The model has the name of its entry. A model that is part of the program
    /// needs no file.
    ///
    /// The digest covers one file. Weights in a second file beside it would not be verified, so the returned model has no
    /// path, and a runtime does not look for such a file.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] for an unknown name; [`Error::ModelMissing`] if the file does not exist;
    /// [`Error::HashMismatch`] if it is not a file that the manifest accepts; [`Error::Io`] if it cannot be read.
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
            Err(entry.mismatch(path.display().to_string(), digest))
        }
    }

    /// The digest of a model's file, whether or not the manifest accepts it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] for an unknown name; [`Error::ModelMissing`] if the file does not exist; [`Error::Io`] if
    /// it cannot be read.
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

    /// Checks a model's file against the manifest.
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
    /// [`Error::UnknownModel`] for an unknown name, and [`Error::Io`] if the file exists and cannot be read.
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
}

/// The state of a model's file, as [`Registry::verify`] found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// The file does not exist.
    Missing,
    /// The manifest accepts the file.
    Verified {
        /// The digest of the file.
        digest: Digest,
    },
    /// The model is part of the program and needs no file.
    Bundled {
        /// The digest of the model.
        digest: Digest,
        /// The length of the model in bytes.
        bytes: u64,
    },
    /// The file has a length that no accepted file has. It was not read.
    WrongSize {
        /// The length of the file in bytes.
        bytes: u64,
    },
    /// The file has a digest that no accepted file has.
    WrongHash {
        /// The digest of the file.
        digest: Digest,
    },
}

pub(super) fn state(entry: &ModelEntry, path: &Path) -> Result<FileState> {
    let found = match fs::metadata(path) {
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

/// The digest and length of a file.
fn digest_of(path: &Path) -> Result<(Digest, u64)> {
    let mut hasher = sha2::Sha256::new();
    let bytes = File::open(path)
        .and_then(|file| hash_into(&mut hasher, file))
        .map_err(Error::io("reading", path))?;
    Ok((Digest::from_bytes(hasher.finalize().into()), bytes))
}

/// Feeds a file to a hasher, in pieces, and returns the file's length.
pub(super) fn hash_into(hasher: &mut sha2::Sha256, mut file: impl Read) -> io::Result<u64> {
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
