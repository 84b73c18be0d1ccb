//! What takes the time, on the CPU: convolutions, pools and products, on the thread that calls.
//!
//! All of them are sums over the same windows. [`Plane`] lays an image out so that what a tap of the kernel sees for all
//! windows lies in one row, for any stride, padding and dilation; the loops then only know rows. They are plain Rust over
//! arrays of fixed length, which the compiler keeps in registers, compiled for several instruction sets.

mod activation;
mod columns;
mod elementwise;
mod fold;
mod plane;
mod product;
mod spare;
mod storage;

pub(crate) use self::{
    activation::Activation,
    columns::Columns,
    elementwise::pairs,
    fold::{averages, depthwise, maxima},
    plane::Plane,
    product::{Product, Weights, product},
    spare::{give, give_tensor, take},
    storage::{from_one, from_two},
};

/// `a · b + c`, rounded once where the processor can (`FUSED`).
#[inline(always)]
fn add_product<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}
