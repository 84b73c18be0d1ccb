//! The gallery file as its users see it.
#![cfg(feature = "store")]

use std::{
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use facekit::{
    AlignedFace, CancellationToken, Digest, Embedding, EmbeddingSpace, Error, FileStore,
    GalleryKey, Image, ImportOptions, NewTemplate, OnConflict, Person, PersonId, Protection,
    ProtectionKind, Template, TemplateStore, Watch,
};
use jiff::Timestamp;
use tempfile::{TempDir, tempdir};

fn key(byte: u8) -> Protection {
    Protection::Key(GalleryKey::from_bytes([byte; 32]))
}

fn id(id: &str) -> PersonId {
    PersonId::new(id).unwrap()
}

fn time(nanosecond: i128) -> Timestamp {
    Timestamp::from_nanosecond(nanosecond).unwrap()
}

fn person(name: &str) -> Person {
    Person::new(id(name), time(1_700_000_000_123_456_789))
}

fn space(model: &str, dimension: usize) -> EmbeddingSpace {
    EmbeddingSpace::new(model, Digest::of(model), dimension)
}

fn embedding(space: &EmbeddingSpace, seed: u64) -> Embedding {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let values = (0..space.dimension()).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    });
    Embedding::new(space, values.collect()).unwrap()
}

fn template(seed: u64) -> NewTemplate {
    NewTemplate::new(embedding(&space("large", 512), seed), 0.75, time(42))
}

fn crop(seed: u8) -> AlignedFace {
    let data = (0..112 * 112 * 3).map(|at| (at as u8).wrapping_mul(31) ^ seed);
    AlignedFace::new(Image::from_rgb8(data.collect(), 112, 112).unwrap()).unwrap()
}

fn templates(store: &FileStore) -> Vec<Template> {
    let mut all = Vec::new();
    store
        .templates(&mut |template| {
            all.push(template);
            Ok(())
        })
        .unwrap();
    all
}

fn ids(store: &FileStore) -> Vec<String> {
    let people = store.people().unwrap();
    people.iter().map(|person| person.id.to_string()).collect()
}

fn files(folder: &TempDir) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}

#[test]
fn everything_comes_back() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    let store = FileStore::create(&path, &key(1)).unwrap();
    let (large, small) = (space("large", 512), space("small", 3));
    let anna = person("anna").with_name("Anna Weiß");
    let given = [
        NewTemplate::new(embedding(&large, 1), 0.25, time(-1)).with_crop(crop(1)),
        NewTemplate::new(embedding(&small, 2), 1.0, Timestamp::MAX),
        NewTemplate::new(embedding(&large, 3), 0.0, Timestamp::MIN),
    ];
    let numbers = store.put(&anna, &given).unwrap();
    store.put(&person("bert"), &[template(4)]).unwrap();
    store.put(&person("carl"), &[]).unwrap();
    let bert = person("bert").with_name("Bertram");
    let later = store.put(&bert, &[template(5)]).unwrap();
    assert_eq!(
        store
            .remove(&[id("carl"), id("nobody"), id("carl")])
            .unwrap(),
        1
    );
    assert_eq!(store.remove(&[id("carl")]).unwrap(), 0);

    let check = |store: &FileStore| {
        assert_eq!(store.people().unwrap(), [anna.clone(), bert.clone()]);
        let found = templates(store);
        assert_eq!(found.len(), 5);
        for ((template, given), &number) in found.iter().zip(&given).zip(&numbers) {
            assert_eq!(template.id, number);
            assert_eq!(template.person, anna.id);
            assert_eq!(template.created, given.created);
            assert_eq!(template.quality.to_bits(), given.quality.to_bits());
            assert_eq!(
                template.embedding.space().model(),
                given.embedding.space().model()
            );
            // Bit by bit.
            assert_eq!(template.embedding, given.embedding);
        }
        assert_eq!(found[4].id, later[0]);
        let mut crops = Vec::new();
        store
            .crops(&mut |number, person, crop| {
                crops.push((number, person.clone(), crop));
                Ok(())
            })
            .unwrap();
        assert_eq!(crops, [(numbers[0], id("anna"), crop(1))]);
        let report = store.check(Watch::new()).unwrap();
        assert!(report.is_clean(), "{report:?}");
        assert_eq!((report.people, report.crops), (2, 1));
        assert_eq!(report.templates, [(large.clone(), 4), (small.clone(), 1)]);
    };
    check(&store);
    drop(store);
    let store = FileStore::open(&path, &key(1)).unwrap();
    check(&store);
    store.remove(&[id("bert")]).unwrap();
    drop(store);
    let store = FileStore::open_or_create(&path, &key(1)).unwrap();
    let next = store.put(&person("dora"), &[template(6)]).unwrap();
    assert!(next[0] > later[0], "a number was given twice");
    assert_eq!(store.path(), path);
}

