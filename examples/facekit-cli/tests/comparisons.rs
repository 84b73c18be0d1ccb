//! Which faces are compared and enrolled, and the limits of the checks before: on synthetic people, with the set nano.

mod common;

use std::path::{Path, PathBuf};

use common::{Place, Ran};
use facekit::{
    Image, Rect,
    image::{self, DecodeLimits},
};
use serde_json::Value;

/// A photo of a synthetic person.
fn person(name: &str, number: u32) -> PathBuf {
    let people = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/people");
    people.join(name).join(format!("{number}.jpg"))
}

fn open(path: &Path) -> Image {
    image::open(path, &DecodeLimits::default()).unwrap()
}

/// Two photos side by side.
fn joined(left: &Image, right: &Image) -> Image {
    let (width, height) = (
        left.width() + right.width(),
        left.height().max(right.height()),
    );
    let mut pixels = vec![0; 3 * width * height];
    for (image, at) in [(left, 0), (right, left.width())] {
        let rows = image.data().chunks_exact(3 * image.width());
        for (y, row) in rows.enumerate() {
            pixels[3 * (y * width + at)..][..row.len()].copy_from_slice(row);
        }
    }
    Image::from_rgb8(pixels, width, height).unwrap()
}

fn cropped(image: &Image, rect: Rect) -> Image {
    let [left, top] = [rect.x, rect.y].map(|edge| edge.max(0.0) as usize);
    let width = (rect.width as usize).min(image.width() - left);
    let height = (rect.height as usize).min(image.height() - top);
    let rows = image.data().chunks_exact(3 * image.width());
    let rows = rows.skip(top).take(height);
    let pixels = rows.flat_map(|row| row[3 * left..3 * (left + width)].to_vec());
    Image::from_rgb8(pixels.collect(), width, height).unwrap()
}

/// The photo with its light divided by `factor`.
fn darkened(image: &Image, factor: u8) -> Image {
    let pixels = image.data().iter().map(|value| value / factor).collect();
    Image::from_rgb8(pixels, image.width(), image.height()).unwrap()
}

fn run(place: &Place, line: &str, photos: &[&Path]) -> Ran {
    let words = line.split_whitespace().map(PathBuf::from);
    place.run(words.chain(photos.iter().map(|photo| photo.to_path_buf())))
}

fn saved(place: &Place, name: &str, image: &Image) -> PathBuf {
    let path = place.path(name);
    image::save(image, &path).unwrap();
    path
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn photos_of_two_people_are_not_enrolled_as_one() {
    let place = Place::new();
    let (ari, bela) = (person("Ari", 1), person("Bela", 1));
    let line = "enroll --gallery g --no-encryption someone";
    run(&place, line, &[&ari, &bela]).ends(1).says(&[
        "refused: does not match",
        "Bela/1.jpg: similarity",
        "one of them does not show someone",
    ]);
    assert!(!place.path("g").exists(), "nobody was enrolled");

    run(&place, line, &[&ari]).ends(0);
    let json = |line: &str, photos: &[&Path], code| run(&place, line, photos).ends(code).json();
    let report = json(&format!("--json {line}"), &[&bela, &person("Ari", 2)], 0);
    let person_report = &report["people"][0];
    assert_eq!(person_report["accepted"].as_array().unwrap().len(), 1);
    let refused = &person_report["refused"][0];
    assert_eq!(refused["reason"], "mismatch");
    assert_eq!(refused["person"], "someone");
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.contains("does not match someone, who is enrolled already"),
        "{message}"
    );
    assert!(person_report["mismatches"].as_array().unwrap().is_empty());

    let allowed = format!("{line} --allow-mismatch");
    run(&place, &allowed, &[&bela])
        .ends(0)
        .says(&["enrolled; warning: matches the templates of this person poorly, similarity"]);
    let other = allowed.replace("someone", "other");
    let report = json(
        &format!("--json {other}"),
        &[&person("Chi", 1), &person("Dana", 1)],
        0,
    );
    let poor = report["people"][0]["mismatches"].as_array().unwrap();
    assert_eq!(poor.len(), 2);
    assert!(
        poor[0]["other_file"]
            .as_str()
            .unwrap()
            .ends_with("Dana/1.jpg")
    );
    assert!(number(&poor[0]["fmr"]) > 1e-2);
}

