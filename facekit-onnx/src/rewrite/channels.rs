//! Numbers of channels that fill vector registers.

use std::collections::{BTreeSet, HashSet};

use crate::{
    graph::{Constant, Constants, Links, remove_unused_constants, set_int},
    proto::{GraphProto, ModelProto, NodeProto},
    values::integer,
};

/// Raises the number of channels of feature maps inside the graph to the next multiple of `multiple`, unless that would more
/// than double it. The new channels are computed with zero weights and multiplied by zero weights again, so the results stay
/// the same. Returns the number of groups of feature maps that it widened.
///
/// Pruned networks have numbers of channels such as 103. ONNX Runtime computes convolutions over blocks of 8 or 16 channels.
/// Where the input of a depthwise convolution does not fill its blocks, it leaves the blocked layout.
pub fn pad_channels(model: &mut ModelProto, multiple: usize) -> usize {
    let Some(graph) = &mut model.graph else {
        return 0;
    };
    let Some(links) = Links::of(graph) else {
        return 0;
    };
    let mut constants = Constants::of(graph);
    let mut seen = HashSet::new();
    let mut count = 0;
    for index in 0..graph.node.len() {
        let Some(Role::Dense { channels, .. }) = role(graph, index, &constants) else {
            continue;
        };
        let padded = channels.next_multiple_of(multiple);
        let output = &graph.node[index].output[0];
        if padded == channels || padded > 2 * channels || seen.contains(output) {
            continue;
        }
        let group = find_group(graph, output, channels, &links, &constants);
        seen.extend(group.values);
        if let Some(edits) = group.edits {
            for edit in edits {
                edit.apply(graph, &mut constants, channels, padded);
            }
            count += 1;
        }
    }
    if count > 0 {
        // The shapes that the file declares for values inside the graph are wrong now.
        graph.value_info.clear();
        remove_unused_constants(graph);
    }
    count
}

/// How a node treats channels.
enum Role {
    /// A convolution that mixes `inputs` channels into `channels` new ones.
    Dense { channels: usize, inputs: usize },
    /// A convolution of each of this many channels alone.
    Depthwise(usize),
    /// A function with constants for each channel.
    PerChannel {
        constants: Vec<ChannelConstant>,
        channels: usize,
    },
    /// A function that is the same for all channels.
    Uniform,
}

/// An input that holds one number, or one row of numbers, for each channel.
struct ChannelConstant {
    /// The index of the input.
    input: usize,
    /// The dimension of the constant that counts the channels.
    axis: usize,
    /// The number for new channels.
    fill: f32,
}

impl ChannelConstant {
    /// A constant that is zero for new channels.
    fn zero(input: usize, axis: usize) -> Self {
        Self {
            input,
            axis,
            fill: 0.0,
        }
    }
}

/// `None` for a node that is not known to treat channels in one of these ways.
fn role(graph: &GraphProto, index: usize, constants: &Constants) -> Option<Role> {
    let node = &graph.node[index];
    if !node.domain().is_empty() || node.output.len() != 1 {
        return None;
    }
    let constant = |input: usize| node.input.get(input).and_then(|name| constants.get(name));
    let per_channel = |constants, channels| {
        Some(Role::PerChannel {
            constants,
            channels,
        })
    };
    match node.op_type() {
        "Conv" => {
            let weights = &constant(1)?.dims;
            let &[channels, inputs, _, _] = weights.as_slice() else {
                return None;
            };
            if weights.contains(&0) {
                return None;
            }
            if node.input.len() > 2 && !node.input[2].is_empty() {
                (constant(2)?.dims == [channels]).then_some(())?;
            }
            match usize::try_from(integer(node, "group", 1)) {
                Ok(1) => Some(Role::Dense { channels, inputs }),
                Ok(groups) if groups == channels && inputs == 1 => Some(Role::Depthwise(channels)),
                _ => None,
            }
        }
        "PRelu" => match constant(1)?.dims[..] {
            [channels, 1, 1] => per_channel(vec![ChannelConstant::zero(1, 0)], channels),
            [1, channels, 1, 1] => per_channel(vec![ChannelConstant::zero(1, 1)], channels),
            _ => None,
        },
        "BatchNormalization" => {
            let channels = constant(1)?.dims.first().copied()?;
            for input in 1..5 {
                (constant(input)?.dims == [channels]).then_some(())?;
            }
            // Scale, shift, mean and variance. The variance of new channels is 1, to avoid a division by zero.
            let mut constants: Vec<_> = (1..5).map(|i| ChannelConstant::zero(i, 0)).collect();
            constants[3].fill = 1.0;
            per_channel(constants, channels)
        }
        "Relu" | "LeakyRelu" | "Sigmoid" | "HardSigmoid" | "HardSwish" | "Tanh" | "Clip"
        | "Identity" | "MaxPool" | "AveragePool" | "GlobalAveragePool" | "GlobalMaxPool" => {
            Some(Role::Uniform)
        }
        // A constant would have to be widened in a way that depends on its shape.
        "Add" | "Mul" if node.input.iter().all(|name| constants.get(name).is_none()) => {
            Some(Role::Uniform)
        }
        _ => None,
    }
}

