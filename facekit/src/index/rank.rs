//! Exact scores, and the best of them.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use super::{
    EntryId, Metric, ScoredEntry,
    kernel::{LOOKAHEAD, float},
    probe::Probe,
    row::Row,
    shortlist::Shortlist,
    wipe::wipe,
};

/// The number of rows that are compared between two looks at the best.
const BATCH: usize = 16;

/// Compares a probe with embeddings in single precision.
#[derive(Clone, Copy)]
pub(super) struct Ranking<'a> {
    pub(super) probe: &'a Probe,
    /// The metric of the scores.
    pub(super) metric: Metric,
    /// Entries with a lower score are left out.
    pub(super) min_score: Option<f32>,
    /// The greatest distance of an embedding from its codes.
    pub(super) residual: f32,
}

impl Ranking<'_> {
    /// The lowest cosine of interest.
    pub(super) fn least(&self) -> f32 {
        least(self.metric, self.min_score)
    }

    /// Compares with the rows of a shortlist, those with the greatest sums first, until no other can be among the best.
    /// `entry` returns the embedding of a row, and its id.
    pub(super) fn rank_shortlist<'a>(
        &self,
        shortlist: Shortlist,
        entry: impl Fn(u32) -> (Row<'a>, EntryId),
    ) -> Vec<ScoredEntry> {
        let k = shortlist.k();
        let rows = shortlist.into_rows();
        let mut best = Best::new(k.min(rows.len()));
        for rows in rows.chunks(BATCH) {
            if let Some(kth) = best.kth() {
                let reached = self.metric.to_cosine(kth) - self.probe.error(self.residual);
                if rows[0].0 < self.probe.sum(reached) {
                    break;
                }
            }
            self.rank(rows.iter().map(|&(_, row)| row), &entry, &mut best);
        }
        best.into_sorted()
    }

    /// Compares with `rows`.
    pub(super) fn rank<'a>(
        &self,
        rows: impl Iterator<Item = u32> + Clone,
        entry: impl Fn(u32) -> (Row<'a>, EntryId),
        best: &mut Best,
    ) {
        let prefetch = |row| entry(row).0.prefetch();
        let mut room = Vec::new();
        let min_score = self.min_score.unwrap_or(f32::NEG_INFINITY);
        let mut ahead = rows.clone();
        ahead.by_ref().take(LOOKAHEAD).for_each(&prefetch);
        for row in rows {
            ahead.next().into_iter().for_each(&prefetch);
            let (values, id) = entry(row);
            let score = self.score(values.single(&mut room));
            if score >= min_score {
                best.offer(id, score);
            }
        }
        wipe(&mut room, 0.0);
    }

    fn score(&self, values: &[f32]) -> f32 {
        let mut score = [0.0];
        // Rounding can lead beyond the limits.
        match self.metric {
            Metric::Cosine => {
                float::dot_products(values, &self.probe.values, &mut score);
                score[0].clamp(-1.0, 1.0)
            }
            Metric::Euclidean => {
                float::squared_distances(values, &self.probe.values, &mut score);
                (-score[0].sqrt()).max(-2.0)
            }
        }
    }
}

/// The lowest cosine that may be of interest, if scores below `min_score` are not.
pub(super) fn least(metric: Metric, min_score: Option<f32>) -> f32 {
    // Scores are computed in single precision.
    const ROUNDING: f32 = 1e-5;
    min_score.map_or(-2.0, |score| metric.to_cosine(score) - ROUNDING)
}

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
