//! Channels in numbers that vector registers hold.

use std::collections::{BTreeSet, HashSet};

use crate::{
    graph::{Constant, Constants, Links, drop_unused, set_int},
    proto::{GraphProto, ModelProto, NodeProto},
    read::integer,
};

/// Gives images inside the graph as many channels as the next `multiple` has, where that does not double them. The new
/// channels come from zero weights and meet zero weights again, so the graph computes the same. Gives how many groups of
/// images it widened.
///
/// Networks whose channels were pruned have numbers of them such as 103. ONNX Runtime's blocked convolutions, 8 or 16
/// channels at a time, take no such image as input of a depthwise convolution, and then leave the layout altogether.
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
    for at in 0..graph.node.len() {
        let Some(Role::Dense { channels, .. }) = role(graph, at, &constants) else {
            continue;
        };
        let padded = channels.next_multiple_of(multiple);
        if padded == channels || padded > 2 * channels || seen.contains(&graph.node[at].output[0]) {
            continue;
        }
        let found = group(
            graph,
            &graph.node[at].output[0],
            channels,
            &links,
            &constants,
        );
        seen.extend(found.values);
        if let Some(edits) = found.edits {
            for edit in edits {
                edit.apply(graph, &mut constants, channels, padded);
            }
            count += 1;
        }
    }
    if count > 0 {
        // What it says of the images' shapes is no longer so.
        graph.value_info.clear();
        drop_unused(graph);
    }
    count
}

/// What a node does with channels.
enum Role {
    /// Mixes `inputs` channels into `channels` new ones.
    Dense { channels: usize, inputs: usize },
    /// A convolution of each of so many channels by itself.
    Depthwise(usize),
    /// Something with so many constants for each channel: which input, along which axis, and what to fill up with.
    Constants(Vec<(usize, usize, f32)>, usize),
    /// Treats all channels alike.
    Alike,
}

fn role(graph: &GraphProto, at: usize, constants: &Constants) -> Option<Role> {
    let node = &graph.node[at];
    if !node.domain().is_empty() || node.output.len() != 1 {
        return None;
    }
    let constant = |at: usize| node.input.get(at).and_then(|name| constants.get(name));
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
            [channels, 1, 1] => Some(Role::Constants(vec![(1, 0, 0.0)], channels)),
            [1, channels, 1, 1] => Some(Role::Constants(vec![(1, 1, 0.0)], channels)),
            _ => None,
        },
        "BatchNormalization" => {
            let channels = constant(1)?.dims.first().copied()?;
            for at in 1..5 {
                (constant(at)?.dims == [channels]).then_some(())?;
            }
            // A variance of one, so that nothing is divided by zero.
            let constants = vec![(1, 0, 0.0), (2, 0, 0.0), (3, 0, 0.0), (4, 0, 1.0)];
            Some(Role::Constants(constants, channels))
        }
        "Relu" | "LeakyRelu" | "Sigmoid" | "HardSigmoid" | "HardSwish" | "Tanh" | "Clip"
        | "Identity" | "MaxPool" | "AveragePool" | "GlobalAveragePool" | "GlobalMaxPool" => {
            Some(Role::Alike)
        }
        // Constants of whatever shape would have to fit.
        "Add" | "Mul" if node.input.iter().all(|name| constants.get(name).is_none()) => {
            Some(Role::Alike)
        }
        _ => None,
    }
}

/// What must change where a group of images gets more channels.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Edit {
    /// The node makes the channels.
    Makes(usize),
    /// The node takes the channels and makes others.
    Takes(usize),
    /// The node has constants for each.
    Between(usize),
}

struct Group {
    values: Vec<String>,
    /// `None` where the group must stay as it is.
    edits: Option<BTreeSet<Edit>>,
}

/// The images whose channels are those of `value`, up to the convolutions that mix channels.
fn group(
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
        fits &= !links.is_output(&value);
        match links.producer(&value) {
            None => fits = false,
            Some(at) => match role(graph, at, constants) {
                Some(Role::Dense { channels: of, .. }) => {
                    fits &= of == channels;
                    edits.insert(Edit::Makes(at));
                }
                between => {
                    fits &= pass(graph, at, between.as_ref(), channels, &mut next, &mut edits);
                }
            },
        }
        for &at in links.consumers(&value) {
            match role(graph, at, constants) {
                Some(Role::Dense { inputs, .. }) => {
                    fits &= inputs == channels && graph.node[at].input[0] == value;
                    edits.insert(Edit::Takes(at));
                }
                between => {
                    let node = &graph.node[at];
                    fits &= node.input[0] == value || takes_several(node);
                    fits &= pass(graph, at, between.as_ref(), channels, &mut next, &mut edits);
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

/// Goes on to what a node that does not mix channels takes and gives; whether it could be widened.
fn pass(
    graph: &GraphProto,
    at: usize,
    role: Option<&Role>,
    channels: usize,
    next: &mut Vec<String>,
    edits: &mut BTreeSet<Edit>,
) -> bool {
    let node = &graph.node[at];
    let fits = match role {
        Some(&(Role::Depthwise(of) | Role::Constants(_, of))) => {
            edits.insert(Edit::Between(at));
            of == channels
        }
        Some(Role::Alike) => true,
        Some(Role::Dense { .. }) | None => return false,
    };
    let images = if takes_several(node) {
        node.input.len()
    } else {
        1
    };
    next.extend(node.input.iter().take(images).cloned());
    next.extend(node.output.iter().cloned());
    fits
}

/// Whether all inputs are images, and not the first alone.
fn takes_several(node: &NodeProto) -> bool {
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
        let (&Self::Makes(at) | &Self::Takes(at) | &Self::Between(at)) = self;
        let parts = match (self, role(graph, at, constants)) {
            (Self::Takes(_), _) => vec![(1, 1, 0.0)],
            (_, Some(Role::Constants(parts, _))) => parts,
            (_, found) => {
                if let Some(Role::Depthwise(_)) = found {
                    set_int(&mut graph.node[at], "group", padded as i64);
                }
                vec![(1, 0, 0.0), (2, 0, 0.0)]
            }
        };
        for (input, axis, fill) in parts {
            let Some(name) = graph.node[at].input.get(input).cloned() else {
                continue;
            };
            let Some(constant) = constants.get(&name) else {
                continue;
            };
            let wider = widened(constant, axis, channels, padded, fill);
            // Others may share the constant, and keep it as it is.
            graph.node[at].input[input] = constants.add(graph, &name, wider);
        }
    }
}

fn widened(constant: &Constant, axis: usize, from: usize, to: usize, fill: f32) -> Constant {
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
