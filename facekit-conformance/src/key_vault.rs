//! The suite for every storage of a [`KeyVault`]. Each function takes a function that opens the vault of one storage, which is
//! empty at first, and panics if the storage violates its contract.
#![allow(
    clippy::missing_panics_doc,
    reason = "the documentation of the module says when functions panic"
)]

use std::thread;

use facekit::{
    Digest, Embedding, EmbeddingSpace, Error, GalleryKey, KeyVault, NewTemplate, PersonId,
    Protection, ProtectionKind, Result, SealedTemplate, TemplateId,
};
use jiff::Timestamp;

/// Opens the vault of a storage, or makes it if the storage is empty. The vault that was opened before is dropped first.
pub type Open<'a> = &'a dyn Fn(&Protection) -> Result<KeyVault>;

/// Makes a module of tests, one for each property of a storage of key vaults.
///
/// The second argument is a function without arguments that returns a function to open the vault of a new, empty storage:
/// see [`Open`].
///
/// ```
/// use facekit::{KeyVault, Protection};
/// use facekit_conformance::key_vault_suite;
///
/// key_vault_suite!(file, || {
///     let folder = tempfile::tempdir().unwrap();
///     move |protection: &Protection| KeyVault::open_or_create(folder.path().join("keys"), protection)
/// });
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! key_vault_suite {
    ($name:ident, $open:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::key_vault_suite!(@tests $open;
                starts_empty, keys_stay, adding_again_changes_nothing, data_are_bound,
                templates_come_back, the_forgotten_cannot_be_read, the_forgotten_can_return,
                a_new_root_key_opens_the_same_data, a_new_protection_replaces_the_old_one,
                a_backup_holds_the_same_keys, many_threads_use_a_vault, a_second_vault_destroys_no_keys,
            );
        }
    };
    (@tests $open:expr; $($test:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                $crate::key_vault::$test(&($open)());
            }
        )*
    };
}

/// A new vault has no keys.
pub fn starts_empty(open: Open<'_>) {
    for _ in 0..2 {
        let vault = open(&key(1)).unwrap();
        assert!(vault.is_empty() && vault.people().is_empty());
        assert_eq!(vault.protection(), ProtectionKind::Key);
        assert_eq!(vault.forget(&[id("anna")]).unwrap(), 0);
        no_key(&vault.seal(&id("anna"), b"name", b"Anna").unwrap_err());
    }
}

/// Keys open the same data after the vault was opened again.
pub fn keys_stay(open: Open<'_>) {
    let vault = open(&key(1)).unwrap();
    assert_eq!(vault.add(&[id("anna"), id("bert")]).unwrap(), 2);
    assert_eq!(vault.add(&[id("carl")]).unwrap(), 1);
    let sealed = ["anna", "bert", "carl"].map(|who| {
        let sealed = vault.seal(&id(who), b"name", who.as_bytes()).unwrap();
        (who, sealed)
    });
    drop(vault);
    let vault = open(&key(1)).unwrap();
    assert_eq!(vault.people(), [id("anna"), id("bert"), id("carl")]);
    assert_eq!(vault.len(), 3);
    assert!(vault.contains(&id("bert")) && !vault.contains(&id("dora")));
    for (who, sealed) in sealed {
        assert_eq!(
            vault.unseal(&id(who), b"name", &sealed).unwrap(),
            who.as_bytes()
        );
    }
}

/// A person who has a key keeps it.
pub fn adding_again_changes_nothing(open: Open<'_>) {
    let vault = open(&key(1)).unwrap();
    assert_eq!(vault.add(&[]).unwrap(), 0);
    assert_eq!(vault.add(&[id("anna"), id("anna")]).unwrap(), 1);
    let sealed = vault.seal(&id("anna"), b"", b"text").unwrap();
    assert_eq!(vault.add(&[id("bert"), id("anna")]).unwrap(), 1);
    assert_eq!(vault.unseal(&id("anna"), b"", &sealed).unwrap(), b"text");
    drop(vault);
    let vault = open(&key(1)).unwrap();
    assert_eq!(vault.len(), 2);
    assert_eq!(vault.unseal(&id("anna"), b"", &sealed).unwrap(), b"text");
}

