//! Convolutional networks in blocks of channels.
//!
//! tract keeps maps by channels. A convolution then needs its input rearranged, writes its sums to memory, and each function
//! of one value goes through the memory again. Here, what tract has read of a model is searched for convolutions and what is
//! computed between them ([`mod@rewrite`]); each connected part becomes one operator ([`op`]) that runs a list of steps
//! ([`program`]) over maps in which sixteen channels of a pixel lie together ([`layout`]): no step rearranges anything, sums stay
//! in registers ([`kernels`]), and padding is memory that holds zeros. All else stays with tract.

mod convolution;
mod kernels;
mod layout;
mod op;
mod program;
mod recognise;
mod rewrite;
#[cfg(test)]
mod tests;

pub(crate) use self::rewrite::rewrite;
