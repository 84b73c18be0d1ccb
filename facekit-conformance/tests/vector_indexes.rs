//! The suite for every vector index, and for pointers to one.

use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
};

#[cfg(feature = "hnsw_rs")]
use facekit::GraphBuilder;
use facekit::{
    AutoIndex, Embedding, EmbeddingSpace, EntryId, FlatIndex, HnswIndex, HnswOptions, Metric,
    Result, ScoredEntry, SearchOptions, SearchStrategy, VectorIndex,
};
use facekit_conformance::vector_index_suite;

vector_index_suite!(plain, Plain::new, recall: 1.0);
vector_index_suite!(flat, flat_index, recall: 1.0);
vector_index_suite!(
    flat_boxed,
    |space: &EmbeddingSpace, metric| -> Box<dyn VectorIndex> { Box::new(flat_index(space, metric)) },
    recall: 1.0,
);
vector_index_suite!(
    flat_shared,
    |space: &EmbeddingSpace, metric| -> Arc<dyn VectorIndex> { Arc::new(flat_index(space, metric)) },
    recall: 1.0,
);
vector_index_suite!(
    flat_deterministic,
    |space: &EmbeddingSpace, metric| flat_index(space, metric).with_strategy(SearchStrategy::Deterministic),
    recall: 1.0,
);
vector_index_suite!(
    flat_scan,
    |space: &EmbeddingSpace, metric| flat_index(space, metric).with_strategy(SearchStrategy::Scan),
    recall: 1.0,
);
vector_index_suite!(
    flat_prefilter,
    |space: &EmbeddingSpace, metric| flat_index(space, metric).with_strategy(SearchStrategy::Prefilter),
    recall: 0.999,
);

vector_index_suite!(
    auto,
    |space: &EmbeddingSpace, metric| AutoIndex::new(space.clone(), metric),
    recall: 1.0,
);
vector_index_suite!(
    auto_deterministic,
    |space: &EmbeddingSpace, metric| AutoIndex::new(space.clone(), metric).with_deterministic(),
    recall: 1.0,
);

vector_index_suite!(
    hnsw,
    |space: &EmbeddingSpace, metric| HnswIndex::new(space.clone(), metric, HnswOptions::default()),
    recall: 0.99,
);
// A search keeps so few candidates that even small indexes are searched through the graph.
vector_index_suite!(
    hnsw_narrow,
    |space: &EmbeddingSpace, metric| HnswIndex::new(space.clone(), metric, HnswOptions::default().with_ef_search(80)),
    recall: 0.95,
);

#[cfg(feature = "hnsw_rs")]
vector_index_suite!(
    hnsw_rs,
    |space: &EmbeddingSpace, metric| {
        let options = HnswOptions::default().with_builder(GraphBuilder::HnswRs);
        HnswIndex::new(space.clone(), metric, options)
    },
    recall: 0.99,
);
#[cfg(feature = "hnsw_rs")]
vector_index_suite!(
    hnsw_rs_narrow,
    |space: &EmbeddingSpace, metric| {
        let options = HnswOptions::default().with_builder(GraphBuilder::HnswRs);
        HnswIndex::new(space.clone(), metric, options.with_ef_search(80))
    },
    recall: 0.95,
);

fn flat_index(space: &EmbeddingSpace, metric: Metric) -> FlatIndex {
    FlatIndex::new(space.clone(), metric)
}

/// The simplest index that passes. It shows that the suite requires no more than the contract.
#[derive(Debug)]
struct Plain {
    space: EmbeddingSpace,
    metric: Metric,
    entries: RwLock<BTreeMap<EntryId, Embedding>>,
}

impl Plain {
    fn new(space: &EmbeddingSpace, metric: Metric) -> Self {
        Self {
            space: space.clone(),
            metric,
            entries: RwLock::default(),
        }
    }
}

impl VectorIndex for Plain {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn metric(&self) -> Metric {
        self.metric
    }

    fn len(&self) -> usize {
        self.entries.read().unwrap().len()
    }

    fn insert(&self, entries: &[(EntryId, Embedding)]) -> Result<()> {
        for (_, embedding) in entries {
            self.space.check(embedding.space())?;
        }
        self.entries
            .write()
            .unwrap()
            .extend(entries.iter().cloned());
        Ok(())
    }

    fn remove(&self, ids: &[EntryId]) -> Result<usize> {
        let mut entries = self.entries.write().unwrap();
        Ok(ids.iter().filter(|id| entries.remove(id).is_some()).count())
    }

    fn search(&self, probe: &Embedding, options: &SearchOptions<'_>) -> Result<Vec<ScoredEntry>> {
        self.space.check(probe.space())?;
        let mut candidates = Vec::new();
        for (&entry, embedding) in &*self.entries.read().unwrap() {
            if options.entries.is_none_or(|set| set.contains(entry)) {
                let cosine = probe.cosine(embedding)?;
                let score = match self.metric {
                    Metric::Euclidean => -(2.0 - 2.0 * cosine).max(0.0).sqrt(),
                    _ => cosine,
                };
                if options.min_score.is_none_or(|least| score >= least) {
                    candidates.push(ScoredEntry { entry, score });
                }
            }
        }
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.entry.cmp(&b.entry)));
        candidates.truncate(options.k);
        Ok(candidates)
    }
}
