//! Power losses at every step of the work.

use std::collections::{BTreeMap, BTreeSet};

use super::{FailingDisk, Numbers, census, create, id, key, open, path, person, template};
use crate::{
    error::Error,
    person::PersonId,
    progress::Watch,
    sealed_file::{
        key::{GalleryKey, Protection},
        slots::{Slot, Slots},
    },
    store::{
        TemplateStore,
        file::{records::GALLERY, store::FileStore},
    },
};

/// Puts and removes people until the disk fails. `sure` becomes the state that was acknowledged. If a step fails, returns
/// the state and the protection that it would have led to.
fn work(
    store: &FileStore,
    numbers: &mut Numbers,
    sure: &mut BTreeMap<PersonId, usize>,
    protection: &mut Protection,
) -> Option<(BTreeMap<PersonId, usize>, Protection)> {
    for _ in 0..12 {
        let mut next = sure.clone();
        let mut next_protection = protection.clone();
        let done = match numbers.below(10) {
            0..5 => {
                let who = numbers.below(12);
                let templates: Vec<_> = (0..numbers.below(4)).map(template).collect();
                *next.entry(id(who)).or_default() += templates.len();
                store.put(&person(who), &templates).map(drop)
            }
            5 => {
                let who = id(numbers.below(12));
                let of = store.templates_of(&who).unwrap();
                let gone: Vec<_> = of.iter().take(numbers.below(3)).map(|one| one.id).collect();
                if let Some(count) = next.get_mut(&who) {
                    *count -= gone.len();
                }
                store.remove_templates(&gone).map(drop)
            }
            6..9 => {
                let gone: BTreeSet<_> = (0..3).map(|_| id(numbers.below(12))).collect();
                next.retain(|person, _| !gone.contains(person));
                store
                    .remove(&gone.into_iter().collect::<Vec<_>>())
                    .map(drop)
            }
            _ => {
                let bytes = [numbers.below(256) as u8; 32];
                next_protection = Protection::Key(GalleryKey::from_bytes(bytes));
                store.rekey(&next_protection)
            }
        };
        if done.is_err() {
            return Some((next, next_protection));
        }
        *sure = next;
        *protection = next_protection;
    }
    None
}

#[test]
fn acknowledged_changes_survive_power_losses() {
    // The number of operations that creating a gallery takes.
    let disk = FailingDisk::new(Vec::new(), None);
    let creating = {
        let store = create(&disk).unwrap();
        let operations = disk.operations();
        drop(store);
        operations
    };
    let mut numbers = Numbers(20_260_801);
    let (mut while_working, mut while_opening, mut settled_ahead) = (0, 0, 0);
    for _ in 0..70 {
        // One gallery goes through six losses of power, with more work after each.
        let mut disk = FailingDisk::new(Vec::new(), None);
        drop(create(&disk).unwrap());
        let mut sure = BTreeMap::new();
        let mut protection = key();
        for _ in 0..6 {
            let failing = FailingDisk::new(disk.bytes(), Some(numbers.below(120)));
            let maybe = match open(&failing, &protection) {
                Ok(store) => {
                    let maybe = work(&store, &mut numbers, &mut sure, &mut protection);
                    while_working += usize::from(maybe.is_some());
                    maybe
                }
                Err(_) => {
                    while_opening += 1;
                    None
                }
            };
            disk = FailingDisk::new(failing.after_power_loss(&mut numbers), None);
            let store = match (open(&disk, &protection), &maybe) {
                (Err(Error::Key { .. }), Some((_, new))) => {
                    let store = open(&disk, new).unwrap();
                    protection = new.clone();
                    store
                }
                (opened, _) => opened.unwrap(),
            };
            let found = census(&store);
            if let Some((next, _)) = maybe
                && found == next
                && found != sure
            {
                settled_ahead += 1;
                sure = next;
            }
            assert_eq!(found, sure);
            let report = store.check(Watch::new()).unwrap();
            assert!(report.is_clean(), "{report:?}");
            // The file has one root key in every case.
            drop(store);
            let slots = Slots::read(&GALLERY, &*disk, path()).unwrap();
            assert_eq!(slots.iter().filter(|slot| Slot::is_erased(slot)).count(), 1);
        }
    }
    assert!(while_working >= 200, "{while_working}");
    assert!(
        while_opening > 0 && settled_ahead > 0,
        "{while_opening} {settled_ahead}"
    );

    // `FileStore::create` gives the file its name after these operations, so an unfinished file is never opened.
    for left in 0..creating {
        let disk = FailingDisk::new(Vec::new(), Some(left));
        assert!(create(&disk).is_err());
    }
    for _ in 0..20 {
        let disk = FailingDisk::new(Vec::new(), Some(creating));
        let store = create(&disk).unwrap();
        let bytes = disk.after_power_loss(&mut numbers);
        drop(store);
        let reopened = open(&FailingDisk::new(bytes, None), &key()).unwrap();
        assert!(reopened.people().unwrap().is_empty());
    }
}
