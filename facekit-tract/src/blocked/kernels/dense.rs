//! Dense convolutions: each output channel is computed from all input channels.

use pulp::{Simd, WithSimd};

use super::{
    super::layout::{LANES, Lanes, Shape},
    output::Output,
    simd::load,
    tiles::tiles,
};

/// The channels of one input block under one place of the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChannelRun {
    /// The pixel's offset from the first pixel of the window.
    pub(crate) offset: usize,
    /// The number of channels in the block.
    pub(crate) channels: usize,
}

/// The dense convolution of a map.
#[derive(Debug)]
pub(crate) struct Dense<'a> {
    pub(crate) input: &'a [Lanes],
    pub(crate) shape: Shape,
    pub(crate) channel_runs: &'a [ChannelRun],
    /// For each block of output channels: the weights of each input channel, in the order of the runs.
    pub(crate) weights: &'a [Lanes],
    pub(crate) bias: &'a [Lanes],
    pub(crate) strides: [usize; 2],
    /// The offset of the first pixel of the first window.
    pub(crate) corner: usize,
    pub(crate) output: Output<'a>,
}

impl WithSimd for Dense<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // A 1×1 convolution does not depend on rows. In a single row, only one tile is smaller than the others.
        let pointwise = self.channel_runs.len() == self.shape.blocks() && self.strides == [1, 1];
        if pointwise
            && let Some(shape) = self.shape.flat()
            && self.output.flatten()
        {
            self.shape = shape;
        }
        let mut block = 0;
        while block < self.bias.len() {
            // The sums of a tile, `R` registers for each pixel, and the weights must fit into the processor's registers.
            block += match (S::F32_LANES, self.bias.len() - block) {
                (16, 4..) => self.rows::<S, 4, 4, 6>(simd, block),
                (16, 2..) => self.rows::<S, 2, 2, 12>(simd, block),
                (16, _) => self.rows::<S, 1, 1, 12>(simd, block),
                (8, _) => self.rows::<S, 1, 2, 6>(simd, block),
                (4, _) => self.rows::<S, 1, 4, 6>(simd, block),
                _ => self.rows::<S, 1, LANES, 1>(simd, block),
            };
        }
    }
}

impl Dense<'_> {
    /// Computes all rows of `N` blocks of output channels, which fill `R` registers, in tiles of at most `MOST` pixels. Returns
    /// the number of blocks.
    #[inline(always)]
    fn rows<S: Simd, const N: usize, const R: usize, const MOST: usize>(
        &mut self,
        simd: S,
        block: usize,
    ) -> usize {
        for y in 0..self.output.shape.height {
            let row = self.corner + y * self.strides[0] * self.shape.row();
            macro_rules! tile {
                ($x:ident, $size:literal) => {
                    self.tile::<S, N, R, $size>(simd, row + $x * self.strides[1], [block, y, $x])
                };
            }
            tiles!(self.output.shape.width, MOST, tile);
        }
        N
    }

    /// Computes `P` pixels of `N` blocks of output channels. `start` is the offset of the first pixel of the first window.
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const R: usize, const P: usize>(
        &mut self,
        simd: S,
        start: usize,
        [block, y, x]: [usize; 3],
    ) {
        let each = R / N;
        let step = self.strides[1];
        let length = self.weights.len() / self.bias.len();
        let mut weights: [&[Lanes]; N] =
            std::array::from_fn(|n| &self.weights[(block + n) * length..][..length]);
        let bias = std::array::from_fn(|r| load::<S>(&self.bias[block + r / each])[r % each]);
        let mut sums: [[S::f32s; R]; P] = [bias; P];
        for run in self.channel_runs {
            let pixels: [&Lanes; P] =
                std::array::from_fn(|p| &self.input[start + run.offset + p * step]);
            let channels = run.channels.min(LANES);
            let here: [&[Lanes]; N] = std::array::from_fn(|n| {
                let (here, rest) = weights[n].split_at(channels);
                weights[n] = rest;
                here
            });
            for channel in 0..channels {
                let weights: [S::f32s; R] =
                    std::array::from_fn(|r| load::<S>(&here[r / each][channel])[r % each]);
                for p in 0..P {
                    let value = simd.splat_f32s(pixels[p][channel]);
                    for r in 0..R {
                        sums[p][r] = simd.mul_add_e_f32s(value, weights[r], sums[p][r]);
                    }
                }
            }
        }
        self.output.write(simd, [block, y, x], 0, sums);
    }
}
