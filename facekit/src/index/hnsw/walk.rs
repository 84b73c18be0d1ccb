//! The search through a graph.

use std::{cell::RefCell, collections::HashSet};

use super::graph::Graph;
use crate::index::kernel::{Kernel, ProbeChunk};

/// The number of copies of nodes that a walk goes through, at most. Without a limit, the insertion of many copies would take a time that
/// grows with the square of their number.
const MOST_COPIES: usize = 2048;

thread_local! {
    static VISITED: RefCell<Visited> = RefCell::default();
}

/// The nodes that a search has seen: those that have its stamp.
#[derive(Default)]
struct Visited {
    stamps: Vec<u16>,
    stamp: u16,
}

impl Visited {
    fn begin(&mut self, nodes: usize) {
        if self.stamp == u16::MAX {
            self.stamps.fill(0);
            self.stamp = 0;
        }
        self.stamp += 1;
        if self.stamps.len() < nodes {
            self.stamps.resize(nodes, 0);
        }
    }

    /// Returns true the first time.
    fn visit(&mut self, node: u32) -> bool {
        let stamp = &mut self.stamps[node as usize];
        let first = *stamp != self.stamp;
        *stamp = self.stamp;
        first
    }
}

/// A node that a search has compared with the probe.
#[derive(Clone, Copy)]
struct Found {
    sum: i32,
    node: u32,
    expanded: bool,
}

/// The nodes of a level with the greatest sums of products, greatest first: up to `width`, found from `begin` on. The width is
/// `ef` in "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World graphs" by
/// Malkov and Yashunin (2016), algorithm 2.
///
/// Of nodes with the same codes, one is enough to go on from: it stands for all.
pub(super) fn nearest(
    graph: &Graph,
    kernel: Kernel,
    probe: &[ProbeChunk],
    begin: &[u32],
    width: usize,
    level: usize,
) -> Vec<(i32, u32)> {
    walk(graph, kernel, probe, begin, width, level).0
}

/// The same on the lowest level, with all nodes of the same codes.
pub(super) fn nearest_with_copies(
    graph: &Graph,
    kernel: Kernel,
    probe: &[ProbeChunk],
    begin: &[u32],
    width: usize,
) -> Vec<(i32, u32)> {
    let (found, copied) = walk(graph, kernel, probe, begin, width, 0);
    if copied.is_empty() {
        return found;
    }
    let mut all = Vec::with_capacity(width);
    let mut seen: HashSet<u32> = found.iter().map(|&(_, node)| node).collect();
    for (sum, node) in found {
        if all.len() >= width {
            break;
        }
        all.push((sum, node));
        if !copied.contains(&node) {
            continue;
        }
        let mut next = graph.copy(node, 0);
        while let Some(copy) = next
            && all.len() < width
            && seen.insert(copy)
        {
            all.push((sum, copy));
            next = graph.copy(copy, 0);
        }
    }
    all
}

/// The nodes that [`nearest`] returns, and those of them that have copies.
fn walk(
    graph: &Graph,
    kernel: Kernel,
    probe: &[ProbeChunk],
    begin: &[u32],
    width: usize,
    level: usize,
) -> (Vec<(i32, u32)>, Vec<u32>) {
    VISITED.with_borrow_mut(|visited| {
        visited.begin(graph.capacity());
        // No more nodes than there are can be found.
        let width = width.min(graph.capacity());
        let mut found: Vec<Found> = Vec::with_capacity(width + 1);
        let mut sums = Vec::new();
        let mut unseen: Vec<u32> = begin.to_vec();
        unseen.retain(|&node| visited.visit(node));
        let mut next = 0;
        // The node whose links are compared, and its sum.
        let mut from = None;
        let mut copied = Vec::new();
        // Copies of it whose links are not compared yet.
        let mut through: Vec<u32> = Vec::new();
        let mut left = MOST_COPIES;
        loop {
            graph.products(kernel, &unseen, probe, &mut sums);
            for (&node, &sum) in unseen.iter().zip(&sums) {
                // A copy would take the place of another node. The walk goes through it, and does not keep it.
                if let Some((same, one)) = from
                    && sum == same
                    && graph.are_copies(node, one)
                {
                    if copied.last() != Some(&one) {
                        copied.push(one);
                    }
                    through.push(node);
                    continue;
                }
                if found.len() == width && found.last().is_some_and(|last| sum <= last.sum) {
                    continue;
                }
                let place = found.partition_point(|other| other.sum >= sum);
                found.insert(
                    place,
                    Found {
                        sum,
                        node,
                        expanded: false,
                    },
                );
                found.truncate(width);
                next = next.min(place);
            }
            if let Some(copy) = through.pop()
                && left > 0
            {
                left -= 1;
                unseen.clear();
                let links = graph.links(copy, level).iter();
                unseen.extend(links.filter(|&&link| visited.visit(link)));
                continue;
            }
            through.clear();
            while found.get(next).is_some_and(|one| one.expanded) {
                next += 1;
            }
            let Some(one) = found.get_mut(next) else {
                break;
            };
            one.expanded = true;
            from = Some((one.sum, one.node));
            unseen.clear();
            let links = graph.links(one.node, level).iter();
            unseen.extend(links.filter(|&&link| visited.visit(link)));
        }
        let found = found.iter().map(|one| (one.sum, one.node)).collect();
        (found, copied)
    })
}

/// The node of the lowest level from which to search for `probe`: the nearest that is found on the levels above `level`.
pub(super) fn descend(
    graph: &Graph,
    kernel: Kernel,
    probe: &[ProbeChunk],
    level: usize,
) -> Option<u32> {
    let (mut node, top) = graph.top?;
    for level in (level + 1..=top).rev() {
        if let Some(&(_, nearest)) = nearest(graph, kernel, probe, &[node], 1, level).first() {
            node = nearest;
        }
    }
    Some(node)
}
