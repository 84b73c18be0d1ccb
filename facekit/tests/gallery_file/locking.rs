//! Locks: a file has one writer or many readers.

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use facekit::{Error, FileStore, GalleryKey, Protection, ProtectionKind, TemplateStore, Watch};
use tempfile::tempdir;

use crate::{files, ids, key, person, template};

#[test]
fn a_gallery_has_one_writer() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    let store = FileStore::create(&path, &key(1)).unwrap();
    let locked = |error| matches!(error, Error::FileLocked { path: named } if named == path);
    assert!(locked(FileStore::open(&path, &key(1)).unwrap_err()));
    assert!(locked(
        FileStore::open_or_create(&path, &key(1)).unwrap_err()
    ));
    // The kind of protection can be read while the gallery is open.
    assert_eq!(
        FileStore::protection_kind(&path).unwrap(),
        ProtectionKind::Key
    );

    let other = |key: &str, expected: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "locking::another_process", "--nocapture"])
            .env("FACEKIT_TEST_GALLERY", &path)
            .env("FACEKIT_TEST_KEY", key)
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.contains(expected), "{output}");
    };
    let hex = "01".repeat(32);
    other(&hex, "already open, here or in another process");
    drop(store);
    other(&hex, "opened the gallery");
    let store = FileStore::open(&path, &key(1)).unwrap();

    // A text that is not 64 digits is a passphrase.
    let phrase = GalleryKey::from_passphrase("01").unwrap();
    store.rekey(&Protection::Key(phrase)).unwrap();
    drop(store);
    other("01", "opened the gallery");
    other(&hex, "protected by a passphrase, and a key was given");
    other("", "FACEKIT_TEST_KEY: is empty");
}

/// The other process of [`a_gallery_has_one_writer`].
#[test]
fn another_process() {
    let Some(path) = std::env::var_os("FACEKIT_TEST_GALLERY") else {
        return;
    };
    let key = GalleryKey::from_env("FACEKIT_TEST_KEY");
    match key.and_then(|key| FileStore::open(path, &Protection::Key(key))) {
        Ok(_) => println!("opened the gallery"),
        Err(error) => println!("{error}"),
    }
}

/// A new process holds the open files of its parent, with their locks, until it runs its program.
#[test]
fn closing_releases_the_lock_while_processes_start() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    drop(FileStore::create(&path, &Protection::None).unwrap());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let program = std::env::current_exe().unwrap();
                Command::new(program).arg("--version").output().unwrap();
            }
        });
        let opened = (0..500).try_for_each(|_| {
            drop(FileStore::open(&path, &Protection::None)?);
            drop(FileStore::open_read_only(&path, &Protection::None)?);
            Ok::<_, Error>(())
        });
        done.store(true, Ordering::Relaxed);
        opened.unwrap();
    });
}

#[test]
fn readers_share_a_gallery() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    let store = FileStore::create(&path, &key(1)).unwrap();
    store.put(&person("anna"), &[template(1)]).unwrap();
    let read = || FileStore::open_read_only(&path, &key(1));
    assert!(matches!(read(), Err(Error::FileLocked { .. })));
    drop(store);

    let before = fs::read(&path).unwrap();
    let mut permissions = path.metadata().unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let (one, other) = (read().unwrap(), read().unwrap());
    for store in [&one, &other] {
        assert_eq!(ids(store), ["anna"]);
        assert!(store.check(Watch::new()).unwrap().is_clean());
        assert_eq!(store.protection(), ProtectionKind::Key);
    }
    let error = FileStore::open_read_only(&path, &key(2)).unwrap_err();
    assert!(matches!(error, Error::Key { .. }));
    one.backup(folder.path().join("copy"), Watch::new())
        .unwrap();
    drop(one);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let writer = FileStore::open(&path, &key(1));
        assert!(matches!(writer, Err(Error::FileLocked { .. })));
    }
    drop(other);
    assert!(fs::read(&path).unwrap() == before);
    assert_eq!(files(&folder), ["copy", "staff.gallery"]);
    let copy = FileStore::open(folder.path().join("copy"), &key(1)).unwrap();
    assert_eq!(ids(&copy), ["anna"]);
}
