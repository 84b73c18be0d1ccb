//! Models and sets that are added to the models folder.

use std::fs::{self, File};

use serde::Serialize;
use toml_edit::{ArrayOfTables, DocumentMut, Item, ser};

use super::{ModelEntry, Registry, SetEntry, entry::FOLDER_MANIFEST, manifest};
use crate::{
    digest::Digest,
    error::{Error, Result},
    files::replace,
};

impl Registry {
    /// Adds a model to the models folder: its file, and its entry in the folder's `models.toml`. An entry of the same name is
    /// replaced. The rest of `models.toml` stays as it is, comments included.
    ///
    /// ```
    /// use facekit::Registry;
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let mut registry = Registry::in_folder(folder.path())?;
    /// let smaller = registry.model("mobilefacenet")?.derived("smaller", b"an ONNX model", "made smaller");
    /// registry.keep_model(&smaller, b"an ONNX model")?;
    /// assert_eq!(Registry::in_folder(folder.path())?.model("smaller")?, &smaller);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::HashMismatch`] if the entry does not accept `bytes`, [`Error::Manifest`] if the entry breaks a rule of
    /// manifests or the folder's `models.toml` is invalid, [`Error::Io`] if the folder cannot be written.
    pub fn keep_model(&mut self, entry: &ModelEntry, bytes: &[u8]) -> Result<()> {
        let digest = Digest::of(bytes);
        if !entry.accepts(digest) {
            return Err(entry.mismatch("the given bytes".to_owned(), digest));
        }
        let path = self.folder.join(&entry.file);
        self.keep("model", &entry.name, entry, || replace(&path, bytes))
    }

    /// Adds the entry of a known model to the `models.toml` of the models folder, with figures that were measured on this machine.
    /// The model's file stays as it is. An entry of the same name is replaced.
    ///
    /// # Errors
    ///
    /// As [`keep_model`](Self::keep_model).
    pub fn keep_figures(&mut self, entry: &ModelEntry) -> Result<()> {
        self.keep("model", &entry.name, entry, || Ok(()))
    }

    /// Adds a set to the `models.toml` of the models folder. A set of the same name is replaced.
    ///
    /// # Errors
    ///
    /// As [`keep_model`](Self::keep_model).
    pub fn keep_set(&mut self, set: &SetEntry) -> Result<()> {
        self.keep("set", &set.name, set, || Ok(()))
    }

    /// Adds an entry to the folder's manifest. `write_file` is called when the new manifest is known to be valid.
    fn keep(
        &mut self,
        kind: &str,
        name: &str,
        entry: &impl Serialize,
        write_file: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(Error::io("creating", &self.folder))?;
        let path = self.folder.join(FOLDER_MANIFEST);
        let origin = path.display().to_string();
        let invalid =
            |error: toml_edit::TomlError| manifest::error(&origin, error.message().to_owned());
        let unwritable = |error: ser::Error| manifest::error(&origin, error.to_string());

        // Another process may add an entry at the same time.
        let lock = self.folder.join(format!("{FOLDER_MANIFEST}.lock"));
        let _lock = File::create(&lock)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(Error::io("locking", &lock))?;
        let text = if path.exists() {
            fs::read_to_string(&path).map_err(Error::io("reading", &path))?
        } else {
            String::new()
        };
        let mut document: DocumentMut = text.parse().map_err(invalid)?;
        let tables = document
            .entry(kind)
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
            .as_array_of_tables_mut()
            .ok_or_else(|| manifest::error(&origin, format!("{kind} is not a list of tables")))?;
        tables.retain(|table| table.get("name").and_then(Item::as_str) != Some(name));
        tables.push(
            ser::to_document(entry)
                .map_err(unwritable)?
                .as_table()
                .clone(),
        );
        let text = document.to_string();

        let mut with = self.clone();
        with.add_folder_manifest(&text, &origin)?;
        write_file()?;
        replace(&path, text.as_bytes())?;
        *self = with;
        Ok(())
    }
}
