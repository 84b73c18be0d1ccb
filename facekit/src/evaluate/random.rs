/// A fixed sequence of random numbers (SplitMix64; Steele et al. 2014), so that a measurement gives the same figures each time.
/// It is not for secrets.
///
/// ```
/// use facekit::RandomSequence;
///
/// let mut random = RandomSequence::new(1);
/// let mut photos = [0, 1, 2, 3, 4];
/// random.shuffle(&mut photos);
/// assert!(random.below(5) < 5);
/// photos.sort();
/// assert_eq!(photos, [0, 1, 2, 3, 4]);
/// ```
#[derive(Clone, Debug)]
pub struct RandomSequence(u64);

impl RandomSequence {
    /// The sequence of this number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    ///
    /// # Panics
    ///
    /// If `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    /// Changes the order of `items` (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
