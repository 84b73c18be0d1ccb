//! The parts combined: frames in, people out.

use std::{fmt, sync::Arc};

use crate::{
    align::AlignedFace,
    calibration::{Calibration, Threshold},
    challenge::ChallengeLimits,
    comparison::Comparison,
    detect::{DetectOptions, Detection, Detector, SecondLook},
    embed::Embedder,
    error::{Error, Result},
    gallery::{Gallery, Roster},
    image::ImageView,
    liveness::Liveness,
    quality::QualityOptions,
};

mod analyze;
mod augment;
mod builder;
mod calibrate;
mod consensus;
mod enroll;
mod examine;
mod identify;
mod look_again;
mod mirror;
mod outcome;
mod reembed;
mod report;
mod sightings;
mod subject;
mod verify;
mod video;

pub use analyze::{Analysis, AnalyzedFace};
pub use builder::RecognizerBuilder;
pub use calibrate::{
    GalleryCalibration, GalleryCalibrationOptions, ProbableDuplicate, SpoiledCheck,
};
pub use enroll::{
    EnrollOptions, EnrollReport, Mismatch, Refusal, RefusedPhoto, Resemblance, TurnedPhoto,
};
pub use examine::{ExamineOptions, ExaminedFace};
pub use identify::{Candidate, IdentifyOptions};
pub use mirror::MirrorOptions;
pub use outcome::{Identity, Outcome, Recognition};
pub use reembed::ReembedReport;
pub use report::FaceReport;
pub use sightings::sightings;
pub use subject::Subject;
pub use verify::{ComparedPhoto, Verification, VerifyOptions};
pub(crate) use video::FrameView;

/// Recognizes and enrolls people with a detector, a quality gate, an optional liveness check, an embedder and an optional
/// gallery.
///
/// Threads can share a recognizer and use it at the same time.
///
/// ```no_run
/// use facekit::{Gallery, MemoryStore, Outcome, PersonId, Recognizer};
/// use facekit::image::{self, DecodeLimits};
/// # fn parts() -> (Box<dyn facekit::Detector>, Box<dyn facekit::Embedder>, facekit::Calibration) { unimplemented!() }
///
/// let (detector, embedder, calibration) = parts(); // see `Registry::load`
/// let gallery = Gallery::for_space(MemoryStore::new(), embedder.space())?;
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
    second_look: Option<SecondLook>,
    turned_faces: bool,
    liveness: Option<Box<dyn Liveness>>,
    embedder: Box<dyn Embedder>,
    gallery: Option<Arc<Gallery>>,
    calibration: Option<Calibration>,
    threshold: Threshold,
    detect_options: DetectOptions,
    quality: QualityOptions,
    liveness_threshold: f32,
    subject: Subject,
    mirror: MirrorOptions,
    challenge_limits: Option<ChallengeLimits>,
}

/// Options for one image: see [`Recognizer::recognize_with`] and [`Recognizer::recognize_batch`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RecognizeOptions {
    /// The faces to examine; `None` takes the recognizer's setting.
    pub subject: Option<Subject>,
    /// Search these people only, for example a course's enrollment list; `None` searches everybody. Clones of a roster share
    /// what a search prepares, so one roster serves many images at little cost.
    pub roster: Option<Roster>,
    /// The threshold from which a face counts as known; `None` takes the recognizer's threshold.
    pub threshold: Option<Threshold>,
    /// The faces in the image, if [`Recognizer::find_faces`] or another detector has found them already; `None` searches for
    /// them.
    pub faces: Option<Vec<Detection>>,
}

impl RecognizeOptions {
    /// Sets [`subject`](Self::subject).
    #[must_use]
    pub fn with_subject(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Sets [`roster`](Self::roster), which [`Gallery::roster`] makes.
    #[must_use]
    pub fn with_roster(mut self, roster: Roster) -> Self {
        self.roster = Some(roster);
        self
    }

    /// Sets [`threshold`](Self::threshold).
    #[must_use]
    pub fn with_threshold(mut self, threshold: Threshold) -> Self {
        self.threshold = Some(threshold);
        self
    }

    /// Sets [`faces`](Self::faces).
    #[must_use]
    pub fn with_faces(mut self, faces: Vec<Detection>) -> Self {
        self.faces = Some(faces);
        self
    }
}

impl Recognizer {
    /// Starts to build a recognizer. A detector and an embedder are required.
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

    /// The second look at each face, if there is one.
    #[must_use]
    pub fn second_look(&self) -> Option<&SecondLook> {
        self.second_look.as_ref()
    }

    /// The liveness check, if there is one.
    #[must_use]
    pub fn liveness(&self) -> Option<&dyn Liveness> {
        self.liveness.as_deref()
    }

