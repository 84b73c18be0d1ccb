//! The expected results of a graph.

use std::{fs, path::Path};

use facekit::{Dim, Network, Tensor, TensorView};
use ndarray::ArrayD;
use serde::Deserialize;

use crate::{error_text::error_text, tolerance::Tolerance};

/// The contents of the `.json` file beside a graph.
#[derive(Deserialize)]
pub(super) struct Case {
    pub(super) tolerance: Tolerance,
    pub(super) runs: Vec<Run>,
}

/// The inputs of one run and the expected outputs.
#[derive(Deserialize)]
pub(super) struct Run {
    #[serde(deserialize_with = "tensors")]
    pub(super) inputs: Vec<Tensor>,
    #[serde(deserialize_with = "tensors")]
    outputs: Vec<Tensor>,
}

impl Case {
    /// Reads the case of `graph`.
    pub(super) fn of_graph(graph: &Path) -> Self {
        let path = graph.with_extension("json");
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Run {
    pub(super) fn views(&self) -> Vec<TensorView<'_>> {
        self.inputs.iter().map(Tensor::view).collect()
    }

    /// Runs the network and checks its outputs, and that its signature states their types and shapes.
    pub(super) fn check(&self, network: &dyn Network, tolerance: Tolerance) -> Result<(), String> {
        let outputs = network
            .run(&self.views())
            .map_err(|error| error_text(&error))?;
        self.compare(&outputs, tolerance)?;
        let ports = &network.signature().outputs;
        if ports.len() != outputs.len() {
            return Err(format!("the signature states {} outputs", ports.len()));
        }
        for (port, output) in ports.iter().zip(&outputs) {
            let view = output.view();
            let stated = view.element() == port.element
                && view.shape().len() == port.shape.len()
                && view
                    .shape()
                    .iter()
                    .zip(&port.shape)
                    .all(|(&size, dim)| match dim {
                        Dim::Fixed(fixed) => *fixed == size,
                        Dim::Any => true,
                    });
            if !stated {
                return Err(format!(
                    "the signature states {port:?}, found {:?} {:?}",
                    view.element(),
                    view.shape()
                ));
            }
        }
        Ok(())
    }

    /// Checks the outputs of a run.
    pub(super) fn compare(&self, outputs: &[Tensor], tolerance: Tolerance) -> Result<(), String> {
        if outputs.len() != self.outputs.len() {
            return Err(format!(
                "{} outputs, expected {}",
                outputs.len(),
                self.outputs.len()
            ));
        }
        for (index, (found, expected)) in outputs.iter().zip(&self.outputs).enumerate() {
            compare(found, expected, tolerance)
                .map_err(|problem| format!("output {index}: {problem}"))?;
        }
        Ok(())
    }
}

/// Checks one output: element type, shape and values.
pub(super) fn compare(
    found: &Tensor,
    expected: &Tensor,
    tolerance: Tolerance,
) -> Result<(), String> {
    let (found_view, expected_view) = (found.view(), expected.view());
    if found.element() != expected.element() || found_view.shape() != expected_view.shape() {
        return Err(format!(
            "{} {:?}, expected {} {:?}",
            found.element(),
            found_view.shape(),
            expected.element(),
            expected_view.shape()
        ));
    }
    let (TensorView::F32(found_values), TensorView::F32(expected_values)) =
        (&found_view, &expected_view)
    else {
        return if found == expected {
            Ok(())
        } else {
            Err(format!("{found:?}, expected {expected:?}"))
        };
    };
    let shape = expected_values.shape();
    for (index, (&found, &expected)) in found_values.iter().zip(expected_values).enumerate() {
        if !tolerance.allows(found, expected) {
            return Err(format!(
                "value {index} of {shape:?} is {found}, expected {expected} with tolerance {tolerance:?}"
            ));
        }
    }
    Ok(())
}

fn tensors<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Tensor>, D::Error> {
    #[derive(Deserialize)]
    #[serde(tag = "element", rename_all = "snake_case")]
    enum Stored {
        F32 { shape: Vec<usize>, values: Vec<f32> },
        I64 { shape: Vec<usize>, values: Vec<i64> },
        U8 { shape: Vec<usize>, values: Vec<u8> },
    }
    Vec::<Stored>::deserialize(deserializer)?
        .into_iter()
        .map(|stored| {
            Ok(match stored {
                Stored::F32 { shape, values } => ArrayD::from_shape_vec(shape, values)?.into(),
                Stored::I64 { shape, values } => ArrayD::from_shape_vec(shape, values)?.into(),
                Stored::U8 { shape, values } => ArrayD::from_shape_vec(shape, values)?.into(),
            })
        })
        .collect::<Result<_, ndarray::ShapeError>>()
        .map_err(serde::de::Error::custom)
}
