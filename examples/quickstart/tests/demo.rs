//! The quickstart without arguments: synthetic people, and the models that are part of the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use tempfile::TempDir;

/// The people in each frame. The name of a stranger is empty.
type Frames = BTreeMap<String, Vec<String>>;

/// The people who are in the frames.
fn truth(data: &Path) -> Frames {
    let mut frames = Frames::new();
    for line in fs::read_to_string(data.join("frames.csv"))
        .unwrap()
        .lines()
        .skip(1)
    {
        let fields: Vec<&str> = line.split(',').collect();
        let person = match fields[1] {
            stranger if stranger.starts_with("stranger") => String::new(),
            person => person.to_owned(),
        };
        frames.entry(fields[0].to_owned()).or_default().push(person);
    }
    frames
}

#[test]
fn the_demo_names_its_people_only() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
    let folder = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .current_dir(folder.path())
        // An empty folder, so that no models of the user are used.
        .env("FACEKIT_MODELS", folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{error}");
    println!("{text}");

    let mut found = Frames::new();
    let mut known = BTreeSet::new();
    let mut spoofs = 0;
    for line in fs::read_to_string(folder.path().join("faces.csv"))
        .unwrap()
        .lines()
        .skip(1)
    {
        let fields: Vec<&str> = line.split(',').collect();
        match fields[2] {
            "known" | "unknown" => {
                let person = if fields[2] == "known" { fields[3] } else { "" };
                if !person.is_empty() {
                    known.insert((fields[0].to_owned(), person.to_owned()));
                }
                let people = found.entry(fields[0].to_owned()).or_default();
                people.push(person.to_owned());
            }
            "spoof" => spoofs += 1,
            _ => {}
        }
    }
    let (mut there, mut named) = (0, 0);
    for (frame, expected) in truth(&data) {
        let found = found.remove(&frame).unwrap_or_default();
        for person in found.iter().filter(|person| !person.is_empty()) {
            assert!(expected.contains(person), "{frame}: {person} is not there");
        }
        let known = expected.iter().filter(|person| !person.is_empty());
        there += known.clone().count();
        named += known.filter(|person| found.contains(person)).count();
    }
    assert!(found.is_empty(), "faces in empty frames: {found:?}");
    println!("{named} of {there} named, {spoofs} rejected as prints or screens");
    assert!(named * 20 >= there * 19, "{named} of {there} named");

    let sightings = fs::read_to_string(folder.path().join("sightings.csv")).unwrap();
    let mut rows = sightings.lines();
    assert_eq!(rows.next(), Some("frame,time,person,score,liveness"));
    let mut seen = BTreeSet::new();
    for row in rows {
        let fields: Vec<&str> = row.split(',').collect();
        let [score, liveness] = [fields[3], fields[4]].map(|number| number.parse::<f32>().unwrap());
        assert!(score > 0.0 && liveness >= 0.5, "{row}");
        assert!(
            seen.insert((fields[0].to_owned(), fields[2].to_owned())),
            "{row}"
        );
    }
    assert_eq!(seen, known, "a sighting for each known person in a frame");

    let sheet = fs::read_to_string(folder.path().join("attendance.csv")).unwrap();
    assert!(!sheet.contains("Lane"), "{sheet}");
    assert!(folder.path().join("attendance.html").exists());
}

#[test]
fn people_and_frames_go_together() {
    let folder = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .current_dir(folder.path())
        .args(["--people", "."])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("--frames"), "{error}");
}
