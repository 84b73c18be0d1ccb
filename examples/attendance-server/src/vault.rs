//! The vault: a key for each person, account and organisation, in a file of its own beside the database.
//!
//! A key is on the disk before the transaction that uses it commits. So no crash leaves data without their key. A key whose
//! transaction was rolled back opens nothing. It stays, because the database can be an older one than the keys. Erasure deletes
//! rows and keeps a note in one transaction. Then the vault forgets the key and replaces its root key. The server reads the note
//! when it starts again, so a crash leaves no key of a person who was erased. A backup of the database that is read with today's
//! vault shows nothing of the people who were erased since.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use facekit::{
    KeyVault, NewTemplate, PersonId, Protection, ProtectionKind, SealedTemplate, Template,
    TemplateId,
};

use crate::{
    error::{Error, Result},
    id::Id,
    keys::Keys,
};

/// Keys in a file. One process at a time can have the file open.
#[derive(Clone, Debug)]
pub struct Vault(Arc<KeyVault>);

impl Vault {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    ///
    /// If the file is open in another process, is damaged, or has another protection.
    pub fn open_or_create(file: &Path, protection: &Protection) -> facekit::Result<Self> {
        Ok(Self(Arc::new(KeyVault::open_or_create(file, protection)?)))
    }

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// As [`open_or_create`](Self::open_or_create), and if there is no file.
    pub fn open(file: &Path, protection: &Protection) -> facekit::Result<Self> {
        Ok(Self(Arc::new(KeyVault::open(file, protection)?)))
    }

    /// Writes a copy to a new file, with the same protection and a root key of its own.
    ///
    /// # Errors
    ///
    /// If the file exists or cannot be written.
    pub fn copy_to(&self, file: &Path) -> facekit::Result<()> {
        self.0.backup(file)
    }

    /// `true` if a subject has a key.
    #[must_use]
    pub fn has(&self, subject: Id) -> bool {
        name(subject).is_ok_and(|name| self.0.contains(&name))
    }

    /// The kind of the protection.
    #[must_use]
    pub fn protection(&self) -> ProtectionKind {
        self.0.protection()
    }

    /// Runs a change of the file on a thread that may wait for the disk.
    async fn change(
        &self,
        subjects: &[Id],
        change: impl FnOnce(&KeyVault, &[PersonId]) -> facekit::Result<usize> + Send + 'static,
    ) -> Result<()> {
        let names: Result<Vec<PersonId>> = subjects.iter().copied().map(name).collect();
        let (vault, names) = (Arc::clone(&self.0), names?);
        let changed = tokio::task::spawn_blocking(move || change(&vault, &names));
        changed.await.map_err(Error::internal)??;
        Ok(())
    }
}

/// The name of a subject's key in the file.
fn name(subject: Id) -> Result<PersonId> {
    Ok(PersonId::new(subject.to_string())?)
}

/// The context to which data are bound: the organisation and the use.
fn context(org: Id, usage: &str) -> Vec<u8> {
    [org.as_bytes(), usage.as_bytes()].concat()
}

#[async_trait]
impl Keys for Vault {
    async fn create(&self, _: Id, subjects: &[Id]) -> Result<()> {
        self.change(subjects, KeyVault::add).await
    }

    fn seal(&self, org: Id, subject: Id, usage: &str, plain: &[u8]) -> Result<Vec<u8>> {
        Ok(self.0.seal(&name(subject)?, &context(org, usage), plain)?)
    }

    fn open(&self, org: Id, subject: Id, usage: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        let name = name(subject)?;
        if !self.0.contains(&name) {
            return Ok(None);
        }
        match self.0.unseal(&name, &context(org, usage), sealed) {
            Ok(plain) => Ok(Some(plain)),
            // It was forgotten meanwhile.
            Err(_) if !self.0.contains(&name) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn seal_template(&self, _: Id, person: Id, template: &NewTemplate) -> Result<Vec<u8>> {
        Ok(self.0.seal_template(&name(person)?, template)?)
    }

    fn open_template(&self, _: Id, person: Id, sealed: Vec<u8>) -> Result<Option<Template>> {
        let name = name(person)?;
        if !self.0.contains(&name) {
            return Ok(None);
        }
        // The id counts within galleries, which give their own.
        let row = SealedTemplate::new(TemplateId(0), name, sealed);
        match self.0.unseal_template(&row) {
            Ok(template) => Ok(Some(template)),
            Err(_) if !self.0.contains(&row.person) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn forget(&self, _: Id, subjects: &[Id]) -> Result<()> {
        self.change(subjects, KeyVault::forget).await
    }
}
