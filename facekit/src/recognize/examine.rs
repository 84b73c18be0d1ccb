use super::{Outcome, Recognizer, Subject};
use crate::{
    align::{AlignedFace, align},
    detect::{Detection, FoundFaces, find_faces},
    embed::Embedding,
    error::{Error, Result},
    image::{self, Detail, Image, ImageView},
    liveness::{Liveness, LivenessScore},
    quality::{Quality, QualityOptions},
};

/// Options of [`Recognizer::examine`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExamineOptions {
    /// The faces to examine; `None` takes the recognizer's setting.
    pub subject: Option<Subject>,
    /// The limits of the quality gate; `None` takes the recognizer's.
    pub quality: Option<QualityOptions>,
    /// Applies the recognizer's liveness check, if it has one. On by default.
    pub liveness: bool,
    /// The faces in the image, if they are known already; `None` searches for them. The subject is chosen from them.
    pub faces: Option<Vec<Detection>>,
}

impl Default for ExamineOptions {
    fn default() -> Self {
        Self {
            subject: None,
            quality: None,
            liveness: true,
            faces: None,
        }
    }
}

impl ExamineOptions {
    /// Sets [`subject`](Self::subject).
    #[must_use]
    pub fn with_subject(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Sets [`quality`](Self::quality).
    #[must_use]
    pub fn with_quality(mut self, quality: QualityOptions) -> Self {
        self.quality = Some(quality);
        self
    }

    /// Sets [`liveness`](Self::liveness).
    #[must_use]
    pub fn with_liveness(mut self, liveness: bool) -> Self {
        self.liveness = liveness;
        self
    }

    /// Sets [`faces`](Self::faces).
    #[must_use]
    pub fn with_faces(mut self, faces: Vec<Detection>) -> Self {
        self.faces = Some(faces);
        self
    }
}

/// A face after the steps that come before embedding: detection, alignment, quality gate and liveness check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExaminedFace {
    /// The position of the face.
    pub detection: Detection,
    /// The aligned crop, which the embedder takes.
    pub aligned: AlignedFace,
    /// The quality of the face.
    pub quality: Quality,
    /// The liveness score; `None` if the quality gate refused the face, or if no liveness check was made.
    pub liveness: Option<LivenessScore>,
    /// The reason not to embed the face: [`Outcome::PoorQuality`], [`Outcome::Spoof`] or [`Outcome::TightCrop`]; `None` if it
    /// passed all checks.
    pub refused: Option<Outcome>,
}

impl ExaminedFace {
    /// Returns true if the face passed all checks and may be embedded.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.refused.is_none()
    }

    /// Applies the quality gate.
    pub(super) fn apply(&mut self, gate: &QualityOptions) {
        let issues = self.quality.issues(gate);
        self.refused = (!issues.is_empty()).then_some(Outcome::PoorQuality { issues });
    }
}

impl Recognizer {
    /// Finds the faces of an image with the recognizer's detector and options, and tells how finely it looked.
    /// [`examine`](Self::examine) and [`recognize`](Self::recognize) begin with this step.
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer, frame: facekit::ImageView<'_>) -> facekit::Result<()> {
    /// use facekit::RecognizeOptions;
    ///
    /// let found = recognizer.find_faces(frame)?;
    /// if found.reduction > 1.0 {
    ///     println!("faces of less than {:.0} pixels may have been missed", found.smallest_face());
    /// }
    /// let options = RecognizeOptions::default().with_faces(found.faces);
    /// let recognized = recognizer.recognize_with(frame, &options)?;
    /// # let _ = recognized;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`] if the detector fails, [`Error::InvalidArgument`] if its options are out of range.
    pub fn find_faces(&self, image: ImageView<'_>) -> Result<FoundFaces> {
        find_faces(&*self.detector, image, &self.detect_options)
    }

    /// Finds the faces of an image that was equalized if the options want it.
    fn find_in(&self, image: ImageView<'_>, equalized: Option<&Image>) -> Result<FoundFaces> {
        let options = self.detect_options.clone().with_equalize(false);
        find_faces(
            &*self.detector,
            equalized.map_or(image, Image::view),
            &options,
        )
    }

