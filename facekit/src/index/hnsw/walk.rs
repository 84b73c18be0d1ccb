//! The search through a graph.

use std::{cell::RefCell, collections::HashSet};

use super::graph::Graph;
use crate::index::kernel::{Kernel, ProbeChunk};

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
pub(super) fn nearest(
    graph: &Graph,
    kernel: Kernel,
    probe: &[ProbeChunk],
    begin: &[u32],
    width: usize,
    level: usize,
) -> Vec<(i32, u32)> {
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
        // Nodes with the next one in the ring of their copies.
        let mut copied = Vec::new();
        loop {
            graph.products(kernel, &unseen, probe, &mut sums);
            for (&node, &sum) in unseen.iter().zip(&sums) {
                // Copies lead nowhere else, and would take the places of others.
                if let Some((same, one)) = from
                    && sum == same
                    && graph.are_copies(node, one)
                {
                    copied.push((one, node));
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
        let found: Vec<_> = found.iter().map(|one| (one.sum, one.node)).collect();
        if copied.is_empty() {
            return found;
        }
        with_copies(graph, &found, &copied, width, level)
    })
}

/// The nodes and their copies, up to `width`. `copied` has the next copy of those nodes that have any.
fn with_copies(
    graph: &Graph,
    found: &[(i32, u32)],
    copied: &[(u32, u32)],
    width: usize,
    level: usize,
) -> Vec<(i32, u32)> {
    let mut all = Vec::with_capacity(width);
    let mut seen: HashSet<u32> = found.iter().map(|&(_, node)| node).collect();
    for &(sum, node) in found {
        if all.len() >= width {
            break;
        }
        all.push((sum, node));
        let copy = copied.iter().find(|(one, _)| *one == node);
        let mut next = copy.map(|&(_, copy)| copy);
        while let Some(copy) = next
            && all.len() < width
            && seen.insert(copy)
        {
            all.push((sum, copy));
            next = graph.copy(copy, level);
        }
    }
    all
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
