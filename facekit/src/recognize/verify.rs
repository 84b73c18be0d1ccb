use serde::{Deserialize, Serialize};

use super::{Recognizer, Refusal, enroll::AMBIGUITY};
use crate::{error::Result, image::ImageView};

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
        /// The false-match rate at this score, if the space is calibrated.
        fmr: Option<f64>,
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
    /// subject is not clear.
    ///
    /// If there is a liveness check, it applies to the probe only: the reference is a document, which may be a print.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`](crate::Error::Runtime) if a model fails.
    pub fn verify(&self, reference: ImageView<'_>, probe: ImageView<'_>) -> Result<Verification> {
        let _span = tracing::debug_span!("verify").entered();
        let mut embeddings = Vec::with_capacity(2);
        for (photo, image) in [reference, probe].into_iter().enumerate() {
            match self.subject_of(image, &self.quality, photo == 1, AMBIGUITY)? {
                Ok(face) => embeddings.push(face.embedding),
                Err(refusal) => return Ok(Verification::Unusable { photo, refusal }),
            }
        }
        let score = embeddings[0].cosine(&embeddings[1])?;
        let threshold = self.score_threshold(1)?;
        Ok(Verification::Compared {
            same: score >= threshold,
            score,
            threshold,
            fmr: self.fmr_of(score),
        })
    }
}
