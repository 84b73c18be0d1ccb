//! The graph in flat arrays.

use std::{collections::HashMap, mem::swap};

use hashbrown::HashTable;

use crate::index::{
    EntryId,
    kernel::{CHUNK, Kernel, Line, ProbeChunk},
    rotation::mix,
    shape::{Shape, ZERO},
    wipe::wipe,
};

/// The end of a list of links that is not full.
const NONE: u32 = u32::MAX;

/// Nodes, and their links on each level.
///
/// A node is added in two steps: first it is linked, so that searches pass through it, and at the end of a batch it becomes
/// live, so that they return it.
#[derive(Debug)]
pub(super) struct Graph {
    /// The number of lines of a row of codes.
    lines: usize,
    /// The number of links of a node on each level but the lowest, which has twice as many.
    links: usize,
    ids: Vec<EntryId>,
    codes: Vec<Line>,
    values: Vec<f32>,
    /// The links on the lowest level.
    lowest: Vec<u32>,
    /// The links on the other levels, level by level, of the nodes that have any.
    upper: HashMap<u32, Vec<u32>>,
    /// A bit for each node that is linked.
    linked: Vec<u64>,
    /// The number of these nodes.
    linked_count: usize,
    /// A bit for each node that searches return.
    live: Vec<u64>,
    /// Where searches begin: a node of the highest level, and the level.
    pub(super) top: Option<(u32, usize)>,
    /// The live node of each entry.
    nodes: HashTable<u32>,
    /// The greatest distance of an embedding from its codes.
    pub(super) residual: f32,
}

/// Changed links of a node on a level.
pub(super) type Links = HashMap<(u32, usize), Vec<u32>>;

/// The codes of a node, as a probe. Two of them have the same similarity in both directions.
pub(super) struct NodeProbe {
    pub(super) codes: Vec<ProbeChunk>,
    zero: i32,
    /// The similarity to itself.
    own: i32,
}

impl Drop for NodeProbe {
    fn drop(&mut self) {
        wipe(&mut self.codes, [0; CHUNK]);
    }
}

impl NodeProbe {
    /// `codes` have one byte for each value.
    fn new<'a>(codes: impl Iterator<Item = &'a Line>) -> Self {
        let chunks = codes.flat_map(|line| line.0.as_chunks::<CHUNK>().0);
        let codes: Vec<ProbeChunk> = chunks
            // Subtracts 128.
            .map(|chunk| chunk.map(|code| (code ^ 128).cast_signed()))
            .collect();
        let values = codes.as_flattened().iter().map(|&code| i32::from(code));
        let (sum, own) = values.fold((0, 0), |(sum, own), code| (sum + code, own + code * code));
        Self {
            codes,
            zero: sum * ZERO,
            own,
        }
    }

    pub(super) fn of_row(row: &[Line]) -> Self {
        Self::new(row.iter())
    }

    /// Returns true if only a copy, or a node of greater length, has this similarity.
    pub(super) fn may_be_copy(&self, similarity: i32) -> bool {
        similarity >= self.own
    }

    /// The similarity to a node, from the sum of products.
    pub(super) fn similarity(&self, sum: i32) -> i32 {
        sum - self.zero
    }
}

impl Graph {
    pub(super) fn new(links: usize) -> Self {
        Self {
            lines: 0,
            links,
            ids: Vec::new(),
            codes: Vec::new(),
            values: Vec::new(),
            lowest: Vec::new(),
            upper: HashMap::new(),
            linked: Vec::new(),
            linked_count: 0,
            live: Vec::new(),
            top: None,
            nodes: HashTable::new(),
            residual: 0.0,
        }
    }

    /// The number of live nodes.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The number of places for nodes.
    pub(super) fn capacity(&self) -> usize {
        self.ids.len()
    }

    /// The greatest number of links on a level.
    pub(super) fn most_links(&self, level: usize) -> usize {
        if level == 0 {
            2 * self.links
        } else {
            self.links
        }
    }

    pub(super) fn node(&self, id: EntryId) -> Option<u32> {
        self.nodes
            .find(mix(id.0), |&node| self.ids[node as usize] == id)
            .copied()
    }

    pub(super) fn id(&self, node: u32) -> EntryId {
        self.ids[node as usize]
    }

