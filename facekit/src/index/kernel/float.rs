//! The loops over values in single precision, compiled for several instruction sets. The program chooses one when it runs.

use multiversion::multiversion;

/// Rows are padded with zeros to a multiple of this many numbers.
pub(in super::super) const LANES: usize = 32;

/// The number of rows whose partial sums are added together. This takes far fewer shuffles than row by row: a search among
/// rows in the cache is three times as fast. It is also the number of partial sums that [`folded`] leaves of a row.
const GROUP: usize = 8;

/// The distance of the prefetch from the current row, in numbers: 8 KiB. The processor's own prefetch ends at each page, and the
/// sums keep it from reading far ahead. Without this prefetch a search of 100,000 × 128 takes 1.5 times as long.
const AHEAD: usize = 2048;

type Partial = [f32; GROUP];

/// Writes to `out` the dot product of `probe` with each row of `rows`, all of `probe`'s padded length.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
pub(in super::super) fn dot_products(rows: &[f32], probe: &[f32], out: &mut [f32]) {
    each_row(rows, probe, out, |a, b| a * b);
}

/// Writes to `out` the squared Euclidean distance of `probe` to each row of `rows`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
pub(in super::super) fn squared_distances(rows: &[f32], probe: &[f32], out: &mut [f32]) {
    each_row(rows, probe, out, |a, b| (a - b) * (a - b));
}

/// Writes to `out` the sum of `term` over each row and `probe`. A row's sum does not depend on its neighbors, down to
/// the last bit.
#[inline(always)]
fn each_row(rows: &[f32], probe: &[f32], out: &mut [f32], term: impl Fn(f32, f32) -> f32) {
    let length = probe.len();
    let (probe, _) = probe.as_chunks::<LANES>();
    let (groups, rest) = out.as_chunks_mut::<GROUP>();
    let (grouped, single) = rows.split_at(groups.len() * GROUP * length);
    for (rows, out) in grouped.chunks_exact(GROUP * length).zip(groups) {
        let mut sums = [[0.0; GROUP]; GROUP];
        for (sums, row) in sums.iter_mut().zip(rows.chunks_exact(length)) {
            prefetch(row);
            *sums = folded(row, probe, &term);
        }
        let [a, b, c, d, e, f, g, h] = sums;
        let first = pairs(pairs(a, b), pairs(c, d));
        let second = pairs(pairs(e, f), pairs(g, h));
        *out = pairs(first, second);
    }
    for (row, out) in single.chunks_exact(length).zip(rest) {
        let sums = folded(row, probe, &term);
        let sums = pairs(sums, sums);
        let sums = pairs(sums, sums);
        *out = pairs(sums, sums)[0];
    }
}

/// Prefetches the memory at the distance [`AHEAD`] from `row`, which need not exist.
#[inline(always)]
fn prefetch(row: &[f32]) {
    const CACHE_LINE: usize = 16;
    let ahead = row.as_ptr().wrapping_add(AHEAD);
    for offset in (0..row.len()).step_by(CACHE_LINE) {
        super::prefetch(ahead.wrapping_add(offset));
    }
}

/// Adds the terms of a row to [`GROUP`] partial sums.
#[inline(always)]
fn folded(row: &[f32], probe: &[[f32; LANES]], term: &impl Fn(f32, f32) -> f32) -> Partial {
    let (row, _) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in row.iter().zip(probe) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    std::array::from_fn(|i| (sums[i] + sums[i + 8]) + (sums[i + 16] + sums[i + 24]))
}

/// Adds neighboring sums: first those of `a`, then those of `b`.
#[inline(always)]
fn pairs(a: Partial, b: Partial) -> Partial {
    [
        a[0] + a[1],
        a[2] + a[3],
        a[4] + a[5],
        a[6] + a[7],
        b[0] + b[1],
        b[2] + b[3],
        b[4] + b[5],
        b[6] + b[7],
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_row_has_its_sum(count in 0_usize..40, chunks in 1_usize..5, seed in any::<u32>()) {
            let length = chunks * LANES;
            let mut state = seed;
            let mut number = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            };
            let probe: Vec<f32> = (0..length).map(|_| number()).collect();
            let rows: Vec<f32> = (0..count * length).map(|_| number()).collect();
            let (mut dots, mut squares) = (vec![0.0; count], vec![0.0; count]);
            dot_products(&rows, &probe, &mut dots);
            squared_distances(&rows, &probe, &mut squares);
            for (nth, row) in rows.chunks(length).enumerate() {
                let pairs = || row.iter().zip(&probe).map(|(&a, &b)| (f64::from(a), f64::from(b)));
                let dot: f64 = pairs().map(|(a, b)| a * b).sum();
                let square: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
                prop_assert!((f64::from(dots[nth]) - dot).abs() < 1e-4);
                prop_assert!((f64::from(squares[nth]) - square).abs() < 1e-4);
                let (mut dot, mut square) = ([0.0], [0.0]);
                dot_products(row, &probe, &mut dot);
                squared_distances(row, &probe, &mut square);
                prop_assert_eq!((dot[0], square[0]), (dots[nth], squares[nth]), "alone as among others");
            }
        }
    }
}
