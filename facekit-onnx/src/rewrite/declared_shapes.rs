//! The shapes that a file declares for its values.

use crate::proto::{Dimension, ModelProto, TypeProto, TypeValue};

/// Removes the shapes that the file declares for values inside the graph, and the sizes that it declares for outputs. Exporters
/// write the sizes of one example there, which are wrong for inputs of other sizes.
pub fn forget_sizes(model: &mut ModelProto) {
    let Some(graph) = &mut model.graph else {
        return;
    };
    graph.value_info.clear();
    for output in &mut graph.output {
        let dims = output.r#type.as_mut().and_then(dims_mut);
        for dim in dims.into_iter().flatten() {
            dim.value = None;
        }
    }
}

/// The declared dimensions of a tensor.
pub(super) fn dims(kind: &TypeProto) -> Option<&[Dimension]> {
    match &kind.value {
        Some(TypeValue::TensorType(tensor)) => Some(&tensor.shape.as_ref()?.dim),
        _ => None,
    }
}

/// The declared dimensions of a tensor.
pub(super) fn dims_mut(kind: &mut TypeProto) -> Option<&mut Vec<Dimension>> {
    match &mut kind.value {
        Some(TypeValue::TensorType(tensor)) => Some(&mut tensor.shape.as_mut()?.dim),
        _ => None,
    }
}
