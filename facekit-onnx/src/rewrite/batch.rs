//! A free batch dimension for models that were exported with a batch of one.

use std::collections::{HashMap, HashSet};

use crate::{
    proto::{
        AttributeProto, AttributeType, DataType, Dimension, DimensionValue, GraphProto, ModelProto,
        NodeProto, TensorProto, TypeProto, TypeValue, ValueInfoProto,
    },
    read::{axes, floats, int64s, integer, list, text},
};

/// Gives `model` a free batch dimension, if it takes one tensor with a leading dimension of one, and if it is certain
/// that the first dimension of everything it computes from that is the batch: that each image of a batch gets what it
/// would get alone. Otherwise `model` stays as it is, and this is `false`.
///
/// Certain means that every operator is one of those known here that treat each image by itself, with arguments
/// for which they do. `Reshape` to `[1, …]`, which is how exporters freeze a batch, becomes one to `[0, …]`, which keeps the
/// first dimension as it comes. Shapes stated for values inside the graph are dropped, as they are no longer true.
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
    let Some(reshapes) = analyse(graph, opset) else {
        return false;
    };
    rewrite(graph, &reshapes);
    true
}

/// The new shape of the reshape at each of these nodes.
type Reshapes = Vec<(usize, Vec<i64>)>;

/// What is known of a value.
#[derive(Clone, Copy)]
enum Value<'a> {
    /// The same for every image: this tensor, or one of its shape.
    Constant { like: &'a TensorProto, exact: bool },
    /// The first of this many dimensions is the batch.
    Batch { rank: usize },
}

impl<'a> Value<'a> {
    fn batch(self) -> Option<usize> {
        match self {
            Self::Batch { rank } => Some(rank),
            Self::Constant { .. } => None,
        }
    }

    fn shape(self) -> Option<&'a [i64]> {
        match self {
            Self::Constant { like, .. } => Some(&like.dims),
            Self::Batch { .. } => None,
        }
    }

    fn tensor(self) -> Option<&'a TensorProto> {
        match self {
            Self::Constant { like, exact: true } => Some(like),
            _ => None,
        }
    }
}

fn constant(tensor: &TensorProto) -> Value<'_> {
    Value::Constant {
        like: tensor,
        exact: true,
    }
}

/// What has to change for a free batch; `None` where it cannot be free.
fn analyse(graph: &GraphProto, opset: i64) -> Option<Reshapes> {
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
    for (at, node) in graph.node.iter().enumerate() {
        if !matches!(node.domain(), "" | "ai.onnx") {
            return None;
        }
        if node.op_type() == "Constant" {
            let tensor = node.attribute.iter().find(|a| a.name() == "value")?;
            values.insert(node.output.first()?, constant(tensor.t.as_deref()?));
            continue;
        }
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
        if let ("DequantizeLinear" | "Identity", Some(Some(Value::Constant { like, .. })), true) =
            (node.op_type(), arguments.first().copied(), all_constant)
        {
            let value = Value::Constant { like, exact: false };
            values.insert(node.output.first()?, value);
            continue;
        }
        let rank = match node.op_type() {
            "Reshape" => {
                let shape = reshaped(node, &arguments, opset)?;
                let rank = shape.len();
                reshapes.push((at, shape));
                rank
            }
            _ => computed(node, &arguments, opset)?,
        };
        for output in &node.output {
            values.insert(output, Value::Batch { rank });
        }
    }
    let batch = |output: &ValueInfoProto| {
        let rank = match values.get(output.name()) {
            Some(Value::Batch { rank }) => *rank,
            _ => return false,
        };
        // An output whose first dimension is stated and is not one would be no batch.
        let stated = output.r#type.as_ref().and_then(dims);
        stated.is_none_or(|dims| {
            dims.len() == rank
                && dims.first().is_some_and(|first| {
                    !matches!(first.value, Some(DimensionValue::DimValue(size)) if size != 1)
                })
        })
    };
    graph.output.iter().all(batch).then_some(reshapes)
}