    pub(super) fn is_live(&self, node: u32) -> bool {
        bit(&self.live, node)
    }

    /// The live nodes, in order.
    pub(super) fn live(&self) -> impl Iterator<Item = u32> {
        set_bits(&self.live)
    }

    /// The number of linked nodes, live or not.
    pub(super) fn linked_count(&self) -> usize {
        self.linked_count
    }

    /// The linked nodes, in order.
    pub(super) fn linked(&self) -> impl Iterator<Item = u32> {
        set_bits(&self.linked)
    }

    pub(super) fn values(&self, node: u32, shape: &Shape) -> &[f32] {
        &self.values[node as usize * shape.stride..][..shape.stride]
    }

    /// The nodes on levels above the lowest, and the number of these levels.
    pub(super) fn upper(&self) -> impl Iterator<Item = (u32, usize)> {
        let links = self.links;
        self.upper
            .iter()
            .map(move |(&node, lists)| (node, lists.len() / links))
    }

    pub(super) fn links(&self, node: u32, level: usize) -> &[u32] {
        let most = self.most_links(level);
        let list = match level {
            0 => &self.lowest[node as usize * most..][..most],
            _ => match self.upper.get(&node) {
                Some(lists) => lists.get((level - 1) * most..level * most).unwrap_or(&[]),
                None => &[],
            },
        };
        let end = list.iter().position(|&link| link == NONE);
        &list[..end.unwrap_or(list.len())]
    }

    pub(super) fn row(&self, node: u32) -> &[Line] {
        &self.codes[node as usize * self.lines..][..self.lines]
    }

    pub(super) fn probe(&self, node: u32) -> NodeProbe {
        NodeProbe::of_row(self.row(node))
    }

    /// Returns true if two nodes have the same codes.
    pub(super) fn are_copies(&self, one: u32, other: u32) -> bool {
        self.row(one) == self.row(other)
    }

    /// The copy of `node` that it is linked to: one with the same codes.
    pub(super) fn copy(&self, node: u32, level: usize) -> Option<u32> {
        let mut links = self.links(node, level).iter().copied();
        links.find(|&link| self.are_copies(node, link))
    }

    /// The sums of products of nodes with a probe.
    pub(super) fn products(
        &self,
        kernel: Kernel,
        nodes: &[u32],
        probe: &[ProbeChunk],
        sums: &mut Vec<i32>,
    ) {
        sums.resize(nodes.len(), 0);
        kernel.row_products(&self.codes, nodes, probe, sums);
    }

    /// The similarities of nodes to a node.
    pub(super) fn similarities(
        &self,
        kernel: Kernel,
        nodes: &[u32],
        probe: &NodeProbe,
        sums: &mut Vec<i32>,
    ) {
        self.products(kernel, nodes, &probe.codes, sums);
        sums.iter_mut()
            .for_each(|sum| *sum = probe.similarity(*sum));
    }

    /// Returns true if there is no place for node `node`.
    pub(super) fn is_full(&self, node: u32) -> bool {
        node as usize >= self.ids.capacity()
    }

    /// The same arrays with room for `nodes` nodes, for [`replace_arrays`](Self::replace_arrays).
    pub(super) fn larger_arrays(&self, nodes: usize, shape: &Shape) -> Arrays {
        fn larger<T: Copy>(from: &[T], capacity: usize) -> Vec<T> {
            let mut to = Vec::with_capacity(capacity);
            to.extend_from_slice(from);
            to
        }
        Arrays {
            ids: larger(&self.ids, nodes),
            codes: larger(&self.codes, nodes * shape.lines()),
            values: larger(&self.values, nodes * shape.stride),
            lowest: larger(&self.lowest, nodes * self.most_links(0)),
        }
    }

    /// Takes larger arrays with the same content, and returns the old ones.
    pub(super) fn replace_arrays(&mut self, mut arrays: Arrays) -> Arrays {
        swap(&mut self.ids, &mut arrays.ids);
        swap(&mut self.codes, &mut arrays.codes);
        swap(&mut self.values, &mut arrays.values);
        swap(&mut self.lowest, &mut arrays.lowest);
        arrays
    }

