use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashMap},
    fmt,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{
    EntryId, EntrySet, Generation, Metric, ScoredEntry, SearchOptions, VectorIndex, kernel,
};
use crate::{
    embed::{Embedding, EmbeddingSpace},
    error::Result,
};

/// The number of rows whose scores are computed before any score is compared. A block of scores stays in the first-level
/// cache.
const BLOCK: usize = 128;

/// Compares a probe with every entry.
///
/// The embeddings are contiguous in memory. A search reads them once and is limited by memory bandwidth, which suits up
/// to some 100,000 entries. The index approximates nothing and writes nothing to disk: a rebuild from the store is
/// faster than the check of a cache.
///
/// ```
/// use facekit::{Digest, Embedding, EmbeddingSpace, ExactIndex, Metric, SearchOptions, EntryId, VectorIndex};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// let index = ExactIndex::new(space.clone(), Metric::Cosine);
/// let east = Embedding::new(&space, vec![1.0, 0.0])?;
/// let north = Embedding::new(&space, vec![0.0, 1.0])?;
/// index.insert(&[(EntryId(1), east), (EntryId(2), north.clone())])?;
///
/// let found = index.search(&north, &SearchOptions::new(1))?;
/// assert_eq!(found[0].entry, EntryId(2));
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct ExactIndex {
    space: EmbeddingSpace,
    metric: Metric,
    rows: RwLock<Rows>,
}

struct Rows {
    /// `ids.len()` rows of the padded dimension.
    values: Vec<f32>,
    ids: Vec<EntryId>,
    row_of: HashMap<EntryId, usize>,
    /// Changes with `row_of`, so that the rows of an [`EntrySet`] are looked up once in each state.
    generation: Generation,
}

impl ExactIndex {
    /// An empty index.
    #[must_use]
    pub fn new(space: EmbeddingSpace, metric: Metric) -> Self {
        Self {
            space,
            metric,
            rows: RwLock::new(Rows {
                values: Vec::new(),
                ids: Vec::new(),
                row_of: HashMap::new(),
                generation: Generation::next(),
            }),
        }
    }

    fn rows(&self) -> RwLockReadGuard<'_, Rows> {
        // No writer panics between its first and its last change, so a poisoned lock holds a whole state.
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows_mut(&self) -> RwLockWriteGuard<'_, Rows> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The length of a row: the dimension, padded to whole SIMD registers.
    fn stride(&self) -> usize {
        self.space.dimension().next_multiple_of(kernel::LANES)
    }

    /// Computes the scores of consecutive rows.
    fn scores(&self, rows: &[f32], probe: &[f32], out: &mut [f32]) {
        match self.metric {
            Metric::Cosine => kernel::dot_products(rows, probe, out),
            Metric::Euclidean => {
                kernel::squared_distances(rows, probe, out);
                out.iter_mut().for_each(|score| *score = -score.sqrt());
            }
        }
    }
}

impl Rows {
    /// The rows of `entries` in the order of memory.
    fn of(&self, entries: &EntrySet) -> Vec<usize> {
        let rows = entries
            .iter()
            .filter_map(|id| self.row_of.get(&id).copied());
        let mut rows: Vec<usize> = rows.collect();
        rows.sort_unstable();
        rows
    }
}

impl VectorIndex for ExactIndex {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn metric(&self) -> Metric {
        self.metric
    }

    fn len(&self) -> usize {
        self.rows().ids.len()
    }

    fn insert(&self, entries: &[(EntryId, Embedding)]) -> Result<()> {
        entries
            .iter()
            .try_for_each(|(_, embedding)| self.space.check(embedding.space()))?;
        let stride = self.stride();
        let mut rows = self.rows_mut();
        let Rows {
            values,
            ids,
            row_of,
            generation,
        } = &mut *rows;
        *generation = Generation::next();
        values.reserve(entries.len() * stride);
        for (id, embedding) in entries {
            let row = *row_of.entry(*id).or_insert_with(|| {
                ids.push(*id);
                values.resize(ids.len() * stride, 0.0);
                ids.len() - 1
            });
            values[row * stride..][..embedding.values().len()].copy_from_slice(embedding.values());
        }
        Ok(())
    }

