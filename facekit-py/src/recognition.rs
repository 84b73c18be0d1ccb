//! `Recognition` and its parts: the results of recognition and identification.

use facekit::{FaceReport, LivenessScore, Outcome, RateBasis};
use numpy::PyArray2;
use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyTuple, PyType},
};
use serde::{Deserialize, Serialize};

use crate::{
    detection::{Box, Detection, landmarks},
    embedding::{Embedding, SavedEmbedding},
    pipeline::Searched,
    quality::{Quality, QualityIssue},
    value::{self, value_class},
};

/// Makes `Faces`, a tuple with the size of its image and how it was searched.
pub(crate) fn faces<'py, T>(
    py: Python<'py>,
    faces: Vec<T>,
    searched: &Searched,
) -> PyResult<Bound<'py, PyAny>>
where
    T: for<'a> IntoPyObject<'a>,
{
    static FACES: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = FACES.import(py, "facekit._faces", "Faces")?;
    let (width, height) = searched.size;
    class.call1((
        faces,
        width,
        height,
        searched.reduction,
        searched.photo_reduction,
        searched.missing,
    ))
}

/// A person who matches a face.
///
/// >>> import facekit
/// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
/// >>> report = recognizer.enroll("anna", "anna.jpg", name="Anna Weiß")
/// >>> identity = recognizer.recognize("door.jpg").largest.identity
/// >>> identity.person, identity.name, identity.score > recognizer.threshold()
/// ('anna', 'Anna Weiß', True)
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Identity(pub(crate) facekit::Identity);

value_class!(Identity {
    /// The person's id.
    #[getter]
    fn person(&self) -> &str {
        self.0.person.as_str()
    }

    /// The person's name, if the gallery has one.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The cosine to the nearest of the person's templates, -1 to 1. Greater is closer.
    #[getter]
    fn score(&self) -> f32 {
        self.0.score
    }

    /// The false-match rate of single comparisons if this score is the threshold. It is rounded up if the score is outside the
    /// calibrated range, and None if the embedding space is not calibrated.
    #[getter]
    fn fmr(&self) -> Option<f64> {
        self.0.fmr
    }

    /// True if `fmr` is below the rates that were counted, so that it is extrapolated.
    #[getter]
    fn extrapolated(&self) -> bool {
        self.0.extrapolated
    }

    /// How well the wanted rate of the search is known: "counted", "extrapolated", "not_met" if the gallery has more people, or
    /// more photos of the person, than the calibration answers for at this rate, or "none" if the threshold is a score.
    #[getter]
    fn basis(&self) -> &'static str {
        basis(self.0.basis)
    }

    fn __repr__(&self) -> String {
        format!("Identity(person={:?}, score={:.3})", self.0.person.as_str(), self.0.score)
    }
});

/// The basis of a rate, as Python names it.
fn basis(basis: RateBasis) -> &'static str {
    match basis {
        RateBasis::Counted => "counted",
        RateBasis::Extrapolated => "extrapolated",
        RateBasis::NotMet => "not_met",
        _ => "none",
    }
}

/// An outcome, as Python names it.
pub(crate) fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Known(_) => "known",
        Outcome::Spoof => "spoof",
        Outcome::TightCrop { .. } => "tight_crop",
        Outcome::PoorQuality { .. } => "poor_quality",
        _ => "unknown",
    }
}

/// The person nearest to an unknown face.
pub(crate) fn nearest(outcome: &Outcome) -> Option<Identity> {
    match outcome {
        Outcome::Unknown { nearest } => nearest.clone().map(Identity),
        _ => None,
    }
}

/// A person near to a probe, from `Recognizer.identify`.
///
/// >>> import facekit
/// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
/// >>> report = recognizer.enroll("anna", "anna.jpg")
/// >>> [(candidate.person, candidate.matches) for candidate in recognizer.identify("door.jpg")]
/// [('anna', True)]
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Candidate(pub(crate) facekit::Candidate);

value_class!(Candidate {
    /// The person's id.
    #[getter]
    fn person(&self) -> &str {
        self.0.identity.person.as_str()
    }

    /// The person's name, if the gallery has one.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.0.identity.name.as_deref()
    }

    /// The cosine to the nearest of the person's templates, -1 to 1. Greater is closer.
    #[getter]
    fn score(&self) -> f32 {
        self.0.identity.score
    }

    /// The false-match rate of single comparisons if this score is the threshold. None if the embedding space is not calibrated.
    #[getter]
    fn fmr(&self) -> Option<f64> {
        self.0.identity.fmr
    }

    /// True if `fmr` is below the rates that were counted, so that it is extrapolated.
    #[getter]
    fn extrapolated(&self) -> bool {
        self.0.identity.extrapolated
    }

    /// How well the wanted rate of the search is known. See `Identity.basis`.
    #[getter]
    fn basis(&self) -> &'static str {
        basis(self.0.identity.basis)
    }

    /// True if the score passes the recognizer's threshold.
    #[getter]
    fn matches(&self) -> bool {
        self.0.matches
    }

    fn __repr__(&self) -> String {
        format!(
            "Candidate(person={:?}, score={:.3}, matches={})",
            self.0.identity.person.as_str(),
            self.0.identity.score,
            if self.0.matches { "True" } else { "False" },
        )
    }
});

