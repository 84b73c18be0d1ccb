//! The parts put together: frames in, people out.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    AlignedFace, Calibration, DetectOptions, Detection, Detector, Embedder, Embedding, Error,
    Gallery, ImageView, Liveness, LivenessScore, PersonId, PixelFormat, Quality, QualityIssue,
    QualityOptions, Result, Roster, Threshold, align,
};

mod enroll;
mod verify;

pub use enroll::{EnrollOptions, EnrollReport, ReembedReport, Refusal, RefusedPhoto, Resemblance};
pub use verify::Verification;

/// Recognises and enrols people: a detector, a quality gate, optionally a liveness check, an embedder and optionally a
/// gallery, one after the other.
///
/// Shared by threads, it recognises on all of them at once.
///
/// ```no_run
/// use facekit::{ExactIndex, Gallery, MemoryStore, Metric, Outcome, PersonId, Recognizer};
/// use facekit::image::{self, DecodeLimits};
/// # fn parts() -> (Box<dyn facekit::Detector>, Box<dyn facekit::Embedder>, facekit::Calibration) { unimplemented!() }
///
/// let (detector, embedder, calibration) = parts(); // see `Registry::load`
/// let gallery = Gallery::open(MemoryStore::new(), ExactIndex::new(embedder.space().clone(), Metric::Cosine))?;
/// let recognizer = Recognizer::builder()
///     .detector(detector)
///     .embedder(embedder)
///     .calibration(calibration)
///     .gallery(gallery)
///     .build()?;
///
/// let portrait = image::open("anna.jpg", &DecodeLimits::default())?;
/// recognizer.enroll(&PersonId::new("anna")?, &[portrait.view()], &Default::default())?;
///
/// let frame = image::open("door.jpg", &DecodeLimits::default())?;
/// for face in recognizer.recognize(frame.view())? {
///     if let Outcome::Known(identity) = face.outcome {
///         println!("{} (score {:.2})", identity.person, identity.score);
///     }
/// }
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct Recognizer {
    detector: Box<dyn Detector>,
    liveness: Option<Box<dyn Liveness>>,
    embedder: Box<dyn Embedder>,
    gallery: Option<Arc<Gallery>>,
    calibration: Option<Calibration>,
    threshold: Threshold,
    detect_options: DetectOptions,
    quality: QualityOptions,
    liveness_threshold: f32,
    subject: Subject,
}

/// Which of the faces in an image are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Every face: a classroom, a door.
    #[default]
    All,
    /// The largest face: a kiosk with one person before it.
    Largest,
    /// The face nearest to the middle of the image: a portrait.
    Central,
}

impl Subject {
    /// The faces to look at, of those found in an image of `(width, height)` pixels.
    #[must_use]
    pub fn choose(self, faces: Vec<Detection>, (width, height): (usize, usize)) -> Vec<Detection> {
        let off_centre = |face: &Detection| {
            let center = face.rect.center();
            (center.x - width as f32 / 2.0).hypot(center.y - height as f32 / 2.0)
        };
        let one = match self {
            Self::All => return faces,
            Self::Largest => faces
                .into_iter()
                .max_by(|a, b| a.rect.area().total_cmp(&b.rect.area())),
            Self::Central => faces
                .into_iter()
                .min_by(|a, b| off_centre(a).total_cmp(&off_centre(b))),
        };
        one.into_iter().collect()
    }
}

/// What became of a face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Not good enough to be compared.
    PoorQuality {
        /// What falls short.
        issues: Vec<QualityIssue>,
    },
    /// Refused by the liveness check.
    Spoof,
    /// Compared, and near to nobody.
    Unknown {
        /// The nearest person all the same, for those who set thresholds; `None` where there is nobody.
        nearest: Option<Identity>,
    },
    /// Somebody in the gallery.
    Known(Identity),
}

/// A person as a match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// The id.
    pub person: PersonId,
    /// The name, where the gallery has one.
    pub name: Option<String>,
    /// The cosine to the nearest of the person's templates, whatever the index's metric: −1 to 1, greater is closer.
    pub score: f32,
    /// The false-match rate of a single comparison that the score stands for, rounded up where the score lies outside the
    /// calibrated range; `None` where the embedding space is not calibrated.
    pub fmr: Option<f64>,
}

impl Identity {
    /// A match without a name and a rate.
    #[must_use]
    pub fn new(person: PersonId, score: f32) -> Self {
        Self {
            person,
            name: None,
            score,
            fmr: None,
        }
    }
}

