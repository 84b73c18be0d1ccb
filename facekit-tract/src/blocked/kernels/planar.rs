//! Dense convolutions over a few channels that are stored separately, such as those of an image. In a block of sixteen channels
//! most would be zeros.

use pulp::{Simd, WithSimd};

use super::{
    super::layout::{LANES, Lanes, Shape},
    output::Output,
    simd::load,
    tiles::tiles,
};

/// The dense convolution of an image.
#[derive(Debug)]
pub(crate) struct Planar<'a> {
    pub(crate) input: &'a [f32],
    pub(crate) shape: Shape,
    /// The offset of each place of the kernel in each channel, from the first pixel of the window.
    pub(crate) offsets: &'a [usize],
    /// For each block of output channels: the weights in the order of the offsets.
    pub(crate) weights: &'a [Lanes],
    pub(crate) bias: &'a [Lanes],
    /// Down and along rows. The stride along rows is 1 or 2.
    pub(crate) strides: [usize; 2],
    /// The offset of the first pixel of the first window.
    pub(crate) corner: usize,
    pub(crate) output: Output<'a>,
}

impl WithSimd for Planar<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match self.strides[1] {
            1 => self.blocks::<S, 1>(simd),
            2 => self.blocks::<S, 2>(simd),
            _ => unreachable!("the rewrite uses dense convolutions for other strides"),
        }
    }
}

impl Planar<'_> {
    /// Computes all blocks of output channels, with the stride `T` along rows.
    #[inline(always)]
    fn blocks<S: Simd, const T: usize>(&mut self, simd: S) {
        let mut block = 0;
        while block < self.bias.len() {
            block += match (S::F32_LANES, self.bias.len() - block) {
                (16, 4..) => self.rows::<S, T, 4, 4, 6>(simd, block),
                (16, 2..) => self.rows::<S, T, 2, 2, 12>(simd, block),
                (16, _) => self.rows::<S, T, 1, 1, 12>(simd, block),
                (8, _) => self.rows::<S, T, 1, 2, 6>(simd, block),
                (4, _) => self.rows::<S, T, 1, 4, 6>(simd, block),
                _ => self.rows::<S, T, 1, LANES, 1>(simd, block),
            };
        }
    }

    /// Computes all rows of `N` blocks of output channels, which fill `R` registers, in tiles of at most `MOST` pixels. Returns
    /// the number of blocks.
    #[inline(always)]
    fn rows<S: Simd, const T: usize, const N: usize, const R: usize, const MOST: usize>(
        &mut self,
        simd: S,
        block: usize,
    ) -> usize {
        for y in 0..self.output.shape.height {
            let row = self.corner + y * self.strides[0] * self.shape.row();
            macro_rules! tile {
                ($x:ident, $size:literal) => {
                    self.tile::<S, T, N, R, $size>(simd, row + $x * T, [block, y, $x])
                };
            }
            tiles!(self.output.shape.width, MOST, tile);
        }
        N
    }

    /// Computes `P` pixels of `N` blocks of output channels. `start` is the offset of the first pixel of the first window.
    #[inline(always)]
    fn tile<S: Simd, const T: usize, const N: usize, const R: usize, const P: usize>(
        &mut self,
        simd: S,
        start: usize,
        [block, y, x]: [usize; 3],
    ) {
        let each = R / N;
        let length = self.offsets.len();
        let weights: [&[Lanes]; N] =
            std::array::from_fn(|n| &self.weights[(block + n) * length..][..length]);
        let bias = std::array::from_fn(|r| load::<S>(&self.bias[block + r / each])[r % each]);
        let mut sums: [[S::f32s; R]; P] = [bias; P];
        for place in 0..length {
            let values = &self.input[start + self.offsets[place]..][..(P - 1) * T + 1];
            let weights: [S::f32s; R] =
                std::array::from_fn(|r| load::<S>(&weights[r / each][place])[r % each]);
            for p in 0..P {
                let value = simd.splat_f32s(values[p * T]);
                for r in 0..R {
                    sums[p][r] = simd.mul_add_e_f32s(value, weights[r], sums[p][r]);
                }
            }
        }
        self.output.write(simd, [block, y, x], 0, sums);
    }
}
