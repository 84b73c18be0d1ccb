//! Programs: lists of steps over maps.
//!
//! A program is straight-line code in static single-assignment form. Each step computes one map, no map is computed twice, and
//! a step reads only maps of earlier steps. [`Program::run`] computes one image, step by step.
//!
//! # Memory
//!
//! Maps share memory. [`plan_buffers`] assigns each map a buffer by the *linear scan* of register allocators (Poletto and
//! Sarkar 1999): it visits the steps in order, and a buffer is free again after the last step that reads its map. These
//! invariants make that safe:
//!
//! - The map that a step computes never shares a buffer with a map that the step reads: the buffer is assigned before those of
//!   maps that end with this step become free. [`Program::run`] relies on this when it takes the buffer of the result out of
//!   the memory.
//! - An output of the program keeps its buffer until the end.
//! - A buffer may hold values of another map or of an earlier run. Each step therefore clears the halo of its map, whose zeros
//!   are the padding for later steps, and writes every pixel.
//! - The unused lanes of the last block may hold any value. No step lets one lane affect another lane, except dense
//!   convolutions, which read the used lanes only.

use std::sync::{Mutex, PoisonError};

use super::{
    convolution::{Weights, Window},
    kernels::{
        dense::Dense,
        depthwise::Depthwise,
        elementwise::{AddMaps, CopyMap, ScaleChannels, sigmoid},
        output::{Activation, Output},
        planar::Planar,
        pooling::{MaxPool, Mean, Upsample},
        simd::run,
    },
    layout::{LANES, Lanes, Shape},
};

/// The index of a map in the list of maps.
pub(crate) type MapId = usize;

/// The computation of a step.
#[derive(Debug)]
pub(crate) enum Op {
    /// Converts the input with this index from channels to blocks.
    Load(usize),
    /// A dense convolution of an input with few channels, which is read as it is.
    Planar {
        /// The index of the input in the program's list of planes.
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
    /// The first map, with each channel multiplied by its factor in the second map.
    Scale(MapId, MapId),
}

impl Op {
    /// The maps that the computation reads.
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

/// The step that computes one map: `activation(op + residual)`.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) op: Op,
    /// The map that the step computes.
    pub(crate) to: MapId,
    pub(crate) residual: Option<MapId>,
    pub(crate) activation: Activation,
}

impl Step {
    /// The maps that the step reads.
    fn reads(&self) -> impl Iterator<Item = MapId> {
        self.op.reads().chain(self.residual)
    }
}

/// A list of steps that computes the outputs for one image.
#[derive(Debug)]
pub(crate) struct Program {
    /// For each input that is read as it is: its index among the inputs, and its shape with the halo for its padding.
    planes: Vec<(usize, Shape)>,
    maps: Vec<Shape>,
    steps: Vec<Step>,
    outputs: Vec<MapId>,
    buffers: BufferPlan,
    /// Memory of earlier runs that no run uses at the moment.
    spare_memory: Mutex<Vec<Memory>>,
}

/// The memory of one run.
#[derive(Debug)]
struct Memory {
    /// Copies of the inputs that are read as they are, with their halos.
    planes: Vec<Vec<f32>>,
    buffers: Vec<Vec<Lanes>>,
}

impl Program {
    pub(crate) fn new(
        planes: Vec<(usize, Shape)>,
        maps: Vec<Shape>,
        steps: Vec<Step>,
        outputs: Vec<MapId>,
    ) -> Self {
        let buffers = plan_buffers(&maps, &steps, &outputs);
        Self {
            planes,
            maps,
            steps,
            outputs,
            buffers,
            spare_memory: Mutex::default(),
        }
    }

    /// Computes the outputs of one image. Inputs and outputs are stored channel by channel, without halos.
    pub(crate) fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let spare_memory = || {
            self.spare_memory
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let spare = spare_memory().pop();
        let mut memory = spare.unwrap_or_else(|| self.new_memory());
        for (plane, (input, shape)) in memory.planes.iter_mut().zip(&self.planes) {
            copy_with_halo(inputs[*input], shape, plane);
        }
        for step in &self.steps {
            // Taken out, so that the other buffers can be read meanwhile. None of the maps that the step reads is in it.
            let buffer = self.buffers.of_map[step.to];
            let mut to = std::mem::take(&mut memory.buffers[buffer]);
            self.run_step(step, inputs, &memory, &mut to);
            memory.buffers[buffer] = to;
        }
        for (&id, output) in self.outputs.iter().zip(outputs) {
            let map = &memory.buffers[self.buffers.of_map[id]];
            blocks_to_channels(map, &self.maps[id], output);
        }
        spare_memory().push(memory);
    }

