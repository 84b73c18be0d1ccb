//! Reading a model file, and what can be known to be wrong with it before anything runs.

use std::{
    collections::HashSet,
    error::Error as StdError,
    path::{Component, Path},
};

use facekit::{Dim, Element, Error, Model, Port, Result};
use prost::Message;

use crate::proto::{
    DataType, DimensionValue, GraphProto, ModelProto, NodeProto, TensorProto, TypeValue,
    ValueInfoProto,
};

/// Reads `model`. Every output of its graph is computed by something, and every file that its constants lie in is there.
///
/// # Errors
///
/// [`Error::Model`] for what is not an ONNX model, is cut short, or lacks a file of its weights, which is named.
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

/// The error that says what is wrong with `model`.
pub fn invalid(model: &Model, reason: impl Into<String>) -> Error {
    Error::Model {
        model: model.name().to_owned(),
        reason: reason.into(),
        source: None::<Box<dyn StdError + Send + Sync>>,
    }
}

/// Looks for operators outside ONNX's own domain, and for those that `known` does not know, in the graph and the graphs
/// inside it.
///
/// # Errors
///
/// [`Error::Model`] that names the first such node, its operator, and `runtime`.
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
        for inner in &node.attribute {
            all.extend(inner.g.iter().flat_map(|graph| nodes(graph)));
            all.extend(inner.graphs.iter().flat_map(nodes));
        }
    }
    all
}

/// The node's name, or its first output's where it has none.
#[must_use]
pub fn node_name(node: &NodeProto) -> &str {
    match node.name() {
        "" => node.output.first().map_or("", String::as_str),
        name => name,
    }
}

/// What the caller of a network gives: the graph's inputs without an initial value, in the graph's order.
///
/// # Errors
///
/// [`Error::Model`] for an input that is no tensor of a known rank and of one of facekit's element types.
pub fn inputs(proto: &ModelProto, model: &Model) -> Result<Vec<Port>> {
    let Some(graph) = &proto.graph else {
        return Ok(Vec::new());
    };
    let initial: HashSet<&str> = graph.initializer.iter().map(TensorProto::name).collect();
    let given = graph.input.iter();
    given
        .filter(|input| !initial.contains(input.name()))
        .map(|input| {
            let (element, shape) = stated(input, "input", model)?;
            port(input, "input", element, shape, model)
        })
        .collect()
}

/// What a network gives, in the graph's order. `shapes` says what is known of each; where it knows nothing, an output
/// has the rank that the file states and any sizes: exporters write the sizes of one example there.
///
/// # Errors
///
/// [`Error::Model`] for an output that is no tensor of one of facekit's element types, or whose rank nobody knows.
pub fn outputs(
    proto: &ModelProto,
    shapes: impl IntoIterator<Item = Option<Vec<Dim>>>,
    model: &Model,
) -> Result<Vec<Port>> {
    let computed = proto.graph.iter().flat_map(|graph| &graph.output);
    computed
        .zip(shapes)
        .map(|(output, known)| {
            let (element, shape) = stated(output, "output", model)?;
            let rank = || Some(vec![Dim::Any; shape?.len()]);
            port(output, "output", element, known.or_else(rank), model)
        })
        .collect()
}

fn port(
    info: &ValueInfoProto,
    kind: &str,
    element: Element,
    shape: Option<Vec<Dim>>,
    model: &Model,
) -> Result<Port> {
    let name = info.name();
    let shape = shape.ok_or_else(|| {
        let reason = "the number of its dimensions is not known";
        invalid(model, format!("{kind} {name:?}: {reason}"))
    })?;
    Ok(Port {
        name: name.to_owned(),
        element,
        shape,
    })
}

/// The element type and, where it is there, the shape that the file gives an input or output.
fn stated(info: &ValueInfoProto, kind: &str, model: &Model) -> Result<(Element, Option<Vec<Dim>>)> {
    let wrong = |reason: &str| invalid(model, format!("{kind} {:?}: {reason}", info.name()));
    let value = info.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let Some(TypeValue::TensorType(tensor)) = value else {
        return Err(wrong("not a tensor"));
    };
    let element = match DataType::try_from(tensor.elem_type()) {
        Ok(DataType::Float) => Element::F32,
        Ok(DataType::Int64) => Element::I64,
        Ok(DataType::Uint8) => Element::U8,
        other => {
            let found = match other {
                Ok(other) => format!("{other:?}").to_uppercase(),
                Err(_) => format!("number {}", tensor.elem_type()),
            };
            return Err(wrong(&format!(
                "elements of type {found}; f32, i64 and u8 are supported"
            )));
        }
    };
    let shape = tensor.shape.as_ref().map(|shape| {
        let sizes = shape.dim.iter().map(|dim| match dim.value {
            // Exporters write what they do not know as zero or less.
            Some(DimensionValue::DimValue(size)) => match usize::try_from(size) {
                Ok(size) if size > 0 => Dim::Fixed(size),
                _ => Dim::Any,
            },
            _ => Dim::Any,
        });
        sizes.collect()
    });
    Ok((element, shape))
}

/// Looks for outputs that nothing computes, as in a file that was cut short between two nodes.
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
            format!("nothing computes output {output:?}"),
        )),
        None => Ok(()),
    }
}

/// Whether any constant of the model lies in another file.
#[must_use]
pub fn has_external_data(proto: &ModelProto) -> bool {
    proto.graph.iter().any(|graph| !external(graph).is_empty())
}

/// The constants of `graph`, and of the graphs inside it, that lie in other files.
fn external(graph: &GraphProto) -> Vec<&TensorProto> {
    const EXTERNAL: i32 = 1;
    let mut graphs = vec![graph];
    let mut constants = Vec::new();
    while let Some(graph) = graphs.pop() {
        constants.extend(&graph.initializer);
        for attribute in graph.node.iter().flat_map(|node| &node.attribute) {
            constants.extend(attribute.t.as_deref());
            constants.extend(&attribute.tensors);
            graphs.extend(attribute.g.as_deref());
            graphs.extend(&attribute.graphs);
        }
    }
    constants.retain(|constant| constant.data_location() == EXTERNAL);
    constants
}

/// Looks for the files that constants lie in.
fn check_external_data(graph: &GraphProto, model: &Model) -> Result<()> {
    let mut seen = HashSet::new();
    for constant in external(graph) {
        let name = constant.name();
        let wrong = |reason: String| Err(invalid(model, format!("tensor {name:?}: {reason}")));
        let location = constant
            .external_data
            .iter()
            .find(|entry| entry.key() == "location");
        let Some(location) = location.map(|entry| entry.value()) else {
            return wrong("it does not say which file its elements are in".to_owned());
        };
        if !seen.insert(location) {
            continue;
        }
        let mut parts = Path::new(location).components();
        if !parts.all(|part| matches!(part, Component::Normal(_))) {
            return wrong(format!(
                "its elements are in {location:?}, which is not below the model's folder"
            ));
        }
        let Some(folder) = model.path().and_then(Path::parent) else {
            return wrong(format!(
                "its elements are in another file, {location:?}, and this model is one file only: as are all models of a registry, whose digests cover no other"
            ));
        };
        let path = folder.join(location);
        // A link may lead anywhere.
        let inside = folder
            .canonicalize()
            .and_then(|folder| Ok(path.canonicalize()?.starts_with(folder)));
        if let Ok(false) = inside {
            return wrong(format!(
                "its elements are in {}, which leads out of the model's folder",
                path.display()
            ));
        }
        if !path.is_file() {
            return wrong(format!(
                "its elements are in {}, which is not there",
                path.display()
            ));
        }
    }
    Ok(())
}
