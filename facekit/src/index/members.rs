//! The entries of a set as rows of an index.

/// The rows of the entries that a search is limited to, in one state of an index.
#[derive(Debug)]
pub(super) struct Members {
    /// In the order of memory.
    pub(super) rows: Vec<u32>,
    /// A bit for each row of the index.
    bits: Vec<u64>,
}

impl Members {
    pub(super) fn new(mut rows: Vec<u32>, capacity: usize) -> Self {
        rows.sort_unstable();
        let mut bits = vec![0; capacity.div_ceil(64)];
        for &row in &rows {
            bits[row as usize / 64] |= 1 << (row % 64);
        }
        Self { rows, bits }
    }

    /// Returns true if the row is one of them.
    pub(super) fn contains(&self, row: u32) -> bool {
        self.bits[row as usize / 64] >> (row % 64) & 1 == 1
    }

    /// The bits of `count` times 64 rows from `row` on, which is a multiple of 64.
    pub(super) fn bits(&self, row: usize, count: usize) -> &[u64] {
        &self.bits[row / 64..][..count]
    }
}
