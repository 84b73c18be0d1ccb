//! Weights of convolutions, from the order of ONNX to that of the kernels.

use super::{
    kernels::Run,
    layout::{Halo, LANES, Lanes, Shape, per_channel},
};

/// How a kernel is moved over a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kernel: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilations: [usize; 2],
    /// Zeros above and left of the map.
    pub(crate) padding: [usize; 2],
}

impl Window {
    /// The zeros that are read around `input` for an output of this size.
    pub(crate) fn halo(&self, input: &Shape, output: [usize; 2]) -> Halo {
        let after = |axis: usize, size: usize| {
            let last = (output[axis] - 1) * self.strides[axis]
                + (self.kernel[axis] - 1) * self.dilations[axis];
            (last + 1).saturating_sub(size + self.padding[axis])
        };
        Halo {
            top: self.padding[0],
            left: self.padding[1],
            bottom: after(0, input.height),
            right: after(1, input.width),
        }
    }

    /// The first window's first pixel.
    pub(crate) fn corner(&self, input: &Shape) -> usize {
        let [top, left] = self.padding;
        input.corner(Halo {
            top,
            left,
            ..Halo::default()
        })
    }

    /// The places of the kernel, by rows, from the window's first pixel.
    pub(crate) fn offsets(&self, input: &Shape) -> impl Iterator<Item = usize> {
        let ([height, width], [down, right]) = (self.kernel, self.dilations);
        let row = input.row();
        (0..height).flat_map(move |y| (0..width).map(move |x| y * down * row + x * right))
    }

    /// [`offsets`](Self::offsets) in each channel of `input`, which lie one after the other.
    pub(crate) fn everywhere(&self, input: &Shape) -> Vec<usize> {
        let channels = 0..input.channels;
        channels
            .flat_map(|channel| {
                let start = channel * input.plane();
                self.offsets(input).map(move |offset| start + offset)
            })
            .collect()
    }

    /// [`offsets`](Self::offsets) in each block of `input`.
    pub(crate) fn runs(&self, input: &Shape) -> Vec<Run> {
        let blocks = 0..input.blocks();
        blocks
            .flat_map(|block| {
                self.offsets(input).map(move |offset| Run {
                    offset: block * input.plane() + offset,
                    channels: input.used(block),
                })
            })
            .collect()
    }

    fn places(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }
}

/// A convolution as ONNX states it.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    pub(crate) window: Window,
    pub(crate) depthwise: bool,
    /// Output channels, input channels of the group, rows, columns.
    pub(crate) weights: Vec<f32>,
    /// For each output channel.
    pub(crate) bias: Vec<f32>,
}

impl Convolution {
    /// The weights by blocks of output channels; within, by blocks of input channels, places, and input channels.
    pub(crate) fn by_blocks(&self) -> Weights {
        self.packed(|inputs, places| {
            (0..inputs.div_ceil(LANES))
                .flat_map(|block| {
                    let channels = block * LANES..inputs.min((block + 1) * LANES);
                    (0..places).flat_map(move |place| {
                        channels.clone().map(move |input| input * places + place)
                    })
                })
                .collect()
        })
    }

    /// The weights by blocks of output channels; within, by input channels and places.
    pub(crate) fn by_planes(&self) -> Weights {
        self.packed(|inputs, places| (0..inputs * places).collect())
    }

    /// The weights of output channels, in the order that `order` gives for input channels and places.
    fn packed(&self, order: impl Fn(usize, usize) -> Vec<usize>) -> Weights {
        let outputs = self.bias.len();
        let length = self.weights.len() / outputs;
        let places = self.window.places();
        let order = order(length / places, places);
        let mut weights = Vec::with_capacity(outputs.div_ceil(LANES) * length);
        for first in (0..outputs).step_by(LANES) {
            let used = (outputs - first).min(LANES);
            let rows = &self.weights[first * length..][..used * length];
            weights.extend(order.iter().map(|&at| {
                let mut lanes = Lanes::ZERO;
                for lane in 0..used {
                    lanes[lane] = rows[lane * length + at];
                }
                lanes
            }));
        }
        Weights {
            weights,
            bias: per_channel(&self.bias),
        }
    }
}

/// Weights in the order in which a kernel reads them.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) weights: Vec<Lanes>,
    pub(crate) bias: Vec<Lanes>,
}

impl Weights {
    /// Makes the convolution compute `scale` times what it did, plus `shift`, for each output channel.
    pub(crate) fn fold(&mut self, scale: &[f32], shift: &[f32]) {
        let length = self.weights.len() / self.bias.len();
        let (scale, shift) = (per_channel(scale), per_channel(shift));
        for (block, bias) in self.bias.iter_mut().enumerate() {
            let weights = &mut self.weights[block * length..][..length];
            for lane in 0..LANES {
                bias[lane] = bias[lane] * scale[block][lane] + shift[block][lane];
                for lanes in &mut *weights {
                    lanes[lane] *= scale[block][lane];
                }
            }
        }
    }
}
