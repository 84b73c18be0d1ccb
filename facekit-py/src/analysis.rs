//! `Analysis`: the first step of an enrollment.

use std::sync::Arc;

use facekit::AlignedFace;
use numpy::{PyArray3, ndarray::Array3};
use pyo3::prelude::*;

use crate::{detection::Box, embedding::Embedding, reports::EnrollReport};

/// The photos of an enrollment after all checks. Nothing is stored yet. `Recognizer.analyze` makes it, and `Recognizer.add` stores
/// its accepted photos.
///
/// >>> import facekit
/// >>> gallery = facekit.Gallery()
/// >>> recognizer = facekit.Recognizer(gallery=gallery)
/// >>> analysis = recognizer.analyze("anna", ["anna.jpg", "door.jpg"])
/// >>> analysis.report.accepted, len(gallery)
/// ([0, 1], 0)
/// >>> recognizer.add(analysis)
/// <EnrollReport "anna", 2 accepted, 0 refused>
#[pyclass(frozen, module = "facekit")]
pub(crate) struct Analysis(pub(crate) Arc<facekit::Analysis>);

#[pymethods]
impl Analysis {
    /// The person's id.
    #[getter]
    fn person(&self) -> &str {
        self.0.person().as_str()
    }

    /// Accepted and refused photos, with reasons and warnings, by the gallery as it was during the analysis. It has no templates.
    #[getter]
    fn report(&self) -> EnrollReport {
        EnrollReport(self.0.report().clone())
    }

    /// The faces of all photos that can be used, in the order of the photos. The report can refuse some of them because they show
    /// another person.
    #[getter]
    fn faces(&self) -> Vec<AnalyzedFace> {
        let faces = self.0.faces().iter().cloned();
        faces.map(AnalyzedFace).collect()
    }

    fn __repr__(&self) -> String {
        let report = self.0.report();
        format!(
            "<Analysis {:?}, {} accepted, {} refused>",
            self.person(),
            report.accepted.len(),
            report.refused.len()
        )
    }
}

/// The face of a photo that passed the quality gate and the liveness check.
///
/// >>> import facekit
/// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
/// >>> face = recognizer.analyze("anna", "anna.jpg").faces[0]
/// >>> face.photo, face.aligned.shape, face.embedding.is_mirrored
/// (0, (112, 112, 3), True)
#[pyclass(frozen, module = "facekit")]
pub(crate) struct AnalyzedFace(facekit::AnalyzedFace);

#[pymethods]
impl AnalyzedFace {
    /// The number of the photo, from 0.
    #[getter]
    fn photo(&self) -> usize {
        self.0.photo
    }

    /// The box of the face, in pixels of the photo.
    #[getter]
    fn r#box(&self) -> Box {
        Box(self.0.rect)
    }

    /// The aligned face, as a new array of uint8 with the shape (side, side, 3), RGB.
    #[getter]
    fn aligned<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray3<u8>> {
        crop(py, &self.0.aligned)
    }

    /// The quality of the face, 0 to 1.
    #[getter]
    fn quality(&self) -> f32 {
        self.0.quality
    }

    /// The embedding of the template: that of the photo and its mirror image, unless `mirror_templates` of the recognizer is False.
    #[getter]
    fn embedding(&self) -> Embedding {
        self.0.embedding.clone().into()
    }

    /// The rotation of the face in the photo, in degrees clockwise, -180 to 180.
    #[getter]
    fn roll(&self) -> f32 {
        self.0.roll
    }

    fn __repr__(&self) -> String {
        format!("<AnalyzedFace of photo {}>", self.0.photo)
    }
}

/// An aligned face as a new array of shape (side, side, 3).
pub(crate) fn crop<'py>(py: Python<'py>, aligned: &AlignedFace) -> Bound<'py, PyArray3<u8>> {
    let (side, image) = (aligned.side(), aligned.image());
    let pixels = Array3::from_shape_fn((side, side, 3), |(y, x, channel)| {
        image.data()[3 * (y * side + x) + channel]
    });
    PyArray3::from_owned_array(py, pixels)
}
