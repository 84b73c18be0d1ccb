//! Weights that are stored as 16-bit floats (halves).

use std::collections::{HashMap, HashSet};

use half::f16;

use crate::{
    graph::{Links, float_tensor, remove_unused_constants},
    proto::{DataType, ModelProto, NodeProto, TensorProto},
};

/// Replaces every 16-bit constant that a `Cast` turns into `f32`, and the `Cast`, by a constant of type `f32`. Returns the
/// number of constants it replaced. Engines that compute constants when they load a model do the same themselves.
///
/// Every half is exactly representable as `f32`, so the results are identical bit for bit.
pub fn widen_halves(model: &mut ModelProto) -> usize {
    let Some(graph) = &mut model.graph else {
        return 0;
    };
    if Links::of(graph).is_none() {
        return 0;
    }
    let outputs: HashSet<String> = graph
        .output
        .iter()
        .map(|output| output.name().to_owned())
        .collect();
    // A caller may override a constant that is also an input.
    let inputs: HashSet<&str> = graph.input.iter().map(|input| input.name()).collect();
    let halves: HashMap<&str, &TensorProto> = graph
        .initializer
        .iter()
        .filter(|tensor| tensor.data_type() == i32::from(DataType::Float16))
        .map(|tensor| (tensor.name(), tensor))
        .filter(|(name, _)| !inputs.contains(name))
        .collect();
    let mut wide = Vec::new();
    let mut kept = Vec::with_capacity(graph.node.len());
    for node in &graph.node {
        let widened = cast(node)
            .filter(|(_, output)| !outputs.contains(*output))
            .and_then(|(input, output)| widen(halves.get(input)?, output));
        match widened {
            Some(tensor) => wide.push(tensor),
            None => kept.push(node.clone()),
        }
    }
    if wide.is_empty() {
        return 0;
    }
    let count = wide.len();
    graph.node = kept;
    graph.initializer.extend(wide);
    remove_unused_constants(graph);
    count
}

/// The input and the output of the node, if it is a `Cast` to `f32`.
fn cast(node: &NodeProto) -> Option<(&str, &str)> {
    let ([input], [output]) = (node.input.as_slice(), node.output.as_slice()) else {
        return None;
    };
    let float = i64::from(i32::from(DataType::Float));
    let to_float = node
        .attribute
        .iter()
        .any(|attribute| attribute.name() == "to" && attribute.i() == float);
    (node.op_type() == "Cast" && node.domain().is_empty() && to_float).then_some((input, output))
}

/// A tensor of halves as a tensor of `f32` with this name. `None` if its elements are not in the model's file.
fn widen(tensor: &TensorProto, name: &str) -> Option<TensorProto> {
    let dims: Vec<usize> = tensor
        .dims
        .iter()
        .map(|&dim| usize::try_from(dim).ok())
        .collect::<Option<_>>()?;
    let count = dims
        .iter()
        .try_fold(1_usize, |count, &dim| count.checked_mul(dim))?;
    let elements: Vec<f32> = match &tensor.raw_data {
        Some(raw) => {
            let (pairs, rest) = raw.as_chunks();
            if !rest.is_empty() {
                return None;
            }
            pairs
                .iter()
                .map(|&pair| f16::from_le_bytes(pair).to_f32())
                .collect()
        }
        // Each integer holds the bits of one half in its lower 16 bits.
        None => tensor
            .int32_data
            .iter()
            .map(|&bits| u16::try_from(bits).map(|bits| f16::from_bits(bits).to_f32()))
            .collect::<Result<_, _>>()
            .ok()?,
    };
    (elements.len() == count).then(|| float_tensor(name, &dims, &elements))
}
