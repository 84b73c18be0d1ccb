//! The suite for every storage of key vaults, and for pointers to one.

use std::sync::{Arc, Mutex};

use facekit::{
    Error, KeyRecord, KeyVault, PersonId, Protection, Result, VaultRecords, VaultState,
    VaultStorage,
};
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

    fn insert(&self, before: VaultState<'_>, keys: &[KeyRecord]) -> Result<()> {
        let mut stored = self.0.lock().unwrap();
        let records = match stored.as_mut() {
            Some(records) if records.state() == before => records,
            _ => return Err(self.failed("another vault has changed the table")),
        };
        let there = |key: &KeyRecord| records.keys.iter().any(|known| known.number == key.number);
        if keys.iter().any(there) {
            return Err(self.failed("the number is in use"));
        }
        records.keys.extend_from_slice(keys);
        Ok(())
    }

    fn replace(&self, before: Option<VaultState<'_>>, records: &VaultRecords) -> Result<()> {
        let mut stored = self.0.lock().unwrap();
        if stored.as_ref().map(VaultRecords::state) != before {
            return Err(self.failed("another vault has changed the table"));
        }
        *stored = Some(records.clone());
        Ok(())
    }
}

impl Table {
    fn failed(&self, reason: &str) -> Error {
        Error::Store {
            store: self.name(),
            action: "changing",
            source: reason.into(),
        }
    }
}

#[test]
fn records_do_not_show_the_root_key_in_debug_output() {
    let table = Arc::new(Table::default());
    let vault = KeyVault::over(Arc::clone(&table), &Protection::None).unwrap();
    vault.add(&[PersonId::new("anna").unwrap()]).unwrap();
    let records = table.load().unwrap().unwrap();
    assert_eq!(format!("{records:?}"), "VaultRecords { keys: 1, .. }");
    assert_eq!(
        format!("{:?}", records.state()),
        "VaultState { keys: 1, .. }"
    );
}

#[test]
fn two_vaults_cannot_both_fill_an_empty_storage() {
    /// A table that looks empty, because another vault fills it at the same time.
    #[derive(Debug)]
    struct Empty(Arc<Table>);

    impl VaultStorage for Empty {
        fn name(&self) -> String {
            self.0.name()
        }

        fn load(&self) -> Result<Option<VaultRecords>> {
            Ok(None)
        }

        fn insert(&self, before: VaultState<'_>, keys: &[KeyRecord]) -> Result<()> {
            self.0.insert(before, keys)
        }

        fn replace(&self, before: Option<VaultState<'_>>, records: &VaultRecords) -> Result<()> {
            self.0.replace(before, records)
        }
    }

    let table = Arc::new(Table::default());
    let vault = KeyVault::over(Arc::clone(&table), &Protection::None).unwrap();
    let error = KeyVault::over(Empty(Arc::clone(&table)), &Protection::None).unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error:?}");
    vault.add(&[PersonId::new("anna").unwrap()]).unwrap();
    drop(vault);
    assert_eq!(KeyVault::over(table, &Protection::None).unwrap().len(), 1);
}

#[test]
fn simultaneous_creations_of_a_vault_lose_nothing() {
    for _ in 0..20 {
        let folder = tempdir().unwrap();
        let path = folder.path().join("keys.facekit");
        let add = |number: usize| loop {
            match KeyVault::open_or_create(&path, &Protection::None) {
                Ok(vault) => {
                    let person = PersonId::new(format!("person {number}")).unwrap();
                    vault.add(&[person]).unwrap();
                    return;
                }
                Err(Error::FileLocked { .. }) => std::thread::yield_now(),
                Err(error) => panic!("{error:?}"),
            }
        };
        std::thread::scope(|scope| {
            (0..4).for_each(|number| {
                scope.spawn(move || add(number));
            });
        });
        let vault = KeyVault::open(&path, &Protection::None).unwrap();
        assert_eq!(vault.len(), 4);
    }
}