    fn new_memory(&self) -> Memory {
        Memory {
            planes: self
                .planes
                .iter()
                .map(|(_, shape)| vec![0.0; shape.channels * shape.plane()])
                .collect(),
            buffers: self
                .buffers
                .sizes
                .iter()
                .map(|&size| vec![Lanes::ZERO; size])
                .collect(),
        }
    }

    /// Runs one step. `to` is the buffer of its result.
    fn run_step(&self, step: &Step, inputs: &[&[f32]], memory: &Memory, to: &mut [Lanes]) {
        let read = |id: MapId| {
            let shape = self.maps[id];
            let buffer = &memory.buffers[self.buffers.of_map[id]];
            (&buffer[..shape.block_pixels()], shape)
        };
        let shape = self.maps[step.to];
        let to = &mut to[..shape.block_pixels()];
        shape.clear_halo(to, Lanes::ZERO);
        let mut output = Output {
            map: to,
            shape,
            residual: step.residual.map(read),
            activation: &step.activation,
        };
        match &step.op {
            Op::Load(input) => channels_to_blocks(inputs[*input], &shape, output.map),
            Op::Planar {
                from,
                window,
                weights,
            } => {
                let shape = self.planes[*from].1;
                run(Planar {
                    input: &memory.planes[*from],
                    shape,
                    offsets: &window.offsets_in_all_channels(&shape),
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
                    channel_runs: &window.channel_runs(&shape),
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
                    is_3x3: window.kernel == [3, 3] && window.dilations[1] == 1,
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
                run(CopyMap {
                    input,
                    shape,
                    output,
                });
            }
            Op::Add(a, b) => run(AddMaps {
                inputs: [read(*a), read(*b)],
                output,
            }),
            Op::Scale(from, factors) => {
                let (input, shape) = read(*from);
                run(ScaleChannels {
                    input,
                    shape,
                    factors: read(*factors),
                    output,
                });
            }
        }
    }
}

/// The buffers of a program's maps.
#[derive(Debug)]
struct BufferPlan {
    /// For each map, the index of its buffer.
    of_map: Vec<usize>,
    /// For each buffer, the number of [`Lanes`] of the largest map in it.
    sizes: Vec<usize>,
}

/// Assigns a buffer to each map. See the documentation of the module.
fn plan_buffers(maps: &[Shape], steps: &[Step], outputs: &[MapId]) -> BufferPlan {
    // For each map, the index of the last step that computes or reads it.
    let mut last_use = vec![0; maps.len()];
    for (index, step) in steps.iter().enumerate() {
        last_use[step.to] = index;
        for read in step.reads() {
            last_use[read] = index;
        }
    }
    for &output in outputs {
        last_use[output] = usize::MAX;
    }
    let mut of_map = vec![usize::MAX; maps.len()];
    let (mut sizes, mut free): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut live: Vec<MapId> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let size = maps[step.to].block_pixels();
        // Of the free buffers that are large enough, the one that was freed last is most likely in the processor's cache. If
        // none is large enough, one grows.
        let fitting = free.iter().rposition(|&buffer| sizes[buffer] >= size);
        let buffer = match fitting.or_else(|| free.len().checked_sub(1)) {
            Some(position) => free.remove(position),
            None => {
                sizes.push(0);
                sizes.len() - 1
            }
        };
        sizes[buffer] = sizes[buffer].max(size);
        of_map[step.to] = buffer;
        live.push(step.to);
        // Only now, so that the result of this step is in none of these buffers.
        live.retain(|&id| {
            let ends_here = last_use[id] <= index;
            if ends_here {
                free.push(of_map[id]);
            }
            !ends_here
        });
    }
    BufferPlan { of_map, sizes }
}

/// Copies the channels of `input` into `planes`, each with a halo of zeros.
fn copy_with_halo(input: &[f32], shape: &Shape, planes: &mut [f32]) {
    shape.clear_halo(planes, 0.0);
    for (channel, rows) in input.chunks_exact(shape.height * shape.width).enumerate() {
        let plane = &mut planes[channel * shape.plane()..][..shape.plane()];
        for (y, row) in rows.chunks_exact(shape.width).enumerate() {
            plane[shape.at(y, 0)..][..shape.width].copy_from_slice(row);
        }
    }
}

/// Copies `input`, which is stored channel by channel, into a map in blocks.
fn channels_to_blocks(input: &[f32], shape: &Shape, map: &mut [Lanes]) {
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

/// Copies a map in blocks into `output`, which is stored channel by channel.
fn blocks_to_channels(map: &[Lanes], shape: &Shape, output: &mut [f32]) {
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
