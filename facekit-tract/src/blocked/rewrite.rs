//! Replaces nodes of tract's graph by programs that compute them.
//!
//! The nodes that [`patterns`](super::patterns) matches are divided into parts. A part must be convex: if a path of the graph
//! leaves it, the path must not come back, because the part becomes one node, which computes all its outputs at once. [`parts`]
//! ensures this with levels: a node's level is the number of times that a path to it enters matched nodes from other nodes, at
//! most. Nodes of one level form a part.
//!
//! The graph changes with each part that is replaced, so the search starts again after each replacement.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use tract_onnx::tract_core::internal::*;

use super::{
    convolution::Convolution,
    kernels::output::Activation,
    layout::Shape,
    operator::Blocked,
    patterns::{Matched, Operation, feature_maps, match_node},
    program::{MapId, Op, Program, Step},
};

/// A dense convolution of an input with at most this many channels reads the input as it is, not in blocks.
const MAX_PLANAR_CHANNELS: usize = 4;

/// Replaces the nodes of `model` that can be computed in blocks. The model must be as tract translated it from the file, before
/// any of tract's optimizations: the patterns are those of the translation.
pub(crate) fn rewrite(model: &mut TypedModel) -> TractResult<()> {
    while let Some(patch) = first_patch(model)? {
        patch.apply(model)?;
    }
    Ok(())
}

/// The nodes that patterns match, by their ids.
type Matches = HashMap<usize, Matched>;

/// Nodes that one program can compute, in the order of computation.
type Part = Vec<usize>;

/// The replacement of the first part that has a convolution.
fn first_patch(model: &TypedModel) -> TractResult<Option<TypedModelPatch>> {
    let order = model.eval_order()?;
    let matches: Matches = order
        .iter()
        .filter_map(|&id| Some((id, match_node(model, model.node(id))?)))
        .collect();
    let uses = uses(model, &matches);
    let has_convolution = |part: &Part| {
        part.iter()
            .any(|id| matches!(matches[id].operation, Operation::Convolution(_)))
    };
    let part = parts(model, &order, &matches, &uses)
        .into_values()
        .find(has_convolution);
    part.map(|part| patch(model, matches, &uses, &part))
        .transpose()
}

/// The nodes that read each outlet, if a matched node reads only the maps of its pattern and not, for example, constants. An
/// outlet that is missing here, and is not an output of the model, need not be computed.
type Uses = HashMap<OutletId, Vec<usize>>;

fn uses(model: &TypedModel, matches: &Matches) -> Uses {
    let mut uses = Uses::new();
    let mut seen = HashSet::new();
    let mut open: Vec<usize> = model.outputs.iter().map(|outlet| outlet.node).collect();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        for &input in inputs(model, matches, id) {
            uses.entry(input).or_default().push(id);
            open.push(input.node);
        }
    }
    uses
}

/// The outlets that the node reads: of a matched node, those of its pattern.
fn inputs<'a>(model: &'a TypedModel, matches: &'a Matches, id: usize) -> &'a [OutletId] {
    matches
        .get(&id)
        .map_or(&model.node(id).inputs, |matched| &matched.inputs)
}

/// The parts, by their level. They contain all matched nodes that must be computed.
fn parts(
    model: &TypedModel,
    order: &[usize],
    matches: &Matches,
    uses: &Uses,
) -> BTreeMap<usize, Part> {
    let mut parts = BTreeMap::<usize, Part>::new();
    let mut levels = HashMap::<usize, usize>::new();
    for &id in order {
        let is_matched = matches.contains_key(&id);
        // One level above an input that is not matched, and the same level as an input that is.
        let level = |input: &OutletId| {
            let before = levels.get(&input.node).copied().unwrap_or(0);
            before + usize::from(is_matched && !matches.contains_key(&input.node))
        };
        let level = inputs(model, matches, id)
            .iter()
            .map(level)
            .max()
            .unwrap_or(0);
        levels.insert(id, level);
        let outlet = OutletId::new(id, 0);
        if is_matched && (uses.contains_key(&outlet) || model.outputs.contains(&outlet)) {
            parts.entry(level).or_default().push(id);
        }
    }
    parts
}

