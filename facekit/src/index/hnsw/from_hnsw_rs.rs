//! Graphs that the crate hnsw_rs builds. They are copied through its public functions.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError},
};

use hnsw_rs::{
    anndists::dist::distances::Distance,
    hnsw::{Hnsw, Point, PointId},
};

use super::{GraphBuilder, HnswIndex, HnswOptions, Writer, graph::Graph};
use crate::{
    embed::{Embedding, EmbeddingSpace},
    error::{Error, Result},
    index::{EntryId, Metric, VectorIndex as _, kernel::float, shape::Shape, wipe::wipe},
};

/// The greatest number of links for which hnsw_rs builds a graph. It ends the process for more.
const MOST_LINKS: usize = 256;
/// The number of levels of a graph of hnsw_rs.
const LEVELS: usize = 16;

/// The distance in the graphs that facekit lets hnsw_rs build: one less the cosine of two rows, padded with zeros.
#[derive(Clone, Copy, Debug)]
struct OneLessCosine;

impl Distance<f32> for OneLessCosine {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        let mut cosine = [0.0];
        float::dot_products(a, b, &mut cosine);
        (1.0 - cosine[0]).max(0.0)
    }
}

impl HnswIndex {
    /// Copies a graph of the crate hnsw_rs, version 0.3, into an index, which searches it several times as fast.
    ///
    /// The number that was given to hnsw_rs for each vector is the id of its entry. The distance of the graph must order vectors of
    /// length one as the cosine does: `DistDot`, `DistCosine` and `DistL2` do. Lengths are made one. The index has the graph's number of
    /// links, and is independent of the graph: entries can be inserted and removed. Many copies of one vector cut others off in a graph of
    /// hnsw_rs, and so in the index.
    ///
    /// ```
    /// use facekit::{Digest, EmbeddingSpace, HnswIndex, Metric, VectorIndex};
    /// use hnsw_rs::prelude::{DistCosine, Hnsw};
    ///
    /// let graph = Hnsw::<f32, DistCosine>::new(16, 100, 16, 200, DistCosine);
    /// for number in 0..100 {
    ///     let angle = number as f32 / 50.0;
    ///     graph.insert((&[angle.cos(), angle.sin()], number));
    /// }
    /// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
    /// let index = HnswIndex::from_hnsw_rs(space, Metric::Cosine, &graph)?;
    /// assert_eq!(index.len(), 100);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a vector has another dimension than `space`, is zero or not finite, or if a number occurs twice.
    pub fn from_hnsw_rs<D: Distance<f32> + Send + Sync>(
        space: EmbeddingSpace,
        metric: Metric,
        graph: &Hnsw<'_, f32, D>,
    ) -> Result<Self> {
        let links = match graph.get_max_nb_connection() {
            // It is 256, and hnsw_rs returns a byte.
            0 => MOST_LINKS,
            links => links.into(),
        };
        let options = HnswOptions::default()
            .with_links(links)
            .with_ef_construction(graph.get_ef_construction());
        let index = Self::new(space, metric, options);
        let mut writer = Writer::default();
        index.copy(&mut writer, graph, |point| {
            let values = point.get_v().to_vec();
            let embedding = Embedding::new(&index.space, values);
            let embedding = embedding.map_err(|error| {
                let number = point.get_origin_id();
                Error::argument("graph", format!("vector {number}: {error}"))
            });
            Ok((EntryId(point.get_origin_id() as u64), embedding?))
        })?;
        *index.writer.lock().unwrap_or_else(PoisonError::into_inner) = writer;
        Ok(index)
    }

