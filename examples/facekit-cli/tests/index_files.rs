//! `facekit index`: the index of a gallery in a file.

mod common;

use std::fs;

use common::{Place, lfw};
use facekit::{
    Embedding, EmbeddingSpace, FileStore, NewTemplate, Person, PersonId, Protection, TemplateStore,
};

/// The files of the search for faces in photos.
const PHOTOS: [(&str, usize); 3] = [
    ("Abdullah_Gul", 1),
    ("Abdullah_Gul", 2),
    ("Aaron_Sorkin", 1),
];

fn space() -> EmbeddingSpace {
    let set = facekit_nano::registry().resolve("nano").unwrap();
    set.space().unwrap()
}

/// The embedding of the person with a number, with a value for each photo.
fn embedding(space: &EmbeddingSpace, person: usize, photo: usize) -> Embedding {
    let mut state = person as u64 * 1000 + 1;
    let mut values: Vec<f32> = Vec::new();
    for _ in 0..space.dimension() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        values.push((state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0);
    }
    values[photo] += 0.5;
    Embedding::new(space, values).unwrap()
}

/// Adds people with two templates each.
fn add(store: &FileStore, people: std::ops::Range<usize>) {
    let space = space();
    let now = jiff::Timestamp::UNIX_EPOCH;
    for number in people {
        let person = Person::new(PersonId::new(format!("p{number}")).unwrap(), now);
        let template = |photo| NewTemplate::new(embedding(&space, number, photo), 0.8, now);
        store.put(&person, &[template(0), template(1)]).unwrap();
    }
}

/// A gallery of 300 people that is not encrypted.
fn place() -> Place {
    let place = Place::new();
    let store = FileStore::create(place.path("people.gallery"), &Protection::None).unwrap();
    add(&store, 0..300);
    place
}

const FILES: &str = "--gallery people.gallery --index people.index";

#[test]
fn an_index_is_built_and_checked() {
    let place = place();
    for kind in ["flat", "graph"] {
        let line = |command: &str| format!("index {command} {FILES} --kind {kind}");
        let built = place.line(&(line("build") + " --json")).ends(0).json();
        assert_eq!(
            (&built["templates"], &built["kind"]),
            (&600.into(), &kind.into())
        );
        let size = fs::metadata(place.path("people.index")).unwrap().len();
        assert_eq!(built["bytes"], size);

        let stats = place.line(&(line("stats") + " --json")).ends(0).json();
        assert_eq!(
            (&stats["templates"], &stats["kind"]),
            (&600.into(), &kind.into())
        );
        assert_eq!(stats["dimension"], space().dimension());
        assert_eq!(stats["model"], space().model());
        for number in [
            "bytes",
            "bytes_searched",
            "bytes_of_embeddings",
            "load_s",
            "search_us",
        ] {
            assert!(stats[number].as_f64().unwrap() > 0.0, "{number}: {stats:#}");
        }
        place
            .line(&line("stats"))
            .ends(0)
            .says(&[kind, "600", "median time of a search"]);

        let report = place.line(&(line("check") + " --json")).ends(0).json();
        assert_eq!(
            (&report["clean"], &report["templates"]),
            (&true.into(), &600.into())
        );
        assert!(report["recall"].as_f64().unwrap() > 0.95, "{report:#}");
        place
            .line(&line("check"))
            .ends(0)
            .says(&["600 templates", "has the templates of the gallery"]);
    }
}

#[test]
fn an_index_that_does_not_fit_is_an_answer() {
    let place = place();
    let build = format!("index build {FILES}");
    let check = format!("index check {FILES}");
    place
        .line(&check)
        .fails(&["people.index: it does not load", "caused by"]);
    place.line(&build).ends(0);
    place
        .line(&(check.clone() + " --kind graph"))
        .ends(1)
        .says(&["another kind of index", "facekit index build"]);
    place
        .line(&format!("index stats {FILES} --kind graph"))
        .fails(&["another kind of index"]);

    // A change of the gallery makes the index an old one.
    let path = place.path("people.gallery");
    let removed = PersonId::new("p7").unwrap();
    FileStore::open(&path, &Protection::None)
        .unwrap()
        .remove(&[removed])
        .unwrap();
    place
        .line(&check)
        .ends(1)
        .says(&["people.index", "is of state"]);
    place.line(&build).ends(0).says(&["598 templates"]);
    place.line(&check).ends(0);
    add(
        &FileStore::open(&path, &Protection::None).unwrap(),
        300..301,
    );
    place.line(&check).ends(1);
    place.line(&build).ends(0).says(&["600 templates"]);

    // So does damage.
    let file = place.path("people.index");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    let report = place.line(&(check.clone() + " --json")).ends(1).json();
    assert_eq!(
        (&report["clean"], &report["templates"]),
        (&false.into(), &serde_json::Value::Null)
    );
    assert!(
        report["damage"].as_str().unwrap().contains("damaged"),
        "{report:#}"
    );
    place.line(&build).ends(0);
    place.line(&check).ends(0);
}

