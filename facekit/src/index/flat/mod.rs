//! Search by comparison with every entry, in bytes.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use hashbrown::HashTable;

use super::{
    EntryId, EntrySet, Metric, ScoredEntry, SearchOptions, VectorIndex, kernel::Kernel,
    members::Members, probe::Probe, rotation, row::Precision, shape::Shape, wipe::wipe,
};
use crate::{
    embed::{Embedding, EmbeddingSpace},
    error::Result,
};

mod costs;
#[cfg(feature = "store")]
mod saved;
mod segment;
mod snapshot;

use costs::{Costs, Load, Way};
use segment::{ROWS, Segment};
use snapshot::{Query, Snapshot, at};

/// The number of rows from which on an index does not keep more free rows than entries.
const SPARSE: usize = 4 * ROWS;

/// Compares a probe with every entry, in bytes instead of single precision, and computes the scores of the nearest exactly.
///
/// - **Codes.** A value is a byte, made for the processor's dot-product instruction. The error of a code is bounded, so a scan
///   finds exactly the nearest entries.
/// - **Signs.** In a large index, an estimate from the sign of each value decides which codes are read. The error of an estimate
///   has a known distribution, so each of the nearest is found with the probability
///   [`SearchOptions::recall`].
/// - **Sets.** The embeddings of a small [`EntrySet`] are compared one by one; a large set is a mask of the scan.
///
/// The index takes the way that takes the least time on this machine. Measured figures: see BENCHMARKS.md.
///
/// Searches do not wait for changes. Each search works on the state at its beginning. A change copies the segments of 1,024
/// entries that it touches, and overwrites what it removes.
///
/// An entry of 128 values takes about 170 bytes for the search and 512 bytes for its embedding, or 256 bytes in
/// [half precision](Self::with_half_precision). Nothing is written to disk unless
/// `SnapshotIndex::save` is called; building takes seconds for a million entries.
///
/// ```
/// use facekit::{Digest, Embedding, EmbeddingSpace, EntryId, FlatIndex, Metric, SearchOptions, VectorIndex};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// let index = FlatIndex::new(space.clone(), Metric::Cosine);
/// let east = Embedding::new(&space, vec![1.0, 0.0])?;
/// let north = Embedding::new(&space, vec![0.0, 1.0])?;
/// index.insert(&[(EntryId(1), east), (EntryId(2), north.clone())])?;
///
/// let found = index.search(&north, &SearchOptions::new(1))?;
/// assert_eq!(found[0].entry, EntryId(2));
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct FlatIndex {
    space: EmbeddingSpace,
    metric: Metric,
    shape: Shape,
    kernel: Kernel,
    strategy: SearchStrategy,
    precision: Precision,
    current: ArcSwap<Snapshot>,
    /// The rows of the entries in `current`. Locked for writing only while both are replaced.
    slots: RwLock<Slots>,
    /// Held through a whole change, so that changes come one after the other.
    writer: Mutex<()>,
    costs: ArcSwapOption<Costs>,
}

/// How a [`FlatIndex`] searches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchStrategy {
    /// The way that takes the least time on this machine, measured.
    #[default]
    Fastest,
    /// The way that usually takes the least time. It depends on the index and the search only, so every machine takes
    /// the same way.
    Deterministic,
    /// The codes of all entries.
    Scan,
    /// The signs of all entries, and then the codes of some, unless the search is exact.
    Prefilter,
}

#[derive(Default)]
struct Slots {
    /// The row of each entry, found by its id.
    rows: HashTable<u32>,
    /// Rows that are not in use, below `next`.
    free: Vec<u32>,
    /// The first row that was never used.
    next: u32,
}

impl FlatIndex {
    /// An empty index.
    #[must_use]
    pub fn new(space: EmbeddingSpace, metric: Metric) -> Self {
        Self {
            shape: Shape::new(space.dimension()),
            space,
            metric,
            kernel: Kernel::fastest(),
            strategy: SearchStrategy::default(),
            precision: Precision::Single,
            current: ArcSwap::from_pointee(Snapshot::new(Vec::new(), 0)),
            slots: RwLock::default(),
            writer: Mutex::default(),
            costs: ArcSwapOption::empty(),
        }
    }

