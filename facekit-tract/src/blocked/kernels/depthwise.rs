//! Convolutions of each channel by itself.

use pulp::{Simd, WithSimd};

use super::{
    super::layout::{Lanes, Shape},
    Output, load, registers, tiles,
};

/// The convolution of a map.
#[derive(Debug)]
pub(crate) struct Depthwise<'a> {
    pub(crate) input: &'a [Lanes],
    pub(crate) shape: Shape,
    /// The places of the kernel, by rows, from the window's first pixel.
    pub(crate) offsets: &'a [usize],
    /// For each block, in the order of the offsets.
    pub(crate) weights: &'a [Lanes],
    pub(crate) bias: &'a [Lanes],
    pub(crate) strides: [usize; 2],
    /// The first window's first pixel.
    pub(crate) corner: usize,
    /// Whether the kernel has three rows of three neighbours.
    pub(crate) three: bool,
    pub(crate) output: Output<'a>,
}

impl WithSimd for Depthwise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match (self.three, self.strides[1]) {
            (true, 1) => self.rows::<S, 3, 1>(simd),
            (true, 2) => self.rows::<S, 3, 2>(simd),
            _ => self.rows::<S, 0, 0>(simd),
        }
    }
}

impl Depthwise<'_> {
    /// All rows, with a kernel of `K` × `K` and strides `T` along rows, or of any where these are zero.
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

    /// One register of `P` pixels of a block.
    #[inline(always)]
    fn tile<S: Simd, const K: usize, const T: usize, const P: usize>(
        &mut self,
        simd: S,
        at: usize,
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
                    let value = load::<S>(&self.input[at + offset + p * step])[register];
                    sums[p][0] = simd.mul_add_e_f32s(value, weights, sums[p][0]);
                }
            }
        } else {
            let rows = self.offsets.chunks_exact(K);
            for (offsets, weights) in rows.zip(weights.chunks_exact(K)) {
                let pixels = &self.input[at + offsets[0]..][..(P - 1) * T + K];
                for k in 0..K {
                    let weights = load::<S>(&weights[k])[register];
                    for p in 0..P {
                        let value = load::<S>(&pixels[p * T + k])[register];
                        sums[p][0] = simd.mul_add_e_f32s(value, weights, sums[p][0]);
                    }
                }
            }
        }
        self.output.put(simd, [block, y, x], register, sums);
    }
}
