//! Sessions of ONNX Runtime, and the options they are made with.

use std::path::{Path, PathBuf};

use facekit_onnx::proto::{
    DataType, Dimension, DimensionValue, GraphProto, Message, ModelProto, NodeProto,
    OperatorSetIdProto, TensorShapeProto, TensorTypeProto, TypeProto, TypeValue, ValueInfoProto,
};
use ort::session::{Session, builder::AutoDevicePolicy};

use crate::{library::Loaded, optimization::Optimization, provider::Provider};

/// Everything that sessions of one network are made from.
#[derive(Debug)]
pub(crate) struct SessionSpec {
    pub(crate) loaded: &'static Loaded,
    /// The serialized graph.
    pub(crate) model: Vec<u8>,
    /// The folder of the files that hold weights of the graph, if there are such files.
    pub(crate) folder: Option<PathBuf>,
    /// Threads of one run.
    pub(crate) threads: usize,
    pub(crate) optimization: Optimization,
    pub(crate) provider: Provider,
    /// The folder that keeps optimized graphs.
    pub(crate) cache: Option<PathBuf>,
}

impl SessionSpec {
    /// A session for [`model`](Self::model).
    pub(crate) fn build(&self) -> ort::Result<Session> {
        self.build_graph(&self.model, self.optimization, None)
    }

    /// A session for a graph that every device can compute. If it fails, the device is the reason, not the model.
    pub(crate) fn build_identity(&self) -> ort::Result<Session> {
        self.build_graph(&identity_model().encode_to_vec(), Optimization::None, None)
    }

    /// A session for `graph`. Writes the optimized graph to `optimized`, a file that must not exist yet.
    pub(crate) fn build_graph(
        &self,
        graph: &[u8],
        optimization: Optimization,
        optimized: Option<&Path>,
    ) -> ort::Result<Session> {
        let providers = self
            .provider
            .execution_providers()
            .map_err(|error| ort::Error::new(error.to_string()))?;
        let mut builder = Session::builder(&self.loaded.environment)?
            // Only the provider that the caller chose. By default, ort prefers devices that save power.
            .with_auto_device(AutoDevicePolicy::PreferCPU)?
            .with_execution_providers(providers)?
            .with_optimization_level(optimization.level())?
            .with_intra_threads(self.threads)?
            // Waiting threads that spin would take the cores from the next network and from other callers.
            .with_intra_op_spinning(false)?
            // ONNX Runtime would keep a memory pattern for every input size that ever occurred.
            .with_memory_pattern(false)?;
        if let Some(folder) = &self.folder {
            // Otherwise ONNX Runtime would read files of the current folder.
            let folder = folder.to_str().ok_or_else(|| {
                ort::Error::new(format!(
                    "{}: the path is not UTF-8, which ONNX Runtime requires",
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

/// A graph that returns its input.
fn identity_model() -> ModelProto {
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
            name: Some("identity".to_owned()),
            node: vec![NodeProto {
                op_type: Some("Identity".to_owned()),
                input: vec!["input".to_owned()],
                output: vec!["output".to_owned()],
                ..NodeProto::default()
            }],
            input: vec![value("input")],
            output: vec![value("output")],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}
