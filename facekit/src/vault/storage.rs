use std::{fmt, sync::Arc};

use zeroize::Zeroize;

use crate::error::Result;

/// The place where a [`KeyVault`](super::KeyVault) keeps its records: a file, a table of a database.
///
/// The vault encrypts the keys of people before they come here. With [`Protection::None`](crate::Protection::None) the root
/// record contains the root key in the clear, so a reader of the storage can open everything. With any other protection, a
/// storage never sees a key.
///
/// # Contract
///
/// - A change that returned `Ok` is permanent, as far as the medium allows.
/// - `insert` and `replace` happen entirely or not at all.
/// - `insert` and `replace` compare and change in one step: they fail, and change nothing, if the storage is not in the state
///   `before`. Then another vault has changed it. Without this check, one vault would erase the keys that another one added.
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

    /// Adds records of keys to a storage in the state `before`, in one step.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails, the storage is in another state, or a number is in use.
    fn insert(&self, before: VaultState<'_>, keys: &[KeyRecord]) -> Result<()>;

    /// Replaces all records of a storage in the state `before`, in one step. `None` is the state of an empty storage.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) if the medium fails or the storage is in another state.
    fn replace(&self, before: Option<VaultState<'_>>, records: &VaultRecords) -> Result<()>;
}

/// The state of a storage. Each change of a vault changes the root record or adds keys, so two states are equal only if the
/// records are.
///
/// ```
/// use facekit::{KeyRecord, VaultRecords, VaultState};
///
/// let records = VaultRecords::new(vec![1; 141], vec![KeyRecord::new(0, vec![2; 73])]);
/// assert_eq!(records.state(), VaultState::new(&[1; 141], 1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct VaultState<'a> {
    /// The root record.
    pub root: &'a [u8],
    /// The number of keys of people.
    pub keys: usize,
}

impl<'a> VaultState<'a> {
    /// The state of a storage with this root record and this number of keys.
    #[must_use]
    pub fn new(root: &'a [u8], keys: usize) -> Self {
        Self { root, keys }
    }
}

impl fmt::Debug for VaultState<'_> {
    /// Shows the number of keys only: the root record may contain the root key in the clear.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultState")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// All records of a vault. The root record is overwritten in memory when this is dropped.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VaultRecords {
    /// The root record: 141 bytes, which contain the root key. It is sealed under the user's key, or in the clear with
    /// [`Protection::None`](crate::Protection::None).
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

    /// The state of a storage that holds these records.
    #[must_use]
    pub fn state(&self) -> VaultState<'_> {
        VaultState::new(&self.root, self.keys.len())
    }
}

impl Drop for VaultRecords {
    fn drop(&mut self) {
        self.root.zeroize();
    }
}

impl fmt::Debug for VaultRecords {
    /// Shows the number of keys only: the root record may contain the root key in the clear.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultRecords")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
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

            fn insert(&self, before: VaultState<'_>, keys: &[KeyRecord]) -> Result<()> {
                (**self).insert(before, keys)
            }

            fn replace(
                &self,
                before: Option<VaultState<'_>>,
                records: &VaultRecords,
            ) -> Result<()> {
                (**self).replace(before, records)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
