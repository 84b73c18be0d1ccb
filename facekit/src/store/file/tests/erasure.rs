//! Removed people: no key in the file opens a record of theirs.

use std::{collections::BTreeSet, sync::Arc};

use super::{FailingDisk, id, key, open, path, person, template};
use crate::{
    align::AlignedFace,
    image::Image,
    store::{
        TemplateStore,
        file::{
            disk::Disk,
            header::{self, Wrapping},
            key::Protection,
            records,
            seal::{self, SecretKey},
            snapshot::Snapshot,
            store::FileStore,
        },
    },
};

/// The data keys of people that `root` opens, at any offset of the file.
fn data_keys(bytes: &[u8], root: &SecretKey, people: u64) -> Vec<(u64, SecretKey)> {
    let mut keys = Vec::new();
    for window in bytes.windows(32 + seal::OVERHEAD) {
        // Most of a file has never been written. This skips it.
        if window.ends_with(&[0; 16]) {
            continue;
        }
        for number in 0..people {
            let context = records::context(records::Kind::Key, number, 0);
            let key = root.open(&context, window);
            keys.extend(key.map(|key| (number, SecretKey::from_slice(&key).unwrap())));
        }
    }
    keys
}

/// The root keys that the gallery's key opens, at any offset of the file.
fn root_keys(bytes: &[u8], protection: &Protection) -> Vec<SecretKey> {
    let mut keys = Vec::new();
    for start in 0..bytes.len() {
        let slot = bytes[start..].first_chunk().map(header::Slot::parse);
        if let Some(slot) = slot.as_ref().and_then(header::Slot::live)
            && let Ok((_, root)) = slot.unlock(protection, path())
        {
            keys.push(root);
        }
    }
    keys
}

/// The number of sealed records that one of `keys` opens.
fn opened(sealed: &[(records::Kind, u64, u64, Vec<u8>)], keys: &[(u64, SecretKey)]) -> usize {
    sealed
        .iter()
        .filter(|(kind, person, template, sealed)| {
            let context = records::context(*kind, *person, *template);
            keys.iter()
                .any(|(_, key)| key.open(&context, sealed).is_some())
        })
        .count()
}

#[test]
fn removal_leaves_no_key() {
    for protection in [key(), Protection::None] {
        let disk = FailingDisk::new(Vec::new(), None);
        let wrapping = Wrapping::new(&protection).unwrap();
        let shared = Arc::clone(&disk) as Arc<dyn Disk>;
        let store =
            FileStore::create_on(shared, path(), wrapping, SecretKey::random().unwrap()).unwrap();
        let face = Image::filled(16, 16, [10, 20, 30]);
        let crop = AlignedFace::new(face).unwrap();
        for who in 0..3 {
            let templates = [template(who).with_crop(crop.clone()), template(100 + who)];
            store.put(&person(who), &templates).unwrap();
        }
        // People get their numbers in order. Number 1 is going to be removed. All records of this person …
        let gone = 1;
        let sealed = sealed_records(&store.snapshot().unwrap(), gone);
        assert_eq!(sealed.len(), 1 + 2 + 1);
        let before = disk.bytes();
        let holds = |bytes: &[u8], sealed: &[u8]| {
            bytes.windows(sealed.len()).any(|window| window == sealed)
        };
        assert!(sealed.iter().all(|(.., sealed)| holds(&before, sealed)));

        // … can be opened with the gallery's key before the removal,
        let [root] = &root_keys(&before, &protection)[..] else {
            panic!("one root key");
        };
        let keys = data_keys(&before, root, 3);
        assert!(keys.iter().any(|(number, _)| *number == gone));
        assert_eq!(opened(&sealed, &keys), sealed.len());

        // and cannot be opened afterwards, although some are still in free pages: no root key in the file opens a data
        // key that opens one of them.
        assert_eq!(store.remove(&[id(1)]).unwrap(), 1);
        let removed = disk.bytes();
        drop(store);
        let closed = disk.bytes();
        drop(open(&disk, &protection).unwrap());
        for after in [removed, closed, disk.bytes()] {
            assert!(sealed.iter().any(|(.., sealed)| holds(&after, sealed)));
            let roots = root_keys(&after, &protection);
            assert_eq!(roots.len(), 1);
            assert!(!holds(&after, root.bytes()));
            let keys = data_keys(&after, &roots[0], 3);
            let numbers: BTreeSet<_> = keys.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, BTreeSet::from([0, 2]));
            assert_eq!(opened(&sealed, &keys), 0);
        }
    }
}

/// All records that are sealed under a person's key: kind, person, template, sealed bytes.
fn sealed_records(snapshot: &Snapshot<'_>, person: u64) -> Vec<(records::Kind, u64, u64, Vec<u8>)> {
    let get = |table, number| snapshot.get(table, number).unwrap();
    let mut sealed = vec![(
        records::Kind::Person,
        person,
        0,
        get(records::PEOPLE, person).unwrap(),
    )];
    for number in snapshot.owned(person).unwrap() {
        for (kind, table) in [
            (records::Kind::Template, records::TEMPLATES),
            (records::Kind::Crop, records::CROPS),
        ] {
            let record = get(table, number);
            sealed.extend(record.map(|record| (kind, person, number, record[8..].to_vec())));
        }
    }
    sealed
}
