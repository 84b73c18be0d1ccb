//! `facekit gallery`: maintains gallery files.

mod calibrate;
mod check;
mod import;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::{Args, Subcommand};
use facekit::{Gallery, GalleryKey, PersonId, Protection, Recognizer, Threshold, Watch};

use crate::{
    Answer,
    options::{GalleryArgs, ModelArgs, new_key, open_models, require_absent},
    output::{count, plain, shown},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Copy a gallery; the copy has the same key
    Backup(BackupArgs),
    /// Copy all or some people into a new gallery with a key of its own
    Export(ExportArgs),
    /// Add the people of another gallery
    Import(import::Args),
    /// Change the key of a gallery; the old key opens nothing in it afterwards
    Rekey(RekeyArgs),
    /// Read all of a gallery and report damage; exit code 1 if there is damage
    Check(check::Args),
    /// Measure the false-match rates of the gallery's people, and find people with two ids
    ///
    /// Each photo is compared with all other people. It needs 6 million comparisons: 2,450 people with a
    /// photo each, or 1,415 people with three. If the gallery keeps crops, blurred, dark and small copies
    /// are compared, too, and the stricter score counts.
    #[command(verbatim_doc_comment)]
    Calibrate(calibrate::Args),
    /// After a change of model: make new templates from the faces that --keep-crops stored
    Reembed(ReembedArgs),
}

#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    /// The file of the copy, which must not exist
    to: PathBuf,

    /// Leave out damaged data and report it; exit code 1 if there is damage
    #[arg(long)]
    salvage: bool,

    #[command(flatten)]
    gallery: GalleryArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// The file of the new gallery, which must not exist
    to: PathBuf,

    /// Copy these people only: ids, separated by commas or each with its own --people
    #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
    people: Vec<PersonId>,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    gallery: GalleryArgs,
}

#[derive(Args, Debug)]
pub(crate) struct RekeyArgs {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    gallery: GalleryArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ReembedArgs {
    #[command(flatten)]
    gallery: GalleryArgs,

    #[command(flatten)]
    models: ModelArgs,
}

/// The new protection of a gallery.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
#[command(next_help_heading = "New protection (one is needed)")]
struct TargetArgs {
    /// Make a key and write it to this file
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,

    /// Use the key in this file
    #[arg(long, value_name = "FILE")]
    to_key_file: Option<PathBuf>,

    /// Use the key or passphrase in this environment variable
    #[arg(long, value_name = "VARIABLE")]
    to_key_env: Option<String>,

    /// Do not encrypt it; everyone who has the file can read the faces
    #[arg(long)]
    no_encryption: bool,
}

impl TargetArgs {
    /// The wanted protection. A new key is written to its file before this returns.
    fn protection(&self) -> Result<Protection> {
        let key = match (&self.new_key_file, &self.to_key_file, &self.to_key_env) {
            (Some(file), _, _) => Some(new_key(file, "--to-key-file")?),
            (_, Some(file), _) => Some(GalleryKey::from_file(file)?),
            (_, _, Some(variable)) => Some(GalleryKey::from_env(variable)?),
            _ => None,
        };
        Ok(key.map_or(Protection::None, Protection::Key))
    }
}

pub(crate) fn run(session: &Session, command: Command) -> Result<Answer> {
    match command {
        Command::Backup(args) => backup(session, &args),
        Command::Export(args) => export(session, &args),
        Command::Import(args) => import::run(session, &args),
        Command::Rekey(args) => rekey(session, &args),
        Command::Calibrate(args) => calibrate::run(session, &args),
        Command::Check(args) => check::run(session, &args),
        Command::Reembed(args) => reembed(session, &args),
    }
}

fn backup(session: &Session, args: &BackupArgs) -> Result<Answer> {
    require_absent("backup", &args.to)?;
    let store = args.gallery.open_read_only(session)?;
    let bar = session.output.bar("backing up");
    let progress = bar.follow();
    let watch = Watch::new().with_cancellation(&session.token);
    let watch = watch.with_progress(&progress);
    if !args.salvage {
        store.backup(&args.to, watch)?;
        drop(bar);
        return wrote(session, "backup", &args.to);
    }
    let report = store.salvage(&args.to, watch)?;
    drop(bar);
    let document = serde_json::json!({
        "backup": shown(&args.to),
        "people": report.people,
        "damage": report.damage,
    });
    session.output.answer(&document, || {
        let people = count(report.people, "person", "people");
        let mut text = format!("backup written: {}, with {people}", shown(&args.to));
        for damage in &report.damage {
            text += &format!("\ndamage: {damage}");
        }
        text
    })?;
    Ok(Answer::from(report.is_clean()))
}

fn export(session: &Session, args: &ExportArgs) -> Result<Answer> {
    require_absent("export", &args.to)?;
    let store = args.gallery.open_read_only(session)?;
    let people = (!args.people.is_empty()).then_some(args.people.as_slice());
    let bar = session.output.bar("exporting");
    let progress = bar.follow();
    let watch = Watch::new().with_cancellation(&session.token);
    let watch = watch.with_progress(&progress);
    let protection = args.target.protection()?;
    store
        .export(people, &args.to, &protection, watch)
        .inspect_err(|_| {
            // The new key opens nothing.
            if let Some(file) = &args.target.new_key_file {
                let _ = fs::remove_file(file);
            }
        })?;
    drop(bar);
    wrote(session, "export", &args.to)
}

fn wrote(session: &Session, kind: &str, to: &Path) -> Result<Answer> {
    let document = serde_json::json!({ kind: shown(to) });
    session.output.answer(&document, || {
        format!("{kind} written: {}", plain(&shown(to)))
    })?;
    Ok(Answer::Yes)
}

fn rekey(session: &Session, args: &RekeyArgs) -> Result<Answer> {
    let store = args.gallery.open(session)?;
    // If this fails, the new key is kept: part of the gallery may be encrypted with it.
    store.rekey(&args.target.protection()?)?;
    let protection = format!("{:?}", store.protection()).to_lowercase();
    let document = serde_json::json!({ "gallery": shown(store.path()), "protection": protection });
    session.output.answer(&document, || match &*protection {
        "none" => "the gallery is no longer encrypted".to_owned(),
        kind => format!("the gallery has a new {kind}"),
    })?;
    Ok(Answer::Yes)
}

fn reembed(session: &Session, args: &ReembedArgs) -> Result<Answer> {
    let (_, models) = open_models(&args.models)?;
    let store = args.gallery.open(session)?;
    let gallery = Gallery::for_space(store, models.embedder.space())?.with_crops(true);
    let recognizer = Recognizer::builder()
        .models(models)
        // Nothing is compared, so no calibration is needed.
        .threshold(Threshold::Score(1.0))
        .gallery(gallery)
        .build()?;
    let bar = session.output.bar("embedding");
    let progress = bar.follow();
    let watch = Watch::new().with_cancellation(&session.token);
    let report = recognizer.embed_again(&watch.with_progress(&progress))?;
    drop(bar);
    session.output.answer(&report, || {
        let mut text = format!(
            "{} embedded again",
            count(report.embedded.len(), "person", "people")
        );
        if !report.must_enroll.is_empty() {
            let ids: Vec<&str> = report.must_enroll.iter().map(PersonId::as_str).collect();
            text += &format!("\nno stored faces, so enroll again: {}", ids.join(", "));
        }
        text
    })?;
    Ok(Answer::Yes)
}
