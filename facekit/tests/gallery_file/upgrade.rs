//! Gallery files of format 1.
//!
//! `fixtures/format-1.gallery` was written by the code of format 1, under `key(7)`: Anna with three templates, of which the
//! first has a crop and the second is of another space; Bert with one; Dora with none. Carl was removed.

use std::{fs, path::Path};

use facekit::{AlignedFace, Error, FileStore, Image, NewTemplate, TemplateStore, Watch};
use tempfile::tempdir;

use crate::{embedding, id, ids, key, person, space, template, templates, time};

const FIXTURE: &[u8] = include_bytes!("fixtures/format-1.gallery");

/// The version of the format in a file's header.
fn version(path: &Path) -> u32 {
    let bytes = fs::read(path).unwrap();
    u32::from_le_bytes(bytes[16..20].try_into().unwrap())
}

fn small_crop(seed: u8) -> AlignedFace {
    let data = (0..4 * 4 * 3).map(|index| (index as u8).wrapping_mul(31) ^ seed);
    AlignedFace::new(Image::from_rgb8(data.collect(), 4, 4).unwrap()).unwrap()
}

/// Checks that a store holds what the fixture holds.
fn check_content(store: &FileStore) {
    let people = [
        person("anna").with_name("Anna Weiß"),
        person("bert"),
        person("dora"),
    ];
    assert_eq!(store.people().unwrap(), people);
    let (large, small) = (space("large", 16), space("small", 3));
    let found = templates(store);
    let expected = [
        (0, "anna", &large, 1),
        (1, "anna", &small, 2),
        (2, "bert", &large, 3),
        (5, "anna", &large, 6),
    ];
    assert_eq!(found.len(), expected.len());
    for (found, (number, who, space, seed)) in found.iter().zip(expected) {
        assert_eq!((found.id.0, &found.person), (number, &id(who)));
        assert_eq!(found.embedding, embedding(space, seed));
        assert_eq!(found.embedding.space().model(), space.model());
        assert_eq!(found.quality, 0.25 * (seed % 5) as f32);
        assert_eq!(found.created, time(1_000_000_000 * i128::from(seed)));
        assert_eq!(found.origin, None);
        assert!(!found.embedding.is_mirrored());
    }
    let anna = store.templates_of(&id("anna")).unwrap();
    let numbers: Vec<u64> = anna.iter().map(|template| template.id.0).collect();
    assert_eq!(numbers, [0, 1, 5]);
    let mut crops = Vec::new();
    store
        .crops(&mut |number, person, crop| {
            crops.push((number.0, person.clone(), crop));
            Ok(())
        })
        .unwrap();
    assert_eq!(crops, [(0, id("anna"), small_crop(1))]);
    assert!(store.check(Watch::new()).unwrap().is_clean());
}

#[test]
fn reading_does_not_upgrade() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("old.gallery");
    fs::write(&path, FIXTURE).unwrap();
    let store = FileStore::open_read_only(&path, &key(7)).unwrap();
    check_content(&store);
    drop(store);
    assert!(fs::read(&path).unwrap() == FIXTURE);
    // Opened for changes, it stays a file of format 1 until the first change. A backup has the same format.
    let store = FileStore::open(&path, &key(7)).unwrap();
    check_content(&store);
    let copy = folder.path().join("copy");
    store.backup(&copy, Watch::new()).unwrap();
    drop(store);
    for path in [path, copy] {
        assert_eq!(version(&path), 1);
        check_content(&FileStore::open(&path, &key(7)).unwrap());
    }
    let error = FileStore::open(folder.path().join("copy"), &key(8)).unwrap_err();
    assert!(matches!(error, Error::Key { .. }), "{error:?}");
}

#[test]
fn each_change_upgrades() {
    let folder = tempdir().unwrap();
    let other = FileStore::create(folder.path().join("other"), &key(1)).unwrap();
    let change = |name: &str, change: &dyn Fn(&FileStore)| {
        let path = folder.path().join(name);
        fs::write(&path, FIXTURE).unwrap();
        let store = FileStore::open(&path, &key(7)).unwrap();
        change(&store);
        assert!(store.check(Watch::new()).unwrap().is_clean());
        drop(store);
        assert_eq!(version(&path), 2, "{name}");
        FileStore::open(&path, &key(7)).unwrap()
    };
    let store = change("put", &|store| {
        let mut new = template(9).with_origin("photo");
        new.embedding = new.embedding.with_mirrored(true);
        store.put(&person("ella"), &[new]).unwrap();
        store.remove(&[id("ella")]).unwrap();
    });
    check_content(&store);
    check_content(&change("rekey", &|store| store.rekey(&key(7)).unwrap()));
    let store = change("import", &|store| {
        store
            .import(&other, &Default::default(), Watch::new())
            .unwrap();
    });
    check_content(&store);
    let store = change("remove", &|store| {
        assert_eq!(store.remove(&[id("anna")]).unwrap(), 1);
    });
    assert_eq!(ids(&store), ["bert", "dora"]);
    assert_eq!(templates(&store).len(), 1);
    let store = change("remove_templates", &|store| {
        let anna = store.templates_of(&id("anna")).unwrap();
        assert_eq!(store.remove_templates(&[anna[1].id]).unwrap(), 1);
    });
    let left: Vec<u64> = templates(&store).iter().map(|one| one.id.0).collect();
    assert_eq!(left, [0, 2, 5]);

    // Numbers of before are not given again.
    let next = store.put(&person("ella"), &[template(1)]).unwrap();
    assert!(next[0].0 > 5);
}

#[test]
fn a_refused_change_does_not_upgrade() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("old.gallery");
    fs::write(&path, FIXTURE).unwrap();
    let store = FileStore::open(&path, &key(7)).unwrap();
    let odd: NewTemplate = template(1).with_origin("");
    assert!(store.put(&person("ella"), &[odd]).is_err());
    drop(store);
    assert_eq!(version(&path), 1);
}

#[test]
fn an_export_and_an_import_of_an_old_gallery_are_of_the_newest_format() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("old.gallery");
    fs::write(&path, FIXTURE).unwrap();
    let store = FileStore::open_read_only(&path, &key(7)).unwrap();
    let (export, new) = (folder.path().join("export"), folder.path().join("new"));
    store.export(None, &export, &key(2), Watch::new()).unwrap();
    let to = FileStore::create(&new, &key(2)).unwrap();
    let report = to
        .import(&store, &Default::default(), Watch::new())
        .unwrap();
    assert_eq!((report.people_added, report.templates_added), (3, 4));
    drop(to);
    for path in [export, new] {
        assert_eq!(version(&path), 2);
        let store = FileStore::open(&path, &key(2)).unwrap();
        assert_eq!(ids(&store), ["anna", "bert", "dora"]);
        assert_eq!(templates(&store).len(), 4);
    }
}
