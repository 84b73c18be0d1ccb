//! The kernels for x86-64.
//!
//! # Safety
//!
//! The processor must have the instructions that a function enables; [`Kernel`](super::Kernel) calls only such functions. No
//! function reads or writes outside of its arguments. The lengths must agree as the documentation of `Kernel`'s methods says, or
//! a function panics or gives wrong results.
#![allow(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _MM_HINT_T0, _mm_add_epi32, _mm_cvtsi32_si128, _mm_cvtsi128_si32,
    _mm_loadu_si128, _mm_prefetch, _mm_shuffle_epi32, _mm256_add_epi8, _mm256_add_epi16,
    _mm256_add_epi32, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_castsi256_ps,
    _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_cmpgt_epi32, _mm256_cvtepi8_epi16,
    _mm256_cvtepu8_epi16, _mm256_dpbusd_avx_epi32, _mm256_extracti128_si256, _mm256_hadd_epi32,
    _mm256_load_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_max_epu8,
    _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_packus_epi16, _mm256_permutevar8x32_epi32,
    _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srl_epi16, _mm256_srli_epi16, _mm256_storeu_si256,
    _mm256_unpackhi_epi8, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi8,
    _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm512_add_epi8, _mm512_add_epi16,
    _mm512_add_epi32, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_cmpge_epi32_mask,
    _mm512_cmpge_epu8_mask, _mm512_dpbusd_epi32, _mm512_load_si512, _mm512_loadu_si512,
    _mm512_packus_epi16, _mm512_permutexvar_epi32, _mm512_reduce_add_epi32, _mm512_set1_epi8,
    _mm512_set1_epi32, _mm512_setr_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8,
    _mm512_srl_epi16, _mm512_srli_epi16, _mm512_storeu_si512, _mm512_unpackhi_epi8,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi8, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64,
};

use super::{BLOCK, GROUP, LOOKAHEAD, Line, ProbeChunk, Table, shift};

/// The distance of the prefetch from the current line, in lines: 8 KiB. The processor's own prefetch ends at each page.
const AHEAD: usize = 128;

/// Prefetches the line at `address`.
#[inline(always)]
pub(super) fn prefetch(address: *const i8) {
    // SAFETY: a prefetch is a hint. It reads nothing, and faults at no address, mapped or not.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
}

#[inline(always)]
fn prefetch_ahead(line: &Line) {
    prefetch(std::ptr::from_ref(line).wrapping_add(AHEAD).cast());
}

/// A chunk of a probe or of a row, or a table.
#[inline]
#[target_feature(enable = "avx2")]
fn load_128<T>(bytes: &[T; 16]) -> __m128i {
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: the reference is to 16 bytes, of plain numbers.
    unsafe { _mm_loadu_si128(std::ptr::from_ref(bytes).cast()) }
}

/// Half a line.
#[inline]
#[target_feature(enable = "avx2")]
fn load_half(line: &Line, half: usize) -> __m256i {
    let (halves, _) = line.0.as_chunks::<32>();
    // SAFETY: the reference is to 32 bytes at a multiple of 32.
    unsafe { _mm256_load_si256(std::ptr::from_ref(&halves[half]).cast()) }
}

/// Four chunks of a probe.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_chunks(chunks: &[ProbeChunk; 4]) -> __m512i {
    // SAFETY: the reference is to 64 bytes.
    unsafe { _mm512_loadu_si512(std::ptr::from_ref(chunks).cast()) }
}

