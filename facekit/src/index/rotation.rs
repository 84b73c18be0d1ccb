//! A fixed random rotation of embeddings.

use super::kernel::BLOCK;

/// A random rotation: sign changes and Hadamard transforms by turns.
///
/// After it, the values of every embedding look like Gaussian noise, whatever the model's values look like. So one step fits
/// the codes of all embeddings, and the error of an estimate from signs has a known distribution. Products of two rotated
/// embeddings are those of the embeddings. The method is that of RaBitQ (Gao and Long, 2024) with the fast transform of
/// Ailon and Chazelle (2009).
#[derive(Debug)]
pub(super) struct Rotation {
    /// One sign for each value, for each round.
    signs: Vec<Vec<f32>>,
    /// The length of a rotated embedding.
    length: usize,
    /// The length of a transform: the greatest power of two up to `length`.
    window: usize,
}

impl Rotation {
    /// The rotation for embeddings of `dimension` values. All indexes have the same one.
    pub(super) fn new(dimension: usize) -> Self {
        let length = dimension.next_multiple_of(BLOCK);
        let window = 1 << length.ilog2();
        // A transform of a part leaves the other part as it is, so it takes more rounds.
        let rounds = if window == length { 3 } else { 6 };
        let mut random = Random(0x5EED);
        let signs = (0..rounds).map(|_| {
            let sign = |_| if random.next() >> 63 == 0 { 1.0 } else { -1.0 };
            (0..length).map(sign).collect()
        });
        Self {
            signs: signs.collect(),
            length,
            window,
        }
    }

    /// The length of a rotated embedding: the dimension, padded to whole lines of signs.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Writes the rotated `values` to `out`, whose length is [`length`](Self::length).
    pub(super) fn rotate(&self, values: &[f32], out: &mut [f32]) {
        out[..values.len()].copy_from_slice(values);
        out[values.len()..].fill(0.0);
        let scale = 1.0 / (self.window as f32).sqrt();
        for (round, signs) in self.signs.iter().enumerate() {
            let begin = if round % 2 == 0 {
                0
            } else {
                self.length - self.window
            };
            for (value, sign) in out.iter_mut().zip(signs) {
                *value *= sign;
            }
            let window = &mut out[begin..][..self.window];
            hadamard(window);
            window.iter_mut().for_each(|value| *value *= scale);
        }
    }
}

/// The Hadamard transform, without scaling.
fn hadamard(values: &mut [f32]) {
    let mut half = values.len() / 2;
    while half >= 1 {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half /= 2;
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }
}

/// Spreads a number over all bits.
pub(super) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_products_and_spreads_values() {
        for dimension in [1, 2, 5, 64, 100, 128, 192, 200, 512, 700] {
            let rotation = Rotation::new(dimension);
            let mut random = Random(dimension as u64);
            let mut vector = || -> Vec<f32> {
                let value = |_| (random.next() >> 40) as f32 / (1 << 23) as f32 - 1.0;
                (0..dimension).map(value).collect()
            };
            let (a, b) = (vector(), vector());
            let product = |a: &[f32], b: &[f32]| -> f64 {
                let pairs = a.iter().zip(b);
                pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
            };
            let rotated = |values: &[f32]| {
                let mut out = vec![f32::NAN; rotation.length()];
                rotation.rotate(values, &mut out);
                out
            };
            let (ra, rb) = (rotated(&a), rotated(&b));
            assert!((product(&a, &b) - product(&ra, &rb)).abs() < 1e-4 * dimension as f64);
            assert!((product(&a, &a) - product(&ra, &ra)).abs() < 1e-4 * dimension as f64);

            // The vector with a single value other than zero.
            let mut one = vec![0.0; dimension];
            one[dimension / 2] = 1.0;
            let spread = rotated(&one);
            let greatest = spread
                .iter()
                .fold(0.0_f32, |most, value| most.max(value.abs()));
            let even = 1.0 / (rotation.length() as f32).sqrt();
            assert!(
                greatest < 5.0 * even,
                "{dimension}: {greatest}, even is {even}"
            );
        }
    }
}
