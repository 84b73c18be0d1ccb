//! The index that takes the cheapest way of all.

use std::{
    fmt,
    hint::black_box,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use arc_swap::ArcSwapOption;

use super::{
    EntryId, FlatIndex, HnswIndex, HnswOptions, Metric, ScoredEntry, SearchOptions, SearchStrategy,
    VectorIndex,
};
use crate::{
    embed::{Embedding, EmbeddingSpace},
    error::Result,
};

/// The numbers of nearest entries for which a graph is measured.
const NEAREST: [usize; 2] = [1, 10];
/// The numbers of candidates for which a graph is measured.
const WIDTHS: [usize; 6] = [16, 32, 64, 128, 256, 512];
/// The number of entries that are inserted into a graph at a time.
const BATCH: usize = 1024;

/// Takes the way that costs the least for each search.
///
/// It begins as a [`FlatIndex`]: it measures on this machine what comparing with some entries, with all of them, and with those
/// that a prefilter leaves costs. That is the fastest for faces.
///
/// Embeddings of few effective dimensions can be searched faster through a graph, an [`HnswIndex`]. [`optimize`](Self::optimize)
/// builds one and measures its recall and its time. A search goes through the graph only if it was measured to have the
/// [`SearchOptions::recall`] of the search and to take less time. So the choice of a way does not change the promise. A search
/// with [`SearchOptions::exact`], a recall of 1 or a set of entries never goes through the graph.
///
/// [`with_deterministic`](Self::with_deterministic) makes every machine take the same way.
///
/// ```
/// use facekit::{AutoIndex, Digest, Embedding, EmbeddingSpace, EntryId, Metric, SearchOptions, VectorIndex};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// let index = AutoIndex::new(space.clone(), Metric::Cosine);
/// index.insert(&[(EntryId(7), Embedding::new(&space, vec![1.0, 0.0])?)])?;
/// let found = index.search(&Embedding::new(&space, vec![0.9, 0.1])?, &SearchOptions::new(1))?;
/// assert_eq!(found[0].entry, EntryId(7));
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct AutoIndex {
    flat: FlatIndex,
    deterministic: bool,
    graph: ArcSwapOption<Measured>,
    /// False while a change has reached the one index and not yet the other. Searches then use the flat one.
    in_step: AtomicBool,
    /// Held through a whole change, so that changes come one after the other. It has the number of entries that were changed since the graph was measured.
    writer: Mutex<usize>,
}

/// A graph of the same entries, and the searches for which it is faster.
struct Measured {
    graph: HnswIndex,
    trials: Vec<Trial>,
    /// The number of entries at that time.
    len: usize,
}

/// The measured recall and time of a graph in searches for the `k` nearest.
#[derive(Clone, Copy, Debug)]
struct Trial {
    k: usize,
    /// The number of candidates that a search keeps.
    width: usize,
    /// The recall that it has at least.
    recall: f32,
    /// The time of a search in nanoseconds, and that of the same search without the graph.
    graph: f64,
    flat: f64,
}

impl AutoIndex {
    /// An empty index.
    #[must_use]
    pub fn new(space: EmbeddingSpace, metric: Metric) -> Self {
        Self {
            flat: FlatIndex::new(space, metric),
            deterministic: false,
            graph: ArcSwapOption::empty(),
            in_step: AtomicBool::new(true),
            writer: Mutex::default(),
        }
    }

    /// Takes the way that usually costs the least, which depends on the index and the search only. So every machine takes the same
    /// way. It never uses a graph.
    #[must_use]
    pub fn with_deterministic(mut self) -> Self {
        self.flat = self.flat.with_strategy(SearchStrategy::Deterministic);
        self.deterministic = true;
        self.graph = ArcSwapOption::empty();
        self
    }

    /// Builds a graph, measures it, and keeps it if it is faster for some searches. Returns true if it is kept. It takes about 20
    /// seconds for 100,000 entries of 128 values. Searches go on meanwhile; changes wait.
    ///
    /// `probes` are such as later searches have: the recall of a graph depends on them. The recall that is measured is the lower
    /// bound of a one-sided interval, so a high recall needs many probes: 3,000 for 0.999 of the nearest entry. With the default
    /// recall of 0.9999, the graph is not used unless there are 30,000.
    ///
    /// The graph takes as much memory again. It is kept current by changes, and dropped when a tenth of the entries has changed,
    /// because its recall may be another then.
    ///
    /// ```
    /// # use facekit::{AutoIndex, Digest, Embedding, EmbeddingSpace, EntryId, Metric, VectorIndex};
    /// # let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
    /// # let index = AutoIndex::new(space.clone(), Metric::Cosine);
    /// # index.insert(&[(EntryId(7), Embedding::new(&space, vec![1.0, 0.0])?)])?;
    /// let probes = [Embedding::new(&space, vec![0.9, 0.1])?];
    /// assert!(!index.optimize(&probes)?, "one probe promises no recall");
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`](crate::Error::SpaceMismatch) if a probe is of another space.
    pub fn optimize(&self, probes: &[Embedding]) -> Result<bool> {
        self.optimize_with(probes, |trial| trial.graph < trial.flat)
    }

    /// Keeps the trials that `keep` is true for.
    fn optimize_with(&self, probes: &[Embedding], keep: impl Fn(&Trial) -> bool) -> Result<bool> {
        probes
            .iter()
            .try_for_each(|probe| self.space().check(probe.space()))?;
        let mut changed = self.writer();
        self.graph.store(None);
        *changed = 0;
        if self.deterministic || probes.is_empty() || self.is_empty() {
            return Ok(false);
        }
        let options = HnswOptions::default();
        let graph = HnswIndex::new(self.space().clone(), self.metric(), options);
        self.flat
            .each_batch(BATCH, |entries| graph.insert(entries))?;
        let mut trials = Vec::new();
        for k in NEAREST {
            let exact = SearchOptions::new(k).with_exact(true);
            let truth = self.flat.search_many(probes, &exact)?;
            for width in WIDTHS {
                trials.push(self.measured(&graph, probes, &truth, k, width)?);
            }
        }
        trials.retain(|trial| trial.recall > 0.0 && keep(trial));
        let is_kept = !trials.is_empty();
        if is_kept {
            let len = self.len();
            self.graph
                .store(Some(Arc::new(Measured { graph, trials, len })));
        }
        Ok(is_kept)
    }

    /// Measures searches through the graph that keep `width` candidates.
    fn measured(
        &self,
        graph: &HnswIndex,
        probes: &[Embedding],
        truth: &[Vec<ScoredEntry>],
        k: usize,
        width: usize,
    ) -> Result<Trial> {
        let (mut missed, mut nearest) = (0, 0);
        let begun = Instant::now();
        let mut found = Vec::with_capacity(probes.len());
        for probe in probes {
            found.push(graph.search_wide(probe, &SearchOptions::new(k), width)?);
        }
        let time = begun.elapsed().as_secs_f64() * 1e9 / probes.len() as f64;
        for (found, truth) in found.iter().zip(truth) {
            missed += truth.iter().filter(|one| !found.contains(one)).count();
            nearest += truth.len();
        }
        let recall = least_recall(missed, nearest);
        let options = SearchOptions::new(k).with_recall(recall);
        let begun = Instant::now();
        for probe in probes {
            black_box(self.flat.search(probe, &options)?);
        }
        Ok(Trial {
            k,
            width,
            recall,
            graph: time,
            flat: begun.elapsed().as_secs_f64() * 1e9 / probes.len() as f64,
        })
    }

    /// The number of candidates of a search through the graph; `None` if it takes less time without the graph, or the graph does
    /// not promise its recall.
    fn width(&self, trials: &[Trial], options: &SearchOptions<'_>, probes: usize) -> Option<usize> {
        if options.exact || options.recall >= 1.0 || options.entries.is_some() {
            return None;
        }
        let trial = trials
            .iter()
            .filter(|trial| options.k <= trial.k && options.recall <= trial.recall)
            .min_by(|a, b| a.graph.total_cmp(&b.graph))?;
        // A least score, or other probes at the same time, make a search without the graph cheaper than the measured one.
        let usual = SearchOptions::new(trial.k).with_recall(trial.recall);
        let share = self.flat.cost(options, probes) / self.flat.cost(&usual, 1);
        (trial.graph < trial.flat * share).then_some(trial.width)
    }

    /// The graph, if searches use it, and the number of candidates.
    fn graph(&self, options: &SearchOptions<'_>, probes: usize) -> Option<(Arc<Measured>, usize)> {
        // In this order: a graph that is loaded in step is either current, or a change has begun after that.
        if !self.in_step.load(Ordering::Acquire) {
            return None;
        }
        let measured = self.graph.load_full()?;
        let width = self.width(&measured.trials, options, probes)?;
        Some((measured, width))
    }

    fn writer(&self) -> MutexGuard<'_, usize> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change of `count` entries in both indexes. A graph of which many entries have changed is dropped.
    fn change<T>(&self, count: usize, change: impl Fn(&dyn VectorIndex) -> Result<T>) -> Result<T> {
        let mut changed = self.writer();
        let Some(measured) = self.graph.load_full() else {
            return change(&self.flat);
        };
        *changed += count;
        if *changed > measured.len / 10 {
            self.graph.store(None);
            return change(&self.flat);
        }
        self.in_step.store(false, Ordering::Release);
        let done = change(&self.flat);
        if done.is_ok() && change(&measured.graph).is_err() {
            self.graph.store(None);
        }
        self.in_step.store(true, Ordering::Release);
        done
    }
}

/// The recall at the lower end of a one-sided interval of 95 %, if `missed` of `nearest` entries were not found.
fn least_recall(missed: usize, nearest: usize) -> f32 {
    // The upper end of the interval of a rare event's count: 3.0 for none, 4.7 for one, and so on.
    let missed = missed as f64;
    let most = missed + 3.0 + 1.65 * missed.sqrt();
    (1.0 - most / nearest.max(1) as f64).max(0.0) as f32
}

impl VectorIndex for AutoIndex {
    fn space(&self) -> &EmbeddingSpace {
        self.flat.space()
    }

    fn metric(&self) -> Metric {
        self.flat.metric()
    }

    fn len(&self) -> usize {
        self.flat.len()
    }

    fn insert(&self, entries: &[(EntryId, Embedding)]) -> Result<()> {
        self.change(entries.len(), |index| index.insert(entries))
    }

    fn remove(&self, ids: &[EntryId]) -> Result<usize> {
        self.change(ids.len(), |index| index.remove(ids))
    }

    fn search(&self, probe: &Embedding, options: &SearchOptions<'_>) -> Result<Vec<ScoredEntry>> {
        match self.graph(options, 1) {
            Some((measured, width)) => measured.graph.search_wide(probe, options, width),
            None => self.flat.search(probe, options),
        }
    }

    fn search_many(
        &self,
        probes: &[Embedding],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<ScoredEntry>>> {
        match self.graph(options, probes.len()) {
            Some((measured, width)) => probes
                .iter()
                .map(|probe| measured.graph.search_wide(probe, options, width))
                .collect(),
            None => self.flat.search_many(probes, options),
        }
    }
}

/// The file is that of a [`FlatIndex`], which can load it too. A graph is not saved.
#[cfg(feature = "store")]
impl super::SnapshotIndex for AutoIndex {
    fn save(&self, file: &super::SnapshotFile) -> Result<()> {
        self.flat.save(file)
    }

    fn load(&self, file: &super::SnapshotFile) -> Result<()> {
        let mut changed = self.writer();
        let measured = self.graph.swap(None);
        let loaded = self.flat.load(file);
        if loaded.is_ok() {
            *changed = 0;
        } else {
            self.graph.store(measured);
        }
        loaded
    }
}

impl fmt::Debug for AutoIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutoIndex")
            .field("flat", &self.flat)
            .field("deterministic", &self.deterministic)
            .field("graph", &self.graph.load().is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::faces::{Changes, Faces, follows_a_map};

    /// People of eight effective dimensions, and probes near them.
    fn few_dimensions(count: u64, probes: usize) -> (Vec<(EntryId, Embedding)>, Vec<Embedding>) {
        let (mut few, mut many) = (Faces::new(8), Faces::new(64));
        let axes: Vec<Embedding> = (0..8).map(|_| many.person()).collect();
        let raised = |low: &Embedding| {
            let value = |at: usize| {
                let parts = low.values().iter().zip(&axes);
                parts.map(|(part, axis)| part * axis.values()[at]).sum()
            };
            Embedding::new(&many.space, (0..64).map(value).collect()).unwrap()
        };
        let entries = (0..count).map(|id| (EntryId(id), raised(&few.person())));
        let entries = entries.collect();
        let probes = (0..probes).map(|_| raised(&few.person())).collect();
        (entries, probes)
    }

    fn filled(entries: &[(EntryId, Embedding)]) -> AutoIndex {
        let index = AutoIndex::new(entries[0].1.space().clone(), Metric::Cosine);
        index.insert(entries).unwrap();
        index
    }

    #[test]
    fn the_bound_of_a_recall() {
        assert!((least_recall(0, 3_000) - 0.999).abs() < 1e-6);
        assert!(least_recall(1, 3_000) < least_recall(0, 3_000));
        assert!((0.94..0.95).contains(&least_recall(50, 1_200)));
        assert_eq!(least_recall(0, 1), 0.0);
        assert_eq!(least_recall(0, 0), 0.0);
    }

    #[test]
    fn a_graph_is_used_where_it_is_promised_and_faster() {
        let (entries, _) = few_dimensions(100, 0);
        let index = filled(&entries);
        let trial = |k, width, recall, graph, flat| Trial {
            k,
            width,
            recall,
            graph,
            flat,
        };
        let trials = [
            trial(1, 16, 0.9, 1.0, 100.0),
            trial(1, 64, 0.99, 4.0, 100.0),
            trial(10, 128, 0.95, 8.0, 100.0),
            trial(10, 512, 0.999, 200.0, 100.0),
        ];
        let width = |options: SearchOptions<'_>, probes| index.width(&trials, &options, probes);
        let one = SearchOptions::new(1);
        assert_eq!(width(one.with_recall(0.9), 1), Some(16));
        assert_eq!(width(one.with_recall(0.99), 1), Some(64));
        assert_eq!(width(SearchOptions::new(2).with_recall(0.9), 1), Some(128));
        assert_eq!(width(SearchOptions::new(11).with_recall(0.9), 1), None);
        // The only graph of this recall takes longer.
        assert_eq!(width(one.with_recall(0.999), 1), None);
        // No graph has it.
        assert_eq!(width(one, 1), None);
        assert_eq!(width(one.with_recall(1.0), 1), None);
        assert_eq!(width(one.with_recall(0.9).with_exact(true), 1), None);
        let set = [EntryId(1)].into();
        assert_eq!(width(one.with_recall(0.9).with_entries(&set), 1), None);
    }

    #[test]
    fn the_graph_keeps_the_promised_recall() {
        let (entries, probes) = few_dimensions(6_000, 1_300);
        let (before, after) = probes.split_at(800);
        let index = filled(&entries);
        assert!(
            index
                .optimize_with(before, |trial| trial.width <= 64)
                .unwrap()
        );
        let measured = index.graph.load_full().unwrap();
        let trials: Vec<Trial> = measured
            .trials
            .iter()
            .map(|trial| Trial {
                graph: 0.0,
                ..*trial
            })
            .collect();
        let mut searched = 0;
        for recall in [0.5, 0.9, 0.95, 0.99] {
            for k in NEAREST {
                let options = SearchOptions::new(k).with_recall(recall);
                let Some(width) = index.width(&trials, &options, 1) else {
                    continue;
                };
                searched += 1;
                let exact = options.with_exact(true);
                let mut missed = 0;
                for probe in after {
                    let found = measured.graph.search_wide(probe, &options, width).unwrap();
                    let truth = index.search(probe, &exact).unwrap();
                    missed += truth.iter().filter(|one| !found.contains(one)).count();
                }
                let nearest = (after.len() * k) as f32;
                let spread = 3.0 * (recall * (1.0 - recall) / nearest).sqrt();
                let reached = 1.0 - missed as f32 / nearest;
                assert!(reached >= recall - spread, "{reached} of {recall}, k {k}");
            }
        }
        assert!(searched >= 4, "{searched}");
    }

    #[test]
    fn both_indexes_follow_changes() {
        let (entries, probes) = few_dimensions(3_000, 60);
        let (first, later) = entries.split_at(2_800);
        let index = filled(first);
        assert!(index.optimize_with(&probes, |_| true).unwrap());
        index.insert(&later[..100]).unwrap();
        let gone: Vec<EntryId> = (0..100).map(EntryId).collect();
        assert_eq!(index.remove(&gone).unwrap(), 100);
        let measured = index.graph.load_full().unwrap();
        assert_eq!((measured.graph.len(), index.len()), (2_800, 2_800));
        let exact = SearchOptions::new(10).with_exact(true);
        for probe in &probes {
            let truth = index.search(probe, &exact).unwrap();
            assert_eq!(measured.graph.search(probe, &exact).unwrap(), truth);
            assert!(truth.iter().all(|found| found.entry.0 >= 100));
        }
        // More than a tenth has changed.
        index.insert(&later[100..]).unwrap();
        assert!(index.graph.load().is_none());
        assert_eq!(index.len(), 2_900);
    }

    #[test]
    fn a_refused_change_changes_neither() {
        let (entries, probes) = few_dimensions(3_000, 60);
        let index = filled(&entries);
        assert!(index.optimize_with(&probes, |_| true).unwrap());
        let other = Faces::new(8).person();
        assert!(index.insert(&[(EntryId(1), other.clone())]).is_err());
        assert!(index.optimize(&[other]).is_err());
        let measured = index.graph.load_full().unwrap();
        assert_eq!((measured.graph.len(), index.len()), (3_000, 3_000));
        assert!(index.in_step.load(Ordering::Acquire));
    }

    #[test]
    fn a_deterministic_index_has_no_graph() {
        let (entries, probes) = few_dimensions(2_000, 50);
        let index = filled(&entries).with_deterministic();
        assert!(!index.optimize_with(&probes, |_| true).unwrap());
        assert!(index.graph.load().is_none());
        assert!(!filled(&entries).optimize_with(&[], |_| true).unwrap());
        // Too few probes promise no recall.
        assert!(
            !filled(&entries)
                .optimize_with(&probes[..1], |trial| trial.k == 1)
                .unwrap()
        );
    }

    #[test]
    fn follows_a_map_through_changes() {
        let mut faces = Faces::new(16);
        let index = AutoIndex::new(faces.space.clone(), Metric::Cosine);
        let changes = Changes {
            rounds: 40,
            most: 150.0,
            first: 600.0,
            stretch: 300,
        };
        follows_a_map(&index, &mut faces, &changes);
    }
}
