//! Search through a graph of neighbors.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{
    EntryId, EntrySet, Generation, Metric, ScoredEntry, SearchOptions, VectorIndex,
    kernel::{CHUNK, Kernel, Line},
    members::Members,
    probe::Probe,
    rank::Ranking,
    rotation::mix,
    row::Row,
    shape::{Shape, ZERO},
    shortlist::Shortlist,
    wipe::wipe,
};
use crate::{
    embed::{Embedding, EmbeddingSpace},
    error::Result,
};

mod change;
#[cfg(feature = "hnsw_rs")]
mod from_hnsw_rs;
mod graph;
#[cfg(feature = "store")]
mod saved;
mod walk;

use change::Planner;
use graph::Graph;

/// Follows links between neighbors (HNSW), and compares with a small part of the entries only.
///
/// It suits many embeddings of few effective dimensions. **For faces, [`FlatIndex`](super::FlatIndex) is faster** up to a
/// million people at least: see DESIGN.md, "How does the index search, and why not with a graph?".
///
/// Links and codes of one byte for each value are in flat arrays; the scores of the nearest are computed exactly. The index
/// does not know its recall, so a [`SearchOptions::recall`] below 1 has no effect. The recall grows with
/// [`HnswOptions::ef_search`]; `facekit eval index` measures it. A search with [`SearchOptions::exact`] or a recall of 1, one
/// that is limited to few entries, and one of an index that is small beside `ef_search` compares with every entry.
///
/// A removed entry is overwritten at once, and its neighbors are linked past it. That reads the links of all entries: remove
/// many entries in one call.
///
/// The method is that of Malkov and Yashunin (2016).
///
/// ```
/// use facekit::{Digest, Embedding, EmbeddingSpace, EntryId, HnswIndex, HnswOptions, Metric, SearchOptions, VectorIndex};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// let index = HnswIndex::new(space.clone(), Metric::Cosine, HnswOptions::default());
/// index.insert(&[(EntryId(7), Embedding::new(&space, vec![1.0, 0.0])?)])?;
/// let found = index.search(&Embedding::new(&space, vec![0.9, 0.1])?, &SearchOptions::new(1))?;
/// assert_eq!(found[0].entry, EntryId(7));
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct HnswIndex {
    space: EmbeddingSpace,
    metric: Metric,
    options: HnswOptions,
    shape: Shape,
    kernel: Kernel,
    /// Locked for writing for moments only.
    state: RwLock<State>,
    /// Held through a whole change, so that changes come one after the other.
    writer: Mutex<Writer>,
}

/// Options of an [`HnswIndex`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HnswOptions {
    /// The number of links that a new entry gets: 16 by default. More take more memory and give a higher recall.
    pub links: usize,
    /// The number of candidates for the links of a new entry: 200 by default.
    pub ef_construction: usize,
    /// The number of candidates that a search keeps: 200 by default, and at least the `k` of the search.
    pub ef_search: usize,
    /// The builder of the graph: facekit's own by default, which is the fastest.
    pub builder: GraphBuilder,
}

/// The builder of the graph of an [`HnswIndex`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GraphBuilder {
    /// facekit's own builder. It compares codes of one byte for each value.
    #[default]
    Own,
    /// The crate hnsw_rs builds the graph of the entries that are inserted into an empty index, in one call and on one thread. The graph is then
    /// copied. Later entries are linked by facekit's own builder. It takes longer than facekit's own builder: see BENCHMARKS.md.
    ///
    /// hnsw_rs keeps embeddings in memory that is not overwritten when it is freed.
    #[cfg(feature = "hnsw_rs")]
    HnswRs,
}

impl Default for HnswOptions {
    fn default() -> Self {
        Self {
            links: 16,
            ef_construction: 200,
            ef_search: 200,
            builder: GraphBuilder::default(),
        }
    }
}

impl HnswOptions {
    /// Sets [`links`](Self::links). Values below 2 count as 2, and values above 1,024 as 1,024.
    #[must_use]
    pub fn with_links(mut self, links: usize) -> Self {
        self.links = links;
        self
    }

