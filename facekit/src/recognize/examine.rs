use super::{Outcome, Recognizer, Subject};
use crate::{
    align::{AlignedFace, align},
    detect::Detection,
    embed::Embedding,
    error::{Error, Result},
    image::{ImageView, PixelFormat},
    liveness::LivenessScore,
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
}

impl Default for ExamineOptions {
    fn default() -> Self {
        Self {
            subject: None,
            quality: None,
            liveness: true,
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
    /// The reason not to embed the face: [`Outcome::PoorQuality`] or [`Outcome::Spoof`]; `None` if it passed all checks.
    pub refused: Option<Outcome>,
}

impl ExaminedFace {
    /// Returns true if the face passed all checks and may be embedded.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.refused.is_none()
    }
}

impl Recognizer {
    /// Finds, aligns, measures and checks the faces of an image without embedding them. [`recognize`](Self::recognize) begins
    /// with this step. A tracker examines each frame and embeds only the best of them.
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer, frame: facekit::ImageView<'_>) -> facekit::Result<()> {
    /// use facekit::{ExamineOptions, IdentifyOptions};
    ///
    /// let options = ExamineOptions::default();
    /// let faces = recognizer.examine(frame, &options)?;
    /// let best = faces
    ///     .into_iter()
    ///     .filter(|face| face.passed())
    ///     .max_by(|a, b| a.quality.score.total_cmp(&b.quality.score));
    /// if let Some(mut face) = best
    ///     && let Some(embedding) = recognizer.embed_examined(frame, &mut face, &options)?
    /// {
    ///     let candidates = recognizer.identify(&embedding, &IdentifyOptions::default())?;
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
        let image = ImageView::new(&pixels, size.0, size.1, PixelFormat::Rgb8)?;

        let detections = self.found(image)?;
        let subject = options.subject.unwrap_or(self.subject);
        let detections = self.confirmed(image, detections, subject)?;
        let mut faces = Vec::with_capacity(detections.len());
        for detection in detections {
            // Landmarks that coincide are a mistake of the detector, not a face.
            let Ok(aligned) = align(image, &detection.landmarks, self.embedder.face_side()) else {
                continue;
            };
            let quality = Quality::measure(size, &detection, &aligned);
            let issues = quality.issues(gate);
            let refused = (!issues.is_empty()).then_some(Outcome::PoorQuality { issues });
            faces.push(ExaminedFace {
                detection,
                aligned,
                quality,
                liveness: None,
                refused,
            });
        }
        if options.liveness {
            self.check_liveness(image, &mut faces)?;
        }
        Ok(faces)
    }

    /// Assesses the faces that passed the quality gate, in one batch.
    pub(super) fn check_liveness(
        &self,
        image: ImageView<'_>,
        faces: &mut [ExaminedFace],
    ) -> Result<()> {
        let Some(liveness) = self.liveness.as_deref() else {
            return Ok(());
        };
        let mut passed: Vec<&mut ExaminedFace> =
            faces.iter_mut().filter(|face| face.passed()).collect();
        if passed.is_empty() {
            return Ok(());
        }
        let detections: Vec<Detection> = passed.iter().map(|face| face.detection).collect();
        let scores = self.liveness_of(liveness, image, &detections)?;
        for (face, score) in passed.iter_mut().zip(scores) {
            face.liveness = Some(score);
            if !score.is_live(self.liveness_threshold) {
                face.refused = Some(Outcome::Spoof);
            }
        }
        Ok(())
    }

    /// Embeds a face that [`examine`](Self::examine) found in `image`, and completes its quality. `None` if the face was refused
    /// before, or is refused now because the embedder cannot recognize it: [`ExaminedFace::refused`] has the reason.
    ///
    /// A face that turns out to lie on its side or upside down gets new landmarks, unless
    /// [`turned_faces`](super::RecognizerBuilder::turned_faces) is off.
    ///
    /// # Errors
    ///
    /// The errors of [`embed`](Self::embed).
    pub fn embed_examined(
        &self,
        image: ImageView<'_>,
        face: &mut ExaminedFace,
        options: &ExamineOptions,
    ) -> Result<Option<Embedding>> {
        if !face.passed() {
            return Ok(None);
        }
        let Some(embedding) = self.embed(std::slice::from_ref(&face.aligned))?.pop() else {
            return Ok(None);
        };
        let gate = options.quality.as_ref().unwrap_or(&self.quality);
        self.complete(image, face, embedding, gate, options.liveness)
    }

    /// Embeds aligned faces in one batch: one embedding for each face, in order. The recognizability of the faces is not
    /// checked; [`embed_examined`](Self::embed_examined) does that.
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
