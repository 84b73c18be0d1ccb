//! New files, unfinished files, and files that are not galleries.

use std::{fs, thread};

use facekit::{Error, FileStore, Person, PersonId, Protection, TemplateStore, Watch};
use jiff::Timestamp;
use tempfile::tempdir;

use crate::{files, key};

#[test]
fn files_that_are_no_galleries_are_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    for bytes in [
        b"".to_vec(),
        b"hello\n".to_vec(),
        b"facekit gallery\n".to_vec(),
        b"Dear all, this is a text about galleries. ".repeat(1000),
        vec![0; 100_000],
    ] {
        fs::write(&path, &bytes).unwrap();
        for error in [
            FileStore::open(&path, &key(1)).unwrap_err(),
            FileStore::open_or_create(&path, &key(1)).unwrap_err(),
            FileStore::protection_kind(&path).unwrap_err(),
        ] {
            let named = matches!(&error, Error::FileDamaged { path: named, .. } if *named == path);
            assert!(named, "{error:?}");
        }
        // The file is not changed.
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    let missing = folder.path().join("no folder").join("staff.gallery");
    for error in [
        FileStore::open(folder.path(), &key(1)).unwrap_err(),
        FileStore::create(folder.path(), &key(1)).unwrap_err(),
        FileStore::create("..", &key(1)).unwrap_err(),
        FileStore::open(&missing, &key(1)).unwrap_err(),
        FileStore::create(&missing, &key(1)).unwrap_err(),
        FileStore::open_or_create(&missing, &key(1)).unwrap_err(),
        FileStore::create(&path, &key(1)).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
    }
    assert_eq!(files(&folder), ["staff.gallery"]);
}

#[test]
fn unfinished_files_are_removed() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    // Creating a gallery removes the unfinished file of a crash.
    fs::write(
        folder
            .path()
            .join(".staff.gallery.0123456789abcdef.partial"),
        "half",
    )
    .unwrap();
    let store = FileStore::open_or_create(&path, &key(1)).unwrap();
    assert_eq!(files(&folder), ["staff.gallery"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    drop(store);

    // Opening does so too, whichever step the crash interrupted.
    let partial = folder
        .path()
        .join(".staff.gallery.0123456789abcdef.partial");
    let open = || FileStore::open(&path, &key(1));
    fs::write(&partial, "half").unwrap();
    drop(open().unwrap());
    assert_eq!(files(&folder), ["staff.gallery"]);
    fs::hard_link(&path, &partial).unwrap();
    drop(FileStore::open_read_only(&path, &key(1)).unwrap());
    assert_eq!(files(&folder).len(), 2);
    let store = open().unwrap();
    assert_eq!(files(&folder), ["staff.gallery"]);
    drop(store);
    // A file that is being written is not removed.
    fs::write(&partial, "half").unwrap();
    let being_written = fs::File::open(&partial).unwrap();
    being_written.lock().unwrap();
    drop(open().unwrap());
    assert_eq!(files(&folder).len(), 2);
    drop(being_written);

    // Backups and exports do the same.
    let store = open().unwrap();
    for copy in ["backup", "export"] {
        fs::write(
            folder
                .path()
                .join(format!(".{copy}.0123456789abcdef.partial")),
            "half",
        )
        .unwrap();
        let to = folder.path().join(copy);
        match copy {
            "backup" => store.backup(to, Watch::new()).unwrap(),
            _ => store.export(None, to, &key(1), Watch::new()).unwrap(),
        }
    }
    assert_eq!(files(&folder), ["backup", "export", "staff.gallery"]);
}

#[test]
fn simultaneous_creations_lose_nothing() {
    for _ in 0..40 {
        let folder = tempdir().unwrap();
        let path = folder.path().join("staff.gallery");
        let enroll = |number: usize| loop {
            match FileStore::open_or_create(&path, &Protection::None) {
                Ok(store) => {
                    let person = PersonId::new(format!("person {number}")).unwrap();
                    store
                        .put(&Person::new(person, Timestamp::UNIX_EPOCH), &[])
                        .unwrap();
                    return;
                }
                Err(Error::FileLocked { .. }) => thread::yield_now(),
                Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
            }
        };
        thread::scope(|scope| {
            (0..4).for_each(|number| {
                scope.spawn(move || enroll(number));
            });
        });
        let store = FileStore::open(&path, &Protection::None).unwrap();
        assert_eq!(store.people().unwrap().len(), 4);
        assert_eq!(files(&folder), ["staff.gallery"]);
    }
}
