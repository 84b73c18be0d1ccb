//! Presentation attack detection as ISO/IEC 30107-3 reports it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use facekit::{Models, Subject, wilson_interval};
use serde_json::{Value, json};

use super::names;
use crate::{
    context::{DetectArgs, ModelArgs, Session, share},
    files::{images_in, open_image},
    output::table,
    work,
};

/// BPCER is the share of living faces that are refused, APCER the share of attacks that pass, for each folder of attacks
/// by itself (a folder is an attack species). The largest face of a photo counts; photos without a face are counted apart,
/// as no response.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Photos of living people
    #[arg(long, value_name = "DIR", required = true)]
    live: Vec<PathBuf>,

    /// Photos of attacks: a folder of photos, or of folders, one for each species
    #[arg(long, value_name = "DIR", required = true)]
    attack: Vec<PathBuf>,

    #[command(flatten)]
    models: ModelArgs,

    #[command(flatten)]
    detect: DetectArgs,

    /// The lowest liveness score that counts as live, 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t = 0.5, value_parser = share)]
    liveness_threshold: f32,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<()> {
    let (models, detector, _) = names(&args.models)?;
    let threshold = args.liveness_threshold;
    let folders = |given: &[PathBuf]| -> Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for folder in given {
            folders.extend(species(folder)?);
        }
        Ok(folders)
    };
    let mut rows = Vec::new();
    for (live, folder) in folders(&args.live)?
        .iter()
        .map(|folder| (true, folder))
        .chain(folders(&args.attack)?.iter().map(|folder| (false, folder)))
    {
        rows.push(measure(session, args, &models, folder, live, threshold)?);
    }
    let report = json!({
        "detector": detector,
        "runtime": args.models.runtime_name(),
        "threshold": threshold,
        "live": rows.iter().filter(|row| row["live"] == true).collect::<Vec<_>>(),
        "attacks": rows.iter().filter(|row| row["live"] == false).collect::<Vec<_>>(),
    });
    session.output.answer(&report, || {
        let rows = rows.iter().map(|row| {
            let percent = |key: &str| 100.0 * row["error_rate"][key].as_f64().unwrap_or(f64::NAN);
            [
                row["folder"].as_str().unwrap_or_default().to_owned(),
                if row["live"] == true {
                    "BPCER"
                } else {
                    "APCER"
                }
                .to_owned(),
                format!(
                    "{:.1} % ({:.1} to {:.1})",
                    percent("share"),
                    percent("low"),
                    percent("high")
                ),
                row["faces"].to_string(),
                row["no_face"].to_string(),
            ]
        });
        table(
            [
                "folder",
                "rate",
                "share and 95 % interval",
                "faces",
                "no face",
            ],
            rows,
        )
    })
}

/// The folders with photos in them: `folder` itself, or else those right below it.
fn species(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{}: reading failed", folder.display()))?;
    let mut below = Vec::new();
    for entry in entries {
        let path = entry
            .with_context(|| format!("{}: reading failed", folder.display()))?
            .path();
        if path.is_dir() {
            below.push(path);
        }
    }
    below.sort();
    let mut folders: Vec<PathBuf> = below
        .into_iter()
        .filter(|folder| images_in(folder).is_ok())
        .collect();
    if folders.is_empty() || images_in(folder).is_ok() {
        folders.insert(0, folder.to_owned());
    }
    Ok(folders)
}

fn measure(
    session: &Session,
    args: &Args,
    models: &Models,
    folder: &Path,
    live: bool,
    threshold: f32,
) -> Result<Value> {
    let liveness = models
        .liveness
        .as_ref()
        .context("the selected models have no liveness check")?;
    let photos = images_in(folder)?;
    let options = args.detect.options();
    let bar = session.output.bar(folder.display().to_string());
    let score = |path: &PathBuf| -> Result<Option<f32>> {
        let image = open_image(path)?;
        let faces = models.detector.detect(image.view(), &options)?;
        let largest = Subject::Largest.choose(faces, (image.width(), image.height()));
        Ok(liveness
            .assess(image.view(), &largest)?
            .first()
            .map(|score| score.value()))
    };
    let (mut wrong, mut faces, mut scores) = (0, 0, Vec::new());
    work::ordered(
        &photos,
        args.models.threads(),
        &session.token,
        score,
        |at, score| {
            let score = score?;
            if let Some(score) = score {
                faces += 1;
                wrong += u64::from((score >= threshold) != live);
            }
            scores.push(json!({ "photo": photos[at], "liveness": score }));
            bar.set(at as u64 + 1, photos.len() as u64);
            Ok(())
        },
    )?;
    let (low, high) = wilson_interval(wrong, faces);
    let share = (faces > 0).then(|| wrong as f64 / faces as f64);
    Ok(json!({
        "folder": folder,
        "live": live,
        "faces": faces,
        "no_face": photos.len() as u64 - faces,
        "errors": wrong,
        "error_rate": { "share": share, "low": low, "high": high },
        "scores": scores,
    }))
}
