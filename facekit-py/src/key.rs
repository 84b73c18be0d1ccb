//! What opens a gallery's file.

use std::{
    env,
    path::{Path, PathBuf},
};

use facekit::{Error, FileStore, GalleryKey, Protection, ProtectionKind, Result};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyByteArray, PyBytes, PyString},
};

use crate::errors;

const KEY_FILE: &str = "FACEKIT_KEY_FILE";
const KEY: &str = "FACEKIT_GALLERY_KEY";

/// A key as Python gave it, not read yet.
pub(crate) enum GivenKey {
    Raw([u8; 32]),
    Passphrase(String),
    File(PathBuf),
}

pub(crate) fn given_key(key: &Bound<'_, PyAny>) -> PyResult<GivenKey> {
    let py = key.py();
    if key.is_instance_of::<PyBytes>() || key.is_instance_of::<PyByteArray>() {
        let bytes: PyBackedBytes = key.extract()?;
        return <[u8; 32]>::try_from(&*bytes)
            .map(GivenKey::Raw)
            .map_err(|_| {
                let reason = format!("{} bytes given, 32 needed", bytes.len());
                errors::argument(py, "key", reason)
            });
    }
    if key.is_instance_of::<PyString>() {
        let text: String = key.extract()?;
        if Path::new(&text).is_file() {
            let reason = "a str is a passphrase, and this one is the name of a file; \
                 give pathlib.Path(...) for a key file";
            return Err(errors::argument(py, "key", reason));
        }
        return Ok(GivenKey::Passphrase(text));
    }
    if key.hasattr("__fspath__")? {
        return Ok(GivenKey::File(key.extract()?));
    }
    Err(PyTypeError::new_err(format!(
        "key: {} given, 32 bytes, a pathlib.Path to a key file or a str (a passphrase) needed",
        key.get_type().fully_qualified_name()?
    )))
}

impl GivenKey {
    pub(crate) fn read(self) -> Result<GalleryKey> {
        match self {
            Self::Raw(bytes) => Ok(GalleryKey::from_bytes(bytes)),
            Self::Passphrase(text) => GalleryKey::from_passphrase(&text),
            Self::File(path) => GalleryKey::from_file(path),
        }
    }
}

/// Opens a gallery file, or creates it.
pub(crate) fn open(
    path: &Path,
    key: Option<GivenKey>,
    read_only: bool,
    unprotected: bool,
) -> Result<FileStore> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let given = key.is_some();
    let key = || match key {
        Some(key) => key.read().map(Some),
        None => match variable(KEY_FILE) {
            Some(file) => GalleryKey::from_file(PathBuf::from(file)).map(Some),
            None if variable(KEY).is_some() => GalleryKey::from_env(KEY).map(Some),
            None => Ok(None),
        },
    };
    let missing = |why: &str| Error::Key {
        what: format!("gallery {}", path.display()),
        reason: format!("{why}; give key=, or set {KEY_FILE} or {KEY}"),
    };
    let protection = match FileStore::protection_kind(path) {
        // A key that was given for it is a mistake, which opening says; one for another gallery may stand in the environment.
        Ok(ProtectionKind::None) if !given => Protection::None,
        Ok(_) if unprotected => return Err(missing("it is encrypted, not unprotected")),
        Ok(_) => Protection::Key(key()?.ok_or_else(|| missing("it is encrypted"))?),
        Err(error) if error.is_not_found() && !read_only => {
            if unprotected {
                Protection::None
            } else {
                let why = "there is none yet, and a new one needs a key (unprotected=True leaves people's templates open)";
                Protection::Key(key()?.ok_or_else(|| missing(why))?)
            }
        }
        Err(error) => return Err(error),
    };
    if read_only {
        FileStore::open_read_only(path, &protection)
    } else {
        FileStore::open_or_create(path, &protection)
    }
}