/// Data open for the same person and context only, and unchanged only.
pub fn data_are_bound(open: Open<'_>) {
    let vault = open(&key(1)).unwrap();
    vault.add(&[id("anna"), id("bert")]).unwrap();
    let sealed = vault.seal(&id("anna"), b"name", b"Anna").unwrap();
    assert_eq!(sealed.len(), 4 + 40);
    assert_ne!(sealed, vault.seal(&id("anna"), b"name", b"Anna").unwrap());
    let refused = |who: &str, context: &[u8], sealed: &[u8]| {
        let error = vault.unseal(&id(who), context, sealed).unwrap_err();
        assert!(matches!(error, Error::Key { .. }), "{error:?}");
        assert!(error.to_string().starts_with(&format!("person {who}: ")));
    };
    refused("bert", b"name", &sealed);
    refused("anna", b"mail", &sealed);
    refused("anna", b"", &sealed);
    for place in 0..sealed.len() {
        let mut spoiled = sealed.clone();
        spoiled[place] ^= 4;
        refused("anna", b"name", &spoiled);
        refused("anna", b"name", &sealed[..place]);
    }
    // A template is not any data.
    let template = vault.seal_template(&id("anna"), &template(1)).unwrap();
    refused("anna", b"", &template[1..]);
    let row = SealedTemplate::new(TemplateId(1), id("anna"), sealed);
    assert!(vault.unseal_template(&row).is_err());
}

/// A sealed template comes back with all its fields and bits.
pub fn templates_come_back(open: Open<'_>) {
    let vault = open(&key(1)).unwrap();
    vault.add(&[id("anna"), id("bert")]).unwrap();
    let mirrored = template(2).embedding.with_mirrored(true);
    let given = [
        template(1),
        NewTemplate::new(mirrored, 0.5, Timestamp::UNIX_EPOCH).with_origin("photo ä"),
        NewTemplate::new(template(3).embedding, 0.0, Timestamp::MIN),
    ];
    let rows: Vec<SealedTemplate> = (7..)
        .zip(&given)
        .map(|(number, template)| {
            let sealed = vault.seal_template(&id("anna"), template).unwrap();
            SealedTemplate::new(TemplateId(number), id("anna"), sealed)
        })
        .collect();
    drop(vault);
    let vault = open(&key(1)).unwrap();
    for (row, given) in rows.iter().zip(&given) {
        let found = vault.unseal_template(row).unwrap();
        assert_eq!((found.id, &found.person), (row.id, &id("anna")));
        assert_eq!(found.quality.to_bits(), given.quality.to_bits());
        assert_eq!(found.created, given.created);
        assert_eq!(found.origin, given.origin);
        assert_eq!(found.embedding.is_mirrored(), given.embedding.is_mirrored());
        assert_eq!(found.embedding, given.embedding);
        assert_eq!(
            found.embedding.space().model(),
            given.embedding.space().model()
        );
    }
    let mut odd = rows[0].clone();
    odd.person = id("bert");
    assert!(matches!(
        vault.unseal_template(&odd),
        Err(Error::Key { .. })
    ));
    let mut later = rows[0].clone();
    later.sealed[0] = 9;
    let error = vault.unseal_template(&later).unwrap_err().to_string();
    assert!(error.contains("its layout is version 9"), "{error}");
    later.sealed.clear();
    assert!(vault.unseal_template(&later).is_err());
}

