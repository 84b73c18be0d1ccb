//! Convolutions: their windows, and their weights in the order of the kernels.

use super::{
    kernels::dense::ChannelRun,
    layout::{Halo, LANES, Lanes, Shape, per_channel},
};

/// The windows of a kernel that moves over a map. In every pair, rows (vertical) come before columns (horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kernel: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilations: [usize; 2],
    /// Padding above and left of the map.
    pub(crate) padding: [usize; 2],
}

impl Window {
    /// The padding that windows read around `input`, for an output of this height and width.
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

    /// The offset in a plane of `input` of the first pixel of the first window.
    pub(crate) fn corner(&self, input: &Shape) -> usize {
        let [top, left] = self.padding;
        input.corner(Halo {
            top,
            left,
            ..Halo::default()
        })
    }

    /// The offset of each place of the kernel from the first pixel of the window, row by row.
    pub(crate) fn offsets(&self, input: &Shape) -> impl Iterator<Item = usize> {
        let ([height, width], [down, right]) = (self.kernel, self.dilations);
        let row = input.row();
        (0..height).flat_map(move |y| (0..width).map(move |x| y * down * row + x * right))
    }

    /// The [`offsets`](Self::offsets) in all channels of `input`, which are stored one after the other.
    pub(crate) fn offsets_in_all_channels(&self, input: &Shape) -> Vec<usize> {
        let channels = 0..input.channels;
        channels
            .flat_map(|channel| {
                let start = channel * input.plane();
                self.offsets(input).map(move |offset| start + offset)
            })
            .collect()
    }

    /// The [`offsets`](Self::offsets) in all blocks of `input`.
    pub(crate) fn channel_runs(&self, input: &Shape) -> Vec<ChannelRun> {
        let blocks = 0..input.blocks();
        blocks
            .flat_map(|block| {
                self.offsets(input).map(move |offset| ChannelRun {
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

/// A convolution as ONNX defines it.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    pub(crate) window: Window,
    pub(crate) depthwise: bool,
    /// In row-major order: output channels, input channels of the group, rows, columns.
    pub(crate) weights: Vec<f32>,
    /// One value for each output channel.
    pub(crate) bias: Vec<f32>,
}

impl Convolution {
    /// The weights for maps in blocks. From the outermost to the innermost, the order is: blocks of output channels, blocks of
    /// input channels, places of the kernel, input channels of the block.
    pub(crate) fn packed_for_blocks(&self) -> Weights {
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

    /// The weights for inputs with separate channels. From the outermost to the innermost, the order is: blocks of output
    /// channels, input channels, places of the kernel.
    pub(crate) fn packed_for_planes(&self) -> Weights {
        self.packed(|inputs, places| (0..inputs * places).collect())
    }

    /// The weights in blocks of output channels. `order` gets the numbers of input channels and of places, and returns the
    /// order of the weights of one output channel.
    fn packed(&self, order: impl Fn(usize, usize) -> Vec<usize>) -> Weights {
        let outputs = self.bias.len();
        let length = self.weights.len() / outputs;
        let places = self.window.places();
        let order = order(length / places, places);
        let mut weights = Vec::with_capacity(outputs.div_ceil(LANES) * length);
        for first in (0..outputs).step_by(LANES) {
            let used = (outputs - first).min(LANES);
            let rows = &self.weights[first * length..][..used * length];
            weights.extend(order.iter().map(|&index| {
                let mut lanes = Lanes::ZERO;
                for lane in 0..used {
                    lanes[lane] = rows[lane * length + index];
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

/// Weights in the order in which a kernel of this crate reads them.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) weights: Vec<Lanes>,
    pub(crate) bias: Vec<Lanes>,
}

impl Weights {
    /// Changes the convolution so that each output channel is multiplied by `scale` and increased by `shift`.
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
