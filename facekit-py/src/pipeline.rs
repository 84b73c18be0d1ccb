//! The parts of a recognizer, which `Recognizer` and `RecognizeMany` share.

use std::{num::NonZeroUsize, sync::Arc};

use facekit::{
    AlignedFace, DetectOptions, ExamineOptions, Recognition, RecognizeOptions, Result, Subject,
    Watch,
};
use pyo3::prelude::*;

use crate::{gallery::SharedGallery, image::Photo};

/// The core's recognizer, its gallery as Python holds it, and the options that Python shows.
pub(crate) struct Pipeline {
    pub(crate) recognizer: facekit::Recognizer,
    pub(crate) gallery: Option<Arc<SharedGallery>>,
    pub(crate) detect_options: DetectOptions,
    pub(crate) threads: NonZeroUsize,
    /// The models, as the caller selected them.
    pub(crate) models: String,
    /// The name of the runtime.
    pub(crate) runtime: String,
}

impl Pipeline {
    /// An error if the gallery is closed.
    pub(crate) fn check_open(&self, py: Python<'_>) -> PyResult<()> {
        match &self.gallery {
            Some(gallery) => gallery.check_open(py),
            None => Ok(()),
        }
    }

    /// The faces in a photo, and its width and height.
    pub(crate) fn recognize(
        &self,
        photo: &Photo,
        options: &RecognizeOptions,
    ) -> Result<(Vec<Recognition>, (usize, usize))> {
        let image = photo.open()?;
        let faces = self.recognizer.recognize_with(image.view(), options)?;
        Ok((faces, image.size()))
    }

    /// The embedding of the largest face in a photo. `None` if there is no face, or if the quality gate or the liveness check
    /// refuses it.
    pub(crate) fn embed_largest(&self, photo: &Photo) -> Result<Option<facekit::Embedding>> {
        let image = photo.open()?;
        let largest = ExamineOptions::default().with_subject(Subject::Largest);
        let faces = self.recognizer.examine(image.view(), &largest)?;
        let passed = faces.into_iter().filter(|face| face.passed());
        let crops: Vec<AlignedFace> = passed.map(|face| face.aligned).collect();
        Ok(self.recognizer.embed(&crops)?.pop())
    }

    /// Embeds crops in batches, and reports progress after each batch.
    pub(crate) fn embed(
        &self,
        mut crops: impl Iterator<Item = Result<AlignedFace>>,
        watch: &Watch<'_>,
    ) -> Result<Vec<facekit::Embedding>> {
        const BATCH: usize = 32;
        let mut embeddings = Vec::new();
        loop {
            let batch: Vec<AlignedFace> = crops.by_ref().take(BATCH).collect::<Result<_>>()?;
            if batch.is_empty() {
                return Ok(embeddings);
            }
            embeddings.extend(self.recognizer.embed(&batch)?);
            watch.report(embeddings.len() as u64, None)?;
        }
    }
}
