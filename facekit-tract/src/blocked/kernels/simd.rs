//! Vectors of the processor: choosing an instruction set, and loading registers.

use pulp::{Arch, Simd, WithSimd};

use super::super::layout::{LANES, Lanes};

/// Runs `kernel` with the widest vectors that the processor has.
pub(crate) fn run(kernel: impl WithSimd<Output = ()>) {
    Arch::new().dispatch(kernel);
}

/// The number of registers that one [`Lanes`] fills.
pub(super) const fn registers<S: Simd>() -> usize {
    LANES / S::F32_LANES
}

/// `lanes` as registers.
#[inline(always)]
pub(super) fn load<S: Simd>(lanes: &Lanes) -> &[S::f32s] {
    S::as_simd_f32s(&lanes.0).0
}
