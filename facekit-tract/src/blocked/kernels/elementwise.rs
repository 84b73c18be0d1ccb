//! Functions of each pixel.

use pulp::{Simd, WithSimd};

use super::{
    super::layout::{Lanes, Shape},
    output::Output,
    simd::{load, registers},
};

/// A copy of a map, to which the output's activation is applied.
#[derive(Debug)]
pub(crate) struct CopyMap<'a> {
    pub(crate) input: &'a [Lanes],
    pub(crate) shape: Shape,
    pub(crate) output: Output<'a>,
}

impl WithSimd for CopyMap<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            input,
            shape,
            mut output,
        } = self;
        each_pixel(&shape, |place @ [block, y, x]| {
            let pixel = load::<S>(&input[block * shape.plane() + shape.at(y, x)]);
            for register in 0..registers::<S>() {
                output.write(simd, place, register, [[pixel[register]]]);
            }
        });
    }
}

/// The sum of two maps.
#[derive(Debug)]
pub(crate) struct AddMaps<'a> {
    pub(crate) inputs: [(&'a [Lanes], Shape); 2],
    pub(crate) output: Output<'a>,
}

impl WithSimd for AddMaps<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { inputs, mut output } = self;
        each_pixel(&inputs[0].1, |place @ [block, y, x]| {
            let [a, b] =
                inputs.map(|(map, shape)| load::<S>(&map[block * shape.plane() + shape.at(y, x)]));
            for register in 0..registers::<S>() {
                let sum = simd.add_f32s(a[register], b[register]);
                output.write(simd, place, register, [[sum]]);
            }
        });
    }
}

/// A map, with each channel multiplied by a factor.
#[derive(Debug)]
pub(crate) struct ScaleChannels<'a> {
    pub(crate) input: &'a [Lanes],
    pub(crate) shape: Shape,
    /// A map of one pixel: the factors of the channels.
    pub(crate) factors: (&'a [Lanes], Shape),
    pub(crate) output: Output<'a>,
}

impl WithSimd for ScaleChannels<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            input,
            shape,
            factors: (factors, factors_shape),
            mut output,
        } = self;
        each_pixel(&shape, |place @ [block, y, x]| {
            let pixel = load::<S>(&input[block * shape.plane() + shape.at(y, x)]);
            let pixel_of_factors = block * factors_shape.plane() + factors_shape.at(0, 0);
            let factors = load::<S>(&factors[pixel_of_factors]);
            for register in 0..registers::<S>() {
                let product = simd.mul_f32s(pixel[register], factors[register]);
                output.write(simd, place, register, [[product]]);
            }
        });
    }
}

/// Writes the logistic function of `input` to `output`. It is not vectorized, so it is for small maps.
pub(crate) fn sigmoid(input: &[Lanes], shape: &Shape, output: &mut Output<'_>) {
    each_pixel(shape, |place @ [block, y, x]| {
        let pixel = &input[block * shape.plane() + shape.at(y, x)];
        for (lane, value) in pixel.iter().enumerate() {
            let value = 1.0 / (1.0 + (-value).exp());
            output.write(pulp::Scalar::new(), place, lane, [[value]]);
        }
    });
}

/// Calls `pixel` with the block, row and column of each pixel.
#[inline(always)]
fn each_pixel(shape: &Shape, mut pixel: impl FnMut([usize; 3])) {
    for block in 0..shape.blocks() {
        for y in 0..shape.height {
            for x in 0..shape.width {
                pixel([block, y, x]);
            }
        }
    }
}
