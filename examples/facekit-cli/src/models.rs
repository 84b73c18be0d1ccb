//! `facekit models`: lists, fetches and checks models.

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use facekit::{Error, FileState, ModelEntry, PullOptions, Registry, Watch};
use serde::Serialize;

use crate::{
    Answer,
    options::{self, DEFAULT_MODELS},
    output::{count, shown, table},
    quantize,
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List models and sets, and the states of their files
    List(ListArgs),
    /// Download models whose files are missing
    Pull(PullArgs),
    /// Check the files of models; exit code 1 if one is missing or wrong
    Verify(VerifyArgs),
    /// Print the path of the models folder, or of the file of a model
    Path(PathArgs),
    /// Make 8-bit integer variants for ONNX Runtime, and measure them
    ///
    /// A variant has the name of the model with _int8 at the end. Its speed on ONNX Runtime with one
    /// thread and its results are compared with those of the model. The variant of an embedder gets
    /// its own calibration, from all pairs of photos. A set becomes a new set, in which the good
    /// variants replace their models.
    #[command(verbatim_doc_comment)]
    Quantize(quantize::Args),
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Also list the models that facekit's tests do not cover
    #[arg(long)]
    all: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PullArgs {
    /// Models and sets: standard, scrfd_500m
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,

    /// Accept licenses that forbid commercial use
    #[arg(long)]
    accept_non_commercial: bool,

    /// Download <URL>/<file> instead; the files are checked in the same way
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Models and sets [default: nano]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct PathArgs {
    /// The name of a model [default: the models folder]
    name: Option<String>,
}

pub(crate) fn run(session: &Session, command: Command) -> Result<Answer> {
    let registry = options::registry()?;
    match command {
        Command::List(args) => list(session, &registry, &args),
        Command::Pull(args) => pull(session, &registry, &args),
        Command::Verify(args) => verify(session, &registry, &args),
        Command::Path(args) => path(session, &registry, &args),
        Command::Quantize(args) => quantize::run(session, registry, &args),
    }
}

/// The file of a model, for a JSON document.
#[derive(Debug, Serialize)]
struct Checked {
    model: String,
    file: String,
    /// `verified`, `built_in`, `missing`, `wrong_size` or `wrong_hash`.
    state: &'static str,
    bytes: Option<u64>,
    sha256: Option<String>,
}

impl Checked {
    fn of(registry: &Registry, entry: &ModelEntry) -> Result<Self> {
        let found = registry.verify(&entry.name)?;
        let path = registry.path(&entry.name)?;
        let length = std::fs::metadata(&path).map(|found| found.len()).ok();
        let (state, bytes, digest) = match found {
            FileState::Missing => ("missing", None, None),
            FileState::Verified { digest } => ("verified", length, Some(digest)),
            FileState::Bundled { digest, bytes } => ("built_in", Some(bytes), Some(digest)),
            FileState::WrongSize { bytes } => ("wrong_size", Some(bytes), None),
            FileState::WrongHash { digest } => ("wrong_hash", length, Some(digest)),
            _ => ("unknown", length, None),
        };
        Ok(Self {
            model: entry.name.clone(),
            file: shown(&path),
            state,
            bytes,
            sha256: digest.map(|digest| digest.to_string()),
        })
    }

    fn size(&self) -> String {
        self.bytes.map_or_else(|| "-".to_owned(), size)
    }

    fn words(&self) -> String {
        self.state.replace('_', " ")
    }
}

fn yes(condition: bool) -> String {
    if condition { "yes" } else { "-" }.to_owned()
}

fn list(session: &Session, registry: &Registry, args: &ListArgs) -> Result<Answer> {
    #[derive(Serialize)]
    struct Listed<'a> {
        #[serde(flatten)]
        entry: &'a ModelEntry,
        task: facekit::Task,
        state: &'static str,
    }
    #[derive(Serialize)]
    struct Known<'a> {
        folder: String,
        sets: Vec<&'a facekit::SetEntry>,
        models: Vec<Listed<'a>>,
    }
    let mut models = Vec::new();
    let mut rows = Vec::new();
    // A model without an address was made by the user.
    let listed = |entry: &&ModelEntry| entry.tested || entry.url.is_none() || args.all;
    for entry in registry.models().filter(listed) {
        let checked = Checked::of(registry, entry)?;
        rows.push([
            entry.name.clone(),
            entry.task().to_string(),
            entry.exports[0].bytes.map_or_else(|| checked.size(), size),
            entry.license.clone(),
            yes(entry.calibration.is_some()),
            yes(entry.recognizability.is_some()),
            yes(entry.challenge.is_some()),
            checked.words(),
        ]);
        models.push(Listed {
            entry,
            task: entry.task(),
            state: checked.state,
        });
    }
    let known = Known {
        folder: shown(registry.folder()),
        sets: registry.sets().collect(),
        models,
    };
    session.output.answer(&known, || {
        let headings = [
            "model",
            "task",
            "size",
            "license",
            "calibrated",
            "recognizability",
            "challenge",
            "file",
        ];
        let sets = known.sets.iter().map(|set| {
            let members: Vec<&str> = set.members().collect();
            [set.name.clone(), members.join(", ")]
        });
        format!(
            "{}\n{}\nmodels folder: {}",
            table(headings, rows),
            table(["set", "models"], sets),
            registry.folder().display()
        )
    })?;
    Ok(Answer::Yes)
}

