//! Search for the nearest entries.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    embed::{Embedding, EmbeddingSpace},
    error::Result,
};

#[cfg(feature = "engine")]
mod auto;
#[cfg(all(test, feature = "engine"))]
mod faces;
#[cfg(feature = "engine")]
mod flat;
#[cfg(feature = "engine")]
mod hnsw;
#[cfg(feature = "engine")]
mod kernel;
#[cfg(feature = "engine")]
mod members;
#[cfg(feature = "engine")]
mod probe;
#[cfg(feature = "engine")]
mod rank;
#[cfg(feature = "engine")]
mod rotation;
#[cfg(feature = "engine")]
mod row;
mod set;
#[cfg(feature = "engine")]
mod shape;
#[cfg(feature = "engine")]
mod shortlist;
#[cfg(feature = "store")]
mod snapshot_file;
#[cfg(feature = "engine")]
mod wipe;

#[cfg(feature = "engine")]
pub use auto::AutoIndex;
#[cfg(feature = "engine")]
pub use flat::{FlatIndex, SearchStrategy};
#[cfg(feature = "engine")]
pub use hnsw::{GraphBuilder, HnswIndex, HnswOptions};
pub use set::{EntrySet, Generation};
#[cfg(feature = "store")]
pub use snapshot_file::{SnapshotFile, SnapshotIndex};

/// The number of an entry of a [`VectorIndex`]. The owner of the index gives it. An entry keeps its id when its embedding is
/// replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub u64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The measure of closeness. A greater score is closer in every metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// The cosine of the angle: −1 to 1. Calibrations are stated in it.
    #[default]
    Cosine,
    /// The negated Euclidean distance: −2 (opposite) to 0 (equal), since embeddings have length one.
    Euclidean,
}

impl Metric {
    /// Converts a score of this metric to the cosine. Embeddings have length one, so that both metrics say the same.
    ///
    /// ```
    /// use facekit::Metric;
    ///
    /// assert_eq!(Metric::Euclidean.to_cosine(0.0), 1.0);
    /// assert_eq!(Metric::Euclidean.to_cosine(-2.0), -1.0);
    /// ```
    #[must_use]
    pub fn to_cosine(self, score: f32) -> f32 {
        match self {
            Self::Cosine => score,
            Self::Euclidean => 1.0 - score * score / 2.0,
        }
    }
}

/// An entry that a search found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredEntry {
    /// The entry.
    pub entry: EntryId,
    /// Its closeness to the probe by the index's [`Metric`]; greater is closer.
    pub score: f32,
}

/// Options of a search.
///
/// ```
/// use facekit::{SearchOptions, EntryId, EntrySet};
///
/// let morning_shift = EntrySet::from([EntryId(4), EntryId(9)]);
/// let options = SearchOptions::new(5).with_entries(&morning_shift);
/// assert_eq!(options.k, 5);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SearchOptions<'a> {
    /// The greatest number of entries to return.
    pub k: usize,
    /// Search these entries only. The limit holds inside the search: the `k` best of the set are returned, even if
    /// others are closer. `None` searches all.
    pub entries: Option<&'a EntrySet>,
    /// Compare with every entry, also if the index would approximate.
    pub exact: bool,
    /// Return entries with at least this score only, by the index's metric. An index may take less time for a search that has
    /// one. `None` returns the `k` best, however far they are.
    pub min_score: Option<f32>,
    /// The least probability with which each of the `k` nearest is found, 0 to 1, for an index that approximates. The default
    /// is 0.9999. At 1 the search of every index is exact. An index that does not know its recall, such as a graph, ignores
    /// values below 1.
    pub recall: f32,
}

