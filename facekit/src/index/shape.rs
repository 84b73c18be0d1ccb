//! The sizes of an index's rows, and the codes of embeddings.

use super::{
    kernel::{CHUNK, float},
    rotation::Rotation,
};

/// A rotated value beyond this many times `1 / sqrt(length)` has the code of the limit. Of Gaussian values, one in 500 million
/// is beyond it. A lower limit would make a finer step, but the few rows beyond it would widen the margin of all.
const CLIP: f32 = 6.0;

/// The code of zero.
pub(super) const ZERO: i32 = 128;

/// The sizes of an index's rows.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) rotation: Rotation,
    /// The length of a row of values: the dimension, padded to whole registers.
    pub(super) stride: usize,
    /// The difference of two values whose codes are neighbors.
    pub(super) step: f32,
}

impl Shape {
    pub(super) fn new(dimension: usize) -> Self {
        // There is no embedding without values, but there may be a space for them.
        let dimension = dimension.max(1);
        let rotation = Rotation::new(dimension);
        let step = CLIP / (rotation.length() as f32).sqrt() / 127.0;
        Self {
            rotation,
            stride: dimension.next_multiple_of(float::LANES),
            step,
        }
    }

    /// The number of lines of a group of codes.
    pub(super) fn chunks(&self) -> usize {
        self.rotation.length() / CHUNK
    }

    /// The number of lines of the codes of a row by itself.
    pub(super) fn lines(&self) -> usize {
        self.rotation.length() / 64
    }

    /// The number of lines of a block of signs.
    pub(super) fn bytes(&self) -> usize {
        self.rotation.length() / 8
    }

    /// Writes the codes of rotated values, and returns the distance of the values from those that the codes stand for.
    pub(super) fn encode<'a>(
        &self,
        rotated: &[[f32; CHUNK]],
        codes: impl Iterator<Item = &'a mut [u8; CHUNK]>,
    ) -> f32 {
        let mut square = 0.0;
        for (values, to) in rotated.iter().zip(codes) {
            let codes = quantized(values, self.step);
            for (code, value) in codes.iter().zip(values) {
                let error = f32::from(*code) * self.step - value;
                square += error * error;
            }
            *to = codes.map(|code| (i32::from(code) + ZERO) as u8);
        }
        square.sqrt()
    }
}

/// Rounds values to multiples of `step`.
pub(super) fn quantized<const N: usize>(values: &[f32; N], step: f32) -> [i8; N] {
    // Adding and subtracting 1.5 · 2^23 rounds to the nearest integer. `round` is a function call on processors without
    // SSE 4.1, for which programs are compiled by default.
    const ROUND: f32 = 12_582_912.0;
    let scale = 1.0 / step;
    values.map(|value| {
        let rounded = (value * scale).clamp(-127.0, 127.0) + ROUND - ROUND;
        rounded as i8
    })
}
