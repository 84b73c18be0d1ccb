//! What became of comparisons and enrolments.

use facekit::Refusal;
use pyo3::{prelude::*, types::PyTuple};
use serde::{Deserialize, Serialize};

use crate::{results::value_class, value};

/// What a comparison of two photos says. As a condition it is true where they show the same person.
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
    /// Whether the threshold takes them for the same person; None where a photo cannot be compared.
    #[getter]
    fn same(&self) -> Option<bool> {
        self.compared().map(|(same, ..)| same)
    }

    /// Their similarity, -1 to 1, greater is closer; None where a photo cannot be compared.
    #[getter]
    fn score(&self) -> Option<f32> {
        self.compared().map(|(_, score, ..)| score)
    }

    /// The score from which on they are the same (inclusive); None where a photo cannot be compared.
    #[getter]
    fn threshold(&self) -> Option<f32> {
        self.compared().map(|(_, _, threshold, _)| threshold)
    }

    /// The false-match rate that the score stands for; None where the space is not calibrated, or a photo cannot be compared.
    #[getter]
    fn fmr(&self) -> Option<f64> {
        self.compared().and_then(|(.., fmr)| fmr)
    }

    /// The photo that cannot be compared, 0 for the reference or 1 for the probe, and why; None where both can.
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
            } => Some((same, score, threshold, fmr)),
            _ => None,
        }
    }
}

/// A photo that was not used, and why. Its str is the reason in words.
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
    /// Which of the photos given, from 0.
    #[getter]
    fn photo(&self) -> usize {
        self.photo
    }

    /// `no_face`, `several_faces`, `poor_quality`, `spoof`, `another_person` or `resembles`.
    #[getter]
    fn reason(&self) -> &'static str {
        match &self.refusal {
            Refusal::NoFace => "no_face",
            Refusal::SeveralFaces { .. } => "several_faces",
            Refusal::PoorQuality { .. } => "poor_quality",
            Refusal::Spoof { .. } => "spoof",
            Refusal::AnotherPerson { .. } => "another_person",
            Refusal::Resembles { .. } => "resembles",
            _ => "other",
        }
    }

    fn __str__(&self) -> String {
        self.refusal.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<RefusedPhoto {}: {}>", self.photo, self.refusal)
    }
});

/// A photo of one person that looks like somebody else in the gallery: the same person under two ids, or a look-alike.
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
    /// Which of the photos given, from 0.
    #[getter]
    fn photo(&self) -> usize {
        self.0.photo
    }

    /// The id of whom it looks like.
    #[getter]
    fn person(&self) -> &str {
        self.0.person.as_str()
    }

    /// How similar, -1 to 1; it passes the recogniser's threshold.
    #[getter]
    fn score(&self) -> f32 {
        self.0.score
    }

    /// The false-match rate that the score stands for; None where the space is not calibrated.
    #[getter]
    fn fmr(&self) -> Option<f64> {
        self.0.fmr
    }

    fn __repr__(&self) -> String {
        format!("<Resemblance photo {} to {:?}, score={:.3}>", self.0.photo, self.0.person.as_str(), self.0.score)
    }
});

/// What became of an enrolment. As a condition it is true where the person has a new template.
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
    /// The id of who was to be enrolled.
    #[getter]
    fn person(&self) -> &str {
        self.0.person.as_str()
    }

    /// The numbers of the new templates; empty where no photo was good enough, and then nothing has changed.
    #[getter]
    fn templates(&self) -> Vec<u64> {
        self.0.templates.iter().map(|id| id.0).collect()
    }

    /// The photos that became templates, from 0, in the order of `templates`.
    #[getter]
    fn accepted(&self) -> Vec<usize> {
        self.0.accepted.clone()
    }

    /// The photos that did not, and why.
    #[getter]
    fn refused(&self) -> Vec<RefusedPhoto> {
        self.0.refused.iter().cloned().map(Into::into).collect()
    }

    /// Whom accepted photos look like, other than the person.
    #[getter]
    fn resembles(&self) -> Vec<Resemblance> {
        self.0.resembles.iter().cloned().map(Resemblance).collect()
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
