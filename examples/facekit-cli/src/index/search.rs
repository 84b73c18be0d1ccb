//! `facekit index search`: finds the templates that are nearest to photos.

use std::{collections::HashSet, num::NonZeroUsize, path::PathBuf};

use anyhow::{Context, Result, bail};
use facekit::{
    EntryId, EntrySet, ExamineOptions, PersonId, QualityOptions, Recognizer, SearchOptions,
    Subject, Threshold, work::ordered,
};
use serde::Serialize;

use super::file::{IndexArgs, Indexed};
use crate::{
    Answer,
    files::{Images, expand, open_image, require_readable, unreadable_text},
    options::{DetectArgs, ModelArgs, cosine, open_models, roster, share},
    output::{shown, table},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Photos, or folders of photos
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,

    /// The number of templates to find for each photo
    #[arg(short, value_name = "N", default_value = "5")]
    k: NonZeroUsize,

    /// Search these people only: a file with an id on each line, or ids separated by commas
    #[arg(long, value_name = "FILE|ID,ID")]
    roster: Option<String>,

    /// Find templates of at least this similarity only, -1 to 1
    #[arg(long, value_name = "SCORE", value_parser = cosine, allow_negative_numbers = true)]
    min_score: Option<f32>,

    /// The least probability with which each of the nearest is found, 0 to 1; a graph ignores it
    /// unless it is 1
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.9999,
        value_parser = share,
        verbatim_doc_comment
    )]
    recall: f32,

    /// Compare with every template, also of a graph
    #[arg(long)]
    exact: bool,

    #[command(flatten)]
    index: IndexArgs,

    #[command(flatten)]
    models: ModelArgs,

    #[command(flatten)]
    detect: DetectArgs,
}

#[derive(Serialize)]
struct Searched {
    file: String,
    /// `false` if the photo shows no face.
    face: bool,
    nearest: Vec<Nearest>,
}

#[derive(Serialize)]
struct Nearest {
    person: PersonId,
    template: EntryId,
    score: f32,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let files = expand(&args.images)?;
    let people = args.roster.as_deref().map(roster).transpose()?;
    let (_, models) = open_models(&args.models)?;
    let gallery = args.index.read(session, models.embedder.space().clone())?;
    let entries = people
        .map(|people| entries(&gallery, &people))
        .transpose()?;
    let recognizer = Recognizer::builder()
        .models(models)
        .without_liveness()
        .detect_options(args.detect.options())
        .turned_faces(!args.detect.upright)
        .quality(QualityOptions::anything())
        // Scores are reported, so no calibration is needed.
        .threshold(Threshold::Score(1.0))
        .build()?;

    let index = gallery.empty();
    let index = index.get();
    let reason = index.load_or_build(&gallery.file, &mut || gallery.fill(session, index))?;
    if let Some(reason) = reason {
        let path = shown(args.index.path());
        let reason = format!("index {path}: it does not load, so it was built in memory: {reason}");
        session.output.note(&reason);
    }

    let mut options = SearchOptions::new(args.k.get())
        .with_recall(args.recall)
        .with_exact(args.exact);
    options.entries = entries.as_ref();
    options.min_score = args.min_score;
    let largest = ExamineOptions::default().with_subject(Subject::Largest);
    let work = |file: &PathBuf| -> Result<Result<Searched>> {
        let image = match open_image(file, &session.limits) {
            Ok(image) => image,
            Err(error) => return Ok(Err(error)),
        };
        let embedding = match recognizer.examine(image.view(), &largest)?.pop() {
            Some(mut face) => recognizer.embed_examined(image.view(), &mut face, &largest)?,
            None => None,
        };
        let found = match &embedding {
            Some(probe) => index.search(probe, &options)?,
            None => Vec::new(),
        };
        let nearest = found.into_iter().filter_map(|found| {
            Some(Nearest {
                person: gallery.people.get(&found.entry)?.clone(),
                template: found.entry,
                score: found.score,
            })
        });
        Ok(Ok(Searched {
            file: shown(file),
            face: embedding.is_some(),
            nearest: nearest.collect(),
        }))
    };
    let mut done = Images::default();
    let bar = session.output.bar("searching");
    let each = |nth: usize, result: Result<Result<Searched>>| -> Result<()> {
        done.push(&files[nth], result.with_context(|| shown(&files[nth]))?);
        bar.set(nth as u64 + 1, files.len() as u64);
        Ok(())
    };
    ordered(&files, args.models.jobs(), &session.token, work, each)?;
    drop(bar);
    require_readable(done.images.len(), &done.unreadable)?;
    let found = done.images.iter().any(|image| !image.nearest.is_empty());
    session.output.answer(&done, || {
        table(
            ["image", "person", "template", "similarity"],
            done.images.iter().flat_map(rows),
        ) + &unreadable_text(&done.unreadable)
    })?;
    Ok(Answer::from(found))
}

/// The entries of people.
fn entries(gallery: &Indexed, people: &[PersonId]) -> Result<EntrySet> {
    let known: HashSet<&PersonId> = gallery.people.values().collect();
    if let Some(unknown) = people.iter().find(|id| !known.contains(id)) {
        bail!("roster: person {unknown}: no template in the gallery");
    }
    let wanted: HashSet<&PersonId> = people.iter().collect();
    let entries = gallery.people.iter();
    Ok(entries
        .filter(|(_, person)| wanted.contains(person))
        .map(|(&entry, _)| entry)
        .collect())
}

fn rows(image: &Searched) -> Vec<[String; 4]> {
    if image.nearest.is_empty() {
        let none = if image.face { "nobody" } else { "no face" };
        let none = none.to_owned();
        return vec![[image.file.clone(), none, String::new(), String::new()]];
    }
    let row = |near: &Nearest| {
        [
            image.file.clone(),
            near.person.to_string(),
            near.template.to_string(),
            format!("{:.3}", near.score),
        ]
    };
    image.nearest.iter().map(row).collect()
}
