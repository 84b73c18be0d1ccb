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
    optimization::Optimization,
    provider::Provider,
    rewrite,
    session::SessionSpec,
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

impl Ort {
    /// The runtime with its defaults. The library is loaded with the first model, or by [`library`](Self::library).
    ///
    /// ```
    /// assert_eq!(facekit_ort::Ort::new().to_string(), "ort");
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses the library in this file and no other. A process can use one library.
    #[cfg(feature = "load-dynamic")]
    #[must_use]
    pub fn with_library(mut self, path: impl Into<PathBuf>) -> Self {
        self.library = Some(path.into());
        self
    }

    /// The most runs of one network at the same time. Further callers wait. Each run at the same time uses a session of its own
    /// with a copy of the weights; sessions are made when they are first needed.
    ///
    /// The default is the number of cores divided by [`LoadOptions::threads`], and one for an accelerator.
    #[must_use]
    pub fn with_sessions(mut self, sessions: NonZeroUsize) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// Sets the provider that computes. The default is the processor. Loading fails if the provider is not available.
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    /// Sets how far graphs are rewritten. The default is [`Optimization::All`].
    #[must_use]
    pub fn with_optimization(mut self, optimization: Optimization) -> Self {
        self.optimization = optimization;
        self
    }

    /// Keeps optimized graphs in this folder, so that a model is not optimized again the next time it is loaded. YuNet then
    /// loads in 10 ms instead of 13 to 17; for MobileFaceNet and MiniFASNet it makes no difference. A damaged entry is written
    /// again. Graphs of models whose weights are in other files, and of other providers than the processor, are not kept.
    #[must_use]
    pub fn with_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// The library in use. If the process has none yet, it is searched and loaded now.
    ///
    /// # Errors
    ///
    /// [`Error::LibraryUnavailable`] with every place that was tried and the reason why it failed.
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
    /// [`LoadOptions::threads`] is the number of threads of one run. `None` means one for each core.
    fn load(&self, model: &Model, options: &LoadOptions) -> Result<Box<dyn Network>> {
        let loaded = library::loaded(self.library.as_deref())?;
        let mut proto = facekit_onnx::read(model)?;
        let freed = facekit_onnx::rewrite::free_batch(&mut proto);
        let inputs = facekit_onnx::inputs(&proto, model)?;
        let sizes_vary = inputs.iter().any(|port| port.shape.contains(&Dim::Any));
        if sizes_vary {
            facekit_onnx::rewrite::forget_sizes(&mut proto);
        }
        let external = facekit_onnx::has_external_data(&proto);
        let rewritten = !external
            && self.provider == Provider::Cpu
            && self.optimization == Optimization::All
            && rewrite::for_processor(&mut proto);
        tracing::debug!(model = model.name(), freed, rewritten, "read");
        // Reports a missing provider before anything that takes longer.
        self.provider.execution_providers()?;
        let cacheable =
            self.provider == Provider::Cpu && self.optimization != Optimization::None && !external;
        let threads = match options.threads {
            Some(0) => return Err(Error::argument("threads", "0 given, at least 1 needed")),
            Some(threads) => threads,
            None => cores(),
        };
        let spec = SessionSpec {
            loaded,
            model: if sizes_vary || rewritten {
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
            cache: self.cache.clone().filter(|_| cacheable),
        };
        let network = OrtNetwork::new(model, spec, self.sessions(threads), |shapes| {
            let outputs = facekit_onnx::outputs(&proto, shapes, model)?;
            Ok(Signature { inputs, outputs })
        })?;
        Ok(Box::new(network))
    }
}

/// The number of physical cores that this process may use. Two threads on one core would slow each other down.
fn cores() -> usize {
    let allowed = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    num_cpus::get_physical().clamp(1, allowed)
}
