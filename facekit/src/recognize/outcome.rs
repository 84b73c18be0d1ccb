use serde::{Deserialize, Serialize};

use crate::{
    calibration::RateBasis,
    detect::Detection,
    embed::Embedding,
    liveness::LivenessScore,
    person::PersonId,
    quality::{Quality, QualityIssue},
};

/// The result for one face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The quality gate refused the face, so it was not compared.
    PoorQuality {
        /// The limits that the face does not meet.
        issues: Vec<QualityIssue>,
    },
    /// The liveness check refused the face, so it was not compared.
    Spoof,
    /// The liveness check refused the face, but it sees too little around the face for a reliable score. The face was not
    /// compared.
    TightCrop {
        /// The size of the image relative to the face box: the smaller one of the ratios of widths and heights.
        context: f32,
        /// The least size of the image that the check needs, relative to the face box.
        minimum: f32,
    },
    /// The face was compared and matches nobody.
    Unknown {
        /// The nearest person, whose score does not pass the threshold; `None` if nobody was searched.
        nearest: Option<Identity>,
    },
    /// The face matches a person in the gallery.
    Known(Identity),
}

impl Outcome {
    /// The person whom the face matches.
    #[must_use]
    pub fn known(&self) -> Option<&Identity> {
        match self {
            Self::Known(identity) => Some(identity),
            _ => None,
        }
    }
}

/// A person as the result of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// The id.
    pub person: PersonId,
    /// The name, if the gallery has one.
    pub name: Option<String>,
    /// The cosine to the mean of the person's templates, or to the nearest one with
    /// [`Fusion::Nearest`](crate::Fusion::Nearest), by every metric of the index: −1 to 1, greater is closer.
    pub score: f32,
    /// The false-match rate of a single comparison at this score. It is rounded up if the score is outside of the calibrated
    /// range, and `None` if the embedding space is not calibrated.
    pub fmr: Option<f64>,
    /// True if `fmr` is below the rates that were counted, so that it is extrapolated.
    #[serde(default)]
    pub extrapolated: bool,
    /// How well the wanted rate of this search is known. [`RateBasis::NotMet`] if the search covers more people than the
    /// calibration answers for, or if it does not have the rate for a template of so many photos.
    #[serde(default)]
    pub basis: RateBasis,
}

impl Identity {
    /// A result without a name and a rate.
    #[must_use]
    pub fn new(person: PersonId, score: f32) -> Self {
        Self {
            person,
            name: None,
            score,
            fmr: None,
            extrapolated: false,
            basis: RateBasis::None,
        }
    }
}

/// A face in an image, with its result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recognition {
    /// The position of the face.
    pub detection: Detection,
    /// The quality of the face.
    pub quality: Quality,
    /// The liveness score; `None` if the quality gate refused the face, or if there is no liveness check.
    pub liveness: Option<LivenessScore>,
    /// The embedding that was compared; `None` if the face was refused before. It is [mirrored](Embedding::is_mirrored) if the
    /// score of the plain one was near the threshold: see [`MirrorOptions`](super::MirrorOptions).
    pub embedding: Option<Embedding>,
    /// The result.
    pub outcome: Outcome,
}

impl Recognition {
    /// A face that was neither checked for liveness nor embedded.
    #[must_use]
    pub fn new(detection: Detection, quality: Quality, outcome: Outcome) -> Self {
        Self {
            detection,
            quality,
            liveness: None,
            embedding: None,
            outcome,
        }
    }

    /// The person whom the face matches.
    #[must_use]
    pub fn known(&self) -> Option<&Identity> {
        self.outcome.known()
    }
}