/// Nothing that was sealed for a forgotten person opens. Data of others do.
pub fn the_forgotten_cannot_be_read(open: Open<'_>) {
    let vault = open(&key(1)).unwrap();
    let people = ["anna", "bert", "carl"].map(id);
    vault.add(&people).unwrap();
    let sealed: Vec<_> = people
        .iter()
        .map(|who| vault.seal(who, b"name", b"text").unwrap())
        .collect();
    let gone = [id("bert"), id("nobody"), id("bert")];
    assert_eq!(vault.forget(&gone).unwrap(), 1);
    let check = |vault: &KeyVault| {
        assert_eq!(vault.people(), [id("anna"), id("carl")]);
        no_key(&vault.unseal(&people[1], b"name", &sealed[1]).unwrap_err());
        for nth in [0, 2] {
            let text = vault.unseal(&people[nth], b"name", &sealed[nth]).unwrap();
            assert_eq!(text, b"text");
        }
    };
    check(&vault);
    drop(vault);
    let vault = open(&key(1)).unwrap();
    check(&vault);
    assert_eq!(vault.forget(&gone).unwrap(), 0);
}

/// A forgotten person who is added again has another key.
pub fn the_forgotten_can_return(open: Open<'_>) {
    let vault = open(&key(1)).unwrap();
    vault.add(&[id("anna")]).unwrap();
    let old = vault.seal(&id("anna"), b"", b"old").unwrap();
    vault.forget(&[id("anna")]).unwrap();
    vault.add(&[id("anna")]).unwrap();
    let new = vault.seal(&id("anna"), b"", b"new").unwrap();
    drop(vault);
    let vault = open(&key(1)).unwrap();
    assert_eq!(vault.unseal(&id("anna"), b"", &new).unwrap(), b"new");
    assert!(vault.unseal(&id("anna"), b"", &old).is_err());
}

/// Replacing the root key changes no person's key.
pub fn a_new_root_key_opens_the_same_data(open: Open<'_>) {
    let vault = open(&key(1)).unwrap();
    vault.add(&[id("anna")]).unwrap();
    let sealed = vault.seal(&id("anna"), b"", b"text").unwrap();
    for _ in 0..3 {
        vault.rotate().unwrap();
    }
    vault.add(&[id("bert")]).unwrap();
    assert_eq!(vault.unseal(&id("anna"), b"", &sealed).unwrap(), b"text");
    drop(vault);
    let vault = open(&key(1)).unwrap();
    assert_eq!(vault.len(), 2);
    assert_eq!(vault.unseal(&id("anna"), b"", &sealed).unwrap(), b"text");
}

/// After a change of the protection, the old one opens nothing.
pub fn a_new_protection_replaces_the_old_one(open: Open<'_>) {
    let phrase = Protection::Key(GalleryKey::from_passphrase("open sesame").unwrap());
    let vault = open(&key(1)).unwrap();
    vault.add(&[id("anna")]).unwrap();
    let sealed = vault.seal(&id("anna"), b"", b"text").unwrap();
    drop(vault);
    let mut before = key(1);
    for after in [key(2), phrase, Protection::None, key(3)] {
        let vault = open(&before).unwrap();
        vault.rekey(&after).unwrap();
        assert_eq!(vault.unseal(&id("anna"), b"", &sealed).unwrap(), b"text");
        drop(vault);
        let error = open(&before).unwrap_err();
        assert!(matches!(error, Error::Key { .. }), "{error:?}");
        let vault = open(&after).unwrap();
        assert_eq!(vault.unseal(&id("anna"), b"", &sealed).unwrap(), b"text");
        before = after;
    }
}

/// A backup is a vault file under the same protection. Its keys can be forgotten in the vault without a change of the backup.
pub fn a_backup_holds_the_same_keys(open: Open<'_>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup");
    let vault = open(&key(1)).unwrap();
    vault.add(&[id("anna"), id("bert")]).unwrap();
    let sealed = vault.seal(&id("anna"), b"", b"text").unwrap();
    vault.backup(&path).unwrap();
    assert!(matches!(vault.backup(&path), Err(Error::Io { .. })));
    vault.forget(&[id("anna")]).unwrap();
    let backup = KeyVault::open(&path, &key(1)).unwrap();
    assert_eq!(backup.len(), 2);
    assert_eq!(backup.unseal(&id("anna"), b"", &sealed).unwrap(), b"text");
    backup.add(&[id("carl")]).unwrap();
    assert_eq!(vault.people(), [id("bert")]);
}

