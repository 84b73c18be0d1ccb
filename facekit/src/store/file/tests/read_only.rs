//! Stores that are opened for reading only.

use std::{collections::BTreeSet, sync::Arc};

use super::{FailingDisk, census, contents, id, key, open, path, person, sample};
use crate::{
    error::Error,
    progress::Watch,
    sealed_file::slots::Slots,
    store::{
        TemplateStore,
        file::{import::ImportOptions, records::GALLERY, store::FileStore},
    },
};

#[test]
fn a_read_only_store_writes_nothing() {
    for closed in [true, false] {
        let (bytes, expected) = sample(closed);
        // Every write would fail.
        let disk = FailingDisk::new(bytes.clone(), Some(0));
        let open = || FileStore::open_read_only_on(Arc::clone(&disk), path(), &key());
        let (store, other) = (open().unwrap(), open().unwrap());
        assert_eq!(contents(&store).unwrap(), expected);
        assert!(store.check(Watch::new()).unwrap().is_clean());
        for refused in [
            store.put(&person(0), &[]).map(drop),
            store.remove(&[id(0)]).map(drop),
            store.rekey(&key()),
            store
                .import(&other, &ImportOptions::default(), Watch::new())
                .map(drop),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
            assert!(error.to_string().ends_with("was opened read-only"));
        }
        drop(store);
        assert_eq!(contents(&other).unwrap(), expected);
        drop(other);
        assert!(disk.bytes() == bytes && disk.operations() == 0);
    }
}

#[test]
fn a_read_only_store_reads_a_file_with_two_root_keys() {
    // The power fails after each step of a removal.
    let (bytes, _) = sample(true);
    let mut two_keys = BTreeSet::new();
    for left in 0..60 {
        let failing = FailingDisk::new(bytes.clone(), Some(left));
        let removed = open(&failing, &key()).and_then(|store| store.remove(&[id(1)]));
        let crashed = failing.bytes();
        let disk = FailingDisk::new(crashed.clone(), Some(0));
        let read = FileStore::open_read_only_on(Arc::clone(&disk), path(), &key()).unwrap();
        let found = census(&read);
        assert!(removed.is_err() || !found.contains_key(&id(1)));
        let slots = Slots::read(&GALLERY, &*disk, path()).unwrap();
        if slots.iter().all(|slot| slot.live().is_some()) {
            two_keys.insert(found.contains_key(&id(1)));
        }
        drop(read);
        assert!(disk.bytes() == crashed);
        let settled = open(&FailingDisk::new(crashed, None), &key()).unwrap();
        assert_eq!(census(&settled), found);
    }
    // Both before and after the commit that switches to the new root key.
    assert_eq!(two_keys, BTreeSet::from([false, true]));
}
