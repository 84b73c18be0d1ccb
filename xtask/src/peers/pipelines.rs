//! Races of whole pipelines, from photos to faces with embeddings and liveness scores.

use std::{ffi::OsString, path::PathBuf};

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::{
    Setup, faces,
    racer::{Program, Racer},
    report::{Report, median},
};

/// One or more processes that share the photos, and their order.
pub(super) struct Contender {
    name: String,
    order: &'static str,
    pub(super) racers: Vec<Racer>,
    times: Vec<f64>,
    /// The times of each stage, one for each round.
    stages: Vec<(String, Vec<f64>)>,
}

impl Contender {
    pub(super) fn new(name: &str, programs: &[Program]) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            order: "go",
            racers: programs.iter().map(Program::start).collect::<Result<_>>()?,
            times: Vec::new(),
            stages: Vec::new(),
        })
    }

    /// Gives another order than `go`.
    pub(super) fn with_order(mut self, order: &'static str) -> Self {
        self.order = order;
        self
    }

    /// Runs one round. Its time is that of the slowest process.
    fn round(&mut self, photos: usize) -> Result<()> {
        for racer in &mut self.racers {
            racer.tell(self.order)?;
        }
        let mut slowest = 0.0_f64;
        let mut stages = Vec::new();
        for racer in &mut self.racers {
            let answer = racer.answer()?;
            slowest = slowest.max(answer["wall_ms"].as_f64().unwrap_or(f64::NAN));
            stages.push(answer["stages_ms"].as_object().cloned().unwrap_or_default());
        }
        self.times.push(slowest / photos as f64);
        for (stage, time) in stages.into_iter().flatten() {
            let time = time.as_f64().unwrap_or(f64::NAN) / photos as f64;
            match self.stages.iter_mut().find(|(name, _)| *name == stage) {
                Some((_, times)) => times.push(time),
                None => self.stages.push((stage, vec![time])),
            }
        }
        Ok(())
    }

    fn notes(&self) -> Map<String, Value> {
        let rounded = |times: &Vec<f64>| json!((median(times.clone()) * 1e3).round() / 1e3);
        self.stages
            .iter()
            .map(|(stage, times)| (stage.clone(), rounded(times)))
            .collect()
    }
}

/// Races over `photos`, on one thread and on two.
pub(super) fn race(
    setup: &Setup,
    name: &str,
    photos: &[PathBuf],
    report: &mut Report,
) -> Result<()> {
    let all = setup.list(name, photos)?;
    let mut one = vec![
        Contender::new("facekit", &[facekit(setup, &all, "1")?])?,
        Contender::new("floor", &[facekit(setup, &all, "1")?])?.with_order("floor"),
        Contender::new("Python, ONNX Runtime", &[python(setup, "ort", "1", &all)])?,
        Contender::new(
            "Python, FaceDetectorYN",
            &[python(setup, "opencv", "1", &all)],
        )?,
    ];
    let found = one[0].racers[0].ask("faces")?;
    let mut agreement = Map::new();
    for peer in &mut one[2..] {
        let theirs = peer.racers[0].ask("faces")?;
        agreement.insert(
            peer.name.clone(),
            faces::compare(&found, &theirs, &peer.name)?.into(),
        );
    }
    println!("{name}: the same faces: {}", Value::from(agreement));
    // The peers take the landmarks of the detector, so this is compared with facekit itself.
    let second_look = facekit(setup, &all, "1")?.option("--second-look", "true");
    one.push(Contender::new("facekit, second look", &[second_look])?);
    rounds(
        setup,
        &format!("{name}, one thread"),
        photos.len(),
        one,
        report,
    )?;

    let mut two = vec![Contender::new(
        "facekit, two jobs",
        &[facekit(setup, &all, "2")?],
    )?];
    two.extend(peers_on_two_cores(setup, name, photos)?);
    rounds(
        setup,
        &format!("{name}, two cores"),
        photos.len(),
        two,
        report,
    )
}

/// Races over the frames of the demo on one thread: `nano` on tract beside the full models of the peers.
pub(super) fn demo(setup: &Setup, report: &mut Report) -> Result<()> {
    let (nano, frames) = setup.demo()?;
    let all = setup.list("demo", &frames)?;
    let mut contenders = vec![
        Contender::new("facekit, nano on tract", &[facekit(&nano, &all, "1")?])?,
        Contender::new("Python, ONNX Runtime", &[python(setup, "ort", "1", &all)])?,
    ];
    let found = contenders[0].racers[0].ask("faces")?;
    let theirs = contenders[1].racers[0].ask("faces")?;
    let agreement = faces::compare(&found, &theirs, "Python")?;
    println!("demo: the same faces: {}", Value::from(agreement));
    rounds(setup, "demo, one thread", frames.len(), contenders, report)
}

/// facekit's program over a list of photos.
pub(super) fn facekit(setup: &Setup, photos: &OsString, jobs: &str) -> Result<Program> {
    Ok(setup
        .facekit("race")?
        .option("--runtime", &setup.runtime)
        .option("--selection", &setup.selection)
        .option("--models", setup.own_models())
        .option("--photos", photos)
        .option("--jobs", jobs))
}

fn python(setup: &Setup, detector: &str, threads: &str, photos: &OsString) -> Program {
    setup
        .peer("pipeline.py")
        .option("--models", setup.models())
        .option("--detector", detector)
        .option("--threads", threads)
        .option("--photos", photos)
}

/// ONNX Runtime and OpenCV in Python: one process with two threads, and two processes that share the photos.
pub(super) fn peers_on_two_cores(
    setup: &Setup,
    name: &str,
    photos: &[PathBuf],
) -> Result<[Contender; 2]> {
    let all = setup.list(name, photos)?;
    let half = |part: &str, first: usize| {
        let photos: Vec<PathBuf> = photos.iter().skip(first).step_by(2).cloned().collect();
        setup.list(&format!("{name}-{part}"), &photos)
    };
    let (even, odd) = (half("even", 0)?, half("odd", 1)?);
    let halves = [
        python(setup, "ort", "1", &even),
        python(setup, "ort", "1", &odd),
    ];
    Ok([
        Contender::new("Python, two threads", &[python(setup, "ort", "2", &all)])?,
        Contender::new("Python, two processes", &halves)?,
    ])
}

/// Runs a round to warm up, then the measured rounds. Each begins with another contender.
pub(super) fn rounds(
    setup: &Setup,
    race: &str,
    photos: usize,
    mut contenders: Vec<Contender>,
    report: &mut Report,
) -> Result<()> {
    for round in 0..=setup.rounds {
        for nth in 0..contenders.len() {
            let at = (nth + round) % contenders.len();
            contenders[at].round(photos)?;
        }
        if round == 0 {
            for contender in &mut contenders {
                contender.times.clear();
                contender.stages.clear();
            }
        }
        println!("{race}: round {round} of {}", setup.rounds);
    }
    let results = contenders
        .into_iter()
        .map(|contender| {
            let notes = contender.notes();
            (contender.name, contender.times, notes)
        })
        .collect();
    report.add(race, "ms/photo", results);
    Ok(())
}
