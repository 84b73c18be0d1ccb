//! Tools for changing a graph: attributes, constants, and which node reads which value.

use std::collections::{HashMap, HashSet};

use crate::{
    proto::{AttributeProto, AttributeType, DataType, GraphProto, NodeProto, TensorProto},
    values::floats,
};

/// Sets the integer attribute `name`.
pub fn set_int(node: &mut NodeProto, name: &str, value: i64) {
    let existing = node
        .attribute
        .iter_mut()
        .find(|attribute| attribute.name() == name);
    match existing {
        Some(attribute) => attribute.i = Some(value),
        None => node.attribute.push(AttributeProto {
            name: Some(name.to_owned()),
            r#type: Some(AttributeType::Int.into()),
            i: Some(value),
            ..Default::default()
        }),
    }
}

/// A constant of type `f32`.
#[must_use]
pub fn float_tensor(name: &str, dims: &[usize], elements: &[f32]) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.iter().map(|&dim| dim as i64).collect(),
        data_type: Some(DataType::Float.into()),
        raw_data: Some(
            elements
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        ),
        ..Default::default()
    }
}

/// For each value, the node that computes it and the nodes that read it. Nodes are given by their index in the graph.
pub(crate) struct Links {
    producers: HashMap<String, usize>,
    consumers: HashMap<String, Vec<usize>>,
    outputs: HashSet<String>,
}

impl Links {
    /// `None` for a graph with graphs inside it, whose nodes may read any value of the outer graph.
    pub(crate) fn of(graph: &GraphProto) -> Option<Self> {
        let (mut producers, mut consumers) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        for (index, node) in graph.node.iter().enumerate() {
            let mut attributes = node.attribute.iter();
            if attributes.any(|attribute| attribute.g.is_some() || !attribute.graphs.is_empty()) {
                return None;
            }
            for output in &node.output {
                producers.insert(output.clone(), index);
            }
            for input in &node.input {
                consumers.entry(input.clone()).or_default().push(index);
            }
        }
        let outputs = graph.output.iter().map(|output| output.name().to_owned());
        Some(Self {
            producers,
            consumers,
            outputs: outputs.collect(),
        })
    }

    pub(crate) fn producer(&self, value: &str) -> Option<usize> {
        self.producers.get(value).copied()
    }

    pub(crate) fn consumers(&self, value: &str) -> &[usize] {
        self.consumers.get(value).map_or(&[], Vec::as_slice)
    }

    /// True if the value is an output of the graph.
    pub(crate) fn is_output(&self, value: &str) -> bool {
        self.outputs.contains(value)
    }
}

/// The constants of type `f32` that a graph stores, by name.
pub(crate) struct Constants(HashMap<String, Constant>);

#[derive(Clone)]
pub(crate) struct Constant {
    pub(crate) dims: Vec<usize>,
    pub(crate) elements: Vec<f32>,
}

impl Constants {
    pub(crate) fn of(graph: &GraphProto) -> Self {
        let read = |tensor: &TensorProto| {
            let dims = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok());
            let constant = Constant {
                dims: dims.collect::<Option<Vec<_>>>()?,
                elements: floats(tensor)?,
            };
            let mut dims = constant.dims.iter();
            let count = dims.try_fold(1_usize, |count, &dim| count.checked_mul(dim))?;
            (constant.elements.len() == count).then(|| (tensor.name().to_owned(), constant))
        };
        Self(graph.initializer.iter().filter_map(read).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Constant> {
        self.0.get(name)
    }

    /// Adds a constant to `graph`. Returns its name, which is new and begins with `prefix`.
    pub(crate) fn add(
        &mut self,
        graph: &mut GraphProto,
        prefix: &str,
        constant: Constant,
    ) -> String {
        let name = unused_name(graph, prefix);
        graph
            .initializer
            .push(float_tensor(&name, &constant.dims, &constant.elements));
        self.0.insert(name.clone(), constant);
        name
    }
}

/// A name that no value in `graph` has, and that begins with `prefix`.
pub(crate) fn unused_name(graph: &GraphProto, prefix: &str) -> String {
    let taken = |name: &str| {
        let nodes = graph.node.iter();
        graph.initializer.iter().any(|tensor| tensor.name() == name)
            || graph.input.iter().any(|input| input.name() == name)
            || nodes
                .flat_map(|node| &node.output)
                .any(|output| output == name)
    };
    (0..)
        .map(|number| format!("{prefix}/{number}"))
        .find(|name| !taken(name))
        .unwrap_or_default()
}

/// Removes the constants that no node reads and that are not outputs of the graph.
pub(crate) fn remove_unused_constants(graph: &mut GraphProto) {
    let nodes = graph.node.iter();
    let mut used: HashSet<String> = nodes.flat_map(|node| node.input.clone()).collect();
    used.extend(graph.output.iter().map(|output| output.name().to_owned()));
    let unused = |name: &str| !used.contains(name);
    let initial: HashSet<String> = graph
        .initializer
        .iter()
        .map(|tensor| tensor.name().to_owned())
        .collect();
    graph.initializer.retain(|tensor| !unused(tensor.name()));
    // Files of IR versions below 4 also list their constants as inputs.
    graph
        .input
        .retain(|input| !(initial.contains(input.name()) && unused(input.name())));
}
