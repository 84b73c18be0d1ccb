//! Pooling and upsampling.

use pulp::{Simd, WithSimd};

use super::{
    super::layout::{Lanes, Shape},
    output::Output,
    simd::{load, registers},
};

/// The greatest value in each window.
#[derive(Debug)]
pub(crate) struct MaxPool<'a> {
    /// Height and width of the window.
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
                        let mut greatest = load::<S>(&plane[start])[register];
                        for row in 0..kernel[0] {
                            let pixels = &plane[start + row * self.shape.row()..][..kernel[1]];
                            for pixel in pixels {
                                greatest = simd.max_f32s(greatest, load::<S>(pixel)[register]);
                            }
                        }
                        self.output
                            .write(simd, [block, y, x], register, [[greatest]]);
                    }
                }
            }
        }
    }
}

/// A larger map that repeats each pixel, as nearest-neighbor interpolation by whole factors does.
#[derive(Debug)]
pub(crate) struct Upsample<'a> {
    /// Repetitions down and along rows.
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
                            self.output.write(simd, [block, y, x], register, [[value]]);
                        }
                    }
                }
            }
        }
    }
}

/// The mean of each channel (global average pooling).
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
                    // Each row is summed separately, because the rounding error of a single sum would be greater.
                    let mut sum = simd.splat_f32s(0.0);
                    for pixel in &self.input[start..][..self.shape.width] {
                        sum = simd.add_f32s(sum, load::<S>(pixel)[register]);
                    }
                    total = simd.add_f32s(total, sum);
                }
                let mean = simd.div_f32s(total, count);
                self.output.write(simd, [block, 0, 0], register, [[mean]]);
            }
        }
    }
}
