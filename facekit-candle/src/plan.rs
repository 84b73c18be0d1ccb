//! A graph translated into steps.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use candle_core::{Error as CandleError, Tensor};
use facekit::{Error, Model};
use facekit_onnx::{
    invalid,
    proto::{GraphProto, ModelProto, NodeProto, ValueInfoProto},
};

use crate::{
    constant::constant,
    error::{Result, StepError, cannot_prepare},
    kernel::buffers::return_tensor,
    node::Node,
    operator::{Inputs, Operator},
    ops,
    target::Target,
};

/// The operator sets that this crate implements.
const OPSETS: std::ops::RangeInclusive<i64> = 6..=25;

/// Steps in the order in which they are computed. A value that is computed, or an input of the graph, has a slot: its number in
/// the list of values of a run.
pub(crate) struct Plan {
    steps: Vec<Step>,
    slot_count: usize,
    outputs: Vec<ValueSource>,
}

struct Step {
    /// The node and its operator, for errors.
    context: String,
    operator: Box<dyn Operator>,
    inputs: Vec<ValueSource>,
    /// The slots of the outputs.
    outputs: Vec<usize>,
    /// The slots that no later step reads.
    last_uses: Vec<usize>,
    /// Those of `last_uses` whose memory no other value shares. Later steps may use it again.
    reusable: Vec<usize>,
}

/// The place that a step reads an input from.
#[derive(Clone)]
enum ValueSource {
    /// An optional input that is left out, or one that the operator keeps as its own constant.
    None,
    Constant(Tensor),
    Slot(usize),
}

impl ValueSource {
    fn slot(&self) -> Option<usize> {
        match self {
            Self::Slot(slot) => Some(*slot),
            _ => None,
        }
    }

    fn tensor<'a>(&'a self, values: &'a [Option<Tensor>]) -> Option<&'a Tensor> {
        match self {
            Self::None => None,
            Self::Constant(tensor) => Some(tensor),
            Self::Slot(slot) => values[*slot].as_ref(),
        }
    }
}

impl Plan {
    /// Translates the graph of `proto`. `inputs` are the names of its inputs, in the order in which a run passes them.
    pub(crate) fn new<'a>(
        proto: &'a ModelProto,
        model: &'a Model,
        inputs: impl Iterator<Item = &'a str>,
        target: &'a Target,
    ) -> Result<Self, Error> {
        let opset = opset(proto, model)?;
        let Some(graph) = &proto.graph else {
            return Err(invalid(model, "it holds no graph"));
        };
        let folder = model.path().and_then(Path::parent);
        let mut builder = Builder::new(graph, inputs, model, folder, target)?;
        for node in &graph.node {
            builder.push(node, opset)?;
        }
        builder.finish(graph)
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// Computes the outputs, in the graph's order.
    pub(crate) fn run(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, StepError> {
        let mut values: Vec<Option<Tensor>> = inputs.into_iter().map(Some).collect();
        values.resize(self.slot_count, None);
        for step in &self.steps {
            let inputs: Vec<_> = step
                .inputs
                .iter()
                .map(|source| source.tensor(&values))
                .collect();
            let computed = step.operator.run(&Inputs(&inputs));
            let step_error = |source| StepError {
                context: step.context.clone(),
                source,
            };
            let computed = computed.map_err(step_error)?;
            for (&slot, value) in step.outputs.iter().zip(computed) {
                values[slot] = Some(value);
            }
            for &slot in &step.reusable {
                if let Some(tensor) = &values[slot] {
                    return_tensor(tensor).map_err(step_error)?;
                }
            }
            for &slot in &step.last_uses {
                values[slot] = None;
            }
        }
        let outputs = self.outputs.iter().map(|source| {
            source.tensor(&values).cloned().ok_or_else(|| StepError {
                context: "an output".to_owned(),
                source: CandleError::msg("no step computed it"),
            })
        });
        outputs.collect()
    }
}

/// The version of ONNX's operator set.
fn opset(proto: &ModelProto, model: &Model) -> Result<i64, Error> {
    let mut sets = proto.opset_import.iter();
    let set = sets.find(|set| matches!(set.domain(), "" | "ai.onnx"));
    match set.map(|set| set.version()) {
        Some(version) if OPSETS.contains(&version) => Ok(version),
        Some(version) => Err(invalid(
            model,
            format!(
                "operator set {version}; {} to {} are supported",
                OPSETS.start(),
                OPSETS.end()
            ),
        )),
        None => Err(invalid(model, "it does not declare its operator set")),
    }
}

/// A plan in the making.
struct Builder<'a> {
    model: &'a Model,
    folder: Option<&'a Path>,
    target: &'a Target,
    constants: HashMap<&'a str, Tensor>,
    /// The slots of the values that are computed and of the inputs.
    slots: HashMap<&'a str, usize>,
    slot_count: usize,
    /// How often each value is read, by nodes and as an output of the graph.
    use_counts: HashMap<&'a str, usize>,
    steps: Vec<Step>,
}