/// The shape for any batch of a reshape for one image.
fn reshaped(node: &NodeProto, arguments: &[Option<Value<'_>>], opset: i64) -> Option<Vec<i64>> {
    let [Some(Value::Batch { .. }), Some(shape)] = arguments else {
        return None;
    };
    let mut shape = int64s(shape.tensor()?)?;
    // Only a leading one is sure to be the batch: what -1 stands for depends on the sizes. Zero keeps a dimension.
    let first = shape.first_mut().filter(|first| matches!(first, 0 | 1))?;
    *first = 0;
    (opset >= 5 && integer(node, "allowzero", 0) == 0).then_some(shape)
}

/// The number of dimensions of what `node` computes for a batch, if it treats each image by itself.
fn computed(node: &NodeProto, arguments: &[Option<Value<'_>>], opset: i64) -> Option<usize> {
    // Before, shapes were matched otherwise, and dropout was told whether it trains.
    if opset < 7 {
        return None;
    }
    let (first, rest) = arguments.split_first()?;
    let batch = |value: &Option<Value<'_>>| value.and_then(Value::batch);
    let argument = |at: usize| rest.get(at).copied().flatten();
    let axis = |default| integer(node, "axis", default);
    let one_output = node.output.len() == 1;
    if let "Add" | "Div" | "Max" | "Mean" | "Min" | "Mul" | "Pow" | "Sub" | "Sum" = node.op_type() {
        let rank = arguments.iter().find_map(batch)?;
        let fits = |value: &Option<Value<'_>>| match batch(value) {
            Some(other) => other == rank,
            None => spreads(*value, rank),
        };
        return arguments.iter().all(fits).then_some(rank);
    }
    let rank = batch(first)?;
    if node.op_type() == "Concat" {
        let all = rest.iter().all(|value| batch(value) == Some(rank));
        return (all && beside_batch(axis(0), rank)).then_some(rank);
    }
    // Everything but the first input, weights most of all, is the same for every image.
    if rest.iter().any(|value| batch(value).is_some()) {
        return None;
    }
    match node.op_type() {
        // One element after the other.
        "Abs" | "Cast" | "Ceil" | "Clip" | "Elu" | "Erf" | "Exp" | "Floor" | "HardSigmoid"
        | "HardSwish" | "Identity" | "LeakyRelu" | "Log" | "Mish" | "Neg" | "Reciprocal"
        | "Relu" | "Selu" | "Sigmoid" | "Softplus" | "Softsign" | "Sqrt" | "Tanh" => Some(rank),
        "PRelu" => spreads(argument(0), rank).then_some(rank),
        "Dropout" => (one_output && rest.len() < 2).then_some(rank),
        // One image after the other. A second output of MaxPool counts through the whole batch.
        "AveragePool"
        | "Conv"
        | "ConvTranspose"
        | "GlobalAveragePool"
        | "GlobalMaxPool"
        | "InstanceNormalization"
        | "LRN"
        | "MaxPool" => (rank >= 3 && one_output).then_some(rank),
        "DepthToSpace" | "SpaceToDepth" => (rank == 4).then_some(rank),
        // In training it would compute a mean over the batch.
        "BatchNormalization" => {
            let trains = integer(node, "training_mode", 0) != 0;
            (rank >= 2 && one_output && !trains).then_some(rank)
        }
        // Rows by a matrix: a vector would take a dimension away, a stack of matrices could add one.
        "MatMul" => (rank >= 2 && argument(0)?.shape()?.len() == 2).then_some(rank),
        "Gemm" => {
            let bias = argument(1);
            let fits = bias.is_none() || spreads(bias, 2);
            (rank == 2 && integer(node, "transA", 0) == 0 && fits).then_some(2)
        }
        "QuantizeLinear" | "DequantizeLinear" => {
            let scale = argument(0)?.shape()?;
            let one = scale.iter().product::<i64>() == 1;
            let blocks = integer(node, "block_size", 0) != 0;
            let fits = scale.len() <= 1 && !blocks && (one || beside_batch(axis(1), rank));
            fits.then_some(rank)
        }
        "Softmax" | "LogSoftmax" => {
            // Before version 13 everything from the axis on was one dimension.
            let default = if opset < 13 { 1 } else { -1 };
            beside_batch(axis(default), rank).then_some(rank)
        }
        "Split" => beside_batch(axis(0), rank).then_some(rank),
        "Flatten" => (axis(1) == 1).then_some(2),
        "Transpose" => {
            let order = list(node, "perm")?;
            (order.len() == rank && order.first() == Some(&0)).then_some(rank)
        }
        "Resize" => {
            // Sizes would state the batch's, and a region of interest could cut into it.
            let scales = floats(argument(usize::from(opset > 10))?.tensor()?)?;
            let sizes = argument(2).is_some();
            let some_axes = list(node, "axes").is_some();
            let cropped = text(node, "coordinate_transformation_mode") == b"tf_crop_and_resize";
            let whole = scales.len() == rank && scales[0] == 1.0;
            (whole && !sizes && !some_axes && !cropped).then_some(rank)
        }
        "ReduceL2" | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceSum" => {
            let axes = axes(node, argument(0).map(Value::tensor))?;
            let beside = !axes.is_empty() && axes.iter().all(|&axis| beside_batch(axis, rank));
            let kept = integer(node, "keepdims", 1) != 0;
            let lost = if kept { 0 } else { axes.len() };
            beside.then(|| rank.checked_sub(lost)).flatten()
        }
        "Squeeze" => {
            let axes = axes(node, argument(0).map(Value::tensor))?;
            let beside = !axes.is_empty() && axes.iter().all(|&axis| beside_batch(axis, rank));
            beside.then(|| rank.checked_sub(axes.len())).flatten()
        }
        "Unsqueeze" => {
            let axes = axes(node, argument(0).map(Value::tensor))?;
            let after = rank + axes.len();
            let beside = axes.iter().all(|&axis| beside_batch(axis, after));
            beside.then_some(after)
        }
        _ => None,
    }
}

