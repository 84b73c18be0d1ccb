//! Visits of the synthetic people at a door, with the real recognition: who is enrolled is named, strangers are not.

use attendance_server::{
    door::{Conclusion, DoorRules, DoorState, Refusal, Visit},
    id::Id,
    recognition::{Frame, Recognition},
};
use facekit::{
    Image, Template, TemplateId,
    image::{self, DecodeLimits},
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::support::{picture, recognition};

/// A frame without people, of the same camera.
const EMPTY: &str = "frames/2026-03-02T08-30-00.jpg";

/// A face in a frame: the file, the name, and the point between the eyes.
struct Sight {
    file: String,
    name: String,
    x: usize,
    y: usize,
}

fn sights() -> Vec<Sight> {
    let list = picture("frames.csv");
    let lines = std::str::from_utf8(&list).unwrap().lines().skip(1);
    let sight = |line: &str| {
        let parts: Vec<&str> = line.split(',').collect();
        Sight {
            file: format!("frames/{}", parts[0]),
            name: parts[1].to_owned(),
            x: parts[2].parse().unwrap(),
            y: parts[3].parse().unwrap(),
        }
    };
    lines.map(sight).collect()
}

fn decoded(name: &str) -> Image {
    image::decode(&picture(name), &DecodeLimits::default()).unwrap()
}

/// The frame with one person alone, in the middle and moved by some pixels: the others are behind the empty frame's wall.
fn alone(sight: &Sight, all: &[Sight], shift: isize) -> Vec<u8> {
    let (frame, mut picture) = (decoded(&sight.file), decoded(EMPTY));
    let (width, height) = (picture.width(), picture.height());
    let beside = all
        .iter()
        .filter(|other| other.file == sight.file && other.x != sight.x)
        .map(|other| other.x.abs_diff(sight.x) / 2)
        .min();
    let half = beside.unwrap_or(150).min(150).min(sight.x).min(width - sight.x);
    let to = (width / 2).checked_add_signed(shift).unwrap();
    let row = 3 * width;
    for y in 0..height {
        let (from, into) = (y * row + 3 * (sight.x - half), y * row + 3 * (to - half));
        let strip = frame.data()[from..from + 6 * half].to_vec();
        picture.data_mut()[into..into + 6 * half].copy_from_slice(&strip);
    }
    assert!(sight.y < height);
    image::encode_jpeg(&picture, 95)
}

/// Enrols a person from five photos.
async fn enrol(org: Id, site: Id, name: &str) -> Id {
    let person = Id::new(Timestamp::now());
    let photos = (1..=5).map(|photo| picture(&format!("people/{name}/{photo}.jpg")));
    let (seen, _) = watch::channel(0);
    let analyzed = recognition()
        .analyze(org, person, person, photos.collect(), seen)
        .await
        .unwrap();
    let id = facekit::PersonId::new(person.to_string()).unwrap();
    let templates = analyzed.templates.iter().enumerate();
    let templates =
        templates.map(|(number, new)| Template::new(TemplateId(number as u64), id.clone(), new));
    recognition()
        .follow(org, person, site, templates.collect())
        .await
        .unwrap();
    person
}

/// The result of a visit of at most three seconds, five frames a second, and the frames that it took.
async fn visit(org: Id, sight: &Sight, all: &[Sight]) -> (DoorState, usize) {
    let mut visit = Visit::new(DoorRules {
        has_liveness: true,
        liveness: 0.5,
    });
    let mut now = Timestamp::UNIX_EPOCH;
    let mut state = DoorState::NoFaces;
    for frame in 1..=15 {
        now += SignedDuration::from_millis(200);
        let shift = [0, 2, 5, 3, -1, -4, -2][frame % 7];
        let faces = recognition()
            .recognize(Frame {
                org,
                image: alone(sight, all, shift).into(),
                sites: None,
            })
            .await
            .unwrap();
        state = visit.push(&faces, now);
        if !matches!(state, DoorState::Guide(..)) {
            visit.conclude(Conclusion::Recorded, now);
            return (state, frame);
        }
    }
    (state, 15)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enrolled_people_are_named_and_strangers_are_not() {
    let [org, site] = [(); 2].map(|()| Id::new(Timestamp::now()));
    let all = sights();
    let mut people: Vec<(String, Id)> = Vec::new();
    for sight in all.iter().filter(|sight| !sight.name.contains("stranger")) {
        if people.iter().all(|(name, _)| *name != sight.name) {
            people.push((sight.name.clone(), enrol(org, site, &sight.name).await));
        }
    }
    let (mut named, mut spoof, mut other, mut frames) = (0, 0, Vec::new(), Vec::new());
    let (mut strangers, mut visits) = (0, 0);
    for sight in &all {
        let (state, count) = visit(org, sight, &all).await;
        let person = people.iter().find(|(name, _)| *name == sight.name);
        let name = format!("{} in {}: {state:?}", sight.name, sight.file);
        match (state, person) {
            (DoorState::Decided(decision), Some((_, person))) => {
                assert_eq!(decision.person.as_str(), person.to_string(), "{name}");
                named += 1;
                frames.push(count);
            }
            (DoorState::Decided(_), None) => panic!("a stranger is named: {name}"),
            (DoorState::Refused(Refusal::Spoof), Some(_)) => spoof += 1,
            (_, Some(_)) => other.push(name),
            (_, None) => strangers += 1,
        }
        visits += 1;
    }
    println!(
        "{visits} visits: {named} named after {frames:?} frames, {spoof} refused as spoof, {strangers} strangers; {other:#?}"
    );
    assert!(strangers >= 3, "{strangers} visits of strangers");
    let enrolled = visits - strangers;
    assert!(
        10 * named >= 9 * enrolled,
        "{named} of {enrolled} are named, {spoof} refused as spoof, {other:?}"
    );
}
