//! Synthetic embeddings that are spread as those of faces.

use facekit::{Digest, Embedding, EmbeddingSpace, Result};

/// The number of dimensions over which the embeddings of different people spread evenly, at most.
const EFFECTIVE: f64 = 100.0;
/// The closeness of a photo to its person, mean and standard deviation. The cosine of two photos of a person then is 0.65 ± 0.10.
const CLOSENESS: (f32, f32) = (0.806, 0.07);
/// The share of all faces in each face: the mean cosine of different people is the square of it, 0.01.
const COMMON: f32 = 0.1;

/// Makes embeddings with the spread of face embeddings: two photos of a person have a cosine of 0.65 ± 0.10, and photos of
/// different people 0.01 ± 0.10. The same seed makes the same embeddings.
pub(crate) struct SyntheticFaces {
    space: EmbeddingSpace,
    random: u64,
    /// The standard deviation of each value.
    spread: Vec<f32>,
    common: Vec<f32>,
}

impl SyntheticFaces {
    pub(crate) fn new(dimension: usize, seed: u64) -> Self {
        let space = EmbeddingSpace::new("synthetic", Digest::from_bytes([0; 32]), dimension);
        let mut faces = Self {
            space,
            random: seed,
            spread: spread(dimension),
            common: vec![0.0; dimension],
        };
        faces.common = faces.direction();
        faces
    }

    pub(crate) fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    /// A new person, in the middle of the person's photos.
    pub(crate) fn person(&mut self) -> Vec<f32> {
        let own = self.direction();
        let rest = (1.0 - COMMON * COMMON).sqrt();
        let values = own.iter().zip(&self.common);
        values
            .map(|(own, common)| rest * own + COMMON * common)
            .collect()
    }

    /// A photo of a person.
    pub(crate) fn photo(&mut self, person: &[f32]) -> Result<Embedding> {
        let closeness = (CLOSENESS.0 + CLOSENESS.1 * self.gaussian()).clamp(0.3, 0.99);
        let rest = (1.0 - closeness * closeness).sqrt();
        let noise = self.direction();
        let values = person.iter().zip(noise);
        let values = values.map(|(person, noise)| closeness * person + rest * noise);
        Embedding::new(&self.space, values.collect())
    }

    /// A direction of length one.
    fn direction(&mut self) -> Vec<f32> {
        let mut values: Vec<f32> = (0..self.spread.len())
            .map(|at| self.spread[at] * self.gaussian())
            .collect();
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        values.iter_mut().for_each(|value| *value /= length);
        values
    }

    /// A Gaussian number, by the method of Box and Muller.
    fn gaussian(&mut self) -> f32 {
        let (a, b) = (self.uniform(), self.uniform());
        (-2.0 * a.ln()).sqrt() * (std::f32::consts::TAU * b).cos()
    }

    /// A number between 0 and 1, by SplitMix64.
    fn uniform(&mut self) -> f32 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits >> 40) as f32 + 0.5) / (1 << 24) as f32
    }
}

/// Standard deviations that fall exponentially, so that the values have [`EFFECTIVE`] effective dimensions, or four fifths of
/// the dimension if that is less.
fn spread(dimension: usize) -> Vec<f32> {
    let wanted = EFFECTIVE.min(0.8 * dimension as f64);
    let variances = |length: f64| (0..dimension).map(move |at| (-(at as f64) / length).exp());
    let effective = |length: f64| {
        let sum: f64 = variances(length).sum();
        sum * sum / variances(length).map(|one| one * one).sum::<f64>()
    };
    let (mut low, mut high) = (0.1, 100.0 * dimension as f64);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if effective(middle) < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    variances(high).map(|one| one.sqrt() as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_and_deviation(values: &[f32]) -> (f32, f32) {
        let count = values.len() as f32;
        let mean = values.iter().sum::<f32>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        (mean, (squares.sum::<f32>() / count).sqrt())
    }

    #[test]
    fn scores_are_those_of_faces() {
        for dimension in [128, 512] {
            let mut faces = SyntheticFaces::new(dimension, 7);
            let (mut genuine, mut impostor) = (Vec::new(), Vec::new());
            for _ in 0..3_000 {
                let (anna, bela) = (faces.person(), faces.person());
                let photo = faces.photo(&anna).unwrap();
                genuine.push(photo.cosine(&faces.photo(&anna).unwrap()).unwrap());
                impostor.push(photo.cosine(&faces.photo(&bela).unwrap()).unwrap());
            }
            let (mean, deviation) = mean_and_deviation(&genuine);
            assert!(
                (mean - 0.65).abs() < 0.02 && (deviation - 0.10).abs() < 0.025,
                "{mean} {deviation}"
            );
            let (mean, deviation) = mean_and_deviation(&impostor);
            assert!(
                (mean - 0.01).abs() < 0.01 && (deviation - 0.10).abs() < 0.01,
                "{mean} {deviation}"
            );
        }
    }
}
