//! `facekit models`: which models there are, and whether their files are what they should be.

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use facekit::{Error, FileState, ModelEntry, PullOptions, Registry, Watch};
use serde::Serialize;

use crate::{
    Answer,
    context::{self, DEFAULT_MODELS, Session},
    output::{count, shown, table},
    quantize,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List models and sets, and which files are there
    List(ListArgs),
    /// Fetch models, unless their files are there
    Pull(PullArgs),
    /// Check the files of models; exit code 1 where one is missing or wrong
    Verify(VerifyArgs),
    /// Print the models folder, or where the file of a model lies
    Path(PathArgs),
    /// Make variants that compute in 8-bit integers on ONNX Runtime, and measure them
    Quantize(quantize::Args),
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Those that facekit's tests do not cover, too
    #[arg(long)]
    all: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PullArgs {
    /// Models and sets: standard, scrfd_500m
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,

    /// Fetch models whose licence forbids commercial use, too
    #[arg(long)]
    accept_non_commercial: bool,

    /// Fetch <URL>/<file> instead; files are checked as ever
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
    /// A model
    name: Option<String>,
}

pub(crate) fn run(session: &Session, command: Command) -> Result<Answer> {
    let registry = context::registry()?;
    match command {
        Command::List(args) => list(session, &registry, &args),
        Command::Pull(args) => pull(session, &registry, &args),
        Command::Verify(args) => verify(session, &registry, &args),
        Command::Path(args) => path(session, &registry, &args),
        Command::Quantize(args) => quantize::run(session, registry, &args),
    }
}

/// A model's file, for a document.
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
    // What was made here has no address, and is the user's own to try.
    let listed = |entry: &&ModelEntry| entry.tested || entry.url.is_none() || args.all;
    for entry in registry.models().filter(listed) {
        let checked = Checked::of(registry, entry)?;
        rows.push([
            entry.name.clone(),
            entry.task().to_string(),
            entry.exports[0].bytes.map_or_else(|| checked.size(), size),
            entry.license.clone(),
            if entry.calibration.is_some() {
                "yes"
            } else {
                "-"
            }
            .to_owned(),
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
        let headings = ["model", "task", "size", "licence", "calibrated", "file"];
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

fn pull(session: &Session, registry: &Registry, args: &PullArgs) -> Result<Answer> {
    #[derive(Serialize)]
    struct Pulled {
        model: String,
        path: String,
        sha256: String,
        bytes: u64,
        transferred: u64,
        present: bool,
    }
    let members = registry.members(&args.names.join(","))?;
    // All licences before the first byte.
    for entry in &members {
        if !entry.commercial_use && !args.accept_non_commercial {
            return Err(Error::NonCommercial {
                model: entry.name.clone(),
                license: entry.license.clone(),
            })
            .context("nothing was fetched; --accept-non-commercial accepts such licences");
        }
    }
    #[derive(Serialize)]
    struct Report {
        models: Vec<Pulled>,
    }
    let mut pulled = Vec::new();
    for entry in &members {
        let bar = session.output.byte_bar(entry.name.clone());
        let progress = bar.follow();
        let mut options = PullOptions::default()
            .with_accept_non_commercial(args.accept_non_commercial)
            .with_watch(
                Watch::new()
                    .with_cancellation(&session.token)
                    .with_progress(&progress),
            );
        options.mirror.clone_from(&args.mirror);
        let report = registry
            .pull(&entry.name, &options)
            .with_context(|| format!("model {}: not fetched", entry.name))?;
        pulled.push(Pulled {
            model: report.model,
            path: shown(&report.path),
            sha256: report.digest.to_string(),
            bytes: report.bytes,
            transferred: report.transferred,
            present: report.present,
        });
    }
    let pulled = Report { models: pulled };
    session.output.answer(&pulled, || {
        let rows = pulled.models.iter().map(|report| {
            let how = if report.present {
                "was there".to_owned()
            } else if report.transferred == 0 {
                "written: it is part of this program".to_owned()
            } else {
                format!("{} fetched", size(report.transferred))
            };
            [report.model.clone(), how, report.path.clone()]
        });
        table(["model", "", "file"], rows)
    })?;
    Ok(Answer::Yes)
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
                "\n{} missing or wrong; `facekit models pull {}{consent}` puts that right",
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
                "{name} is a set of models, and each has a file of its own: {}",
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
