//! `cargo xtask bench peers`: facekit beside other libraries, with the same photos, weights, detection size and threads. The
//! contenders take turns, a round each.

mod faces;
mod package;
mod pipelines;
mod racer;
mod report;
mod search;
mod start;
mod tracks;

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::{
    python,
    runner::{cargo, root, succeed, target},
    wheel,
};

pub(crate) use tracks::run as run_tracks;

/// The Python packages of the peers.
const PACKAGES: [&str; 5] = [
    "numpy==2.4.6",
    "opencv-python-headless==5.0.0.93",
    "onnxruntime==1.31.1",
    "hnswlib==0.8.0",
    "faiss-cpu==1.15.1",
];

/// The Python packages of the service beside attendance-server.
const SERVICE: [&str; 5] = [
    "numpy==2.4.6",
    "opencv-python-headless==5.0.0.93",
    "onnxruntime==1.31.1",
    "fastapi==0.165.0",
    "uvicorn==0.54.0",
];

/// The options and folders of a race.
#[derive(Clone)]
struct Setup {
    /// Rounds over each set of photos.
    rounds: usize,
    runtime: String,
    selection: String,
    /// The folder with weights and photos.
    data: PathBuf,
    python: PathBuf,
    /// The folder for lists of photos, vectors and the report.
    folder: PathBuf,
}

impl Setup {
    fn new(arguments: &[String]) -> Result<Self> {
        let data = env::var_os("FACEKIT_TEST_DATA")
            .context("FACEKIT_TEST_DATA must name the folder with weights and photos")?;
        let mut setup = Self {
            rounds: 7,
            runtime: "ort".to_owned(),
            selection: "standard".to_owned(),
            data: data.into(),
            python: PathBuf::new(),
            folder: root().join("target/peers"),
        };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else {
                bail!("{}: a value is missing", pair[0]);
            };
            match name.as_str() {
                "--rounds" => setup.rounds = value.parse().context("--rounds")?,
                "--runtime" => setup.runtime.clone_from(value),
                "--models" => setup.selection.clone_from(value),
                _ => bail!("no option {name}: there are --rounds, --runtime and --models"),
            }
        }
        if setup.rounds == 0 {
            bail!("--rounds must be 1 or more");
        }
        fs::create_dir_all(&setup.folder)?;
        setup.python = python::environment("peers", &PACKAGES)?;
        Ok(setup)
    }

    /// The folder of the peers' models.
    fn models(&self) -> PathBuf {
        self.data.join("models")
    }

    /// The folder of facekit's models, which may differ from the peers' models: quantized ones, for example.
    fn own_models(&self) -> PathBuf {
        env::var_os("FACEKIT_MODELS").map_or_else(|| self.models(), PathBuf::from)
    }

    /// One of facekit's programs for races. It uses the ONNX Runtime of the peers.
    fn facekit(&self, program: &str) -> Result<racer::Program> {
        let program = target().join("release/examples").join(program);
        let environment = self.python.parent().and_then(Path::parent);
        let environment = environment.context("an environment has a folder of programs")?;
        Ok(racer::Program::new(program).with("VIRTUAL_ENV", environment))
    }

    fn peer(&self, script: &str) -> racer::Program {
        let script = root().join("benches/peers").join(script);
        racer::Program::new(&self.python).argument(script)
    }

    /// Writes a file that lists `photos`.
    fn list(&self, name: &str, photos: &[PathBuf]) -> Result<OsString> {
        let file = self.folder.join(name).with_extension("txt");
        let lines: Vec<_> = photos.iter().map(|photo| photo.to_string_lossy()).collect();
        fs::write(&file, lines.join("\n"))?;
        Ok(file.into())
    }

    /// The photos of the reference outputs, and about 500 photos of LFW.
    fn photos(&self) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
        let wild = images(&self.data.join("data/lfw/images"))?;
        let step = wild.len().div_ceil(500).max(1);
        let wild = wild.into_iter().step_by(step).collect();
        Ok((images(&self.data.join("data/photos"))?, wild))
    }

    /// The frames of the demo, and the models and runtime that new users have: `nano` on tract.
    fn demo(&self) -> Result<(Self, Vec<PathBuf>)> {
        let setup = Self {
            runtime: "tract".to_owned(),
            selection: "nano".to_owned(),
            ..self.clone()
        };
        Ok((setup, images(&root().join("examples/data/frames"))?))
    }

    /// Prints a report and writes it into the folder.
    fn write(&self, report: &report::Report, name: &str) -> Result<()> {
        report.print();
        let file = self.folder.join(name);
        let all = json!({
            "packages": PACKAGES,
            "runtime": self.runtime,
            "models": self.selection,
            "rounds": self.rounds,
            "cores": std::thread::available_parallelism()?,
            "results": report.rows(),
        });
        fs::write(&file, format!("{all:#}\n"))?;
        println!("\nwritten to {}", file.display());
        Ok(())
    }
}

/// Runs all races, prints the results, and writes them to `target/peers/report.json`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let setup = Setup::new(arguments)?;
    build()?;
    let (photos, wild) = setup.photos()?;
    let mut report = report::Report::default();
    for (name, photos) in [("photos", &photos), ("lfw", &wild)] {
        pipelines::race(&setup, name, photos, &mut report)?;
    }
    pipelines::demo(&setup, &mut report)?;
    start::race(&setup, &photos, &mut report)?;
    search::race(&setup, &mut report)?;
    setup.write(&report, "report.json")
}

/// Races the Python package against the same calls from Rust, prints the results, and writes them to
/// `target/peers/python.json`. Both are built with cargo's profile release.
pub(crate) fn run_package(arguments: &[String]) -> Result<()> {
    let setup = Setup::new(arguments)?;
    build()?;
    let wheel = wheel::Options::parse(&[], "release")?.build()?;
    wheel::install(&setup.python, &wheel)?;
    let (photos, wild) = setup.photos()?;
    let mut report = report::Report::default();
    for (name, photos) in [("photos", &photos), ("lfw", &wild)] {
        package::race(&setup, name, photos, &mut report)?;
    }
    setup.write(&report, "python.json")
}

/// Runs parts of the load bench of attendance-server, all of them by default.
pub(crate) fn run_server(arguments: &[String]) -> Result<()> {
    let python = python::environment("peer-service", &SERVICE)?;
    // The features of all programs, so that cargo compiles nothing twice.
    let all = ["bench", "--workspace", "--all-features", "--bench", "load"];
    let mut bench = cargo(&all);
    bench.arg("--").args(arguments);
    bench.env("LOAD_PEER", &python);
    bench.env("ORT_DYLIB_PATH", python::onnxruntime(&python)?);
    succeed(&mut bench)
}

/// Builds facekit's programs for races with the features of the wheel, so that cargo compiles nothing twice.
fn build() -> Result<()> {
    let all = ["build", "--release", "--workspace", "--all-features"];
    let mut build = cargo(&all);
    succeed(build.args(["--example", "race", "--example", "search_race"]))
}

/// The JPEG files in a folder and its subfolders, by name.
fn images(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(images(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "jpg") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
