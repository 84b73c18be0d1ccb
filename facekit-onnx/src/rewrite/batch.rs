//! A free batch dimension for models that were exported with a batch of one.
//!
//! The method is a data-flow analysis, as compilers use it. [`analyze`] visits the nodes in the order of the file, which ONNX
//! requires to be topological, and derives for each value one of two facts ([`Value`]):
//!
//! - `Constant`: the value does not depend on the input, so it is the same for every image.
//! - `Batch { rank }`: the value has this rank, its first dimension is the batch, and its slice `i` along the first dimension
//!   depends on image `i` only.
//!
//! The second fact is the invariant. It holds for the input. [`batch_rank`] has a rule for each operator that keeps it, taken
//! from ONNX's operator specifications: the rule states the arguments and attributes for which the operator computes each slice
//! of its result from the same slice of its inputs. Where no rule applies, the analysis gives up and the graph stays as it is.
//! An operator that is missing here therefore costs speed, never correctness.
//!
//! If the invariant holds for all outputs, the batch size may change. [`rewrite`] then changes the only places that still
//! contain the old size: declared shapes, and the target shapes of `Reshape`.

use std::collections::{HashMap, HashSet};

use super::declared_shapes::{dims, dims_mut};
use crate::{
    proto::{
        AttributeProto, AttributeType, DataType, DimensionValue, GraphProto, ModelProto, NodeProto,
        TensorProto, ValueInfoProto,
    },
    values::{axes, floats, int64s, integer, list, text},
};

/// Gives `model` a free batch dimension and returns true, if it is certain that each image of a batch then gets the result that
/// it would get alone. Otherwise `model` stays as it is.
///
/// It is certain if the model has one input, whose first dimension is 1, and if each of its operators is known to treat every
/// image separately with the given arguments. A `Reshape` to `[1, …]`, which exporters write for a batch of one, becomes a
/// `Reshape` to `[0, …]`, which keeps the first dimension. Shapes that the file declares for values inside the graph are
/// removed, because they are no longer right.
///
/// ```no_run
/// use facekit::{Dim, Model};
///
/// let model = Model::open("mobilefacenet.onnx")?;
/// let mut proto = facekit_onnx::read(&model)?;
/// assert_eq!(facekit_onnx::inputs(&proto, &model)?[0].shape[0], Dim::Fixed(1));
/// assert!(facekit_onnx::rewrite::free_batch(&mut proto));
/// assert_eq!(facekit_onnx::inputs(&proto, &model)?[0].shape[0], Dim::Any);
/// # Ok::<(), facekit::Error>(())
/// ```
pub fn free_batch(model: &mut ModelProto) -> bool {
    let opset = model
        .opset_import
        .iter()
        .find(|opset| matches!(opset.domain(), "" | "ai.onnx"))
        .map_or(0, |opset| opset.version());
    let Some(graph) = &mut model.graph else {
        return false;
    };
    let Some(reshapes) = analyze(graph, opset) else {
        return false;
    };
    rewrite(graph, &reshapes);
    true
}

/// The indices of the `Reshape` nodes that must change, each with its new target shape.
type Reshapes = Vec<(usize, Vec<i64>)>;

/// The fact that the analysis derives for a value.
#[derive(Clone, Copy)]
enum Value<'a> {
    /// The same for every image. Its shape is that of `tensor`. If `is_known`, its elements are, too.
    Constant {
        tensor: &'a TensorProto,
        is_known: bool,
    },
    /// A tensor of this rank. The first dimension is the batch, and slice `i` depends on image `i` only.
    Batch { rank: usize },
}

impl<'a> Value<'a> {
    fn batch(self) -> Option<usize> {
        match self {
            Self::Batch { rank } => Some(rank),
            Self::Constant { .. } => None,
        }
    }

    /// The shape of a constant.
    fn shape(self) -> Option<&'a [i64]> {
        match self {
            Self::Constant { tensor, .. } => Some(&tensor.dims),
            Self::Batch { .. } => None,
        }
    }

    /// A constant whose elements are known.
    fn tensor(self) -> Option<&'a TensorProto> {
        match self {
            Self::Constant {
                tensor,
                is_known: true,
            } => Some(tensor),
            _ => None,
        }
    }
}

