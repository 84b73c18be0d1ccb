//! The step that all sums of products repeat.

/// `a · b + c`. With `FUSED`, which needs a processor that has the instruction, it is rounded once.
#[inline(always)]
pub(super) fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}
