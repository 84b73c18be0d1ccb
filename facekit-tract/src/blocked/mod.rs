//! Convolutional networks computed in blocks of channels.
//!
//! tract stores feature maps channel by channel. Before a convolution it rearranges the input, it writes the sums to memory,
//! and each function of a value reads and writes all of that memory again. This module computes the same without these passes:
//!
//! - [`patterns`] finds the nodes of tract's graph that can be computed here: convolutions, and what is computed between them.
//! - [`mod@rewrite`] replaces each connected part of such nodes by one operator of tract ([`operator`]).
//! - The operator runs a list of steps ([`program`]) over maps in which sixteen channels of a pixel lie together ([`layout`]).
//!   No step rearranges its input, and padding is memory that holds zeros.
//! - [`kernels`] are the loops of the steps. They keep sums in registers.
//!
//! All other nodes stay with tract. The layout is the one that oneDNN and ONNX Runtime call `nChw16c` and `NCHWc`.

mod convolution;
mod kernels;
mod layout;
mod operator;
mod patterns;
mod program;
mod rewrite;
#[cfg(test)]
mod tests;

pub(crate) use self::rewrite::rewrite;
