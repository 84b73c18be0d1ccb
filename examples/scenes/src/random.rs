use facekit::RandomSequence;

/// Random numbers that are the same for the same seed.
#[derive(Clone, Debug)]
pub struct Random(RandomSequence);

impl Random {
    /// The numbers of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(RandomSequence::new(seed))
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        const STEPS: usize = 1 << 24;
        low + (high - low) * self.0.below(STEPS) as f32 / STEPS as f32
    }

    /// A whole number below `limit`, which is above 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0.below(limit)
    }

    /// Changes the order of `items`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }
}
