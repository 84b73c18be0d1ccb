//! The values of attributes and of constants.

use crate::proto::{AttributeProto, DataType, NodeProto, TensorProto};

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    let mut attributes = node.attribute.iter();
    attributes.find(|attribute| attribute.name() == name)
}

pub(crate) fn integer(node: &NodeProto, name: &str, default: i64) -> i64 {
    attribute(node, name).map_or(default, AttributeProto::i)
}

pub(crate) fn list<'a>(node: &'a NodeProto, name: &str) -> Option<&'a [i64]> {
    attribute(node, name).map(|attribute| &attribute.ints[..])
}

pub(crate) fn text<'a>(node: &'a NodeProto, name: &str) -> &'a [u8] {
    attribute(node, name).map_or(&[], AttributeProto::s)
}

/// The axes of a node, which newer operator sets pass as an input and older ones as an attribute. `input` is `None` if there is
/// no such input, and `Some(None)` if its value is not known.
pub(crate) fn axes(node: &NodeProto, input: Option<Option<&TensorProto>>) -> Option<Vec<i64>> {
    match input {
        Some(tensor) => int64s(tensor?),
        None => list(node, "axes").map(<[i64]>::to_vec),
    }
}

/// The elements of a constant of 64-bit integers that is stored in the model's file.
pub(crate) fn int64s(tensor: &TensorProto) -> Option<Vec<i64>> {
    let raw = raw_elements(tensor, DataType::Int64)?;
    Some(match raw {
        Some(bytes) => bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| i64::from_le_bytes(*b))
            .collect(),
        None => tensor.int64_data.clone(),
    })
}

/// The elements of a constant of 32-bit floats that is stored in the model's file.
pub(crate) fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    let raw = raw_elements(tensor, DataType::Float)?;
    Some(match raw {
        Some(bytes) => bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect(),
        None => tensor.float_data.clone(),
    })
}

/// `None` if the constant is of another type or in another file. Otherwise its bytes, or `Some(None)` if the elements are in
/// the list of their type.
fn raw_elements(tensor: &TensorProto, kind: DataType) -> Option<Option<&[u8]>> {
    let usable = tensor.data_type() == kind as i32 && tensor.data_location() == 0;
    usable.then_some(tensor.raw_data.as_deref())
}
