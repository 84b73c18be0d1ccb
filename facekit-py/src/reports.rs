//! Results of verifications and enrollments.

use std::collections::HashMap;

use facekit::Refusal;
use pyo3::{prelude::*, types::PyTuple};
use serde::{Deserialize, Serialize};

use crate::{
    detection::Box,
    value::{self, value_class},
};

/// The faces of a photo in a comparison.
///
/// >>> import facekit
/// >>> comparison = facekit.Recognizer().verify("anna.jpg", "door.jpg")
/// >>> comparison.reference.box.width > 20, comparison.reference.others
/// (True, [])
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ComparedPhoto(facekit::ComparedPhoto);

value_class!(ComparedPhoto {
    /// The box of the face that was compared, in pixels of the photo.
    #[getter]
    fn r#box(&self) -> Box {
        Box(self.0.face)
    }

    /// The boxes of the other faces, largest first.
    #[getter]
    fn others(&self) -> Vec<Box> {
        self.0.others.iter().copied().map(Box).collect()
    }

    fn __repr__(&self) -> String {
        format!("<ComparedPhoto box={}, {} others>", self.r#box().__repr__(), self.0.others.len())
    }
});

/// The result of the comparison of two photos. As a condition it is true if they show the same person.
///
/// >>> import facekit
/// >>> comparison = facekit.Recognizer().verify("anna.jpg", "door.jpg")
/// >>> comparison.same, comparison.score >= comparison.threshold
/// (True, True)
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Verification(pub(crate) facekit::Verification);

value_class!(Verification {
    /// True if the score passes the threshold, so that it is the same person. None if a photo cannot be compared.
    #[getter]
    fn same(&self) -> Option<bool> {
        self.compared().map(|(same, ..)| same)
    }

    /// The similarity, -1 to 1. Greater is closer. None if a photo cannot be compared.
    #[getter]
    fn score(&self) -> Option<f32> {
        self.compared().map(|(_, score, ..)| score)
    }

    /// The lowest score of the same person (inclusive). None if a photo cannot be compared.
    #[getter]
    fn threshold(&self) -> Option<f32> {
        self.compared().map(|(_, _, threshold, _)| threshold)
    }

    /// The false-match rate if this score is the threshold. None if the space is not calibrated or a photo cannot be compared.
    #[getter]
    fn fmr(&self) -> Option<f64> {
        self.compared().and_then(|(.., fmr)| fmr)
    }

    /// The faces of the reference. None if a photo cannot be compared.
    #[getter]
    fn reference(&self) -> Option<ComparedPhoto> {
        match &self.0 {
            facekit::Verification::Compared { reference, .. } => Some(ComparedPhoto(reference.clone())),
            _ => None,
        }
    }

    /// The faces of the probe. None if a photo cannot be compared.
    #[getter]
    fn probe(&self) -> Option<ComparedPhoto> {
        match &self.0 {
            facekit::Verification::Compared { probe, .. } => Some(ComparedPhoto(probe.clone())),
            _ => None,
        }
    }

    /// The photo that cannot be compared (0 for the reference, 1 for the probe), and the reason. None if both can be compared.
    #[getter]
    fn unusable(&self) -> Option<RefusedPhoto> {
        match &self.0 {
            facekit::Verification::Unusable { photo, refusal } => Some(RefusedPhoto {
                photo: *photo,
                refusal: refusal.clone(),
            }),
            _ => None,
        }
    }

    fn __bool__(&self) -> bool {
        self.same() == Some(true)
    }

    fn __repr__(&self) -> String {
        match &self.0 {
            facekit::Verification::Compared { same, score, threshold, .. } => {
                let word = if *same { "same" } else { "different" };
                format!("<Verification {word}, score={score:.3}, threshold={threshold:.3}>")
            }
            facekit::Verification::Unusable { photo, refusal } => {
                format!("<Verification unusable, photo {photo}: {refusal}>")
            }
            _ => "<Verification>".to_owned(),
        }
    }
});

impl Verification {
    fn compared(&self) -> Option<(bool, f32, f32, Option<f64>)> {
        match self.0 {
            facekit::Verification::Compared {
                same,
                score,
                threshold,
                fmr,
                ..
            } => Some((same, score, threshold, fmr)),
            _ => None,
        }
    }
}

/// A photo that was not used, and the reason. Its `str` is the reason as a text.
///
/// >>> import facekit, numpy
/// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
/// >>> report = recognizer.enroll("anna", ["anna.jpg", numpy.zeros((480, 640, 3), dtype="uint8")])
/// >>> [(refused.photo, refused.reason, str(refused)) for refused in report.refused]
/// [(1, 'no_face', 'no face')]
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefusedPhoto {
    photo: usize,
    #[serde(flatten)]
    refusal: Refusal,
}

impl From<facekit::RefusedPhoto> for RefusedPhoto {
    fn from(refused: facekit::RefusedPhoto) -> Self {
        Self {
            photo: refused.photo,
            refusal: refused.refusal,
        }
    }
}

