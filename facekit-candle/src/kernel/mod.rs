//! The loops that take most of the time on the CPU: convolutions, pools and products. They run on the calling thread.
//!
//! Each of them sums or compares the values under a window, for all windows. [`plane::Plane`] lays an image out so that the
//! values under one tap of the kernel, for all windows, are one run of memory, whatever the stride, padding and dilation. The
//! loops then work on runs only. They are plain Rust over arrays of fixed length, which the compiler keeps in registers, and
//! are compiled for several instruction sets.

pub(crate) mod activation;
pub(crate) mod buffers;
pub(crate) mod columns;
pub(crate) mod elementwise;
pub(crate) mod fold;
mod multiply_add;
pub(crate) mod plane;
pub(crate) mod product;
pub(crate) mod slices;