/// A model after `models pull`, for a JSON document.
#[derive(Serialize)]
struct Pulled {
    model: String,
    path: String,
    sha256: String,
    bytes: u64,
    transferred: u64,
    present: bool,
}

fn pull(session: &Session, registry: &Registry, args: &PullArgs) -> Result<Answer> {
    #[derive(Serialize)]
    struct Report {
        models: Vec<Pulled>,
    }
    let members = registry.members(&args.names.join(","))?;
    // All licenses are checked before the first download.
    for entry in &members {
        if !entry.commercial_use && !args.accept_non_commercial {
            return Err(Error::NonCommercial {
                model: entry.name.clone(),
                license: entry.license.clone(),
            })
            .context("nothing was downloaded; --accept-non-commercial accepts such licenses");
        }
    }
    let models = members
        .into_iter()
        .map(|entry| pull_one(session, registry, entry, args))
        .collect::<Result<_>>()?;
    let report = Report { models };
    session.output.answer(&report, || {
        let rows = report.models.iter().map(|pulled| {
            let result = if pulled.present {
                "already there".to_owned()
            } else if pulled.transferred == 0 {
                "written: it is part of this program".to_owned()
            } else {
                format!("{} downloaded", size(pulled.transferred))
            };
            [pulled.model.clone(), result, pulled.path.clone()]
        });
        table(["model", "", "file"], rows)
    })?;
    Ok(Answer::Yes)
}

fn pull_one(
    session: &Session,
    registry: &Registry,
    entry: &ModelEntry,
    args: &PullArgs,
) -> Result<Pulled> {
    let bar = session.output.byte_bar(entry.name.clone());
    let progress = bar.follow();
    let watch = Watch::new().with_cancellation(&session.token);
    let mut options = PullOptions::default()
        .with_accept_non_commercial(args.accept_non_commercial)
        .with_watch(watch.with_progress(&progress));
    options.mirror.clone_from(&args.mirror);
    let report = registry
        .pull(&entry.name, &options)
        .with_context(|| format!("model {}: not downloaded", entry.name))?;
    Ok(Pulled {
        model: report.model,
        path: shown(&report.path),
        sha256: report.digest.to_string(),
        bytes: report.bytes,
        transferred: report.transferred,
        present: report.present,
    })
}

fn verify(session: &Session, registry: &Registry, args: &VerifyArgs) -> Result<Answer> {
    let names = match args.names.as_slice() {
        [] => DEFAULT_MODELS.to_owned(),
        names => names.join(","),
    };
    #[derive(Serialize)]
    struct Report {
        verified: bool,
        models: Vec<Checked>,
    }
    let models = registry
        .members(&names)?
        .into_iter()
        .map(|entry| Checked::of(registry, entry))
        .collect::<Result<Vec<_>>>()?;
    let is_wrong = |one: &&Checked| !["verified", "built_in"].contains(&one.state);
    let wrong = models.iter().filter(is_wrong).count();
    let report = Report {
        verified: wrong == 0,
        models,
    };
    session.output.answer(&report, || {
        let rows = report
            .models
            .iter()
            .map(|one| [one.model.clone(), one.words(), one.size(), one.file.clone()]);
        let mut text = table(["model", "state", "size", "file"], rows);
        if wrong > 0 {
            let names = report.models.iter().filter(is_wrong);
            let names: Vec<&str> = names.map(|one| one.model.as_str()).collect();
            let consent = |name: &&str| registry.model(name).is_ok_and(|one| !one.commercial_use);
            let consent = if names.iter().any(consent) {
                " --accept-non-commercial"
            } else {
                ""
            };
            text += &format!(
                "\n{} missing or wrong; `facekit models pull {}{consent}` downloads them",
                count(wrong, "model is", "models are"),
                names.join(" "),
            );
        }
        text
    })?;
    Ok(Answer::from(wrong == 0))
}

fn path(session: &Session, registry: &Registry, args: &PathArgs) -> Result<Answer> {
    let path = match &args.name {
        Some(name) if registry.model(name).is_err() && registry.set(name).is_ok() => {
            let members = registry.set(name)?.members().collect::<Vec<_>>();
            bail!(
                "{name} is a set of models, each with its own file: {}",
                members.join(", ")
            );
        }
        Some(name) => {
            let path = registry.path(name)?;
            if matches!(registry.verify(name)?, FileState::Bundled { .. }) {
                bail!(
                    "{name} is part of this program and has no file; `facekit models pull {name}` writes it to {}",
                    path.display()
                );
            }
            path
        }
        None => registry.folder().to_owned(),
    };
    session
        .output
        .answer(&serde_json::json!({ "path": shown(&path) }), || {
            shown(&path)
        })?;
    Ok(Answer::Yes)
}

fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
