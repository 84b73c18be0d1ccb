//! Models that are ready to run.

use std::{collections::HashSet, fmt, num::NonZeroUsize, path::Path, sync::Arc, time::Instant};

use facekit::{Dim, Element, Model, Network, Port, Result, Signature, Tensor, TensorView};
use tract_onnx::{
    Onnx,
    pb::{GraphProto, NodeProto, ValueInfoProto, tensor_shape_proto::dimension, type_proto},
    prelude::{
        Framework, InferenceFact, InferenceModel, InferenceModelExt, IntoRunnable, IntoTValue,
        TVec, TractError, TractResult, TypedRunnableModel,
    },
    tract_hir::infer::Factoid,
};

use crate::{
    error::{Problem, guarded},
    plans::Plans,
    tensor,
};

/// A model made ready for one set of input shapes.
type Plan = Arc<TypedRunnableModel>;

/// A model in tract's hands.
pub(crate) struct TractNetwork {
    model: String,
    signature: Signature,
    sizes: Sizes,
}

enum Sizes {
    /// Every input has one size.
    Fixed(Plan),
    /// Inputs vary in size; plans are made from the graph as they are needed.
    Any {
        graph: Box<InferenceModel>,
        plans: Plans<Plan>,
    },
}

impl TractNetwork {
    pub(crate) fn load(model: &Model, plans: NonZeroUsize) -> Result<Self, Problem> {
        let onnx = tract_onnx::onnx()
            .with_ignore_output_shapes(true)
            .with_ignore_output_types(true)
            .with_ignore_value_info(true);
        let proto = onnx
            .proto_model_for_read(&mut model.bytes())
            .map_err(Problem::Damaged)?;
        let Some(graph) = &proto.graph else {
            return Err(Problem::Invalid("it holds no graph".to_owned()));
        };
        check_operators(graph, &onnx)?;
        check_outputs(graph)?;
        let inputs = inputs(graph)?;

        let folder = model.path().and_then(Path::parent).and_then(Path::to_str);
        let parsed = guarded(|| onnx.parse(&proto, folder)).map_err(Problem::Refused)?;
        if let Some(name) = parsed.unresolved_inputs.first() {
            return Err(Problem::Invalid(format!(
                "nothing computes {name:?}, which a node takes"
            )));
        }
        let model_graph = parsed.model;
        if model_graph.inputs.len() != inputs.len() {
            return Err(Problem::Invalid("two inputs have one name".to_owned()));
        }

        let fixed: Option<Vec<Vec<usize>>> = inputs.iter().map(fixed_shape).collect();
        let (sizes, shapes) = match fixed {
            Some(shapes) => {
                let plan =
                    guarded(|| plan(&model_graph, &inputs, &shapes)).map_err(Problem::Refused)?;
                let shapes = guarded(|| planned_shapes(&plan)).map_err(Problem::Refused)?;
                (Sizes::Fixed(plan), shapes)
            }
            None => {
                let shapes = guarded(|| inferred_shapes(&model_graph)).map_err(Problem::Refused)?;
                let sizes = Sizes::Any {
                    graph: Box::new(model_graph),
                    plans: Plans::new(plans),
                };
                (sizes, shapes)
            }
        };
        let outputs = outputs(graph, shapes)?;
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
                let plan = guarded(|| plan(graph, &self.signature.inputs, shapes))?;
                tracing::debug!(model = self.model, ?shapes, took = ?start.elapsed(), "planned");
                Ok::<_, TractError>(plan)
            })?,
        };
        let inputs = inputs
            .iter()
            .map(|view| Ok(tensor::to_tract(view)?.into_tvalue()))
            .collect::<TractResult<TVec<_>>>()?;
        guarded(|| plan.run(inputs))?
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
            .map_err(|error| Problem::Failed(error).about(&self.model))
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

/// Makes `graph` ready for inputs of these shapes.
fn plan(graph: &InferenceModel, inputs: &[Port], shapes: &[Vec<usize>]) -> TractResult<Plan> {
    let mut graph = graph.clone();
    for (at, (port, shape)) in inputs.iter().zip(shapes).enumerate() {
        let datum = tensor::datum(port.element)?;
        graph.set_input_fact(at, InferenceFact::dt_shape(datum, shape))?;
    }
    graph.into_optimized()?.into_runnable()
}

/// The shapes of a plan's outputs.
fn planned_shapes(plan: &Plan) -> TractResult<Vec<Option<Vec<Dim>>>> {
    (0..plan.model().outputs.len())
        .map(|at| {
            let shape = &plan.model().output_fact(at)?.shape;
            Ok(Some(
                shape.iter().map(|size| dim(size.to_i64().ok())).collect(),
            ))
        })
        .collect()
}

