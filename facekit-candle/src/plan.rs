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
    error::{Result, StepError, refused},
    kernel::give_tensor,
    node::Node,
    ops::{self, Inputs, Operator},
    runtime::Target,
};

/// The operator sets that this crate was written by.
const OPSETS: std::ops::RangeInclusive<i64> = 6..=25;

/// Steps in the order in which they are computed.
pub(crate) struct Plan {
    steps: Vec<Step>,
    /// How many values there are while it runs.
    slots: usize,
    outputs: Vec<Source>,
}

struct Step {
    /// The node and its operator, for errors.
    at: String,
    operator: Box<dyn Operator>,
    inputs: Vec<Source>,
    outputs: Vec<usize>,
    /// Values that nobody needs after this step.
    last_uses: Vec<usize>,
    /// Those among them whose memory is theirs alone.
    spare: Vec<usize>,
}

#[derive(Clone)]
enum Source {
    /// An optional input that is left out, or one that the operator took into itself.
    None,
    Constant(Tensor),
    Slot(usize),
}

impl Source {
    fn tensor<'a>(&'a self, values: &'a [Option<Tensor>]) -> Option<&'a Tensor> {
        match self {
            Self::None => None,
            Self::Constant(tensor) => Some(tensor),
            Self::Slot(slot) => values[*slot].as_ref(),
        }
    }
}

impl Plan {
    /// Translates the graph of `proto`, whose inputs are `inputs`, in the order in which a run gives them.
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

    /// The number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Computes the outputs, in the graph's order.
    pub(crate) fn run(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, StepError> {
        let mut values: Vec<Option<Tensor>> = inputs.into_iter().map(Some).collect();
        values.resize(self.slots, None);
        for step in &self.steps {
            let inputs: Vec<_> = step
                .inputs
                .iter()
                .map(|from| from.tensor(&values))
                .collect();
            let computed = step.operator.run(&Inputs(&inputs));
            let failed = |source| StepError {
                at: step.at.clone(),
                source,
            };
            let computed = computed.map_err(failed)?;
            for (&slot, value) in step.outputs.iter().zip(computed) {
                values[slot] = Some(value);
            }
            for &slot in &step.spare {
                if let Some(tensor) = &values[slot] {
                    give_tensor(tensor).map_err(failed)?;
                }
            }
            for &slot in &step.last_uses {
                values[slot] = None;
            }
        }
        let outputs = self.outputs.iter().map(|from| {
            from.tensor(&values).cloned().ok_or_else(|| StepError {
                at: "an output".to_owned(),
                source: CandleError::msg("nothing computed it"),
            })
        });
        outputs.collect()
    }
}

/// The version of ONNX's operators.
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
        None => Err(invalid(
            model,
            "it does not say which operator set it is of",
        )),
    }
}

