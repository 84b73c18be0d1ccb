//! `facekit gallery import`: adds the people of another gallery.

use std::path::PathBuf;

use anyhow::{Context, Result};
use facekit::{
    EmbeddingSpace, FileStore, ImportConflict, ImportOptions, ImportReport, OnConflict,
    TemplateStore, Watch,
};
use serde_json::{Value, json};

use crate::{
    Answer,
    options::{GalleryArgs, KeyArgs},
    output::count,
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The file of the other gallery
    from: PathBuf,

    /// The key file of the other gallery [default: the same key]
    #[arg(long, value_name = "FILE")]
    from_key_file: Option<PathBuf>,

    /// Merge people with the same id, even if their names or faces differ
    #[arg(long)]
    merge_anyway: bool,

    #[command(flatten)]
    gallery: GalleryArgs,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let store = args.gallery.open(session)?;
    let key_file = args.from_key_file.clone();
    let key = KeyArgs {
        key_file: key_file.or_else(|| args.gallery.key.key_file.clone()),
    };
    let from = key.open_read_only(session, &args.from)?;
    let bar = session.output.bar("importing");
    let progress = bar.follow();
    let watch = Watch::new().with_cancellation(&session.token);
    let mut options = ImportOptions::default();
    options.resemblance = resemblance(&store, &from)?;
    if args.merge_anyway {
        options.on_conflict = OnConflict::Merge;
    }
    let report = store
        .import(&from, &options, watch.with_progress(&progress))
        .with_context(|| format!("importing {} failed", args.from.display()))?;
    drop(bar);
    let document = json!({
        "people_added": report.people_added,
        "people_known": report.people_known,
        "templates_added": report.templates_added,
        "templates_known": report.templates_known,
        "conflicts": report.conflicts.iter().map(conflict_json).collect::<Vec<_>>(),
        "conflicts_merged": args.merge_anyway,
    });
    session
        .output
        .answer(&document, || report_text(&report, args.merge_anyway))?;
    Ok(Answer::from(
        report.conflicts.is_empty() || args.merge_anyway,
    ))
}

fn conflict_json(conflict: &ImportConflict) -> Value {
    json!({
        "id": conflict.id,
        "name": conflict.our_name,
        "imported_name": conflict.their_name,
        "similarity": conflict.similarity,
    })
}

fn report_text(report: &ImportReport, merged: bool) -> String {
    let mut text = format!(
        "{} added, {} known already; {} added, {} known already",
        count(report.people_added, "person", "people"),
        report.people_known,
        count(report.templates_added, "template", "templates"),
        report.templates_known,
    );
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "no name".to_owned());
    let result = if merged { "merged" } else { "left out" };
    for conflict in &report.conflicts {
        let similarity = conflict.similarity.map_or_else(
            || "no faces to compare".to_owned(),
            |similarity| format!("similarity {similarity:.3}"),
        );
        text += &format!(
            "\nconflict: {} is {} here and {} there, {similarity}: {result}",
            conflict.id,
            name(&conflict.our_name),
            name(&conflict.their_name),
        );
    }
    if !report.conflicts.is_empty() && !merged {
        text += "\nif they are the same people, --merge-anyway merges them";
    }
    text
}

/// The score that one in a thousand comparisons of different people reaches: the highest one, if several embedding spaces are in
/// both galleries. `None` if one of these is not calibrated.
fn resemblance(ours: &FileStore, theirs: &FileStore) -> Result<Option<f32>> {
    const FMR: f64 = 1e-3;
    let (ours, theirs) = (spaces(ours)?, spaces(theirs)?);
    let registry = facekit_nano::registry();
    let scores = ours
        .iter()
        .filter(|space| theirs.contains(space))
        .map(|space| {
            let entry = registry
                .models()
                .find(|entry| entry.space().as_ref() == Some(space))?;
            entry.calibration.as_ref()?.score_at(FMR).ok()
        });
    // A score that is too high leaves people out; one that is too low would mix them up.
    let highest = |scores: Vec<f32>| scores.into_iter().max_by(f32::total_cmp);
    Ok(scores.collect::<Option<_>>().and_then(highest))
}

fn spaces(store: &FileStore) -> Result<Vec<EmbeddingSpace>> {
    let mut spaces = Vec::new();
    store.templates(&mut |template| {
        if !spaces.contains(template.embedding.space()) {
            spaces.push(template.embedding.space().clone());
        }
        Ok(())
    })?;
    Ok(spaces)
}
