//! Reading a model file.

use std::collections::HashSet;

use facekit::{Error, Model, Result};
use prost::Message;

use crate::{
    error::invalid,
    external_data::check_external_data,
    proto::{GraphProto, ModelProto, TensorProto, ValueInfoProto},
};

/// Reads `model`. In the result, every output of the graph is computed, and every file that holds constants exists.
///
/// # Errors
///
/// [`Error::Model`] for a file that is not an ONNX model or is cut short, and for a missing file of weights, which is named.
pub fn read(model: &Model) -> Result<ModelProto> {
    let proto = ModelProto::decode(model.bytes()).map_err(|error| Error::Model {
        model: model.name().to_owned(),
        reason: "not an ONNX model, or damaged".to_owned(),
        source: Some(error.into()),
    })?;
    let Some(graph) = &proto.graph else {
        return Err(invalid(model, "it holds no graph"));
    };
    check_outputs(graph, model)?;
    check_external_data(graph, model)?;
    Ok(proto)
}

/// Refuses outputs that no node computes, as in a file that was cut short between two nodes.
fn check_outputs(graph: &GraphProto, model: &Model) -> Result<()> {
    let computed: HashSet<&str> = graph
        .node
        .iter()
        .flat_map(|node| &node.output)
        .map(String::as_str)
        .chain(graph.input.iter().map(ValueInfoProto::name))
        .chain(graph.initializer.iter().map(TensorProto::name))
        .collect();
    if graph.output.is_empty() {
        return Err(invalid(model, "it has no outputs"));
    }
    match graph
        .output
        .iter()
        .map(ValueInfoProto::name)
        .find(|output| !computed.contains(output))
    {
        Some(output) => Err(invalid(
            model,
            format!("no node computes output {output:?}"),
        )),
        None => Ok(()),
    }
}
