//! Lists of steps over maps.

use std::sync::{Mutex, PoisonError};

use super::{
    convolution::{Weights, Window},
    kernels::{
        Activation, Add, Copy, Dense, Depthwise, MaxPool, Mean, Output, Planar, Scale, Upsample,
        run, sigmoid,
    },
    layout::{LANES, Lanes, Shape},
};

/// A map's number.
pub(crate) type MapId = usize;

/// What a step computes.
#[derive(Debug)]
pub(crate) enum Op {
    /// The input of this number.
    Load(usize),
    Planar {
        from: usize,
        window: Window,
        weights: Weights,
    },
    Dense {
        from: MapId,
        window: Window,
        weights: Weights,
    },
    Depthwise {
        from: MapId,
        window: Window,
        weights: Weights,
    },
    MaxPool(MapId, Window),
    Mean(MapId),
    Upsample(MapId, [usize; 2]),
    Sigmoid(MapId),
    Copy(MapId),
    Add(MapId, MapId),
    /// The first, each channel times its factor in the second.
    Scale(MapId, MapId),
}

impl Op {
    fn reads(&self) -> impl Iterator<Item = MapId> {
        let (first, second) = match *self {
            Self::Load(_) | Self::Planar { .. } => (None, None),
            Self::Dense { from, .. } | Self::Depthwise { from, .. } => (Some(from), None),
            Self::MaxPool(from, _)
            | Self::Mean(from)
            | Self::Upsample(from, _)
            | Self::Sigmoid(from)
            | Self::Copy(from) => (Some(from), None),
            Self::Add(a, b) | Self::Scale(a, b) => (Some(a), Some(b)),
        };
        first.into_iter().chain(second)
    }
}

/// Computes one map.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) to: MapId,
    /// Added to what is computed.
    pub(crate) residual: Option<MapId>,
    /// Applied last.
    pub(crate) activation: Activation,
}

impl Step {
    fn reads(&self) -> impl Iterator<Item = MapId> {
        self.op.reads().chain(self.residual)
    }
}

/// Steps that compute maps from maps, image by image.
#[derive(Debug)]
pub(crate) struct Program {
    /// Inputs that are read as they are, with room for padding.
    planes: Vec<(usize, Shape)>,
    maps: Vec<Shape>,
    steps: Vec<Step>,
    outputs: Vec<MapId>,
    /// Which piece of memory holds each map.
    slots: Vec<usize>,
    /// How large each piece is.
    sizes: Vec<usize>,
    /// Memory that no run is using.
    memory: Mutex<Vec<Memory>>,
}

#[derive(Debug)]
struct Memory {
    planes: Vec<Vec<f32>>,
    slots: Vec<Vec<Lanes>>,
}

impl Program {
    pub(crate) fn new(
        planes: Vec<(usize, Shape)>,
        maps: Vec<Shape>,
        steps: Vec<Step>,
        outputs: Vec<MapId>,
    ) -> Self {
        let (slots, sizes) = share(&maps, &steps, &outputs);
        Self {
            planes,
            maps,
            steps,
            outputs,
            slots,
            sizes,
            memory: Mutex::default(),
        }
    }

