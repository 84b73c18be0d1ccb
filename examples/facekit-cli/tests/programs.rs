//! The command and the quickstart give the same sightings for the same photos and frames.

mod common;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use common::Place;

/// The quickstart: `FACEKIT_TEST_QUICKSTART`, or else the program beside the command. `cargo test --workspace` builds both.
fn quickstart() -> Option<PathBuf> {
    let program = match env::var_os("FACEKIT_TEST_QUICKSTART") {
        Some(program) => PathBuf::from(program),
        None => Path::new(env!("CARGO_BIN_EXE_facekit"))
            .with_file_name("quickstart")
            .with_extension(env::consts::EXE_EXTENSION),
    };
    program.exists().then_some(program)
}

/// Frame, time, person, score and liveness of each row of a file of sightings.
fn sightings(path: &Path) -> Vec<(String, String, String, f32, f32)> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let columns = reader.headers().unwrap();
    assert_eq!(
        columns,
        ["frame", "time", "person", "score", "liveness"].as_slice()
    );
    let rows = reader.deserialize();
    rows.map(|row| row.unwrap()).collect()
}

#[test]
fn command_and_quickstart_give_the_same_sightings() {
    let test = "programs::command_and_quickstart_give_the_same_sightings";
    let Some(quickstart) = quickstart() else {
        return facekit_conformance::skip(test, "the quickstart is not built");
    };
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
    let [people, frames] = ["people", "frames"].map(|folder| data.join(folder));
    let mut place = Place::new();
    place.set("TZ", "Africa/Nairobi");
    let run = |line: &str, folder: &Path| {
        let words = line.split_whitespace().map(PathBuf::from);
        place.run(words.chain([folder.to_owned()])).ends(0);
    };
    run("enroll --gallery g --no-encryption --people", &people);
    run(
        "attend --gallery g --sightings command.csv --frames",
        &frames,
    );
    let command = sightings(&place.path("command.csv"));

    let output = Command::new(quickstart)
        .arg("--people")
        .arg(&people)
        .arg("--frames")
        .arg(&frames)
        .arg("--out")
        .arg(place.path("out"))
        .env("TZ", "Africa/Nairobi")
        .env("FACEKIT_MODELS", place.path("models"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let tour = sightings(&place.path("out/sightings.csv"));

    let expected = fs::read_to_string(data.join("frames.csv")).unwrap();
    let people = expected.lines().skip(1);
    let people = people.filter(|line| !line.contains(",stranger")).count();
    assert!(
        command.len() * 20 >= people * 19,
        "{} of {people}",
        command.len()
    );
    assert_eq!(command.len(), tour.len(), "{command:#?}\n{tour:#?}");
    for (command, tour) in command.iter().zip(&tour) {
        assert_eq!(
            (&command.0, &command.1, &command.2),
            (&tour.0, &tour.1, &tour.2)
        );
        // The command loads models for one thread and the quickstart for all, so rounding may differ.
        assert!((command.3 - tour.3).abs() < 1e-5, "{command:?} {tour:?}");
        assert!((command.4 - tour.4).abs() < 1e-5, "{command:?} {tour:?}");
    }
}