#[test]
fn other_files_are_not_overwritten() {
    let place = place();
    let before = fs::read(place.path("people.gallery")).unwrap();
    place
        .line("index build --gallery people.gallery --index people.gallery")
        .fails(&[
            "index people.gallery: not overwritten: caused by",
            "not a snapshot of an index",
        ]);
    assert!(fs::read(place.path("people.gallery")).unwrap() == before);
}

#[test]
fn the_file_has_the_key_of_the_gallery() {
    let place = Place::new();
    let open = Protection::None;
    add(
        &FileStore::create(place.path("open.gallery"), &open).unwrap(),
        0..20,
    );
    place
        .line("gallery export people.gallery --gallery open.gallery --new-key-file people.key")
        .ends(0);
    place
        .line(&format!("index build {FILES}"))
        .fails(&["it is encrypted with a key"]);
    let key = "--key-file people.key";
    place.line(&format!("index build {FILES} {key}")).ends(0);
    place.line(&format!("index check {FILES} {key}")).ends(0);
    let sealed = fs::read(place.path("people.index")).unwrap();
    let value = embedding(&space(), 3, 0).values()[0].to_le_bytes();
    let plain = sealed.windows(4).filter(|bytes| **bytes == value).count();
    assert_eq!(plain, 0, "a value of a template is in the file");

    // The key of another gallery does not open it.
    place
        .line(&format!(
            "gallery rekey --gallery people.gallery {key} --new-key-file new.key"
        ))
        .ends(0);
    place
        .line(&format!("index check {FILES} --key-file new.key"))
        .ends(1)
        .says(&["it does not load"]);
}

#[test]
fn templates_of_another_embedder_are_named() {
    let place = place();
    place
        .line(&format!("index build {FILES} --models standard"))
        .fails(&["600 templates are of another embedder", "--models"]);
    assert!(!place.path("people.index").exists());
}

#[test]
fn photos_are_searched() {
    let test = "index_files::photos_are_searched";
    let needed =
        PHOTOS.map(|(person, number)| format!("data/lfw/images/{person}/{person}_{number:04}.jpg"));
    let needed: Vec<&str> = needed.iter().map(String::as_str).collect();
    let Some(data) = facekit_conformance::data(test, &needed) else {
        return;
    };
    let place = Place::new();
    let [first, second, other] = PHOTOS.map(|(person, number)| lfw(&data, person, number));
    for (id, photo) in [("gul", &first), ("sorkin", &other)] {
        let words = format!("enroll --gallery people.gallery --no-encryption --no-liveness {id}");
        let mut words: Vec<_> = words.split_whitespace().map(Into::into).collect();
        words.push(photo.as_os_str().to_owned());
        place.run(words).ends(0);
    }
    let search = |options: &str| {
        let words = format!("index search {FILES} --json {options}");
        let mut words: Vec<std::ffi::OsString> = words.split_whitespace().map(Into::into).collect();
        words.push(second.as_os_str().to_owned());
        place.run(words)
    };
    // Without a file the index is built in memory.
    let ran = search("");
    assert!(
        ran.stderr
            .contains("it does not load, so it was built in memory"),
        "{ran:#?}"
    );
    let unsaved = ran.ends(0).json();
    for kind in ["flat", "graph"] {
        place
            .line(&format!("index build {FILES} --kind {kind}"))
            .ends(0);
        let ran = search(&format!("--kind {kind}"));
        assert!(!ran.stderr.contains("does not load"), "{ran:#?}");
        let found = ran.ends(0).json();
        assert_eq!(found, unsaved);
        let nearest = found["images"][0]["nearest"].as_array().unwrap();
        assert_eq!(nearest.len(), 2);
        assert_eq!(
            (&nearest[0]["person"], &nearest[1]["person"]),
            (&"gul".into(), &"sorkin".into())
        );
        assert!(nearest[0]["score"].as_f64() > nearest[1]["score"].as_f64());
        for exact in ["--exact", "--recall 1"] {
            assert_eq!(
                search(&format!("--kind {kind} {exact}")).ends(0).json(),
                found
            );
        }
        let found = search(&format!("--kind {kind} --roster sorkin"))
            .ends(0)
            .json();
        let nearest = found["images"][0]["nearest"].as_array().unwrap();
        assert_eq!(
            (nearest.len(), &nearest[0]["person"]),
            (1, &"sorkin".into())
        );
        let found = search(&format!("--kind {kind} -k 1")).ends(0).json();
        assert_eq!(found["images"][0]["nearest"].as_array().unwrap().len(), 1);
        let found = search(&format!("--kind {kind} --min-score 1"))
            .ends(1)
            .json();
        assert_eq!(found["images"][0]["face"], true);
    }
    search("--roster zoe").fails(&["person zoe: no template in the gallery"]);
    search("--min-score 2").fails(&["a number from -1 to 1 is needed"]);
}