    /// Sets [`ef_construction`](Self::ef_construction).
    #[must_use]
    pub fn with_ef_construction(mut self, candidates: usize) -> Self {
        self.ef_construction = candidates;
        self
    }

    /// Sets [`ef_search`](Self::ef_search).
    #[must_use]
    pub fn with_ef_search(mut self, candidates: usize) -> Self {
        self.ef_search = candidates;
        self
    }

    /// Sets [`builder`](Self::builder).
    #[must_use]
    pub fn with_builder(mut self, builder: GraphBuilder) -> Self {
        self.builder = builder;
        self
    }
}

/// The greatest number of links of a node.
const MOST_LINKS: usize = 1024;

struct State {
    graph: Graph,
    /// Changes with the live nodes.
    generation: Generation,
}

#[derive(Default)]
struct Writer {
    /// Places of removed nodes.
    free: Vec<u32>,
    /// The number of nodes that were ever added, which decides about levels.
    added: u64,
}

impl HnswIndex {
    /// An empty index.
    #[must_use]
    pub fn new(space: EmbeddingSpace, metric: Metric, options: HnswOptions) -> Self {
        let options = HnswOptions {
            links: options.links.clamp(2, MOST_LINKS),
            ..options
        };
        Self {
            shape: Shape::new(space.dimension()),
            space,
            metric,
            options,
            kernel: Kernel::fastest(),
            state: RwLock::new(State {
                graph: Graph::new(options.links),
                generation: Generation::next(),
            }),
            writer: Mutex::default(),
        }
    }

    /// Sets the number of candidates that a search keeps: see [`HnswOptions::ef_search`].
    #[must_use]
    pub fn with_ef_search(mut self, candidates: usize) -> Self {
        self.options.ef_search = candidates;
        self
    }

