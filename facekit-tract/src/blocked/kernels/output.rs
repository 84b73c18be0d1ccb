//! The last operations on results, while they are in registers, and the store to memory.

use pulp::Simd;

use super::{
    super::layout::{Lanes, Shape},
    simd::{load, registers},
};

/// A function of one value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Activation {
    None,
    /// Limits values to the range from the first number to the second.
    Clip(f32, f32),
    /// Multiplies negative values by their channel's slope.
    PRelu(Vec<Lanes>),
}

impl Activation {
    /// The function that applies this one and then `next`, if there is one.
    pub(crate) fn then(&self, next: &Self) -> Option<Self> {
        match (self, next) {
            (Self::None, next) => Some(next.clone()),
            (&Self::Clip(a_low, a_high), &Self::Clip(b_low, b_high)) => {
                let (low, high) = (a_low.max(b_low), a_high.min(b_high));
                (low <= high).then_some(Self::Clip(low, high))
            }
            _ => None,
        }
    }

    /// Applies the function to `R` registers of `P` pixels. The first is register number `register` of the block.
    #[inline(always)]
    fn apply<S: Simd, const R: usize, const P: usize>(
        &self,
        simd: S,
        [block, register]: [usize; 2],
        pixels: &mut [[S::f32s; R]; P],
    ) {
        match self {
            Self::None => {}
            Self::Clip(low, high) => {
                let (low, high) = (simd.splat_f32s(*low), simd.splat_f32s(*high));
                for p in 0..P {
                    for r in 0..R {
                        // With the value as the second argument, NaN stays NaN.
                        let value = simd.max_f32s(low, pixels[p][r]);
                        pixels[p][r] = simd.min_f32s(high, value);
                    }
                }
            }
            Self::PRelu(slopes) => {
                let zero = simd.splat_f32s(0.0);
                let slopes: [S::f32s; R] =
                    std::array::from_fn(|r| *register_at::<S>(slopes, block, register + r));
                for p in 0..P {
                    for r in 0..R {
                        let value = pixels[p][r];
                        let below = simd.less_than_f32s(value, zero);
                        let negative = simd.mul_f32s(value, slopes[r]);
                        pixels[p][r] = simd.select_f32s(below, negative, value);
                    }
                }
            }
        }
    }
}

/// Register number `register` of the block. Higher numbers continue in the next blocks.
#[inline(always)]
fn register_at<S: Simd>(map: &[Lanes], block: usize, register: usize) -> &S::f32s {
    let each = registers::<S>();
    &load::<S>(&map[block + register / each])[register % each]
}

/// The map that results are written to, and the last operations on them.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    pub(crate) map: &'a mut [Lanes],
    pub(crate) shape: Shape,
    /// Added before the activation.
    pub(crate) residual: Option<(&'a [Lanes], Shape)>,
    pub(crate) activation: &'a Activation,
}

impl Output<'_> {
    /// Writes results for `P` neighboring pixels, the first in row `y` and column `x`. Each has `R` registers, the first of
    /// which is register number `register` of the block.
    #[inline(always)]
    pub(super) fn write<S: Simd, const R: usize, const P: usize>(
        &mut self,
        simd: S,
        [block, y, x]: [usize; 3],
        register: usize,
        mut pixels: [[S::f32s; R]; P],
    ) {
        let each = registers::<S>();
        if let Some((map, shape)) = &self.residual {
            for r in 0..R {
                let (block, register) = (block + (register + r) / each, (register + r) % each);
                let others = &map[block * shape.plane() + shape.at(y, x)..][..P];
                for p in 0..P {
                    let other = load::<S>(&others[p])[register];
                    pixels[p][r] = simd.add_f32s(pixels[p][r], other);
                }
            }
        }
        self.activation.apply(simd, [block, register], &mut pixels);
        for r in 0..R {
            let (block, register) = (block + (register + r) / each, (register + r) % each);
            let to = &mut self.map[block * self.shape.plane() + self.shape.at(y, x)..][..P];
            for p in 0..P {
                S::as_mut_simd_f32s(&mut to[p].0).0[register] = pixels[p][r];
            }
        }
    }

    /// Treats the output as a single row from now on, if there are no gaps between its rows. Returns whether it does.
    pub(super) fn flatten(&mut self) -> bool {
        let residual = match self.residual {
            None => Some(None),
            Some((map, shape)) => shape.flat().map(|shape| Some((map, shape))),
        };
        let (Some(shape), Some(residual)) = (self.shape.flat(), residual) else {
            return false;
        };
        (self.shape, self.residual) = (shape, residual);
        true
    }
}
