//! `PRelu` computed by operators that engines are fast at.

use crate::{
    graph::{Constant, Constants, Links, remove_unused_constants, unused_name},
    operators::node_name,
    proto::{AttributeProto, AttributeType, GraphProto, ModelProto, NodeProto},
};

/// Replaces `PRelu` with a slope `a` from −1 to 1 for each channel by `x + Relu((a − 1)·x)`. The product is a depthwise
/// convolution of one pixel. Returns the number of `PRelu` it replaced.
///
/// For `x ≥ 0` the product is not positive, so `Relu` gives 0 and the sum is `x`. For `x < 0` the sum is `x + a·x − x = a·x`.
/// Positive finite values are identical bit for bit; negative values differ by a rounding of `x`.
///
/// ONNX Runtime's kernel for `PRelu` takes longer than the convolutions around it. It also interrupts the blocked layout that
/// they are computed in.
pub fn split_prelu(model: &mut ModelProto) -> usize {
    let Some(graph) = &mut model.graph else {
        return 0;
    };
    let Some(links) = Links::of(graph) else {
        return 0;
    };
    let mut constants = Constants::of(graph);
    let mut count = 0;
    let mut nodes = Vec::with_capacity(graph.node.len());
    for index in 0..graph.node.len() {
        match slopes(graph, index, &links, &constants) {
            None => nodes.push(graph.node[index].clone()),
            Some(slopes) => {
                nodes.extend(split(graph, index, &slopes, &mut constants));
                count += 1;
            }
        }
    }
    graph.node = nodes;
    remove_unused_constants(graph);
    count
}

/// The slope of each channel, if the node is a `PRelu` that can be replaced.
fn slopes(
    graph: &GraphProto,
    index: usize,
    links: &Links,
    constants: &Constants,
) -> Option<Vec<f32>> {
    let node = &graph.node[index];
    if node.op_type() != "PRelu" || !node.domain().is_empty() {
        return None;
    }
    let [input, slope] = node.input.as_slice() else {
        return None;
    };
    // The result of this convolution is certainly a batch of images with this number of channels.
    let before = &graph.node[links.producer(input)?];
    let channels = match (before.op_type(), before.input.get(1)) {
        ("Conv", Some(weights)) => {
            let weights = &constants.get(weights)?.dims;
            (weights.len() == 4).then_some(weights[0])?
        }
        _ => return None,
    };
    let slope = constants.get(slope)?;
    let by_channel = match slope.dims[..] {
        [of, 1, 1] | [1, of, 1, 1] => of == channels,
        _ => false,
    };
    // Excludes NaN, too. Above 1 the product would be positive for `x > 0`. Below -1 the product `(a − 1)·x` could overflow
    // where `a·x` does not.
    let fits = by_channel
        && slope
            .elements
            .iter()
            .all(|slope| (-1.0..=1.0).contains(slope));
    fits.then(|| slope.elements.clone())
}

/// The three nodes that compute the same as the `PRelu`.
fn split(
    graph: &mut GraphProto,
    index: usize,
    slopes: &[f32],
    constants: &mut Constants,
) -> [NodeProto; 3] {
    let node = graph.node[index].clone();
    let (input, output) = (&node.input[0], &node.output[0]);
    let channels = slopes.len();
    let weights = Constant {
        dims: vec![channels, 1, 1, 1],
        elements: slopes.iter().map(|slope| slope - 1.0).collect(),
    };
    let weights = constants.add(graph, &format!("{output}/slope"), weights);
    let scaled = unused_name(graph, &format!("{output}/scaled"));
    let negative = unused_name(graph, &format!("{output}/negative"));
    let new_node = |op_type: &str, inputs: &[&String], output: &String| NodeProto {
        name: Some(format!("{}/{op_type}", node_name(&node))),
        op_type: Some(op_type.to_owned()),
        input: inputs.iter().map(|&input| input.clone()).collect(),
        output: vec![output.clone()],
        ..Default::default()
    };
    let mut product = new_node("Conv", &[input, &weights], &scaled);
    product.attribute = vec![
        AttributeProto {
            name: Some("group".to_owned()),
            r#type: Some(AttributeType::Int.into()),
            i: Some(channels as i64),
            ..Default::default()
        },
        AttributeProto {
            name: Some("kernel_shape".to_owned()),
            r#type: Some(AttributeType::Ints.into()),
            ints: vec![1, 1],
            ..Default::default()
        },
    ];
    [
        product,
        new_node("Relu", &[&scaled], &negative),
        new_node("Add", &[input, &negative], output),
    ]
}
