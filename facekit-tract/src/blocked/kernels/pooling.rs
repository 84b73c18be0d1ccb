//! Maps that become smaller, and larger, without weights.

use pulp::{Simd, WithSimd};

use super::{
    super::layout::{Lanes, Shape},
    Output, load, registers,
};

/// The greatest value under each window.
#[derive(Debug)]
pub(crate) struct MaxPool<'a> {
    /// Rows and columns of the window.
    pub(crate) kernel: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) input: &'a [Lanes],
    pub(crate) shape: Shape,
    pub(crate) output: Output<'a>,
}

impl WithSimd for MaxPool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (kernel, strides) = (self.kernel, self.strides);
        let Shape { height, width, .. } = self.output.shape;
        for block in 0..self.shape.blocks() {
            let plane = &self.input[block * self.shape.plane()..][..self.shape.plane()];
            for y in 0..height {
                for x in 0..width {
                    let start = self.shape.at(y * strides[0], x * strides[1]);
                    for register in 0..registers::<S>() {
                        let mut most = load::<S>(&plane[start])[register];
                        for row in 0..kernel[0] {
                            let pixels = &plane[start + row * self.shape.row()..][..kernel[1]];
                            for pixel in pixels {
                                most = simd.max_f32s(most, load::<S>(pixel)[register]);
                            }
                        }
                        self.output.put(simd, [block, y, x], register, [[most]]);
                    }
                }
            }
        }
    }
}

/// Each pixel as many times as the output is larger.
#[derive(Debug)]
pub(crate) struct Upsample<'a> {
    pub(crate) factors: [usize; 2],
    pub(crate) input: &'a [Lanes],
    pub(crate) shape: Shape,
    pub(crate) output: Output<'a>,
}

impl WithSimd for Upsample<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let [down, right] = self.factors;
        for block in 0..self.shape.blocks() {
            for y in 0..self.shape.height * down {
                let start = block * self.shape.plane() + self.shape.at(y / down, 0);
                let row = &self.input[start..][..self.shape.width];
                for (x, pixel) in row.iter().enumerate() {
                    for x in x * right..(x + 1) * right {
                        for register in 0..registers::<S>() {
                            let value = load::<S>(pixel)[register];
                            self.output.put(simd, [block, y, x], register, [[value]]);
                        }
                    }
                }
            }
        }
    }
}

/// The mean of each channel.
#[derive(Debug)]
pub(crate) struct Mean<'a> {
    pub(crate) input: &'a [Lanes],
    pub(crate) shape: Shape,
    pub(crate) output: Output<'a>,
}

impl WithSimd for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let count = simd.splat_f32s((self.shape.height * self.shape.width) as f32);
        for block in 0..self.shape.blocks() {
            for register in 0..registers::<S>() {
                let mut total = simd.splat_f32s(0.0);
                for y in 0..self.shape.height {
                    let start = block * self.shape.plane() + self.shape.at(y, 0);
                    // Rows are summed by themselves, which errs less than a single sum.
                    let mut sum = simd.splat_f32s(0.0);
                    for pixel in &self.input[start..][..self.shape.width] {
                        sum = simd.add_f32s(sum, load::<S>(pixel)[register]);
                    }
                    total = simd.add_f32s(total, sum);
                }
                let mean = simd.div_f32s(total, count);
                self.output.put(simd, [block, 0, 0], register, [[mean]]);
            }
        }
    }
}
