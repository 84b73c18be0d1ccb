//! Models that are ready to run on tract.

use std::{fmt, num::NonZeroUsize, path::Path, sync::Arc, time::Instant};

use facekit::{Dim, Model, Network, Port, Result, Signature, Tensor, TensorView};
use facekit_onnx::invalid;
use tract_onnx::{
    prelude::{
        Framework, InferenceFact, InferenceModel, InferenceModelExt, IntoRunnable, IntoTValue,
        TVec, TractError, TractResult, TypedRunnableModel,
    },
    tract_hir::infer::Factoid,
};

use crate::{
    blocked,
    error::{NAME, cannot_prepare, cannot_run, catch_panics},
    plans::Plans,
    tensor,
};

/// A model that is prepared for one set of input shapes.
type Plan = Arc<TypedRunnableModel>;

/// A model that tract computes.
pub(crate) struct TractNetwork {
    model: String,
    signature: Signature,
    sizes: Sizes,
}

enum Sizes {
    /// The inputs have fixed sizes, so there is one plan.
    Fixed(Plan),
    /// The inputs vary in size. Plans are made from the graph when they are needed.
    Any {
        graph: Box<InferenceModel>,
        plans: Plans<Plan>,
    },
}

impl TractNetwork {
    pub(crate) fn load(model: &Model, plans: NonZeroUsize) -> Result<Self> {
        let proto = facekit_onnx::read(model)?;
        let onnx = tract_onnx::onnx()
            .with_ignore_output_shapes(true)
            .with_ignore_output_types(true)
            .with_ignore_value_info(true);
        // tract matches operators by name, whatever their domain, and reports a missing operator only when it plans the graph.
        facekit_onnx::check_operators(&proto, model, NAME, |operator| {
            onnx.op_register.0.contains_key(operator)
        })?;
        let inputs = facekit_onnx::inputs(&proto, model)?;

        let folder = model.path().and_then(Path::parent).and_then(Path::to_str);
        let cannot_prepare = |error| cannot_prepare(model, error);
        let parsed = catch_panics(|| {
            let proto = onnx.proto_model_for_read(&mut model.bytes())?;
            onnx.parse(&proto, folder)
        });
        let parsed = parsed.map_err(cannot_prepare)?;
        if let Some(name) = parsed.unresolved_inputs.first() {
            let reason = format!("no node computes {name:?}, which is the input of a node");
            return Err(invalid(model, reason));
        }
        let graph = parsed.model;
        if graph.inputs.len() != inputs.len() {
            return Err(invalid(model, "two inputs have the same name"));
        }

        let fixed: Option<Vec<Vec<usize>>> = inputs.iter().map(fixed_shape).collect();
        let (sizes, shapes) = match fixed {
            Some(shapes) => {
                let plan =
                    catch_panics(|| make_plan(&graph, &inputs, &shapes)).map_err(cannot_prepare)?;
                let shapes = catch_panics(|| planned_shapes(&plan)).map_err(cannot_prepare)?;
                (Sizes::Fixed(plan), shapes)
            }
            None => {
                let shapes = catch_panics(|| inferred_shapes(&graph)).map_err(cannot_prepare)?;
                let sizes = Sizes::Any {
                    graph: Box::new(graph),
                    plans: Plans::new(plans),
                };
                (sizes, shapes)
            }
        };
        let outputs = facekit_onnx::outputs(&proto, shapes, model)?;
        Ok(Self {
            model: model.name().to_owned(),
            signature: Signature { inputs, outputs },
            sizes,
        })
    }

    fn compute(&self, inputs: &[TensorView<'_>]) -> TractResult<Vec<Tensor>> {
        let plan = match &self.sizes {
            Sizes::Fixed(plan) => plan.clone(),
            Sizes::Any { graph, plans } => plans.get(inputs, |shapes| {
                let start = Instant::now();
                let plan = catch_panics(|| make_plan(graph, &self.signature.inputs, shapes))?;
                tracing::debug!(model = self.model, ?shapes, took = ?start.elapsed(), "planned");
                Ok::<_, TractError>(plan)
            })?,
        };
        let inputs = inputs
            .iter()
            .map(|view| Ok(tensor::to_tract(view)?.into_tvalue()))
            .collect::<TractResult<TVec<_>>>()?;
        catch_panics(|| plan.run(inputs))?
            .iter()
            .zip(&self.signature.outputs)
            .map(|(value, port)| tensor::from_tract(value, port.element))
            .collect()
    }
}

impl Network for TractNetwork {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        self.signature.check(&self.model, inputs)?;
        self.compute(inputs)
            .map_err(|error| cannot_run(&self.model, error))
    }
}

impl fmt::Debug for TractNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TractNetwork");
        debug
            .field("model", &self.model)
            .field("signature", &self.signature);
        if let Sizes::Any { plans, .. } = &self.sizes {
            debug.field("plans", plans);
        }
        debug.finish()
    }
}

/// Prepares `graph` for inputs of these shapes.
fn make_plan(graph: &InferenceModel, inputs: &[Port], shapes: &[Vec<usize>]) -> TractResult<Plan> {
    let mut graph = graph.clone();
    for (index, (port, shape)) in inputs.iter().zip(shapes).enumerate() {
        let datum_type = tensor::datum_type(port.element)?;
        graph.set_input_fact(index, InferenceFact::dt_shape(datum_type, shape))?;
    }
    let mut graph = graph.into_typed()?;
    blocked::rewrite(&mut graph)?;
    graph.into_decluttered()?.into_optimized()?.into_runnable()
}

/// The shapes of a plan's outputs.
fn planned_shapes(plan: &Plan) -> TractResult<Vec<Option<Vec<Dim>>>> {
    (0..plan.model().outputs.len())
        .map(|index| {
            let shape = &plan.model().output_fact(index)?.shape;
            Ok(Some(
                shape.iter().map(|size| dim(size.to_i64().ok())).collect(),
            ))
        })
        .collect()
}

/// The shapes of the outputs, as far as they follow from inputs of varying size. The shapes that the file declares are ignored:
/// exporters write the sizes of one example there.
fn inferred_shapes(graph: &InferenceModel) -> TractResult<Vec<Option<Vec<Dim>>>> {
    let mut graph = graph.clone();
    if let Err(error) = graph.analyse(true) {
        tracing::debug!(%error, "some shapes do not follow from those of the inputs");
    }
    (0..graph.outputs.len())
        .map(|index| {
            let shape = &graph.output_fact(index)?.shape;
            if shape.rank().concretize().is_none() {
                return Ok(None);
            }
            let dims = shape
                .dims()
                .map(|size| dim(size.concretize().and_then(|size| size.to_i64().ok())));
            Ok(Some(dims.collect()))
        })
        .collect()
}

fn dim(size: Option<i64>) -> Dim {
    size.and_then(|size| usize::try_from(size).ok())
        .map_or(Dim::Any, Dim::Fixed)
}

fn fixed_shape(port: &Port) -> Option<Vec<usize>> {
    port.shape
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(size) => Some(*size),
            Dim::Any => None,
        })
        .collect()
}
