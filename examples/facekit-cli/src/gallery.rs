//! `facekit gallery`: the care of gallery files.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use facekit::{
    EmbeddingSpace, Error, ExactIndex, FileStore, Gallery, GalleryKey, ImportOptions, Metric,
    OnConflict, PersonId, Protection, Recognizer, TemplateStore, Threshold, Watch,
};
use serde::Serialize;

use crate::{
    Answer,
    context::{GalleryArgs, KeyArgs, ModelArgs, Session, new_key, open_models, require_absent},
    output::{count, plain, shown, table},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a copy under the same key
    Backup(BackupArgs),
    /// Write people, or some of them, into a new gallery with a key of its own
    Export(ExportArgs),
    /// Add everyone in another gallery
    Import(ImportArgs),
    /// Protect a gallery with another key; the old one opens nothing in it from then on
    Rekey(RekeyArgs),
    /// Read everything and look for damage; exit code 1 where there is some
    Check(CheckArgs),
    /// After a change of model: make new templates from the faces that --keep-crops stored
    Reembed(ReembedArgs),
}

#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    /// The copy, which must not exist
    to: PathBuf,

    /// Leave out what is damaged and say what that is; exit code 1 where there is some
    #[arg(long)]
    salvage: bool,

    #[command(flatten)]
    gallery: GalleryArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// The new gallery, which must not exist
    to: PathBuf,

    /// These people alone: ids, joined by commas or each with its own --people
    #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
    people: Vec<PersonId>,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    gallery: GalleryArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The gallery to add
    from: PathBuf,

    /// That gallery's key file [default: the same key]
    #[arg(long, value_name = "FILE")]
    from_key_file: Option<PathBuf>,

    /// Merge people of one id even where names or faces differ
    #[arg(long)]
    merge_anyway: bool,

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
pub(crate) struct CheckArgs {
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

/// How a gallery is protected from now on.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
#[command(next_help_heading = "New protection (one is needed)")]
struct TargetArgs {
    /// Make a key and keep it in this file
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,

    /// The key in this file
    #[arg(long, value_name = "FILE")]
    to_key_file: Option<PathBuf>,

    /// The key or passphrase in this environment variable
    #[arg(long, value_name = "VARIABLE")]
    to_key_env: Option<String>,

    /// None: whoever has the file has the faces
    #[arg(long)]
    no_encryption: bool,
}

impl TargetArgs {
    /// The protection asked for; a key that is made for it is in its file when this returns.
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
        Command::Import(args) => import(session, &args),
        Command::Rekey(args) => rekey(session, &args),
        Command::Check(args) => check(session, &args),
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
            // A key of nothing.
            if let Some(file) = &args.target.new_key_file {
                let _ = std::fs::remove_file(file);
            }
        })?;
    drop(bar);
    wrote(session, "export", &args.to)
}

fn wrote(session: &Session, what: &str, to: &std::path::Path) -> Result<Answer> {
    let document = serde_json::json!({ what: shown(to) });
    session.output.answer(&document, || {
        format!("{what} written: {}", plain(&shown(to)))
    })?;
    Ok(Answer::Yes)
}

fn import(session: &Session, args: &ImportArgs) -> Result<Answer> {
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
    let conflicts: Vec<_> = report
        .conflicts
        .iter()
        .map(|one| {
            serde_json::json!({
                "id": one.id,
                "name": one.our_name,
                "imported_name": one.their_name,
                "similarity": one.similarity,
            })
        })
        .collect();
    let document = serde_json::json!({
        "people_added": report.people_added,
        "people_known": report.people_known,
        "templates_added": report.templates_added,
        "templates_known": report.templates_known,
        "conflicts": conflicts,
        "conflicts_merged": args.merge_anyway,
    });
    session.output.answer(&document, || {
        let mut text = format!(
            "{} added, {} known already; {} added, {} known already",
            count(report.people_added, "person", "people"),
            report.people_known,
            count(report.templates_added, "template", "templates"),
            report.templates_known,
        );
        for one in &report.conflicts {
            let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "no name".to_owned());
            let similarity = one.similarity.map_or_else(
                || "no faces to compare".to_owned(),
                |similarity| format!("similarity {similarity:.3}"),
            );
            let done = if args.merge_anyway {
                "merged"
            } else {
                "left out"
            };
            text += &format!(
                "\nconflict: {} is {} here and {} there, {similarity}: {done}",
                one.id,
                name(&one.our_name),
                name(&one.their_name),
            );
        }
        if !report.conflicts.is_empty() && !args.merge_anyway {
            text += "\nif they are the same people, --merge-anyway merges them";
        }
        text
    })?;
    Ok(Answer::from(
        report.conflicts.is_empty() || args.merge_anyway,
    ))
}

