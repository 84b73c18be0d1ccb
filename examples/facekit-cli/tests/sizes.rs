//! Small faces in large photos, photos that take too much memory, and photos whose end is missing, with the models of nano.

mod common;

use std::{fs, path::Path};

use common::Place;
use facekit::{
    Image,
    image::{self, DecodeLimits, encode_jpeg, resize},
};

/// A portrait of a synthetic person.
fn portrait(name: &str) -> Image {
    let people = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/people");
    image::open(people.join(name), &DecodeLimits::default()).unwrap()
}

/// A gray frame with pictures at the given places.
fn frame(width: usize, height: usize, pictures: &[(&Image, usize, usize)]) -> Image {
    let mut frame = Image::filled(width, height, [110, 112, 108]);
    for (picture, left, top) in pictures {
        let row = 3 * picture.width();
        for (y, pixels) in picture.data().chunks_exact(row).enumerate() {
            let start = 3 * (width * (top + y) + left);
            frame.data_mut()[start..start + row].copy_from_slice(pixels);
        }
    }
    frame
}

#[test]
fn small_faces_are_found_and_notes_tell_what_was_not_searched() {
    let place = Place::new();
    let small = portrait("Ari/1.jpg");
    let small = resize(small.view(), 110, 110).unwrap();
    let frame = frame(3840, 2160, &[(&small, 500, 400), (&small, 3100, 1700)]);
    place.write("frame.jpg", encode_jpeg(&frame, 92));

    let found = place
        .line("detect frame.jpg --no-liveness --json")
        .ends(0)
        .json();
    let found = &found["images"][0];
    assert_eq!(found["faces"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!(
        (
            found["reduction"].as_f64(),
            found["notes"].as_array().unwrap().len()
        ),
        (Some(1.0), 0)
    );

    let line = "detect frame.jpg --no-liveness --passes one";
    place.line(line).ends(0).says(&[
        "no face",
        "note: frame.jpg: searched at 1/6 of this size",
        "120 pixels",
    ]);
    let found = place.line(&format!("{line} --json")).ends(0).json();
    assert_eq!(found["images"][0]["reduction"], 6.0);
    assert_eq!(found["images"][0]["notes"].as_array().unwrap().len(), 1);
}

#[test]
fn photos_that_take_too_much_memory_are_read_at_a_reduced_scale() {
    let place = Place::new();
    let ari = portrait("Ari/1.jpg");
    place.write("ari.jpg", encode_jpeg(&ari, 95));
    let photo = frame(2400, 1800, &[(&ari, 1500, 1000)]);
    place.write("photo.jpg", encode_jpeg(&photo, 95));
    let memory = "--no-liveness --image-memory 14";
    place
        .line(&format!(
            "enroll --gallery g --no-encryption ari ari.jpg {memory}"
        ))
        .ends(0);
    let found = place
        .line(&format!("identify photo.jpg --gallery g {memory} --json"))
        .ends(0)
        .json();
    let image = &found["images"][0];
    let face = &image["faces"][0];
    assert_eq!(face["recognition"]["person"], "ari", "{found}");
    let note = image["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("read at 1/") && note.contains("--image-memory"),
        "{note}"
    );
    // The aligned face has the pixels of the full size, so it is as similar as in the whole photo.
    let whole = place
        .line("identify photo.jpg --gallery g --no-liveness --json")
        .ends(0)
        .json();
    let score = |document: &serde_json::Value| {
        document["images"][0]["faces"][0]["recognition"]["score"]
            .as_f64()
            .unwrap()
    };
    assert!(
        (score(&found) - score(&whole)).abs() < 0.05,
        "{} and {}",
        score(&found),
        score(&whole)
    );
    let eyes = |document: &serde_json::Value| {
        document["images"][0]["faces"][0]["quality"]["eye_distance"]
            .as_f64()
            .unwrap()
    };
    assert!((eyes(&found) / eyes(&whole) - 1.0).abs() < 0.1);
}

#[test]
fn photos_without_their_last_rows_are_used_with_a_note() {
    let place = Place::new();
    let ari = portrait("Ari/1.jpg");
    let tall = frame(320, 480, &[(&ari, 0, 0)]);
    let file = encode_jpeg(&tall, 95);
    place.write("whole.jpg", &file);
    place.write("cut.jpg", &file[..file.len() - 60]);
    place.write("no_end.jpg", &file[..file.len() - 2]);
    for (name, notes) in [("cut.jpg", 1), ("no_end.jpg", 0)] {
        let line = format!("detect {name} --no-liveness --json");
        let found = place.line(&line).ends(0).json();
        let image = &found["images"][0];
        assert_eq!(image["faces"].as_array().unwrap().len(), 1, "{name}");
        assert_eq!(image["notes"].as_array().unwrap().len(), notes, "{image}");
    }
    place
        .line("detect cut.jpg --no-liveness")
        .ends(0)
        .says(&["note: cut.jpg: the end of the file is missing"]);
    let verified = place.line("verify whole.jpg cut.jpg --no-liveness").ends(0);
    assert!(
        verified.stderr.contains("note: cut.jpg: the end"),
        "{verified:?}"
    );
    let _ = fs::remove_file(place.path("cut.jpg"));
}

#[test]
fn two_programs_that_create_a_gallery_get_plain_messages() {
    let place = Place::new();
    place.write("ari.jpg", encode_jpeg(&portrait("Ari/1.jpg"), 95));
    place.write("bela.jpg", encode_jpeg(&portrait("Bela/1.jpg"), 95));
    for round in 0..4 {
        let enroll = |person: &str| {
            place.line(&format!(
                "enroll --gallery g{round} --no-encryption --no-liveness {person} {person}.jpg"
            ))
        };
        let (one, other) = std::thread::scope(|scope| {
            let one = scope.spawn(|| enroll("ari"));
            (enroll("bela"), one.join().unwrap())
        });
        for ran in [&one, &other] {
            let plain = ran.code == 0
                || ran
                    .stderr
                    .contains("another program created it at the same time; run the command again")
                || ran
                    .stderr
                    .contains("already open, here or in another process");
            assert!(plain, "{ran:#?}");
            assert!(!ran.stderr.contains("os error"), "{ran:#?}");
        }
        assert!(one.code == 0 || other.code == 0);
    }
}
