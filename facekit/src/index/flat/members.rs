//! The entries of a set as rows of an index.

use super::snapshot::Snapshot;

/// The rows of the entries that a search is limited to, in one state of an index.
#[derive(Debug)]
pub(super) struct Members {
    /// In the order of memory.
    pub(super) rows: Vec<u32>,
    /// A bit for each row of the index.
    bits: Vec<u64>,
}

impl Members {
    pub(super) fn new(mut rows: Vec<u32>, snapshot: &Snapshot) -> Self {
        rows.sort_unstable();
        let mut bits = vec![0; snapshot.rows() / 64];
        for &row in &rows {
            bits[row as usize / 64] |= 1 << (row % 64);
        }
        Self { rows, bits }
    }

    /// The bits of `count` times 64 rows from `row` on, which is a multiple of 64.
    pub(super) fn bits(&self, row: usize, count: usize) -> &[u64] {
        &self.bits[row / 64..][..count]
    }
}
