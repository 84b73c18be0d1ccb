//! The loops of the index, compiled for several instruction sets. The program chooses one when it runs. All give the same
//! results, down to the last bit.
//!
//! # Layout
//!
//! A [`Line`] is a cache line. Every layout is made of lines, so that each load of a kernel is aligned.
//!
//! - **Codes**: a value is a byte, `value / step + 128`. Four rows are a group. Line `c` of a group holds the values
//!   `16 · c` to `16 · c + 15` of its four rows, one row after the other. The probe's values are bytes with a sign. So a
//!   register of 512 bits multiplies four rows by 16 values of the probe, and a row by itself is in as few lines as its
//!   single-precision values.
//! - **Signs**: a value is a bit, set if the value is not negative. 64 rows are a block. Line `b` of a block holds, for each of
//!   its 64 rows, the byte with the bits of the values `8 · b` to `8 · b + 7`. A byte is two numbers of four bits, and each
//!   looks up the sum of the probe's four values with those signs in a table of 16 entries (the method is that of "Quicker
//!   ADC" by André, Kermarrec and Le Scouarnec, 2019).

use std::sync::OnceLock;

pub(super) mod bytes;
pub(super) mod float;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

/// 64 bytes at an address that is a multiple of 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u8; 64]);

/// The number of values of one row in a line of codes.
pub(super) const CHUNK: usize = 16;
/// The number of rows in a line of codes.
pub(super) const GROUP: usize = 4;
/// The number of rows in a block of signs. All numbers of rows are multiples of it.
pub(super) const BLOCK: usize = 64;
/// The number of probes that [`Kernel::products`] takes at a time, if it takes several.
pub(super) const PROBES: usize = 4;

/// The number of rows between the row that is compared and the one that is prefetched, of rows in any order.
pub(super) const LOOKAHEAD: usize = 6;

/// Values of a probe as bytes: one [`CHUNK`] is compared with one line of codes.
pub(super) type ProbeChunk = [i8; CHUNK];
/// For each pattern of four signs, the sum of four values of the probe, 0 to [`TABLE_MAX`].
pub(super) type Table = [u8; 16];
/// The greatest entry of a [`Table`]: the sum of 16 entries fits a byte.
pub(super) const TABLE_MAX: u8 = 15;

/// An instruction set that this processor has: every kernel comes from [`available`](Self::available).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    /// Plain Rust.
    Portable,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX2 with the dot product of bytes in registers of 256 bits.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// AVX-512 with the dot product of bytes.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

#[allow(
    unsafe_code,
    reason = "functions for instructions that not every processor has"
)]
impl Kernel {
    /// The fastest one that this processor has.
    pub(super) fn fastest() -> Self {
        static FASTEST: OnceLock<Kernel> = OnceLock::new();
        *FASTEST.get_or_init(|| Self::available().pop().unwrap_or(Self::Portable))
    }

