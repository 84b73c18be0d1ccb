//! Tests that need the inside of a vault file: a disk that loses power, erased keys, damaged files.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use super::{
    KeyVault,
    file::{VAULT, VaultFile},
};
use crate::{
    error::{Error, Result},
    person::PersonId,
    sealed_file::{
        disk::Disk,
        key::{GalleryKey, Protection},
        rows::{Kind, context},
        seal::{self, SecretKey},
        slots::{END, Slot, Slots},
        tests::{FailingDisk, Numbers, windows_of_records},
    },
    store::FileStore,
};

mod kills;

fn path() -> &'static Path {
    Path::new("simulated.keys")
}

fn key(byte: u8) -> Protection {
    Protection::Key(GalleryKey::from_bytes([byte; 32]))
}

fn id(number: usize) -> PersonId {
    PersonId::new(format!("person {number:03}")).unwrap()
}

fn create(disk: &Arc<FailingDisk>) -> Result<KeyVault> {
    let disk = Arc::clone(disk) as Arc<dyn Disk>;
    KeyVault::over(VaultFile::create(disk, path())?, &key(7))
}

fn open(disk: &Arc<FailingDisk>, protection: &Protection) -> Result<KeyVault> {
    let disk = Arc::clone(disk) as Arc<dyn Disk>;
    KeyVault::over(VaultFile::open_on(disk, path())?, protection)
}

/// Adds and forgets people until the disk fails. `sure` becomes the state that was acknowledged. If a step fails, returns the
/// state and the protection that it would have led to.
fn work(
    vault: &KeyVault,
    numbers: &mut Numbers,
    sure: &mut BTreeSet<PersonId>,
    protection: &mut Protection,
) -> Option<(BTreeSet<PersonId>, Protection)> {
    for _ in 0..12 {
        let mut next = sure.clone();
        let mut next_protection = protection.clone();
        let some: Vec<PersonId> = (0..3).map(|_| id(numbers.below(12))).collect();
        let done = match numbers.below(10) {
            0..5 => {
                next.extend(some.clone());
                vault.add(&some).map(drop)
            }
            5..8 => {
                next.retain(|person| !some.contains(person));
                vault.forget(&some).map(drop)
            }
            8 => vault.rotate(),
            _ => {
                next_protection = key(numbers.below(256) as u8);
                vault.rekey(&next_protection)
            }
        };
        if done.is_err() {
            // The vault refuses changes now, and still opens what it opened.
            assert!(vault.add(&[id(99)]).is_err());
            assert!(
                sure.iter()
                    .all(|person| vault.seal(person, b"", b"").is_ok())
            );
            return Some((next, next_protection));
        }
        *sure = next;
        *protection = next_protection;
    }
    None
}

#[test]
fn acknowledged_changes_survive_power_losses() {
    let mut numbers = Numbers(20_261_127);
    let (mut while_working, mut while_opening, mut settled_ahead) = (0, 0, 0);
    for _ in 0..50 {
        let mut disk = FailingDisk::new(Vec::new(), None);
        drop(create(&disk).unwrap());
        let mut sure = BTreeSet::new();
        let mut protection = key(7);
        for _ in 0..6 {
            let failing = FailingDisk::new(disk.bytes(), Some(numbers.below(90)));
            let maybe = match open(&failing, &protection) {
                Ok(vault) => {
                    let maybe = work(&vault, &mut numbers, &mut sure, &mut protection);
                    while_working += usize::from(maybe.is_some());
                    maybe
                }
                Err(_) => {
                    while_opening += 1;
                    None
                }
            };
            disk = FailingDisk::new(failing.after_power_loss(&mut numbers), None);
            let vault = match (open(&disk, &protection), &maybe) {
                (Err(Error::Key { .. }), Some((_, new))) => {
                    let vault = open(&disk, new).unwrap();
                    protection = new.clone();
                    vault
                }
                (opened, _) => opened.unwrap(),
            };
            let found: BTreeSet<_> = vault.people().into_iter().collect();
            if let Some((next, _)) = maybe
                && found == next
                && found != sure
            {
                settled_ahead += 1;
                sure = next;
            }
            assert_eq!(found, sure);
            // The file has one root key in every case.
            drop(vault);
            let slots = Slots::read(&VAULT, &*disk, path()).unwrap();
            assert_eq!(slots.iter().filter(|slot| slot.is_erased()).count(), 1);
        }
    }
    assert!(while_working >= 100, "{while_working}");
    assert!(
        while_opening > 0 && settled_ahead > 0,
        "{while_opening} {settled_ahead}"
    );
}

/// The root keys that a key opens, at any offset of the file.
fn root_keys(bytes: &[u8], protection: &Protection) -> Vec<SecretKey> {
    let mut keys = Vec::new();
    for start in 0..bytes.len() {
        let slot = bytes[start..]
            .first_chunk()
            .map(|bytes| Slot::parse(&VAULT, bytes));
        if let Some(slot) = slot.as_ref().and_then(Slot::live)
            && let Ok((_, root)) = slot.unlock(protection, "the vault")
        {
            keys.push(root);
        }
    }
    keys
}