    /// Writes a node, which has the levels up to `level`, without links.
    pub(super) fn put(
        &mut self,
        node: u32,
        id: EntryId,
        level: usize,
        row: &[Line],
        values: &[f32],
        shape: &Shape,
    ) {
        let at = node as usize;
        self.lines = row.len();
        if at == self.ids.len() {
            self.ids.push(id);
            self.codes.extend_from_slice(row);
            self.values.resize((at + 1) * shape.stride, 0.0);
            self.lowest.resize((at + 1) * self.most_links(0), NONE);
            let words = (at + 1).div_ceil(64);
            self.linked.resize(words, 0);
            self.live.resize(words, 0);
        } else {
            self.ids[at] = id;
            self.codes[at * row.len()..][..row.len()].copy_from_slice(row);
        }
        self.values[at * shape.stride..][..values.len()].copy_from_slice(values);
        if level > 0 {
            self.upper.insert(node, vec![NONE; level * self.links]);
        }
        self.linked[at / 64] |= 1 << (at % 64);
        self.linked_count += 1;
    }

    pub(super) fn set_links(&mut self, links: Links) {
        for ((node, level), links) in links {
            let most = self.most_links(level);
            let list = match level {
                0 => Some(&mut self.lowest[node as usize * most..][..most]),
                _ => self
                    .upper
                    .get_mut(&node)
                    .and_then(|lists| lists.get_mut((level - 1) * most..level * most)),
            };
            if let Some(list) = list {
                list.fill(NONE);
                list[..links.len()].copy_from_slice(&links);
            }
        }
    }

    /// Makes a linked node live.
    pub(super) fn publish(&mut self, node: u32) {
        self.live[node as usize / 64] |= 1 << (node % 64);
        let Self { nodes, ids, .. } = self;
        let hash = |node: &u32| mix(ids[*node as usize].0);
        nodes.insert_unique(hash(&node), node, hash);
    }

    /// Removes a live node, to which no links are left, and overwrites everything that was computed from its embedding.
    pub(super) fn clear(&mut self, node: u32, shape: &Shape) {
        let at = node as usize;
        if let Ok(entry) = self
            .nodes
            .find_entry(mix(self.ids[at].0), |&other| other == node)
        {
            entry.remove();
        }
        self.live[at / 64] &= !(1 << (at % 64));
        self.linked[at / 64] &= !(1 << (at % 64));
        self.linked_count -= 1;
        self.ids[at] = EntryId(u64::MAX);
        let lines = shape.lines();
        self.codes[at * lines..][..lines].fill(Line([ZERO as u8; 64]));
        self.values[at * shape.stride..][..shape.stride].fill(0.0);
        let most = self.most_links(0);
        self.lowest[at * most..][..most].fill(NONE);
        self.upper.remove(&node);
    }

    /// The number of bytes in memory: of what a search through the graph reads, and of the embeddings.
    pub(super) fn memory(&self) -> (usize, usize) {
        let upper = self.upper.values().map(|lists| lists.capacity() * 4 + 48);
        (
            self.codes.capacity() * size_of::<Line>()
                + self.lowest.capacity() * 4
                + self.ids.capacity() * 8
                + self.nodes.allocation_size()
                + upper.sum::<usize>(),
            self.values.capacity() * size_of::<f32>(),
        )
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        wipe(&mut self.codes, Line([0; 64]));
        wipe(&mut self.values, 0.0);
    }
}

/// The arrays of a graph. They are overwritten when they are dropped.
pub(super) struct Arrays {
    ids: Vec<EntryId>,
    codes: Vec<Line>,
    values: Vec<f32>,
    lowest: Vec<u32>,
}

impl Drop for Arrays {
    fn drop(&mut self) {
        wipe(&mut self.codes, Line([0; 64]));
        wipe(&mut self.values, 0.0);
    }
}

fn bit(bits: &[u64], at: u32) -> bool {
    bits[at as usize / 64] >> (at % 64) & 1 == 1
}

fn set_bits(words: &[u64]) -> impl Iterator<Item = u32> {
    words.iter().enumerate().flat_map(|(word, &bits)| {
        let mut bits = bits;
        std::iter::from_fn(move || {
            let at = (bits != 0).then(|| word as u32 * 64 + bits.trailing_zeros())?;
            bits &= bits - 1;
            Some(at)
        })
    })
}
