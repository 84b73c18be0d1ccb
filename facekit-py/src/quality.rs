//! The quality of a face.

use pyo3::{prelude::*, types::PyTuple};
use serde::{Deserialize, Serialize};

use crate::value::{self, value_class};

/// The direction of a head, in degrees, estimated from five landmarks.
///
/// >>> import facekit
/// >>> pose = facekit.Recognizer().recognize("anna.jpg").largest.quality.pose
/// >>> abs(pose.yaw) < 30
/// True
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct HeadPose(pub(crate) facekit::HeadPose);

value_class!(HeadPose {
    /// Rotation to the side. Positive if the face looks to the right of the image.
    #[getter]
    fn yaw(&self) -> f32 {
        self.0.yaw
    }

    /// Rotation up or down. Positive if the face looks up.
    #[getter]
    fn pitch(&self) -> f32 {
        self.0.pitch
    }

    /// Rotation in the plane of the image. Positive if the head is turned clockwise.
    #[getter]
    fn roll(&self) -> f32 {
        self.0.roll
    }

    fn __repr__(&self) -> String {
        let facekit::HeadPose { yaw, pitch, roll, .. } = self.0;
        format!("HeadPose(yaw={yaw:.1}, pitch={pitch:.1}, roll={roll:.1})")
    }
});

/// The quality of a face for comparisons.
///
/// >>> import facekit
/// >>> quality = facekit.Recognizer().recognize("anna.jpg").largest.quality
/// >>> 0 < quality.score <= 1 and quality.eye_distance > 20
/// True
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Quality(pub(crate) facekit::Quality);

value_class!(Quality {
    /// The quality as one number, 0 to 1: that of the worst property.
    #[getter]
    fn score(&self) -> f32 {
        self.0.score
    }

    /// The distance between the eyes in pixels.
    #[getter]
    fn eye_distance(&self) -> f32 {
        self.0.eye_distance
    }

    /// The share of fine detail. 0 is featureless; sharp faces have 0.15 and more.
    #[getter]
    fn sharpness(&self) -> f32 {
        self.0.sharpness
    }

    /// The mean luma of the face, 0 (black) to 1 (white).
    #[getter]
    fn brightness(&self) -> f32 {
        self.0.brightness
    }

    /// The standard deviation of the face's luma, 0 to 0.5.
    #[getter]
    fn contrast(&self) -> f32 {
        self.0.contrast
    }

    /// The direction of the head. None if the landmarks do not determine it.
    #[getter]
    fn pose(&self) -> Option<HeadPose> {
        self.0.pose.map(HeadPose)
    }

    /// The share of the face box that is inside the image, 0 to 1.
    #[getter]
    fn visible(&self) -> f32 {
        self.0.visible
    }

    /// The distance of the embedding from those of faces that cannot be recognized, 0 to 1. A face may be compared from 0.5 on, and
    /// enrolled from 0.75 on. None before the face is embedded, and if it was not measured for the embedder.
    #[getter]
    fn recognizability(&self) -> Option<f32> {
        self.0.recognizability
    }

    fn __repr__(&self) -> String {
        format!(
            "Quality(score={:.2}, eye_distance={:.0}, sharpness={:.3})",
            self.0.score, self.0.eye_distance, self.0.sharpness
        )
    }
});

/// A quality issue of a face: a code for programs, and a text (`str`) for people.
///
/// >>> import facekit
/// >>> picky = facekit.Recognizer(quality={"min_eye_distance": 1000})
/// >>> [issue.code for issue in picky.recognize("anna.jpg").largest.issues]
/// ['too_small']
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct QualityIssue(pub(crate) facekit::QualityIssue);

value_class!(QualityIssue {
    /// `too_small`, `blurred`, `too_dark`, `too_bright`, `low_contrast`, `turned_away`, `cut_off`, `no_shape` or
    /// `unrecognizable`.
    #[getter]
    fn code(&self) -> &'static str {
        self.0.code()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<QualityIssue {}>", self.0)
    }
});