    /// The gallery, if there is one.
    #[must_use]
    pub fn gallery(&self) -> Option<&Gallery> {
        self.gallery.as_deref()
    }

    /// The limits of a [`Challenge`](crate::Challenge) for the recognizer's landmarks; `None` if it offers no challenge.
    #[must_use]
    pub fn challenge_limits(&self) -> Option<&ChallengeLimits> {
        self.challenge_limits.as_ref()
    }

    /// The calibration of the embedder's scores, if there is one.
    #[must_use]
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// Recognizes the faces in `image`. The list is empty if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`] if a model fails.
    pub fn recognize(&self, image: ImageView<'_>) -> Result<Vec<Recognition>> {
        self.recognize_with(image, &RecognizeOptions::default())
    }

    /// Recognizes the faces in `image`, with options.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`] if a model fails, [`Error::InvalidArgument`] if a roster is given and there is no gallery,
    /// [`Error::Uncalibrated`] and [`Error::RateOutOfRange`] for a threshold of the options as for that of the recognizer.
    pub fn recognize_with(
        &self,
        image: ImageView<'_>,
        options: &RecognizeOptions,
    ) -> Result<Vec<Recognition>> {
        Ok(self
            .recognize_batch(&[(image, options)])?
            .pop()
            .unwrap_or_default())
    }

    /// Recognizes the faces in several images, each with options of its own, and embeds the faces of all images in one batch.
    /// Returns one list for each image, in order.
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer, images: &[facekit::Image; 2], course: facekit::Roster)
    /// # -> facekit::Result<()> {
    /// use facekit::{RecognizeOptions, Subject};
    ///
    /// let [door, classroom] = images;
    /// let at_the_door = RecognizeOptions::default().with_subject(Subject::Largest);
    /// let in_class = RecognizeOptions::default().with_roster(course);
    /// let found = recognizer.recognize_batch(&[(door.view(), &at_the_door), (classroom.view(), &in_class)])?;
    /// assert_eq!(found.len(), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`recognize_with`](Self::recognize_with), for any of the images.
    pub fn recognize_batch(
        &self,
        images: &[(ImageView<'_>, &RecognizeOptions)],
    ) -> Result<Vec<Vec<Recognition>>> {
        let _span = tracing::debug_span!("recognize", images = images.len()).entered();
        for (_, options) in images {
            if options.roster.is_some() && self.gallery.is_none() {
                let reason = "the recognizer was built without a gallery";
                return Err(Error::argument("roster", reason));
            }
            if let Some(threshold) = options.threshold {
                self.limit_of(threshold, &Comparison::default(), 1)?;
            }
        }
        let mut frames = Vec::with_capacity(images.len());
        for &(image, options) in images {
            let examine = ExamineOptions {
                subject: options.subject,
                faces: options.faces.clone(),
                ..ExamineOptions::default()
            };
            frames.push(self.examine(image, &examine)?);
        }

        let crops: Vec<AlignedFace> = frames
            .iter()
            .flatten()
            .filter(|face| face.passed())
            .map(|face| face.aligned.clone())
            .collect();
        let mut embeddings = self.embed(&crops)?.into_iter();
        let mut recognized = Vec::with_capacity(images.len());
        let mut near = Vec::new();
        for (&(image, options), faces) in images.iter().zip(frames) {
            let mut recognitions = Vec::with_capacity(faces.len());
            for mut face in faces {
                let mut embedding = None;
                if face.passed() {
                    let Some(found) = embeddings.next() else {
                        unreachable!("`embed` returns one for each face that passed")
                    };
                    embedding = self.complete(image, &mut face, found, &self.quality, true)?;
                }
                let outcome = match (face.refused, &embedding) {
                    (None, Some(embedding)) => {
                        let (outcome, is_near) = self.outcome(embedding, options)?;
                        if is_near {
                            let place = (recognized.len(), recognitions.len());
                            near.push((place, face.aligned));
                        }
                        outcome
                    }
                    (Some(refused), _) => refused,
                    (None, None) => {
                        unreachable!("`complete` returns the embedding or refuses the face")
                    }
                };
                recognitions.push(Recognition {
                    detection: face.detection,
                    quality: face.quality,
                    liveness: face.liveness,
                    embedding,
                    outcome,
                });
            }
            recognized.push(recognitions);
        }
        self.decide_by_mirror(images, &mut recognized, &near)?;
        Ok(recognized)
    }
}

impl fmt::Debug for Recognizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recognizer")
            .field("detector", &self.detector)
            .field("second_look", &self.second_look)
            .field("liveness", &self.liveness)
            .field("embedder", &self.embedder)
            .field("gallery", &self.gallery)
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}
