//! Backups and exports.

use std::fs;

use facekit::{CancellationToken, Error, FileStore, Progress, Protection, TemplateStore, Watch};
use tempfile::tempdir;

use crate::{crop, files, id, ids, key, person, template, templates};

#[test]
fn a_backup_is_a_copy_of_one_moment() {
    let folder = tempdir().unwrap();
    let copy = folder.path().join("copy");
    let store = FileStore::create(folder.path().join("staff"), &key(1)).unwrap();
    for (index, who) in ["anna", "bert", "carl"].into_iter().enumerate() {
        let template = template(index as u64).with_crop(crop(index as u8));
        store.put(&person(who), &[template]).unwrap();
    }
    store.remove(&[id("bert")]).unwrap();

    // A backup that is stopped at any point leaves no file.
    for steps in 0..6 {
        let token = CancellationToken::new();
        let stop = |progress: Progress| {
            assert_eq!(progress.total, Some(6));
            if progress.done > steps {
                token.cancel();
            }
        };
        let watch = Watch::new().with_cancellation(&token).with_progress(&stop);
        assert!(store.backup(&copy, watch).unwrap_err().is_cancelled());
        assert_eq!(files(&folder), ["staff"]);
    }

    // The store can be changed while it is copied. The copy has the state at the beginning.
    let put_meanwhile = |progress: Progress| {
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

    // An existing file is not overwritten.
    let before = fs::read(&copy).unwrap();
    let error = store.backup(&copy, Watch::new()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_eq!(fs::read(&copy).unwrap(), before);
    assert_eq!(files(&folder), ["copy", "staff"]);
}

#[test]
fn an_export_has_the_chosen_people() {
    let folder = tempdir().unwrap();
    let store = FileStore::create(folder.path().join("staff"), &key(1)).unwrap();
    for (index, who) in ["anna", "bert", "carl"].into_iter().enumerate() {
        let template = template(index as u64).with_crop(crop(index as u8));
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
