//! Changes of a graph, computed while it is only read.

use std::collections::HashSet;

use super::{
    graph::{Graph, Links, NodeProbe},
    walk,
};
use crate::index::kernel::{Kernel, Line};

/// Computes changes of a graph.
pub(super) struct Planner<'a> {
    pub(super) graph: &'a Graph,
    pub(super) kernel: Kernel,
}

impl Planner<'_> {
    /// The links of a new node with these codes, and the changed links of its neighbors.
    pub(super) fn link(&self, node: u32, level: usize, row: &[Line], width: usize) -> Links {
        let mut links = Links::new();
        let Some((_, top)) = self.graph.top else {
            return links;
        };
        let probe = NodeProbe::of_row(row);
        let Some(begin) = walk::descend(self.graph, self.kernel, &probe.codes, level) else {
            return links;
        };
        let mut begin = vec![begin];
        for level in (0..=level.min(top)).rev() {
            let near = walk::nearest(self.graph, self.kernel, &probe.codes, &begin, width, level);
            begin = nodes(&near);
            let near = near
                .into_iter()
                .map(|(sum, other)| (probe.similarity(sum), other))
                .collect();
            // A new node takes half of the places, as in the paper. The others are for nodes that come later.
            let most = self.graph.most_links(1);
            let (own, copy) = self.spread(&probe, row, &ordered(near), most);
            let mut list = nodes(&own);
            if let Some(copy) = copy
                && let Some(next) = self.graph.copy(copy, level)
            {
                // The new node takes the place behind its copy in the ring.
                let theirs = self.graph.links(copy, level).iter();
                let theirs = theirs.map(|&link| if link == next { node } else { link });
                links.insert((copy, level), theirs.collect());
                list.iter_mut()
                    .filter(|link| **link == copy)
                    .for_each(|link| *link = next);
            } else {
                for &(similarity, neighbor) in &own {
                    // Others find a copy through the node that it is a copy of.
                    if copy.is_none_or(|copy| copy == neighbor) {
                        let theirs = self.with(neighbor, similarity, level, node, &probe, row);
                        links.insert((neighbor, level), theirs);
                    }
                }
            }
            links.insert((node, level), list);
        }
        links
    }

    /// The links of `neighbor` with a new node among them. `similarity` is that of the two; `new` and `row` have the codes of the new node.
    fn with(
        &self,
        neighbor: u32,
        similarity: i32,
        level: usize,
        node: u32,
        new: &NodeProbe,
        row: &[Line],
    ) -> Vec<u32> {
        let mut list = self.graph.links(neighbor, level).to_vec();
        let most = self.graph.most_links(level);
        if list.len() < most {
            list.push(node);
            return list;
        }
        // The new node is not in the graph yet, so its similarities are computed from its side.
        let mut to_new = Vec::new();
        self.graph
            .similarities(self.kernel, &list, new, &mut to_new);
        let mut near = self.near(&self.graph.probe(neighbor), &list);
        let place = near.partition_point(|&(other, _)| other >= similarity);
        near.insert(place, (similarity, node));

        // The copy that the neighbor is linked to keeps its place; a first one takes a place.
        let copy = self.graph.copy(neighbor, level);
        let mut chosen: Vec<u32> = Vec::with_capacity(most);
        chosen.extend(copy);
        let mut sums = Vec::new();
        let mut new_is_chosen =
            copy.is_none() && new.may_be_copy(similarity) && self.graph.row(neighbor) == row;
        let is_placed = new_is_chosen;
        for (similarity, candidate) in near {
            if chosen.len() + usize::from(new_is_chosen) == most {
                break;
            }
            if copy == Some(candidate) || is_placed && candidate == node {
                continue;
            }
            let is_far = |other: &i32| *other <= similarity;
            if candidate == node {
                let of = |one: &u32| list.iter().position(|other| other == one);
                let mut others = chosen.iter().filter_map(|one| Some(to_new[of(one)?]));
                new_is_chosen = others.all(|other| is_far(&other));
                continue;
            }
            if new_is_chosen {
                let at = list.iter().position(|&other| other == candidate);
                if at.is_some_and(|at| !is_far(&to_new[at])) {
                    continue;
                }
            }
            let probe = self.graph.probe(candidate);
            self.graph
                .similarities(self.kernel, &chosen, &probe, &mut sums);
            if sums.iter().all(is_far) {
                chosen.push(candidate);
            }
        }
        if new_is_chosen {
            chosen.push(node);
        }
        chosen
    }

    /// The links that close the gaps which `removed` nodes leave, and the node where searches begin then.
    pub(super) fn unlink(&self, removed: &HashSet<u32>) -> (Links, Option<(u32, usize)>) {
        let graph = self.graph;
        let mut links = Links::new();
        let mut repair = |node: u32, level: usize| {
            let old = graph.links(node, level);
            if !removed.contains(&node) && old.iter().any(|link| removed.contains(link)) {
                let next = self.next_copy(node, level, removed);
                let row = graph.row(node);
                let is_copy = |other: u32| graph.row(other) == row;
                let mut candidates = self.around(node, level, removed);
                candidates.retain(|&other| !is_copy(other));
                candidates.extend(next);
                let probe = graph.probe(node);
                let near = self.near(&probe, &candidates);
                let (own, _) = self.spread(&probe, row, &near, graph.most_links(level));
                links.insert((node, level), nodes(&own));
            }
        };
        graph.linked().for_each(|node| repair(node, 0));
        for (node, levels) in graph.upper() {
            (1..=levels).for_each(|level| repair(node, level));
        }

        // A node that is linked anew links back where there is room, so that it can be reached.
        let mut repaired: Vec<_> = links
            .iter()
            .flat_map(|(&(node, level), list)| list.iter().map(move |&to| (node, level, to)))
            .collect();
        // Equal changes give equal graphs, so the order of a hash map must not count where there is not room for all.
        repaired.sort_unstable();
        for (node, level, to) in repaired {
            let [from, other] = [node, to].map(|node| graph.row(node));
            // Copies are linked in a ring, which is not followed backwards.
            if graph.links(node, level).contains(&to) || from == other {
                continue;
            }
            let list = links
                .entry((to, level))
                .or_insert_with(|| graph.links(to, level).to_vec());
            if list.len() < graph.most_links(level) && !list.contains(&node) {
                list.push(node);
            }
        }

        let top = graph.top.and_then(|top| {
            if !removed.contains(&top.0) {
                return Some(top);
            }
            let upper = graph.upper().filter(|(node, _)| !removed.contains(node));
            let highest = upper.max_by_key(|&(node, level)| (level, std::cmp::Reverse(node)));
            highest.or_else(|| {
                let mut rest = graph.linked().filter(|node| !removed.contains(node));
                Some((rest.next()?, 0))
            })
        });
        (links, top)
    }

    /// The nodes that `node` is linked to, or would be if links led past removed nodes.
    fn around(&self, node: u32, level: usize, removed: &HashSet<u32>) -> Vec<u32> {
        // Enough to choose from.
        let enough = 4 * self.graph.most_links(level);
        let mut seen = HashSet::from([node]);
        let mut near = Vec::new();
        let mut through = vec![node];
        let mut next = 0;
        while let Some(&from) = through.get(next) {
            next += 1;
            if near.len() >= enough && from != node {
                break;
            }
            for &link in self.graph.links(from, level) {
                if seen.insert(link) {
                    if removed.contains(&link) {
                        through.push(link);
                    } else {
                        near.push(link);
                    }
                }
            }
        }
        near
    }

    /// Nodes with their similarities to a probe, most similar first.
    fn near(&self, probe: &NodeProbe, nodes: &[u32]) -> Vec<(i32, u32)> {
        let mut similarities = Vec::new();
        self.graph
            .similarities(self.kernel, nodes, probe, &mut similarities);
        ordered(
            similarities
                .into_iter()
                .zip(nodes.iter().copied())
                .collect(),
        )
    }

    /// Up to `most` of the nodes with their similarities, none more similar to one that was chosen before it than to the node in the middle:
    /// algorithm 4 of the paper. So links lead into all directions.
    ///
    /// Of the copies of the node in the middle, which are as similar to everything as it is, one is chosen. It is returned, too. All
    /// copies of a node are linked in a ring, so that they are found from one another, and all other links lead out.
    fn spread(
        &self,
        middle: &NodeProbe,
        row: &[Line],
        near: &[(i32, u32)],
        most: usize,
    ) -> (Vec<(i32, u32)>, Option<u32>) {
        let mut own = Vec::with_capacity(most);
        let mut chosen = Vec::with_capacity(most);
        let mut sums = Vec::new();
        let is_copy = |&(similarity, node): &(i32, u32)| {
            middle.may_be_copy(similarity) && self.graph.row(node) == row
        };
        // First, so that a longer node that is nearly a copy does not take its place.
        let copy = near.iter().copied().find(is_copy);
        if let Some((similarity, node)) = copy {
            chosen.push(node);
            own.push((similarity, node));
        }
        for &(similarity, node) in near {
            if chosen.len() == most {
                break;
            }
            if is_copy(&(similarity, node)) {
                continue;
            }
            let probe = self.graph.probe(node);
            self.graph
                .similarities(self.kernel, &chosen, &probe, &mut sums);
            if sums.iter().all(|&other| other <= similarity) {
                chosen.push(node);
                own.push((similarity, node));
            }
        }
        (own, copy.map(|(_, node)| node))
    }

    /// The next copy of `node` in the ring that is not removed.
    fn next_copy(&self, node: u32, level: usize, removed: &HashSet<u32>) -> Option<u32> {
        let mut next = self.graph.copy(node, level)?;
        // A ring that is not closed must not be followed without end.
        for _ in 0..removed.len() {
            if !removed.contains(&next) {
                break;
            }
            next = self.graph.copy(next, level)?;
        }
        (next != node && !removed.contains(&next)).then_some(next)
    }
}

/// Sorts nodes by their similarities, most similar first.
fn ordered(mut near: Vec<(i32, u32)>) -> Vec<(i32, u32)> {
    near.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    near
}

/// The nodes, without their similarities.
fn nodes(near: &[(i32, u32)]) -> Vec<u32> {
    near.iter().map(|&(_, node)| node).collect()
}