impl<'a> Builder<'a> {
    fn new(
        graph: &'a GraphProto,
        inputs: impl Iterator<Item = &'a str>,
        model: &'a Model,
        folder: Option<&'a Path>,
        target: &'a Target,
    ) -> Result<Self, Error> {
        let mut use_counts = HashMap::new();
        let inputs_of_nodes = graph.node.iter().flat_map(|node| &node.input);
        let read = inputs_of_nodes.map(String::as_str);
        for name in read.chain(graph.output.iter().map(ValueInfoProto::name)) {
            *use_counts.entry(name).or_default() += 1;
        }
        let mut builder = Self {
            model,
            folder,
            target,
            constants: HashMap::new(),
            slots: HashMap::new(),
            slot_count: 0,
            use_counts,
            steps: Vec::new(),
        };
        if !graph.sparse_initializer.is_empty() {
            return Err(invalid(
                model,
                "sparse constants are not supported by candle",
            ));
        }
        for proto in &graph.initializer {
            let name = proto.name();
            let tensor = constant(proto, folder, &target.device)
                .map_err(|error| cannot_prepare(model, format!("tensor {name:?}"), error))?;
            builder.define(name, Some(tensor))?;
        }
        for name in inputs {
            builder.define(name, None)?;
        }
        Ok(builder)
    }

    /// Gives a name to `constant`, or without one to a new slot.
    fn define(&mut self, name: &'a str, constant: Option<Tensor>) -> Result<(), Error> {
        if name.is_empty() {
            // An output that no node reads needs a slot nevertheless.
            self.slot_count += usize::from(constant.is_none());
            return Ok(());
        }
        if self.constants.contains_key(name) || self.slots.contains_key(name) {
            return Err(invalid(
                self.model,
                format!("two values have the name {name:?}"),
            ));
        }
        match constant {
            Some(tensor) => {
                self.constants.insert(name, tensor);
            }
            None => {
                self.slots.insert(name, self.slot_count);
                self.slot_count += 1;
            }
        }
        Ok(())
    }

    /// Adds a node: as part of the step before, as constants if all its inputs are constant, or as a step of its own.
    fn push(&mut self, proto: &'a NodeProto, opset: i64) -> Result<(), Error> {
        let context = Node::describe(proto);
        let cannot_prepare = |error| cannot_prepare(self.model, context.clone(), error);
        let node = Node::new(proto, opset, &self.constants, self.folder, self.target);
        let mut operator = ops::read(&node).map_err(cannot_prepare)?;
        node.check_attributes_read().map_err(cannot_prepare)?;
        let absorbed = node.into_absorbed_inputs();

        let sources = proto.input.iter().enumerate().map(|(index, name)| {
            if name.is_empty() || absorbed.contains(&index) {
                Ok(ValueSource::None)
            } else if let Some(slot) = self.slots.get(name.as_str()) {
                Ok(ValueSource::Slot(*slot))
            } else if let Some(constant) = self.constants.get(name.as_str()) {
                Ok(ValueSource::Constant(constant.clone()))
            } else {
                Err(CandleError::Msg(format!("no node computes {name:?}")))
            }
        });
        let inputs = sources
            .collect::<Result<Vec<_>>>()
            .map_err(cannot_prepare)?;

        if self
            .fuse(proto, &*operator, &inputs)
            .map_err(cannot_prepare)?
        {
            return Ok(());
        }
        let all_constant = inputs.iter().all(|source| source.slot().is_none());
        if all_constant {
            operator.prepare().map_err(cannot_prepare)?;
            let inputs: Vec<_> = inputs.iter().map(|source| source.tensor(&[])).collect();
            let computed = operator.run(&Inputs(&inputs)).map_err(cannot_prepare)?;
            for (name, tensor) in proto.output.iter().zip(computed) {
                self.define(name, Some(tensor))?;
            }
            return Ok(());
        }
        let first = self.slot_count;
        for name in &proto.output {
            self.define(name, None)?;
        }
        self.steps.push(Step {
            context,
            operator,
            inputs,
            outputs: (first..self.slot_count).collect(),
            last_uses: Vec::new(),
            reusable: Vec::new(),
        });
        Ok(())
    }

