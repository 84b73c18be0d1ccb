//! An embedder whose embeddings know their recognizability.

use super::{Embedder, Embedding, EmbeddingSpace, Recognizability, Texture};
use crate::{align::AlignedFace, error::Result};

/// An embedder whose faces are prepared in a way of their own, and whose embeddings know their
/// [recognizability](Embedding::recognizability).
///
/// Faces that a second look has aligned give embeddings in a space of their own, so that they are never compared with others.
///
/// ```no_run
/// # fn parts() -> (Box<dyn facekit::Embedder>, facekit::SecondLook) { unimplemented!() }
/// use facekit::{Embedder, MeasuredEmbedder};
///
/// let (embedder, second_look) = parts();
/// let space = second_look.spec().space(embedder.space());
/// let embedder = MeasuredEmbedder::new(embedder, space, None)?;
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Debug)]
pub struct MeasuredEmbedder<E> {
    embedder: E,
    recognizability: Option<Recognizability>,
    space: EmbeddingSpace,
}

impl<E: Embedder> MeasuredEmbedder<E> {
    /// `embedder`, whose faces are prepared so that its embeddings are in `space`. If `recognizability` corrects embeddings, they
    /// are in the space of corrected ones.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`](crate::Error::SpaceMismatch) if `recognizability` is that of another space, or `space` has another
    /// dimension than the embedder.
    pub fn new(
        embedder: E,
        space: EmbeddingSpace,
        recognizability: Option<Recognizability>,
    ) -> Result<Self> {
        let dimension = embedder.space().dimension();
        EmbeddingSpace::new(space.model(), *space.fingerprint(), dimension).check(&space)?;
        let space = match &recognizability {
            None => space,
            Some(recognizability) => {
                let corrected = recognizability.correction().space(&space);
                recognizability.check_space(&corrected)?;
                corrected
            }
        };
        Ok(Self {
            embedder,
            recognizability,
            space,
        })
    }
}

impl<E: Embedder> Embedder for MeasuredEmbedder<E> {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn face_side(&self) -> usize {
        self.embedder.face_side()
    }

    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
        let embeddings = self.embedder.embed(faces)?.into_iter();
        faces
            .iter()
            .zip(embeddings)
            .map(|(face, embedding)| match &self.recognizability {
                None => Ok(embedding.in_space(&self.space)),
                Some(recognizability) => {
                    let value = recognizability.of(embedding.values(), &Texture::of(face));
                    let corrected = recognizability.correction().of(embedding.values());
                    Ok(Embedding::new(&self.space, corrected)?.with_recognizability(value))
                }
            })
            .collect()
    }
}