/// A change of one node, given by its index, when a group of feature maps gets more channels.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Edit {
    /// A convolution that computes the channels from others: more rows of weights.
    Producer(usize),
    /// A convolution that computes other channels from these: more columns of weights.
    Consumer(usize),
    /// A node with constants for each of the channels.
    PerChannel(usize),
}

/// Feature maps that have the same channels, so that all of them must be widened or none.
struct Group {
    /// The names of the feature maps.
    values: Vec<String>,
    /// `None` if the group cannot be widened.
    edits: Option<BTreeSet<Edit>>,
}

/// The group of `value`: all feature maps that are reached from it, forward and backward, without passing a convolution that
/// mixes channels.
fn find_group(
    graph: &GraphProto,
    value: &str,
    channels: usize,
    links: &Links,
    constants: &Constants,
) -> Group {
    let mut values = Vec::new();
    let mut edits = BTreeSet::new();
    let mut fits = true;
    let mut next = vec![value.to_owned()];
    while let Some(value) = next.pop() {
        if values.contains(&value) {
            continue;
        }
        // The caller of the network sees the channels of an output.
        fits &= !links.is_output(&value);
        match links.producer(&value) {
            // An input of the graph, or a constant.
            None => fits = false,
            Some(index) => match role(graph, index, constants) {
                Some(Role::Dense { channels: made, .. }) => {
                    fits &= made == channels;
                    edits.insert(Edit::Producer(index));
                }
                role => {
                    fits &= follow(graph, index, role.as_ref(), channels, &mut next, &mut edits);
                }
            },
        }
        for &index in links.consumers(&value) {
            match role(graph, index, constants) {
                Some(Role::Dense { inputs, .. }) => {
                    fits &= inputs == channels && graph.node[index].input[0] == value;
                    edits.insert(Edit::Consumer(index));
                }
                role => {
                    let node = &graph.node[index];
                    fits &= node.input[0] == value || all_inputs_are_maps(node);
                    fits &= follow(graph, index, role.as_ref(), channels, &mut next, &mut edits);
                }
            }
        }
        values.push(value);
    }
    Group {
        values,
        edits: fits.then_some(edits),
    }
}

/// Adds the feature maps that a node reads and computes to `next`, if the node does not mix channels. Returns whether the node
/// allows more channels.
fn follow(
    graph: &GraphProto,
    index: usize,
    role: Option<&Role>,
    channels: usize,
    next: &mut Vec<String>,
    edits: &mut BTreeSet<Edit>,
) -> bool {
    let node = &graph.node[index];
    let fits = match role {
        Some(&(Role::Depthwise(own) | Role::PerChannel { channels: own, .. })) => {
            edits.insert(Edit::PerChannel(index));
            own == channels
        }
        Some(Role::Uniform) => true,
        Some(Role::Dense { .. }) | None => return false,
    };
    let maps = if all_inputs_are_maps(node) {
        node.input.len()
    } else {
        1
    };
    next.extend(node.input.iter().take(maps).cloned());
    next.extend(node.output.iter().cloned());
    fits
}

/// True if all inputs are feature maps, not only the first.
fn all_inputs_are_maps(node: &NodeProto) -> bool {
    matches!(node.op_type(), "Add" | "Mul")
}

impl Edit {
    fn apply(
        &self,
        graph: &mut GraphProto,
        constants: &mut Constants,
        channels: usize,
        padded: usize,
    ) {
        let (&Self::Producer(index) | &Self::Consumer(index) | &Self::PerChannel(index)) = self;
        let parts = match (self, role(graph, index, constants)) {
            // Weights of a convolution: output channels, input channels, rows, columns.
            (Self::Consumer(_), _) => vec![ChannelConstant::zero(1, 1)],
            (_, Some(Role::PerChannel { constants, .. })) => constants,
            (_, role) => {
                if let Some(Role::Depthwise(_)) = role {
                    set_int(&mut graph.node[index], "group", padded as i64);
                }
                // Weights and bias.
                vec![ChannelConstant::zero(1, 0), ChannelConstant::zero(2, 0)]
            }
        };
        for ChannelConstant { input, axis, fill } in parts {
            let Some(name) = graph.node[index].input.get(input).cloned() else {
                continue;
            };
            let Some(constant) = constants.get(&name) else {
                continue;
            };
            let wider = widen(constant, axis, channels, padded, fill);
            // A new constant, because other nodes may read the old one.
            graph.node[index].input[input] = constants.add(graph, &name, wider);
        }
    }
}

/// The constant with `to` instead of `from` rows along `axis`.
fn widen(constant: &Constant, axis: usize, from: usize, to: usize, fill: f32) -> Constant {
    let inner: usize = constant.dims[axis + 1..].iter().product();
    let mut dims = constant.dims.clone();
    dims[axis] = to;
    let mut elements = Vec::with_capacity(dims.iter().product());
    for row in constant.elements.chunks(from * inner) {
        elements.extend_from_slice(row);
        elements.resize(elements.len() + (to - from) * inner, fill);
    }
    Constant { dims, elements }
}
