//! The best of many scores.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use super::{EntryId, ScoredEntry};

/// The `k` best entries so far; the worst of them on top.
pub(super) struct Best {
    k: usize,
    heap: BinaryHeap<Reverse<Ranked>>,
}

impl Best {
    /// `k` must not be greater than the number of entries that are offered.
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            heap: BinaryHeap::with_capacity(k),
        }
    }

    #[inline]
    pub(super) fn offer(&mut self, entry: EntryId, score: f32) {
        let ranked = Ranked(ScoredEntry { entry, score });
        if self.heap.len() < self.k {
            self.heap.push(Reverse(ranked));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && ranked > worst.0
        {
            *worst = Reverse(ranked);
        }
    }

    /// The score of the worst of `k` entries; `None` before `k` were offered. An entry with a lower score is not among the
    /// best.
    #[inline]
    pub(super) fn kth(&self) -> Option<f32> {
        if self.heap.len() < self.k {
            return None;
        }
        self.heap.peek().map(|worst| worst.0.0.score)
    }

    /// The entries, best first.
    pub(super) fn into_sorted(self) -> Vec<ScoredEntry> {
        let ranked = self.heap.into_sorted_vec();
        ranked.into_iter().map(|Reverse(ranked)| ranked.0).collect()
    }
}

/// An entry ordered by closeness: the greater score is better, and of equal scores the lower id.
#[derive(PartialEq)]
struct Ranked(ScoredEntry);

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0
            .score
            .total_cmp(&other.0.score)
            .then_with(|| other.0.entry.cmp(&self.0.entry))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
