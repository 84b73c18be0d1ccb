//! The suite for every storage of key vaults, and for pointers to one.

use std::sync::{Arc, Mutex};

use facekit::{Error, KeyRecord, KeyVault, Protection, Result, VaultRecords, VaultStorage};
use facekit_conformance::key_vault_suite;
use tempfile::tempdir;

key_vault_suite!(file, || {
    let folder = tempdir().unwrap();
    move |protection: &Protection| {
        KeyVault::open_or_create(folder.path().join("keys.facekit"), protection)
    }
});
key_vault_suite!(table, || {
    let table = Arc::new(Table::default());
    move |protection: &Protection| KeyVault::over(Arc::clone(&table), protection)
});
key_vault_suite!(boxed, || {
    let table: Arc<Table> = Arc::default();
    move |protection: &Protection| {
        let boxed = Box::new(Arc::clone(&table)) as Box<dyn VaultStorage>;
        KeyVault::over(boxed, protection)
    }
});

/// A storage in memory, in the place of a table of a database.
#[derive(Debug, Default)]
struct Table(Mutex<Option<VaultRecords>>);

impl VaultStorage for Table {
    fn name(&self) -> String {
        "table".to_owned()
    }

    fn load(&self) -> Result<Option<VaultRecords>> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn insert(&self, keys: &[KeyRecord]) -> Result<()> {
        let mut records = self.0.lock().unwrap();
        let records = records
            .as_mut()
            .expect("a vault replaces all records before it inserts");
        let there = |key: &KeyRecord| records.keys.iter().any(|known| known.number == key.number);
        if keys.iter().any(there) {
            return Err(Error::Store {
                store: self.name(),
                action: "inserting",
                source: "the number is in use".into(),
            });
        }
        records.keys.extend_from_slice(keys);
        Ok(())
    }

    fn replace(&self, records: &VaultRecords) -> Result<()> {
        *self.0.lock().unwrap() = Some(records.clone());
        Ok(())
    }
}
