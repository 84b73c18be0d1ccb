//! An embedder whose embeddings know their recognizability.

use super::{Embedder, Embedding, EmbeddingSpace, Recognizability};
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
    /// `embedder`, whose faces are prepared so that its embeddings are in `space`. If `recognizability` removes directions, the
    /// embeddings are in the space without them.
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
                let without = recognizability.space_within(&space);
                recognizability.check_space(&without)?;
                without
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
        embeddings
            .map(|embedding| match &self.recognizability {
                None => Ok(embedding.in_space(&self.space)),
                Some(recognizability) => {
                    let value = recognizability.of(embedding.values());
                    let rest = recognizability.without_removed(embedding.values());
                    Ok(Embedding::new(&self.space, rest)?.with_recognizability(value))
                }
            })
            .collect()
    }
}
