//! Depthwise convolutions: each output channel is computed from one input channel.

use pulp::{Simd, WithSimd};

use super::{
    super::layout::{Lanes, Shape},
    output::Output,
    simd::{load, registers},
    tiles::tiles,
};

/// The depthwise convolution of a map.
#[derive(Debug)]
pub(crate) struct Depthwise<'a> {
    pub(crate) input: &'a [Lanes],
    pub(crate) shape: Shape,
    /// The offset of each place of the kernel from the first pixel of the window, row by row.
    pub(crate) offsets: &'a [usize],
    /// For each block: the weights in the order of the offsets.
    pub(crate) weights: &'a [Lanes],
    pub(crate) bias: &'a [Lanes],
    pub(crate) strides: [usize; 2],
    /// The offset of the first pixel of the first window.
    pub(crate) corner: usize,
    /// True if the kernel is 3×3 without dilation along rows.
    pub(crate) is_3x3: bool,
    pub(crate) output: Output<'a>,
}

impl WithSimd for Depthwise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match (self.is_3x3, self.strides[1]) {
            (true, 1) => self.rows::<S, 3, 1>(simd),
            (true, 2) => self.rows::<S, 3, 2>(simd),
            _ => self.rows::<S, 0, 0>(simd),
        }
    }
}

impl Depthwise<'_> {
    /// Computes all rows, with a kernel of `K` × `K` and the stride `T` along rows. Zeros mean any kernel and stride.
    #[inline(always)]
    fn rows<S: Simd, const K: usize, const T: usize>(&mut self, simd: S) {
        for block in 0..self.bias.len() {
            for register in 0..registers::<S>() {
                for y in 0..self.output.shape.height {
                    let row = block * self.shape.plane()
                        + self.corner
                        + y * self.strides[0] * self.shape.row();
                    macro_rules! tile {
                        ($x:ident, $size:literal) => {
                            self.tile::<S, K, T, $size>(
                                simd,
                                row + $x * self.strides[1],
                                [block, y, $x],
                                register,
                            )
                        };
                    }
                    tiles!(self.output.shape.width, 8, tile);
                }
            }
        }
    }

    /// Computes one register of `P` pixels of a block. `start` is the offset of the first pixel of the first window.
    #[inline(always)]
    fn tile<S: Simd, const K: usize, const T: usize, const P: usize>(
        &mut self,
        simd: S,
        start: usize,
        [block, y, x]: [usize; 3],
        register: usize,
    ) {
        let length = self.offsets.len();
        let weights = &self.weights[block * length..][..length];
        let mut sums = [[load::<S>(&self.bias[block])[register]]; P];
        if K == 0 {
            let step = self.strides[1];
            for (&offset, weights) in self.offsets.iter().zip(weights) {
                let weights = load::<S>(weights)[register];
                for p in 0..P {
                    let value = load::<S>(&self.input[start + offset + p * step])[register];
                    sums[p][0] = simd.mul_add_e_f32s(value, weights, sums[p][0]);
                }
            }
        } else {
            let rows = self.offsets.chunks_exact(K);
            for (offsets, weights) in rows.zip(weights.chunks_exact(K)) {
                let pixels = &self.input[start + offsets[0]..][..(P - 1) * T + K];
                for k in 0..K {
                    let weights = load::<S>(&weights[k])[register];
                    for p in 0..P {
                        let value = load::<S>(&pixels[p * T + k])[register];
                        sums[p][0] = simd.mul_add_e_f32s(value, weights, sums[p][0]);
                    }
                }
            }
        }
        self.output.write(simd, [block, y, x], register, sums);
    }
}