    fn remove(&self, removed: &[EntryId]) -> Result<usize> {
        let stride = self.stride();
        let mut rows = self.rows_mut();
        let Rows {
            values,
            ids,
            row_of,
            generation,
        } = &mut *rows;
        *generation = Generation::next();
        let before = ids.len();
        for id in removed {
            let Some(row) = row_of.remove(id) else {
                continue;
            };
            // The last row moves into the gap.
            let last = ids.len() - 1;
            ids.swap_remove(row);
            values.copy_within(last * stride.., row * stride);
            values[last * stride..].fill(0.0);
            values.truncate(last * stride);
            if row < last {
                row_of.insert(ids[row], row);
            }
        }
        Ok(before - ids.len())
    }

    fn search(&self, probe: &Embedding, options: &SearchOptions<'_>) -> Result<Vec<ScoredEntry>> {
        self.space.check(probe.space())?;
        let stride = self.stride();
        let mut padded = probe.values().to_vec();
        padded.resize(stride, 0.0);

        let rows = self.rows();
        let mut best = Best::new(options.k.min(rows.ids.len()));
        let mut scores = [0.0; BLOCK];
        match options.entries {
            None => {
                for (values, ids) in rows
                    .values
                    .chunks(BLOCK * stride)
                    .zip(rows.ids.chunks(BLOCK))
                {
                    let scores = &mut scores[..ids.len()];
                    self.scores(values, &padded, scores);
                    best.offer(ids, scores);
                }
            }
            Some(entries) => {
                let chosen = entries.prepared(rows.generation, |entries| rows.of(entries));
                for &row in &*chosen {
                    self.scores(
                        &rows.values[row * stride..][..stride],
                        &padded,
                        &mut scores[..1],
                    );
                    best.offer(&rows.ids[row..=row], &scores[..1]);
                }
            }
        }
        Ok(best.into_sorted())
    }
}

impl fmt::Debug for ExactIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactIndex")
            .field("space", &self.space)
            .field("metric", &self.metric)
            .field("len", &self.len())
            .finish()
    }
}

/// The `k` best entries so far; the worst of them on top.
struct Best {
    k: usize,
    heap: BinaryHeap<Reverse<Ranked>>,
    /// A score below this cannot enter.
    floor: f32,
}

impl Best {
    fn new(k: usize) -> Self {
        let floor = if k == 0 {
            f32::INFINITY
        } else {
            f32::NEG_INFINITY
        };
        Self {
            k,
            heap: BinaryHeap::with_capacity(k),
            floor,
        }
    }

    #[inline]
    fn offer(&mut self, ids: &[EntryId], scores: &[f32]) {
        // Most blocks hold no score above the floor. This fold has no early exit, so it is vectorized, and costs a fraction
        // of the loop below.
        let floor = self.floor;
        if !scores
            .iter()
            .fold(false, |any, &score| any | (score >= floor))
        {
            return;
        }
        for (&entry, &score) in ids.iter().zip(scores) {
            if score < self.floor {
                continue;
            }
            let ranked = Ranked(ScoredEntry { entry, score });
            if self.heap.len() < self.k {
                self.heap.push(Reverse(ranked));
            } else if let Some(mut worst) = self.heap.peek_mut()
                && ranked > worst.0
            {
                *worst = Reverse(ranked);
            }
            if self.heap.len() == self.k
                && let Some(Reverse(worst)) = self.heap.peek()
            {
                self.floor = worst.0.score;
            }
        }
    }

    fn into_sorted(self) -> Vec<ScoredEntry> {
        let mut entries: Vec<Ranked> = self
            .heap
            .into_iter()
            .map(|Reverse(ranked)| ranked)
            .collect();
        entries.sort_unstable_by(|a, b| b.cmp(a));
        entries.into_iter().map(|ranked| ranked.0).collect()
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