impl<'a> SearchOptions<'a> {
    /// Searches for the `k` best of all entries.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self {
            k,
            entries: None,
            exact: false,
            min_score: None,
            recall: 0.9999,
        }
    }

    /// Sets [`entries`](Self::entries).
    #[must_use]
    pub fn with_entries(mut self, entries: &'a EntrySet) -> Self {
        self.entries = Some(entries);
        self
    }

    /// Sets [`exact`](Self::exact).
    #[must_use]
    pub fn with_exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Sets [`min_score`](Self::min_score).
    #[must_use]
    pub fn with_min_score(mut self, score: f32) -> Self {
        self.min_score = Some(score);
        self
    }

    /// Sets [`recall`](Self::recall).
    #[must_use]
    pub fn with_recall(mut self, recall: f32) -> Self {
        self.recall = recall;
        self
    }
}

/// Holds embeddings by id and finds the nearest ones. The meaning of an entry is up to the owner of the index.
/// It can be rebuilt from a
/// [`TemplateStore`](crate::TemplateStore) at any time, and is kept current without a rebuild.
///
/// # Contract
///
/// - All methods may be called from many threads at once. A search sees each `insert` and `remove` whole or
///   not at all, and does not wait for an `insert` that takes long.
/// - `insert` of an id that exists replaces its embedding. If one entry is of another space, nothing is
///   inserted.
/// - `remove` ignores ids that do not exist and returns how many did.
/// - `search` returns at most `k` entries in falling order of score, equal scores in rising order of id.
///   It returns no entry that was removed, none outside of [`SearchOptions::entries`], and none with a score below
///   [`SearchOptions::min_score`].
/// - An exact index returns the true nearest entries. So does every index if [`SearchOptions::exact`] is set or
///   [`SearchOptions::recall`] is 1. With a lower recall, an index finds each of them with this probability, or states that it
///   does not know its recall.
pub trait VectorIndex: fmt::Debug + Send + Sync {
    /// The space of its embeddings.
    fn space(&self) -> &EmbeddingSpace;

    /// The metric of its scores.
    fn metric(&self) -> Metric;

    /// The number of embeddings.
    fn len(&self) -> usize;

    /// Returns true if the index holds nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds embeddings, replacing those of the same id.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`](crate::Error::SpaceMismatch) if an embedding is of another space. An index that is not in
    /// memory alone may have errors of its medium.
    fn insert(&self, entries: &[(EntryId, Embedding)]) -> Result<()>;

    /// Removes entries and returns how many of them existed.
    ///
    /// # Errors
    ///
    /// An index in memory has none. Others may have errors of their medium.
    fn remove(&self, ids: &[EntryId]) -> Result<usize>;

    /// The entries nearest to `probe`.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`](crate::Error::SpaceMismatch) if `probe` is of another space.
    fn search(&self, probe: &Embedding, options: &SearchOptions<'_>) -> Result<Vec<ScoredEntry>>;

    /// The entries nearest to each of `probes`, in their order, with the results of [`search`](Self::search). An index may
    /// take less time than for one search after the other, which is the default.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`](crate::Error::SpaceMismatch) if a probe is of another space.
    fn search_many(
        &self,
        probes: &[Embedding],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<ScoredEntry>>> {
        let probes = probes.iter();
        probes.map(|probe| self.search(probe, options)).collect()
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        impl<I: VectorIndex + ?Sized> VectorIndex for $pointer<I> {
            fn space(&self) -> &EmbeddingSpace {
                (**self).space()
            }

            fn metric(&self) -> Metric {
                (**self).metric()
            }

            fn len(&self) -> usize {
                (**self).len()
            }

            fn is_empty(&self) -> bool {
                (**self).is_empty()
            }

            fn insert(&self, entries: &[(EntryId, Embedding)]) -> Result<()> {
                (**self).insert(entries)
            }

            fn remove(&self, ids: &[EntryId]) -> Result<usize> {
                (**self).remove(ids)
            }

            fn search(
                &self,
                probe: &Embedding,
                options: &SearchOptions<'_>,
            ) -> Result<Vec<ScoredEntry>> {
                (**self).search(probe, options)
            }

            fn search_many(
                &self,
                probes: &[Embedding],
                options: &SearchOptions<'_>,
            ) -> Result<Vec<Vec<ScoredEntry>>> {
                (**self).search_many(probes, options)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
