//! The kernels in plain Rust. They define the results of all others.

use multiversion::multiversion;

use super::{BLOCK, CHUNK, GROUP, Line, ProbeChunk, Table, shift};

/// See [`Kernel::products`](super::Kernel::products). The compiler turns the loops into the dot-product instructions of
/// the processor where it knows how.
#[multiversion(targets("aarch64+neon+dotprod", "aarch64+neon"))]
pub(super) fn products<const N: usize>(
    codes: &[Line],
    probes: [&[ProbeChunk]; N],
    sums: [&mut [i32]; N],
) {
    for (probe, sums) in probes.into_iter().zip(sums) {
        let (groups, _) = sums.as_chunks_mut::<GROUP>();
        for (group, sums) in codes.chunks_exact(probe.len()).zip(groups) {
            *sums = std::array::from_fn(|row| one_product(group, row, probe));
        }
    }
}

/// See [`Kernel::product`](super::Kernel::product).
#[multiversion(targets("aarch64+neon+dotprod", "aarch64+neon"))]
pub(super) fn product(group: &[Line], row: usize, probe: &[ProbeChunk]) -> i32 {
    one_product(group, row, probe)
}

#[inline(always)]
fn one_product(group: &[Line], row: usize, probe: &[ProbeChunk]) -> i32 {
    let mut sums = [0_i32; CHUNK];
    for (line, probe) in group.iter().zip(probe) {
        let (rows, _) = line.0.as_chunks::<CHUNK>();
        for (sum, (&code, &value)) in sums.iter_mut().zip(rows[row].iter().zip(probe)) {
            *sum += i32::from(code) * i32::from(value);
        }
    }
    sums.iter().sum()
}

/// See [`Kernel::row_products`](super::Kernel::row_products).
#[multiversion(targets("aarch64+neon+dotprod", "aarch64+neon"))]
pub(super) fn row_products(codes: &[Line], rows: &[u32], probe: &[ProbeChunk], sums: &mut [i32]) {
    let (probe, _) = probe.as_chunks::<4>();
    for (&row, to) in rows.iter().zip(sums) {
        let row = &codes[row as usize * probe.len()..][..probe.len()];
        let mut sums = [0_i32; 64];
        for (line, probe) in row.iter().zip(probe) {
            for (sum, (&code, &value)) in
                sums.iter_mut().zip(line.0.iter().zip(probe.as_flattened()))
            {
                *sum += i32::from(code) * i32::from(value);
            }
        }
        *to = sums.iter().sum();
    }
}

/// See [`Kernel::estimates`](super::Kernel::estimates).
pub(super) fn estimates(signs: &[Line], tables: &[Table], sums: &mut [u8]) {
    let shift = shift(tables.len());
    let (tables, _) = tables.as_chunks::<2>();
    let (blocks, _) = sums.as_chunks_mut::<BLOCK>();
    for (lines, sums) in signs.chunks_exact(tables.len()).zip(blocks) {
        let mut wide = [0_u16; BLOCK];
        for (line, [low, high]) in lines.iter().zip(tables) {
            for (sum, &signs) in wide.iter_mut().zip(&line.0) {
                let entries = [low[usize::from(signs & 15)], high[usize::from(signs >> 4)]];
                *sum += entries.map(u16::from).iter().sum::<u16>();
            }
        }
        *sums = wide.map(|sum| (sum >> shift) as u8);
    }
}

/// See [`Kernel::at_least`](super::Kernel::at_least).
pub(super) fn at_least(values: &[u8], floor: u8, bits: &mut [u64]) {
    mark(values, bits, |value| value >= floor);
}

/// See [`Kernel::sums_at_least`](super::Kernel::sums_at_least).
pub(super) fn sums_at_least(sums: &[i32], floor: i32, bits: &mut [u64]) {
    mark(sums, bits, |sum| sum >= floor);
}

#[inline(always)]
fn mark<T: Copy>(values: &[T], bits: &mut [u64], condition: impl Fn(T) -> bool) {
    let (blocks, _) = values.as_chunks::<64>();
    for (block, bits) in blocks.iter().zip(bits) {
        let marks = block.iter().enumerate();
        *bits = marks.fold(0, |bits, (at, &value)| {
            bits | u64::from(condition(value)) << at
        });
    }
}