    /// The number of bytes in memory: of all that searches through the graph read, and of the embeddings, of which they read
    /// few.
    #[must_use]
    pub fn memory(&self) -> (usize, usize) {
        self.state().graph.memory()
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn planner<'a>(&'a self, graph: &'a Graph) -> Planner<'a> {
        Planner {
            graph,
            kernel: self.kernel,
        }
    }

    /// Links a new node, which no search returns yet.
    fn link(&self, writer: &mut Writer, id: EntryId, embedding: &Embedding) -> u32 {
        let (mut row, residual) = self.encoded(embedding);
        let level = self.level(writer.added);
        writer.added += 1;
        let (node, links) = {
            let state = self.state();
            let graph = &state.graph;
            let node = writer.free.pop().unwrap_or_else(|| graph.capacity() as u32);
            if graph.is_full(node) {
                let nodes = (2 * graph.capacity()).max(1024);
                let arrays = graph.larger_arrays(nodes, &self.shape);
                drop(state);
                let old = self.state_mut().graph.replace_arrays(arrays);
                // Overwriting them takes long, so searches do not wait for it.
                drop(old);
            } else {
                drop(state);
            }
            let state = self.state();
            let planner = self.planner(&state.graph);
            (
                node,
                planner.link(node, level, &row, self.options.ef_construction.max(1)),
            )
        };
        let mut state = self.state_mut();
        let graph = &mut state.graph;
        graph.put(node, id, level, &row, embedding.values(), &self.shape);
        graph.set_links(links);
        graph.residual = graph.residual.max(residual);
        if graph.top.is_none_or(|(_, top)| level > top) {
            graph.top = Some((node, level));
        }
        drop(state);
        wipe(&mut row, Line([0; 64]));
        node
    }

    /// Writes a live node with its links, level by level, into a graph that nobody searches yet. It has room for the node.
    #[cfg(any(feature = "hnsw_rs", feature = "store"))]
    fn place(
        &self,
        graph: &mut Graph,
        node: u32,
        id: EntryId,
        embedding: &Embedding,
        links: Vec<Vec<u32>>,
    ) {
        let (mut row, residual) = self.encoded(embedding);
        let level = links.len().saturating_sub(1);
        graph.put(node, id, level, &row, embedding.values(), &self.shape);
        wipe(&mut row, Line([0; 64]));
        graph.residual = graph.residual.max(residual);
        let levels = links.into_iter().enumerate();
        graph.set_links(levels.map(|(level, list)| ((node, level), list)).collect());
        graph.publish(node);
    }

    /// Takes a graph that [`place`](Self::place) filled, in one step. `added` is the number of nodes that were ever added to it.
    #[cfg(any(feature = "hnsw_rs", feature = "store"))]
    fn replace_graph(&self, writer: &mut Writer, graph: Graph, added: u64) {
        *writer = Writer {
            free: Vec::new(),
            added,
        };
        let mut state = self.state_mut();
        state.graph = graph;
        state.generation = Generation::next();
    }

    /// The codes of an embedding, and its distance from them.
    fn encoded(&self, embedding: &Embedding) -> (Vec<Line>, f32) {
        let mut rotated = vec![0.0; self.shape.rotation.length()];
        self.shape.rotation.rotate(embedding.values(), &mut rotated);
        let mut row = vec![Line([ZERO as u8; 64]); self.shape.lines()];
        let codes = row
            .iter_mut()
            .flat_map(|line| line.0.as_chunks_mut::<CHUNK>().0);
        let residual = self.shape.encode(rotated.as_chunks().0, codes);
        wipe(&mut rotated, 0.0);
        (row, residual)
    }

    /// The level of the node that is added as number `number`: each is reached by one in [`links`](HnswOptions::links) of
    /// those below it.
    fn level(&self, number: u64) -> usize {
        let uniform = ((mix(number.wrapping_add(1)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        (-uniform.ln() / (self.options.links as f64).ln()) as usize
    }

    /// In one step, makes `added` live and removes `removed`.
    fn publish(&self, writer: &mut Writer, added: &[u32], removed: &HashSet<u32>) {
        let (links, top) = {
            let state = self.state();
            if removed.is_empty() {
                (graph::Links::new(), state.graph.top)
            } else {
                self.planner(&state.graph).unlink(removed)
            }
        };
        let mut state = self.state_mut();
        let state = &mut *state;
        state.generation = Generation::next();
        let graph = &mut state.graph;
        graph.set_links(links);
        graph.top = top;
        let mut gone: Vec<u32> = removed.iter().copied().collect();
        gone.sort_unstable();
        for &node in &gone {
            graph.clear(node, &self.shape);
        }
        writer.free.extend(gone);
        for &node in added {
            graph.publish(node);
        }
        if graph.len() == 0 {
            *graph = Graph::new(self.options.links);
            writer.free.clear();
        }
    }

    /// The nodes of `set`.
    fn members(&self, state: &State, set: &EntrySet) -> Arc<Members> {
        set.prepared(state.generation, |set| {
            let nodes = set.iter().filter_map(|id| state.graph.node(id));
            Members::new(nodes.collect(), state.graph.capacity())
        })
    }

    /// Searches with `width` candidates in place of [`HnswOptions::ef_search`].
    pub(super) fn search_wide(
        &self,
        probe: &Embedding,
        options: &SearchOptions<'_>,
        width: usize,
    ) -> Result<Vec<ScoredEntry>> {
        self.space.check(probe.space())?;
        let state = self.state();
        let graph = &state.graph;
        let members = options.entries.map(|set| self.members(&state, set));
        let searched = members
            .as_ref()
            .map_or(graph.len(), |members| members.rows.len());
        let k = options.k.min(searched);
        if k == 0 {
            return Ok(Vec::new());
        }
        let probe = Probe::new(probe.values(), &self.shape);
        let ranking = Ranking {
            probe: &probe,
            metric: self.metric,
            min_score: options.min_score,
            residual: graph.residual,
        };
        let mut shortlist = Shortlist::new(k, ranking.least(), &probe, graph.residual);
        // Of the nodes that a walk finds, those that are not in the set, and those of an insert that has not ended, are of no
        // use. So it must find more.
        let share = searched as f64 / graph.linked_count() as f64;
        let width = (width.max(k) as f64 / share).ceil() as usize;
        // A walk compares with many times as many nodes as it keeps.
        let exact = options.exact || options.recall >= 1.0;
        if exact || width.saturating_mul(8) > searched {
            match &members {
                Some(members) => {
                    self.offer(graph, &probe, members.rows.iter().copied(), &mut shortlist);
                }
                None => self.offer(graph, &probe, graph.live(), &mut shortlist),
            }
        } else if let Some(begin) = walk::descend(graph, self.kernel, &probe.codes, 0) {
            let begin = [begin];
            let near = walk::nearest_with_copies(graph, self.kernel, &probe.codes, &begin, width);
            for (sum, node) in near {
                if graph.is_live(node) && members.as_ref().is_none_or(|set| set.contains(node)) {
                    shortlist.offer(sum, node);
                }
            }
        }
        Ok(ranking.rank_shortlist(shortlist, |node| {
            let values = Row::Single(graph.values(node, &self.shape));
            (values, graph.id(node))
        }))
    }

    /// Compares with the codes of `nodes`.
    fn offer(
        &self,
        graph: &Graph,
        probe: &Probe,
        nodes: impl Iterator<Item = u32>,
        shortlist: &mut Shortlist,
    ) {
        let mut nodes = nodes.peekable();
        let (mut batch, mut sums) = (Vec::new(), Vec::new());
        while nodes.peek().is_some() {
            batch.clear();
            batch.extend(nodes.by_ref().take(256));
            graph.products(self.kernel, &batch, &probe.codes, &mut sums);
            for (&node, &sum) in batch.iter().zip(&sums) {
                shortlist.offer(sum, node);
            }
        }
    }
}

impl VectorIndex for HnswIndex {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn metric(&self) -> Metric {
        self.metric
    }

    fn len(&self) -> usize {
        self.state().graph.len()
    }

    fn insert(&self, entries: &[(EntryId, Embedding)]) -> Result<()> {
        entries
            .iter()
            .try_for_each(|(_, embedding)| self.space.check(embedding.space()))?;
        // Of an id that is given twice, the last embedding counts.
        let last: HashMap<EntryId, usize> = entries
            .iter()
            .enumerate()
            .map(|(nth, (id, _))| (*id, nth))
            .collect();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        #[cfg(feature = "hnsw_rs")]
        if self.options.builder == GraphBuilder::HnswRs && self.is_empty() {
            let numbered = entries.iter().enumerate();
            let entries = numbered.filter(|(nth, (id, _))| last[id] == *nth);
            return self.build_by_hnsw_rs(&mut writer, entries.map(|(_, entry)| entry));
        }
        let replaced: HashSet<u32> = {
            let state = self.state();
            last.keys().filter_map(|id| state.graph.node(*id)).collect()
        };
        let mut added = Vec::with_capacity(last.len());
        for (nth, (id, embedding)) in entries.iter().enumerate() {
            if last[id] == nth {
                added.push(self.link(&mut writer, *id, embedding));
            }
        }
        if !added.is_empty() {
            self.publish(&mut writer, &added, &replaced);
        }
        Ok(())
    }

    fn remove(&self, ids: &[EntryId]) -> Result<usize> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let removed: HashSet<u32> = {
            let state = self.state();
            ids.iter().filter_map(|id| state.graph.node(*id)).collect()
        };
        if !removed.is_empty() {
            self.publish(&mut writer, &[], &removed);
        }
        Ok(removed.len())
    }

    fn search(&self, probe: &Embedding, options: &SearchOptions<'_>) -> Result<Vec<ScoredEntry>> {
        self.search_wide(probe, options, self.options.ef_search)
    }
}

impl fmt::Debug for HnswIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HnswIndex")
            .field("space", &self.space)
            .field("metric", &self.metric)
            .field("len", &self.len())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