#[test]
fn unit_vectors_of_every_dimension_come_back_bit_by_bit() {
    let folder = tempdir().unwrap();
    let store = FileStore::create(folder.path().join("g"), &Protection::None).unwrap();
    let given: Vec<_> = (0..400)
        .map(|seed| {
            let space = space("any", 1 + seed as usize % 40);
            NewTemplate::new(embedding(&space, seed), 0.5, time(0))
        })
        .collect();
    store.put(&person("anna"), &given).unwrap();
    for (found, given) in templates(&store).iter().zip(&given) {
        let bits = |embedding: &Embedding| -> Vec<_> {
            embedding.values().iter().map(|v| v.to_bits()).collect()
        };
        assert_eq!(bits(&found.embedding), bits(&given.embedding));
    }
}

/// Whether any 16 bytes of `secret` stand together in a file of `folder`.
fn reveals(folder: &Path, secret: &[u8]) -> bool {
    let length = secret.len().min(16);
    let windows: std::collections::HashSet<&[u8]> = secret.windows(length).collect();
    fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(length).any(|window| windows.contains(window))
    })
}

#[test]
fn nothing_stands_in_clear() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    let (person, face) = (
        person("anna.weiss@example.org").with_name("Annelise Weiss"),
        crop(9),
    );
    let template = template(1).with_crop(face.clone());
    let values = template.embedding.values().to_vec();
    let floats: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let halves: Vec<u8> = values
        .iter()
        .flat_map(|&value| half(value).to_le_bytes())
        .collect();
    let bytes: Vec<u8> = values
        .iter()
        .map(|value| (value * 127.0).round() as i8 as u8)
        .collect();
    let id = person.id.as_str().as_bytes();
    let name = person.name.as_deref().unwrap().as_bytes();
    let model = template.embedding.space().fingerprint().as_bytes();
    let secrets = [
        &floats,
        &halves,
        &bytes,
        id,
        name,
        model,
        face.image().data(),
    ];

    // The search finds what is there.
    for secret in secrets {
        fs::write(folder.path().join("control"), secret).unwrap();
        assert!(reveals(folder.path(), secret));
        fs::remove_file(folder.path().join("control")).unwrap();
    }
    for protection in [key(1), Protection::None] {
        let store = FileStore::create(&path, &protection).unwrap();
        store.put(&person, std::slice::from_ref(&template)).unwrap();
        store.put(&person, std::slice::from_ref(&template)).unwrap();
        let hidden = || secrets.iter().all(|secret| !reveals(folder.path(), secret));
        assert!(hidden());
        store
            .backup(folder.path().join("backup"), Watch::new())
            .unwrap();
        assert!(hidden());
        store.remove(std::slice::from_ref(&person.id)).unwrap();
        assert!(hidden());
        drop(store);
        assert!(hidden());
        fs::remove_file(&path).unwrap();
        fs::remove_file(folder.path().join("backup")).unwrap();
    }
}

/// IEEE half precision, for the magnitudes that occur in unit vectors, rounded to nearest.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let exponent = (bits >> 23 & 0xFF) as i32 - 112;
    if exponent <= 0 {
        return sign;
    }
    sign | ((exponent as u32) << 10 | bits >> 13 & 0x3FF).wrapping_add(bits >> 12 & 1) as u16
}