/// Whether a constant spreads over a batch of this rank without touching its first dimension.
fn spreads(value: Option<Value<'_>>, rank: usize) -> bool {
    let Some(shape) = value.and_then(Value::shape) else {
        return false;
    };
    shape.len() < rank || (shape.len() == rank && shape[0] == 1)
}

/// Whether the axis is one of `rank`, and not the first.
fn beside_batch(axis: i64, rank: usize) -> bool {
    let rank = rank as i64;
    (1..rank).contains(&if axis < 0 { axis + rank } else { axis })
}

/// Drops the shapes that the file states for values inside the graph, and the sizes that it states for outputs: where
/// inputs vary in size they are those of one example.
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

    let mut taken: HashSet<String> = graph
        .node
        .iter()
        .flat_map(|node| node.input.iter().chain(&node.output))
        .cloned()
        .collect();
    taken.extend(initial.into_iter().map(str::to_owned));
    let mut shapes = Vec::new();
    for (at, shape) in reshapes {
        let mut name = format!("{}_shape", graph.node[*at].output[0]);
        while !taken.insert(name.clone()) {
            name.push('_');
        }
        graph.node[*at].input[1].clone_from(&name);
        shapes.push(constant_node(name, shape));
    }
    graph.node.splice(..0, shapes);
}

/// A node that gives a list of integers: initialisers would have to be inputs in old files.
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

fn dims(kind: &TypeProto) -> Option<&[Dimension]> {
    match &kind.value {
        Some(TypeValue::TensorType(tensor)) => Some(&tensor.shape.as_ref()?.dim),
        _ => None,
    }
}

fn dims_mut(kind: &mut TypeProto) -> Option<&mut Vec<Dimension>> {
    match &mut kind.value {
        Some(TypeValue::TensorType(tensor)) => Some(&mut tensor.shape.as_mut()?.dim),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{OperatorSetIdProto, TensorShapeProto, TensorTypeProto};

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

    /// A graph of one node that takes `x` of shape 1×4×6, and a constant of zeros or of these integers.
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
    fn what_treats_each_image_by_itself_is_freed() {
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
    fn what_may_mix_images_is_left_alone() {
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
        let mut stated = graph("Relu", &[], None);
        stated.graph.as_mut().unwrap().output = vec![value("y", &[4, 1, 6])];
        let mut constant = graph("Relu", &[], Some(Shape(vec![1])));
        constant.graph.as_mut().unwrap().output = vec![value("c", &[1])];
        let mut two = graph("Relu", &[], None);
        two.graph.as_mut().unwrap().input.push(value("z", &[1]));
        let mut several = graph("Relu", &[], None);
        several.graph.as_mut().unwrap().input = vec![value("x", &[2, 4, 6])];
        for mut model in [foreign, stated, constant, two, several] {
            assert!(!free_batch(&mut model), "{model:?}");
        }
    }

    #[test]
    fn a_frozen_shape_keeps_the_batch_and_names_nothing_twice() {
        let mut model = graph("Reshape", &[], Some(Integers(vec![1, 2, -1])));
        let graph = model.graph.as_mut().unwrap();
        // The name that the new shape would have.
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
