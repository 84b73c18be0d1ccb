//! Gallery files and their keys, without any model.

mod common;

use std::fs;

use common::Place;

#[test]
fn people_are_listed_and_removed() {
    let place = Place::new();
    place.gallery("staff.gallery", &["bert", "anna"]);
    let listed = place.line("people --gallery staff.gallery").ends(0).says(&[
        "anna",
        "bert",
        "1970-01-01",
        "2 people",
    ]);
    assert_eq!(
        listed.stderr,
        "note: gallery staff.gallery: it is not encrypted\n"
    );
    let report = place
        .line("people --gallery staff.gallery --json")
        .ends(0)
        .json();
    assert_eq!(report["people"][0]["id"], "anna");

    place
        .line("remove --gallery staff.gallery anna carla")
        .fails(&["person carla: not in the gallery"]);
    let report = place
        .line("remove --gallery staff.gallery anna --json")
        .ends(0)
        .json();
    assert_eq!(report["removed"], 1);
    place
        .line("people --gallery staff.gallery")
        .ends(0)
        .says(&["1 person"]);
}

#[test]
fn backups_do_not_replace_anything() {
    let place = Place::new();
    place.gallery("staff.gallery", &["anna"]);
    let report = place
        .line("gallery backup copy.gallery --gallery staff.gallery --json")
        .ends(0)
        .json();
    assert_eq!(report["backup"], "copy.gallery");
    place
        .line("people --gallery copy.gallery")
        .ends(0)
        .says(&["anna"]);
    let before = fs::read(place.path("copy.gallery")).unwrap();
    place
        .line("gallery backup copy.gallery --gallery staff.gallery")
        .fails(&["backup copy.gallery: not overwritten: caused by"]);
    assert_eq!(fs::read(place.path("copy.gallery")).unwrap(), before);
}

