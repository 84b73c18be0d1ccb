//! The parts of a recognizer, which `Recognizer` and `RecognizeMany` share.

use std::{num::NonZeroUsize, sync::Arc};

use facekit::{
    AlignedFace, Detection, ExamineOptions, Recognition, RecognizeOptions, Result, Subject, Watch,
    image::DecodeLimits,
};
use pyo3::prelude::*;

use crate::{
    gallery::SharedGallery,
    image::{Opened, Photo},
};

/// The core's recognizer, and its gallery as Python holds it.
pub(crate) struct Pipeline {
    pub(crate) recognizer: Arc<facekit::Recognizer>,
    pub(crate) gallery: Option<Arc<SharedGallery>>,
    /// The limits of the images that it reads.
    pub(crate) limits: DecodeLimits,
    pub(crate) threads: NonZeroUsize,
    /// The models, as the caller selected them.
    pub(crate) models: String,
    /// The name of the runtime.
    pub(crate) runtime: String,
}

/// An image after the search for faces.
pub(crate) struct Searched {
    /// Width and height.
    pub(crate) size: (usize, usize),
    /// The reduction of the finest pass over the whole image.
    pub(crate) reduction: f32,
    /// The reduction of the image itself.
    pub(crate) photo_reduction: f32,
    /// The share of the photo that is missing.
    pub(crate) missing: f32,
}

impl Pipeline {
    /// An error if the gallery is closed.
    pub(crate) fn check_open(&self, py: Python<'_>) -> PyResult<()> {
        match &self.gallery {
            Some(gallery) => gallery.check_open(py),
            None => Ok(()),
        }
    }

    /// The faces in a photo.
    pub(crate) fn recognize(
        &self,
        photo: &Photo,
        options: &RecognizeOptions,
    ) -> Result<(Vec<Recognition>, Searched)> {
        let image = photo.open(&self.limits)?;
        let (found, searched) = self.find_faces(&image)?;
        let options = options.clone().with_faces(found);
        let faces = self.recognizer.recognize_with(image.view(), &options)?;
        Ok((faces, searched))
    }

    /// The detections in an image.
    pub(crate) fn find_faces(&self, image: &Opened<'_>) -> Result<(Vec<Detection>, Searched)> {
        let view = image.view();
        let found = self.recognizer.find_faces(view)?;
        let searched = Searched {
            size: image.size(),
            reduction: found.reduction,
            photo_reduction: view.reduction(),
            missing: view.missing(),
        };
        Ok((found.faces, searched))
    }

    /// The embedding of the largest face in a photo. `None` if there is no face, or if the quality gate or the liveness check
    /// refuses it.
    pub(crate) fn embed_largest(&self, photo: &Photo) -> Result<Option<facekit::Embedding>> {
        let image = photo.open(&self.limits)?;
        let largest = ExamineOptions::default().with_subject(Subject::Largest);
        match self.recognizer.examine(image.view(), &largest)?.pop() {
            Some(mut face) => self
                .recognizer
                .embed_examined(image.view(), &mut face, &largest),
            None => Ok(None),
        }
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
