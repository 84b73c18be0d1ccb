use super::{Recognition, RecognizeOptions, Recognizer};
use crate::{
    align::AlignedFace,
    embed::{Embedding, Mean},
    error::{Error, Result},
    image::ImageView,
};

/// The use of mirror images of faces. See `BENCHMARKS.md` for what they cost and gain.
///
/// ```
/// use facekit::MirrorOptions;
///
/// let never = MirrorOptions::never();
/// assert!(!never.templates && MirrorOptions::default().templates);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MirrorOptions {
    /// Embeds each enrolled photo together with its mirror image. On by default.
    pub templates: bool,
    /// A recognized face is also embedded mirrored if its score is below the threshold by at most this cosine, 0 to 2.
    pub below: f32,
    /// A recognized face is also embedded mirrored if its score is above the threshold by less than this cosine, 0 to 2.
    pub above: f32,
}

impl Default for MirrorOptions {
    fn default() -> Self {
        Self {
            templates: true,
            below: 0.06,
            above: 0.03,
        }
    }
}

impl MirrorOptions {
    /// Mirror images are not used.
    #[must_use]
    pub fn never() -> Self {
        Self {
            templates: false,
            below: 0.0,
            above: 0.0,
        }
    }

    /// Sets [`templates`](Self::templates).
    #[must_use]
    pub fn with_templates(mut self, templates: bool) -> Self {
        self.templates = templates;
        self
    }

    /// Sets the band around the threshold in which a recognized face is also embedded mirrored: [`below`](Self::below) and
    /// [`above`](Self::above).
    #[must_use]
    pub fn with_band(mut self, below: f32, above: f32) -> Self {
        (self.below, self.above) = (below, above);
        self
    }

    /// Returns true if a recognized face is embedded mirrored in some cases.
    pub(super) fn mirrors_probes(&self) -> bool {
        self.below > 0.0 || self.above > 0.0
    }

    pub(super) fn check(&self) -> Result<()> {
        for (name, value) in [("below", self.below), ("above", self.above)] {
            if !(0.0..=2.0).contains(&value) {
                let reason = format!("{name}: {value} is not between 0 and 2");
                return Err(Error::argument("mirror", reason));
            }
        }
        Ok(())
    }

    /// Returns true if the mirror image can change the verdict about a face with this score.
    pub(super) fn matters(&self, score: f32, threshold: f32) -> bool {
        score >= threshold - self.below && score < threshold + self.above
    }
}

impl Recognizer {
    /// Embeds a face together with its mirror image: the normalized sum of `embedding`, which is that of `face`, and of the
    /// embedding of the mirror image. The result is [mirrored](Embedding::is_mirrored). It costs one pass of the embedder.
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer, face: facekit::AlignedFace) -> facekit::Result<()> {
    /// let embedding = recognizer.embed(std::slice::from_ref(&face))?.remove(0);
    /// let steadier = recognizer.embed_mirrored(&face, &embedding)?;
    /// # let _ = steadier;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`embed`](Self::embed), and [`Error::SpaceMismatch`] if `embedding` is of another space.
    pub fn embed_mirrored(&self, face: &AlignedFace, embedding: &Embedding) -> Result<Embedding> {
        let mirrored = self.embed(&[face.mirrored()])?.remove(0);
        summed(embedding, &mirrored)
    }

    /// Compares the faces at these places once more, each together with its mirror image. All are embedded in one batch.
    pub(super) fn decide_by_mirror(
        &self,
        images: &[(ImageView<'_>, &RecognizeOptions)],
        recognized: &mut [Vec<Recognition>],
        near: &[((usize, usize), AlignedFace)],
    ) -> Result<()> {
        if near.is_empty() {
            return Ok(());
        }
        let crops: Vec<AlignedFace> = near.iter().map(|(_, face)| face.mirrored()).collect();
        let mirrored = self.embed(&crops)?;
        for (&((image, face), _), mirrored) in near.iter().zip(mirrored) {
            let recognition = &mut recognized[image][face];
            let Some(plain) = &recognition.embedding else {
                continue;
            };
            let embedding = summed(plain, &mirrored)?;
            (recognition.outcome, _) = self.outcome(&embedding, images[image].1)?;
            recognition.embedding = Some(embedding);
        }
        Ok(())
    }

    /// The embedding of the template of a photo. `embedding` is that of the face.
    pub(super) fn template(
        &self,
        face: &AlignedFace,
        embedding: &Embedding,
        augment: bool,
    ) -> Result<Embedding> {
        match (self.mirror.templates, augment) {
            (false, false) => Ok(embedding.clone()),
            (false, true) => self.augmented(face),
            (true, false) => self.embed_mirrored(face, embedding),
            (true, true) => {
                let mirrored = self.augmented(&face.mirrored())?;
                summed(&self.augmented(face)?, &mirrored)
            }
        }
    }
}

/// The normalized sum of an embedding and that of the mirror image. It keeps the recognizability of the embedding.
fn summed(embedding: &Embedding, mirrored: &Embedding) -> Result<Embedding> {
    let mut sum = Mean::new(embedding);
    sum.add(mirrored)?;
    let sum = sum.embedding()?.with_mirrored(true);
    Ok(match embedding.recognizability() {
        Some(value) => sum.with_recognizability(value),
        None => sum,
    })
}
