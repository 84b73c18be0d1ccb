//! Random numbers that are the same each time.

use facekit::RandomSequence;

/// Random numbers of a presentation.
#[derive(Clone, Debug)]
pub(crate) struct Dice(RandomSequence);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(RandomSequence::new(seed))
    }

    /// A number between the two.
    pub(crate) fn within(&mut self, low: f32, high: f32) -> f32 {
        const FINE: usize = 1 << 24;
        low + (high - low) * self.0.below(FINE) as f32 / FINE as f32
    }

    /// True with this probability.
    pub(crate) fn is(&mut self, probability: f32) -> bool {
        self.within(0.0, 1.0) < probability
    }

    /// A whole number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0.below(limit)
    }

    /// A number with a mean of 0 and a variance of 1, nearly normal: the sum of three uniform ones.
    pub(crate) fn normal(&mut self) -> f32 {
        const PART: usize = 1 << 16;
        let bits = self.0.below(PART * PART * PART);
        let sum = bits % PART + bits / PART % PART + bits / PART / PART;
        2.0 * (sum as f32 / PART as f32 - 1.5)
    }
}
