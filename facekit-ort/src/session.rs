//! Making sessions.

use std::path::{Path, PathBuf};

use facekit_onnx::proto::{
    DataType, Dimension, DimensionValue, GraphProto, Message, ModelProto, NodeProto,
    OperatorSetIdProto, TensorShapeProto, TensorTypeProto, TypeProto, TypeValue, ValueInfoProto,
};
use ort::session::{
    Session,
    builder::{AutoDevicePolicy, GraphOptimizationLevel},
};

use crate::{cache, library::Loaded, provider::Provider, runtime::Optimization};

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
    /// Where optimised graphs are kept.
    pub(crate) cache: Option<PathBuf>,
}

impl Recipe {
    /// A session for [`model`](Self::model).
    pub(crate) fn session(&self) -> ort::Result<Session> {
        match &self.cache {
            Some(folder) => cache::session(folder, self),
            None => self.build(&self.model, self.optimization, None),
        }
    }

    /// A session for a graph that any device can compute: where it fails, it is not for the model's sake.
    pub(crate) fn smallest(&self) -> ort::Result<Session> {
        self.build(&smallest().encode_to_vec(), Optimization::None, None)
    }

    /// A session for `graph`, which is written as optimised to a file that does not exist.
    pub(crate) fn build(
        &self,
        graph: &[u8],
        optimization: Optimization,
        optimized: Option<&Path>,
    ) -> ort::Result<Session> {
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
            // Threads that wait would keep those of the next network, or of other callers, from running.
            .with_intra_op_spinning(false)?
            // A pattern would be kept for every size of the inputs ever seen.
            .with_memory_pattern(false)?;
        if let Some(folder) = &self.folder {
            // Without it, ONNX Runtime would take files of the current folder.
            let folder = folder.to_str().ok_or_else(|| {
                ort::Error::new(format!(
                    "{}: not UTF-8, as ONNX Runtime needs it",
                    folder.display()
                ))
            })?;
            let key = "session.model_external_initializers_file_folder_path";
            builder = builder.with_config_entry(key, folder)?;
        }
        if let Some(path) = optimized {
            builder = builder.with_optimized_model_path(path)?;
        }
        builder.commit_from_memory(graph)
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

/// A graph that gives what it is given.
fn smallest() -> ModelProto {
    let value = |name: &str| ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            value: Some(TypeValue::TensorType(TensorTypeProto {
                elem_type: Some(DataType::Float as i32),
                shape: Some(TensorShapeProto {
                    dim: vec![Dimension {
                        value: Some(DimensionValue::DimValue(1)),
                        ..Dimension::default()
                    }],
                }),
            })),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    };
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto {
            version: Some(13),
            ..OperatorSetIdProto::default()
        }],
        graph: Some(GraphProto {
            name: Some("smallest".to_owned()),
            node: vec![NodeProto {
                op_type: Some("Identity".to_owned()),
                input: vec!["given".to_owned()],
                output: vec!["found".to_owned()],
                ..NodeProto::default()
            }],
            input: vec![value("given")],
            output: vec![value("found")],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}