/// A face in an image, and what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recognition {
    /// Where the face is.
    pub detection: Detection,
    /// How good it is.
    pub quality: Quality,
    /// How live it is; `None` where the quality gate refused it before, or nothing checks.
    pub liveness: Option<LivenessScore>,
    /// The face as a vector; `None` where it was refused before.
    pub embedding: Option<Embedding>,
    /// What became of it.
    pub outcome: Outcome,
}

impl Recognition {
    /// A face that was neither checked for liveness nor embedded.
    #[must_use]
    pub fn new(detection: Detection, quality: Quality, outcome: Outcome) -> Self {
        Self {
            detection,
            quality,
            liveness: None,
            embedding: None,
            outcome,
        }
    }
}

/// How to recognise, for one call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RecognizeOptions {
    /// Which faces to look at, where it differs from the recogniser's.
    pub subject: Option<Subject>,
    /// Consider these people alone: the course's enrolment list.
    pub roster: Option<Vec<PersonId>>,
}

impl RecognizeOptions {
    /// Sets [`subject`](Self::subject).
    #[must_use]
    pub fn with_subject(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Sets [`roster`](Self::roster).
    #[must_use]
    pub fn with_roster(mut self, people: impl Into<Vec<PersonId>>) -> Self {
        self.roster = Some(people.into());
        self
    }
}

impl Recognizer {
    /// Begins with nothing; a detector and an embedder are needed.
    pub fn builder() -> RecognizerBuilder {
        RecognizerBuilder::default()
    }

    /// The detector.
    #[must_use]
    pub fn detector(&self) -> &dyn Detector {
        &*self.detector
    }

    /// The embedder.
    #[must_use]
    pub fn embedder(&self) -> &dyn Embedder {
        &*self.embedder
    }

    /// The liveness check, where there is one.
    #[must_use]
    pub fn liveness(&self) -> Option<&dyn Liveness> {
        self.liveness.as_deref()
    }

    /// The gallery, where there is one.
    #[must_use]
    pub fn gallery(&self) -> Option<&Gallery> {
        self.gallery.as_deref()
    }

    /// What the scores of its embedder mean, where that is known.
    #[must_use]
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// Recognises the faces in `image`; empty where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`] where a model fails.
    pub fn recognize(&self, image: ImageView<'_>) -> Result<Vec<Recognition>> {
        self.recognize_with(image, &RecognizeOptions::default())
    }

    /// Recognises the faces in `image`, with options.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`] where a model fails, [`Error::UnknownPerson`] for a roster with someone not in the gallery,
    /// [`Error::RateOutOfRange`] where the threshold is a [`Threshold::Fpir`] and the gallery has grown beyond what the
    /// calibration can answer for.
    pub fn recognize_with(
        &self,
        image: ImageView<'_>,
        options: &RecognizeOptions,
    ) -> Result<Vec<Recognition>> {
        Ok(self
            .recognize_batch(&[image], options)?
            .pop()
            .unwrap_or_default())
    }

