//! The loops over maps, compiled for several instruction sets. The processor's widest vectors are chosen at run time.
//!
//! [`pulp`] provides vectors of 16, 8 or 4 numbers, so one [`Lanes`](super::layout::Lanes) fills one, two or four registers. A
//! convolution computes one tile at a time: some neighboring pixels, and some registers of output channels. Its sums stay in
//! registers from the first product to the last, so a tile is as large as the number of registers allows. This register
//! blocking is the usual method of matrix multiplication (Goto and van de Geijn 2008).

// Pixels and registers of a tile are indices into several arrays at once.
#![allow(clippy::needless_range_loop)]

pub(crate) mod dense;
pub(crate) mod depthwise;
pub(crate) mod elementwise;
pub(crate) mod output;
pub(crate) mod planar;
pub(crate) mod pooling;
pub(crate) mod simd;
#[cfg(test)]
mod tests;
mod tiles;
