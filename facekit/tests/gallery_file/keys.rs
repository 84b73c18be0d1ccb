//! Keys: wrong ones, new ones, and key files.

use std::{fs, process::Command};

use facekit::{Error, FileStore, GalleryKey, Protection, ProtectionKind, TemplateStore, Watch};
use tempfile::tempdir;

use crate::{crop, files, ids, key, person, template, templates};

#[test]
fn wrong_keys_are_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    let phrase = |text| Protection::Key(GalleryKey::from_passphrase(text).unwrap());
    let refused = |protection: &Protection, words: &str| {
        let error = FileStore::open(&path, protection).unwrap_err();
        assert!(matches!(error, Error::Key { .. }), "{error:?}");
        let message = error.to_string();
        assert!(
            message.contains("staff.gallery") && message.contains(words),
            "{message}"
        );
    };
    let create = |protection: &Protection| {
        let _ = fs::remove_file(&path);
        let store = FileStore::create(&path, protection).unwrap();
        store.put(&person("anna"), &[template(1)]).unwrap();
        store.protection()
    };

    assert_eq!(create(&key(1)), ProtectionKind::Key);
    assert_eq!(
        FileStore::protection_kind(&path).unwrap(),
        ProtectionKind::Key
    );
    refused(&key(2), "the key does not open it");
    refused(&Protection::None, "no key was given");
    refused(&phrase("x"), "a passphrase was given");
    assert_eq!(ids(&FileStore::open(&path, &key(1)).unwrap()), ["anna"]);

    assert_eq!(create(&Protection::None), ProtectionKind::None);
    assert_eq!(
        FileStore::protection_kind(&path).unwrap(),
        ProtectionKind::None
    );
    refused(&key(1), "not protected");
    refused(&phrase("x"), "not protected");
    assert_eq!(
        ids(&FileStore::open(&path, &Protection::None).unwrap()),
        ["anna"]
    );

    assert_eq!(create(&phrase("open sesame")), ProtectionKind::Passphrase);
    assert_eq!(
        FileStore::protection_kind(&path).unwrap(),
        ProtectionKind::Passphrase
    );
    refused(&phrase("open sesame "), "the key does not open it");
    refused(&key(1), "a key was given");
    refused(&Protection::None, "no key was given");
    assert_eq!(
        ids(&FileStore::open(&path, &phrase("open sesame")).unwrap()),
        ["anna"]
    );
}

/// The other process of [`a_key_file_that_cannot_be_written_leaves_nothing`].
#[test]
fn write_a_key() {
    if let Some(path) = std::env::var_os("FACEKIT_TEST_KEY_FILE") {
        match GalleryKey::from_bytes([1; 32]).write_new_file(path) {
            Ok(()) => println!("wrote the key"),
            Err(error) => println!("{error}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_that_cannot_be_written_leaves_nothing() {
    let folder = tempdir().unwrap();
    let write = |first: &str| {
        let script = format!("{first}; exec \"$0\" --exact keys::write_a_key --nocapture");
        let output = Command::new("sh")
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap())
            .env("FACEKIT_TEST_KEY_FILE", folder.path().join("staff.key"))
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // With this limit, every write to a file fails.
    let failed = write("trap '' XFSZ; ulimit -f 0");
    assert!(failed.contains("staff.key: creating failed"), "{failed}");
    assert!(files(&folder).is_empty());
    let retried = write("true");
    assert!(retried.contains("wrote the key"), "{retried}");
    assert_eq!(files(&folder), ["staff.key"]);
}

#[test]
fn a_new_key_replaces_the_old_one() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    let store = FileStore::create(&path, &key(1)).unwrap();
    store
        .put(&person("anna"), &[template(1).with_crop(crop(1))])
        .unwrap();
    store.rekey(&key(2)).unwrap();
    store.put(&person("bert"), &[template(2)]).unwrap();
    drop(store);
    let error = FileStore::open(&path, &key(1)).unwrap_err();
    assert!(matches!(error, Error::Key { .. }));
    let store = FileStore::open(&path, &key(2)).unwrap();
    assert_eq!(ids(&store), ["anna", "bert"]);
    store.rekey(&Protection::None).unwrap();
    assert_eq!(store.protection(), ProtectionKind::None);
    let phrase = Protection::Key(GalleryKey::from_passphrase("open sesame").unwrap());
    store.rekey(&phrase).unwrap();
    drop(store);
    assert!(FileStore::open(&path, &Protection::None).is_err());
    let store = FileStore::open(&path, &phrase).unwrap();
    assert_eq!(templates(&store).len(), 2);
    assert!(store.check(Watch::new()).unwrap().is_clean());
}
