use serde::{Deserialize, Serialize};

use super::{Identity, Outcome, Recognition};
use crate::{
    detect::Detection,
    liveness::LivenessScore,
    quality::{Quality, QualityIssue, QualityOptions},
};

/// A face in a JSON document: the layout of `facekit identify --json`, `facekit detect --json` and `Recognition.to_dict` in
/// Python.
///
/// ```
/// # use facekit::{Detection, Landmarks, Point, Quality, Rect, align};
/// use facekit::{FaceReport, Image, QualityOptions};
///
/// # let detection = Detection {
/// #     rect: Rect::new(200.0, 200.0, 100.0, 130.0),
/// #     landmarks: Landmarks {
/// #         left_eye: Point::new(230.0, 250.0),
/// #         right_eye: Point::new(270.0, 250.0),
/// #         nose: Point::new(250.0, 275.0),
/// #         left_mouth: Point::new(235.0, 300.0),
/// #         right_mouth: Point::new(265.0, 300.0),
/// #     },
/// #     score: 0.9,
/// # };
/// let photo = Image::filled(640, 480, [9; 3]);
/// # let aligned = align(photo.view(), &detection.landmarks, 112)?;
/// let quality = Quality::measure((640, 480), &detection, &aligned);
/// let face = FaceReport::new(detection, quality, &QualityOptions::default());
/// assert_eq!(face.issues, quality.issues(&QualityOptions::default()));
/// assert!(face.outcome.is_none());
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FaceReport {
    /// The position of the face. Its fields are those of the document.
    #[serde(flatten)]
    pub detection: Detection,
    /// The quality of the face.
    pub quality: Quality,
    /// The reasons not to compare the face.
    pub issues: Vec<QualityIssue>,
    /// The liveness score; `None` if it was not measured.
    pub liveness: Option<LivenessScore>,
    /// The result of the search, `recognition` in the document; `None` if there was no search.
    #[serde(rename = "recognition")]
    pub outcome: Option<Outcome>,
}

impl FaceReport {
    /// A face that was not searched for. Its issues are those of `limits`.
    #[must_use]
    pub fn new(detection: Detection, quality: Quality, limits: &QualityOptions) -> Self {
        Self {
            detection,
            quality,
            issues: quality.issues(limits),
            liveness: None,
            outcome: None,
        }
    }

    /// The person whom the face matches.
    #[must_use]
    pub fn known(&self) -> Option<&Identity> {
        self.outcome.as_ref()?.known()
    }
}

impl From<&Recognition> for FaceReport {
    fn from(face: &Recognition) -> Self {
        let issues = match &face.outcome {
            Outcome::PoorQuality { issues } => issues.clone(),
            _ => Vec::new(),
        };
        Self {
            detection: face.detection,
            quality: face.quality,
            issues,
            liveness: face.liveness,
            outcome: Some(face.outcome.clone()),
        }
    }
}