/// The score that one in a thousand strangers reaches, where the models of all that can be compared are calibrated.
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
    // A score too high leaves people out, one too low mixes them up.
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

fn rekey(session: &Session, args: &RekeyArgs) -> Result<Answer> {
    let store = args.gallery.open(session)?;
    // Where this fails the new key stays, since nobody can say then how far it came.
    store.rekey(&args.target.protection()?)?;
    let protection = format!("{:?}", store.protection()).to_lowercase();
    let document = serde_json::json!({ "gallery": shown(store.path()), "protection": protection });
    session.output.answer(&document, || match &*protection {
        "none" => "the gallery is not encrypted any more".to_owned(),
        kind => format!("the gallery has a new {kind}"),
    })?;
    Ok(Answer::Yes)
}

fn check(session: &Session, args: &CheckArgs) -> Result<Answer> {
    #[derive(Default, Serialize)]
    struct Checked {
        clean: bool,
        people: usize,
        templates: Vec<Templates>,
        crops: usize,
        damage: Vec<String>,
    }
    #[derive(Serialize)]
    struct Templates {
        space: String,
        count: usize,
    }
    let bar = session.output.bar("checking");
    let progress = bar.follow();
    let watch = Watch::new().with_cancellation(&session.token);
    let report = args
        .gallery
        .open_read_only(session)
        .and_then(|store| Ok(store.check(watch.with_progress(&progress))?));
    drop(bar);
    let checked = match report {
        Ok(report) => Checked {
            clean: report.is_clean(),
            people: report.people,
            templates: report
                .templates
                .into_iter()
                .map(|(space, count)| Templates {
                    space: space.to_string(),
                    count,
                })
                .collect(),
            crops: report.crops,
            damage: report.damage,
        },
        // So bad that nothing can be read is an answer, too.
        Err(error) if is_damage(&error) => Checked {
            damage: vec![crate::output::chain(&error)],
            ..Checked::default()
        },
        Err(error) => return Err(error),
    };
    session.output.answer(&checked, || {
        let templates = checked
            .templates
            .iter()
            .map(|one| [one.space.clone(), one.count.to_string()]);
        let mut text = format!(
            "{}\n{}, {}",
            table(["space", "templates"], templates),
            count(checked.people, "person", "people"),
            count(checked.crops, "crop", "crops"),
        );
        for damage in &checked.damage {
            text += &format!("\ndamage: {}", plain(damage));
        }
        if checked.clean {
            text += "\nno damage";
        }
        text
    })?;
    Ok(Answer::from(checked.clean))
}

fn is_damage(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::GalleryDamaged { .. }))
}

fn reembed(session: &Session, args: &ReembedArgs) -> Result<Answer> {
    let (_, models) = open_models(&args.models)?;
    let store = args.gallery.open(session)?;
    let index = ExactIndex::new(models.embedder.space().clone(), Metric::Cosine);
    let recognizer = Recognizer::builder()
        .models(models)
        // Nothing is compared, so no rate has to be known.
        .threshold(Threshold::Score(1.0))
        .gallery(Gallery::open(store, index)?.with_crops(true))
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
            text += &format!(
                "\nno faces were kept of, so enrol again: {}",
                ids.join(", ")
            );
        }
        text
    })?;
    Ok(Answer::Yes)
}
