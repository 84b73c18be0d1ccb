//! Puts programs in place of the nodes that they compute.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use tract_onnx::tract_core::internal::*;

use super::{
    convolution::Convolution,
    kernels::Activation,
    layout::Shape,
    op::Blocked,
    program::{MapId, Op, Program, Step},
    recognise::{Kind, Recognised, maps, recognise},
};

/// Channels up to which a convolution reads its input as it is.
const FEW: usize = 4;

/// Replaces what can be computed by blocks in `model`, as tract has translated it and before it has changed anything.
pub(crate) fn rewrite(model: &mut TypedModel) -> TractResult<()> {
    while let Some(patch) = first_patch(model)? {
        patch.apply(model)?;
    }
    Ok(())
}

/// What each node computes, where it is recognised.
type Found = HashMap<usize, Recognised>;

/// Nodes that can be computed at once, in the order of computation: a path that leaves them never comes back.
type Part = Vec<usize>;

/// Replaces the first part that has a convolution.
fn first_patch(model: &TypedModel) -> TractResult<Option<TypedModelPatch>> {
    let order = model.eval_order()?;
    let found: Found = order
        .iter()
        .filter_map(|&id| Some((id, recognise(model, model.node(id))?)))
        .collect();
    let uses = uses(model, &found);
    let convolves = |part: &Part| {
        part.iter()
            .any(|id| matches!(found[id].kind, Kind::Convolution(_)))
    };
    let part = parts(model, &order, &found, &uses)
        .into_values()
        .find(convolves);
    part.map(|part| patch(model, found, &uses, &part))
        .transpose()
}

/// The nodes that read each outlet, when recognised nodes read nothing but their maps. A node that is not here, and not
/// an output of the model, is not needed.
type Uses = HashMap<OutletId, Vec<usize>>;

fn uses(model: &TypedModel, found: &Found) -> Uses {
    let mut uses = Uses::new();
    let mut seen = HashSet::new();
    let mut open: Vec<usize> = model.outputs.iter().map(|outlet| outlet.node).collect();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        for &input in inputs(model, found, id) {
            uses.entry(input).or_default().push(id);
            open.push(input.node);
        }
    }
    uses
}

/// What the node reads of other nodes' results.
fn inputs<'a>(model: &'a TypedModel, found: &'a Found, id: usize) -> &'a [OutletId] {
    found
        .get(&id)
        .map_or(&model.node(id).inputs, |found| &found.inputs)
}

/// Recognised nodes that are needed.
fn parts(model: &TypedModel, order: &[usize], found: &Found, uses: &Uses) -> BTreeMap<usize, Part> {
    let mut parts = BTreeMap::<usize, Part>::new();
    // For each node, the part that it belongs to or follows; none is 0.
    let mut levels = HashMap::<usize, usize>::new();
    for &id in order {
        let recognised = found.contains_key(&id);
        let level = |input: &OutletId| {
            let before = levels.get(&input.node).copied().unwrap_or(0);
            before + usize::from(recognised && !found.contains_key(&input.node))
        };
        let level = inputs(model, found, id)
            .iter()
            .map(level)
            .max()
            .unwrap_or(0);
        levels.insert(id, level);
        let outlet = OutletId::new(id, 0);
        if recognised && (uses.contains_key(&outlet) || model.outputs.contains(&outlet)) {
            parts.entry(level).or_default().push(id);
        }
    }
    parts
}

