//! The loops, compiled for several instruction sets and chosen from at run time.
//!
//! [`pulp`] gives vectors of 16, 8 or 4 numbers, whatever the processor has, so [`Lanes`](super::layout::Lanes) fill one, two or four
//! registers. What is summed stays in registers from the first product to the last: a tile of neighbouring pixels by a few
//! registers of output channels, as large as there are registers.

// Pixels and registers of a tile are numbers that several arrays share.
#![allow(clippy::needless_range_loop)]

mod dense;
mod depthwise;
mod elementwise;
mod output;
mod planar;
mod pooling;
#[cfg(test)]
mod tests;

use pulp::{Arch, Simd, WithSimd};

pub(crate) use self::{
    dense::{Dense, Run},
    depthwise::Depthwise,
    elementwise::{Add, Copy, Scale, sigmoid},
    output::{Activation, Output},
    planar::Planar,
    pooling::{MaxPool, Mean, Upsample},
};
use super::layout::{LANES, Lanes};

/// Runs `kernel` with the widest vectors that the processor has.
pub(crate) fn run(kernel: impl WithSimd<Output = ()>) {
    Arch::new().dispatch(kernel);
}

/// How many registers [`Lanes`] fill.
const fn registers<S: Simd>() -> usize {
    LANES / S::F32_LANES
}

/// `lanes` by registers.
#[inline(always)]
fn load<S: Simd>(lanes: &Lanes) -> &[S::f32s] {
    S::as_simd_f32s(&lanes.0).0
}

/// Goes along a row of `$width` pixels in tiles of at most `$most`, the fewest and of nearly equal size: calls `$tile!(x, size)`,
/// where the size is a literal.
macro_rules! tiles {
    ($width:expr, $most:expr, $tile:ident) => {
        tiles!($width, $most, $tile, 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    ($width:expr, $most:expr, $tile:ident, $($size:literal)*) => {{
        let width: usize = $width;
        let mut x = 0;
        for left in (1..=width.div_ceil($most)).rev() {
            let size = (width - x).div_ceil(left);
            match size {
                $($size if $size <= $most => $tile!(x, $size),)*
                _ => unreachable!("a tile has at most {} pixels", $most),
            }
            x += size;
        }
    }};
}
use tiles;
