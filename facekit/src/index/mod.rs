//! Finding the nearest templates.

use std::{collections::HashSet, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Embedding, EmbeddingSpace, Result};

#[cfg(feature = "engine")]
mod exact;
#[cfg(feature = "engine")]
mod kernel;

#[cfg(feature = "engine")]
pub use exact::ExactIndex;

/// The number of a stored template, unique in its store and never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TemplateId(pub u64);

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How closeness is measured. A greater score is closer in every metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// The cosine of the angle: −1 to 1. What calibrations are stated in.
    #[default]
    Cosine,
    /// The negated Euclidean distance: −2 (opposite) to 0 (equal), since embeddings have length one.
    Euclidean,
}

impl Metric {
    /// The cosine that a score of this metric stands for; embeddings have length one, so each says the same.
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

/// A template that a search found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The template.
    pub template: TemplateId,
    /// How close it is, by the index's [`Metric`]; greater is closer.
    pub score: f32,
}

/// The templates a search is limited to: a course's enrolment list, a shift's roster.
pub type Roster = HashSet<TemplateId>;

/// How to search.
///
/// ```
/// use facekit::{SearchOptions, TemplateId};
///
/// let roster = [TemplateId(4), TemplateId(9)].into();
/// let options = SearchOptions::new(5).with_roster(&roster);
/// assert_eq!(options.k, 5);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SearchOptions<'a> {
    /// The greatest number of candidates to return.
    pub k: usize,
    /// Consider these templates alone. The limit holds inside the search: the `k` best of the roster come
    /// back, however many others are closer.
    pub roster: Option<&'a Roster>,
    /// Compare with every template, where the index would otherwise approximate.
    pub exact: bool,
}

impl<'a> SearchOptions<'a> {
    /// The `k` best of all templates.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self {
            k,
            roster: None,
            exact: false,
        }
    }

    /// Sets [`roster`](Self::roster).
    #[must_use]
    pub fn with_roster(mut self, roster: &'a Roster) -> Self {
        self.roster = Some(roster);
        self
    }

    /// Sets [`exact`](Self::exact).
    #[must_use]
    pub fn with_exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }
}

/// Holds embeddings by id and finds the nearest ones. It can always be rebuilt from a
/// [`TemplateStore`](crate::TemplateStore), and is kept current without rebuilding.
///
/// # Contract
///
/// - All methods may be called from many threads at once; a search sees each `insert` and `remove` whole or
///   not at all.
/// - `insert` of an id that is there replaces its embedding. Where one entry is of another space, nothing is
///   inserted.
/// - `remove` ignores ids that are not there and says how many were.
/// - `search` returns at most `k` candidates in falling order of score, equal scores in rising order of id;
///   removed templates and templates outside the roster never appear.
/// - An exact index, or any index asked for `exact`, returns the true nearest neighbours.
pub trait VectorIndex: fmt::Debug + Send + Sync {
    /// The space of all its embeddings.
    fn space(&self) -> &EmbeddingSpace;

    /// How scores are computed.
    fn metric(&self) -> Metric;

    /// Embeddings in the index.
    fn len(&self) -> usize;

    /// Whether the index holds nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds embeddings, replacing those of the same id.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`](crate::Error::SpaceMismatch) where an embedding is of another space.
    fn insert(&self, entries: &[(TemplateId, Embedding)]) -> Result<()>;

    /// Takes templates out and returns how many were there.
    ///
    /// # Errors
    ///
    /// None for an index in memory.
    fn remove(&self, ids: &[TemplateId]) -> Result<usize>;

    /// The templates nearest to `probe`.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`](crate::Error::SpaceMismatch) where `probe` is of another space.
    fn search(&self, probe: &Embedding, options: &SearchOptions<'_>) -> Result<Vec<Candidate>>;
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

            fn insert(&self, entries: &[(TemplateId, Embedding)]) -> Result<()> {
                (**self).insert(entries)
            }

            fn remove(&self, ids: &[TemplateId]) -> Result<usize> {
                (**self).remove(ids)
            }

            fn search(
                &self,
                probe: &Embedding,
                options: &SearchOptions<'_>,
            ) -> Result<Vec<Candidate>> {
                (**self).search(probe, options)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