    /// Those that this processor has, slowest first.
    pub(super) fn available() -> Vec<Self> {
        let mut kernels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                kernels.push(Self::Avx2);
                if is_x86_feature_detected!("avxvnni") {
                    kernels.push(Self::AvxVnni);
                }
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
                && is_x86_feature_detected!("avx2")
            {
                kernels.push(Self::Avx512);
            }
        }
        kernels
    }

    /// Writes to `sums` the sums of the products of codes and the probe's bytes, for each row and each of `N` probes.
    ///
    /// # Panics
    ///
    /// If the lengths do not agree, or the number of rows is not a multiple of [`BLOCK`].
    pub(super) fn products<const N: usize>(
        self,
        codes: &[Line],
        probes: [&[ProbeChunk]; N],
        sums: [&mut [i32]; N],
    ) {
        let chunks = probes[0].len();
        for (probe, sums) in probes.iter().zip(&sums) {
            assert_eq!(probe.len(), chunks, "probes of equal length");
            assert_eq!(sums.len() % BLOCK, 0, "whole blocks");
            assert_eq!(
                sums.len() / GROUP * chunks,
                codes.len(),
                "a sum for each row"
            );
        }
        match self {
            Self::Portable => portable::products(codes, probes, sums),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::Avx2 => unsafe { x86::avx2::products(codes, probes, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::AvxVnni => unsafe { x86::avx_vnni::products(codes, probes, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::Avx512 => unsafe { x86::avx512::products(codes, probes, sums) },
        }
    }

    /// The sum of products of a single row: number `row` of the four of `group`.
    ///
    /// # Panics
    ///
    /// If the lengths do not agree.
    #[inline]
    pub(super) fn product(self, group: &[Line], row: usize, probe: &[ProbeChunk]) -> i32 {
        assert!(row < GROUP && group.len() == probe.len(), "a group of rows");
        match self {
            Self::Portable => portable::product(group, row, probe),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            _ => unsafe { x86::avx2::product(group, row, probe) },
        }
    }

    /// Writes to `sums` the sums of products of `rows`, whose codes follow each other, not in groups: row `r` is the lines
    /// from `r · length / 64` on.
    ///
    /// # Panics
    ///
    /// If the lengths do not agree, or there is no such row.
    pub(super) fn row_products(
        self,
        codes: &[Line],
        rows: &[u32],
        probe: &[ProbeChunk],
        sums: &mut [i32],
    ) {
        assert_eq!(rows.len(), sums.len(), "a sum for each row");
        assert_eq!(probe.len() % 4, 0, "whole lines");
        match self {
            Self::Portable => portable::row_products(codes, rows, probe, sums),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::Avx2 | Self::AvxVnni => unsafe {
                x86::avx2::row_products(codes, rows, probe, sums);
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::Avx512 => unsafe { x86::avx512::row_products(codes, rows, probe, sums) },
        }
    }

    /// Writes to `sums` the sums of the tables' entries that the signs of each row choose, divided by `2^shift` and rounded
    /// down. [`shift`] makes each fit a byte.
    ///
    /// # Panics
    ///
    /// If the lengths do not agree, or the number of rows is not a multiple of [`BLOCK`].
    pub(super) fn estimates(self, signs: &[Line], tables: &[Table], sums: &mut [u8]) {
        assert_eq!(tables.len() % 16, 0, "tables for whole chunks of 64 values");
        assert_eq!(sums.len() % BLOCK, 0, "whole blocks");
        assert_eq!(
            sums.len() / BLOCK * (tables.len() / 2),
            signs.len(),
            "a sum for each row"
        );
        match self {
            Self::Portable => portable::estimates(signs, tables, sums),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::Avx2 | Self::AvxVnni => unsafe { x86::avx2::estimates(signs, tables, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::Avx512 => unsafe { x86::avx512::estimates(signs, tables, sums) },
        }
    }

    /// Writes to `bits` a bit for each of `values`, set if the value is at least `floor`.
    ///
    /// # Panics
    ///
    /// If there are not 64 values for each number of `bits`.
    pub(super) fn at_least(self, values: &[u8], floor: u8, bits: &mut [u64]) {
        assert_eq!(values.len(), bits.len() * 64, "a bit for each value");
        match self {
            Self::Portable => portable::at_least(values, floor, bits),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::Avx2 | Self::AvxVnni => unsafe { x86::avx2::at_least(values, floor, bits) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::Avx512 => unsafe { x86::avx512::at_least(values, floor, bits) },
        }
    }

    /// Does the same for sums of products.
    ///
    /// # Panics
    ///
    /// If there are not 64 sums for each number of `bits`.
    pub(super) fn sums_at_least(self, sums: &[i32], floor: i32, bits: &mut [u64]) {
        assert_eq!(sums.len(), bits.len() * 64, "a bit for each sum");
        match self {
            Self::Portable => portable::sums_at_least(sums, floor, bits),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::Avx2 | Self::AvxVnni => unsafe { x86::avx2::sums_at_least(sums, floor, bits) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions of the kernel.
            Self::Avx512 => unsafe { x86::avx512::sums_at_least(sums, floor, bits) },
        }
    }
}

/// The shift that makes the sum of the entries of `tables` tables fit a byte.
pub(super) fn shift(tables: usize) -> u32 {
    (tables / 16).next_power_of_two().trailing_zeros()
}

/// Prefetches a line of memory. The address need not be valid.
#[inline(always)]
pub(super) fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    x86::prefetch(address.cast());
    // Rust has no stable prefetch for other processors.
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[cfg(test)]
mod tests;
