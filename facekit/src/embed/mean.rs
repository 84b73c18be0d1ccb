use super::{Embedding, EmbeddingSpace};
use crate::error::{Error, Result};

/// A sum shorter than this has no reliable direction.
const SHORTEST: f64 = 1e-3;

/// The normalized sum of embeddings, which are added one by one.
pub(crate) struct Mean {
    space: EmbeddingSpace,
    sum: Vec<f32>,
}

impl Mean {
    pub(crate) fn new(first: &Embedding) -> Self {
        Self {
            space: first.space.clone(),
            sum: first.values.clone(),
        }
    }

    /// Adds an embedding of the same space. Returns false, and leaves it out, if it is the opposite of the sum so far, because
    /// opposite embeddings have no mean.
    pub(crate) fn add(&mut self, embedding: &Embedding) -> Result<bool> {
        self.space.check(&embedding.space)?;
        let pairs = self.sum.iter().zip(&embedding.values);
        let sum: Vec<f32> = pairs.map(|(a, b)| a + b).collect();
        let square: f64 = sum.iter().map(|&value| f64::from(value).powi(2)).sum();
        let has_direction = square.sqrt() >= SHORTEST;
        if has_direction {
            self.sum = sum;
        }
        Ok(has_direction)
    }

    pub(crate) fn embedding(self) -> Result<Embedding> {
        Embedding::new(&self.space, self.sum)
    }
}

impl Embedding {
    /// The normalized sum of embeddings: the mean of a person's templates, or of a photo and its mirror image. The result has no
    /// [`recognizability`](Self::recognizability).
    ///
    /// ```
    /// use facekit::{Digest, Embedding, EmbeddingSpace};
    ///
    /// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
    /// let east = Embedding::new(&space, vec![1.0, 0.0])?;
    /// let north = Embedding::new(&space, vec![0.0, 1.0])?;
    /// let mean = Embedding::mean([&east, &north])?;
    /// assert!((mean.cosine(&east)? - 0.5_f32.sqrt()).abs() < 1e-6);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidEmbedding`] if there is no embedding, or if opposite embeddings cancel each other,
    /// [`Error::SpaceMismatch`] if they are not all of one space.
    pub fn mean<'a>(embeddings: impl IntoIterator<Item = &'a Self>) -> Result<Self> {
        let invalid = |reason: &str| Error::InvalidEmbedding {
            reason: reason.to_owned(),
        };
        let mut embeddings = embeddings.into_iter();
        let first = embeddings.next();
        let mut mean = Mean::new(first.ok_or_else(|| invalid("the mean of no embeddings"))?);
        for embedding in embeddings {
            if !mean.add(embedding)? {
                return Err(invalid("opposite embeddings have no mean"));
            }
        }
        mean.embedding()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn embedding(values: [f32; 2]) -> Embedding {
        let space = EmbeddingSpace::new("test", Digest::from_bytes([0; 32]), 2);
        Embedding::new(&space, values.to_vec()).unwrap()
    }

    #[test]
    fn the_mean_of_one_embedding_is_the_embedding() {
        let one = embedding([0.6, 0.8]);
        assert_eq!(Embedding::mean([&one]).unwrap(), one);
    }

    #[test]
    fn opposite_embeddings_have_no_mean() {
        let (east, west) = (embedding([1.0, 0.0]), embedding([-1.0, 0.0]));
        let error = |found: Result<Embedding>| found.unwrap_err().to_string();
        assert!(error(Embedding::mean([&east, &west])).contains("opposite"));
        assert!(error(Embedding::mean([])).contains("no embeddings"));

        let mut mean = Mean::new(&east);
        assert!(!mean.add(&west).unwrap());
        assert_eq!(mean.embedding().unwrap(), east);
    }
}
