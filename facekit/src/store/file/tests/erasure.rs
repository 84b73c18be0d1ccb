//! Removed people: no key in the file opens a record of theirs.

use std::{collections::BTreeSet, sync::Arc};

use super::{FailingDisk, id, key, open, path, person, template};
use crate::{
    align::AlignedFace,
    image::Image,
    sealed_file::{
        disk::Disk,
        key::Protection,
        rows::{Kind, context},
        seal::{self, SecretKey},
        slots::Slot,
        tests::windows_of_records,
        wrapping::Wrapping,
    },
    store::{
        TemplateStore,
        file::{
            records::{self, GALLERY},
            snapshot::Snapshot,
            store::FileStore,
        },
    },
};

/// The data keys of people that `root` opens, at any offset of the file.
pub(super) fn data_keys(bytes: &[u8], root: &SecretKey, people: u64) -> Vec<(u64, SecretKey)> {
    let mut keys = Vec::new();
    for window in windows_of_records(bytes, 32 + seal::OVERHEAD) {
        for number in 0..people {
            let context = context(Kind::Key, number, 0);
            let key = root.open(&context, window);
            keys.extend(key.map(|key| (number, SecretKey::from_slice(&key).unwrap())));
        }
    }
    keys
}

/// The root keys that the gallery's key opens, at any offset of the file.
pub(super) fn root_keys(bytes: &[u8], protection: &Protection) -> Vec<SecretKey> {
    let mut keys = Vec::new();
    for start in 0..bytes.len() {
        let slot = bytes[start..]
            .first_chunk()
            .map(|bytes| Slot::parse(&GALLERY, bytes));
        if let Some(slot) = slot.as_ref().and_then(Slot::live)
            && let Ok((_, root)) = slot.unlock(protection, "the gallery")
        {
            keys.push(root);
        }
    }
    keys
}

/// The number of sealed records that one of `keys` opens.
fn opened(sealed: &[(Kind, u64, u64, Vec<u8>)], keys: &[(u64, SecretKey)]) -> usize {
    sealed
        .iter()
        .filter(|(kind, person, template, sealed)| {
            let context = context(*kind, *person, *template);
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
        let store = FileStore::create_on(shared, path(), 2, wrapping, SecretKey::random().unwrap())
            .unwrap();
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

#[test]
fn removal_of_templates_leaves_no_key() {
    let disk = FailingDisk::new(Vec::new(), None);
    let store = super::create(&disk).unwrap();
    for who in 0..2 {
        let templates: Vec<_> = (0..3)
            .map(|nth| {
                let face = Image::filled(16, 16, [who as u8, nth as u8, 7]);
                template(10 * who + nth).with_crop(AlignedFace::new(face).unwrap())
            })
            .collect();
        store.put(&person(who), &templates).unwrap();
    }
    // Of each person, the second template.
    let gone: Vec<_> = [0, 1]
        .map(|who| store.templates_of(&id(who)).unwrap()[1].id)
        .to_vec();
    let snapshot = store.snapshot().unwrap();
    let sealed: Vec<_> = [0, 1]
        .iter()
        .flat_map(|&number| sealed_records(&snapshot, number))
        .filter(|(_, _, template, _)| gone.iter().any(|gone| gone.0 == *template))
        .collect();
    drop(snapshot);
    assert_eq!(sealed.len(), 4);
    let before = disk.bytes();
    let keys = data_keys(&before, &root_keys(&before, &key())[0], 2);
    assert_eq!(opened(&sealed, &keys), 4);

    // Bert's templates go first.
    assert_eq!(store.remove_templates(&gone[1..]).unwrap(), 1);
    assert_eq!(store.remove_templates(&gone).unwrap(), 1);
    let removed = disk.bytes();
    drop(store);
    for after in [removed, disk.bytes()] {
        let roots = root_keys(&after, &key());
        assert_eq!(roots.len(), 1);
        let keys = data_keys(&after, &roots[0], 2);
        assert!(!keys.is_empty());
        assert_eq!(opened(&sealed, &keys), 0);
    }
    let store = open(&disk, &key()).unwrap();
    let left = super::census(&store);
    assert!(left.values().all(|&count| count == 2), "{left:?}");
    assert!(
        store
            .check(crate::progress::Watch::new())
            .unwrap()
            .is_clean()
    );
}

/// All records that are sealed under a person's key: kind, person, template, sealed bytes.
fn sealed_records(snapshot: &Snapshot<'_>, person: u64) -> Vec<(Kind, u64, u64, Vec<u8>)> {
    let get = |table, number| snapshot.get(table, number).unwrap();
    let mut sealed = vec![(
        Kind::Person,
        person,
        0,
        get(records::PEOPLE, person).unwrap(),
    )];
    for number in snapshot.owned(person).unwrap() {
        for (kind, table) in [
            (Kind::Template, records::TEMPLATES),
            (Kind::Crop, records::CROPS),
        ] {
            let record = get(table, number);
            sealed.extend(record.map(|record| (kind, person, number, record[8..].to_vec())));
        }
    }
    sealed
}
