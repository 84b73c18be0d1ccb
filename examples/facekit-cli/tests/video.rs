//! `facekit eval video`: tracks in videos that are computed from photos. With `FACEKIT_SOAK` set, of people of Labeled Faces in the Wild
//! with the set `standard`, and more of them; else a few of synthetic people with the set `nano`.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::Place;
use serde_json::Value;

fn synthetic() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/people")
}

fn eval(place: &Place, people: &Path, more: &[&str]) -> Value {
    let people = people.to_str().unwrap();
    let arguments = ["--json", "eval", "video", "--people", people];
    let report = place.run([&arguments[..], more].concat()).ends(0).json();
    println!("{report:#}");
    report
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// The share of the people of a row.
fn share(row: &Value, key: &str) -> f64 {
    number(&row[key]) / number(&row["people"])
}

/// The goals of the identity scores at five frames a second.
fn check_crowds(row: &Value) {
    assert!(number(&row["idf1"]) >= 0.95, "{row:#}");
    // A few tracks may have one switch.
    let most = (0.01 * number(&row["tracks"])).max(1.0);
    assert!(number(&row["switches"]) <= most, "{row:#}");
}

fn check_gate(gate: &Value) {
    assert!(number(&gate["searches_per_second"]) <= 0.6, "{gate:#}");
    assert_eq!(gate["missed"], 0, "{gate:#}");
}

#[test]
fn synthetic_people_are_followed() {
    let place = Place::new();
    let more = ["--scenes", "5", "--fps", "5", "--crowd", "5"];
    let report = eval(&place, &synthetic(), &more);
    assert_eq!(report["people"]["gallery"], 8);
    assert_eq!(report["people"]["strangers"], 4);
    let crowds = &report["crowds"][0];
    check_crowds(crowds);
    assert_eq!(crowds["one_sighting"], crowds["people"]);
    assert_eq!(crowds["wrong_names"], 0);
    let alone = &report["alone"];
    let (visitors, past) = (&alone["visitors"][0], &alone["walkers_past"][0]);
    let seconds = &visitors["seconds_to_identity"];
    assert!(
        number(&seconds["median"]) <= 0.6 && number(&seconds["p95"]) <= 1.5,
        "{visitors:#}"
    );
    assert!(share(past, "decided") >= 0.95, "{past:#}");
    check_gate(&alone["motion_gate"]);
    assert_eq!(alone["motion_gate"]["walkers"], 10);
    assert_eq!(alone["strangers"]["named"], 0);
    assert_eq!(alone["strangers"]["people"], 5);
}

#[test]
fn detections_are_written_with_the_truth() {
    let place = Place::new();
    let more = ["--scenes", "2", "--fps", "5", "--detections", "found.jsonl"];
    let report = eval(&place, &synthetic(), &more);
    assert!(report["alone"].is_null());
    let text = fs::read_to_string(place.path("found.jsonl")).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2 * 30);
    let true_faces: usize = lines.iter().map(|line| list(&line["truth"]).len()).sum();
    let found_faces: usize = lines
        .iter()
        .map(|line| list(&line["detections"]).len())
        .sum();
    assert!(
        true_faces > 20 && found_faces > true_faces / 2,
        "{true_faces}, {found_faces}"
    );
    assert_eq!(lines[59]["milliseconds"], 5800);
}

#[test]
fn wrong_options_are_named() {
    let place = Place::new();
    place.line("eval video --people none").fails(&["none"]);
    place
        .line("eval video --people . --fps 0.5")
        .fails(&["--fps", "1 to 100"]);
    let one = place.path("people/anna/1.jpg");
    fs::create_dir_all(one.parent().unwrap()).unwrap();
    fs::copy(synthetic().join("Ari/1.jpg"), one).unwrap();
    place
        .line("eval video --people people")
        .fails(&["two photos or more"]);
}

/// The long form.
#[test]
fn people_of_labeled_faces_in_the_wild_are_followed() {
    let test = "video::people_of_labeled_faces_in_the_wild_are_followed";
    if std::env::var_os("FACEKIT_SOAK").is_none() {
        facekit_conformance::skip(test, "a part of `cargo xtask soak video`");
        return;
    }
    let Some(data) = facekit_conformance::data(test, &["data/lfw/images", "models"]) else {
        return;
    };
    let mut place = Place::new();
    place.set("FACEKIT_MODELS", data.join("models"));
    place.set("FACEKIT_SELECTION", "standard");
    let runtime = match std::env::var_os("ORT_DYLIB_PATH") {
        Some(_) => "ort",
        None => "tract",
    };
    let images = data.join("data/lfw/images");
    let more = [
        "--scenes",
        "120",
        "--fps",
        "5,10,15,30",
        "--runtime",
        runtime,
    ];
    let report = eval(&place, &images, &more);
    assert_eq!(
        report["people"]["gallery"].as_u64().unwrap() / 100,
        9,
        "of 1,000 some are refused"
    );
    for crowds in list(&report["crowds"]) {
        if crowds["fps"] == 5.0 {
            check_crowds(crowds);
            assert!(share(crowds, "one_sighting") >= 0.98, "{crowds:#}");
        }
    }
    let alone = &report["alone"];
    for (visitors, past) in list(&alone["visitors"])
        .iter()
        .zip(list(&alone["walkers_past"]))
    {
        let seconds = &visitors["seconds_to_identity"];
        assert!(
            number(&seconds["median"]) <= 0.6 && number(&seconds["p95"]) <= 1.5,
            "{visitors:#}"
        );
        assert!(share(past, "decided") >= 0.95, "{past:#}");
    }
    check_gate(&alone["motion_gate"]);
    assert!(
        number(&alone["strangers"]["named_per_hour"]) <= 0.6,
        "{alone:#}"
    );
}
