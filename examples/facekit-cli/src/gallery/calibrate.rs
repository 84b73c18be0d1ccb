//! `facekit gallery calibrate`: measures false-match rates on the people of a gallery.

use std::path::PathBuf;

use anyhow::{Context, Result};
use facekit::{
    Calibration, Comparison, Gallery, GalleryCalibration, GalleryCalibrationOptions, PersonId,
    Recognizer, Threshold, Watch,
};
use serde_json::json;

use crate::{
    Answer,
    files::check_output,
    options::{GalleryArgs, ModelArgs, open_models},
    output::{count, plain, shown, table},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Write the calibration to this file
    ///
    /// By default, it is written to <gallery>.<model>.calibration.toml beside the gallery, where
    /// all commands find it.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    out: Option<PathBuf>,

    /// Two people who look alike and are not one person, such as twins; can be repeated
    #[arg(long, value_name = "ID,ID", value_parser = pair)]
    different: Vec<(PersonId, PersonId)>,

    #[command(flatten)]
    gallery: GalleryArgs,

    #[command(flatten)]
    models: ModelArgs,
}

/// Parses two ids.
fn pair(text: &str) -> Result<(PersonId, PersonId), String> {
    let (a, b) = text
        .split_once(',')
        .ok_or("two ids, separated by a comma, are needed")?;
    let id = |text: &str| PersonId::new(text.trim()).map_err(|error| error.to_string());
    Ok((id(a)?, id(b)?))
}

/// The false-match rates of the report.
const RATES: [f64; 4] = [1e-3, 1e-4, 1e-5, 1e-6];

pub(super) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let (_, models) = open_models(&args.models)?;
    let store = args.gallery.open_read_only(session)?;
    let space = models.embedder.space().clone();
    let out = match &args.out {
        Some(out) => out.clone(),
        None => Calibration::path_beside(store.path(), space.model()),
    };
    check_output(&out, [store.path()])?;
    let path = store.path().to_owned();
    let gallery = Gallery::for_space(store, &space)?;
    let recognizer = Recognizer::builder()
        .models(models)
        .without_liveness()
        // Nothing is recognized, so no rate is needed.
        .threshold(Threshold::Score(1.0))
        .gallery(gallery)
        .build()?;
    let bar = session.output.bar("comparing");
    let progress = bar.follow();
    let watch = Watch::new().with_cancellation(&session.token);
    let options = GalleryCalibrationOptions::default()
        .with_different(args.different.clone())
        .with_threads(args.models.jobs())
        .with_watch(watch.with_progress(&progress));
    let measured = recognizer
        .calibrate_gallery(&options)
        .with_context(|| format!("gallery {}: not calibrated", shown(&path)))?;
    drop(bar);
    measured.calibration.save(&out)?;

    // The command enrolls and compares with mirror images.
    let mirrored = Comparison::default()
        .with_mirrored_template(true)
        .with_mirrored_probe(true);
    let capacity = Threshold::default().capacity(Some(&measured.calibration), &mirrored);
    let document = json!({
        "calibration": shown(&out),
        "people": measured.people,
        "comparisons": measured.comparisons,
        "duplicates": measured.duplicates,
        "spoiled": measured.spoiled,
        "capacity": capacity,
    });
    session.output.answer(&document, || {
        let mut text = report_text(&measured);
        if let Some(capacity) = capacity {
            text += &format!(
                "\na search may cover {} at an FPIR of 1 %, the rate being extrapolated from {} on",
                count(capacity.extrapolated, "person", "people"),
                count(capacity.counted, "person", "people"),
            );
        }
        text + &format!("\ncalibration written to {}", plain(&shown(&out)))
    })?;
    Ok(Answer::Yes)
}

fn report_text(measured: &GalleryCalibration) -> String {
    let mut text = format!(
        "{}, {} comparisons of different people\n\n",
        count(measured.people, "person", "people"),
        measured.comparisons
    );
    let kinds: Vec<(Comparison, _)> = measured.calibration.curves().collect();
    let rows = RATES.iter().map(|&rate| {
        let scores = kinds
            .iter()
            .filter_map(|(_, curve)| curve.score_at(rate).ok());
        let (least, greatest) = scores.fold((f32::INFINITY, f32::NEG_INFINITY), |range, score| {
            (range.0.min(score), range.1.max(score))
        });
        let extrapolated = kinds.iter().any(|(_, curve)| curve.is_extrapolated(rate));
        [
            format!("{rate:e}"),
            if greatest < least {
                "too few comparisons".to_owned()
            } else {
                format!("{least:.3} to {greatest:.3}")
            },
            if extrapolated {
                "extrapolated"
            } else {
                "counted"
            }
            .to_owned(),
        ]
    });
    text += &table(["false-match rate", "score, by number of photos", ""], rows);
    for pair in &measured.duplicates {
        let [a, b] = &pair.people;
        text += &format!(
            "\nprobably one person: {a} and {b}, similarity {:.2}",
            pair.score
        );
    }
    if !measured.duplicates.is_empty() {
        text += "\nif two of them are different people, name them with --different";
    }
    for check in &measured.spoiled {
        text += &match check.score {
            Some(score) => format!(
                "\n{} copies: score {score:.3} at a rate of 1e-4, the photos themselves {:.3}",
                check.kind, check.own_score
            ),
            None => format!("\n{} copies: too few to compare", check.kind),
        };
    }
    if measured.spoiled.is_empty() {
        text += "\nnot checked with spoiled copies, because the gallery keeps no crops (enroll --keep-crops)";
    }
    text
}