    /// Computes the outputs of one image. Inputs and outputs lie by channels, without halos.
    pub(crate) fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let lock = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lock().pop();
        let mut memory = kept.unwrap_or_else(|| self.memory());
        for (plane, (input, shape)) in memory.planes.iter_mut().zip(&self.planes) {
            frame(inputs[*input], shape, plane);
        }
        for step in &self.steps {
            let slot = self.slots[step.to];
            let mut to = std::mem::take(&mut memory.slots[slot]);
            self.step(step, inputs, &memory, &mut to);
            memory.slots[slot] = to;
        }
        for (&id, output) in self.outputs.iter().zip(outputs) {
            store(&memory.slots[self.slots[id]], &self.maps[id], output);
        }
        lock().push(memory);
    }

    fn memory(&self) -> Memory {
        Memory {
            planes: self
                .planes
                .iter()
                .map(|(_, shape)| vec![0.0; shape.channels * shape.plane()])
                .collect(),
            slots: self
                .sizes
                .iter()
                .map(|&size| vec![Lanes::ZERO; size])
                .collect(),
        }
    }

    fn step(&self, step: &Step, inputs: &[&[f32]], memory: &Memory, to: &mut [Lanes]) {
        let read = |id: MapId| {
            let shape = self.maps[id];
            (&memory.slots[self.slots[id]][..shape.blocked_len()], shape)
        };
        let shape = self.maps[step.to];
        let to = &mut to[..shape.blocked_len()];
        shape.clear_halo(to, Lanes::ZERO);
        let mut output = Output {
            map: to,
            shape,
            residual: step.residual.map(read),
            activation: &step.activation,
        };
        match &step.op {
            Op::Load(input) => load(inputs[*input], &shape, output.map),
            Op::Planar {
                from,
                window,
                weights,
            } => {
                let shape = self.planes[*from].1;
                run(Planar {
                    input: &memory.planes[*from],
                    shape,
                    offsets: &window.everywhere(&shape),
                    weights: &weights.weights,
                    bias: &weights.bias,
                    strides: window.strides,
                    corner: window.corner(&shape),
                    output,
                });
            }
            Op::Dense {
                from,
                window,
                weights,
            } => {
                let (input, shape) = read(*from);
                run(Dense {
                    input,
                    shape,
                    runs: &window.runs(&shape),
                    weights: &weights.weights,
                    bias: &weights.bias,
                    strides: window.strides,
                    corner: window.corner(&shape),
                    output,
                });
            }
            Op::Depthwise {
                from,
                window,
                weights,
            } => {
                let (input, shape) = read(*from);
                run(Depthwise {
                    input,
                    shape,
                    offsets: &window.offsets(&shape).collect::<Vec<_>>(),
                    weights: &weights.weights,
                    bias: &weights.bias,
                    strides: window.strides,
                    corner: window.corner(&shape),
                    three: window.kernel == [3, 3] && window.dilations[1] == 1,
                    output,
                });
            }
            Op::MaxPool(from, window) => {
                let (input, shape) = read(*from);
                run(MaxPool {
                    kernel: window.kernel,
                    strides: window.strides,
                    input,
                    shape,
                    output,
                });
            }
            Op::Mean(from) => {
                let (input, shape) = read(*from);
                run(Mean {
                    input,
                    shape,
                    output,
                });
            }
            Op::Upsample(from, factors) => {
                let (input, shape) = read(*from);
                run(Upsample {
                    factors: *factors,
                    input,
                    shape,
                    output,
                });
            }
            Op::Sigmoid(from) => {
                let (input, shape) = read(*from);
                sigmoid(input, &shape, &mut output);
            }
            Op::Copy(from) => {
                let (input, shape) = read(*from);
                run(Copy {
                    input,
                    shape,
                    output,
                });
            }
            Op::Add(a, b) => run(Add {
                inputs: [read(*a), read(*b)],
                output,
            }),
            Op::Scale(from, by) => {
                let (input, shape) = read(*from);
                run(Scale {
                    input,
                    shape,
                    factors: read(*by),
                    output,
                });
            }
        }
    }
}

/// Which piece of memory each map may have, and how large the pieces must be: a piece is used again once nothing reads
/// the map that it holds.
fn share(maps: &[Shape], steps: &[Step], outputs: &[MapId]) -> (Vec<usize>, Vec<usize>) {
    let mut last = vec![0; maps.len()];
    for (at, step) in steps.iter().enumerate() {
        last[step.to] = at;
        for read in step.reads() {
            last[read] = at;
        }
    }
    for &output in outputs {
        last[output] = usize::MAX;
    }
    let mut slots = vec![usize::MAX; maps.len()];
    let (mut sizes, mut free): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut held: Vec<MapId> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let size = maps[step.to].blocked_len();
        // The piece that was freed last is the likeliest to be in the cache.
        let fit = free.iter().rposition(|&slot| sizes[slot] >= size);
        let slot = match fit.or_else(|| free.len().checked_sub(1)) {
            Some(at) => free.remove(at),
            None => {
                sizes.push(0);
                sizes.len() - 1
            }
        };
        sizes[slot] = sizes[slot].max(size);
        slots[step.to] = slot;
        held.push(step.to);
        held.retain(|&id| {
            let done = last[id] <= at;
            if done {
                free.push(slots[id]);
            }
            !done
        });
    }
    (slots, sizes)
}

/// Copies `input` into a frame of zeros.
fn frame(input: &[f32], shape: &Shape, planes: &mut [f32]) {
    shape.clear_halo(planes, 0.0);
    for (channel, rows) in input.chunks_exact(shape.height * shape.width).enumerate() {
        let plane = &mut planes[channel * shape.plane()..][..shape.plane()];
        for (y, row) in rows.chunks_exact(shape.width).enumerate() {
            plane[shape.at(y, 0)..][..shape.width].copy_from_slice(row);
        }
    }
}

/// From channels to blocks.
fn load(input: &[f32], shape: &Shape, map: &mut [Lanes]) {
    let size = shape.height * shape.width;
    for block in 0..shape.blocks() {
        let used = shape.used(block);
        let planes = &input[block * LANES * size..][..used * size];
        let map = &mut map[block * shape.plane()..][..shape.plane()];
        for y in 0..shape.height {
            for x in 0..shape.width {
                let pixel = &mut map[shape.at(y, x)];
                for lane in 0..used {
                    pixel[lane] = planes[lane * size + y * shape.width + x];
                }
                pixel[used..].fill(0.0);
            }
        }
    }
}

/// From blocks to channels.
fn store(map: &[Lanes], shape: &Shape, output: &mut [f32]) {
    let size = shape.height * shape.width;
    for (channel, plane) in output.chunks_exact_mut(size).enumerate() {
        let map = &map[channel / LANES * shape.plane()..][..shape.plane()];
        for (y, row) in plane.chunks_exact_mut(shape.width).enumerate() {
            let pixels = &map[shape.at(y, 0)..][..shape.width];
            for (value, pixel) in row.iter_mut().zip(pixels) {
                *value = pixel[channel % LANES];
            }
        }
    }
}
