use std::{
    any::Any,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::EntryId;

/// A state of something that changes, such as an index. No two states in a process have the same generation.
///
/// ```
/// use facekit::Generation;
///
/// assert_ne!(Generation::next(), Generation::next());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// A generation later than all before it.
    #[must_use]
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The entries that a search is limited to. Clones share it.
///
/// An index keeps in it the form that it searches with, so that this form is made once for each state of the index and not
/// for each search: see [`prepared`](Self::prepared).
///
/// ```
/// use facekit::{EntryId, EntrySet};
///
/// let set = EntrySet::from([EntryId(4), EntryId(9)]);
/// assert!(set.contains(EntryId(4)) && !set.contains(EntryId(5)));
/// assert_eq!(set.len(), 2);
/// ```
#[derive(Clone, Default)]
pub struct EntrySet(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Sorted, without repetition.
    ids: Box<[EntryId]>,
    prepared: Mutex<Option<Prepared>>,
}

struct Prepared {
    generation: Generation,
    form: Arc<dyn Any + Send + Sync>,
}

impl EntrySet {
    /// A set without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of entries in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.ids.len()
    }

    /// Returns true if the set holds no entry, so that a search finds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.ids.is_empty()
    }

    /// Returns true if `entry` is in the set.
    #[must_use]
    pub fn contains(&self, entry: EntryId) -> bool {
        self.0.ids.binary_search(&entry).is_ok()
    }

    /// The entries, in order of id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EntryId> {
        self.0.ids.iter().copied()
    }

    /// For implementers of [`VectorIndex`](super::VectorIndex): the form in which an index of this generation searches the
    /// set. `make` is called where the set does not hold that form yet; the form of the latest generation is kept.
    ///
    /// No lock is held while `make` runs. Threads that ask at the same time may each call it.
    ///
    /// ```
    /// use facekit::{Generation, EntryId, EntrySet};
    ///
    /// let set = EntrySet::from([EntryId(9), EntryId(4)]);
    /// let generation = Generation::next();
    /// let sorted = |set: &EntrySet| {
    ///     let mut ids: Vec<EntryId> = set.iter().collect();
    ///     ids.sort();
    ///     ids
    /// };
    /// assert_eq!(*set.prepared(generation, sorted), [EntryId(4), EntryId(9)]);
    /// set.prepared::<Vec<EntryId>>(generation, |_| unreachable!("it is there already"));
    /// ```
    pub fn prepared<T: Send + Sync + 'static>(
        &self,
        generation: Generation,
        make: impl FnOnce(&Self) -> T,
    ) -> Arc<T> {
        if let Some(form) = self.held(generation) {
            return form;
        }
        let form = Arc::new(make(self));
        *self.lock() = Some(Prepared {
            generation,
            form: form.clone(),
        });
        form
    }

    /// The form that [`prepared`](Self::prepared) made for this generation, if the set holds it.
    ///
    /// ```
    /// use facekit::{EntrySet, Generation};
    ///
    /// let (set, generation) = (EntrySet::new(), Generation::next());
    /// assert!(set.held::<usize>(generation).is_none());
    /// set.prepared(generation, EntrySet::len);
    /// assert_eq!(*set.held::<usize>(generation).unwrap(), 0);
    /// ```
    #[must_use]
    pub fn held<T: Send + Sync + 'static>(&self, generation: Generation) -> Option<Arc<T>> {
        let form = self.lock().as_ref().and_then(|prepared| {
            (prepared.generation == generation).then(|| Arc::clone(&prepared.form))
        });
        form?.downcast().ok()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Prepared>> {
        self.0
            .prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromIterator<EntryId> for EntrySet {
    fn from_iter<I: IntoIterator<Item = EntryId>>(ids: I) -> Self {
        let mut ids: Vec<EntryId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self(Arc::new(Inner {
            ids: ids.into(),
            prepared: Mutex::default(),
        }))
    }
}

impl<const N: usize> From<[EntryId; N]> for EntrySet {
    fn from(ids: [EntryId; N]) -> Self {
        ids.into_iter().collect()
    }
}

impl fmt::Debug for EntrySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