    /// Recognises the faces in several images; the faces of all of them are embedded in one batch. One list an image, in
    /// order.
    ///
    /// # Errors
    ///
    /// As [`recognize_with`](Self::recognize_with).
    pub fn recognize_batch(
        &self,
        images: &[ImageView<'_>],
        options: &RecognizeOptions,
    ) -> Result<Vec<Vec<Recognition>>> {
        let _span = tracing::debug_span!("recognize", images = images.len()).entered();
        let roster = match (&options.roster, &self.gallery) {
            (Some(people), Some(gallery)) => Some(gallery.roster(people)?),
            (Some(_), None) => {
                return Err(Error::argument(
                    "roster",
                    "the recogniser was built without a gallery",
                ));
            }
            (None, _) => None,
        };
        let subject = options.subject.unwrap_or(self.subject);
        let mut frames = Vec::with_capacity(images.len());
        for &image in images {
            frames.push(self.examine(image, subject, &self.quality, true)?);
        }

        let fit = |face: &Examined| face.outcome.is_none();
        let crops: Vec<AlignedFace> = frames
            .iter()
            .flatten()
            .filter(|face| fit(face))
            .map(|face| face.aligned.clone())
            .collect();
        let mut embeddings = self.embed(&crops)?.into_iter();
        frames
            .into_iter()
            .map(|faces| {
                faces
                    .into_iter()
                    .map(|face| {
                        let Examined {
                            detection,
                            quality,
                            liveness,
                            outcome,
                            ..
                        } = face;
                        let (embedding, outcome) = match outcome {
                            Some(refused) => (None, refused),
                            None => {
                                let Some(embedding) = embeddings.next() else {
                                    unreachable!("`embed` gives one for each fit face")
                                };
                                let outcome = self.identify(&embedding, roster.as_ref())?;
                                (Some(embedding), outcome)
                            }
                        };
                        Ok(Recognition {
                            detection,
                            quality,
                            liveness,
                            embedding,
                            outcome,
                        })
                    })
                    .collect()
            })
            .collect()
    }

    /// Finds, aligns, measures and checks the faces of an image: everything that comes before embedding.
    fn examine(
        &self,
        image: ImageView<'_>,
        subject: Subject,
        gate: &QualityOptions,
        check_liveness: bool,
    ) -> Result<Vec<Examined>> {
        let size = (image.width(), image.height());
        let pixels = image.rgb8();
        let image = ImageView::new(&pixels, size.0, size.1, PixelFormat::Rgb8)?;

        let detections = subject.choose(self.detector.detect(image, &self.detect_options)?, size);
        let mut faces = Vec::with_capacity(detections.len());
        for detection in detections {
            // Landmarks on one spot are a detector's mistake, not a face.
            let Ok(aligned) = align(image, &detection.landmarks, self.embedder.face_side()) else {
                continue;
            };
            let quality = Quality::measure(size, &detection, &aligned);
            let issues = quality.issues(gate);
            let outcome = (!issues.is_empty()).then_some(Outcome::PoorQuality { issues });
            faces.push(Examined {
                detection,
                aligned,
                quality,
                liveness: None,
                outcome,
            });
        }
        if let Some(liveness) = self.liveness.as_deref().filter(|_| check_liveness) {
            let (fit, detections): (Vec<usize>, Vec<Detection>) = faces
                .iter()
                .enumerate()
                .filter(|(_, face)| face.outcome.is_none())
                .map(|(at, face)| (at, face.detection))
                .unzip();
            let scores = if fit.is_empty() {
                Vec::new()
            } else {
                liveness.assess(image, &detections)?
            };
            for (nth, at) in fit.into_iter().enumerate() {
                // A face without a score was not found live.
                let score = scores.get(nth).copied().unwrap_or_default();
                faces[at].liveness = Some(score);
                if !score.is_live(self.liveness_threshold) {
                    faces[at].outcome = Some(Outcome::Spoof);
                }
            }
        }
        Ok(faces)
    }

    /// One embedding for each face, whatever the embedder does.
    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
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

    fn identify(&self, probe: &Embedding, roster: Option<&Roster>) -> Result<Outcome> {
        let _span = tracing::debug_span!("identify").entered();
        let Some(gallery) = self.gallery.as_ref() else {
            return Ok(Outcome::Unknown { nearest: None });
        };
        let Some(neighbor) = gallery.nearest(probe, 1, roster)?.pop() else {
            return Ok(Outcome::Unknown { nearest: None });
        };
        let searched = roster.map_or_else(|| gallery.len(), Roster::len);
        let score = gallery.metric().to_cosine(neighbor.score);
        let identity = Identity {
            name: gallery
                .person(&neighbor.person)
                .and_then(|person| person.name),
            person: neighbor.person,
            score,
            fmr: self.fmr_of(score),
        };
        Ok(if identity.score >= self.score_threshold(searched)? {
            Outcome::Known(identity)
        } else {
            Outcome::Unknown {
                nearest: Some(identity),
            }
        })
    }

    /// The lowest score that passes in a search among `templates` templates.
    fn score_threshold(&self, templates: usize) -> Result<f32> {
        self.threshold
            .score(self.calibration.as_ref(), self.embedder.space(), templates)
    }

    fn fmr_of(&self, score: f32) -> Option<f64> {
        self.calibration
            .as_ref()
            .map(|calibration| calibration.fmr_of(score))
    }
}

impl fmt::Debug for Recognizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recognizer")
            .field("detector", &self.detector)
            .field("liveness", &self.liveness)
            .field("embedder", &self.embedder)
            .field("gallery", &self.gallery)
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}

/// A face before it is embedded.
struct Examined {
    detection: Detection,
    aligned: AlignedFace,
    quality: Quality,
    liveness: Option<LivenessScore>,
    /// Why it goes no further.
    outcome: Option<Outcome>,
}

/// Collects the parts of a [`Recognizer`]; [`build`](Self::build) checks that they fit.
#[derive(Debug, Default)]
#[must_use]
pub struct RecognizerBuilder {
    detector: Option<Box<dyn Detector>>,
    liveness: Option<Box<dyn Liveness>>,
    embedder: Option<Box<dyn Embedder>>,
    gallery: Option<Arc<Gallery>>,
    calibration: Option<Calibration>,
    threshold: Threshold,
    detect_options: DetectOptions,
    quality: QualityOptions,
    liveness_threshold: Option<f32>,
    subject: Subject,
}

impl RecognizerBuilder {
    /// What finds faces. Needed.
    pub fn detector(mut self, detector: impl Detector + 'static) -> Self {
        self.detector = Some(Box::new(detector));
        self
    }

