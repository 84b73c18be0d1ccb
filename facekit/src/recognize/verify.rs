use serde::{Deserialize, Serialize};

use super::{
    ExamineOptions, Recognizer, Refusal, Subject,
    enroll::{AMBIGUITY, PhotoFaces, PhotoSubject},
};
use crate::{
    calibration::RateBasis, comparison::Comparison, error::Result, geometry::Rect, image::ImageView,
};

/// Options of [`Recognizer::verify_with`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// Compares each face of the reference with each face of the probe, and takes the pair of the greatest similarity. Off by
    /// default: the largest faces are compared.
    pub best_pair: bool,
}

impl VerifyOptions {
    /// Sets [`best_pair`](Self::best_pair).
    #[must_use]
    pub fn with_best_pair(mut self, best: bool) -> Self {
        self.best_pair = best;
        self
    }
}

/// The faces of a photo in a comparison. The boxes are in pixels of the photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ComparedPhoto {
    /// The box of the face that was compared.
    pub face: Rect,
    /// The boxes of the other faces, largest first.
    pub others: Vec<Rect>,
}

/// The result of a comparison of two photos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verification {
    /// Both photos show a face.
    Compared {
        /// True if the score reaches the threshold, so that both are the same person.
        same: bool,
        /// Their similarity, −1 to 1; greater is closer.
        score: f32,
        /// The lowest score at which two faces are the same person.
        threshold: f32,
        /// The false-match rate of a single comparison at this score, if the space is calibrated.
        fmr: Option<f64>,
        /// True if `fmr` is below the rates that were counted, so that it is extrapolated.
        #[serde(default)]
        extrapolated: bool,
        /// How well the wanted rate is known.
        #[serde(default)]
        basis: RateBasis,
        /// The faces of the reference.
        reference: ComparedPhoto,
        /// The faces of the probe.
        probe: ComparedPhoto,
    },
    /// A photo cannot be compared, so there is no answer.
    Unusable {
        /// The photo: 0 for the reference, 1 for the probe.
        photo: usize,
        /// The reason.
        refusal: Refusal,
    },
}

impl Recognizer {
    /// Compares the largest faces of two photos (1:1). A photo with several faces of similar size is unusable, because the
    /// subject is not clear. The result names the faces that were compared, and the others.
    ///
    /// If there is a liveness check, it applies to the probe only: the reference is a document, which may be a print.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`](crate::Error::Runtime) if a model fails.
    pub fn verify(&self, reference: ImageView<'_>, probe: ImageView<'_>) -> Result<Verification> {
        self.verify_with(reference, probe, &VerifyOptions::default())
    }

    /// Compares two photos (1:1), with options.
    ///
    /// With [`VerifyOptions::best_pair`], all faces that pass the checks are compared, and the pair of the greatest similarity
    /// counts. The result then says that somebody on the reference is somebody on the probe. More faces mean more chances of
    /// a false match: a false-match rate holds for each pair, and a false-positive identification rate also for all pairs of the
    /// two photos together. If no face of a photo passes the
    /// checks, the photo is unusable for the reason of its largest face.
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer, passport: facekit::ImageView<'_>, album: facekit::ImageView<'_>)
    /// # -> facekit::Result<()> {
    /// use facekit::{Verification, VerifyOptions};
    ///
    /// let options = VerifyOptions::default().with_best_pair(true);
    /// if let Verification::Compared { same: true, probe, .. } = recognizer.verify_with(passport, album, &options)? {
    ///     println!("found at {:?}, beside {} others", probe.face, probe.others.len());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`](crate::Error::Runtime) if a model fails.
    pub fn verify_with(
        &self,
        reference: ImageView<'_>,
        probe: ImageView<'_>,
        options: &VerifyOptions,
    ) -> Result<Verification> {
        let _span = tracing::debug_span!("verify").entered();
        let mut photos = Vec::with_capacity(2);
        for (photo, image) in [reference, probe].into_iter().enumerate() {
            let liveness = photo == 1;
            let faces = if options.best_pair {
                self.subjects_of(image, liveness)?
            } else {
                self.subject_of(image, &self.quality, liveness, AMBIGUITY)?
            };
            match faces.subjects {
                Ok(subjects) => photos.push((subjects, faces.rects)),
                Err(refusal) => return Ok(Verification::Unusable { photo, refusal }),
            }
        }
        let (references, probes) = (&photos[0].0, &photos[1].0);
        let (mut best, mut score) = ([0, 0], f32::NEG_INFINITY);
        for (i, reference) in references.iter().enumerate() {
            for (j, probe) in probes.iter().enumerate() {
                let similarity = reference.embedding.cosine(&probe.embedding)?;
                if similarity > score {
                    (best, score) = ([i, j], similarity);
                }
            }
        }
        let limit = self.threshold.for_best_comparison().limit(
            self.calibration.as_ref(),
            &Comparison::default(),
            self.embedder.space(),
            references.len() * probes.len(),
        )?;
        let (fmr, extrapolated) = self.rate_of(score, &Comparison::default());
        let compared = |photo: usize| {
            let (subjects, rects) = &photos[photo];
            let face = subjects[best[photo]].rect;
            let mut others = rects.clone();
            if let Some(at) = others.iter().position(|other| *other == face) {
                others.remove(at);
            }
            ComparedPhoto { face, others }
        };
        Ok(Verification::Compared {
            same: score >= limit.score,
            score,
            threshold: limit.score,
            fmr,
            extrapolated,
            basis: limit.basis,
            reference: compared(0),
            probe: compared(1),
        })
    }

    /// The faces of a photo that pass the checks, largest first, or the refusal of the largest one.
    fn subjects_of(&self, image: ImageView<'_>, liveness: bool) -> Result<PhotoFaces> {
        let all = ExamineOptions::default()
            .with_subject(Subject::All)
            .with_liveness(liveness);
        let mut faces = self.examine(image, &all)?;
        faces.sort_by(|a, b| b.detection.rect.area().total_cmp(&a.detection.rect.area()));
        let rects = faces.iter().map(|face| face.detection.rect).collect();
        let (mut subjects, mut refused) = (Vec::new(), None);
        for mut face in faces {
            let embedding = self.embed_examined(image, &mut face, &all)?;
            match PhotoSubject::of(face, embedding) {
                Ok(subject) => subjects.push(subject),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        let subjects = if subjects.is_empty() {
            Err(refused.unwrap_or(Refusal::NoFace))
        } else {
            Ok(subjects)
        };
        Ok(PhotoFaces { subjects, rects })
    }
}
