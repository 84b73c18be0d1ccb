use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The limits of a [`Challenge`](crate::Challenge) for the landmarks of one detector. They are figures of its manifest entry. A
/// recognizer whose landmarks have no limits offers no challenge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ChallengeLimits {
    /// The least [depth](crate::ChallengeDepth::least) of a face, above 0.
    pub depth: f32,
    /// True if the limits are for the mean of the landmarks in a window and in its mirror image.
    #[serde(default)]
    pub mirrored: bool,
    /// The data and the method of the measurement.
    pub data: String,
    /// The date of the measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Date>,
}

impl ChallengeLimits {
    /// Limits for landmarks that are not mirrored.
    ///
    /// ```
    /// use facekit::ChallengeLimits;
    ///
    /// let limits = ChallengeLimits::new(0.12, "200 people of our own");
    /// assert!(!limits.mirrored);
    /// ```
    #[must_use]
    pub fn new(depth: f32, data: &str) -> Self {
        Self {
            depth,
            mirrored: false,
            data: data.to_owned(),
            measured: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        if self.depth.is_finite() && self.depth > 0.0 {
            Ok(())
        } else {
            Err(format!("challenge.depth is {}, not above 0", self.depth))
        }
    }
}