/// The people whose keys `root` opens, at any offset of the file. All ids are equally long.
fn people_of_keys(bytes: &[u8], root: &SecretKey, numbers: u64) -> BTreeSet<String> {
    let length = 32 + id(0).as_str().len() + seal::OVERHEAD;
    let mut people = BTreeSet::new();
    for window in windows_of_records(bytes, length) {
        for number in 0..numbers {
            if let Some(plain) = root.open(&context(Kind::Key, number, 0), window) {
                people.insert(String::from_utf8(plain[32..].to_vec()).unwrap());
            }
        }
    }
    people
}

#[test]
fn no_key_of_the_forgotten_is_in_the_file() {
    for protection in [key(7), Protection::None] {
        let disk = FailingDisk::new(Vec::new(), None);
        let shared = Arc::clone(&disk) as Arc<dyn Disk>;
        let file = VaultFile::create(shared, path()).unwrap();
        let vault = KeyVault::over(file, &protection).unwrap();
        vault.add(&[id(0), id(1)]).unwrap();
        vault.add(&[id(2)]).unwrap();
        let names = |numbers: &[usize]| -> BTreeSet<String> {
            numbers
                .iter()
                .map(|&number| id(number).to_string())
                .collect()
        };
        let before = disk.bytes();
        let [root] = &root_keys(&before, &protection)[..] else {
            panic!("one root key");
        };
        assert_eq!(people_of_keys(&before, root, 3), names(&[0, 1, 2]));

        vault.forget(&[id(1)]).unwrap();
        let forgotten = disk.bytes();
        drop(vault);
        let closed = disk.bytes();
        drop(open(&disk, &protection).unwrap());
        for after in [forgotten, closed, disk.bytes()] {
            let roots = root_keys(&after, &protection);
            assert_eq!(roots.len(), 1);
            assert!(!after.windows(32).any(|window| window == root.bytes()));
            assert_eq!(people_of_keys(&after, &roots[0], 3), names(&[0, 2]));
            // Ids are not in plain text.
            let id = id(0);
            let id = id.as_str().as_bytes();
            assert!(!after.windows(id.len()).any(|window| window == id));
        }
    }
}

#[test]
fn damage_is_an_error() {
    let disk = FailingDisk::new(Vec::new(), None);
    let vault = create(&disk).unwrap();
    let people: Vec<PersonId> = (0..40).map(id).collect();
    vault.add(&people).unwrap();
    vault.forget(&people[..3]).unwrap();
    drop(vault);
    let bytes = disk.bytes();
    let mut numbers = Numbers(11);
    let mut is_noticed = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << numbers.below(8);
        match open(&FailingDisk::new(bytes, None), &key(7)) {
            Ok(vault) => {
                assert_eq!(vault.people(), people[3..]);
                false
            }
            Err(Error::FileDamaged { .. } | Error::Key { .. }) => true,
            Err(error) => panic!("{error:?}"),
        }
    };
    // Every byte of the header and of the slot in use.
    let slot = if bytes[4096..].starts_with(&[0; 8]) {
        8192
    } else {
        4096
    };
    assert!((0..52).all(&mut is_noticed));
    assert!((slot..slot + END).all(&mut is_noticed));
    // Other bytes may be those of pages that are not in use.
    let written: Vec<_> = (12288..bytes.len()).filter(|&at| bytes[at] != 0).collect();
    let mut others = Numbers(12);
    let noticed = (0..400)
        .filter(|_| is_noticed(written[others.below(written.len())]))
        .count();
    assert!(noticed > 10, "{noticed}");
    for length in [0, 1, 51, 4096, 12288, bytes.len() - 1] {
        let error = open(&FailingDisk::new(bytes[..length].to_vec(), None), &key(7)).unwrap_err();
        assert!(matches!(error, Error::FileDamaged { .. }), "{error:?}");
    }
}

#[test]
fn a_vault_and_a_gallery_are_different_files() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, gallery) = (folder.path().join("keys"), folder.path().join("gallery"));
    let vault = KeyVault::create(&keys, &key(1)).unwrap();
    let locked = KeyVault::open(&keys, &key(1)).unwrap_err();
    assert!(matches!(locked, Error::FileLocked { .. }), "{locked:?}");
    assert!(matches!(
        KeyVault::create(&keys, &key(1)),
        Err(Error::Io { .. })
    ));
    drop(vault);
    drop(FileStore::create(&gallery, &key(1)).unwrap());
    let error = KeyVault::open(&gallery, &key(1)).unwrap_err().to_string();
    assert!(
        error.contains("gallery") && error.contains("not a key vault"),
        "{error}"
    );
    let error = FileStore::open(&keys, &key(1)).unwrap_err().to_string();
    assert!(
        error.contains("keys") && error.contains("not a gallery file"),
        "{error}"
    );
    let wrong = KeyVault::open(&keys, &key(2)).unwrap_err().to_string();
    assert!(
        wrong.starts_with("key vault ") && wrong.contains("keys"),
        "{wrong}"
    );
    assert!(
        KeyVault::open(folder.path().join("none"), &key(1))
            .unwrap_err()
            .is_not_found()
    );
}
