use serde::{Deserialize, Serialize};

/// The number of people whom a search may cover at the wanted rate. See [`Recognizer::capacity`](crate::Recognizer::capacity).
///
/// ```
/// use facekit::{Calibration, CalibrationPoint, Comparison, Digest, EmbeddingSpace, Threshold};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 128);
/// let points = vec![CalibrationPoint::new(1e-2, 0.2), CalibrationPoint::new(2e-5, 0.44)];
/// let calibration = Calibration::new(&space, points, "an example")?;
/// let capacity = Threshold::Fpir(1e-2).capacity(Some(&calibration), &Comparison::default());
/// let capacity = capacity.expect("the rate depends on the number of people");
/// assert_eq!(capacity.counted, 502);
/// assert_eq!(capacity.room(500).counted, 2);
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capacity {
    /// The number of people up to which the rate rests on counted comparisons.
    pub counted: usize,
    /// The number of people up to which the rate rests on counted comparisons or on extrapolation; `counted` or more.
    pub extrapolated: usize,
}

impl Capacity {
    pub(super) const NOBODY: Self = Self {
        counted: 0,
        extrapolated: 0,
    };

    pub(super) fn new(fpir: f64, counted: f64, lowest: f64) -> Self {
        let people = |fmr: f64| {
            // Rounding must not cost a person.
            ((-fpir).ln_1p() / (-fmr).ln_1p() * (1.0 + 1e-9)) as usize
        };
        Self {
            counted: people(counted),
            extrapolated: people(lowest).max(people(counted)),
        }
    }

    /// The room that is left if a search covers `people`.
    #[must_use]
    pub fn room(&self, people: usize) -> Room {
        Room {
            people,
            counted: self.counted.saturating_sub(people),
            extrapolated: self.extrapolated.saturating_sub(people),
        }
    }
}

/// The number of people who can be added until the wanted rate of a search among all is not met. See [`Capacity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Room {
    /// The number of people who are there.
    pub people: usize,
    /// The number of people who can be added while the rate rests on counted comparisons.
    pub counted: usize,
    /// The number of people who can be added while the rate rests on counted comparisons or on extrapolation. If it is 0, further
    /// people are searched at a rate that is not met.
    pub extrapolated: usize,
}
