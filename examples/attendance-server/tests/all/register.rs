//! `register`: people and photos from the command line.

use std::path::Path;

use crate::program::{fails, office, serve, succeeds};

/// A photo of the synthetic people.
fn photo(name: &str) -> String {
    format!("{}/../data/people/{name}", env!("CARGO_MANIFEST_DIR"))
}

const CONSENT: [&str; 4] = ["--consent", "1", "--language", "de"];

fn arguments<'a>(number: &'a str, photos: &'a [String], rest: &[&'a str]) -> Vec<&'a str> {
    let photos = photos.iter().map(String::as_str);
    let mut all = vec!["register", number];
    all.extend(photos);
    all.extend(rest);
    all
}

/// Registers Ari with the number 17 and three photos.
pub(crate) fn ari(data: &Path) -> String {
    let photos = [1, 2, 3].map(|number| photo(&format!("Ari/{number}.jpg")));
    let rest = [&["--full-name", "Ari Lund"], &CONSENT[..]].concat();
    succeeds(data, &arguments("17", &photos, &rest))
}

/// The line of a person in the list of `breach-list`.
fn held(data: &Path, number: &str) -> String {
    let list = succeeds(data, &["breach-list"]);
    let line = list
        .lines()
        .find(|line| line.starts_with(&format!("{number},")));
    line.unwrap_or_default().to_owned()
}

#[test]
fn a_person_is_added_with_consent_and_templates() {
    let folder = office();
    let data = folder.path().join("data");
    let printed = ari(&data);
    assert!(printed.contains("1.jpg: taken, quality 0."), "{printed}");
    assert!(
        printed.contains("17 Ari Lund: 3 of 3 photos became templates"),
        "{printed}"
    );
    assert_eq!(held(&data, "17"), "17,Ari Lund,,Office,3,1,0,0,0,0");

    // Again, with photos that are refused. The consent is on record.
    let text = folder.path().join("text.jpg");
    std::fs::write(&text, "no picture").unwrap();
    let photos = [
        photo("Ari/4.jpg"),
        text.to_str().unwrap().to_owned(),
        photo("Kim/1.jpg"),
    ];
    let printed = succeeds(&data, &arguments("17", &photos, &[]));
    assert!(printed.contains("Ari/4.jpg: taken"), "{printed}");
    let refused = |name: &str, code: &str| {
        let mut lines = printed.lines();
        lines.any(|line| line.contains(name) && line.contains("refused") && line.contains(code))
    };
    assert!(refused("text.jpg", "(unreadable_image)"), "{printed}");
    assert!(
        refused("Kim/1.jpg", "(mismatch)") || refused("Kim/1.jpg", "(another_person)"),
        "{printed}"
    );
    assert_eq!(held(&data, "17"), "17,Ari Lund,,Office,4,1,0,0,0,0");

    // The same face under another number.
    let photos = [photo("Ari/5.jpg")];
    let rest = [&["--full-name", "Iar"], &CONSENT[..]].concat();
    let printed = succeeds(&data, &arguments("18", &photos, &rest));
    assert!(printed.contains("resembles 17 Ari Lund"), "{printed}");
    assert!(succeeds(&data, &["verify-audit"]).contains("none was changed"));
}

#[test]
fn without_consent_or_with_a_wrong_name_nothing_is_recorded() {
    let folder = office();
    let data = folder.path().join("data");
    let photos = [photo("Ari/1.jpg")];
    let named = ["--full-name", "Ari Lund"];
    let error = fails(&data, &arguments("17", &photos, &named));
    assert!(
        error.contains("no consent is recorded") && error.contains("--consent 1"),
        "{error}"
    );
    let half = [&named[..], &["--consent", "1"]].concat();
    assert!(fails(&data, &arguments("17", &photos, &half)).contains("--language"));
    let other = [&named[..], &["--consent", "0", "--language", "de"]].concat();
    assert!(fails(&data, &arguments("17", &photos, &other)).contains("The text has version 1"));
    let nameless = fails(&data, &arguments("17", &photos, &CONSENT));
    assert!(nameless.contains("State --full-name"), "{nameless}");
    let missing = [photo("Ari/99.jpg")];
    let rest = [&named[..], &CONSENT].concat();
    assert!(fails(&data, &arguments("17", &missing, &rest)).contains("99.jpg cannot be read"));
    assert_eq!(held(&data, "17"), "", "nobody was added");

    ari(&data);
    let wrong = fails(&data, &arguments("17", &photos, &["--full-name", "Bela"]));
    assert!(
        wrong.contains("the number 17 is that of Ari Lund"),
        "{wrong}"
    );
    let elsewhere = fails(&data, &arguments("17", &photos, &["--site", "Köln"]));
    assert!(
        elsewhere.contains("there is no site \"Köln\"; there is Office"),
        "{elsewhere}"
    );
}

#[test]
fn without_a_template_the_command_fails() {
    let folder = office();
    let data = folder.path().join("data");
    let blank = folder.path().join("blank.jpg");
    let image = facekit::Image::filled(320, 240, [90; 3]);
    std::fs::write(&blank, facekit::image::encode_jpeg(&image, 90)).unwrap();
    let photos = [blank.to_str().unwrap().to_owned()];
    let rest = [&["--full-name", "Ari Lund"], &CONSENT[..]].concat();
    let error = fails(&data, &arguments("17", &photos, &rest));
    assert!(
        error.contains("no photo became a template; 17 is not enrolled"),
        "{error}"
    );
    assert_eq!(held(&data, "17"), "17,Ari Lund,,Office,0,1,0,0,0,0");
}

#[test]
fn beside_a_running_server_the_command_says_how_to_enrol() {
    let folder = office();
    let data = folder.path().join("data");
    let (_server, _, _) = serve(&data, &[]);
    let photos = [photo("Ari/1.jpg")];
    let rest = [&["--full-name", "Ari Lund"], &CONSENT[..]].concat();
    let error = fails(&data, &arguments("17", &photos, &rest));
    for part in [
        "the server is running",
        "nobody was registered",
        "/api/v1/people/{person}/enrolments",
        "stop the server",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(held(&data, "17"), "");
}