/// The patch of tract's graph that replaces `part` by one operator.
fn patch(
    model: &TypedModel,
    mut matches: Matches,
    uses: &Uses,
    part: &Part,
) -> TractResult<TypedModelPatch> {
    let mut builder = Builder::new(model, uses);
    let mut outputs = Vec::new();
    for id in part {
        let outlet = OutletId::new(*id, 0);
        if let Some(matched) = matches.remove(id) {
            builder.add_node(outlet, matched)?;
        }
        let read_outside = |outlet| {
            uses.get(outlet)
                .is_some_and(|uses| uses.iter().any(|user| !part.contains(user)))
        };
        if model.outputs.contains(&outlet) || read_outside(&outlet) {
            outputs.push(outlet);
        }
    }
    let shapes = outputs
        .iter()
        .map(|&outlet| {
            let (images, shape) = require_feature_maps(model, outlet)?;
            Ok([images, shape.channels, shape.height, shape.width])
        })
        .collect::<TractResult<Vec<_>>>()?;
    let mut patch = TypedModelPatch::default();
    let inputs = builder
        .inputs
        .iter()
        .map(|&input| patch.tap_model(model, input))
        .collect::<TractResult<TVec<_>>>()?;
    let op = Blocked {
        program: Arc::new(builder.finish(&outputs)),
        outputs: shapes,
    };
    let name = format!("{}.blocked", model.node(part[0]).name);
    let results = patch.wire_node(name, op, &inputs)?;
    for (&outlet, result) in outputs.iter().zip(results) {
        patch.shunt_outside(model, outlet, result)?;
    }
    Ok(patch)
}

/// [`feature_maps`] of an outlet that must have them.
fn require_feature_maps(model: &TypedModel, outlet: OutletId) -> TractResult<(usize, Shape)> {
    feature_maps(model, outlet).with_context(|| format!("{outlet:?} has no feature maps"))
}

/// Builds a program, node by node.
struct Builder<'a> {
    model: &'a TypedModel,
    uses: &'a Uses,
    /// The outlets outside the part that the program reads: its inputs.
    inputs: Vec<OutletId>,
    planes: Vec<(usize, Shape)>,
    maps: Vec<Shape>,
    steps: Vec<Step>,
    /// The map that holds the result of each outlet. Outlets whose functions were fused share one map.
    results: HashMap<OutletId, MapId>,
}

impl<'a> Builder<'a> {
    fn new(model: &'a TypedModel, uses: &'a Uses) -> Self {
        Self {
            model,
            uses,
            inputs: Vec::new(),
            planes: Vec::new(),
            maps: Vec::new(),
            steps: Vec::new(),
            results: HashMap::new(),
        }
    }

    /// Adds the node with the result `outlet`: a new step, or a part of the step that computes its input.
    fn add_node(&mut self, outlet: OutletId, matched: Matched) -> TractResult<()> {
        let (_, shape) = require_feature_maps(self.model, outlet)?;
        let from = matched.inputs[0];
        let op = match matched.operation {
            Operation::Convolution(conv) => self.convolution(from, &conv, &shape)?,
            Operation::Affine { scale, shift } => {
                let id = self.map(from)?;
                let producer = self.producer(id);
                if let Op::Planar { weights, .. }
                | Op::Dense { weights, .. }
                | Op::Depthwise { weights, .. } = &mut self.steps[producer].op
                {
                    weights.fold(&scale, &shift);
                }
                self.results.insert(outlet, id);
                return Ok(());
            }
            Operation::Activation(activation) => {
                let id = self.map(from)?;
                if self.fuse_activation(from, id, &activation) {
                    self.results.insert(outlet, id);
                } else {
                    self.add_step(outlet, shape, Op::Copy(id), activation);
                }
                return Ok(());
            }
            Operation::Add => {
                let [a, b] = [from, matched.inputs[1]];
                let ids = [self.map(a)?, self.map(b)?];
                if let Some(id) = self.fuse_sum([a, b], ids) {
                    self.results.insert(outlet, id);
                    return Ok(());
                }
                Op::Add(ids[0], ids[1])
            }
            Operation::Scale => Op::Scale(self.map(from)?, self.map(matched.inputs[1])?),
            Operation::Sigmoid => Op::Sigmoid(self.map(from)?),
            Operation::MaxPool(pool) => Op::MaxPool(self.map(from)?, pool),
            Operation::Mean => Op::Mean(self.map(from)?),
            Operation::Upsample(factors) => Op::Upsample(self.map(from)?, factors),
        };
        self.add_step(outlet, shape, op, Activation::None);
        Ok(())
    }