#[test]
fn a_gallery_is_open_once() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    let store = FileStore::create(&path, &key(1)).unwrap();
    let locked = |error| matches!(error, Error::GalleryLocked { path: named } if named == path);
    assert!(locked(FileStore::open(&path, &key(1)).unwrap_err()));
    assert!(locked(
        FileStore::open_or_create(&path, &key(1)).unwrap_err()
    ));
    // One can still ask which key to bring.
    assert_eq!(
        FileStore::protection_kind(&path).unwrap(),
        ProtectionKind::Key
    );

    let other = |key: &str, expected: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "another_process", "--nocapture"])
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
    other(&hex, "opened well");
    let store = FileStore::open(&path, &key(1)).unwrap();

    // What is not 64 digits is a passphrase.
    let phrase = GalleryKey::from_passphrase("01").unwrap();
    store.rekey(&Protection::Key(phrase)).unwrap();
    drop(store);
    other("01", "opened well");
    other(&hex, "protected by a passphrase, and a key was given");
    other("", "FACEKIT_TEST_KEY: is empty");
}

/// Run by [`a_gallery_is_open_once`].
#[test]
fn another_process() {
    let Some(path) = std::env::var_os("FACEKIT_TEST_GALLERY") else {
        return;
    };
    let key = GalleryKey::from_env("FACEKIT_TEST_KEY");
    match key.and_then(|key| FileStore::open(path, &Protection::Key(key))) {
        Ok(_) => println!("opened well"),
        Err(error) => println!("{error}"),
    }
}

/// A process that is being started holds what this one has open, with its locks, until it runs its program.
#[test]
fn a_closed_gallery_is_free_whoever_starts_processes() {
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
    assert!(matches!(read(), Err(Error::GalleryLocked { .. })));
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
        assert!(matches!(writer, Err(Error::GalleryLocked { .. })));
    }
    drop(other);
    assert!(fs::read(&path).unwrap() == before);
    assert_eq!(files(&folder), ["copy", "staff.gallery"]);
    let copy = FileStore::open(folder.path().join("copy"), &key(1)).unwrap();
    assert_eq!(ids(&copy), ["anna"]);
}