/// Several threads add, use and forget keys at the same time.
pub fn many_threads_use_a_vault(open: Open<'_>) {
    let vault = open(&key(1)).unwrap();
    vault.add(&[id("anna")]).unwrap();
    let sealed = vault.seal(&id("anna"), b"", b"text").unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (vault, sealed) = (&vault, &sealed);
            scope.spawn(move || {
                for round in 0..4 {
                    let who = id(&format!("{thread} {round}"));
                    assert_eq!(vault.add(std::slice::from_ref(&who)).unwrap(), 1);
                    let own = vault.seal(&who, b"", b"own").unwrap();
                    assert_eq!(vault.unseal(&id("anna"), b"", sealed).unwrap(), b"text");
                    assert_eq!(vault.unseal(&who, b"", &own).unwrap(), b"own");
                    if round % 2 == 0 {
                        assert_eq!(vault.forget(&[who]).unwrap(), 1);
                    }
                }
            });
        }
    });
    assert_eq!(vault.len(), 1 + 4 * 2);
    drop(vault);
    let vault = open(&key(1)).unwrap();
    assert_eq!(vault.len(), 1 + 4 * 2);
    assert_eq!(vault.unseal(&id("anna"), b"", &sealed).unwrap(), b"text");
}

/// Of two vaults over one storage, one is refused: at its opening, or at its first change after a change of the other one.
pub fn a_second_vault_destroys_no_keys(open: Open<'_>) {
    type Change = fn(&KeyVault) -> Result<()>;
    let changes: [(&str, Change); 4] = [
        ("add", |vault| vault.add(&[id("bert")]).map(drop)),
        ("forget", |vault| vault.forget(&[id("carl")]).map(drop)),
        ("rotate", KeyVault::rotate),
        ("rekey", |vault| vault.rekey(&key(1))),
    ];
    for (first_name, first_change) in changes {
        for (second_name, second_change) in changes {
            let first = open(&key(1)).unwrap();
            first.forget(&[id("bert")]).unwrap();
            first.add(&[id("anna"), id("carl")]).unwrap();
            let sealed = first.seal(&id("anna"), b"", b"text").unwrap();
            let second = match open(&key(1)) {
                Ok(second) => second,
                Err(Error::FileLocked { .. }) => return,
                Err(error) => panic!("{error:?}"),
            };
            first_change(&first).unwrap();
            let people = first.people();
            let of_all: Vec<Vec<u8>> = people
                .iter()
                .map(|who| first.seal(who, b"", b"own").unwrap())
                .collect();
            let refused = second_change(&second).unwrap_err();
            assert!(
                matches!(refused, Error::Store { .. }),
                "{first_name}, {second_name}: {refused:?}"
            );
            // The first vault stays usable.
            assert_eq!(first.add(&[id("dora")]).unwrap(), 1);
            drop((first, second));
            let vault = open(&key(1)).unwrap();
            for (who, sealed) in people.iter().zip(&of_all) {
                assert_eq!(vault.unseal(who, b"", sealed).unwrap(), b"own");
            }
            assert_eq!(vault.unseal(&id("anna"), b"", &sealed).unwrap(), b"text");
            assert_eq!(vault.len(), people.len() + 1);
            vault.forget(&[id("dora")]).unwrap();
        }
    }
}

fn no_key(error: &Error) {
    assert!(matches!(error, Error::Key { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("the vault has no key for this person"),
        "{error}"
    );
}

fn key(byte: u8) -> Protection {
    Protection::Key(GalleryKey::from_bytes([byte; 32]))
}

fn id(id: &str) -> PersonId {
    PersonId::new(id).unwrap()
}

fn template(seed: u32) -> NewTemplate {
    let space = EmbeddingSpace::new("example", Digest::from_bytes([1; 32]), 64);
    let values = (0..64).map(|index| ((index * 7 + seed * 13) % 101) as f32 - 50.0);
    let embedding = Embedding::new(&space, values.collect()).unwrap();
    NewTemplate::new(embedding, 0.5, Timestamp::UNIX_EPOCH)
}
