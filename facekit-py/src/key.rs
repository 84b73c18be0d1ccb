//! Keys of gallery files.

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

/// A key as the caller gave it, before it is read.
pub(crate) enum KeySource {
    Raw([u8; 32]),
    Passphrase(String),
    File(PathBuf),
}

/// The key that `object` names.
pub(crate) fn parse_key(object: &Bound<'_, PyAny>) -> PyResult<KeySource> {
    let py = object.py();
    if object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyByteArray>() {
        let bytes: PyBackedBytes = object.extract()?;
        return <[u8; 32]>::try_from(&*bytes)
            .map(KeySource::Raw)
            .map_err(|_| {
                let reason = format!("{} bytes given, 32 needed", bytes.len());
                errors::argument(py, "key", reason)
            });
    }
    if object.is_instance_of::<PyString>() {
        let text: String = object.extract()?;
        if Path::new(&text).is_file() {
            let reason = "a str is a passphrase, but this one is the name of a file; \
                 pathlib.Path(...) names a key file";
            return Err(errors::argument(py, "key", reason));
        }
        return Ok(KeySource::Passphrase(text));
    }
    if object.hasattr("__fspath__")? {
        return Ok(KeySource::File(object.extract()?));
    }
    Err(PyTypeError::new_err(format!(
        "key: {} given, 32 bytes, a pathlib.Path to a key file or a str (a passphrase) needed",
        object.get_type().fully_qualified_name()?
    )))
}

impl KeySource {
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
    key: Option<KeySource>,
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
        // A key that was given for an unprotected file is a mistake, and opening the file gives an error. A key in the environment
        // may be for another gallery.
        Ok(ProtectionKind::None) if !given => Protection::None,
        Ok(_) if unprotected => return Err(missing("it is encrypted, not unprotected")),
        Ok(_) => Protection::Key(key()?.ok_or_else(|| missing("it is encrypted"))?),
        Err(error) if error.is_not_found() && !read_only => {
            if unprotected {
                Protection::None
            } else {
                let why = "it does not exist, and a new one needs a key (with unprotected=True, templates are not encrypted)";
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
