//! The key of a gallery: from a file, from the environment, or a new one.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use clap::Args;
use facekit::{FileStore, GalleryKey, Protection, ProtectionKind};

use crate::session::Session;

/// The variable that names a key file.
pub(super) const KEY_FILE: &str = "FACEKIT_KEY_FILE";
/// The variable that holds a key or passphrase.
pub(super) const KEY: &str = "FACEKIT_GALLERY_KEY";

/// The key of an existing gallery.
#[derive(Args, Debug)]
#[command(next_help_heading = "Gallery")]
pub(crate) struct KeyArgs {
    /// The key file of the gallery [default: see FACEKIT_KEY_FILE and FACEKIT_GALLERY_KEY]
    ///
    /// By default, the file that FACEKIT_KEY_FILE names is used, or else the key or
    /// passphrase in FACEKIT_GALLERY_KEY.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) key_file: Option<PathBuf>,
}

impl KeyArgs {
    /// Opens a gallery file with its key, if it has one.
    pub(crate) fn open(&self, session: &Session, path: &Path) -> Result<Arc<FileStore>> {
        let protection = self.protection(session, path)?;
        Ok(Arc::new(FileStore::open(path, &protection)?))
    }

    /// As [`open`](Self::open), for commands that change nothing.
    pub(crate) fn open_read_only(&self, session: &Session, path: &Path) -> Result<Arc<FileStore>> {
        Ok(self.open_with_protection(session, path)?.0)
    }

    /// As [`open_read_only`](Self::open_read_only), with the protection of the file.
    pub(crate) fn open_with_protection(
        &self,
        session: &Session,
        path: &Path,
    ) -> Result<(Arc<FileStore>, Protection)> {
        let protection = self.protection(session, path)?;
        let store = FileStore::open_read_only(path, &protection)?;
        Ok((Arc::new(store), protection))
    }

    fn protection(&self, session: &Session, path: &Path) -> Result<Protection> {
        let needed = match FileStore::protection_kind(path)? {
            ProtectionKind::None => {
                let note = format!("gallery {}: it is not encrypted", path.display());
                session.output.note(&note);
                return Ok(Protection::None);
            }
            ProtectionKind::Passphrase => "a passphrase",
            _ => "a key",
        };
        self.given(session)?.with_context(|| {
            format!(
                "gallery {}: it is encrypted with {needed}; give --key-file, or set {KEY_FILE} or {KEY}",
                path.display()
            )
        })
    }

    /// The key file that the command line or the environment names.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let file = self.key_file.clone();
        file.or_else(|| variable(KEY_FILE).map(PathBuf::from))
    }

    /// The key that the command line or the environment gives.
    pub(super) fn given(&self, session: &Session) -> Result<Option<Protection>> {
        let key = match self.file() {
            Some(file) => {
                let key = GalleryKey::from_file(&file)
                    .with_context(|| format!("key file {}: it gives no key", file.display()))?;
                if others_may_read(&file) {
                    let file = file.display();
                    let note = format!("key file {file}: others may read it; `chmod 600 {file}`");
                    session.output.note(&note);
                }
                key
            }
            None if variable(KEY).is_some() => GalleryKey::from_env(KEY)?,
            None => return Ok(None),
        };
        Ok(Some(Protection::Key(key)))
    }
}

/// The value of a variable that is set and not empty.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(unix)]
fn others_may_read(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_file: &Path) -> bool {
    false
}

/// Makes a key and writes it to a new file. An existing file is left alone: it may be the key of another gallery.
///
/// If the command was interrupted between key and gallery, the error says how to continue. `option` is the option that takes
/// an existing key.
pub(crate) fn new_key(file: &Path, option: &str) -> Result<GalleryKey> {
    let shown = file.display();
    let key = GalleryKey::generate()?;
    key.write_new_file(file).with_context(|| {
        let found = fs::metadata(file).ok().filter(fs::Metadata::is_file);
        let why = match found {
            Some(found) if found.len() == 0 => {
                "; the file exists and is empty, so remove it and run this again".to_owned()
            }
            Some(_) if GalleryKey::from_file(file).is_ok() => format!(
                "; the file exists and holds a key; {option} {shown} uses that key \
                 instead of --new-key-file"
            ),
            Some(_) => "; the file exists and is not a key file, so name another one".to_owned(),
            None => String::new(),
        };
        format!("key file {shown}: not created{why}")
    })?;
    Ok(key)
}
