//! What treats each pixel by itself.

use pulp::{Simd, WithSimd};

use super::{
    super::layout::{Lanes, Shape},
    Output, load, registers,
};

/// A map as it is.
#[derive(Debug)]
pub(crate) struct Copy<'a> {
    pub(crate) input: &'a [Lanes],
    pub(crate) shape: Shape,
    pub(crate) output: Output<'a>,
}

impl WithSimd for Copy<'_> {
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
                output.put(simd, place, register, [[pixel[register]]]);
            }
        });
    }
}

/// The sum of two maps.
#[derive(Debug)]
pub(crate) struct Add<'a> {
    pub(crate) inputs: [(&'a [Lanes], Shape); 2],
    pub(crate) output: Output<'a>,
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { inputs, mut output } = self;
        each_pixel(&inputs[0].1, |place @ [block, y, x]| {
            let [a, b] =
                inputs.map(|(map, shape)| load::<S>(&map[block * shape.plane() + shape.at(y, x)]));
            for register in 0..registers::<S>() {
                let sum = simd.add_f32s(a[register], b[register]);
                output.put(simd, place, register, [[sum]]);
            }
        });
    }
}

/// A map, each channel times its factor.
#[derive(Debug)]
pub(crate) struct Scale<'a> {
    pub(crate) input: &'a [Lanes],
    pub(crate) shape: Shape,
    /// A map of a single pixel.
    pub(crate) factors: (&'a [Lanes], Shape),
    pub(crate) output: Output<'a>,
}

impl WithSimd for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            input,
            shape,
            factors: (factors, at),
            mut output,
        } = self;
        each_pixel(&shape, |place @ [block, y, x]| {
            let pixel = load::<S>(&input[block * shape.plane() + shape.at(y, x)]);
            let factors = load::<S>(&factors[block * at.plane() + at.at(0, 0)]);
            for register in 0..registers::<S>() {
                let product = simd.mul_f32s(pixel[register], factors[register]);
                output.put(simd, place, register, [[product]]);
            }
        });
    }
}

/// Writes the logistic function of `input` to `output`, which is meant for small maps.
pub(crate) fn sigmoid(input: &[Lanes], shape: &Shape, output: &mut Output<'_>) {
    each_pixel(shape, |place @ [block, y, x]| {
        let pixel = &input[block * shape.plane() + shape.at(y, x)];
        for (lane, value) in pixel.iter().enumerate() {
            let value = 1.0 / (1.0 + (-value).exp());
            output.put(pulp::Scalar::new(), place, lane, [[value]]);
        }
    });
}

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
