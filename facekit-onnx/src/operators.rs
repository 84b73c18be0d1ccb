//! The operators of a graph.

use facekit::{Model, Result};

use crate::{
    error::invalid,
    proto::{GraphProto, ModelProto, NodeProto},
};

/// Refuses operators outside ONNX's own domains, and operators for which `known` is false, in the graph and in the graphs
/// inside it.
///
/// # Errors
///
/// [`Error::Model`](facekit::Error::Model) that names the first such node, its operator, and `runtime`.
pub fn check_operators(
    proto: &ModelProto,
    model: &Model,
    runtime: &str,
    known: impl Fn(&str) -> bool,
) -> Result<()> {
    let graph = proto.graph.iter();
    graph
        .flat_map(nodes)
        .find(|node| !is_onnx(node.domain()) || !known(node.op_type()))
        .map_or(Ok(()), |node| {
            let operator = if is_onnx(node.domain()) {
                node.op_type().to_owned()
            } else {
                format!("{}.{}", node.domain(), node.op_type())
            };
            let name = node_name(node);
            Err(invalid(
                model,
                format!("node {name:?}: operator {operator} is not supported by {runtime}"),
            ))
        })
}

fn is_onnx(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx" | "ai.onnx.ml")
}

/// The nodes of `graph` and of the graphs inside it.
fn nodes(graph: &GraphProto) -> Vec<&NodeProto> {
    let mut all = Vec::new();
    for node in &graph.node {
        all.push(node);
        for attribute in &node.attribute {
            all.extend(attribute.g.iter().flat_map(|graph| nodes(graph)));
            all.extend(attribute.graphs.iter().flat_map(nodes));
        }
    }
    all
}

/// The node's name, or the name of its first output if it has none.
#[must_use]
pub fn node_name(node: &NodeProto) -> &str {
    match node.name() {
        "" => node.output.first().map_or("", String::as_str),
        name => name,
    }
}
