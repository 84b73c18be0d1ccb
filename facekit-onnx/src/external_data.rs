//! Constants that are stored in other files.

use std::{
    collections::HashSet,
    path::{Component, Path},
};

use facekit::{Model, Result};

use crate::{
    error::invalid,
    proto::{GraphProto, ModelProto, TensorProto},
};

/// The value of `data_location` of a constant that is stored in another file.
const EXTERNAL: i32 = 1;

/// True if any constant of the model is stored in another file.
#[must_use]
pub fn has_external_data(proto: &ModelProto) -> bool {
    proto
        .graph
        .iter()
        .any(|graph| !external_constants(graph).is_empty())
}

/// The constants of `graph`, and of the graphs inside it, that are stored in other files.
fn external_constants(graph: &GraphProto) -> Vec<&TensorProto> {
    let mut graphs = vec![graph];
    let mut constants = Vec::new();
    while let Some(graph) = graphs.pop() {
        constants.extend(&graph.initializer);
        for attribute in graph.node.iter().flat_map(|node| &node.attribute) {
            constants.extend(attribute.t.as_deref());
            constants.extend(&attribute.tensors);
            graphs.extend(attribute.g.as_deref());
            graphs.extend(&attribute.graphs);
        }
    }
    constants.retain(|constant| constant.data_location() == EXTERNAL);
    constants
}

/// Refuses constants whose file is missing or not in the model's folder.
pub(crate) fn check_external_data(graph: &GraphProto, model: &Model) -> Result<()> {
    let mut seen = HashSet::new();
    for constant in external_constants(graph) {
        let name = constant.name();
        let wrong = |reason: String| Err(invalid(model, format!("tensor {name:?}: {reason}")));
        let location = constant
            .external_data
            .iter()
            .find(|entry| entry.key() == "location");
        let Some(location) = location.map(|entry| entry.value()) else {
            return wrong("it does not name the file of its elements".to_owned());
        };
        if !seen.insert(location) {
            continue;
        }
        let mut components = Path::new(location).components();
        if !components.all(|part| matches!(part, Component::Normal(_))) {
            return wrong(format!(
                "its elements are in {location:?}, which is not in the model's folder"
            ));
        }
        let Some(folder) = model.path().and_then(Path::parent) else {
            return wrong(format!(
                "its elements are in another file, {location:?}, but this model must be one file: models of a registry are verified by the digest of one file"
            ));
        };
        let path = folder.join(location);
        // A symbolic link could lead out of the folder.
        let inside = folder
            .canonicalize()
            .and_then(|folder| Ok(path.canonicalize()?.starts_with(folder)));
        if let Ok(false) = inside {
            return wrong(format!(
                "its elements are in {}, which leads out of the model's folder",
                path.display()
            ));
        }
        if !path.is_file() {
            return wrong(format!(
                "its elements are in {}, which does not exist",
                path.display()
            ));
        }
    }
    Ok(())
}