#[test]
fn verify_names_the_compared_faces() {
    let place = Place::new();
    let ari = person("Ari", 1);
    let small = open(&person("Ari", 2));
    let small = image::resize(small.view(), small.width() / 2, small.height() / 2).unwrap();
    let bela = open(&person("Bela", 1));
    let two = saved(&place, "two.png", &joined(&bela, &small));
    let line = "verify --no-liveness";
    let ran = run(&place, line, &[&ari, &two]).ends(1).says(&[
        "different: similarity",
        "two.png: compared the face of",
        "; not the face of",
        "--best-pair compares all faces",
    ]);
    assert!(!ran.stdout.contains("1.jpg: compared"), "{ran:#?}");
    let largest = run(&place, &format!("{line} --json"), &[&ari, &two])
        .ends(1)
        .json();
    let best = run(&place, &format!("{line} --best-pair --json"), &[&ari, &two])
        .ends(0)
        .json();
    assert_eq!(
        (&largest["same"], &best["same"]),
        (&false.into(), &true.into())
    );
    assert_eq!(largest["probe"]["others"].as_array().unwrap().len(), 1);
    assert_eq!(largest["probe"]["face"], best["probe"]["others"][0]);
    assert_eq!(best["probe"]["face"], largest["probe"]["others"][0]);
    assert!(number(&best["probe"]["face"]["x"]) > bela.width() as f64);
    assert!(best["reference"]["others"].as_array().unwrap().is_empty());
    let ran = run(&place, &format!("{line} --best-pair"), &[&ari, &two]).ends(0);
    assert!(!ran.stdout.contains("--best-pair"), "{ran:#?}");

    let same_size = saved(&place, "same.png", &joined(&bela, &open(&person("Ari", 2))));
    run(&place, line, &[&ari, &same_size])
        .ends(1)
        .says(&["2 faces of similar size; --best-pair compares all faces"]);
    run(&place, &format!("{line} --best-pair"), &[&ari, &same_size]).ends(0);
}

#[test]
fn a_tight_crop_is_not_called_a_spoof() {
    let place = Place::new();
    let crops = ["Ari", "Bela", "Chi", "Dana", "Eden", "Fern"].map(|name| {
        let photo = open(&person(name, 1));
        let file = person(name, 1);
        let found = run(&place, "detect --no-liveness --json", &[&file])
            .ends(0)
            .json();
        let rect = &found["images"][0]["faces"][0]["box"];
        let side = |key: &str| number(&rect[key]) as f32;
        let rect = Rect::new(side("x"), side("y"), side("width"), side("height"));
        saved(&place, &format!("{name}.png"), &cropped(&photo, rect))
    });
    let mut tight = 0;
    for (name, crop) in ["Ari", "Bela", "Chi", "Dana", "Eden", "Fern"]
        .iter()
        .zip(&crops)
    {
        let ran = run(&place, "verify", &[&person(name, 2), crop]);
        assert!(!ran.stdout.contains("not live"), "{ran:#?}");
        tight += usize::from(
            ran.stdout
                .contains("too little visible around the face for the liveness check"),
        );
    }
    assert!(tight > 0, "the liveness check refuses none of the crops");
}

#[test]
fn equalization_and_limits_help_dark_photos() {
    let place = Place::new();
    let reference = person("Kim", 1);
    let dark = saved(&place, "dark.png", &darkened(&open(&person("Kim", 2)), 7));
    let verify = |options: &str| {
        let line = format!("verify --no-liveness {options}");
        run(&place, &line, &[&reference, &dark])
    };
    verify("")
        .ends(1)
        .says(&["unusable: ", "dark.png: too dark"]);
    verify("--equalize").ends(0).says(&["same: "]);
    verify("--min-brightness 0 --min-contrast 0")
        .ends(0)
        .says(&["same: "]);
    verify("--min-brightness 0.5 --max-brightness 0.4")
        .fails(&["min_brightness is 0.5 and max_brightness is 0.4"]);
}

/// The commands that compare or enroll faces.
#[test]
fn every_command_with_a_gate_has_its_limits() {
    let place = Place::new();
    let photo = person("Ari", 1);
    let frames = place.path("frames");
    std::fs::create_dir(&frames).unwrap();
    std::fs::copy(&photo, frames.join("2026-03-02T09-15-00.jpg")).unwrap();
    run(&place, "enroll --gallery g --no-encryption ari", &[&photo]).ends(0);
    for limit in [
        "--min-eye-distance 1000",
        "--min-sharpness 9",
        "--min-brightness 0.9",
        "--min-brightness 0 --max-brightness 0.1",
        "--min-contrast 0.5",
        "--max-yaw 0",
        "--max-pitch 0",
    ] {
        let limit = format!("{limit} --no-liveness");
        for (line, path, code, words) in [
            (
                format!("enroll --gallery g {limit} ari"),
                &photo,
                1,
                "refused: ",
            ),
            (
                format!("identify --gallery g {limit}"),
                &photo,
                1,
                "poor quality: ",
            ),
            (
                format!("detect --gallery g {limit}"),
                &photo,
                0,
                "poor quality: ",
            ),
            (
                format!("attend --gallery g {limit} --frames"),
                &frames,
                0,
                "1 of poor quality",
            ),
        ] {
            run(&place, &line, &[path]).ends(code).says(&[words]);
        }
        let line = format!("verify {limit}");
        run(&place, &line, &[&photo, &photo])
            .ends(1)
            .says(&["unusable: "]);
        // Without a gallery, detect lists the limits that a face does not meet.
        let line = format!("detect --json {limit}");
        let found = run(&place, &line, &[&photo]).ends(0).json();
        let issues = found["images"][0]["faces"][0]["issues"].as_array().unwrap();
        assert_eq!(issues.len(), 1, "{found:#}");
    }
}
