//! A probe in the forms that the kernels compare.

use std::f32::consts::FRAC_PI_2;

use super::{
    kernel::{CHUNK, ProbeChunk, TABLE_MAX, Table, shift},
    shape::{Shape, ZERO, quantized},
    wipe::wipe,
};

/// A probe for comparison with values and codes.
pub(super) struct Probe {
    /// The values, padded with zeros.
    pub(super) values: Vec<f32>,
    rotated: Vec<f32>,
    /// The rotated values as bytes.
    pub(super) codes: Vec<ProbeChunk>,
    /// The cosine for a difference of one in a sum of products.
    unit: f32,
    /// The sum of products for a cosine of zero.
    zero: i32,
    /// The distance of the rotated probe from the one that `codes` stand for.
    residual: f32,
}

impl Probe {
    pub(super) fn new(values: &[f32], shape: &Shape) -> Self {
        let mut padded = values.to_vec();
        padded.resize(shape.stride, 0.0);
        let mut rotated = vec![0.0; shape.rotation.length()];
        shape.rotation.rotate(values, &mut rotated);

        let greatest = rotated
            .iter()
            .fold(0.0_f32, |most, value| most.max(value.abs()));
        let step = greatest / 127.0;
        let (chunks, _) = rotated.as_chunks::<CHUNK>();
        let codes: Vec<ProbeChunk> = chunks.iter().map(|chunk| quantized(chunk, step)).collect();
        let coded = codes.as_flattened();
        let squares = rotated
            .iter()
            .zip(coded)
            .map(|(value, &code)| (f32::from(code) * step - value).powi(2));
        Self {
            values: padded,
            residual: squares.sum::<f32>().sqrt(),
            unit: step * shape.step,
            zero: coded.iter().map(|&code| i32::from(code)).sum::<i32>() * ZERO,
            codes,
            rotated,
        }
    }

    /// The cosine that a sum of products stands for.
    pub(super) fn cosine(&self, sum: i32) -> f32 {
        (sum - self.zero) as f32 * self.unit
    }

    /// The least sum of products for this cosine.
    pub(super) fn sum(&self, cosine: f32) -> i32 {
        // A float that is too large becomes the greatest integer.
        ((cosine / self.unit).floor() as i32).saturating_add(self.zero)
    }

    /// The greatest difference of a cosine from that of a sum of products, if embeddings differ from their codes by at most
    /// `residual`. It follows from the Cauchy-Schwarz inequality, so it holds for all embeddings.
    pub(super) fn error(&self, residual: f32) -> f32 {
        // The error of single precision in rotations and sums.
        const ROUNDING: f32 = 2e-5;
        residual + self.residual * (1.0 + residual) + ROUNDING
    }

    /// A difference of cosines in sums of products, rounded up.
    pub(super) fn difference(&self, cosines: f32) -> i32 {
        (cosines / self.unit).ceil() as i32
    }

    /// The same probe for comparison with signs.
    pub(super) fn signs(&self) -> SignProbe {
        let (fours, _) = self.rotated.as_chunks::<4>();
        let length = |four: &[f32; 4]| four.iter().map(|value| value.abs()).sum::<f32>();
        let widest = fours.iter().map(length).fold(0.0, f32::max);
        let step = 2.0 * widest / f32::from(TABLE_MAX);
        let tables: Vec<Table> = fours.iter().map(|four| table(four, step)).collect();

        // Of values like Gaussian noise, the mean size is sqrt(2 / (π · length)).
        let count = self.rotated.len() as f32;
        let factor = (FRAC_PI_2 / count).sqrt();
        let shifted = f32::from(1_u16 << shift(tables.len()));
        let unit = factor * step * shifted;
        let least = -fours.iter().map(length).sum::<f32>();
        // The error of signs, of the entries of the tables, and of the shift.
        let variance = SignProbe::variance(self.rotated.len()) as f32
            + tables.len() as f32 * (factor * step).powi(2) / 12.0
            + unit * unit / 12.0;
        SignProbe {
            tables,
            unit,
            base: factor * (least + step * (shifted - 1.0) / 2.0),
            deviation: variance.sqrt(),
        }
    }
}

impl Drop for SignProbe {
    fn drop(&mut self) {
        wipe(&mut self.tables, [0; 16]);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        wipe(&mut self.values, 0.0);
        wipe(&mut self.rotated, 0.0);
        wipe(&mut self.codes, [0; CHUNK]);
    }
}

/// The sums of `four` values with each pattern of signs, from zero on, in multiples of `step`.
fn table(four: &[f32; 4], step: f32) -> Table {
    std::array::from_fn(|signs| {
        let agreeing = four
            .iter()
            .enumerate()
            .filter(|(at, value)| (signs >> at & 1 == 1) == (**value >= 0.0));
        let sum = agreeing.map(|(_, value)| 2.0 * value.abs()).sum::<f32>();
        (sum / step + 0.5) as u8
    })
}

/// A probe for comparison with signs. A sum of tables' entries estimates the cosine. The error is nearly Gaussian.
pub(super) struct SignProbe {
    pub(super) tables: Vec<Table>,
    /// The cosine for a difference of one in an estimate.
    unit: f32,
    /// The cosine for an estimate of zero.
    base: f32,
    /// The standard deviation of the error.
    pub(super) deviation: f32,
}

impl SignProbe {
    /// The variance of the cosine that signs alone stand for, of rotated embeddings of this length.
    pub(super) fn variance(length: usize) -> f64 {
        (std::f64::consts::FRAC_PI_2 - 1.0) / length as f64
    }

    /// The least estimate for this cosine, at least 1: zero marks rows that are left out.
    pub(super) fn estimate(&self, cosine: f32) -> u8 {
        ((cosine - self.base) / self.unit).clamp(1.0, 255.0) as u8
    }
}

/// The number of standard deviations that a Gaussian number exceeds with this probability (Abramowitz and Stegun, 26.2.23;
/// the error is below 4.5e-4).
pub(super) fn deviations(probability: f64) -> f64 {
    if probability > 0.5 {
        return -deviations(1.0 - probability);
    }
    let t = (-2.0 * probability.max(f64::MIN_POSITIVE).ln()).sqrt();
    t - (2.515_517 + t * (0.802_853 + t * 0.010_328))
        / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)))
}

/// The probability that a Gaussian number exceeds this many standard deviations (Abramowitz and Stegun, 26.2.17; the error is
/// below 7.5e-8).
pub(super) fn tail(deviations: f64) -> f64 {
    if deviations < 0.0 {
        return 1.0 - tail(-deviations);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * deviations);
    let polynomial = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    (-deviations * deviations / 2.0).exp() / std::f64::consts::TAU.sqrt() * polynomial
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaussian_tails() {
        for (probability, expected) in [(0.5, 0.0), (0.01, 2.3263), (1e-3, 3.0902), (1e-4, 3.7190)]
        {
            assert!(
                (deviations(probability) - expected).abs() < 5e-4,
                "{probability}"
            );
            assert!(
                (tail(expected) / probability - 1.0).abs() < 1e-3,
                "{probability}"
            );
        }
        assert!((deviations(0.99) + 2.3263).abs() < 5e-4);
        assert!((tail(-1.0) - 0.841_34).abs() < 1e-4);
    }
}