    /// Lets hnsw_rs build the graph of `entries`, and copies it. The index is empty.
    pub(super) fn build_by_hnsw_rs<'a>(
        &self,
        writer: &mut Writer,
        entries: impl Iterator<Item = &'a (EntryId, Embedding)>,
    ) -> Result<()> {
        let links = self.options.links;
        if links > MOST_LINKS {
            let reason = format!("{links} given, at most {MOST_LINKS} with hnsw_rs");
            return Err(Error::argument("links", reason));
        }
        // Copies of an embedding would fill each other's lists of links in hnsw_rs. facekit's own builder links them.
        let mut seen = HashSet::new();
        let bits = |embedding: &Embedding| -> Vec<u32> {
            embedding
                .values()
                .iter()
                .map(|value| value.to_bits())
                .collect()
        };
        let (entries, copies): (Vec<_>, Vec<_>) =
            entries.partition(|(_, embedding)| seen.insert(bits(embedding)));
        seen.drain().for_each(|mut bits| wipe(&mut bits, 0));
        let options = self.options.with_builder(GraphBuilder::Own);
        let index = Self::new(self.space.clone(), self.metric, options);
        let graph = built(self.options, &self.shape, &entries);
        index.copy(&mut Writer::default(), &graph, |point| {
            let (id, embedding) = entries[point.get_origin_id()];
            Ok((*id, embedding.clone()))
        })?;
        drop(graph);
        let copies: Vec<_> = copies.into_iter().cloned().collect();
        index.insert(&copies)?;
        let added = (entries.len() + copies.len()) as u64;
        let state = index
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        self.replace_graph(writer, state.graph, added);
        Ok(())
    }

    /// Replaces the graph by a copy of one of hnsw_rs. `entry` returns the entry of a point.
    fn copy<D: Distance<f32> + Send + Sync>(
        &self,
        writer: &mut Writer,
        from: &Hnsw<'_, f32, D>,
        entry: impl Fn(&Point<'_, f32>) -> Result<(EntryId, Embedding)>,
    ) -> Result<()> {
        let mut points = points(from);
        // In the order of insertion, as nodes of facekit's own builder are.
        points.sort_by_key(|point| point.get_origin_id());
        let numbers: HashMap<PointId, u32> = points
            .iter()
            .zip(0..)
            .map(|(point, node)| (point.get_point_id(), node))
            .collect();
        let mut graph = Graph::new(self.options.links);
        drop(graph.replace_arrays(graph.larger_arrays(points.len(), &self.shape)));
        let top = usize::from(from.get_max_level_observed());
        for (node, point) in (0..).zip(&points) {
            let (id, embedding) = entry(point)?;
            if graph.node(id).is_some() {
                let reason = format!("vector {id} is in it twice");
                return Err(Error::argument("graph", reason));
            }
            let PointId(level, _) = point.get_point_id();
            let level = usize::from(level);
            if level == top && graph.top.is_none() {
                graph.top = Some((node, level));
            }
            let lists = point.get_neighborhood_id().into_iter().take(level + 1);
            let links = lists.enumerate().map(|(level, near)| {
                let own = point.get_point_id();
                // On levels that only one point had when it was inserted, hnsw_rs also links points of lower levels.
                let near = near.into_iter().map(|neighbor| neighbor.p_id);
                let near = near.filter(|id| usize::from(id.0) >= level && *id != own);
                let near = near.filter_map(|id| numbers.get(&id).copied());
                near.take(graph.most_links(level)).collect()
            });
            let links = links.collect();
            self.place(&mut graph, node, id, &embedding, links);
        }
        self.replace_graph(writer, graph, points.len() as u64);
        Ok(())
    }
}

/// The graph that hnsw_rs builds of `entries`, one after the other. The number of a point is its place in `entries`.
fn built(
    options: HnswOptions,
    shape: &Shape,
    entries: &[&(EntryId, Embedding)],
) -> Hnsw<'static, f32, OneLessCosine> {
    let graph = Hnsw::new(
        options.links,
        entries.len(),
        LEVELS,
        options.ef_construction.max(1),
        OneLessCosine,
    );
    let mut row = vec![0.0; shape.stride];
    for (nth, (_, embedding)) in entries.iter().enumerate() {
        row[..embedding.values().len()].copy_from_slice(embedding.values());
        graph.insert((&row, nth));
    }
    wipe(&mut row, 0.0);
    graph
}