    fn convolution(
        &mut self,
        from: OutletId,
        conv: &Convolution,
        output: &Shape,
    ) -> TractResult<Op> {
        let window = conv.window;
        let size = [output.height, output.width];
        let (_, input) = require_feature_maps(self.model, from)?;
        let few_channels = input.channels <= MAX_PLANAR_CHANNELS && window.strides[1] <= 2;
        if few_channels && !conv.depthwise && !self.results.contains_key(&from) {
            let index = self.input(from);
            let known = self.planes.iter().position(|(input, _)| *input == index);
            let from = known.unwrap_or_else(|| {
                self.planes.push((index, input));
                self.planes.len() - 1
            });
            let halo = &mut self.planes[from].1.halo;
            *halo = halo.union(window.halo(&input, size));
            let weights = conv.packed_for_planes();
            return Ok(Op::Planar {
                from,
                window,
                weights,
            });
        }
        let from = self.map(from)?;
        let halo = &mut self.maps[from].halo;
        *halo = halo.union(window.halo(&input, size));
        let weights = conv.packed_for_blocks();
        Ok(if conv.depthwise {
            Op::Depthwise {
                from,
                window,
                weights,
            }
        } else {
            Op::Dense {
                from,
                window,
                weights,
            }
        })
    }

    /// The index of the program's input that is `outlet`.
    fn input(&mut self, outlet: OutletId) -> usize {
        let known = self.inputs.iter().position(|&input| input == outlet);
        known.unwrap_or_else(|| {
            self.inputs.push(outlet);
            self.inputs.len() - 1
        })
    }

    /// The map that holds `outlet`. An outlet outside the part is loaded.
    fn map(&mut self, outlet: OutletId) -> TractResult<MapId> {
        if let Some(&id) = self.results.get(&outlet) {
            return Ok(id);
        }
        let (_, shape) = require_feature_maps(self.model, outlet)?;
        let input = self.input(outlet);
        Ok(self.add_step(outlet, shape, Op::Load(input), Activation::None))
    }

    fn add_step(
        &mut self,
        outlet: OutletId,
        shape: Shape,
        op: Op,
        activation: Activation,
    ) -> MapId {
        let to = self.maps.len();
        self.maps.push(shape);
        self.steps.push(Step {
            op,
            to,
            residual: None,
            activation,
        });
        self.results.insert(outlet, to);
        to
    }

    /// The index of the step that computes the map.
    fn producer(&self, id: MapId) -> usize {
        let index = self.steps.iter().position(|step| step.to == id);
        index.expect("every map has a step")
    }

    /// True if only one node reads `outlet`. Its step may then compute that node as well, and `outlet` itself is never stored.
    fn has_one_reader(&self, outlet: OutletId) -> bool {
        self.uses.get(&outlet).is_some_and(|uses| uses.len() == 1)
            && !self.model.outputs.contains(&outlet)
    }

    /// Lets the step that computes `outlet` apply `activation`, if it can. Returns whether it does.
    fn fuse_activation(&mut self, outlet: OutletId, id: MapId, activation: &Activation) -> bool {
        let producer = self.producer(id);
        if !self.has_one_reader(outlet) || matches!(self.steps[producer].op, Op::Load(_)) {
            return false;
        }
        let both = self.steps[producer].activation.then(activation);
        let fused = both.is_some();
        if let Some(both) = both {
            self.steps[producer].activation = both;
        }
        fused
    }

    /// Lets the step that computes one of `outlets` add the other one, if it can. Returns the map of the sum.
    fn fuse_sum(&mut self, outlets: [OutletId; 2], ids: [MapId; 2]) -> Option<MapId> {
        let producers = ids.map(|id| self.producer(id));
        // The later step, because the map of the other one is computed by then.
        let later = usize::from(producers[1] > producers[0]);
        let step = &self.steps[producers[later]];
        let can_add = matches!(
            step.op,
            Op::Planar { .. } | Op::Dense { .. } | Op::Depthwise { .. } | Op::Upsample(..)
        );
        // A step adds the residual once, and before the activation.
        let adds_nothing_yet = step.residual.is_none() && step.activation == Activation::None;
        let is_fusible = can_add && adds_nothing_yet && self.has_one_reader(outlets[later]);
        if ids[0] == ids[1] || !is_fusible {
            return None;
        }
        self.steps[producers[later]].residual = Some(ids[1 - later]);
        Some(ids[later])
    }

    fn finish(self, outputs: &[OutletId]) -> Program {
        let outputs = outputs.iter().map(|outlet| self.results[outlet]).collect();
        Program::new(self.planes, self.maps, self.steps, outputs)
    }
}
