//! Presentation attack detection as ISO/IEC 30107-3 reports it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use facekit::{Models, Subject, wilson_interval, work};
use serde_json::{Value, json};

use super::names;
use crate::{
    context::{DetectArgs, ModelArgs, Session, share},
    files::{Unreadable, images_in, open_image, require_readable, unreadable_text},
    output::{count, table},
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
    let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
    for (live, folder) in folders(&args.live)?
        .iter()
        .map(|folder| (true, folder))
        .chain(folders(&args.attack)?.iter().map(|folder| (false, folder)))
    {
        rows.push(measure(
            session,
            args,
            &models,
            folder,
            live,
            &mut unreadable,
        )?);
    }
    let sum = |key: &str| rows.iter().filter_map(|row| row[key].as_u64()).sum::<u64>();
    let (faces, without) = (sum("faces"), sum("no_face"));
    require_readable((faces + without) as usize, &unreadable)?;
    if faces == 0 {
        bail!(
            "nothing can be measured: no face in {}",
            count(without as usize, "photo", "photos")
        );
    }
    let report = json!({
        "detector": detector,
        "runtime": args.models.runtime_name(),
        "threshold": threshold,
        "live": rows.iter().filter(|row| row["live"] == true).collect::<Vec<_>>(),
        "attacks": rows.iter().filter(|row| row["live"] == false).collect::<Vec<_>>(),
        "unreadable": unreadable,
    });
    session.output.answer(&report, || {
        let rows = rows.iter().map(|row| {
            let percent = |key: &str| Some(100.0 * row["error_rate"][key].as_f64()?);
            let share = match (percent("share"), percent("low"), percent("high")) {
                (Some(share), Some(low), Some(high)) => {
                    format!("{share:.1} % ({low:.1} to {high:.1})")
                }
                _ => "n/a".to_owned(),
            };
            [
                row["folder"].as_str().unwrap_or_default().to_owned(),
                if row["live"] == true {
                    "BPCER"
                } else {
                    "APCER"
                }
                .to_owned(),
                share,
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
        ) + &unreadable_text(&unreadable)
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
    unreadable: &mut Vec<Unreadable>,
) -> Result<Value> {
    let threshold = args.liveness_threshold;
    let liveness = models
        .liveness
        .as_ref()
        .context("the selected models have no liveness check")?;
    let photos = images_in(folder)?;
    let options = args.detect.options();
    let bar = session.output.bar(folder.display().to_string());
    // A photo that cannot be read is the inner error; the outer one ends everything.
    let score = |path: &PathBuf| -> Result<Result<Option<f32>>> {
        let image = match open_image(path) {
            Ok(image) => image,
            Err(error) => return Ok(Err(error)),
        };
        let faces = models.detector.detect(image.view(), &options)?;
        let largest = Subject::Largest.choose(faces, (image.width(), image.height()));
        let scores = liveness.assess(image.view(), &largest)?;
        Ok(Ok(scores.first().map(|score| score.value())))
    };
    let (mut wrong, mut faces, mut no_face, mut scores) = (0, 0, 0, Vec::new());
    work::ordered(
        &photos,
        args.models.jobs(),
        &session.token,
        score,
        |at, score| -> Result<()> {
            bar.set(at as u64 + 1, photos.len() as u64);
            match score? {
                Ok(Some(score)) => {
                    faces += 1;
                    wrong += u64::from((score >= threshold) != live);
                    scores.push(json!({ "photo": photos[at], "liveness": score }));
                }
                Ok(None) => {
                    no_face += 1;
                    scores.push(json!({ "photo": photos[at], "liveness": null }));
                }
                Err(error) => unreadable.push(Unreadable::new(&photos[at], &error)),
            }
            Ok(())
        },
    )?;
    let share = (faces > 0).then(|| wrong as f64 / faces as f64);
    let (low, high) = share.map(|_| wilson_interval(wrong, faces)).unzip();
    Ok(json!({
        "folder": folder,
        "live": live,
        "faces": faces,
        "no_face": no_face,
        "errors": wrong,
        "error_rate": { "share": share, "low": low, "high": high },
        "scores": scores,
    }))
}