/// What is known of the outputs' shapes while inputs vary in size. What the file states is not asked: exporters
/// write the sizes of one example there.
fn inferred_shapes(graph: &InferenceModel) -> TractResult<Vec<Option<Vec<Dim>>>> {
    let mut graph = graph.clone();
    if let Err(error) = graph.analyse(true) {
        tracing::debug!(%error, "not every shape follows from the inputs'");
    }
    (0..graph.outputs.len())
        .map(|at| {
            let shape = &graph.output_fact(at)?.shape;
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

/// The inputs that a caller gives: those without an initial value.
fn inputs(graph: &GraphProto) -> Result<Vec<Port>, Problem> {
    let initial: HashSet<&str> = graph
        .initializer
        .iter()
        .map(|tensor| tensor.name.as_str())
        .collect();
    graph
        .input
        .iter()
        .filter(|input| !initial.contains(input.name.as_str()))
        .map(|input| {
            let (element, shape) = stated(input, "input")?;
            port(input, "input", element, shape)
        })
        .collect()
}

fn outputs(graph: &GraphProto, shapes: Vec<Option<Vec<Dim>>>) -> Result<Vec<Port>, Problem> {
    graph
        .output
        .iter()
        .zip(shapes)
        .map(|(output, known)| {
            let (element, shape) = stated(output, "output")?;
            let rank = || Some(vec![Dim::Any; shape?.len()]);
            port(output, "output", element, known.or_else(rank))
        })
        .collect()
}

fn port(
    info: &ValueInfoProto,
    kind: &str,
    element: Element,
    shape: Option<Vec<Dim>>,
) -> Result<Port, Problem> {
    let Some(shape) = shape else {
        return Err(Problem::Invalid(format!(
            "{kind} {:?}: the number of its dimensions is not known",
            info.name
        )));
    };
    Ok(Port {
        name: info.name.clone(),
        element,
        shape,
    })
}

/// The element type and, where it is there, the shape that the file gives an input or output.
fn stated(info: &ValueInfoProto, kind: &str) -> Result<(Element, Option<Vec<Dim>>), Problem> {
    let invalid = |reason: String| Problem::Invalid(format!("{kind} {:?}: {reason}", info.name));
    let Some(type_proto::Value::TensorType(tensor)) =
        info.r#type.as_ref().and_then(|kind| kind.value.as_ref())
    else {
        return Err(invalid("not a tensor".to_owned()));
    };
    let element = tensor::element(tensor.elem_type).map_err(|found| {
        invalid(format!(
            "elements of type {found}; f32, i64 and u8 are supported"
        ))
    })?;
    let shape = tensor.shape.as_ref().map(|shape| {
        let sizes = shape.dim.iter().map(|dim| match dim.value {
            Some(dimension::Value::DimValue(size)) => Some(size),
            _ => None,
        });
        sizes.map(dim).collect()
    });
    Ok((element, shape))
}

/// Exporters write what they do not know as zero or less.
fn dim(size: Option<i64>) -> Dim {
    match size.and_then(|size| usize::try_from(size).ok()) {
        Some(size) if size > 0 => Dim::Fixed(size),
        _ => Dim::Any,
    }
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

/// Looks for operators that tract does not have, in `graph` and the graphs inside it. tract itself would go by the
/// operator's name alone, and would notice a missing one when the graph is planned.
fn check_operators(graph: &GraphProto, onnx: &Onnx) -> Result<(), Problem> {
    for node in &graph.node {
        let own = matches!(node.domain.as_str(), "" | "ai.onnx" | "ai.onnx.ml");
        if !own || !onnx.op_register.0.contains_key(&node.op_type) {
            let operator = if own {
                node.op_type.clone()
            } else {
                format!("{}.{}", node.domain, node.op_type)
            };
            return Err(Problem::Unsupported {
                node: name(node).to_owned(),
                operator,
            });
        }
        for inner in node
            .attribute
            .iter()
            .filter_map(|attribute| attribute.g.as_ref())
        {
            check_operators(inner, onnx)?;
        }
    }
    Ok(())
}

/// The node's name, or its first output's where it has none.
fn name(node: &NodeProto) -> &str {
    if node.name.is_empty() {
        node.output.first().map_or("", String::as_str)
    } else {
        &node.name
    }
}

/// Looks for outputs that nothing computes, as in a file that was cut short between two nodes.
fn check_outputs(graph: &GraphProto) -> Result<(), Problem> {
    let computed: HashSet<&str> = graph
        .node
        .iter()
        .flat_map(|node| &node.output)
        .chain(graph.input.iter().map(|input| &input.name))
        .chain(graph.initializer.iter().map(|tensor| &tensor.name))
        .map(String::as_str)
        .collect();
    if graph.output.is_empty() {
        return Err(Problem::Invalid("it has no outputs".to_owned()));
    }
    match graph
        .output
        .iter()
        .find(|output| !computed.contains(output.name.as_str()))
    {
        Some(output) => Err(Problem::Invalid(format!(
            "nothing computes output {:?}",
            output.name
        ))),
        None => Ok(()),
    }
}
