//! How close results must be to the expected values.

use serde::Deserialize;

/// How close a runtime's results must be to the expected values.
///
/// Each allows `|found − expected| ≤ absolute + relative · |expected|`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerance {
    /// Equal. Values are only moved, or computed with integers.
    Exact,
    /// `absolute` 1e-6 and `relative` 1e-5: a few operations on each value, which may be approximations.
    Close,
    /// `absolute` 1e-5 and `relative` 1e-4: sums of many products, in any order.
    Summed,
    /// `absolute` 1e-3 and `relative` 1e-3: the same network over the same image, alone and in a batch, which may sum in
    /// another order.
    Batched,
}

impl Tolerance {
    /// True if `found` is close enough to `expected`.
    ///
    /// ```
    /// use facekit_conformance::tolerance::Tolerance;
    ///
    /// assert!(Tolerance::Close.allows(1.000_009, 1.0));
    /// assert!(!Tolerance::Exact.allows(1.000_009, 1.0));
    /// ```
    #[must_use]
    pub fn allows(self, found: f32, expected: f32) -> bool {
        let (absolute, relative) = match self {
            Self::Exact => (0.0, 0.0),
            Self::Close => (1e-6, 1e-5),
            Self::Summed => (1e-5, 1e-4),
            Self::Batched => (1e-3, 1e-3),
        };
        let difference = (f64::from(found) - f64::from(expected)).abs();
        difference <= absolute + relative * f64::from(expected).abs()
    }
}
