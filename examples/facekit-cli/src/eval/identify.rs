//! Open-set identification: searches by people who are enrolled and by people who are not.

use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf};

use anyhow::{Result, bail};
use facekit::{
    Embedding, ExactIndex, Metric, SearchOptions, TemplateId, Threshold, VectorIndex,
    wilson_interval,
};
use serde_json::json;

use super::{embed_people, names};
use crate::{
    context::{DetectArgs, ModelArgs, Session},
    files::unreadable_text,
    output::table,
};

/// Of each person with several photos the first one, by name, is enrolled and the others search; people with a single photo
/// search as strangers. FNIR is the share of searches by enrolled people whose best candidate is not them at the
/// threshold or above; FPIR is the share of strangers' searches with a candidate there.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// One folder for each person
    #[arg(long, value_name = "DIR")]
    images: PathBuf,

    /// Photos of each person that are enrolled
    #[arg(long, value_name = "N", default_value_t = 1)]
    enroll: usize,

    #[command(flatten)]
    models: ModelArgs,

    #[command(flatten)]
    detect: DetectArgs,
}

/// Rates of false identifications for which the threshold is looked up.
const FPIRS: [f64; 3] = [0.1, 0.01, 0.001];

pub(crate) fn run(session: &Session, args: &Args) -> Result<()> {
    let (models, detector, embedder) = names(&args.models)?;
    let embedded = embed_people(
        session,
        &models,
        args.models.jobs(),
        &args.detect,
        &args.images,
    )?;

    let mut photos_of = vec![Vec::new(); embedded.people.len()];
    for photo in &embedded.photos {
        photos_of[photo.person].push(photo.embedding.as_ref());
    }
    let index = ExactIndex::new(models.embedder.space().clone(), Metric::Cosine);
    let mut owners = Vec::new();
    let mut mated: Vec<(usize, Option<&Embedding>)> = Vec::new();
    let mut strangers = Vec::new();
    for (person, photos) in photos_of.into_iter().enumerate() {
        if photos.len() > args.enroll {
            for template in photos[..args.enroll].iter().flatten() {
                index.insert(&[(TemplateId(owners.len() as u64), (*template).clone())])?;
                owners.push(person);
            }
            mated.extend(photos[args.enroll..].iter().map(|&probe| (person, probe)));
        } else {
            strangers.extend(photos);
        }
    }
    if mated.is_empty() || strangers.is_empty() {
        bail!(
            "{}: {} searches by people with more than {} photos and {} by others; both are needed",
            args.images.display(),
            mated.len(),
            args.enroll,
            strangers.len(),
        );
    }

    let best = |probe: Option<&Embedding>| -> Result<Option<(usize, f32)>> {
        let Some(probe) = probe else { return Ok(None) };
        let candidate = index.search(probe, &SearchOptions::new(1))?.pop();
        Ok(candidate.map(|candidate| (owners[candidate.template.0 as usize], candidate.score)))
    };
    // A face that was not found names nobody, rightly or wrongly.
    let mut found = Vec::with_capacity(mated.len());
    for &(person, probe) in &mated {
        found.push(
            best(probe)?
                .filter(|(owner, _)| *owner == person)
                .map_or(f32::NEG_INFINITY, |(_, score)| score),
        );
    }
    let mut false_scores = Vec::with_capacity(strangers.len());
    for &probe in &strangers {
        false_scores.push(best(probe)?.map_or(f32::NEG_INFINITY, |(_, score)| score));
    }
    false_scores.sort_by(|a, b| b.total_cmp(a));

    let at = |threshold: f32| {
        let missed = found.iter().filter(|&&score| score < threshold).count() as u64;
        let named = false_scores
            .iter()
            .filter(|&&score| score >= threshold)
            .count() as u64;
        let share = |hits: u64, trials: usize| {
            let (low, high) = wilson_interval(hits, trials as u64);
            json!({ "share": hits as f64 / trials as f64, "low": low, "high": high, "count": hits })
        };
        json!({ "threshold": threshold, "fnir": share(missed, found.len()), "fpir": share(named, false_scores.len()) })
    };
    let mut points = Vec::new();
    for asked in FPIRS {
        let allowed = (asked * false_scores.len() as f64) as usize;
        if allowed > 0 {
            let mut point = at(false_scores[allowed].next_up());
            point["measured_fpir"] = asked.into();
            points.push(point);
        }
    }
    // What the calibration promises, against what was seen.
    if let Some(calibration) = &models.calibration {
        for threshold in [
            Threshold::Fmr(1e-4),
            Threshold::Fpir(0.1),
            Threshold::Fpir(0.01),
        ] {
            if let Ok(score) =
                threshold.score(Some(calibration), models.embedder.space(), index.len())
            {
                let mut point = at(score);
                point["asked"] = serde_json::to_value(threshold)?;
                points.push(point);
            }
        }
    }
    let report = json!({
        "models": { "detector": detector, "embedder": embedder },
        "runtime": args.models.runtime_name(),
        "enrolled_people": mated.iter().map(|(person, _)| person).collect::<BTreeSet<_>>().len(),
        "templates": index.len(),
        "mated_searches": found.len(),
        "non_mated_searches": false_scores.len(),
        "faces_missing": embedded.missing(),
        "unreadable": embedded.unreadable,
        "points": points,
        "images_per_s": embedded.photos.len() as f64 / embedded.seconds,
    });
    session.output.answer(&report, || {
        let mut text = format!(
            "{} templates; {} searches by enrolled people, {} by strangers; {} photos without a face\n\n",
            index.len(),
            found.len(),
            false_scores.len(),
            embedded.missing(),
        );
        let rows = points.iter().map(|point| {
            let share = |key: &str| {
                let [share, low, high] = ["share", "low", "high"].map(|part| 100.0 * point[key][part].as_f64().unwrap_or(0.0));
                format!("{share:.2} % ({low:.2} to {high:.2})")
            };
            let asked = match (&point["asked"], point["measured_fpir"].as_f64()) {
                (_, Some(rate)) => format!("FPIR {rate} on these photos"),
                (asked, None) => asked.as_object().and_then(|asked| asked.iter().next()).map_or_else(String::new, |(kind, rate)| {
                    format!("{} {rate} by calibration", kind.to_uppercase())
                }),
            };
            [asked, format!("{:.3}", point["threshold"].as_f64().unwrap_or(0.0)), share("fnir"), share("fpir")]
        });
        let _ = write!(text, "{}", table(["threshold for", "score", "FNIR", "FPIR"], rows));
        text + &unreadable_text(&embedded.unreadable)
    })
}
