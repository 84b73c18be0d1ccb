//! Loading models.

use std::{
    fmt,
    num::NonZeroUsize,
    path::{self, Path, PathBuf},
    thread,
};

use facekit::{Dim, Error, LoadOptions, Model, Network, Result, Runtime, Signature};
use facekit_onnx::proto::Message;

use crate::{
    error::NAME,
    library::{self, Library},
    network::OrtNetwork,
    provider::Provider,
    rewrite,
    session::Recipe,
};

/// Loads models into [ONNX Runtime](https://onnxruntime.ai).
///
/// ```no_run
/// use facekit::{LoadOptions, Model, Runtime};
/// use facekit_ort::Ort;
///
/// let ort = Ort::new().with_provider("cuda:0".parse()?);
/// println!("ONNX Runtime {}", ort.library()?.version());
/// let network = ort.load(&Model::open("mobilefacenet.onnx")?, &LoadOptions::default())?;
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ort {
    library: Option<PathBuf>,
    sessions: Option<NonZeroUsize>,
    provider: Provider,
    optimization: Optimization,
    cache: Option<PathBuf>,
}

/// How far ONNX Runtime may rewrite a graph when it loads one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Optimization {
    /// Not at all.
    None,
    /// Removes and joins nodes: what is constant is computed once, batch normalisation goes into convolutions.
    Basic,
    /// Also joins nodes into operators of ONNX Runtime's own.
    Extended,
    /// Also lays tensors out as the processor computes fastest.
    #[default]
    All,
}

impl Ort {
    /// The runtime with its defaults. Nothing is loaded before the first model, or [`library`](Self::library).
    ///
    /// ```
    /// assert_eq!(facekit_ort::Ort::new().to_string(), "ort");
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses the library in this file, and no other. A process can use one library.
    #[cfg(feature = "load-dynamic")]
    #[must_use]
    pub fn with_library(mut self, path: impl Into<PathBuf>) -> Self {
        self.library = Some(path.into());
        self
    }

    /// How many runs of one network may go on at once; further callers wait. Each takes a session with its own copy of
    /// the weights, which is made when it is first needed.
    ///
    /// Unless it is set there are as many as make use of the processor: its cores divided by
    /// [`LoadOptions::threads`], and one for an accelerator.
    #[must_use]
    pub fn with_sessions(mut self, sessions: NonZeroUsize) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// What computes: the processor, unless this is set. Where it cannot be had, loading fails.
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    /// How far graphs are rewritten: [`Optimization::All`], unless this is set.
    #[must_use]
    pub fn with_optimization(mut self, optimization: Optimization) -> Self {
        self.optimization = optimization;
        self
    }

    /// Keeps optimised graphs in this folder, so that a model that was loaded before is not optimised again: YuNet then
    /// loads in 10 ms instead of 13 to 17, for MobileFaceNet and MiniFASNet it makes no difference. An entry that is
    /// damaged is made anew. They are not kept for models whose weights lie in other files, nor for other
    /// providers than the processor.
    #[must_use]
    pub fn with_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// The library, which is looked for and loaded now if this process has none yet.
    ///
    /// # Errors
    ///
    /// [`Error::LibraryUnavailable`], with every place that was tried and why it would not do.
    pub fn library(&self) -> Result<&'static Library> {
        Ok(&library::loaded(self.library.as_deref())?.library)
    }

    fn sessions(&self, threads: usize) -> NonZeroUsize {
        self.sessions.unwrap_or_else(|| {
            let sessions = match self.provider {
                Provider::Cpu => cores() / threads,
                _ => 1,
            };
            NonZeroUsize::new(sessions).unwrap_or(NonZeroUsize::MIN)
        })
    }
}

impl fmt::Display for Ort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

impl Runtime for Ort {
    /// [`LoadOptions::threads`] is the number of threads of one run; `None` is one for each core.
    fn load(&self, model: &Model, options: &LoadOptions) -> Result<Box<dyn Network>> {
        let loaded = library::loaded(self.library.as_deref())?;
        let mut proto = facekit_onnx::read(model)?;
        let freed = facekit_onnx::rewrite::free_batch(&mut proto);
        let inputs = facekit_onnx::inputs(&proto, model)?;
        let vary = inputs.iter().any(|port| port.shape.contains(&Dim::Any));
        if vary {
            facekit_onnx::rewrite::forget_sizes(&mut proto);
        }
        let external = facekit_onnx::has_external_data(&proto);
        let rewritten = !external
            && self.provider == Provider::Cpu
            && self.optimization == Optimization::All
            && rewrite::for_processor(&mut proto);
        tracing::debug!(model = model.name(), freed, rewritten, "read");
        self.provider.dispatches()?;
        let keep =
            self.provider == Provider::Cpu && self.optimization != Optimization::None && !external;
        let threads = match options.threads {
            Some(0) => return Err(Error::argument("threads", "0 given, at least 1 needed")),
            Some(threads) => threads,
            None => cores(),
        };
        let recipe = Recipe {
            loaded,
            model: if vary || rewritten {
                proto.encode_to_vec()
            } else {
                model.bytes().to_vec()
            },
            folder: model
                .path()
                .filter(|_| external)
                .and_then(|path| path::absolute(path).ok()?.parent().map(Path::to_owned)),
            threads,
            optimization: self.optimization,
            provider: self.provider.clone(),
            cache: self.cache.clone().filter(|_| keep),
        };
        let network = OrtNetwork::new(model, recipe, self.sessions(threads), |shapes| {
            let outputs = facekit_onnx::outputs(&proto, shapes, model)?;
            Ok(Signature { inputs, outputs })
        })?;
        Ok(Box::new(network))
    }
}

/// The cores that this process may use: a second thread on one core would only get in the way of the first.
fn cores() -> usize {
    let allowed = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    num_cpus::get_physical().clamp(1, allowed)
}
