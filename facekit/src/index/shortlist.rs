//! The rows that may be among the best.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::probe::Probe;

/// Collects the rows whose sum of products is so near to the `k`-th best that they may be among the `k` best. No row that is
/// among them is ever left out.
pub(super) struct Shortlist {
    k: usize,
    /// The best sums; the least of them on top.
    best: BinaryHeap<Reverse<i32>>,
    /// A row whose sum is lower than another's by more than this is farther.
    margin: i32,
    /// A row with a lower sum is of no interest.
    least: i32,
    /// The error of a sum, as a cosine.
    error: f32,
    rows: Vec<(i32, u32)>,
    /// The number of rows at which those that have fallen behind are removed.
    crowded: usize,
}

impl Shortlist {
    /// For the `k` best whose cosine is at least `least`, among rows that differ from their codes by at most `residual`.
    pub(super) fn new(k: usize, least: f32, probe: &Probe, residual: f32) -> Self {
        let error = probe.error(residual);
        Self {
            k,
            best: BinaryHeap::with_capacity(k),
            margin: probe.difference(2.0 * error),
            least: probe.sum(least - error),
            error,
            rows: Vec::new(),
            crowded: 4 * k + 1024,
        }
    }

    pub(super) fn k(&self) -> usize {
        self.k
    }

    /// A sum below this is not among the best.
    #[inline]
    pub(super) fn floor(&self) -> i32 {
        match self.kth() {
            Some(kth) => (kth - self.margin).max(self.least),
            None => self.least,
        }
    }

    fn kth(&self) -> Option<i32> {
        (self.best.len() == self.k).then(|| self.best.peek().map_or(i32::MAX, |least| least.0))
    }

    /// A cosine that `k` rows almost surely reach; `None` before `k` rows were offered.
    pub(super) fn reached(&self, probe: &Probe) -> Option<f32> {
        // The bound of the error is some 15 standard deviations.
        self.kth().map(|kth| probe.cosine(kth) - self.error / 4.0)
    }

    #[inline]
    pub(super) fn offer(&mut self, sum: i32, row: u32) {
        if sum < self.floor() {
            return;
        }
        self.rows.push((sum, row));
        if self.best.len() < self.k {
            self.best.push(Reverse(sum));
        } else if let Some(mut least) = self.best.peek_mut()
            && sum > least.0
        {
            *least = Reverse(sum);
        }
        if self.rows.len() >= self.crowded {
            self.tidy();
            self.crowded = self.crowded.max(2 * self.rows.len());
        }
    }

    fn tidy(&mut self) {
        let floor = self.floor();
        self.rows.retain(|&(sum, _)| sum >= floor);
    }

    /// The rows that may be among the best, each with its sum, greatest sum first.
    pub(super) fn into_rows(mut self) -> Vec<(i32, u32)> {
        self.tidy();
        self.rows.sort_unstable_by(|a, b| b.cmp(a));
        self.rows
    }
}
