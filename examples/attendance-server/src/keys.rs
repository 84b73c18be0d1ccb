//! Encryption of personal data with a key for each person.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::{Error, Result},
    id::Id,
};

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

    /// Destroys the keys of subjects.
    async fn forget(&self, org: Id, subjects: &[Id]) -> Result<()>;
}

/// Keeps personal data as they are, after a byte that says so. The data are not encrypted: they stay in the write-ahead log
/// and in backups after their row is gone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unsealed;

/// The first byte of data that are not encrypted.
const PLAIN: u8 = 0;

#[async_trait]
impl Keys for Unsealed {
    async fn create(&self, _: Id, _: &[Id]) -> Result<()> {
        Ok(())
    }

    fn seal(&self, _: Id, _: Id, _: &str, plain: &[u8]) -> Result<Vec<u8>> {
        Ok([&[PLAIN], plain].concat())
    }

    fn open(&self, _: Id, _: Id, usage: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        match sealed.split_first() {
            Some((&PLAIN, plain)) => Ok(Some(plain.to_vec())),
            _ => Err(Error::internal(format!(
                "{usage}: the data are sealed, and the server has no keys"
            ))),
        }
    }

    async fn forget(&self, _: Id, _: &[Id]) -> Result<()> {
        Ok(())
    }
}