    /// Lets the step that computes the node's input compute the node as well, if it can. The output of both is then one slot.
    fn fuse(
        &mut self,
        proto: &'a NodeProto,
        operator: &dyn Operator,
        inputs: &[ValueSource],
    ) -> Result<bool> {
        let (Some(pointwise), Some(ValueSource::Slot(slot))) =
            (operator.pointwise(), inputs.first())
        else {
            return Ok(false);
        };
        let [output] = &proto.output[..] else {
            return Ok(false);
        };
        let name_is_new = !self.slots.contains_key(output.as_str())
            && !self.constants.contains_key(output.as_str());
        // Any other reader needs the value without the function.
        let is_only_reader = self.use_counts.get(proto.input[0].as_str()) == Some(&1);
        let before = self.steps.iter_mut().find(|step| step.outputs == [*slot]);
        let Some(before) = before.filter(|_| is_only_reader && name_is_new) else {
            return Ok(false);
        };
        if !before.operator.absorb(pointwise)? {
            return Ok(false);
        }
        before.context = format!("{}, then {}", before.context, Node::describe(proto));
        self.slots.insert(output, *slot);
        Ok(true)
    }

    /// The slots of values that may share memory with other values: the inputs of the graph, and the inputs and outputs of
    /// operators that are not [fresh](Operator::is_fresh).
    fn slots_with_shared_memory(&self) -> HashSet<usize> {
        let computed: HashSet<usize> = self
            .steps
            .iter()
            .flat_map(|step| &step.outputs)
            .copied()
            .collect();
        let inputs_of_graph = (0..self.slot_count).filter(|slot| !computed.contains(slot));
        let not_fresh = self.steps.iter().filter(|step| !step.operator.is_fresh());
        let of_not_fresh = not_fresh.flat_map(|step| {
            let inputs = step.inputs.iter().filter_map(ValueSource::slot);
            inputs.chain(step.outputs.iter().copied())
        });
        inputs_of_graph.chain(of_not_fresh).collect()
    }

    fn finish(mut self, graph: &'a GraphProto) -> Result<Plan, Error> {
        for step in &mut self.steps {
            let prepared = step.operator.prepare();
            prepared.map_err(|error| cannot_prepare(self.model, step.context.clone(), error))?;
        }
        let outputs: Vec<ValueSource> = graph
            .output
            .iter()
            .map(|output| {
                let name = output.name();
                let slot = self.slots.get(name).copied().map(ValueSource::Slot);
                let constant = || self.constants.get(name).cloned().map(ValueSource::Constant);
                let source = slot.or_else(constant);
                source.ok_or_else(|| invalid(self.model, format!("no node computes {name:?}")))
            })
            .collect::<Result<_, _>>()?;

        let shared = self.slots_with_shared_memory();
        // From the last step to the first: a slot that is seen for the first time is used for the last time.
        let mut needed_later: HashSet<usize> =
            outputs.iter().filter_map(ValueSource::slot).collect();
        for step in self.steps.iter_mut().rev() {
            let inputs = step.inputs.iter().filter_map(ValueSource::slot);
            // An output that no step reads is dropped at once.
            let slots = inputs.chain(step.outputs.iter().copied());
            step.last_uses = slots.filter(|slot| needed_later.insert(*slot)).collect();
            let last_uses = step.last_uses.iter().copied();
            step.reusable = last_uses.filter(|slot| !shared.contains(slot)).collect();
        }
        Ok(Plan {
            steps: self.steps,
            slot_count: self.slot_count,
            outputs,
        })
    }
}
