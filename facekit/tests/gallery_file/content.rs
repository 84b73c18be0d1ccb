//! All content is read back unchanged, also with many threads.

use std::thread;

use facekit::{Embedding, Error, FileStore, NewTemplate, Protection, TemplateStore, Watch};
use jiff::Timestamp;
use tempfile::tempdir;

use crate::{crop, embedding, id, ids, key, person, space, template, templates, time};

#[test]
fn all_content_is_read_back() {
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
            // Equal bit by bit.
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
    assert!(next[0] > later[0], "an id was given twice");
    assert_eq!(store.path(), path);
}

#[test]
fn vectors_of_every_dimension_are_read_back_bit_by_bit() {
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

#[test]
fn the_length_of_names_is_limited() {
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
fn many_threads_use_a_store_at_once() {
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
    // A visit sees the store at one moment, and the visitor can change the store.
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
