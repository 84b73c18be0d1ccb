//! The quickstart on Labeled Faces in the Wild. Ten people are enrolled from two photos each. Their other photos and the photos of
//! fifty strangers are the frames.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// The false-match rate of the quickstart for one comparison.
const FMR: f64 = 1e-4;

#[test]
fn known_people_are_named_and_strangers_are_not() {
    let Some(lfw) = Lfw::open("quickstart::known_people_are_named_and_strangers_are_not") else {
        return;
    };
    let scene = lfw.scene();
    let sightings = scene.run(&["--no-liveness"]);

    let mut missed = Vec::new();
    let mut misnamed = Vec::new();
    for (frame, person) in &scene.known {
        let rows = &sightings[frame];
        if !rows
            .iter()
            .any(|row| row.outcome == "known" && row.person == *person)
        {
            missed.push(format!("{frame}: {rows:?}"));
        }
        misnamed.extend(
            rows.iter()
                .filter(|row| row.outcome == "known" && row.person != *person),
        );
    }
    println!(
        "{} of {} frames of known people named",
        scene.known.len() - missed.len(),
        scene.known.len()
    );
    println!("missed:\n  {}", missed.join("\n  "));
    assert!(misnamed.is_empty(), "{misnamed:?}");
    assert!(
        missed.len() as f64 <= 0.05 * scene.known.len() as f64,
        "{} missed",
        missed.len()
    );

    // Each stranger is compared with all templates. The calibration gives the expected number of false matches. The limit is
    // three standard deviations above it.
    let named = scene
        .strangers
        .iter()
        .filter(|frame| sightings[*frame].iter().any(|row| row.outcome == "known"));
    let named = named.collect::<Vec<_>>();
    let expected = scene.strangers.len() as f64 * scene.templates as f64 * FMR;
    println!(
        "{} of {} strangers named, {expected:.2} expected",
        named.len(),
        scene.strangers.len()
    );
    assert!(
        named.len() as f64 <= expected + 3.0 * expected.sqrt(),
        "{named:?}"
    );
}

#[test]
fn with_liveness_refusals_are_reported() {
    let Some(lfw) = Lfw::open("quickstart::with_liveness_refusals_are_reported") else {
        return;
    };
    let scene = lfw.scene();
    let sightings = scene.run(&[]);
    let count = |outcome: &str| {
        sightings
            .values()
            .flatten()
            .filter(|row| row.outcome == outcome)
            .count()
    };
    let (known, spoof) = (count("known"), count("spoof"));
    println!(
        "{known} faces known, {} unknown, {spoof} refused as not live",
        count("unknown")
    );
    for (frame, row) in sightings
        .iter()
        .flat_map(|(frame, rows)| rows.iter().map(move |row| (frame, row)))
    {
        if row.outcome == "spoof" {
            println!("  {frame}: {}", row.detail);
            assert!(row.detail.starts_with("liveness 0."), "{row:?}");
        }
    }
    assert!(known > 0, "nobody passed");
    let page = fs::read_to_string(scene.folder.path().join("out/attendance.html")).unwrap();
    assert_eq!(
        page.matches("<figure>").count(),
        scene.known.len() + scene.strangers.len()
    );
    assert_eq!(page.matches("<g class=spoof>").count(), spoof);
    assert!(
        !page.contains("src=\"http") && !page.contains("href=\"http"),
        "the page needs the network"
    );
}