/// All points of a graph.
fn points<'a, D: Distance<f32> + Send + Sync>(
    graph: &Hnsw<'a, f32, D>,
) -> Vec<Arc<Point<'a, f32>>> {
    if graph.get_nb_point() == 0 {
        return Vec::new();
    }
    let indexation = graph.get_point_indexation();
    // Each point is in the list of its highest level.
    (0..=graph.get_max_level_observed())
        .flat_map(|level| indexation.get_layer_iterator(level.into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Instant};

    use hnsw_rs::anndists::dist::distances::DistCosine;

    use super::*;
    use crate::index::{
        SearchOptions,
        faces::{Changes, Faces, follows_a_map},
    };

    const OPTIONS: HnswOptions = HnswOptions {
        links: 16,
        ef_construction: 200,
        ef_search: 100,
        builder: GraphBuilder::HnswRs,
    };

    fn empty(faces: &Faces) -> HnswIndex {
        HnswIndex::new(faces.space.clone(), Metric::Cosine, OPTIONS)
    }

    /// The same graph as the index has, in hnsw_rs.
    fn graph(
        index: &HnswIndex,
        entries: &[(EntryId, Embedding)],
    ) -> Hnsw<'static, f32, OneLessCosine> {
        let entries: Vec<_> = entries.iter().collect();
        built(OPTIONS, &index.shape, &entries)
    }

    #[test]
    fn a_copy_has_the_links_of_the_graph() {
        let mut faces = Faces::new(24);
        let entries = faces.people(3_000);
        let index = empty(&faces);
        index.insert(&entries).unwrap();
        let from = graph(&index, &entries);
        let state = index.state();
        let mut seen = 0;
        for point in points(&from) {
            let node = state.graph.node(EntryId(point.get_origin_id() as u64));
            let own: BTreeSet<u64> = state
                .graph
                .links(node.unwrap(), 0)
                .iter()
                .map(|&link| state.graph.id(link).0)
                .collect();
            let lists = point.get_neighborhood_id();
            let theirs: BTreeSet<u64> = lists[0].iter().map(|one| one.d_id as u64).collect();
            assert_eq!(own, theirs);
            seen += own.len();
        }
        assert!(seen > 3_000 * 8, "{seen} links");
        let levels = state.graph.top.unwrap().1;
        assert_eq!(levels, usize::from(from.get_max_level_observed()));
        assert!(levels > 0);
    }

    /// The share of the ten nearest that was found, by the index and by hnsw_rs, and the times of their searches in microseconds.
    fn both(
        index: &HnswIndex,
        from: &Hnsw<'_, f32, OneLessCosine>,
        probes: &[Embedding],
        width: usize,
    ) -> [(f64, f64); 2] {
        let options = SearchOptions::new(10);
        let (mut own, mut theirs) = (0, 0);
        let (mut own_time, mut their_time) = (0.0, 0.0);
        for probe in probes {
            let exact = index.search(probe, &options.with_exact(true)).unwrap();
            let begun = Instant::now();
            let found = index.search_wide(probe, &options, width).unwrap();
            own_time += begun.elapsed().as_secs_f64();
            own += exact.iter().filter(|one| found.contains(one)).count();

            let mut row = probe.values().to_vec();
            row.resize(index.shape.stride, 0.0);
            let begun = Instant::now();
            let near = from.search(&row, 10, width);
            their_time += begun.elapsed().as_secs_f64();
            let near: BTreeSet<u64> = near.iter().map(|one| one.d_id as u64).collect();
            theirs += exact
                .iter()
                .filter(|one| near.contains(&one.entry.0))
                .count();
        }
        let all = 10.0 * probes.len() as f64;
        let each = 1e6 / probes.len() as f64;
        [
            (own as f64 / all, own_time * each),
            (theirs as f64 / all, their_time * each),
        ]
    }

    /// With `FACEKIT_SOAK` set, prints times for 20,000 embeddings of 128 values.
    #[test]
    fn a_copy_finds_as_many_as_the_graph() {
        let soak = std::env::var_os("FACEKIT_SOAK").is_some();
        let (dimension, people) = if soak { (128, 20_000) } else { (32, 4_000) };
        let mut faces = Faces::new(dimension);
        let entries = faces.people(people);
        let probes: Vec<Embedding> = (0..200).map(|_| faces.person()).collect();
        let index = empty(&faces);
        let begun = Instant::now();
        index.insert(&entries).unwrap();
        let theirs = begun.elapsed().as_secs_f64();
        let own = HnswIndex::new(
            faces.space.clone(),
            Metric::Cosine,
            OPTIONS.with_builder(GraphBuilder::Own),
        );
        let begun = Instant::now();
        own.insert(&entries).unwrap();
        let build = begun.elapsed().as_secs_f64();
        println!(
            "{people} x {dimension}: own builder {build:.2} s, hnsw_rs and the copy {theirs:.2} s"
        );
        let from = graph(&index, &entries);
        for width in [50, 100, 200, 400] {
            let [copy, original] = both(&index, &from, &probes, width);
            let [built, _] = both(&own, &from, &probes, width);
            println!(
                "ef {width}: own graph {:.3} in {:.0} us, copy {:.3} in {:.0} us, hnsw_rs {:.3} in {:.0} us",
                built.0, built.1, copy.0, copy.1, original.0, original.1
            );
            assert!(
                copy.0 > original.0 - 0.01,
                "{width}: {copy:?}, {original:?}"
            );
        }
    }

    #[test]
    fn a_graph_with_another_distance_is_copied() {
        let mut faces = Faces::new(20);
        let entries = faces.people(3_000);
        let from = Hnsw::<f32, DistCosine>::new(12, 3_000, 16, 100, DistCosine);
        let numbered: Vec<(&[f32], usize)> = entries
            .iter()
            .map(|(id, embedding)| (embedding.values(), 7 * id.0 as usize + 5))
            .collect();
        from.parallel_insert_slice(&numbered);
        let index = HnswIndex::from_hnsw_rs(faces.space.clone(), Metric::Euclidean, &from).unwrap();
        let index = index.with_ef_search(80);
        assert_eq!(index.len(), 3_000);
        assert_eq!(
            (index.options.links, index.options.ef_construction),
            (12, 100)
        );
        let mut hits = 0;
        for (id, embedding) in entries.iter().step_by(10) {
            let found = index.search(embedding, &SearchOptions::new(1)).unwrap();
            hits += usize::from(found[0].entry.0 == 7 * id.0 + 5);
        }
        assert!(hits >= 297, "{hits} of 300");
        // Its own builder goes on.
        let late = faces.person();
        index.insert(&[(EntryId(1), late.clone())]).unwrap();
        let found = index.search(&late, &SearchOptions::new(1)).unwrap();
        assert_eq!(found[0].entry, EntryId(1));
    }

    #[test]
    fn what_is_no_index_is_refused() {
        let space = Faces::new(3).space;
        let copied = |vectors: &[(&[f32], usize)]| {
            let graph = Hnsw::<f32, DistCosine>::new(8, 10, 16, 50, DistCosine);
            for vector in vectors {
                graph.insert(*vector);
            }
            HnswIndex::from_hnsw_rs(space.clone(), Metric::Cosine, &graph)
        };
        assert!(copied(&[]).unwrap().is_empty());
        let one: &[f32] = &[1.0, 2.0, 3.0];
        assert_eq!(copied(&[(one, 4)]).unwrap().len(), 1);
        for (vectors, reason) in [
            (vec![(&[1.0, 2.0][..], 4)], "vector 4"),
            (vec![(one, 9), (&[0.0; 3], 5)], "vector 5"),
            (
                vec![(one, 6), (&[3.0, 2.0, 1.0], 6)],
                "vector 6 is in it twice",
            ),
        ] {
            let error = copied(&vectors).unwrap_err();
            let names_it = matches!(
                error,
                Error::InvalidArgument {
                    argument: "graph",
                    ..
                }
            );
            assert!(names_it && error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn copies_do_not_cut_the_others_off() {
        let mut faces = Faces::new(32);
        let mut entries = faces.people(1_500);
        let copied = faces.person();
        entries.extend((0..400).map(|nth| (EntryId(10_000 + nth), copied.clone())));
        let index = empty(&faces);
        index.insert(&entries).unwrap();
        assert_eq!(index.len(), 1_900);
        let mut hits = 0;
        for (id, person) in entries[..1_500].iter().step_by(5) {
            let found = index.search(person, &SearchOptions::new(1)).unwrap();
            hits += usize::from(found[0].entry == *id);
        }
        assert!(hits >= 294, "{hits} of 300");
        let found = index.search(&copied, &SearchOptions::new(90)).unwrap();
        assert!(found.iter().all(|found| found.entry.0 >= 10_000) && found.len() == 90);
    }

    #[test]
    fn too_many_links_are_refused() {
        let mut faces = Faces::new(8);
        let options = OPTIONS.with_links(257);
        let index = HnswIndex::new(faces.space.clone(), Metric::Cosine, options);
        let error = index.insert(&faces.people(1)).unwrap_err().to_string();
        assert!(error.contains("257 given, at most 256"), "{error}");
        assert!(index.is_empty());
    }

    #[test]
    fn follows_a_map_through_changes() {
        let mut faces = Faces::new(16);
        let changes = Changes {
            rounds: 40,
            most: 150.0,
            first: 600.0,
            stretch: 300,
        };
        follows_a_map(&empty(&faces), &mut faces, &changes);
    }
}
