//! The loops of exact search, compiled for several instruction sets and chosen from at run time.

use multiversion::multiversion;

/// Rows are padded with zeros to a multiple of this many numbers.
pub(super) const LANES: usize = 32;

/// Writes to `out` the dot product of `probe` with each row of `rows`, all of `probe`'s padded length.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn dot_products(rows: &[f32], probe: &[f32], out: &mut [f32]) {
    let (probe, _) = probe.as_chunks::<LANES>();
    for (row, out) in rows.chunks_exact(probe.len() * LANES).zip(out) {
        let (row, _) = row.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for (a, b) in row.iter().zip(probe) {
            for lane in 0..LANES {
                sums[lane] += a[lane] * b[lane];
            }
        }
        *out = total(sums);
    }
}

/// Writes to `out` the squared Euclidean distance of `probe` to each row of `rows`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn squared_distances(rows: &[f32], probe: &[f32], out: &mut [f32]) {
    let (probe, _) = probe.as_chunks::<LANES>();
    for (row, out) in rows.chunks_exact(probe.len() * LANES).zip(out) {
        let (row, _) = row.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for (a, b) in row.iter().zip(probe) {
            for lane in 0..LANES {
                let difference = a[lane] - b[lane];
                sums[lane] += difference * difference;
            }
        }
        *out = total(sums);
    }
}

#[inline(always)]
fn total(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}