    /// What tells living faces from prints and screens. Without it, nothing does.
    pub fn liveness(mut self, liveness: impl Liveness + 'static) -> Self {
        self.liveness = Some(Box::new(liveness));
        self
    }

    /// No liveness check, whatever was set before.
    pub fn without_liveness(mut self) -> Self {
        self.liveness = None;
        self
    }

    /// What turns faces into embeddings. Needed.
    pub fn embedder(mut self, embedder: impl Embedder + 'static) -> Self {
        self.embedder = Some(Box::new(embedder));
        self
    }

    /// Who is known. Without it, everybody is unknown. A gallery in an [`Arc`] can be shared with other recognisers of the same
    /// embedding space.
    pub fn gallery(mut self, gallery: impl Into<Arc<Gallery>>) -> Self {
        self.gallery = Some(gallery.into());
        self
    }

    /// What the embedder's scores mean. Needed where the threshold is a rate.
    pub fn calibration(mut self, calibration: Calibration) -> Self {
        self.calibration = Some(calibration);
        self
    }

    /// When two faces are the same person's: a false-match rate of 1e-4 by default.
    pub fn threshold(mut self, threshold: Threshold) -> Self {
        self.threshold = threshold;
        self
    }

    /// How to look for faces.
    pub fn detect_options(mut self, options: DetectOptions) -> Self {
        self.detect_options = options;
        self
    }

    /// What a face needs to be compared.
    pub fn quality(mut self, options: QualityOptions) -> Self {
        self.quality = options;
        self
    }

    /// The lowest liveness score, 0 to 1, that counts as live: 0.5 by default. A score of 0 never does.
    pub fn liveness_threshold(mut self, threshold: f32) -> Self {
        self.liveness_threshold = Some(threshold);
        self
    }

    /// Which faces of an image are looked at: all by default.
    pub fn subject(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }

    /// The recogniser.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] where detector or embedder is missing, or a threshold or a limit of quality is out of range,
    /// [`Error::SpaceMismatch`] where gallery or calibration is of another embedding space than the embedder,
    /// [`Error::Uncalibrated`] where the threshold is a rate and there is no calibration, [`Error::RateOutOfRange`] where the
    /// calibration does not cover that rate. A false-positive identification rate asks for a lower false-match rate the more
    /// templates there are, so it can leave the calibrated range while the gallery grows: searches fail then, rather than
    /// promise what nobody has measured.
    pub fn build(self) -> Result<Recognizer> {
        let missing = |part| Error::argument(part, "a recogniser needs one");
        let recognizer = Recognizer {
            detector: self.detector.ok_or_else(|| missing("detector"))?,
            liveness: self.liveness,
            embedder: self.embedder.ok_or_else(|| missing("embedder"))?,
            gallery: self.gallery,
            calibration: self.calibration,
            threshold: self.threshold,
            detect_options: self.detect_options,
            quality: self.quality,
            liveness_threshold: self.liveness_threshold.unwrap_or(0.5),
            subject: self.subject,
        };
        if !(0.0..=1.0).contains(&recognizer.liveness_threshold) {
            let reason = format!("{} is not between 0 and 1", recognizer.liveness_threshold);
            return Err(Error::argument("liveness threshold", reason));
        }
        recognizer.quality.check()?;
        let space = recognizer.embedder.space();
        if let Some(gallery) = &recognizer.gallery {
            space.check(gallery.space())?;
        }
        if let Some(calibration) = &recognizer.calibration {
            calibration.check_space(space)?;
        }
        if recognizer.embedder.face_side() == 0 {
            return Err(Error::argument("embedder", "takes faces without pixels"));
        }
        recognizer.score_threshold(1)?;
        recognizer.score_threshold(recognizer.gallery().map_or(1, Gallery::len))?;
        Ok(recognizer)
    }
}