    /// Sets how the index searches. The default is [`SearchStrategy::Fastest`].
    #[must_use]
    pub fn with_strategy(mut self, strategy: SearchStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Keeps embeddings in half precision (16 bits for each value), which takes half of their memory: 256 MB in place of 512 MB for a
    /// million entries of 128 values. Entries that are there are rounded, and entries that come later. Scores are those of the rounded
    /// embeddings; they differ by about 0.00003 at 128 values. A search with [`SearchOptions::exact`] finds exactly the nearest of the rounded
    /// embeddings.
    ///
    /// ```
    /// use facekit::{Digest, Embedding, EmbeddingSpace, EntryId, FlatIndex, Metric, SearchOptions, VectorIndex};
    ///
    /// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
    /// let index = FlatIndex::new(space.clone(), Metric::Cosine).with_half_precision();
    /// let person = Embedding::new(&space, vec![0.3, 0.7])?;
    /// index.insert(&[(EntryId(1), person.clone())])?;
    /// let score = index.search(&person, &SearchOptions::new(1))?[0].score;
    /// assert!((score - 1.0).abs() < 0.001);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    #[must_use]
    pub fn with_half_precision(mut self) -> Self {
        let old = self.current.load_full();
        self.precision = Precision::Half;
        let (mut rotated, mut room) = (vec![0.0; self.shape.rotation.length()], Vec::new());
        let segments = old.segments.iter().map(|segment| {
            let half = segment.at(Precision::Half, &self.shape, &mut room, &mut rotated);
            Arc::new(half)
        });
        let new = Snapshot::new(segments.collect(), old.len);
        wipe(&mut rotated, 0.0);
        wipe(&mut room, 0.0);
        self.current.store(Arc::new(new));
        self
    }

    /// An index of this kind without entries.
    #[cfg(feature = "store")]
    fn emptied(&self) -> Self {
        Self {
            precision: self.precision,
            ..Self::new(self.space.clone(), self.metric)
        }
    }

    #[cfg(test)]
    fn with_kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// The number of bytes in memory: of all that a search among all entries reads, and of the embeddings, of which it reads
    /// few.
    #[must_use]
    pub fn memory(&self) -> (usize, usize) {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let searched = slots.rows.allocation_size() + slots.free.capacity() * size_of::<u32>();
        let snapshot = self.current.load();
        let segments = snapshot.segments.iter().map(|segment| segment.memory());
        segments.fold((searched, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// The expected time of a search among all entries, in nanoseconds for a probe, if it is one of `probes` at the same time.
    pub(super) fn cost(&self, options: &SearchOptions<'_>, probes: usize) -> f64 {
        let snapshot = self.current.load_full();
        let query = Query {
            k: options.k.min(snapshot.len),
            min_score: options.min_score,
            metric: self.metric,
            members: None,
        };
        let load = Load {
            rows: snapshot.rows(),
            members: None,
            k: query.k,
            least: query.least(),
            recall: if options.exact { 1.0 } else { options.recall },
            probes,
        };
        self.costs(&snapshot).cheapest(&load, &self.shape).0
    }

    /// Calls `visit` with all entries of one state, `count` at a time.
    pub(super) fn each_batch(
        &self,
        count: usize,
        mut visit: impl FnMut(&[(EntryId, Embedding)]) -> Result<()>,
    ) -> Result<()> {
        let snapshot = self.current.load_full();
        let mut batch = Vec::with_capacity(count);
        let mut room = Vec::new();
        for segment in &snapshot.segments {
            for row in (0..segment.rows()).filter(|&row| segment.is_live(row)) {
                let values = segment.values(row, &self.shape).single(&mut room);
                let values = values[..self.space.dimension()].to_vec();
                batch.push((segment.id(row), Embedding::new(&self.space, values)?));
                if batch.len() == count {
                    visit(&batch)?;
                    batch.clear();
                }
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        visit(&batch)
    }

    /// The entries in new segments without free rows, in the same order.
    fn moved_together(&self, old: &[Arc<Segment>]) -> (Vec<Arc<Segment>>, Slots) {
        let mut segments: Vec<Segment> = Vec::new();
        let mut slots = Slots::default();
        let mut rotated = vec![0.0; self.shape.rotation.length()];
        let mut room = Vec::new();
        let mut remaining: usize = old.iter().map(|segment| segment.count()).sum();
        for from in old {
            for row in (0..from.rows()).filter(|&row| from.is_live(row)) {
                let (segment, within) = at(slots.next);
                if segment == segments.len() {
                    let mut new = Segment::new(self.precision);
                    new.grow(remaining.min(ROWS), &self.shape);
                    segments.push(new);
                }
                let values = from.values(row, &self.shape).single(&mut room);
                let values = &values[..self.space.dimension()];
                segments[segment].put(within, from.id(row), values, &self.shape, &mut rotated);
                slots.next += 1;
                remaining -= 1;
            }
        }
        wipe(&mut rotated, 0.0);
        wipe(&mut room, 0.0);
        let segments: Vec<_> = segments.into_iter().map(Arc::new).collect();
        let id = |row: u32| hash(id_of(row, &segments));
        slots.rows.reserve(slots.next as usize, |&row| id(row));
        for row in 0..slots.next {
            slots.rows.insert_unique(id(row), row, |&row| id(row));
        }
        (segments, slots)
    }

    /// The rows of `set`, and the state of which they are the rows.
    fn members(&self, set: &EntrySet) -> (Arc<Snapshot>, Arc<Members>) {
        let snapshot = self.current.load_full();
        if let Some(members) = set.held(snapshot.generation) {
            return (snapshot, members);
        }
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.current.load_full();
        let members = set.prepared(snapshot.generation, |set| {
            let rows = set
                .iter()
                .filter_map(|id| slots.row(id, &snapshot.segments));
            Members::new(rows.collect(), snapshot.rows())
        });
        (snapshot, members)
    }

    fn costs(&self, snapshot: &Snapshot) -> Costs {
        if self.strategy != SearchStrategy::Fastest {
            return Costs::typical(&self.shape);
        }
        match &*self.costs.load() {
            Some(costs) if !costs.are_old(snapshot.rows()) => **costs,
            _ => {
                let costs = Costs::measured(snapshot, &self.shape, self.kernel);
                self.costs.store(Some(Arc::new(costs)));
                costs
            }
        }
    }

    fn search_all(
        &self,
        probes: &[Embedding],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<ScoredEntry>>> {
        probes
            .iter()
            .try_for_each(|probe| self.space.check(probe.space()))?;
        let (snapshot, members) = match options.entries {
            None => (self.current.load_full(), None),
            Some(set) => {
                let (snapshot, members) = self.members(set);
                (snapshot, Some(members))
            }
        };
        let searched = members
            .as_ref()
            .map_or(snapshot.len, |members| members.rows.len());
        let query = Query {
            k: options.k.min(searched),
            min_score: options.min_score,
            metric: self.metric,
            members: members.as_deref(),
        };
        if query.k == 0 {
            return Ok(vec![Vec::new(); probes.len()]);
        }
        let costs = self.costs(&snapshot);
        let recall = if options.exact { 1.0 } else { options.recall };
        let load = Load {
            rows: snapshot.rows(),
            members: members.as_ref().map(|members| members.rows.len()),
            k: query.k,
            least: query.least(),
            recall,
            probes: probes.len(),
        };
        let way = match self.strategy {
            SearchStrategy::Scan => Way::Scan,
            SearchStrategy::Prefilter if recall < 1.0 => Way::Prefilter,
            _ => costs.cheapest(&load, &self.shape).1,
        };
        let prepared = |probe: &Embedding| Probe::new(probe.values(), &self.shape);
        let (shape, kernel) = (&self.shape, self.kernel);
        Ok(match way {
            Way::Scan => {
                let probes: Vec<Probe> = probes.iter().map(prepared).collect();
                snapshot.scan_many(shape, kernel, &probes, query)
            }
            Way::Gather => {
                let probes = probes.iter().map(prepared);
                probes
                    .map(|probe| snapshot.gather(shape, &probe, query))
                    .collect()
            }
            Way::Prefilter => {
                let limit = (self.strategy != SearchStrategy::Prefilter).then_some(&costs);
                let probes = probes.iter().map(prepared);
                let one = |probe: Probe| {
                    snapshot
                        .prefilter(shape, kernel, &probe, query, recall, limit)
                        .unwrap_or_else(|| snapshot.scan(shape, kernel, &probe, query))
                };
                probes.map(one).collect()
            }
        })
    }
}

impl Slots {
    /// The row of an entry.
    fn row(&self, id: EntryId, segments: &[Arc<Segment>]) -> Option<u32> {
        self.rows
            .find(hash(id), |&row| id_of(row, segments) == id)
            .copied()
    }
}

fn id_of(row: u32, segments: &[Arc<Segment>]) -> EntryId {
    let (segment, row) = at(row);
    segments[segment].id(row)
}

fn hash(id: EntryId) -> u64 {
    rotation::mix(id.0)
}

impl VectorIndex for FlatIndex {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn metric(&self) -> Metric {
        self.metric
    }

    fn len(&self) -> usize {
        self.current.load().len
    }

    fn insert(&self, entries: &[(EntryId, Embedding)]) -> Result<()> {
        entries
            .iter()
            .try_for_each(|(_, embedding)| self.space.check(embedding.space()))?;
        if entries.is_empty() {
            return Ok(());
        }
        let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load_full();
        let mut segments = current.segments.clone();
        let mut rotated = vec![0.0; self.shape.rotation.length()];
        let mut rounded = Vec::new();
        let mut added: HashMap<EntryId, u32> = HashMap::new();
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let (mut free, mut next) = (slots.free.len(), slots.next);
        for (nth, (id, embedding)) in entries.iter().enumerate() {
            let known = slots.row(*id, &current.segments);
            let row = known.unwrap_or_else(|| {
                *added.entry(*id).or_insert_with(|| {
                    if free > 0 {
                        free -= 1;
                        slots.free[free]
                    } else {
                        next += 1;
                        next - 1
                    }
                })
            });
            let (segment, within) = at(row);
            if segment == segments.len() {
                segments.push(Arc::new(Segment::new(self.precision)));
            }
            let segment = Arc::make_mut(&mut segments[segment]);
            let remaining = entries.len() - nth;
            segment.grow((within + remaining).min(ROWS).max(within + 1), &self.shape);
            let values = self.precision.rounded(embedding.values(), &mut rounded);
            segment.put(within, *id, values, &self.shape, &mut rotated);
        }
        wipe(&mut rotated, 0.0);
        wipe(&mut rounded, 0.0);
        drop(slots);

        let snapshot = Snapshot::new(segments, current.len + added.len());
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        slots.free.truncate(free);
        slots.next = next;
        slots
            .rows
            .reserve(added.len(), |&row| hash(id_of(row, &snapshot.segments)));
        for (id, row) in added {
            slots
                .rows
                .insert_unique(hash(id), row, |&row| hash(id_of(row, &snapshot.segments)));
        }
        self.current.store(Arc::new(snapshot));
        Ok(())
    }

    fn remove(&self, removed: &[EntryId]) -> Result<usize> {
        let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load_full();
        let mut segments = current.segments.clone();
        let mut gone = Vec::new();
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        for &id in removed {
            let Some(row) = slots.row(id, &current.segments) else {
                continue;
            };
            let (segment, within) = at(row);
            // An id may be given twice.
            if segments[segment].is_live(within) {
                Arc::make_mut(&mut segments[segment]).clear(within, &self.shape);
                gone.push((id, row));
            }
        }
        drop(slots);
        if gone.is_empty() {
            return Ok(0);
        }

        let len = current.len - gone.len();
        // A scan reads free rows, too. So each removal pays for the moving of at most as many rows as it frees.
        let moved = (2 * len < current.rows() && current.rows() > SPARSE)
            .then(|| self.moved_together(&segments));
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if len == 0 {
            *slots = Slots::default();
            segments.clear();
        } else if let Some(moved) = moved {
            (segments, *slots) = moved;
        } else {
            for &(id, row) in &gone {
                if let Ok(entry) = slots.rows.find_entry(hash(id), |&other| other == row) {
                    entry.remove();
                }
                slots.free.push(row);
            }
        }
        self.current.store(Arc::new(Snapshot::new(segments, len)));
        Ok(gone.len())
    }

    fn search(&self, probe: &Embedding, options: &SearchOptions<'_>) -> Result<Vec<ScoredEntry>> {
        let found = self.search_all(std::slice::from_ref(probe), options)?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    fn search_many(
        &self,
        probes: &[Embedding],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<ScoredEntry>>> {
        self.search_all(probes, options)
    }
}

impl fmt::Debug for FlatIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlatIndex")
            .field("space", &self.space)
            .field("metric", &self.metric)
            .field("len", &self.len())
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