#[test]
fn missing_models_are_named() {
    let folder = TempDir::new().unwrap();
    let run = |models: &str| {
        Command::new(env!("CARGO_BIN_EXE_quickstart"))
            .args([
                "--people",
                "no-such-folder",
                "--frames",
                "frames",
                "--models",
                models,
            ])
            .env("FACEKIT_MODELS", folder.path())
            .output()
            .unwrap()
    };
    let error = |output: Output| {
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(error(run("standard")).contains("facekit models pull yunet_n"));
    assert!(error(run("standart")).contains("did you mean \"standard\""));
}

struct Lfw {
    images: PathBuf,
    models: PathBuf,
}

/// A folder of people, a folder of frames, and the people in the frames.
struct Scene {
    folder: TempDir,
    models: PathBuf,
    /// The frames of enrolled people, with the person.
    known: Vec<(String, String)>,
    strangers: Vec<String>,
    templates: usize,
}

#[derive(Debug)]
struct Row {
    outcome: String,
    person: String,
    detail: String,
}

impl Lfw {
    fn open(test: &str) -> Option<Self> {
        let data =
            facekit_conformance::data(test, &["data/lfw/images", "models/mobilefacenet.onnx"])?;
        Some(Self {
            images: data.join("data/lfw/images"),
            models: data.join("models"),
        })
    }

    fn scene(&self) -> Scene {
        const ENROLLED: usize = 2;
        let folder = TempDir::new().unwrap();
        let (people, frames) = (folder.path().join("people"), folder.path().join("frames"));
        fs::create_dir_all(&frames).unwrap();
        let mut scene = Scene {
            folder,
            models: self.models.clone(),
            known: Vec::new(),
            strangers: Vec::new(),
            templates: 0,
        };
        let mut day = 0;
        for person in sorted(&self.images) {
            let photos = sorted(&self.images.join(&person));
            if photos.len() >= 5 && scene.templates < 10 * ENROLLED {
                fs::create_dir_all(people.join(&person)).unwrap();
                for photo in &photos[..ENROLLED] {
                    copy(
                        &self.images.join(&person).join(photo),
                        &people.join(&person).join(photo),
                    );
                }
                for photo in &photos[ENROLLED..] {
                    day += 1;
                    let frame = frame_name(day, photo);
                    copy(&self.images.join(&person).join(photo), &frames.join(&frame));
                    scene.known.push((frame, person.clone()));
                }
                scene.templates += ENROLLED;
            } else if photos.len() == 1 && scene.strangers.len() < 50 {
                day += 1;
                let frame = frame_name(day, &photos[0]);
                copy(
                    &self.images.join(&person).join(&photos[0]),
                    &frames.join(&frame),
                );
                scene.strangers.push(frame);
            }
        }
        scene
    }
}

impl Scene {
    /// Runs the quickstart and returns the outcomes of the faces of each frame.
    fn run(&self, arguments: &[&str]) -> BTreeMap<String, Vec<Row>> {
        let path = |name: &str| self.folder.path().join(name);
        let output = Command::new(env!("CARGO_BIN_EXE_quickstart"))
            .args([
                "--people".as_ref(),
                path("people").as_os_str(),
                "--frames".as_ref(),
                path("frames").as_os_str(),
            ])
            .args(["--out".as_ref(), path("out").as_os_str()])
            .args(arguments)
            .args(["--models", "standard"])
            .env("FACEKIT_MODELS", &self.models)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        println!("{text}");

        let sheet = fs::read_to_string(path("out/attendance.csv")).unwrap();
        assert!(
            sheet.starts_with("person,first_seen,last_seen,times\n"),
            "{sheet}"
        );
        let mut sightings: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for line in fs::read_to_string(path("out/faces.csv"))
            .unwrap()
            .lines()
            .skip(1)
        {
            let fields: Vec<&str> = line.splitn(6, ',').collect();
            let [frame, _, outcome, person, _, detail] = fields[..] else {
                panic!("{line}")
            };
            sightings.entry(frame.to_owned()).or_default().push(Row {
                outcome: outcome.to_owned(),
                person: person.to_owned(),
                detail: detail.to_owned(),
            });
        }
        sightings
    }
}

/// The name of a frame; one frame each minute.
fn frame_name(minute: usize, photo: &str) -> String {
    format!(
        "2026-03-02T{:02}-{:02}-00 {photo}",
        8 + minute / 60,
        minute % 60
    )
}

fn sorted(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn copy(from: &Path, to: &Path) {
    // Without `fs::copy`, which would copy a read-only permission.
    io::copy(
        &mut fs::File::open(from).unwrap(),
        &mut fs::File::create(to).unwrap(),
    )
    .unwrap();
}
