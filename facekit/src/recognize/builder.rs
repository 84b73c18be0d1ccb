use std::sync::Arc;

use super::{MirrorOptions, Recognizer, Subject};
use crate::{
    calibration::{Calibration, Threshold},
    challenge::ChallengeLimits,
    comparison::Comparison,
    detect::{DetectOptions, Detector, SecondLook},
    embed::Embedder,
    error::{Error, Result},
    gallery::Gallery,
    liveness::Liveness,
    quality::QualityOptions,
};

/// Collects the parts of a [`Recognizer`]. [`build`](Self::build) checks that they fit.
#[derive(Debug, Default)]
#[must_use]
pub struct RecognizerBuilder {
    detector: Option<Box<dyn Detector>>,
    second_look: Option<SecondLook>,
    turned_faces: Option<bool>,
    liveness: Option<Box<dyn Liveness>>,
    embedder: Option<Box<dyn Embedder>>,
    gallery: Option<Arc<Gallery>>,
    calibration: Option<Calibration>,
    threshold: Threshold,
    detect_options: DetectOptions,
    quality: QualityOptions,
    liveness_threshold: Option<f32>,
    subject: Subject,
    mirror: MirrorOptions,
    challenge_limits: Option<ChallengeLimits>,
}

impl RecognizerBuilder {
    /// Sets the detector. Required.
    pub fn detector(mut self, detector: impl Detector + 'static) -> Self {
        self.detector = Some(Box::new(detector));
        self
    }

    /// Sets the second look at each face, which gives better landmarks. None by default.
    ///
    /// The embedder must have the space of this second look: see
    /// [`MeasuredEmbedder`](crate::MeasuredEmbedder).
    /// [`Registry::load`](crate::Registry::load) returns both.
    pub fn second_look(mut self, second_look: SecondLook) -> Self {
        self.second_look = Some(second_look);
        self
    }

    /// Sets the limits of a [`Challenge`](crate::Challenge), which were measured for the landmarks of the detector, or of the second
    /// look if there is one. Without limits, the recognizer offers no challenge.
    pub fn challenge_limits(mut self, limits: ChallengeLimits) -> Self {
        self.challenge_limits = Some(limits);
        self
    }

    /// Turns the search for faces that are upside down or on their side on or off. On by default, and without effect if there is
    /// no second look.
    ///
    /// The search takes time for faces that are uncertain, and for images without a face: the detector then searches them three times.
    /// Turn it off for streams that are known to be upright.
    pub fn turned_faces(mut self, turned_faces: bool) -> Self {
        self.turned_faces = Some(turned_faces);
        self
    }

    /// Sets the liveness check, which tells living faces from prints and screens. None by default.
    pub fn liveness(mut self, liveness: impl Liveness + 'static) -> Self {
        self.liveness = Some(Box::new(liveness));
        self
    }

    /// Removes the liveness check.
    pub fn without_liveness(mut self) -> Self {
        self.liveness = None;
        self
    }

    /// Sets the embedder. Required.
    pub fn embedder(mut self, embedder: impl Embedder + 'static) -> Self {
        self.embedder = Some(Box::new(embedder));
        self
    }

    /// Sets the gallery of known people. Without one, everybody is unknown. Recognizers of the same embedding space can share
    /// a gallery in an [`Arc`].
    pub fn gallery(mut self, gallery: impl Into<Arc<Gallery>>) -> Self {
        self.gallery = Some(gallery.into());
        self
    }

    /// Sets the calibration of the embedder's scores. Required if the threshold is a rate.
    pub fn calibration(mut self, calibration: Calibration) -> Self {
        self.calibration = Some(calibration);
        self
    }

    /// Sets the threshold from which two faces are the same person. By default, a false-positive identification rate of 1 % and a
    /// false-match rate of 1e-4 both hold for searches, and a false-match rate of 1e-4 for comparisons of two faces.
    pub fn threshold(mut self, threshold: Threshold) -> Self {
        self.threshold = threshold;
        self
    }

    /// Sets the options of detection.
    pub fn detect_options(mut self, options: DetectOptions) -> Self {
        self.detect_options = options;
        self
    }

    /// Sets the limits of the quality gate that a face must pass to be compared.
    pub fn quality(mut self, options: QualityOptions) -> Self {
        self.quality = options;
        self
    }

    /// Sets the lowest liveness score, 0 to 1, that counts as live: 0.5 by default. A score of 0 is never live.
    pub fn liveness_threshold(mut self, threshold: f32) -> Self {
        self.liveness_threshold = Some(threshold);
        self
    }

    /// Sets the faces of an image that are examined: all by default.
    pub fn subject(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }

    /// Sets the use of mirror images.
    ///
    /// By default, each enrolled photo is embedded together with its mirror image, and so is a recognized face whose score is near
    /// the threshold.
    pub fn mirror(mut self, options: MirrorOptions) -> Self {
        self.mirror = options;
        self
    }

    /// Builds the recognizer.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidArgument`] if the detector or the embedder is missing, or a threshold, a limit of quality or the band of
    ///   mirror images is out of range.
    /// - [`Error::SpaceMismatch`] if the gallery or the calibration is of another embedding space than the embedder.
    /// - [`Error::Uncalibrated`] if the threshold is a rate and there is no calibration.
    /// - [`Error::RateOutOfRange`] if the calibration does not cover the rate of a single comparison of plain photos. A gallery
    ///   may have more people than the calibration answers for, and templates of more photos: see [`Recognizer::capacity`] and
    ///   [`RateBasis::NotMet`](crate::RateBasis::NotMet).
    pub fn build(self) -> Result<Recognizer> {
        let missing = |part| Error::argument(part, "a recognizer needs one");
        let recognizer = Recognizer {
            detector: self.detector.ok_or_else(|| missing("detector"))?,
            second_look: self.second_look,
            turned_faces: self.turned_faces.unwrap_or(true),
            liveness: self.liveness,
            embedder: self.embedder.ok_or_else(|| missing("embedder"))?,
            gallery: self.gallery,
            calibration: self.calibration,
            threshold: self.threshold,
            detect_options: self.detect_options,
            quality: self.quality,
            liveness_threshold: self.liveness_threshold.unwrap_or(0.5),
            subject: self.subject,
            mirror: self.mirror,
            challenge_limits: self.challenge_limits,
        };
        if !(0.0..=1.0).contains(&recognizer.liveness_threshold) {
            let reason = format!("{} is not between 0 and 1", recognizer.liveness_threshold);
            return Err(Error::argument("liveness threshold", reason));
        }
        recognizer.quality.check()?;
        recognizer.mirror.check()?;
        if let Some(limits) = &recognizer.challenge_limits {
            let invalid = |reason| Error::argument("challenge limits", reason);
            limits.check().map_err(invalid)?;
        }
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
        recognizer.comparison_limit(&Comparison::default())?;
        recognizer.search_limit(&Comparison::default(), 1)?;
        Ok(recognizer)
    }
}
