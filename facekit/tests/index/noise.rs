//! Numbers that look random, and embeddings that are spread as those of faces.

use facekit::{Digest, Embedding, EmbeddingSpace};

/// Returns true in the long form of the tests.
pub(crate) fn soak() -> bool {
    std::env::var_os("FACEKIT_SOAK").is_some()
}

/// SplitMix64: the same numbers for the same seed.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to 1.
    pub(crate) fn uniform(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 24) as f32
    }

    /// Two Gaussian numbers, by the method of Box and Muller.
    fn gaussians(&mut self) -> [f32; 2] {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (std::f32::consts::TAU * self.uniform()).sin_cos();
        [radius * sin, radius * cos]
    }

    /// A direction of length one.
    fn direction(&mut self, dimension: usize) -> Vec<f32> {
        let mut values: Vec<f32> = (0..dimension.div_ceil(2))
            .flat_map(|_| self.gaussians())
            .collect();
        values.truncate(dimension);
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        values.iter_mut().for_each(|value| *value /= length);
        values
    }
}

/// People who lie evenly on a sphere, with photos near each of them.
pub(crate) struct Faces {
    pub(crate) space: EmbeddingSpace,
    pub(crate) noise: Noise,
}

impl Faces {
    pub(crate) fn new(dimension: usize, seed: u64) -> Self {
        Self {
            space: EmbeddingSpace::new("faces", Digest::from_bytes([0; 32]), dimension),
            noise: Noise::new(seed),
        }
    }

    pub(crate) fn person(&mut self) -> Vec<f32> {
        self.noise.direction(self.space.dimension())
    }

    /// A photo of a person. Two photos of a person have a cosine of 0.65 ± 0.10.
    pub(crate) fn photo(&mut self, person: &[f32]) -> Embedding {
        let [gaussian, _] = self.noise.gaussians();
        let closeness = (0.806 + 0.07 * gaussian).clamp(0.3, 0.99);
        let rest = (1.0 - closeness * closeness).sqrt();
        let noise = self.noise.direction(person.len());
        let values = person.iter().zip(noise);
        let values = values.map(|(value, noise)| closeness * value + rest * noise);
        Embedding::new(&self.space, values.collect()).unwrap()
    }
}
