//! Making sessions.

use std::path::PathBuf;

use ort::session::{
    Session,
    builder::{AutoDevicePolicy, GraphOptimizationLevel, SessionBuilder},
};

use crate::{library::Loaded, provider::Provider, runtime::Optimization};

/// Everything that a session is made of, so that more of them can be.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub(crate) loaded: &'static Loaded,
    /// The serialised graph.
    pub(crate) model: Vec<u8>,
    /// Where the files lie that the graph keeps weights in, if it does.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) threads: usize,
    pub(crate) optimization: Optimization,
    pub(crate) provider: Provider,
}

impl Recipe {
    /// A session for [`model`](Self::model).
    pub(crate) fn session(&self) -> ort::Result<Session> {
        self.builder(self.optimization)?
            .commit_from_memory(&self.model)
    }

    fn builder(&self, optimization: Optimization) -> ort::Result<SessionBuilder> {
        let providers = self
            .provider
            .dispatches()
            .map_err(|error| ort::Error::new(error.to_string()))?;
        let mut builder = Session::builder(&self.loaded.environment)?
            // What was asked for and nothing else: by itself ort takes what saves power.
            .with_auto_device(AutoDevicePolicy::PreferCPU)?
            .with_execution_providers(providers)?
            .with_optimization_level(level(optimization))?
            .with_intra_threads(self.threads)?
            // A pattern would be kept for every size of the inputs ever seen.
            .with_memory_pattern(false)?;
        if let Some(folder) = self.folder.as_deref().and_then(|folder| folder.to_str()) {
            let key = "session.model_external_initializers_file_folder_path";
            builder = builder.with_config_entry(key, folder)?;
        }
        Ok(builder)
    }
}

fn level(optimization: Optimization) -> GraphOptimizationLevel {
    match optimization {
        Optimization::None => GraphOptimizationLevel::Disable,
        Optimization::Basic => GraphOptimizationLevel::Level1,
        Optimization::Extended => GraphOptimizationLevel::Level2,
        Optimization::All => GraphOptimizationLevel::All,
    }
}