#[test]
fn keys_that_do_not_fit() {
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

#[test]
fn files_that_are_no_galleries() {
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
            let named =
                matches!(&error, Error::GalleryDamaged { path: named, .. } if *named == path);
            assert!(named, "{error:?}");
        }
        // Whatever it is, it is left alone.
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

/// Writes the key file that [`a_key_that_cannot_be_written`] asks for.
#[test]
fn write_a_key() {
    if let Some(path) = std::env::var_os("FACEKIT_TEST_KEY_FILE") {
        match GalleryKey::from_bytes([1; 32]).write_new_file(path) {
            Ok(()) => println!("written well"),
            Err(error) => println!("{error}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_cannot_be_written() {
    let folder = tempdir().unwrap();
    let write = |first: &str| {
        let script = format!("{first}; exec \"$0\" --exact write_a_key --nocapture");
        let output = Command::new("sh")
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap())
            .env("FACEKIT_TEST_KEY_FILE", folder.path().join("staff.key"))
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // No file may grow.
    let failed = write("trap '' XFSZ; ulimit -f 0");
    assert!(failed.contains("staff.key: creating failed"), "{failed}");
    assert!(files(&folder).is_empty());
    let retried = write("true");
    assert!(retried.contains("written well"), "{retried}");
    assert_eq!(files(&folder), ["staff.key"]);
}

#[test]
fn creation_leaves_nothing_half_done() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    // What a crash left behind is cleared away.
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

    // Opening does so, too, in whichever step the crash came,
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
    // but takes nothing from somebody who is at work.
    fs::write(&partial, "half").unwrap();
    let at_work = fs::File::open(&partial).unwrap();
    at_work.lock().unwrap();
    drop(open().unwrap());
    assert_eq!(files(&folder).len(), 2);
    drop(at_work);

    // Backups and exports are new galleries.
    let store = open().unwrap();
    for (at, copy) in ["one", "other"].into_iter().enumerate() {
        fs::write(
            folder
                .path()
                .join(format!(".{copy}.0123456789abcdef.partial")),
            "half",
        )
        .unwrap();
        let to = folder.path().join(copy);
        match at {
            0 => store.backup(to, Watch::new()).unwrap(),
            _ => store.export(None, to, &key(1), Watch::new()).unwrap(),
        }
    }
    assert_eq!(files(&folder), ["one", "other", "staff.gallery"]);
}

#[test]
fn many_create_one_gallery_at_once_and_nothing_is_lost() {
    for _ in 0..40 {
        let folder = tempdir().unwrap();
        let path = folder.path().join("staff.gallery");
        let enrol = |at: usize| loop {
            match FileStore::open_or_create(&path, &Protection::None) {
                Ok(store) => {
                    let person = PersonId::new(format!("person {at}")).unwrap();
                    store
                        .put(&Person::new(person, Timestamp::UNIX_EPOCH), &[])
                        .unwrap();
                    return;
                }
                Err(Error::GalleryLocked { .. }) => thread::yield_now(),
                Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
            }
        };
        thread::scope(|scope| {
            (0..4).for_each(|at| {
                scope.spawn(move || enrol(at));
            });
        });
        let store = FileStore::open(&path, &Protection::None).unwrap();
        assert_eq!(store.people().unwrap().len(), 4);
        assert_eq!(files(&folder), ["staff.gallery"]);
    }
}

#[test]
fn names_have_a_limit() {
    let folder = tempdir().unwrap();
    let store = FileStore::create(folder.path().join("staff"), &key(1)).unwrap();
    let longest = person("anna").with_name("x".repeat(1024));
    store.put(&longest, &[]).unwrap();
    let longer = person("anna").with_name("x".repeat(1025));
    let error = store.put(&longer, &[template(1)]).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
    let expected = "the name of anna is 1025 bytes long, the limit is 1024";
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(store.people().unwrap(), [longest]);
    assert!(templates(&store).is_empty());
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

#[test]
fn backups() {
    let folder = tempdir().unwrap();
    let copy = folder.path().join("copy");
    let store = FileStore::create(folder.path().join("staff"), &key(1)).unwrap();
    for (at, who) in ["anna", "bert", "carl"].into_iter().enumerate() {
        let template = template(at as u64).with_crop(crop(at as u8));
        store.put(&person(who), &[template]).unwrap();
    }
    store.remove(&[id("bert")]).unwrap();

    // Stopped at any point, it leaves nothing.
    for steps in 0..6 {
        let token = CancellationToken::new();
        let stop = |progress: facekit::Progress| {
            assert_eq!(progress.total, Some(6));
            if progress.done > steps {
                token.cancel();
            }
        };
        let watch = Watch::new().with_cancellation(&token).with_progress(&stop);
        assert!(store.backup(&copy, watch).unwrap_err().is_cancelled());
        assert_eq!(files(&folder), ["staff"]);
    }

    // The store stays in use while it is copied; the copy is of the moment.
    let put_meanwhile = |progress: facekit::Progress| {
        if progress.done == 1 {
            store.put(&person("dora"), &[template(9)]).unwrap();
            store.remove(&[id("anna")]).unwrap();
        }
    };
    store
        .backup(&copy, Watch::new().with_progress(&put_meanwhile))
        .unwrap();
    assert_eq!(ids(&store), ["carl", "dora"]);
    assert_eq!(files(&folder), ["copy", "staff"]);
    assert!(FileStore::open(&copy, &key(2)).is_err());
    let backup = FileStore::open(&copy, &key(1)).unwrap();
    assert_eq!(ids(&backup), ["anna", "carl"]);
    assert_eq!(templates(&backup)[1].id, templates(&store)[0].id);
    let report = backup.check(Watch::new()).unwrap();
    assert!(report.is_clean());
    assert_eq!((report.people, report.crops), (2, 2));
    let last = templates(&backup)[1].id;
    assert!(backup.put(&person("emil"), &[template(5)]).unwrap()[0] > last);
    assert_eq!(backup.remove(&[id("anna")]).unwrap(), 1);
    drop(backup);

    // Nothing is overwritten.
    let before = fs::read(&copy).unwrap();
    let error = store.backup(&copy, Watch::new()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_eq!(fs::read(&copy).unwrap(), before);
    assert_eq!(files(&folder), ["copy", "staff"]);
}

#[test]
fn exports() {
    let folder = tempdir().unwrap();
    let store = FileStore::create(folder.path().join("staff"), &key(1)).unwrap();
    for (at, who) in ["anna", "bert", "carl"].into_iter().enumerate() {
        let template = template(at as u64).with_crop(crop(at as u8));
        store.put(&person(who).with_name("N"), &[template]).unwrap();
    }
    let some = folder.path().join("some");
    let chosen = [id("carl"), id("anna"), id("carl")];
    store
        .export(Some(&chosen), &some, &key(2), Watch::new())
        .unwrap();
    assert!(FileStore::open(&some, &key(1)).is_err());
    let export = FileStore::open(&some, &key(2)).unwrap();
    assert_eq!(ids(&export), ["anna", "carl"]);
    assert_eq!(export.people().unwrap()[0], person("anna").with_name("N"));
    assert_eq!(templates(&export)[1].embedding, template(2).embedding);
    assert_eq!(export.check(Watch::new()).unwrap().crops, 2);

    let all = folder.path().join("all");
    store
        .export(None, &all, &Protection::None, Watch::new())
        .unwrap();
    assert_eq!(
        ids(&FileStore::open(&all, &Protection::None).unwrap()),
        ["anna", "bert", "carl"]
    );

    let none = folder.path().join("none");
    let unknown = [id("anna"), id("zoe")];
    let error = store
        .export(Some(&unknown), &none, &key(2), Watch::new())
        .unwrap_err();
    assert_eq!(error.to_string(), "person zoe: not in the gallery");
    let token = CancellationToken::new();
    token.cancel();
    let watch = Watch::new().with_cancellation(&token);
    assert!(
        store
            .export(None, &none, &key(2), watch)
            .unwrap_err()
            .is_cancelled()
    );
    assert_eq!(files(&folder), ["all", "some", "staff"]);
}

#[test]
fn imports() {
    let options = ImportOptions::default();
    let folder = tempdir().unwrap();
    let ours = FileStore::create(folder.path().join("ours"), &key(1)).unwrap();
    let theirs = FileStore::create(folder.path().join("theirs"), &key(2)).unwrap();
    ours.put(
        &person("anna").with_name("Ours"),
        &[template(1), template(2)],
    )
    .unwrap();
    theirs
        .put(&person("anna"), &[template(2), template(3)])
        .unwrap();
    theirs
        .put(
            &person("bert"),
            &[template(4).with_crop(crop(4)), template(4)],
        )
        .unwrap();

    let token = CancellationToken::new();
    token.cancel();
    let watch = Watch::new().with_cancellation(&token);
    assert!(
        ours.import(&theirs, &options, watch)
            .unwrap_err()
            .is_cancelled()
    );
    assert_eq!((ids(&ours).len(), templates(&ours).len()), (1, 2));

    let report = ours.import(&theirs, &options, Watch::new()).unwrap();
    assert_eq!((report.people_added, report.people_known), (1, 1));
    assert_eq!((report.templates_added, report.templates_known), (3, 1));
    assert_eq!(ids(&ours), ["anna", "bert"]);
    assert_eq!(ours.people().unwrap()[0].name.as_deref(), Some("Ours"));
    // Of who is new, equal templates come as often as they are there.
    assert_eq!(templates(&ours).len(), 5);
    assert!(report.conflicts.is_empty());
    for again in [&theirs, &ours] {
        let report = ours.import(again, &options, Watch::new()).unwrap();
        assert_eq!((report.people_added, report.templates_added), (0, 0));
    }
    let report = ours.check(Watch::new()).unwrap();
    assert!(report.is_clean());
    assert_eq!(report.crops, 1);
    // What was imported belongs to the gallery like the rest.
    assert_eq!(ours.remove(&[id("bert")]).unwrap(), 1);
    assert_eq!(templates(&ours).len(), 3);
}

/// A template that is at `cosine` to the one along the first axis.
fn at_cosine(cosine: f32) -> NewTemplate {
    let mut values = vec![0.0; 512];
    (values[0], values[1]) = (cosine, (1.0 - cosine * cosine).sqrt());
    let embedding = Embedding::new(&space("large", 512), values).unwrap();
    NewTemplate::new(embedding, 0.75, time(42))
}

#[test]
fn imports_do_not_mix_up_people() {
    let folder = tempdir().unwrap();
    let theirs = FileStore::create(folder.path().join("theirs"), &key(2)).unwrap();
    let other_space = NewTemplate::new(embedding(&space("small", 512), 1), 0.5, time(0));
    for (who, name, template) in [
        ("alike", Some("A"), at_cosine(0.6)),
        ("unnamed", None, at_cosine(0.6)),
        ("unlike", None, at_cosine(0.3)),
        ("other name", Some("Other"), at_cosine(1.0)),
        ("other space", Some("A"), other_space),
        ("nothing of ours", Some("A"), at_cosine(1.0)),
        ("new", Some("Other"), at_cosine(0.1)),
    ] {
        let mut person = person(who);
        person.name = name.map(str::to_owned);
        theirs.put(&person, &[template]).unwrap();
    }
    theirs.put(&person("nothing of theirs"), &[]).unwrap();
    let ours = |name: &str| {
        let ours = FileStore::create(folder.path().join(name), &key(1)).unwrap();
        let both = ["alike", "unnamed", "unlike", "other name", "other space"];
        for who in both.into_iter().chain(["nothing of theirs"]) {
            let person = person(who).with_name("A");
            ours.put(&person, &[at_cosine(1.0)]).unwrap();
        }
        ours.put(&person("nothing of ours"), &[]).unwrap();
        ours
    };

    let store = ours("skip");
    let options = ImportOptions::default().with_resemblance(0.5);
    let report = store.import(&theirs, &options, Watch::new()).unwrap();
    assert_eq!((report.people_added, report.people_known), (1, 3));
    assert_eq!((report.templates_added, report.templates_known), (3, 0));
    let conflicts: Vec<_> = report
        .conflicts
        .iter()
        .map(|one| (one.id.as_str(), one.similarity.map(|s| (s * 10.0).round())))
        .collect();
    let expected = [
        ("unlike", Some(3.0)),
        ("other name", Some(10.0)),
        ("other space", None),
        ("nothing of ours", None),
    ];
    assert_eq!(conflicts, expected);
    assert_eq!(report.conflicts[1].our_name.as_deref(), Some("A"));
    assert_eq!(report.conflicts[1].their_name.as_deref(), Some("Other"));
    assert_eq!(templates(&store).len(), 6 + 3);

    // Without a score nothing but the same template vouches for a person; what came before does.
    let store_again = ours("none");
    let report = store_again
        .import(&theirs, &ImportOptions::default(), Watch::new())
        .unwrap();
    assert_eq!((report.conflicts.len(), report.templates_added), (6, 1));
    let report = store
        .import(&theirs, &ImportOptions::default(), Watch::new())
        .unwrap();
    assert_eq!((report.conflicts.len(), report.templates_known), (4, 3));

    let store = ours("merge");
    let options = options.with_on_conflict(OnConflict::Merge);
    let report = store.import(&theirs, &options, Watch::new()).unwrap();
    assert_eq!(report.conflicts.len(), 4);
    assert_eq!((report.people_added, report.people_known), (1, 7));
    assert_eq!((report.templates_added, report.templates_known), (6, 1));
    assert_eq!(store.people().unwrap()[3].name.as_deref(), Some("A"));
}

#[test]
fn many_threads_and_visits_at_once() {
    let folder = tempdir().unwrap();
    let store = FileStore::create(folder.path().join("staff"), &key(1)).unwrap();
    store.put(&person("first"), &[template(1)]).unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..5 {
                    let who = format!("{thread} {round}");
                    store.put(&person(&who), &[template(thread)]).unwrap();
                    assert!(store.check(Watch::new()).unwrap().is_clean());
                    assert!(templates(store).len() > round);
                    if round % 2 == 0 {
                        store.remove(&[id(&who)]).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(ids(&store).len(), 1 + 4 * 2);
    // A visit sees one moment, and the store can be changed from it.
    let mut seen = 0;
    store
        .templates(&mut |template| {
            seen += 1;
            store.remove(&[template.person]).map(drop)
        })
        .unwrap();
    assert_eq!(seen, 9);
    assert!(ids(&store).is_empty());
}