#[test]
fn exports_and_imports() {
    let place = Place::new();
    place.gallery("all.gallery", &["anna", "bert", "carla"]);
    place.gallery("other.gallery", &["anna"]);
    place
        .line("gallery export some.gallery --gallery all.gallery")
        .fails(&["--new-key-file", "--to-key-file", "--no-encryption"]);
    place
        .line(
            "gallery export some.gallery --gallery all.gallery --people zoe --new-key-file zoe.key",
        )
        .fails(&["person zoe: not in the gallery"]);
    assert!(!place.path("some.gallery").exists() && !place.path("zoe.key").exists());
    let report = place
        .line("gallery export some.gallery --gallery all.gallery --people anna,bert --new-key-file some.key --json")
        .ends(0)
        .json();
    assert_eq!(report["export"], "some.gallery");

    place
        .line("gallery import some.gallery --gallery other.gallery")
        .fails(&["some.gallery: it is encrypted with a key; give --key-file"]);
    let report = place
        .line("gallery import some.gallery --from-key-file some.key --gallery other.gallery --json")
        .ends(0)
        .json();
    assert_eq!(
        (&report["people_added"], &report["people_known"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn imports_compare_the_faces_of_equal_ids() {
    use facekit::TemplateStore;
    use facekit::{Embedding, FileStore, NewTemplate, Person, PersonId, Protection, Registry};
    let place = Place::new();
    let registry = Registry::builtin();
    let entry = registry.models().find(|entry| entry.calibration.is_some());
    let space = entry.and_then(|entry| entry.space()).unwrap();
    let gallery = |name: &str, people: &[(&str, &str, usize)]| {
        let store = FileStore::create(place.path(name), &Protection::None).unwrap();
        for &(id, name, axis) in people {
            let mut values = vec![0.1; space.dimension()];
            values[axis] = 100.0;
            let embedding = Embedding::new(&space, values).unwrap();
            let now = jiff::Timestamp::UNIX_EPOCH;
            let person = Person::new(PersonId::new(id).unwrap(), now).with_name(name);
            store
                .put(&person, &[NewTemplate::new(embedding, 0.5, now)])
                .unwrap();
        }
    };
    gallery(
        "ours.gallery",
        &[("p", "One", 0), ("q", "Two", 1), ("r", "Three", 2)],
    );
    gallery(
        "theirs.gallery",
        &[("p", "Other", 5), ("q", "Two", 1), ("r", "Three", 6)],
    );
    let import = "gallery import theirs.gallery --gallery ours.gallery";
    place.line(import).ends(1).says(&[
        "0 people added, 1 known already; 0 templates added, 1 known already",
        "conflict: p is One here and Other there, similarity 0.0",
        "conflict: r is Three here and Three there, similarity 0.0",
        "left out",
        "--merge-anyway",
    ]);
    let report = place
        .line(&format!("{import} --merge-anyway --json"))
        .ends(0)
        .json();
    assert_eq!(report["conflicts"][0]["id"], "p");
    assert_eq!(report["templates_added"], 2);
}

#[test]
fn rekey_changes_the_key() {
    let mut place = Place::new();
    place.gallery("staff.gallery", &["anna"]);
    let report = place
        .line("gallery rekey --gallery staff.gallery --new-key-file a.key --json")
        .ends(0)
        .json();
    assert_eq!(report["protection"], "key");
    place.line("people --gallery staff.gallery").fails(&[
        "staff.gallery: it is encrypted",
        "FACEKIT_KEY_FILE",
        "FACEKIT_GALLERY_KEY",
    ]);
    place
        .line("people --gallery staff.gallery --key-file a.key")
        .ends(0);
    place
        .line("people --gallery staff.gallery --key-file none.key")
        .fails(&["key file none.key"]);
    place.write("not.key", "nonsense");
    place
        .line("people --gallery staff.gallery --key-file not.key")
        .fails(&["not.key: is not a key file"]);
    place
        .line("gallery rekey --gallery staff.gallery --key-file a.key --new-key-file a.key")
        .fails(&["key file a.key: not created"]);

    place.set("FACEKIT_KEY_FILE", "a.key");
    place.line("people --gallery staff.gallery").ends(0);
    place.set("PASSPHRASE", "correct horse battery staple");
    let report = place
        .line("gallery rekey --gallery staff.gallery --to-key-env PASSPHRASE --json")
        .ends(0)
        .json();
    assert_eq!(report["protection"], "passphrase");
    place
        .line("people --gallery staff.gallery")
        .fails(&["staff.gallery"]);
    place.set("FACEKIT_KEY_FILE", "");
    place.set("FACEKIT_GALLERY_KEY", "wrong");
    place
        .line("people --gallery staff.gallery")
        .fails(&["gallery file staff.gallery: the key does not open it"]);
    place.set("FACEKIT_GALLERY_KEY", "correct horse battery staple");
    place.line("people --gallery staff.gallery").ends(0);
}

#[test]
fn existing_key_files_are_not_replaced() {
    let place = Place::new();
    place.gallery("staff.gallery", &["anna"]);
    place.write("empty.key", "");
    place.write("text.key", "nonsense");
    place.write("left.key", "0123456789abcdef".repeat(4));
    for (key, words) in [
        ("empty.key", "the file exists and is empty, so remove it"),
        (
            "left.key",
            "holds a key; --to-key-file left.key uses that key",
        ),
        ("text.key", "is not a key file, so name another one"),
    ] {
        place
            .line(&format!(
                "gallery rekey --gallery staff.gallery --new-key-file {key}"
            ))
            .fails(&[words]);
    }
    place
        .line("gallery rekey --gallery staff.gallery --to-key-file left.key")
        .ends(0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let line = "people --gallery staff.gallery --key-file left.key";
        let mode = |mode| {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(place.path("left.key"), permissions).unwrap();
        };
        mode(0o644);
        let told = place.line(line).ends(0).stderr;
        assert!(told.contains("note: key file left.key: others may read it"));
        mode(0o600);
        assert_eq!(place.line(line).ends(0).stderr, "");
    }
}

#[test]
fn check_finds_damage() {
    let place = Place::new();
    let path = place.gallery("staff.gallery", &["anna"]);
    place
        .line("gallery check --gallery staff.gallery")
        .ends(0)
        .says(&["1 person", "no damage"]);
    let bytes = fs::read(&path).unwrap();
    place.line("gallery check --gallery staff.gallery").ends(0);
    place.line("people --gallery staff.gallery").ends(0);
    assert!(fs::read(&path).unwrap() == bytes);
    place.write("half.gallery", &bytes[..bytes.len() / 2]);
    let report = place
        .line("gallery check --gallery half.gallery --json")
        .ends(1)
        .json();
    assert_eq!(report["clean"], false);
    assert!(!report["damage"].as_array().unwrap().is_empty());
    place
        .line("people --gallery half.gallery")
        .fails(&["half.gallery: damaged"]);
    place.write("text.gallery", "not a gallery at all");
    place
        .line("people --gallery text.gallery")
        .fails(&["text.gallery: damaged: not a gallery file"]);
    place
        .line("gallery check --gallery none.gallery")
        .fails(&["none.gallery", "No such file"]);
}

#[test]
fn a_gallery_in_use_is_refused() {
    let place = Place::new();
    let path = place.gallery("staff.gallery", &["anna"]);
    let reader = facekit::FileStore::open_read_only(&path, &facekit::Protection::None).unwrap();
    place.line("people --gallery staff.gallery").ends(0);
    place
        .line("remove --gallery staff.gallery anna")
        .fails(&["staff.gallery: already open"]);
    drop(reader);
    let _open = facekit::FileStore::open(&path, &facekit::Protection::None).unwrap();
    place
        .line("people --gallery staff.gallery")
        .fails(&["staff.gallery: already open"]);
}

#[test]
fn a_small_gallery_says_how_many_people_a_calibration_needs() {
    let place = Place::new();
    place.gallery("staff.gallery", &["bert", "anna"]);
    place
        .line("gallery calibrate --gallery staff.gallery --models nano --different anna")
        .fails(&["two ids, separated by a comma"]);
    place
        .line("gallery calibrate --gallery staff.gallery --models nano")
        .fails(&[
            "gallery staff.gallery: not calibrated",
            "people with as many templates each",
        ]);
    assert!(!place.path("staff.nano_embedder.calibration.toml").exists());
}
