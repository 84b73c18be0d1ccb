//! Synthetic embeddings for tests, and changes of an index.

use std::collections::BTreeMap;

use super::{EntryId, SearchOptions, VectorIndex, rotation::mix};
use crate::{
    digest::Digest,
    embed::{Embedding, EmbeddingSpace},
};

/// Faces that look like those of an embedder: people lie evenly on a sphere, photos of a person near each other.
pub(super) struct Faces {
    pub(super) space: EmbeddingSpace,
    random: u64,
}

impl Faces {
    pub(super) fn new(dimension: usize) -> Self {
        Self {
            space: EmbeddingSpace::new("faces", Digest::from_bytes([0; 32]), dimension),
            random: dimension as u64,
        }
    }

    pub(super) fn uniform(&mut self) -> f32 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        ((mix(self.random) >> 40) as f32 + 0.5) / (1 << 24) as f32
    }

    fn direction(&mut self) -> Vec<f32> {
        let dimension = self.space.dimension();
        let gaussian = |_| {
            let (a, b) = (self.uniform(), self.uniform());
            (-2.0 * a.ln()).sqrt() * (std::f32::consts::TAU * b).cos()
        };
        let values: Vec<f32> = (0..dimension).map(gaussian).collect();
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        values.into_iter().map(|value| value / length).collect()
    }

    pub(super) fn person(&mut self) -> Embedding {
        let values = self.direction();
        Embedding::new(&self.space, values).unwrap()
    }

    /// A photo of `person`, with a cosine of about `closeness`.
    pub(super) fn photo(&mut self, person: &Embedding, closeness: f32) -> Embedding {
        let noise = self.direction();
        let rest = (1.0 - closeness * closeness).sqrt();
        let values = person.values().iter().zip(noise);
        let values = values.map(|(value, noise)| closeness * value + rest * noise);
        Embedding::new(&self.space, values.collect()).unwrap()
    }

    pub(super) fn people(&mut self, count: u64) -> Vec<(EntryId, Embedding)> {
        (0..count).map(|id| (EntryId(id), self.person())).collect()
    }
}

/// The ids of a result.
pub(super) fn ids(found: &[super::ScoredEntry]) -> Vec<u64> {
    found.iter().map(|found| found.entry.0).collect()
}

/// Sizes of the changes in [`follows_a_map`].
pub(super) struct Changes {
    pub(super) rounds: u64,
    /// The greatest number of entries of a change.
    pub(super) most: f32,
    /// The ids begin below this number.
    pub(super) first: f32,
    /// The ids of an insert are in a stretch of this length.
    pub(super) stretch: u64,
}

/// Inserts, replaces and removes entries at random. After each change an exact search finds what a map of the entries has. In the
/// end the index is empty.
pub(super) fn follows_a_map(index: &dyn VectorIndex, faces: &mut Faces, changes: &Changes) {
    let mut model: BTreeMap<EntryId, Embedding> = BTreeMap::new();
    for round in 0..changes.rounds {
        let count = 1 + (faces.uniform() * changes.most) as u64;
        let first = (faces.uniform() * changes.first) as u64;
        if faces.uniform() < 0.6 {
            let batch: Vec<_> = (0..count)
                .map(|nth| (EntryId(first + nth * 7 % changes.stretch), faces.person()))
                .collect();
            index.insert(&batch).unwrap();
            model.extend(batch);
        } else {
            let gone: Vec<EntryId> = (0..count).map(|nth| EntryId(first + nth * 3)).collect();
            let known = gone.iter().filter(|id| model.remove(id).is_some()).count();
            assert_eq!(index.remove(&gone).unwrap(), known);
        }
        assert_eq!(index.len(), model.len(), "{index:?}, round {round}");
        let probe = faces.person();
        let mut expected: Vec<_> = model
            .iter()
            .map(|(id, embedding)| (probe.cosine(embedding).unwrap(), *id))
            .collect();
        expected.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let expected: Vec<u64> = expected.iter().take(5).map(|(_, id)| id.0).collect();
        let options = SearchOptions::new(5);
        let exact = index.search(&probe, &options.with_exact(true)).unwrap();
        assert_eq!(ids(&exact), expected, "{index:?}, round {round}");
    }
    let all: Vec<EntryId> = model.keys().copied().collect();
    index.remove(&all).unwrap();
    assert!(index.is_empty());
}
