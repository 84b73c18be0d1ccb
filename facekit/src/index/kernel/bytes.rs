//! Small loops over bytes, compiled for several instruction sets.

use multiversion::multiversion;

/// The greatest value; zero for none.
#[multiversion(targets("x86_64+avx512f+avx512bw", "x86_64+avx2", "aarch64+neon"))]
pub(in super::super) fn greatest(values: &[u8]) -> u8 {
    values.iter().fold(0, |most, &value| most.max(value))
}

/// Sets the values to zero whose bit is not set, and the others to at least one.
#[multiversion(targets("x86_64+avx512f+avx512bw", "x86_64+avx2", "aarch64+neon"))]
pub(in super::super) fn keep(values: &mut [u8; 64], bits: u64) {
    for (at, value) in values.iter_mut().enumerate() {
        *value = (*value).max(1) & ((bits >> at & 1) as u8 * 255);
    }
}
