//! Synthetic embeddings for tests.

use super::{EntryId, rotation::mix};
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
