use super::{Outcome, Recognizer, Subject, look_again::Seen};
use crate::{
    align::{AlignedFace, align, alignment},
    detect::{Detection, FoundFaces, find_faces},
    embed::Embedding,
    error::{Error, Result},
    image::{self, Detail, Image, ImageView},
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
    /// True if a second look has seen the face from all sides.
    pub(super) all_sides: bool,
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
    /// With a [`SecondLook`](crate::SecondLook), landmarks are its own, and faces that it does not confirm are left out. Box and
    /// score stay those of the detector. Unless [`turned_faces`](super::RecognizerBuilder::turned_faces) is off, a face that is
    /// uncertain is also searched in the turned image. The landmarks of a turned face are those of the face: upside down,
    /// `left_eye` is on the right.
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
    /// [`Error::Runtime`] if a model fails, [`Error::InvalidArgument`] if an option is out of range.
    pub fn find_faces(&self, image: ImageView<'_>) -> Result<FoundFaces> {
        let pixels = image.rgb8();
        let image = image.with_pixels(&pixels)?;
        let equalized = self.equalized(image);
        let equalized = equalized.as_ref();
        let mut found = self.detected(image, equalized)?;
        let confirmed = self.confirmed(image, equalized, found.faces, Subject::All)?;
        found.faces = confirmed.into_iter().map(|seen| seen.face).collect();
        // A face whose landmarks coincide is a mistake of the detector.
        let side = self.embedder.face_side();
        found
            .faces
            .retain(|face| alignment(&face.landmarks, side).is_ok());
        Ok(found)
    }

    /// The image with equalized contrast, if the options want it.
    pub(super) fn equalized(&self, image: ImageView<'_>) -> Option<Image> {
        let equalize = self.detect_options.equalize;
        equalize.then(|| image::equalize(&image.to_image()))
    }

    /// The faces that the detector finds.
    fn detected(&self, image: ImageView<'_>, equalized: Option<&Image>) -> Result<FoundFaces> {
        let options = self.detect_options.clone().with_equalize(false);
        let view = equalized.map_or(image, Image::view);
        let mut found = find_faces(&*self.detector, view, &options)?;
        if found.faces.is_empty() {
            found.faces = self.lying(view, &options)?;
        }
        Ok(found)
    }

    /// Aligns a face and measures its quality. `None` if its landmarks coincide: that is a mistake of the detector, not a face.
    /// `detail` is its surroundings at full size if the image is reduced.
    pub(super) fn measured(
        &self,
        image: ImageView<'_>,
        equalized: Option<&Image>,
        detection: Detection,
        detail: Option<&Detail>,
    ) -> Result<Option<ExaminedFace>> {
        let size = (image.width(), image.height());
        let side = self.embedder.face_side();
        let (view, near) = near(image, &detection, detail);
        let Ok(aligned) = align(view, &near.landmarks, side) else {
            return Ok(None);
        };
        let mut quality = match detail {
            Some(detail) => {
                let (size, face) = detail.full_size(size, &detection);
                Quality::measure(size, &face, &aligned)
            }
            None => Quality::measure(size, &detection, &aligned),
        };
        if let Some(equalized) = equalized {
            quality.equalize(&align(equalized.view(), &detection.landmarks, side)?);
        }
        Ok(Some(ExaminedFace {
            detection,
            aligned,
            quality,
            liveness: None,
            refused: None,
            all_sides: false,
        }))
    }

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
        let image = image.with_pixels(&pixels)?;

        // The image is equalized here and not by the detector, because the quality gate needs it, too.
        let equalized = self.equalized(image);
        let subject = options.subject.unwrap_or(self.subject);
        let found = match &options.faces {
            Some(faces) => {
                let chosen = subject.choose(faces.clone(), size).into_iter();
                chosen.map(Seen::once).collect()
            }
            None => {
                let found = self.detected(image, equalized.as_ref())?.faces;
                self.confirmed(image, equalized.as_ref(), found, subject)?
            }
        };
        let detections: Vec<Detection> = found.iter().map(|seen| seen.face).collect();
        let mut faces = Vec::with_capacity(detections.len());
        let mut details = Vec::with_capacity(detections.len());
        for (seen, detail) in found.iter().zip(image.details(&detections)?) {
            let face = self.measured(image, equalized.as_ref(), seen.face, detail.as_ref())?;
            let Some(mut face) = face else { continue };
            face.all_sides = seen.all_sides;
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
        let scores = self.liveness_of(liveness, image, &detections, &details)?;
        for (face, score) in passed.iter_mut().zip(scores) {
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

    /// Cuts faces out of `image` as [`embed`](Self::embed) takes them: one for each of `faces`, in order. If the image is reduced
    /// (see [`ImageView::reduction`]), a small face is cut out of the photo at its full size.
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer, frame: facekit::ImageView<'_>) -> facekit::Result<()> {
    /// let found = recognizer.find_faces(frame)?;
    /// let aligned = recognizer.align(frame, &found.faces)?;
    /// let embeddings = recognizer.embed(&aligned)?;
    /// assert_eq!(embeddings.len(), found.faces.len());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the landmarks of a face coincide, [`Error::Image`] if the file of a reduced image cannot be
    /// decoded.
    pub fn align(&self, image: ImageView<'_>, faces: &[Detection]) -> Result<Vec<AlignedFace>> {
        let side = self.embedder.face_side();
        let pixels = image.rgb8();
        let image = image.with_pixels(&pixels)?;
        let details = image.details(faces)?;
        let faces = faces.iter().zip(&details);
        faces
            .map(|(face, detail)| {
                let (view, near) = near(image, face, detail.as_ref());
                align(view, &near.landmarks, side)
            })
            .collect()
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
