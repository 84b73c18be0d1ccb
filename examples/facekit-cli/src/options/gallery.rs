//! The gallery file of a command: opened, or created.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use facekit::{Error, FileStore, Protection, TemplateStore};

use super::key::{KEY, KEY_FILE, KeyArgs, new_key};
use crate::{output::shown, session::Session};

/// An existing gallery file and its key.
#[derive(Args, Debug)]
#[command(next_help_heading = "Gallery")]
pub(crate) struct GalleryArgs {
    /// The gallery file
    #[arg(long, value_name = "FILE")]
    pub(crate) gallery: PathBuf,

    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

impl GalleryArgs {
    pub(crate) fn open(&self, session: &Session) -> Result<Arc<FileStore>> {
        self.key.open(session, &self.gallery)
    }

    /// As [`open`](Self::open), for commands that change nothing.
    pub(crate) fn open_read_only(&self, session: &Session) -> Result<Arc<FileStore>> {
        self.key.open_read_only(session, &self.gallery)
    }

    /// As [`open_read_only`](Self::open_read_only), with the protection of the file.
    pub(crate) fn open_with_protection(
        &self,
        session: &Session,
    ) -> Result<(Arc<FileStore>, Protection)> {
        self.key.open_with_protection(session, &self.gallery)
    }
}

/// A gallery file that is created if it does not exist.
#[derive(Args, Debug)]
#[command(next_help_heading = "Gallery")]
pub(crate) struct NewGalleryArgs {
    #[command(flatten)]
    existing: GalleryArgs,

    /// For a new gallery: make a key and write it to this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_file", "no_encryption"])]
    new_key_file: Option<PathBuf>,

    /// For a new gallery: do not encrypt it; everyone who has the file can read the faces
    #[arg(long, conflicts_with = "key_file")]
    no_encryption: bool,
}

impl NewGalleryArgs {
    /// Opens the gallery, or creates it.
    pub(crate) fn open_or_create(&self, session: &Session) -> Result<OpenGallery> {
        let path = &self.existing.gallery;
        if fs::symlink_metadata(path).is_err() {
            return self.create(session);
        }
        if self.new_key_file.is_some() {
            bail!(
                "gallery {}: exists already, so it has a key; `facekit gallery rekey` gives it a new one",
                path.display()
            );
        }
        Ok(OpenGallery {
            store: self.existing.open(session)?,
            created: None,
        })
    }

    fn create(&self, session: &Session) -> Result<OpenGallery> {
        let path = &self.existing.gallery;
        let protection = if self.no_encryption {
            Protection::None
        } else if let Some(file) = &self.new_key_file {
            Protection::Key(new_key(file, "--key-file")?)
        } else {
            self.existing.key.given(session)?.with_context(|| {
                format!(
                    "gallery {}: does not exist, and a new one needs a protection: --new-key-file FILE makes a key, \
                     --key-file FILE or {KEY_FILE} names an existing one, {KEY} holds a key or passphrase, and \
                     --no-encryption leaves people's faces unprotected",
                    path.display()
                )
            })?
        };
        let created = vec![Some(path.clone()), self.new_key_file.clone()];
        let store = FileStore::create(path, &protection)
            .inspect_err(|_| {
                // The new key opens nothing.
                if let Some(file) = &self.new_key_file {
                    let _ = fs::remove_file(file);
                }
            })
            .map_err(|error| match &error {
                Error::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => anyhow!(
                    "gallery {}: another program created it at the same time; run the command again to use it",
                    path.display()
                ),
                _ => error.into(),
            })?;
        Ok(OpenGallery {
            store: Arc::new(store),
            created: Some(created.into_iter().flatten().collect()),
        })
    }
}

/// A gallery file in use. If it was created and nobody was enrolled, it is removed when dropped, with its new key.
#[derive(Debug)]
pub(crate) struct OpenGallery {
    pub(crate) store: Arc<FileStore>,
    created: Option<Vec<PathBuf>>,
}

impl OpenGallery {
    pub(crate) fn is_new(&self) -> bool {
        self.created.is_some()
    }
}

impl Drop for OpenGallery {
    fn drop(&mut self) {
        let empty = || self.store.people().is_ok_and(|people| people.is_empty());
        if let Some(created) = self.created.take().filter(|_| empty()) {
            for file in created {
                let _ = fs::remove_file(file);
            }
        }
    }
}

/// Refuses to overwrite a file.
pub(crate) fn require_absent(kind: &str, path: &Path) -> Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists))
            .with_context(|| format!("{kind} {}: not overwritten", shown(path)));
    }
    Ok(())
}
