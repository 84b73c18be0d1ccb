//! facekit's program for `cargo xtask bench peers`. It reads commands from standard input, one on each line, and answers each
//! with one line of JSON.
//!
//! - `go`: one round over the photos. The answer is the total time, the time of each stage, and the number of faces.
//! - `floor`: the least time for the same work: decoding, and one run of each network for each face on a prepared tensor.
//! - `frames`: photos that are already decoded, one after the other. Of five calls for each photo, the shortest counts: it is
//!   the least affected by other programs.
//! - `faces`: the faces in each photo.
//!
//! With `--start` it measures the time that a new process needs for the first photo, and ends.

mod networks;

use std::{
    cell::OnceCell,
    fs,
    io::{self, BufRead as _, Write as _},
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use facekit::{
    DetectOptions, Image, LoadOptions, ModelSet, QualityOptions, Recognition, Recognizer, Registry,
    Runtime,
    image::{self, DecodeLimits},
};
use facekit_candle::Candle;
use facekit_ort::Ort;
use facekit_tract::Tract;
use serde_json::{Value, json};

use crate::networks::{Run, Watched};

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

struct Args {
    runtime: String,
    models: PathBuf,
    selection: String,
    photos: Vec<PathBuf>,
    jobs: usize,
    threads: usize,
    max_side: usize,
    /// Look at each face again. The peers do not.
    second_look: bool,
    start: Option<String>,
}

impl Args {
    fn parse() -> Result<Self> {
        let mut args = Self {
            runtime: "ort".to_owned(),
            models: PathBuf::new(),
            selection: "standard".to_owned(),
            photos: Vec::new(),
            jobs: 1,
            threads: 1,
            max_side: 640,
            second_look: false,
            start: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(name) = words.next() {
            let value = words
                .next()
                .ok_or_else(|| format!("{name}: a value is missing"))?;
            match name.as_str() {
                "--runtime" => args.runtime = value,
                "--models" => args.models = value.into(),
                "--selection" => args.selection = value,
                "--photos" => {
                    args.photos = fs::read_to_string(value)?.lines().map(Into::into).collect();
                }
                "--jobs" => args.jobs = value.parse()?,
                "--threads" => args.threads = value.parse()?,
                "--max-side" => args.max_side = value.parse()?,
                "--second-look" => args.second_look = value.parse()?,
                "--start" => args.start = Some(value),
                _ => return Err(format!("no option {name}").into()),
            }
        }
        Ok(args)
    }

    fn registry(&self) -> Result<Registry> {
        Ok(facekit_nano::registry().read_folder(&self.models)?)
    }

    fn set(&self, registry: &Registry) -> Result<ModelSet> {
        let set = registry.resolve(&self.selection)?;
        Ok(if self.second_look {
            set
        } else {
            set.without_second_look()
        })
    }

    fn runtime(&self) -> Result<Box<dyn Runtime>> {
        match self.runtime.as_str() {
            "ort" => Ok(Box::new(Ort::new())),
            "tract" => Ok(Box::new(Tract::new())),
            "candle" => Ok(Box::new(Candle::new())),
            other => Err(format!("no runtime {other}").into()),
        }
    }
}

fn main() -> Result<()> {
    let args = Args::parse()?;
    match args.start.as_deref() {
        None => {}
        Some("facekit") => return start(&args),
        Some("bare") => return bare_start(&args),
        Some(other) => return Err(format!("no start {other}").into()),
    }
    let race = Race::new(args)?;
    for line in io::stdin().lock().lines() {
        answer(&match line?.as_str() {
            "go" => race.go()?,
            "floor" => race.floor()?,
            "frames" => race.frames()?,
            "faces" => race.faces()?,
            other => return Err(format!("no command {other}").into()),
        })?;
    }
    Ok(())
}

fn answer(value: &Value) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{value}")?;
    Ok(out.flush()?)
}

fn open(path: &PathBuf) -> facekit::Result<Image> {
    image::open(path, &DecodeLimits::default())
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

struct Race {
    args: Args,
    runtime: Watched,
    recognizer: Recognizer,
    /// The runs of the networks for each photo, which are recorded when they are first needed.
    runs: OnceCell<Vec<Vec<Run>>>,
}

impl Race {
    /// Every face is checked and embedded, whatever its quality, because the peers do so, too.
    fn new(args: Args) -> Result<Self> {
        let runtime = Watched::new(args.runtime()?);
        let options = LoadOptions::default().with_threads(args.threads);
        let registry = args.registry()?;
        let models = registry.load_set(&args.set(&registry)?, &runtime, &options)?;
        let recognizer = Recognizer::builder()
            .models(models)
            .detect_options(
                DetectOptions::default()
                    .with_score(0.6)
                    .with_overlap(0.3)
                    .with_max_side(Some(args.max_side)),
            )
            .quality(QualityOptions::anything())
            .liveness_threshold(0.0)
            .build()?;
        Ok(Self {
            args,
            runtime,
            recognizer,
            runs: OnceCell::new(),
        })
    }

    /// Recognizes all photos on `jobs` threads. Each thread takes the next photo that no other thread has taken.
    fn go(&self) -> Result<Value> {
        let (next, begun) = (AtomicUsize::new(0), Instant::now());
        self.runtime.milliseconds();
        let (photos, recognizer) = (&self.args.photos, &self.recognizer);
        let work = || -> facekit::Result<(f64, usize)> {
            let (mut decode, mut faces) = (0.0, 0);
            while let Some(path) = photos.get(next.fetch_add(1, Ordering::Relaxed)) {
                let reading = Instant::now();
                let photo = open(path)?;
                decode += milliseconds(reading);
                faces += recognizer.recognize(photo.view())?.len();
            }
            Ok((decode, faces))
        };
        let parts: Vec<_> = thread::scope(|scope| {
            let workers: Vec<_> = (1..self.args.jobs).map(|_| scope.spawn(work)).collect();
            let own = work();
            workers
                .into_iter()
                .map(|worker| worker.join().expect("no photo panics"))
                .chain([own])
                .collect::<facekit::Result<_>>()
        })?;
        let wall = milliseconds(begun);
        let (decode, faces) = parts
            .into_iter()
            .fold((0.0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let inference = self.runtime.milliseconds();
        Ok(json!({
            "wall_ms": wall,
            "faces": faces,
            "stages_ms": {
                "decode": decode,
                "inference": inference,
                "rest": wall * self.args.jobs as f64 - decode - inference,
            },
        }))
    }

    /// Runs the networks for one photo after the other, in the order of [`Self::go`].
    fn floor(&self) -> Result<Value> {
        let photos = &self.args.photos;
        if self.runs.get().is_none() {
            let runs = self.runtime.record(photos.len(), |photo| {
                let photo = open(&photos[photo])?;
                self.recognizer.recognize(photo.view()).map(drop)
            })?;
            self.runs.get_or_init(|| runs);
        }
        let (begun, mut decode) = (Instant::now(), 0.0);
        for (path, runs) in photos.iter().zip(self.runs.get().into_iter().flatten()) {
            let reading = Instant::now();
            let photo = open(path)?;
            decode += milliseconds(reading);
            self.runtime.replay(runs)?;
            drop(photo);
        }
        let wall = milliseconds(begun);
        Ok(json!({
            "wall_ms": wall,
            "stages_ms": { "decode": decode, "inference": wall - decode },
        }))
    }

    /// Measures only the call of `recognize`.
    fn frames(&self) -> Result<Value> {
        let (mut wall, mut faces) = (0.0, 0);
        for path in &self.args.photos {
            let frame = open(path)?;
            let (mut least, mut found) = (f64::INFINITY, 0);
            for _ in 0..5 {
                let begun = Instant::now();
                found = self.recognizer.recognize(frame.view())?.len();
                least = least.min(milliseconds(begun));
            }
            wall += least;
            faces += found;
        }
        Ok(json!({ "wall_ms": wall, "faces": faces }))
    }

    fn faces(&self) -> Result<Value> {
        let face = |face: &Recognition| {
            let rect = face.detection.rect;
            json!({
                "box": [rect.x, rect.y, rect.width, rect.height],
                "live": face.liveness.map(f32::from),
                "embedding": face.embedding.as_ref().map(|embedding| embedding.values()),
            })
        };
        self.args
            .photos
            .iter()
            .map(|path| {
                let faces = self.recognizer.recognize(open(path)?.view())?;
                Ok(faces.iter().map(face).collect::<Value>())
            })
            .collect()
    }
}

/// Measures the time until the faces of the first photo are recognized, from loading the models on.
fn start(args: &Args) -> Result<()> {
    let begun = Instant::now();
    let args = Args {
        photos: args.photos[..1].to_vec(),
        ..Args::parse()?
    };
    let race = Race::new(args)?;
    let loaded = milliseconds(begun);
    race.go()?;
    answer(&json!({ "load_ms": loaded, "first_ms": milliseconds(begun) }))
}

/// Measures the time until each network has run once, from loading the models on, without the rest of facekit.
fn bare_start(args: &Args) -> Result<()> {
    let begun = Instant::now();
    let (runtime, registry) = (args.runtime()?, args.registry()?);
    let set = args.set(&registry)?;
    let options = LoadOptions::default().with_threads(args.threads);
    let networks = set
        .models()
        .map(|entry| Ok(runtime.load(&registry.open(&entry.name)?, &options)?))
        .collect::<Result<Vec<_>>>()?;
    let loaded = milliseconds(begun);
    for network in &networks {
        networks::run_once(&**network)?;
    }
    answer(&json!({ "load_ms": loaded, "first_ms": milliseconds(begun) }))
}
