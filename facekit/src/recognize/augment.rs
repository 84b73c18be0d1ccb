use super::Recognizer;
use crate::{
    align::{AlignedFace, lit, reduced, turned},
    embed::Embedding,
    error::Result,
};

impl Recognizer {
    /// The mean embedding over small changes of a face: turns of 5°, light, contrast and blur.
    pub(super) fn augmented(&self, face: &AlignedFace) -> Result<Embedding> {
        let variants = [
            face.clone(),
            turned(face, 5.0),
            turned(face, -5.0),
            lit(face, 1.2, 0.0),
            lit(face, 0.8, 0.0),
            lit(face, 0.8, 25.5),
            reduced(face, 2)?,
        ];
        Embedding::mean(&self.embed(&variants)?)
    }
}