/// The lines of a row, after a prefetch of the lines of another.
#[inline(always)]
fn row_lines<'a>(codes: &'a [Line], rows: &[u32], nth: usize, lines: usize) -> &'a [Line] {
    if let Some(&next) = rows.get(nth + LOOKAHEAD) {
        for line in 0..lines {
            let next = codes.as_ptr().wrapping_add(next as usize * lines + line);
            prefetch(next.cast());
        }
    }
    &codes[rows[nth] as usize * lines..][..lines]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_line(line: &Line) -> __m512i {
    // SAFETY: the reference is to 64 bytes at a multiple of 64.
    unsafe { _mm512_load_si512(std::ptr::from_ref(line).cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_256<T, const N: usize>(to: &mut [T; N], value: __m256i) {
    const { assert!(size_of::<[T; N]>() == 32) };
    // SAFETY: the reference is to 32 bytes, of plain numbers.
    unsafe { _mm256_storeu_si256(std::ptr::from_mut(to).cast(), value) };
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_512<T, const N: usize>(to: &mut [T; N], value: __m512i) {
    const { assert!(size_of::<[T; N]>() == 64) };
    // SAFETY: the reference is to 64 bytes, of plain numbers.
    unsafe { _mm512_storeu_si512(std::ptr::from_mut(to).cast(), value) };
}

pub(super) mod avx512 {
    use super::*;

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(in super::super) fn products<const N: usize>(
        codes: &[Line],
        probes: [&[ProbeChunk]; N],
        sums: [&mut [i32]; N],
    ) {
        let chunks = probes[0].len();
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        let mut sums = sums.map(|sums| sums.as_chunks_mut::<16>().0.iter_mut());
        for rows in codes.chunks_exact(4 * chunks) {
            let mut partial = [[_mm512_setzero_si512(); 4]; N];
            for chunk in 0..chunks {
                for group in 0..4 {
                    let line = &rows[group * chunks + chunk];
                    prefetch_ahead(line);
                    let codes = load_line(line);
                    for (partial, probe) in partial.iter_mut().zip(probes) {
                        let values = _mm512_broadcast_i32x4(load_128(&probe[chunk]));
                        partial[group] = _mm512_dpbusd_epi32(partial[group], codes, values);
                    }
                }
            }
            for (partial, sums) in partial.into_iter().zip(&mut sums) {
                let Some(sums) = sums.next() else { continue };
                // Each of the four registers has four partial sums of each of four rows.
                let [a, b, c, d] = partial;
                let first =
                    _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
                let second =
                    _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
                let all = _mm512_add_epi32(
                    _mm512_unpacklo_epi64(first, second),
                    _mm512_unpackhi_epi64(first, second),
                );
                store_512(sums, _mm512_permutexvar_epi32(order, all));
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(in super::super) fn row_products(
        codes: &[Line],
        rows: &[u32],
        probe: &[ProbeChunk],
        sums: &mut [i32],
    ) {
        let (probe, _) = probe.as_chunks::<4>();
        for (nth, sum) in sums.iter_mut().enumerate() {
            let row = row_lines(codes, rows, nth, probe.len());
            let mut partial = _mm512_setzero_si512();
            for (line, values) in row.iter().zip(probe) {
                partial = _mm512_dpbusd_epi32(partial, load_line(line), load_chunks(values));
            }
            *sum = _mm512_reduce_add_epi32(partial);
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(in super::super) fn estimates(signs: &[Line], tables: &[Table], sums: &mut [u8]) {
        let lines = tables.len() / 2;
        let (blocks, _) = sums.as_chunks_mut::<BLOCK>();
        let (pairs, last) = blocks.as_chunks_mut::<2>();
        let (paired, single) = signs.split_at(pairs.len() * 2 * lines);
        for (signs, sums) in paired.chunks_exact(2 * lines).zip(pairs) {
            let (first, second) = signs.split_at(lines);
            estimate([first, second], tables, sums);
        }
        if let ([sums], false) = (last, single.is_empty()) {
            estimate([single], tables, std::array::from_mut(sums));
        }
    }

    /// The estimates of `N` blocks, for which each table is loaded once.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn estimate<const N: usize>(
        blocks: [&[Line]; N],
        tables: &[Table],
        sums: &mut [[u8; BLOCK]; N],
    ) {
        let shift = _mm_cvtsi32_si128(shift(tables.len()) as i32);
        let zero = _mm512_setzero_si512();
        let four_bits = _mm512_set1_epi8(15);
        let mut wide = [[zero; 2]; N];
        let (stretches, _) = tables.as_chunks::<16>();
        for (stretch, tables) in stretches.iter().enumerate() {
            let mut narrow = [zero; N];
            let (tables, _) = tables.as_chunks::<2>();
            for (at, [low, high]) in tables.iter().enumerate() {
                let low = _mm512_broadcast_i32x4(load_128(low));
                let high = _mm512_broadcast_i32x4(load_128(high));
                for (sum, block) in narrow.iter_mut().zip(blocks) {
                    let line = &block[stretch * 8 + at];
                    prefetch_ahead(line);
                    let signs = load_line(line);
                    let upper = _mm512_and_si512(_mm512_srli_epi16::<4>(signs), four_bits);
                    let lower = _mm512_and_si512(signs, four_bits);
                    *sum = _mm512_add_epi8(*sum, _mm512_shuffle_epi8(low, lower));
                    *sum = _mm512_add_epi8(*sum, _mm512_shuffle_epi8(high, upper));
                }
            }
            for (wide, narrow) in wide.iter_mut().zip(narrow) {
                wide[0] = _mm512_add_epi16(wide[0], _mm512_unpacklo_epi8(narrow, zero));
                wide[1] = _mm512_add_epi16(wide[1], _mm512_unpackhi_epi8(narrow, zero));
            }
        }
        for (sums, wide) in sums.iter_mut().zip(wide) {
            let [low, high] = wide.map(|wide| _mm512_srl_epi16(wide, shift));
            store_512(sums, _mm512_packus_epi16(low, high));
        }
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    pub(in super::super) fn at_least(values: &[u8], floor: u8, bits: &mut [u64]) {
        let floor = _mm512_set1_epi8(floor.cast_signed());
        let (blocks, _) = values.as_chunks::<64>();
        for (block, bits) in blocks.iter().zip(bits) {
            // SAFETY: the reference is to 64 bytes.
            let block = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
            *bits = _mm512_cmpge_epu8_mask(block, floor);
        }
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    pub(in super::super) fn sums_at_least(sums: &[i32], floor: i32, bits: &mut [u64]) {
        let floor = _mm512_set1_epi32(floor);
        let (blocks, _) = sums.as_chunks::<64>();
        for (block, bits) in blocks.iter().zip(bits) {
            let (quarters, _) = block.as_chunks::<16>();
            let marks = quarters.iter().enumerate().map(|(at, quarter)| {
                // SAFETY: the reference is to 64 bytes.
                let quarter = unsafe { _mm512_loadu_si512(quarter.as_ptr().cast()) };
                u64::from(_mm512_cmpge_epi32_mask(quarter, floor)) << (at * 16)
            });
            *bits = marks.fold(0, |bits, mark| bits | mark);
        }
    }
}

pub(super) mod avx_vnni {
    use super::*;

    #[target_feature(enable = "avx2,avxvnni")]
    pub(in super::super) fn products<const N: usize>(
        codes: &[Line],
        probes: [&[ProbeChunk]; N],
        sums: [&mut [i32]; N],
    ) {
        let chunks = probes[0].len();
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        let mut sums = sums.map(|sums| sums.as_chunks_mut::<8>().0.iter_mut());
        // Eight rows at a time: with four probes their 16 partial sums are all the registers.
        for rows in codes.chunks_exact(2 * chunks) {
            let mut partial = [[_mm256_setzero_si256(); 4]; N];
            for chunk in 0..chunks {
                for group in 0..2 {
                    let line = &rows[group * chunks + chunk];
                    prefetch_ahead(line);
                    for half in 0..2 {
                        let codes = load_half(line, half);
                        for (partial, probe) in partial.iter_mut().zip(probes) {
                            let values = _mm256_broadcastsi128_si256(load_128(&probe[chunk]));
                            let partial = &mut partial[group * 2 + half];
                            *partial = _mm256_dpbusd_avx_epi32(*partial, codes, values);
                        }
                    }
                }
            }
            for (partial, sums) in partial.into_iter().zip(&mut sums) {
                let Some(sums) = sums.next() else { continue };
                // Each of the four registers has four partial sums of each of two rows.
                let [a, b, c, d] = partial;
                let first =
                    _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
                let second =
                    _mm256_add_epi32(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
                let all = _mm256_add_epi32(
                    _mm256_unpacklo_epi64(first, second),
                    _mm256_unpackhi_epi64(first, second),
                );
                store_256(sums, _mm256_permutevar8x32_epi32(all, order));
            }
        }
    }
}

pub(super) mod avx2 {
    use super::*;

    #[target_feature(enable = "avx2")]
    pub(in super::super) fn products<const N: usize>(
        codes: &[Line],
        probes: [&[ProbeChunk]; N],
        sums: [&mut [i32]; N],
    ) {
        for (probe, sums) in probes.into_iter().zip(sums) {
            let (pairs, _) = sums.as_chunks_mut::<{ 2 * GROUP }>();
            for (rows, sums) in codes.chunks_exact(2 * probe.len()).zip(pairs) {
                let (first, second) = rows.split_at(probe.len());
                let mut partial = [_mm256_setzero_si256(); 2 * GROUP];
                for (chunk, lines) in probe.iter().zip(first.iter().zip(second)) {
                    let values = _mm256_cvtepi8_epi16(load_128(chunk));
                    for (at, line) in [lines.0, lines.1].into_iter().enumerate() {
                        prefetch_ahead(line);
                        let (rows, _) = line.0.as_chunks::<16>();
                        for (row, codes) in rows.iter().enumerate() {
                            let codes = _mm256_cvtepu8_epi16(load_128(codes));
                            let partial = &mut partial[at * GROUP + row];
                            *partial = _mm256_add_epi32(*partial, _mm256_madd_epi16(codes, values));
                        }
                    }
                }
                let [a, b, c, d, e, f, g, h] = partial;
                let first = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
                let second = _mm256_hadd_epi32(_mm256_hadd_epi32(e, f), _mm256_hadd_epi32(g, h));
                let [first, second] = [first, second].map(|sums| {
                    _mm_add_epi32(
                        _mm256_castsi256_si128(sums),
                        _mm256_extracti128_si256::<1>(sums),
                    )
                });
                store_256(sums, std::arch::x86_64::_mm256_set_m128i(second, first));
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in super::super) fn product(group: &[Line], row: usize, probe: &[ProbeChunk]) -> i32 {
        let mut partial = _mm256_setzero_si256();
        for (line, chunk) in group.iter().zip(probe) {
            let (rows, _) = line.0.as_chunks::<16>();
            let codes = _mm256_cvtepu8_epi16(load_128(&rows[row]));
            let values = _mm256_cvtepi8_epi16(load_128(chunk));
            partial = _mm256_add_epi32(partial, _mm256_madd_epi16(codes, values));
        }
        sum_of(partial)
    }

    /// The sum of eight numbers.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn sum_of(partial: __m256i) -> i32 {
        let sum = _mm_add_epi32(
            _mm256_castsi256_si128(partial),
            _mm256_extracti128_si256::<1>(partial),
        );
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b01_00_11_10>(sum));
        _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32::<0b10_11_00_01>(sum)))
    }

    #[target_feature(enable = "avx2")]
    pub(in super::super) fn row_products(
        codes: &[Line],
        rows: &[u32],
        probe: &[ProbeChunk],
        sums: &mut [i32],
    ) {
        let (probe, _) = probe.as_chunks::<4>();
        for (nth, sum) in sums.iter_mut().enumerate() {
            let row = row_lines(codes, rows, nth, probe.len());
            let mut partial = [_mm256_setzero_si256(); 4];
            for (line, values) in row.iter().zip(probe) {
                let (codes, _) = line.0.as_chunks::<16>();
                for ((partial, codes), values) in partial.iter_mut().zip(codes).zip(values) {
                    let codes = _mm256_cvtepu8_epi16(load_128(codes));
                    let values = _mm256_cvtepi8_epi16(load_128(values));
                    *partial = _mm256_add_epi32(*partial, _mm256_madd_epi16(codes, values));
                }
            }
            let [a, b, c, d] = partial;
            let (a, b) = (_mm256_add_epi32(a, b), _mm256_add_epi32(c, d));
            *sum = sum_of(_mm256_add_epi32(a, b));
        }
    }

    #[target_feature(enable = "avx2")]
    pub(in super::super) fn estimates(signs: &[Line], tables: &[Table], sums: &mut [u8]) {
        let shift = _mm_cvtsi32_si128(shift(tables.len()) as i32);
        let zero = _mm256_setzero_si256();
        let four_bits = _mm256_set1_epi8(15);
        let (stretches, _) = tables.as_chunks::<16>();
        let (blocks, _) = sums.as_chunks_mut::<BLOCK>();
        for (lines, sums) in signs.chunks_exact(tables.len() / 2).zip(blocks) {
            let mut wide = [[zero; 2]; 2];
            for (tables, lines) in stretches.iter().zip(lines.as_chunks::<8>().0) {
                let mut narrow = [zero; 2];
                let (tables, _) = tables.as_chunks::<2>();
                for ([low, high], line) in tables.iter().zip(lines) {
                    prefetch_ahead(line);
                    let low = _mm256_broadcastsi128_si256(load_128(low));
                    let high = _mm256_broadcastsi128_si256(load_128(high));
                    for (half, sum) in narrow.iter_mut().enumerate() {
                        let signs = load_half(line, half);
                        let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(signs), four_bits);
                        let lower = _mm256_and_si256(signs, four_bits);
                        *sum = _mm256_add_epi8(*sum, _mm256_shuffle_epi8(low, lower));
                        *sum = _mm256_add_epi8(*sum, _mm256_shuffle_epi8(high, upper));
                    }
                }
                for (wide, narrow) in wide.iter_mut().zip(narrow) {
                    wide[0] = _mm256_add_epi16(wide[0], _mm256_unpacklo_epi8(narrow, zero));
                    wide[1] = _mm256_add_epi16(wide[1], _mm256_unpackhi_epi8(narrow, zero));
                }
            }
            let (halves, _) = sums.as_chunks_mut::<32>();
            for (sums, wide) in halves.iter_mut().zip(wide) {
                let [low, high] = wide.map(|wide| _mm256_srl_epi16(wide, shift));
                store_256(sums, _mm256_packus_epi16(low, high));
            }
        }
    }

    #[target_feature(enable = "avx2")]
    pub(in super::super) fn at_least(values: &[u8], floor: u8, bits: &mut [u64]) {
        let floor = _mm256_set1_epi8(floor.cast_signed());
        let (blocks, _) = values.as_chunks::<64>();
        for (block, bits) in blocks.iter().zip(bits) {
            let (halves, _) = block.as_chunks::<32>();
            let marks = halves.iter().enumerate().map(|(at, half)| {
                // SAFETY: the reference is to 32 bytes.
                let half = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
                let reached = _mm256_cmpeq_epi8(_mm256_max_epu8(half, floor), half);
                u64::from(_mm256_movemask_epi8(reached).cast_unsigned()) << (at * 32)
            });
            *bits = marks.fold(0, |bits, mark| bits | mark);
        }
    }

    #[target_feature(enable = "avx2")]
    pub(in super::super) fn sums_at_least(sums: &[i32], floor: i32, bits: &mut [u64]) {
        let floor = _mm256_set1_epi32(floor);
        let (blocks, _) = sums.as_chunks::<64>();
        for (block, bits) in blocks.iter().zip(bits) {
            let (eighths, _) = block.as_chunks::<8>();
            let below = eighths.iter().enumerate().map(|(at, eighth)| {
                // SAFETY: the reference is to 32 bytes.
                let eighth = unsafe { _mm256_loadu_si256(eighth.as_ptr().cast()) };
                let below = _mm256_castsi256_ps(_mm256_cmpgt_epi32(floor, eighth));
                u64::from(_mm256_movemask_ps(below).cast_unsigned()) << (at * 8)
            });
            *bits = !below.fold(0, |bits, mark| bits | mark);
        }
    }
}
