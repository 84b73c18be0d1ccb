//! PRelu by operators that engines are fast at.

use crate::{
    graph::{Constant, Constants, Links, drop_unused, free_name},
    proto::{AttributeProto, AttributeType, GraphProto, ModelProto, NodeProto},
};

/// Computes `PRelu` with a slope `a` of -1 to 1 for each channel as `x + Relu((a − 1)·x)`, where the product is a depthwise
/// convolution of one pixel. Gives how many it rewrote.
///
/// ONNX Runtime's kernel for `PRelu` takes longer than the convolutions around it, and interrupts the blocked layout that
/// they are computed in. Positive finite values stay as they are, to the bit; negative ones differ by a rounding of `x`.
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
    for at in 0..graph.node.len() {
        match slopes(graph, at, &links, &constants) {
            None => nodes.push(graph.node[at].clone()),
            Some(slopes) => {
                nodes.extend(split(graph, at, &slopes, &mut constants));
                count += 1;
            }
        }
    }
    graph.node = nodes;
    drop_unused(graph);
    count
}

/// The slope of each channel, where node `at` is a PRelu that can be split.
fn slopes(graph: &GraphProto, at: usize, links: &Links, constants: &Constants) -> Option<Vec<f32>> {
    let node = &graph.node[at];
    if node.op_type() != "PRelu" || !node.domain().is_empty() {
        return None;
    }
    let [input, slope] = node.input.as_slice() else {
        return None;
    };
    // The number of channels, of an image for sure.
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
    // Not for NaN either. Below -1, sums could overflow that the product does not.
    let fits = by_channel
        && slope
            .elements
            .iter()
            .all(|slope| (-1.0..=1.0).contains(slope));
    fits.then(|| slope.elements.clone())
}

fn split(
    graph: &mut GraphProto,
    at: usize,
    slopes: &[f32],
    constants: &mut Constants,
) -> [NodeProto; 3] {
    let node = graph.node[at].clone();
    let (input, output) = (&node.input[0], &node.output[0]);
    let channels = slopes.len();
    let weights = Constant {
        dims: vec![channels, 1, 1, 1],
        elements: slopes.iter().map(|slope| slope - 1.0).collect(),
    };
    let weights = constants.add(graph, &format!("{output}/slope"), weights);
    let scaled = free_name(graph, &format!("{output}/scaled"));
    let negative = free_name(graph, &format!("{output}/negative"));
    let of = |op_type: &str, inputs: &[&String], output: &String| NodeProto {
        name: Some(format!("{}/{op_type}", crate::node_name(&node))),
        op_type: Some(op_type.to_owned()),
        input: inputs.iter().map(|&input| input.clone()).collect(),
        output: vec![output.clone()],
        ..Default::default()
    };
    let mut product = of("Conv", &[input, &weights], &scaled);
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
        of("Relu", &[&scaled], &negative),
        of("Add", &[input, &negative], output),
    ]
}
