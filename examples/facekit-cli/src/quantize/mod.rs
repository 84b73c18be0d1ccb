//! `facekit models quantize`: variants of models in 8-bit integers, compared with the originals.
//!
//! `record` collects the inputs of a model, `script` quantizes it, `measure` compares the variant with the original, and
//! `variant` combines these steps.

mod measure;
mod record;
mod script;
mod variant;

use std::{num::NonZeroUsize, path::PathBuf};

use anyhow::{Context, Result, bail};
use facekit::{ModelEntry, Registry, SetEntry};
use serde::Serialize;

use self::variant::{Variant, Work};
use crate::{
    Answer,
    options::{DetectArgs, JobArgs},
    output::table,
    session::Session,
};

/// The end of the name of a variant.
const SUFFIX: &str = "_int8";

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Models and sets: standard, mobilefacenet
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,

    /// Photos as in use; for an embedder, a folder that holds a folder for each person
    #[arg(long, value_name = "DIR")]
    calibration: PathBuf,

    /// Also measure embedders on these pairs, in the format of LFW's pairs.txt
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,

    /// Measure the ranges of a model's values on this number of the photos
    #[arg(long, value_name = "N", default_value = "200")]
    photos: NonZeroUsize,

    /// A Python interpreter with the packages onnx and onnxruntime
    ///
    /// The tools of ONNX Runtime quantize the model. They are written in Python.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,

    /// The library of ONNX Runtime [default: see ORT_DYLIB_PATH]
    #[arg(long, value_name = "FILE")]
    onnxruntime: Option<PathBuf>,

    #[command(flatten)]
    jobs: JobArgs,

    #[command(flatten)]
    detect: DetectArgs,
}

pub(crate) fn run(session: &Session, mut registry: Registry, args: &Args) -> Result<Answer> {
    let names = args.names.join(",");
    let members: Vec<ModelEntry> = registry.members(&names)?.into_iter().cloned().collect();
    if let Some(entry) = members.iter().find(|entry| entry.name.ends_with(SUFFIX)) {
        bail!("model {}: it has 8 bits already", entry.name);
    }
    let work = Work::new(session, args)?;
    let mut variants = Vec::new();
    for entry in &members {
        // The other models come from a set that has this model, preferably from a named one.
        let named = args.names.iter().filter_map(|name| registry.set(name).ok());
        let set = named
            .chain(registry.sets())
            .find(|set| set.members().any(|member| member == entry.name))
            .map_or("standard", |set| &set.name);
        let set = registry.resolve(&format!("{set},{}", entry.name))?;
        variants.push(
            work.quantize(&mut registry, entry, &set)
                .with_context(|| format!("model {}: not quantized", entry.name))?,
        );
    }
    let mut sets = Vec::new();
    for name in &args.names {
        if let Ok(set) = registry.set(name) {
            let set = preferred(set, &variants);
            registry.keep_set(&set)?;
            sets.push(set);
        }
    }
    let report = Report {
        models: variants,
        sets,
    };
    session.output.answer(&report, || report.text())?;
    Ok(Answer::Yes)
}

#[derive(Serialize)]
struct Report {
    models: Vec<Variant>,
    sets: Vec<SetEntry>,
}

impl Report {
    fn text(&self) -> String {
        let headings = [
            "model",
            "f32",
            "int8",
            "ratio",
            "compared with f32",
            "objection",
        ];
        let mut text = table(headings, self.models.iter().map(Variant::row));
        for set in &self.sets {
            let members: Vec<&str> = set.members().collect();
            text += &format!("\nset {}: {}\n", set.name, members.join(", "));
        }
        text
    }
}

/// The set of the variants of `set`. A model whose variant has an objection stays in it.
fn preferred(set: &SetEntry, variants: &[Variant]) -> SetEntry {
    let better = |name: &str| {
        let found = variants
            .iter()
            .find(|variant| variant.model == name && variant.objection.is_none());
        found.map_or_else(|| name.to_owned(), |found| found.variant.clone())
    };
    let mut quantized = set.clone();
    quantized.name = format!("{}{SUFFIX}", set.name);
    quantized.detector = better(&set.detector);
    quantized.embedder = better(&set.embedder);
    quantized.liveness = set.liveness.iter().map(|name| better(name)).collect();
    quantized
}
