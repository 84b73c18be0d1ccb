use serde::{Deserialize, Serialize};

use super::{Recognizer, Refusal, enroll::AMBIGUITY};
use crate::{ImageView, Result};

/// What a comparison of two photos says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verification {
    /// Both photos show a face.
    Compared {
        /// Whether the threshold takes them for the same person.
        same: bool,
        /// Their similarity, −1 to 1; greater is closer.
        score: f32,
        /// The score from which on they are the same.
        threshold: f32,
        /// The false-match rate that the score stands for, where the space is calibrated.
        fmr: Option<f64>,
    },
    /// A photo cannot be compared, so nothing is said about the person.
    Unusable {
        /// Which photo: 0 or 1.
        photo: usize,
        /// Why.
        refusal: Refusal,
    },
}

impl Recognizer {
    /// Whether two photos show the same person (1:1), by the largest face of each. A photo with
    /// several faces of similar size is unusable: which one is meant is not clear.
    ///
    /// The liveness check, where there is one, applies to the second photo: the first is the document, which may be a
    /// print.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`](crate::Error::Runtime) where a model fails.
    pub fn verify(&self, reference: ImageView<'_>, probe: ImageView<'_>) -> Result<Verification> {
        let _span = tracing::debug_span!("verify").entered();
        let mut faces = Vec::with_capacity(2);
        for (photo, image) in [reference, probe].into_iter().enumerate() {
            match self.subject_of(image, &self.quality, photo == 1, AMBIGUITY)? {
                Ok(face) => faces.push(face.aligned),
                Err(refusal) => return Ok(Verification::Unusable { photo, refusal }),
            }
        }
        let embeddings = self.embed(&faces)?;
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