value_class!(RefusedPhoto {
    /// The number of the photo, from 0.
    #[getter]
    fn photo(&self) -> usize {
        self.photo
    }

    /// `no_face`, `several_faces`, `poor_quality`, `spoof`, `tight_crop` (the liveness check sees too little around the face),
    /// `another_person`, `mismatch` or `resembles`.
    #[getter]
    fn reason(&self) -> &'static str {
        self.refusal.code()
    }

    fn __str__(&self) -> String {
        self.refusal.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<RefusedPhoto {}: {}>", self.photo, self.refusal)
    }
});

/// A photo that resembles another person of the gallery: the same person with two ids, or a look-alike.
///
/// >>> import facekit
/// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
/// >>> report = recognizer.enroll("anna", "anna.jpg")
/// >>> [found.person for found in recognizer.enroll("anne", "door.jpg").resembles]
/// ['anna']
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Resemblance(facekit::Resemblance);

value_class!(Resemblance {
    /// The number of the photo, from 0.
    #[getter]
    fn photo(&self) -> usize {
        self.0.photo
    }

    /// The id of the other person.
    #[getter]
    fn person(&self) -> &str {
        self.0.person.as_str()
    }

    /// The similarity, -1 to 1. It passes the recognizer's threshold.
    #[getter]
    fn score(&self) -> f32 {
        self.0.score
    }

    /// The false-match rate if this score is the threshold. None if the space is not calibrated.
    #[getter]
    fn fmr(&self) -> Option<f64> {
        self.0.fmr
    }

    fn __repr__(&self) -> String {
        format!("<Resemblance photo {} to {:?}, score={:.3}>", self.0.photo, self.0.person.as_str(), self.0.score)
    }
});

/// An accepted photo that matches the person's other photos and templates poorly.
///
/// >>> import facekit
/// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
/// >>> recognizer.enroll("anna", ["anna.jpg", "door.jpg"]).mismatches
/// []
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Mismatch(facekit::Mismatch);

value_class!(Mismatch {
    /// The number of the photo, from 0.
    #[getter]
    fn photo(&self) -> usize {
        self.0.photo
    }

    /// The number of the accepted photo that it matches best, from 0. None for the templates that the person had before.
    #[getter]
    fn other(&self) -> Option<usize> {
        self.0.other
    }

    /// The similarity, -1 to 1. It is below the score of a false-match rate of 1e-4.
    #[getter]
    fn score(&self) -> f32 {
        self.0.score
    }

    /// The false-match rate if this score is the threshold. None if the space is not calibrated.
    #[getter]
    fn fmr(&self) -> Option<f64> {
        self.0.fmr
    }

    fn __repr__(&self) -> String {
        match self.0.other {
            Some(other) => format!("<Mismatch photo {} with photo {other}, score={:.3}>", self.0.photo, self.0.score),
            None => format!("<Mismatch photo {} with the templates, score={:.3}>", self.0.photo, self.0.score),
        }
    }
});

/// The result of an enrollment. As a condition it is true if the person has a new template.
///
/// >>> import facekit
/// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
/// >>> report = recognizer.enroll("anna", ["anna.jpg", "door.jpg"])
/// >>> bool(report), report.accepted, report.refused
/// (True, [0, 1], [])
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct EnrollReport(pub(crate) facekit::EnrollReport);

value_class!(EnrollReport {
    /// The person's id.
    #[getter]
    fn person(&self) -> &str {
        self.0.person.as_str()
    }

    /// The numbers of the new templates. Empty if no photo was accepted; the gallery is then unchanged.
    #[getter]
    fn templates(&self) -> Vec<u64> {
        self.0.templates.iter().map(|id| id.0).collect()
    }

    /// The numbers of the photos that became templates, from 0, in the order of `templates`.
    #[getter]
    fn accepted(&self) -> Vec<usize> {
        self.0.accepted.clone()
    }

    /// The photos that did not become templates, and the reasons.
    #[getter]
    fn refused(&self) -> Vec<RefusedPhoto> {
        self.0.refused.iter().cloned().map(Into::into).collect()
    }

    /// The other people that accepted photos resemble.
    #[getter]
    fn resembles(&self) -> Vec<Resemblance> {
        self.0.resembles.iter().cloned().map(Resemblance).collect()
    }

    /// The accepted photos that match the person's other photos and templates poorly.
    #[getter]
    fn mismatches(&self) -> Vec<Mismatch> {
        self.0.mismatches.iter().cloned().map(Mismatch).collect()
    }

    /// The accepted photos on which the face lies on its side or upside down, with the rotation of the face in degrees clockwise.
    #[getter]
    fn turned(&self) -> HashMap<usize, f32> {
        let turned = self.0.turned.iter();
        turned.map(|turned| (turned.photo, turned.roll)).collect()
    }

    /// The number of people who can still be added at the wanted rate of searches: while the rate rests on counted comparisons, and
    /// while it rests on these or on extrapolation. None if the threshold is not a rate of searches.
    #[getter]
    fn room(&self) -> Option<(usize, usize)> {
        self.0.room.map(|room| (room.counted, room.extrapolated))
    }

    fn __bool__(&self) -> bool {
        !self.0.templates.is_empty()
    }

    fn __repr__(&self) -> String {
        format!(
            "<EnrollReport {:?}, {} accepted, {} refused>",
            self.0.person.as_str(),
            self.0.accepted.len(),
            self.0.refused.len()
        )
    }
});