    /// Finds, aligns, measures and checks the faces of an image without embedding them. [`recognize`](Self::recognize) begins
    /// with this step. A tracker examines each frame and embeds only the best of them.
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer, frame: facekit::ImageView<'_>) -> facekit::Result<()> {
    /// use facekit::{ExamineOptions, IdentifyOptions};
    ///
    /// let faces = recognizer.examine(frame, &ExamineOptions::default())?;
    /// let best = faces
    ///     .into_iter()
    ///     .filter(|face| face.passed())
    ///     .max_by(|a, b| a.quality.score.total_cmp(&b.quality.score));
    /// if let Some(face) = best {
    ///     let embeddings = recognizer.embed(&[face.aligned])?;
    ///     let candidates = recognizer.identify(&embeddings[0], &IdentifyOptions::default())?;
    ///     println!("{candidates:?}");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`] if a model fails, [`Error::InvalidArgument`] if a limit of quality is out of range.
    pub fn examine(
        &self,
        image: ImageView<'_>,
        options: &ExamineOptions,
    ) -> Result<Vec<ExaminedFace>> {
        if let Some(quality) = &options.quality {
            quality.check()?;
        }
        let gate = options.quality.as_ref().unwrap_or(&self.quality);
        let size = (image.width(), image.height());
        let pixels = image.rgb8();
        let image = image.with_pixels(&pixels)?;

        // The image is equalized here and not by the detector, because the quality gate needs it, too.
        let equalized = self
            .detect_options
            .equalize
            .then(|| image::equalize(&image.to_image()));
        let detections = match &options.faces {
            Some(faces) => faces.clone(),
            None => self.find_in(image, equalized.as_ref())?.faces,
        };
        let detections = options
            .subject
            .unwrap_or(self.subject)
            .choose(detections, size);
        let mut faces = Vec::with_capacity(detections.len());
        let mut details = Vec::with_capacity(detections.len());
        for (detection, detail) in detections.iter().zip(image.details(&detections)?) {
            let (view, near) = near(image, detection, detail.as_ref());
            // Landmarks that coincide are a mistake of the detector, not a face.
            let Ok(aligned) = align(view, &near.landmarks, self.embedder.face_side()) else {
                continue;
            };
            let detection = *detection;
            let mut quality = match &detail {
                Some(detail) => {
                    let (size, face) = detail.full_size(size, &detection);
                    Quality::measure(size, &face, &aligned)
                }
                None => Quality::measure(size, &detection, &aligned),
            };
            if let Some(equalized) = &equalized {
                let side = self.embedder.face_side();
                quality.equalize(&align(equalized.view(), &detection.landmarks, side)?);
            }
            let mut face = ExaminedFace {
                detection,
                aligned,
                quality,
                liveness: None,
                refused: None,
            };
            face.apply(gate);
            faces.push(face);
            details.push(detail);
        }
        if options.liveness {
            self.check_liveness(image, &mut faces, &details)?;
        }
        Ok(faces)
    }

    /// Assesses the faces that passed the quality gate, in one batch.
    pub(super) fn check_liveness(
        &self,
        image: ImageView<'_>,
        faces: &mut [ExaminedFace],
        details: &[Option<Detail>],
    ) -> Result<()> {
        let Some(liveness) = self.liveness.as_deref() else {
            return Ok(());
        };
        let (mut passed, details): (Vec<&mut ExaminedFace>, Vec<Option<&Detail>>) = faces
            .iter_mut()
            .zip(details.iter().map(Option::as_ref))
            .filter(|(face, _)| face.passed())
            .unzip();
        if passed.is_empty() {
            return Ok(());
        }
        let detections: Vec<Detection> = passed.iter().map(|face| face.detection).collect();
        let scores = assess(liveness, image, &detections, &details)?;
        for (nth, face) in passed.iter_mut().enumerate() {
            // A face without a score was not found live.
            let score = scores.get(nth).copied().unwrap_or_default();
            face.liveness = Some(score);
            if !score.is_live(self.liveness_threshold) {
                let rect = face.detection.rect;
                let context =
                    (image.width() as f32 / rect.width).min(image.height() as f32 / rect.height);
                let minimum = liveness.least_context();
                face.refused = Some(if context < minimum {
                    Outcome::TightCrop { context, minimum }
                } else {
                    Outcome::Spoof
                });
            }
        }
        Ok(())
    }

    /// Embeds aligned faces in one batch: one embedding for each face, in order.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`] if the model fails, [`Error::Model`] if the embedder does not return one embedding for each face.
    pub fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
        let embeddings = self.embedder.embed(faces)?;
        if embeddings.len() == faces.len() {
            Ok(embeddings)
        } else {
            Err(Error::Model {
                model: self.embedder.space().model().to_owned(),
                reason: format!(
                    "gave {} embeddings for {} faces",
                    embeddings.len(),
                    faces.len()
                ),
                source: None,
            })
        }
    }
}

/// The image to look at a face in, and the face in it: the surroundings at full size if the image is reduced.
fn near<'a>(
    image: ImageView<'a>,
    face: &Detection,
    detail: Option<&'a Detail>,
) -> (ImageView<'a>, Detection) {
    match detail {
        Some(detail) => (detail.image.view(), detail.mapped(face)),
        None => (image, *face),
    }
}

/// Assesses the liveness of faces, each in its surroundings at full size if the image is reduced.
fn assess(
    liveness: &dyn Liveness,
    image: ImageView<'_>,
    faces: &[Detection],
    details: &[Option<&Detail>],
) -> Result<Vec<LivenessScore>> {
    if details.iter().all(Option::is_none) {
        return liveness.assess(image, faces);
    }
    let mut scores = Vec::with_capacity(faces.len());
    for (face, detail) in faces.iter().zip(details) {
        let (view, face) = near(image, face, *detail);
        scores.push(
            liveness
                .assess(view, &[face])?
                .first()
                .copied()
                .unwrap_or_default(),
        );
    }
    Ok(scores)
}
