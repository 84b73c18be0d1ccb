//! Help texts, and errors about bad input.

mod common;

use common::Place;
use facekit::{Image, image};
use serde_json::Value;

const COMMANDS: &[&str] = &[
    "",
    "models",
    "models list",
    "models pull",
    "models verify",
    "models path",
    "models quantize",
    "detect",
    "enroll",
    "remove",
    "people",
    "identify",
    "verify",
    "gallery",
    "gallery backup",
    "gallery export",
    "gallery import",
    "gallery rekey",
    "gallery check",
    "gallery reembed",
    "gallery calibrate",
    "index build",
    "index check",
    "index search",
    "index stats",
    "attend",
    "timesheet",
    "watch",
    "challenge",
    "eval challenge",
    "eval lfw",
    "eval identify",
    "eval index",
    "eval liveness",
    "eval recognizability",
    "eval video",
];

#[test]
fn each_command_has_a_help_text() {
    let place = Place::new();
    for command in COMMANDS {
        let help = place
            .line(&format!("{command} --help"))
            .ends(0)
            .says(&["Usage: facekit", "--json"]);
        for line in help
            .stdout
            .lines()
            .filter(|line| !line.starts_with("Usage"))
        {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
    }
    place.line("--version").ends(0).says(&["facekit 0"]);
    place
        .line("--help")
        .says(&["Exit codes:", "JSON:", "FACEKIT_GALLERY_KEY"]);
}

#[test]
fn options_out_of_range_are_refused() {
    let place = Place::new();
    for (line, words) in [
        ("", "Usage"),
        ("eat", "unrecognized subcommand 'eat'"),
        ("verify a.jpg", "<B>"),
        (
            "verify a b --runtime abacus",
            "invalid value 'abacus' for '--runtime",
        ),
        ("verify a b --jobs 0", "--jobs"),
        ("verify a b --fmr 1e-4 --score 0.4", "cannot be used with"),
        ("verify a b --fpir 1e-2 --score 0.4", "cannot be used with"),
        ("verify a b --fmr 1e-4 --fpir 1e-2", "cannot be used with"),
        ("verify a b --fmr 2", "a rate between 0 and 1"),
        ("verify a b --score 2", "a number from -1 to 1"),
        ("verify a b --max-side tiny", "or none, is needed"),
        (
            "verify a b --passes two",
            "a number of megapixels is needed",
        ),
        ("verify a b --image-memory 0", "--image-memory"),
        ("verify a b --detector-score 3", "a number from 0 to 1"),
        ("verify a b --liveness-threshold -1", "--liveness-threshold"),
        ("verify a b --min-contrast 0.6", "a number from 0 to 0.5"),
        (
            "enroll --gallery g anna x.jpg --max-yaw 181",
            "from 0 to 180",
        ),
        (
            "identify --gallery g x.jpg --min-sharpness -1",
            "at least 0",
        ),
        ("detect x.jpg --min-visible 2", "a number from 0 to 1"),
        ("enroll --gallery g", "<PERSON>"),
        (
            "enroll --gallery g a/b x.jpg",
            "person id \"a/b\": '/' is not allowed",
        ),
        (
            "enroll --gallery g anna x.jpg --people all",
            "cannot be used with",
        ),
        (
            "enroll --gallery g anna x.jpg --key-file k --no-encryption",
            "cannot be used with",
        ),
        ("remove --gallery g ..", "person id \"..\": names a folder"),
        ("identify x.jpg", "--gallery"),
        (
            "enroll --gallery g anna x.jpg --name \u{7}",
            "control characters are not allowed",
        ),
        (
            "attend --gallery g --frames f --format pdf",
            "'pdf' for '--format",
        ),
    ] {
        place.line(line).fails(&[words]);
        let failed = place.line(&format!("{line} --json")).fails(&[]);
        let error: Value = serde_json::from_str(failed.stderr.trim_end()).unwrap();
        assert!(
            error["error"].is_string() && error["causes"].is_array(),
            "{error}"
        );
        assert!(!failed.stderr.contains("For more information"), "{error}");
    }
}

#[test]
fn missing_files_and_names_are_named() {
    let place = Place::new();
    place.gallery("g", &["anna"]);
    place.write("empty/.hidden.jpg", "");
    for (line, words) in [
        (
            "identify --gallery g none.jpg --models standard",
            "model yunet_n: not found",
        ),
        (
            "detect --models nothing none.jpg",
            "no model or set named \"nothing\"",
        ),
        (
            "detect none.jpg --models standard",
            "`facekit models pull yunet_n`",
        ),
        ("detect empty", "empty: no images in this folder"),
        (
            "attend --gallery g --frames none",
            "none: reading the folder failed",
        ),
        (
            "attend --gallery g --frames empty",
            "empty: no images in this folder",
        ),
        (
            "attend --gallery g --frames g --zone Atlantis",
            "time zone \"Atlantis\"",
        ),
        (
            "enroll --gallery g --people empty",
            "empty: no folders in this folder",
        ),
        (
            "enroll --gallery g --people none",
            "none: reading the folder failed",
        ),
        (
            "enroll --gallery g anna empty",
            "empty: no images in this folder",
        ),
        (
            "identify --gallery g --roster a/b none.jpg",
            "roster \"a/b\": neither a file",
        ),
        (
            "verify none.jpg none.jpg",
            "none.jpg: reading failed: caused by",
        ),
        ("people --gallery none", "none: opening failed: caused by"),
    ] {
        place.line(line).fails(&[words]);
    }
}

#[test]
fn folders_that_cannot_be_ids_are_named() {
    let place = Place::new();
    place.write("people/ bert/1.jpg", "");
    place
        .line("enroll --gallery g --people people --no-encryption")
        .fails(&[
            "its name cannot be a person's id",
            "begins or ends with white space",
        ]);
    assert!(!place.path("g").exists());
}

#[test]
fn bad_names_are_refused() {
    let place = Place::new();
    let long = "a".repeat(257);
    for (name, words) in [
        ("", "a name is needed"),
        ("a\nb", "control characters"),
        ("\u{202e}a", "control characters"),
        (&long, "at most 256 bytes"),
    ] {
        let line = ["enroll", "--gallery", "g", "anna", "x.jpg", "--name", name];
        place.run(line).fails(&[words]);
    }
}

#[test]
fn unknown_zones_are_named() {
    let mut place = Place::new();
    place.set("TZ", "Atlantis");
    place
        .line("attend --gallery g --frames f")
        .fails(&["TZ=Atlantis: no such time zone; --zone"]);
    place
        .line("attend --gallery g --frames f --zone -05:00")
        .fails(&["f: reading the folder failed"]);
    place
        .line("attend --gallery g --frames f --zone +2")
        .fails(&["time zone \"+2\": not an offset; write it like +03:00 or -0330"]);
}

#[test]
#[cfg(unix)]
fn pipes_are_not_opened() {
    let place = Place::new();
    let pipe = place.path("pipe.jpg");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    place
        .line("verify pipe.jpg pipe.jpg")
        .fails(&["pipe.jpg: not a plain file"]);
}

#[test]
fn files_that_are_read_are_not_overwritten() {
    let place = Place::new();
    place.gallery("g", &["anna"]);
    place
        .line("gallery rekey --gallery g --new-key-file g.key")
        .ends(0);
    place.gallery("other", &["bert"]);
    place.write("frames/1.jpg", "");
    let files = ["g", "g.key", "other", "frames/1.jpg"];
    let before = files.map(|file| std::fs::read(place.path(file)).unwrap());
    let line = "attend --gallery g --key-file g.key --frames frames --zone UTC";
    for (out, words) in [
        ("g", "g: not overwritten, because this command reads it"),
        ("g.key", "g.key: not overwritten, because this command"),
        ("frames/../g", "g: not overwritten"),
        ("other", "other: not overwritten, because it is a gallery"),
        ("frames/1.jpg", "1.jpg: not overwritten"),
    ] {
        for option in ["--out", "--sightings"] {
            place
                .line(&format!("{line} {option} {out}"))
                .fails(&[words]);
        }
    }
    place
        .line(&format!("{line} --out same.csv --sightings same.csv"))
        .fails(&["same.csv: --out and --sightings name the same file"]);
    assert!(!place.path("same.csv").exists());
    place
        .line("eval lfw --images frames --pairs frames/1.jpg --calibrate other")
        .fails(&["frames"]);
    assert_eq!(
        files.map(|file| std::fs::read(place.path(file)).unwrap()),
        before
    );
}

#[test]
fn files_that_are_not_images_are_named() {
    let place = Place::new();
    place.write("text.jpg", "words, words, words");
    let picture = image::encode_jpeg(&Image::filled(64, 64, [90; 3]), 90);
    place.write("half.jpg", &picture[..picture.len() / 2]);
    place
        .line("verify text.jpg text.jpg")
        .fails(&["text.jpg: not an image"]);
    place
        .line("verify half.jpg half.jpg")
        .fails(&["half.jpg: "]);
}