/// A face in an image, and its outcome.
///
/// `outcome` is `"known"` (see `identity`), `"unknown"` (see `nearest`), `"spoof"` (see `liveness`), `"tight_crop"` (the liveness check
/// refused the face, but sees too little around it) or `"poor_quality"` (see `issues`). All of these are results, not errors.
///
/// >>> import facekit
/// >>> face = facekit.Recognizer().recognize("anna.jpg").largest
/// >>> face.outcome, face.embedding.values.shape
/// ('unknown', (128,))
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "SavedRecognition", into = "SavedRecognition")]
pub(crate) struct Recognition {
    /// The core's value, without its embedding.
    face: facekit::Recognition,
    embedding: Option<Embedding>,
}

impl From<facekit::Recognition> for Recognition {
    fn from(mut face: facekit::Recognition) -> Self {
        let embedding = face.embedding.take().map(Embedding::from);
        Self { face, embedding }
    }
}

#[pymethods]
impl Recognition {
    /// The face as the detector found it.
    #[getter]
    fn detection(&self) -> Detection {
        Detection(self.face.detection)
    }

    /// The box around the face, in pixels of the image.
    #[getter]
    fn r#box(&self) -> Box {
        Box(self.face.detection.rect)
    }

    /// Five points as a float32 array of shape (5, 2), in pixels. See `Detection.landmarks`.
    #[getter]
    fn landmarks<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f32>> {
        landmarks(py, &self.face.detection)
    }

    /// The quality of the face.
    #[getter]
    fn quality(&self) -> Quality {
        Quality(self.face.quality)
    }

    /// The liveness of the face, 0 (attack) to 1 (bona fide). None if the quality gate refused the face, or if there is no check.
    #[getter]
    fn liveness(&self) -> Option<f32> {
        self.face.liveness.map(LivenessScore::value)
    }

    /// The face as a vector. None if the quality gate or the liveness check refused the face.
    #[getter]
    fn embedding(&self) -> Option<Embedding> {
        self.embedding.clone()
    }

    /// "known", "unknown", "spoof", "tight_crop" or "poor_quality".
    #[getter]
    fn outcome(&self) -> &'static str {
        outcome_name(&self.face.outcome)
    }

    /// The person, if the face is known; otherwise None.
    #[getter]
    fn identity(&self) -> Option<Identity> {
        self.known().cloned().map(Identity)
    }

    /// The nearest person to an unknown face, although below the threshold. It helps to set thresholds.
    #[getter]
    fn nearest(&self) -> Option<Identity> {
        nearest(&self.face.outcome)
    }

    /// The person's id, if the face is known; otherwise None.
    #[getter]
    fn person(&self) -> Option<&str> {
        self.known().map(|identity| identity.person.as_str())
    }

    /// The person's name, if the face is known and the gallery has a name; otherwise None.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.known().and_then(|identity| identity.name.as_deref())
    }

    /// The reasons of "poor_quality"; empty for other outcomes.
    #[getter]
    fn issues(&self) -> Vec<QualityIssue> {
        match &self.face.outcome {
            Outcome::PoorQuality { issues } => issues.iter().copied().map(QualityIssue).collect(),
            _ => Vec::new(),
        }
    }

    /// The value as Python's own types, with the keys of `facekit --json`. With `embedding=True` it has the embedding's numbers too.
    #[pyo3(signature = (*, embedding = false))]
    fn to_dict<'py>(&self, py: Python<'py>, embedding: bool) -> PyResult<Bound<'py, PyAny>> {
        let face = value::to_dict(py, &FaceReport::from(&self.face))?;
        if embedding {
            let values = self
                .embedding
                .as_ref()
                .map(|embedding| embedding.0.values().to_vec());
            face.set_item("embedding", values)?;
        }
        Ok(face)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        value::reduce(py, "Recognition", self)
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        py.import("facekit._faces")?
            .call_method1("table", ((slf,),))
    }

    fn __repr__(&self) -> String {
        let what = match &self.face.outcome {
            Outcome::Known(identity) => {
                format!(
                    "{:?}, score={:.3}",
                    identity.person.as_str(),
                    identity.score
                )
            }
            Outcome::PoorQuality { issues } => {
                format!("poor quality: {}", facekit::QualityIssue::list(issues))
            }
            _ => self.outcome().to_owned(),
        };
        format!(
            "<Recognition {what}, box={}>",
            Box(self.face.detection.rect).__repr__()
        )
    }
}

impl Recognition {
    /// The core's value, without its embedding.
    pub(crate) fn face(&self) -> &facekit::Recognition {
        &self.face
    }

    fn known(&self) -> Option<&facekit::Identity> {
        match &self.face.outcome {
            Outcome::Known(identity) => Some(identity),
            _ => None,
        }
    }
}

impl PartialEq for Recognition {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.face, &other.face);
        a.detection == b.detection
            && a.quality == b.quality
            && a.liveness == b.liveness
            && self.embedding == other.embedding
            && a.outcome == b.outcome
    }
}

#[derive(Serialize, Deserialize)]
struct SavedRecognition {
    detection: facekit::Detection,
    quality: facekit::Quality,
    liveness: Option<LivenessScore>,
    embedding: Option<SavedEmbedding>,
    outcome: Outcome,
}

impl From<Recognition> for SavedRecognition {
    fn from(Recognition { face, embedding }: Recognition) -> Self {
        Self {
            detection: face.detection,
            quality: face.quality,
            liveness: face.liveness,
            embedding: embedding.map(Into::into),
            outcome: face.outcome,
        }
    }
}

impl From<SavedRecognition> for Recognition {
    fn from(saved: SavedRecognition) -> Self {
        let mut face = facekit::Recognition::new(saved.detection, saved.quality, saved.outcome);
        face.liveness = saved.liveness;
        Self {
            face,
            embedding: saved.embedding.and_then(|saved| saved.try_into().ok()),
        }
    }
}