/// A plan in the making.
struct Builder<'a> {
    model: &'a Model,
    folder: Option<&'a Path>,
    target: &'a Target,
    constants: HashMap<&'a str, Tensor>,
    /// Where values are that are computed, and the inputs.
    slots: HashMap<&'a str, usize>,
    slot_count: usize,
    /// How often each value is taken, by nodes and as an output.
    uses: HashMap<&'a str, usize>,
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
        let mut uses = HashMap::new();
        let taken = graph.node.iter().flat_map(|node| &node.input);
        let taken = taken.map(String::as_str);
        for name in taken.chain(graph.output.iter().map(ValueInfoProto::name)) {
            *uses.entry(name).or_default() += 1;
        }
        let mut builder = Self {
            model,
            folder,
            target,
            constants: HashMap::new(),
            slots: HashMap::new(),
            slot_count: 0,
            uses,
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
                .map_err(|error| refused(model, format!("tensor {name:?}"), error))?;
            builder.define(name, Some(tensor))?;
        }
        for name in inputs {
            builder.define(name, None)?;
        }
        Ok(builder)
    }

    /// Gives a name to a constant, or to a value in a new slot.
    fn define(&mut self, name: &'a str, constant: Option<Tensor>) -> Result<(), Error> {
        if name.is_empty() {
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

    fn push(&mut self, proto: &'a NodeProto, opset: i64) -> Result<(), Error> {
        let at = Node::describe(proto);
        let refused = |error| refused(self.model, at.clone(), error);
        let node = Node::new(proto, opset, &self.constants, self.folder, self.target);
        let mut operator = ops::read(&node).map_err(refused)?;
        node.finish().map_err(refused)?;
        let taken = node.taken();

        let sources = proto.input.iter().enumerate().map(|(number, name)| {
            if name.is_empty() || taken.contains(&number) {
                Ok(Source::None)
            } else if let Some(slot) = self.slots.get(name.as_str()) {
                Ok(Source::Slot(*slot))
            } else if let Some(constant) = self.constants.get(name.as_str()) {
                Ok(Source::Constant(constant.clone()))
            } else {
                Err(CandleError::Msg(format!("nothing computes {name:?}")))
            }
        });
        let inputs = sources.collect::<Result<Vec<_>>>().map_err(refused)?;

        if self.fuse(proto, &*operator, &inputs).map_err(refused)? {
            return Ok(());
        }
        let all_known = inputs
            .iter()
            .all(|source| !matches!(source, Source::Slot(_)));
        if all_known {
            operator.prepare().map_err(refused)?;
            let given: Vec<_> = inputs.iter().map(|source| source.tensor(&[])).collect();
            let computed = operator.run(&Inputs(&given)).map_err(refused)?;
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
            at,
            operator,
            inputs,
            outputs: (first..self.slot_count).collect(),
            last_uses: Vec::new(),
            spare: Vec::new(),
        });
        Ok(())
    }

    /// Whether the step before took the node into itself: then their outputs are one.
    fn fuse(
        &mut self,
        proto: &'a NodeProto,
        operator: &dyn Operator,
        inputs: &[Source],
    ) -> Result<bool> {
        let (Some(pointwise), Some(Source::Slot(slot))) = (operator.pointwise(), inputs.first())
        else {
            return Ok(false);
        };
        let [output] = &proto.output[..] else {
            return Ok(false);
        };
        let fresh = !self.slots.contains_key(output.as_str())
            && !self.constants.contains_key(output.as_str());
        let only = self.uses.get(proto.input[0].as_str()) == Some(&1);
        let before = self.steps.iter_mut().find(|step| step.outputs == [*slot]);
        let Some(before) = before.filter(|_| only && fresh) else {
            return Ok(false);
        };
        if !before.operator.absorb(pointwise)? {
            return Ok(false);
        }
        before.at = format!("{}, then {}", before.at, Node::describe(proto));
        self.slots.insert(output, *slot);
        Ok(true)
    }

    /// The values that may share memory with others: those that come from, or go to, a step that is not fresh, and inputs.
    fn shared(&self) -> HashSet<usize> {
        let computed: HashSet<usize> = self
            .steps
            .iter()
            .flat_map(|step| &step.outputs)
            .copied()
            .collect();
        let given = (0..self.slot_count).filter(|slot| !computed.contains(slot));
        let steps = self.steps.iter().filter(|step| !step.operator.is_fresh());
        let touched = steps.flat_map(|step| {
            let inputs = step.inputs.iter().filter_map(slot);
            inputs.chain(step.outputs.iter().copied())
        });
        given.chain(touched).collect()
    }

    fn finish(mut self, graph: &'a GraphProto) -> Result<Plan, Error> {
        for step in &mut self.steps {
            let prepared = step.operator.prepare();
            prepared.map_err(|error| refused(self.model, step.at.clone(), error))?;
        }
        let outputs: Vec<Source> = graph
            .output
            .iter()
            .map(|output| {
                let name = output.name();
                let slot = self.slots.get(name).copied().map(Source::Slot);
                let constant = || self.constants.get(name).cloned().map(Source::Constant);
                let source = slot.or_else(constant);
                source.ok_or_else(|| invalid(self.model, format!("nothing computes {name:?}")))
            })
            .collect::<Result<_, _>>()?;

        let shared = self.shared();
        let mut needed: HashSet<usize> = outputs.iter().filter_map(slot).collect();
        for step in self.steps.iter_mut().rev() {
            let used = step.inputs.iter().filter_map(slot);
            // Outputs count too: one that nobody takes is dropped at once.
            let touched = used.chain(step.outputs.iter().copied());
            step.last_uses = touched.filter(|slot| needed.insert(*slot)).collect();
            let last_uses = step.last_uses.iter().copied();
            step.spare = last_uses.filter(|slot| !shared.contains(slot)).collect();
        }
        Ok(Plan {
            steps: self.steps,
            slots: self.slot_count,
            outputs,
        })
    }
}

fn slot(source: &Source) -> Option<usize> {
    match source {
        Source::Slot(slot) => Some(*slot),
        _ => None,
    }
}
