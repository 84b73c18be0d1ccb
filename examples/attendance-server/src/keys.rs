//! Encryption of personal data with a key for each person.

use std::fmt;

use async_trait::async_trait;
use facekit::{NewTemplate, Template};

use crate::{error::Result, id::Id};

/// Keys of people, and of the accounts of people who are not recorded.
///
/// # Contract
///
/// - [`seal`](Self::seal) needs [`create`](Self::create) before it. After `create` returned, the key survives a crash.
/// - What was sealed for one subject and one use opens for that subject and that use only.
/// - After [`forget`](Self::forget) returned, nothing opens what was sealed for the subject, in backups neither.
#[async_trait]
pub trait Keys: fmt::Debug + Send + Sync {
    /// Makes the keys of subjects that have none. Many keys at once take as long as one.
    async fn create(&self, org: Id, subjects: &[Id]) -> Result<()>;

    /// Encrypts data of a subject. `usage` says what they are, as in `person`.
    ///
    /// # Errors
    ///
    /// If the subject has no key.
    fn seal(&self, org: Id, subject: Id, usage: &str, plain: &[u8]) -> Result<Vec<u8>>;

    /// Decrypts what [`seal`](Self::seal) made. `None` if the subject was forgotten.
    ///
    /// # Errors
    ///
    /// If the data were changed, or sealed for another subject or use.
    fn open(&self, org: Id, subject: Id, usage: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Encrypts a template of a person.
    ///
    /// # Errors
    ///
    /// If the person has no key.
    fn seal_template(&self, org: Id, person: Id, template: &NewTemplate) -> Result<Vec<u8>>;

    /// Decrypts what [`seal_template`](Self::seal_template) made. `None` if the person was forgotten.
    ///
    /// # Errors
    ///
    /// If the data were changed, or sealed for another person.
    fn open_template(&self, org: Id, person: Id, sealed: Vec<u8>) -> Result<Option<Template>>;

    /// Destroys the keys of subjects.
    async fn forget(&self, org: Id, subjects: &[Id]) -> Result<()>;
}
