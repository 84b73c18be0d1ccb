//! The inputs and outputs of a model.

use std::collections::HashSet;

use facekit::{Dim, Element, Model, Port, Result};

use crate::{
    error::invalid,
    proto::{DataType, DimensionValue, ModelProto, TensorProto, TypeValue, ValueInfoProto},
};

/// The inputs that the caller of a network passes: the graph's inputs without an initial value, in the graph's order.
///
/// # Errors
///
/// [`Error::Model`](facekit::Error::Model) for an input that is not a tensor of one of facekit's element types, or whose rank
/// is not declared.
pub fn inputs(proto: &ModelProto, model: &Model) -> Result<Vec<Port>> {
    let Some(graph) = &proto.graph else {
        return Ok(Vec::new());
    };
    let initial: HashSet<&str> = graph.initializer.iter().map(TensorProto::name).collect();
    let inputs = graph.input.iter();
    inputs
        .filter(|input| !initial.contains(input.name()))
        .map(|input| {
            let (element, shape) = declared(input, "input", model)?;
            port(input, "input", element, shape, model)
        })
        .collect()
}

/// The outputs of a network, in the graph's order. `shapes` holds the shape of each, as far as the runtime knows it. An output
/// whose shape is `None` gets the rank that the file declares, and [`Dim::Any`] for each size: exporters write the sizes of one
/// example there.
///
/// # Errors
///
/// [`Error::Model`](facekit::Error::Model) for an output that is not a tensor of one of facekit's element types, or whose rank
/// is not known.
pub fn outputs(
    proto: &ModelProto,
    shapes: impl IntoIterator<Item = Option<Vec<Dim>>>,
    model: &Model,
) -> Result<Vec<Port>> {
    let outputs = proto.graph.iter().flat_map(|graph| &graph.output);
    outputs
        .zip(shapes)
        .map(|(output, known)| {
            let (element, shape) = declared(output, "output", model)?;
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
        let reason = "its number of dimensions is not known";
        invalid(model, format!("{kind} {name:?}: {reason}"))
    })?;
    Ok(Port {
        name: name.to_owned(),
        element,
        shape,
    })
}

/// The element type and, if there is one, the shape that the file declares for an input or output.
fn declared(
    info: &ValueInfoProto,
    kind: &str,
    model: &Model,
) -> Result<(Element, Option<Vec<Dim>>)> {
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
                Err(_) => format!("{}, which is unknown", tensor.elem_type()),
            };
            return Err(wrong(&format!(
                "elements of type {found}; f32, i64 and u8 are supported"
            )));
        }
    };
    let shape = tensor.shape.as_ref().map(|shape| {
        let sizes = shape.dim.iter().map(|dim| match dim.value {
            // Exporters write zero or less for sizes that they do not know.
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
