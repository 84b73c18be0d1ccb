//! The models of a command, the runtime that runs them, and the number of images processed at a time.

use std::{num::NonZeroUsize, path::PathBuf, thread};

use anyhow::{Context, Result, anyhow};
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use facekit::{EmbeddingSpace, Error, LoadOptions, ModelSet, Models, Registry, Runtime};
use facekit_runtimes::{Provider, RuntimeName, RuntimeOptions};

/// The models that are part of the program.
pub(crate) const DEFAULT_MODELS: &str = "nano";

/// The selection of models.
#[derive(Args, Debug)]
#[command(next_help_heading = "Models")]
pub(crate) struct SelectionArgs {
    /// Sets and models, separated by commas: standard,scrfd_500m
    ///
    /// Each name replaces its parts of the names before it. If the list begins with a
    /// model, its other parts are those of the set standard.
    #[arg(
        long,
        value_name = "SELECTION",
        env = "FACEKIT_SELECTION",
        default_value = DEFAULT_MODELS,
        verbatim_doc_comment
    )]
    models: String,

    /// Take the landmarks of the detector, without a second look at each face
    ///
    /// Templates that were made without a second look are found only in this way, and those
    /// made with one only with it.
    #[arg(long, verbatim_doc_comment)]
    no_second_look: bool,
}

/// The selection of models and their runtime.
#[derive(Args, Debug)]
#[command(next_help_heading = "Models")]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    selection: SelectionArgs,

    /// The runtime that runs the models
    #[arg(long, value_name = "NAME", default_value_t, value_parser = runtime_names())]
    runtime: RuntimeName,

    /// With --runtime ort: the device: cpu, cuda, cuda:1, tensorrt, openvino or coreml
    #[arg(long, value_name = "DEVICE")]
    provider: Option<Provider>,

    /// With --runtime ort: the library of ONNX Runtime [default: see ORT_DYLIB_PATH]
    ///
    /// By default, ORT_DYLIB_PATH, the libraries of the system and the packages of Python
    /// are searched.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    onnxruntime: Option<PathBuf>,

    #[command(flatten)]
    jobs: JobArgs,
}

/// The number of images that are processed at a time.
#[derive(Args, Debug)]
pub(crate) struct JobArgs {
    /// The number of images to process at a time [default: one for each core]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

impl JobArgs {
    pub(crate) fn number(&self) -> NonZeroUsize {
        self.jobs
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
    }
}

/// The names of the runtimes, each with a line for the help text.
fn runtime_names() -> impl TypedValueParser<Value = RuntimeName> {
    let value = |name: RuntimeName| PossibleValue::new(name.as_str()).help(name.summary());
    PossibleValuesParser::new(RuntimeName::ALL.iter().copied().map(value))
        .try_map(|name| name.parse::<RuntimeName>())
}

impl SelectionArgs {
    /// The selected models.
    fn set(&self, registry: &Registry) -> Result<ModelSet> {
        let set = registry.resolve(&self.models)?;
        Ok(if self.no_second_look {
            set.without_second_look()
        } else {
            set
        })
    }

    /// The embedding space of the selected models, which are not loaded.
    pub(crate) fn space(&self) -> Result<EmbeddingSpace> {
        let space = self.set(&registry()?)?.space();
        space.with_context(|| format!("models {:?}: no embedder is among them", self.models))
    }
}

impl ModelArgs {
    /// The number of images to process at a time.
    pub(crate) fn jobs(&self) -> NonZeroUsize {
        self.jobs.number()
    }

    /// The name of the runtime, for reports.
    pub(crate) fn runtime_name(&self) -> &'static str {
        self.runtime.as_str()
    }

    /// The selected models.
    pub(crate) fn set(&self, registry: &Registry) -> Result<ModelSet> {
        self.selection.set(registry)
    }

    pub(crate) fn open_runtime(&self) -> Result<Box<dyn Runtime>> {
        let mut options = RuntimeOptions::default().with_concurrency(self.jobs());
        options.provider.clone_from(&self.provider);
        options.library.clone_from(&self.onnxruntime);
        self.runtime.runtime(&options).map_err(|error| match error {
            Error::InvalidArgument { argument, .. } if self.runtime != RuntimeName::Ort => {
                anyhow!("--{argument} goes with --runtime ort")
            }
            error => error.into(),
        })
    }
}

/// The models that are part of the program, and those of the user's models folder.
pub(crate) fn registry() -> Result<Registry> {
    Ok(facekit_nano::registry().read_env()?)
}

/// Loads the selected models. Also returns the registry of all models.
pub(crate) fn open_models(args: &ModelArgs) -> Result<(Registry, Models)> {
    let runtime = args.open_runtime()?;
    let registry = registry()?;
    // Images are processed in parallel, so each run uses one thread.
    let options = LoadOptions::default().with_threads(1);
    let models = registry.load_set(&args.set(&registry)?, &*runtime, &options)?;
    Ok((registry, models))
}