fn patch(
    model: &TypedModel,
    mut found: Found,
    uses: &Uses,
    part: &Part,
) -> TractResult<TypedModelPatch> {
    let mut builder = Builder::new(model, uses);
    let mut outputs = Vec::new();
    for id in part {
        let outlet = OutletId::new(*id, 0);
        if let Some(found) = found.remove(id) {
            builder.node(outlet, found)?;
        }
        let leaves = |outlet| {
            uses.get(outlet)
                .is_some_and(|uses| uses.iter().any(|user| !part.contains(user)))
        };
        if model.outputs.contains(&outlet) || leaves(&outlet) {
            outputs.push(outlet);
        }
    }
    let shapes = outputs
        .iter()
        .map(|&outlet| {
            let (images, shape) = described(model, outlet)?;
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

fn described(model: &TypedModel, outlet: OutletId) -> TractResult<(usize, Shape)> {
    maps(model, outlet).with_context(|| format!("{outlet:?} has no maps"))
}

/// Makes a program, node by node.
struct Builder<'a> {
    model: &'a TypedModel,
    uses: &'a Uses,
    /// What comes from outside.
    inputs: Vec<OutletId>,
    planes: Vec<(usize, Shape)>,
    maps: Vec<Shape>,
    steps: Vec<Step>,
    /// The map that holds each result.
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

    /// Adds the node whose result is `outlet`.
    fn node(&mut self, outlet: OutletId, found: Recognised) -> TractResult<()> {
        let (_, shape) = described(self.model, outlet)?;
        let from = found.inputs[0];
        let op = match found.kind {
            Kind::Convolution(conv) => self.convolution(from, &conv, &shape)?,
            Kind::Affine { scale, shift } => {
                let id = self.map(from)?;
                let at = self.producer(id);
                if let Op::Planar { weights, .. }
                | Op::Dense { weights, .. }
                | Op::Depthwise { weights, .. } = &mut self.steps[at].op
                {
                    weights.fold(&scale, &shift);
                }
                self.results.insert(outlet, id);
                return Ok(());
            }
            Kind::Activation(activation) => {
                let id = self.map(from)?;
                if self.fuse_activation(from, id, &activation) {
                    self.results.insert(outlet, id);
                } else {
                    self.step(outlet, shape, Op::Copy(id), activation);
                }
                return Ok(());
            }
            Kind::Add => {
                let [a, b] = [from, found.inputs[1]];
                let ids = [self.map(a)?, self.map(b)?];
                if let Some(id) = self.fuse_sum([a, b], ids) {
                    self.results.insert(outlet, id);
                    return Ok(());
                }
                Op::Add(ids[0], ids[1])
            }
            Kind::Scale => Op::Scale(self.map(from)?, self.map(found.inputs[1])?),
            Kind::Sigmoid => Op::Sigmoid(self.map(from)?),
            Kind::MaxPool(pool) => Op::MaxPool(self.map(from)?, pool),
            Kind::Mean => Op::Mean(self.map(from)?),
            Kind::Upsample(factors) => Op::Upsample(self.map(from)?, factors),
        };
        self.step(outlet, shape, op, Activation::None);
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
        let (_, input) = described(self.model, from)?;
        let few = input.channels <= FEW && window.strides[1] <= 2;
        if few && !conv.depthwise && !self.results.contains_key(&from) {
            let at = self.input(from);
            let known = self.planes.iter().position(|(input, _)| *input == at);
            let from = known.unwrap_or_else(|| {
                self.planes.push((at, input));
                self.planes.len() - 1
            });
            let halo = &mut self.planes[from].1.halo;
            *halo = halo.union(window.halo(&input, size));
            let weights = conv.by_planes();
            return Ok(Op::Planar {
                from,
                window,
                weights,
            });
        }
        let from = self.map(from)?;
        let halo = &mut self.maps[from].halo;
        *halo = halo.union(window.halo(&input, size));
        let weights = conv.by_blocks();
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

    /// The number of the input that is `outlet`, outside.
    fn input(&mut self, outlet: OutletId) -> usize {
        let known = self.inputs.iter().position(|&input| input == outlet);
        known.unwrap_or_else(|| {
            self.inputs.push(outlet);
            self.inputs.len() - 1
        })
    }

    /// The map that holds `outlet`, which is loaded if it comes from outside.
    fn map(&mut self, outlet: OutletId) -> TractResult<MapId> {
        if let Some(&id) = self.results.get(&outlet) {
            return Ok(id);
        }
        let (_, shape) = described(self.model, outlet)?;
        let input = self.input(outlet);
        Ok(self.step(outlet, shape, Op::Load(input), Activation::None))
    }

    fn step(&mut self, outlet: OutletId, shape: Shape, op: Op, activation: Activation) -> MapId {
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

    /// The step that computes the map.
    fn producer(&self, id: MapId) -> usize {
        let at = self.steps.iter().position(|step| step.to == id);
        at.expect("every map has a step")
    }

    /// Whether nothing but the node in hand needs `outlet`.
    fn passes(&self, outlet: OutletId) -> bool {
        self.uses.get(&outlet).is_some_and(|uses| uses.len() == 1)
            && !self.model.outputs.contains(&outlet)
    }

    /// Lets the step that computes `outlet` apply `activation`, if it can.
    fn fuse_activation(&mut self, outlet: OutletId, id: MapId, activation: &Activation) -> bool {
        let at = self.producer(id);
        if !self.passes(outlet) || matches!(self.steps[at].op, Op::Load(_)) {
            return false;
        }
        let both = self.steps[at].activation.then(activation);
        let fused = both.is_some();
        if let Some(both) = both {
            self.steps[at].activation = both;
        }
        fused
    }

    /// Lets the step that computes one of `outlets` add the other, if it can.
    fn fuse_sum(&mut self, outlets: [OutletId; 2], ids: [MapId; 2]) -> Option<MapId> {
        let at = ids.map(|id| self.producer(id));
        // Only the later step can, since the other's result is there by then.
        let later = usize::from(at[1] > at[0]);
        let step = &mut self.steps[at[later]];
        let computes = matches!(
            step.op,
            Op::Planar { .. } | Op::Dense { .. } | Op::Depthwise { .. } | Op::Upsample(..)
        );
        let free = step.residual.is_none() && step.activation == Activation::None;
        if ids[0] == ids[1] || !computes || !free || !self.passes(outlets[later]) {
            return None;
        }
        self.steps[at[later]].residual = Some(ids[1 - later]);
        Some(ids[later])
    }

    fn finish(self, outputs: &[OutletId]) -> Program {
        let outputs = outputs.iter().map(|outlet| self.results[outlet]).collect();
        Program::new(self.planes, self.maps, self.steps, outputs)
    }
}