fn constant(tensor: &TensorProto) -> Value<'_> {
    Value::Constant {
        tensor,
        is_known: true,
    }
}

/// The changes for a free batch. `None` if it is not certain that the batch can be free.
fn analyze(graph: &GraphProto, opset: i64) -> Option<Reshapes> {
    if !graph.sparse_initializer.is_empty() {
        return None;
    }
    let mut values: HashMap<&str, Value<'_>> = HashMap::new();
    for tensor in &graph.initializer {
        values.insert(tensor.name(), constant(tensor));
    }
    let mut inputs = graph
        .input
        .iter()
        .filter(|input| !values.contains_key(input.name()));
    let (input, None) = (inputs.next()?, inputs.next()) else {
        return None;
    };
    let sizes = dims(input.r#type.as_ref()?)?;
    if sizes.len() < 2 || sizes[0].value != Some(DimensionValue::DimValue(1)) {
        return None;
    }
    values.insert(input.name(), Value::Batch { rank: sizes.len() });

    let mut reshapes = Reshapes::new();
    for (index, node) in graph.node.iter().enumerate() {
        if !matches!(node.domain(), "" | "ai.onnx") {
            return None;
        }
        if node.op_type() == "Constant" {
            let tensor = node.attribute.iter().find(|a| a.name() == "value")?;
            values.insert(node.output.first()?, constant(tensor.t.as_deref()?));
            continue;
        }
        // `None` for an optional input that is left out. A value that no earlier node computes ends the analysis.
        let arguments: Vec<Option<Value<'_>>> = node
            .input
            .iter()
            .map(|name| match name.as_str() {
                "" => Some(None),
                name => values.get(name).copied().map(Some),
            })
            .collect::<Option<_>>()?;
        let all_constant = arguments
            .iter()
            .flatten()
            .all(|value| value.batch().is_none());
        // These keep the shape of a constant. Quantized models compute their weights in this way.
        if let ("DequantizeLinear" | "Identity", Some(Some(Value::Constant { tensor, .. })), true) =
            (node.op_type(), arguments.first().copied(), all_constant)
        {
            let value = Value::Constant {
                tensor,
                is_known: false,
            };
            values.insert(node.output.first()?, value);
            continue;
        }
        let rank = match node.op_type() {
            "Reshape" => {
                let shape = shape_for_any_batch(node, &arguments, opset)?;
                let rank = shape.len();
                reshapes.push((index, shape));
                rank
            }
            _ => batch_rank(node, &arguments, opset)?,
        };
        for output in &node.output {
            values.insert(output, Value::Batch { rank });
        }
    }
    let is_batch = |output: &ValueInfoProto| {
        let rank = match values.get(output.name()) {
            Some(Value::Batch { rank }) => *rank,
            _ => return false,
        };
        // A declared shape must agree with the analysis: the same rank, and a first dimension of 1 or unknown.
        let declared = output.r#type.as_ref().and_then(dims);
        declared.is_none_or(|dims| {
            dims.len() == rank
                && dims.first().is_some_and(|first| {
                    !matches!(first.value, Some(DimensionValue::DimValue(size)) if size != 1)
                })
        })
    };
    graph.output.iter().all(is_batch).then_some(reshapes)
}

/// The target shape of a `Reshape`, for a batch of any size.
///
/// The target shape must begin with 1 or 0. A leading 1 is the batch of one image, and becomes 0, which keeps the dimension of
/// the input. A leading −1 is refused: whether it is the batch depends on the other sizes.
fn shape_for_any_batch(
    node: &NodeProto,
    arguments: &[Option<Value<'_>>],
    opset: i64,
) -> Option<Vec<i64>> {
    let [Some(Value::Batch { .. }), Some(shape)] = arguments else {
        return None;
    };
    let mut shape = int64s(shape.tensor()?)?;
    let first = shape.first_mut().filter(|first| matches!(first, 0 | 1))?;
    *first = 0;
    // With `allowzero`, 0 is a size and does not keep the dimension.
    (opset >= 5 && integer(node, "allowzero", 0) == 0).then_some(shape)
}

/// The rank of the node's result for a batch, if each slice of the result depends only on the same slice of its inputs.
fn batch_rank(node: &NodeProto, arguments: &[Option<Value<'_>>], opset: i64) -> Option<usize> {
    // Before operator set 7, broadcasting followed other rules, and `Dropout` had an attribute for training.
    if opset < 7 {
        return None;
    }
    let (first, rest) = arguments.split_first()?;
    let batch = |value: &Option<Value<'_>>| value.and_then(Value::batch);
    // The inputs after the first.
    let argument = |index: usize| rest.get(index).copied().flatten();
    let axis = |default| integer(node, "axis", default);
    let one_output = node.output.len() == 1;
    if let "Add" | "Div" | "Max" | "Mean" | "Min" | "Mul" | "Pow" | "Sub" | "Sum" = node.op_type() {
        // Of a tensor of lower rank, broadcasting would match the batch with another dimension.
        let rank = arguments.iter().find_map(batch)?;
        let fits = |value: &Option<Value<'_>>| match batch(value) {
            Some(other) => other == rank,
            None => broadcasts_over_batch(*value, rank),
        };
        return arguments.iter().all(fits).then_some(rank);
    }
    let rank = batch(first)?;
    if node.op_type() == "Concat" {
        let same_rank = rest.iter().all(|value| batch(value) == Some(rank));
        return (same_rank && is_not_batch_axis(axis(0), rank)).then_some(rank);
    }
    // For all operators below, the inputs after the first, such as weights, must be the same for every image.
    if rest.iter().any(|value| batch(value).is_some()) {
        return None;
    }
    match node.op_type() {
        // Functions of each element.
        "Abs" | "Cast" | "Ceil" | "Clip" | "Elu" | "Erf" | "Exp" | "Floor" | "HardSigmoid"
        | "HardSwish" | "Identity" | "LeakyRelu" | "Log" | "Mish" | "Neg" | "Reciprocal"
        | "Relu" | "Selu" | "Sigmoid" | "Softplus" | "Softsign" | "Sqrt" | "Tanh" => Some(rank),
        "PRelu" => broadcasts_over_batch(argument(0), rank).then_some(rank),
        // The third input would enable training.
        "Dropout" => (one_output && rest.len() < 2).then_some(rank),
        // Functions of each image, by definition. The second output of `MaxPool` holds indices into the whole batch.
        "AveragePool"
        | "Conv"
        | "ConvTranspose"
        | "GlobalAveragePool"
        | "GlobalMaxPool"
        | "InstanceNormalization"
        | "LRN"
        | "MaxPool" => (rank >= 3 && one_output).then_some(rank),
        "DepthToSpace" | "SpaceToDepth" => (rank == 4).then_some(rank),
        // In training mode it computes statistics over the batch.
        "BatchNormalization" => {
            let trains = integer(node, "training_mode", 0) != 0;
            (rank >= 2 && one_output && !trains).then_some(rank)
        }
        // Rows times a matrix. A vector would remove a dimension, and a stack of matrices could add one.
        "MatMul" => (rank >= 2 && argument(0)?.shape()?.len() == 2).then_some(rank),
        "Gemm" => {
            let bias = argument(1);
            let fits = bias.is_none() || broadcasts_over_batch(bias, 2);
            (rank == 2 && integer(node, "transA", 0) == 0 && fits).then_some(2)
        }
        "QuantizeLinear" | "DequantizeLinear" => {
            // One scale for all elements, or one for each index of an axis.
            let scale = argument(0)?.shape()?;
            let single = scale.iter().product::<i64>() == 1;
            let blocked = integer(node, "block_size", 0) != 0;
            let along_axis = single || is_not_batch_axis(axis(1), rank);
            (scale.len() <= 1 && !blocked && along_axis).then_some(rank)
        }
        "Softmax" | "LogSoftmax" => {
            // Before operator set 13, all dimensions from the axis on count as one.
            let default = if opset < 13 { 1 } else { -1 };
            is_not_batch_axis(axis(default), rank).then_some(rank)
        }
        "Split" => is_not_batch_axis(axis(0), rank).then_some(rank),
        // Any other axis would join the batch with another dimension.
        "Flatten" => (axis(1) == 1).then_some(2),
        "Transpose" => {
            let order = list(node, "perm")?;
            (order.len() == rank && order.first() == Some(&0)).then_some(rank)
        }
        "Resize" => {
            // Scales that keep the batch. Target sizes would include the size of the batch, and a region of interest could cut
            // the batch.
            let scales = floats(argument(usize::from(opset > 10))?.tensor()?)?;
            let sizes = argument(2).is_some();
            let some_axes = list(node, "axes").is_some();
            let cropped = text(node, "coordinate_transformation_mode") == b"tf_crop_and_resize";
            let whole = scales.len() == rank && scales[0] == 1.0;
            (whole && !sizes && !some_axes && !cropped).then_some(rank)
        }
        "ReduceL2" | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceSum" => {
            let axes = axes(node, argument(0).map(Value::tensor))?;
            let removed = match integer(node, "keepdims", 1) {
                0 => axes.len(),
                _ => 0,
            };
            keeps_batch(&axes, rank).then(|| rank.checked_sub(removed))?
        }
        "Squeeze" => {
            let axes = axes(node, argument(0).map(Value::tensor))?;
            keeps_batch(&axes, rank).then(|| rank.checked_sub(axes.len()))?
        }
        "Unsqueeze" => {
            let axes = axes(node, argument(0).map(Value::tensor))?;
            // Axes are counted in the result.
            let new_rank = rank + axes.len();
            let keeps_batch = axes.iter().all(|&axis| is_not_batch_axis(axis, new_rank));
            keeps_batch.then_some(new_rank)
        }
        _ => None,
    }
}

/// True if a constant is broadcast over a batch of this rank in the same way for every image: it has no dimension that is
/// matched with the batch, or one of size 1.
fn broadcasts_over_batch(value: Option<Value<'_>>, rank: usize) -> bool {
    let Some(shape) = value.and_then(Value::shape) else {
        return false;
    };
    shape.len() < rank || (shape.len() == rank && shape[0] == 1)
}

/// True if `axis` is a dimension of a tensor of this rank, and not the first. Axes below zero count from the back.
fn is_not_batch_axis(axis: i64, rank: usize) -> bool {
    let rank = rank as i64;
    (1..rank).contains(&if axis < 0 { axis + rank } else { axis })
}

/// True if an operator along these axes leaves the batch alone. Without axes it works along all of them.
fn keeps_batch(axes: &[i64], rank: usize) -> bool {
    !axes.is_empty() && axes.iter().all(|&axis| is_not_batch_axis(axis, rank))
}

/// Removes the old size of the batch from declared shapes and from the target shapes of `Reshape`.
fn rewrite(graph: &mut GraphProto, reshapes: &Reshapes) {
    let initial: HashSet<&str> = graph.initializer.iter().map(TensorProto::name).collect();
    let input = graph
        .input
        .iter_mut()
        .filter(|input| !initial.contains(input.name()));
    for value in input.chain(&mut graph.output) {
        if let Some(first) = value
            .r#type
            .as_mut()
            .and_then(dims_mut)
            .and_then(|dims| dims.first_mut())
        {
            first.value = None;
        }
    }
    graph.value_info.clear();

    // Each `Reshape` gets a target shape of its own, because other nodes may read the old one.
    let mut used_names: HashSet<String> = graph
        .node
        .iter()
        .flat_map(|node| node.input.iter().chain(&node.output))
        .cloned()
        .collect();
    used_names.extend(initial.into_iter().map(str::to_owned));
    let mut shapes = Vec::new();
    for (index, shape) in reshapes {
        let mut name = format!("{}_shape", graph.node[*index].output[0]);
        while !used_names.insert(name.clone()) {
            name.push('_');
        }
        graph.node[*index].input[1].clone_from(&name);
        shapes.push(constant_node(name, shape));
    }
    graph.node.splice(..0, shapes);
}

/// A node that computes a list of integers. It is not an initializer, because old files must list initializers as inputs.
fn constant_node(name: String, elements: &[i64]) -> NodeProto {
    let tensor = TensorProto {
        dims: vec![elements.len() as i64],
        data_type: Some(DataType::Int64 as i32),
        int64_data: elements.to_vec(),
        ..TensorProto::default()
    };
    NodeProto {
        op_type: Some("Constant".to_owned()),
        name: Some(name.clone()),
        output: vec![name],
        attribute: vec![AttributeProto {
            name: Some("value".to_owned()),
            r#type: Some(AttributeType::Tensor as i32),
            t: Some(Box::new(tensor)),
            ..AttributeProto::default()
        }],
        ..NodeProto::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{
        Dimension, OperatorSetIdProto, TensorShapeProto, TensorTypeProto, TypeProto, TypeValue,
    };

    fn value(name: &str, shape: &[i64]) -> ValueInfoProto {
        let dim = shape.iter().map(|&size| Dimension {
            value: Some(DimensionValue::DimValue(size)),
            ..Dimension::default()
        });
        ValueInfoProto {
            name: Some(name.to_owned()),
            r#type: Some(TypeProto {
                value: Some(TypeValue::TensorType(TensorTypeProto {
                    elem_type: Some(DataType::Float as i32),
                    shape: Some(TensorShapeProto { dim: dim.collect() }),
                })),
                ..TypeProto::default()
            }),
            ..ValueInfoProto::default()
        }
    }

    fn ints(name: &str, ints: &[i64]) -> AttributeProto {
        AttributeProto {
            name: Some(name.to_owned()),
            ints: ints.to_vec(),
            i: ints.first().copied(),
            ..AttributeProto::default()
        }
    }

    /// A graph of one node with the inputs `x` of shape 1×4×6 and `c`, a constant of zeros or of these integers.
    fn graph(
        operator: &str,
        attributes: &[AttributeProto],
        constant: Option<Constant>,
    ) -> ModelProto {
        let constant = constant.map(|constant| match constant {
            Shape(dims) => TensorProto {
                name: Some("c".to_owned()),
                data_type: Some(DataType::Float as i32),
                float_data: vec![0.0; dims.iter().product::<i64>() as usize],
                dims,
                ..TensorProto::default()
            },
            Integers(integers) => TensorProto {
                name: Some("c".to_owned()),
                data_type: Some(DataType::Int64 as i32),
                dims: vec![integers.len() as i64],
                int64_data: integers,
                ..TensorProto::default()
            },
        });
        let mut input = vec!["x".to_owned()];
        input.extend(constant.iter().map(|constant| constant.name().to_owned()));
        ModelProto {
            opset_import: vec![OperatorSetIdProto {
                version: Some(18),
                ..OperatorSetIdProto::default()
            }],
            graph: Some(GraphProto {
                node: vec![NodeProto {
                    op_type: Some(operator.to_owned()),
                    input,
                    output: vec!["y".to_owned()],
                    attribute: attributes.to_vec(),
                    ..NodeProto::default()
                }],
                initializer: constant.into_iter().collect(),
                input: vec![value("x", &[1, 4, 6])],
                output: vec![ValueInfoProto {
                    name: Some("y".to_owned()),
                    ..ValueInfoProto::default()
                }],
                ..GraphProto::default()
            }),
            ..ModelProto::default()
        }
    }

    enum Constant {
        Shape(Vec<i64>),
        Integers(Vec<i64>),
    }
    use Constant::{Integers, Shape};

    #[test]
    fn operators_that_treat_each_image_separately_are_freed() {
        let cases: [(&str, Vec<AttributeProto>, Option<Constant>); 17] = [
            ("Relu", vec![], None),
            ("Add", vec![], Some(Shape(vec![6]))),
            ("Mul", vec![], Some(Shape(vec![1, 4, 1]))),
            ("Sub", vec![], Some(Shape(vec![]))),
            ("PRelu", vec![], Some(Shape(vec![4, 1]))),
            ("MatMul", vec![], Some(Shape(vec![6, 5]))),
            ("Reshape", vec![], Some(Integers(vec![1, -1]))),
            ("Reshape", vec![], Some(Integers(vec![0, 24]))),
            ("Flatten", vec![], None),
            ("Transpose", vec![ints("perm", &[0, 2, 1])], None),
            ("Softmax", vec![ints("axis", &[1])], None),
            ("Concat", vec![ints("axis", &[-1])], None),
            ("ReduceMean", vec![], Some(Integers(vec![1, 2]))),
            ("Squeeze", vec![], Some(Integers(vec![-2]))),
            ("Unsqueeze", vec![], Some(Integers(vec![1]))),
            ("Conv", vec![], Some(Shape(vec![2, 4, 3]))),
            ("Split", vec![ints("axis", &[2])], None),
        ];
        for (operator, attributes, constant) in cases {
            let mut model = graph(operator, &attributes, constant);
            assert!(free_batch(&mut model), "{operator} {attributes:?}");
            let input = &model.graph.unwrap().input[0];
            let sizes = dims(input.r#type.as_ref().unwrap()).unwrap();
            assert_eq!(sizes[0].value, None, "{operator}");
            assert_eq!(sizes[1].value, Some(DimensionValue::DimValue(4)));
        }
    }

    #[test]
    fn operators_that_may_mix_images_are_left_alone() {
        let cases: [(&str, Vec<AttributeProto>, Option<Constant>); 22] = [
            ("Add", vec![], Some(Shape(vec![2, 4, 6]))),
            ("Add", vec![], Some(Shape(vec![1, 1, 1, 1]))),
            ("PRelu", vec![], Some(Shape(vec![2, 1, 1]))),
            ("MatMul", vec![], Some(Shape(vec![6]))),
            ("MatMul", vec![], Some(Shape(vec![3, 6, 5]))),
            ("Reshape", vec![], Some(Integers(vec![-1, 6]))),
            ("Reshape", vec![], Some(Integers(vec![4, 6]))),
            (
                "Reshape",
                vec![ints("allowzero", &[1])],
                Some(Integers(vec![1, 24])),
            ),
            ("Flatten", vec![ints("axis", &[0])], None),
            ("Flatten", vec![ints("axis", &[2])], None),
            ("Transpose", vec![], None),
            ("Transpose", vec![ints("perm", &[1, 0, 2])], None),
            ("Softmax", vec![ints("axis", &[0])], None),
            ("Softmax", vec![ints("axis", &[-3])], None),
            ("Concat", vec![ints("axis", &[0])], None),
            ("ReduceMean", vec![], Some(Integers(vec![0]))),
            ("ReduceMean", vec![], None),
            ("Squeeze", vec![], None),
            ("Unsqueeze", vec![], Some(Integers(vec![0]))),
            (
                "BatchNormalization",
                vec![ints("training_mode", &[1])],
                None,
            ),
            ("Split", vec![ints("axis", &[0])], None),
            ("Shape", vec![], None),
        ];
        for (operator, attributes, constant) in cases {
            let model = graph(operator, &attributes, constant);
            let mut same = model.clone();
            assert!(!free_batch(&mut same), "{operator} {attributes:?}");
            assert!(same == model, "{operator} was changed");
        }
    }

    #[test]
    fn other_domains_and_outputs_without_a_batch_are_left_alone() {
        let mut foreign = graph("Relu", &[], None);
        foreign.graph.as_mut().unwrap().node[0].domain = Some("com.example".to_owned());
        let mut declared = graph("Relu", &[], None);
        declared.graph.as_mut().unwrap().output = vec![value("y", &[4, 1, 6])];
        let mut constant = graph("Relu", &[], Some(Shape(vec![1])));
        constant.graph.as_mut().unwrap().output = vec![value("c", &[1])];
        let mut two = graph("Relu", &[], None);
        two.graph.as_mut().unwrap().input.push(value("z", &[1]));
        let mut several = graph("Relu", &[], None);
        several.graph.as_mut().unwrap().input = vec![value("x", &[2, 4, 6])];
        for mut model in [foreign, declared, constant, two, several] {
            assert!(!free_batch(&mut model), "{model:?}");
        }
    }

    #[test]
    fn the_new_target_shape_of_a_reshape_has_a_new_name() {
        let mut model = graph("Reshape", &[], Some(Integers(vec![1, 2, -1])));
        let graph = model.graph.as_mut().unwrap();
        // The name that the new shape would get.
        graph.initializer[0].name = Some("y_shape".to_owned());
        graph.node[0].input[1] = "y_shape".to_owned();
        assert!(free_batch(&mut model));
        let graph = model.graph.unwrap();
        let [shape, reshape] = &graph.node[..] else {
            panic!("{:?}", graph.node);
        };
        assert_eq!(shape.output, ["y_shape_"]);
        assert_eq!(reshape.input, ["x", "y_shape_"]);
        let tensor = shape.attribute[0].t.as_deref().unwrap();
        assert_eq!(int64s(tensor), Some(vec![0, 2, -1]));
    }
}
