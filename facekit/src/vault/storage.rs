use std::{fmt, sync::Arc};

use crate::error::Result;

/// The place where a [`KeyVault`](super::KeyVault) keeps its records: a file, a table of a database.
///
/// The vault encrypts records before they come here. A storage never sees a key.
///
/// # Contract
///
/// - A change that returned `Ok` is permanent, as far as the medium allows.
/// - `insert` and `replace` happen entirely or not at all.
/// - After `replace`, the storage holds none of the records of before, as far as the medium allows. In particular the
///   earlier root record cannot be read from it.
/// - The records come back in any order, unchanged.
pub trait VaultStorage: fmt::Debug + Send + Sync {
    /// The name for errors: the path of a file, the name of a database.
    fn name(&self) -> String;

    /// All records, as of one moment. `None` before the first [`replace`](Self::replace).
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails.
    fn load(&self) -> Result<Option<VaultRecords>>;

    /// Adds records of keys, in one step.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails or a number is in use.
    fn insert(&self, keys: &[KeyRecord]) -> Result<()>;

    /// Replaces all records, in one step.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails.
    fn replace(&self, records: &VaultRecords) -> Result<()>;
}

/// All records of a vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VaultRecords {
    /// The root key, sealed under the user's key: 141 bytes.
    pub root: Vec<u8>,
    /// The keys of people.
    pub keys: Vec<KeyRecord>,
}

impl VaultRecords {
    /// The records of a vault.
    #[must_use]
    pub fn new(root: Vec<u8>, keys: Vec<KeyRecord>) -> Self {
        Self { root, keys }
    }
}

/// The key of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRecord {
    /// The number of the key, unique in the vault.
    pub number: u64,
    /// The key and the id of the person, sealed under the root key: 73 to 200 bytes.
    pub sealed: Vec<u8>,
}

impl KeyRecord {
    /// The record of a key.
    #[must_use]
    pub fn new(number: u64, sealed: Vec<u8>) -> Self {
        Self { number, sealed }
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        impl<S: VaultStorage + ?Sized> VaultStorage for $pointer<S> {
            fn name(&self) -> String {
                (**self).name()
            }

            fn load(&self) -> Result<Option<VaultRecords>> {
                (**self).load()
            }

            fn insert(&self, keys: &[KeyRecord]) -> Result<()> {
                (**self).insert(keys)
            }

            fn replace(&self, records: &VaultRecords) -> Result<()> {
                (**self).replace(records)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
