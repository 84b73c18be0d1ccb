//! Turning a face into a vector that is close to the vectors of the same person.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    align::AlignedFace,
    digest::Digest,
    error::{Error, Result},
};

#[cfg(feature = "engine")]
mod arcface;

#[cfg(feature = "engine")]
pub use arcface::{ArcFace, ArcFaceSpec};

/// Which embeddings can be compared: those of one model, fed in one way.
///
/// Two spaces are equal where fingerprint and dimension are; the model's name is for people.
#[derive(Clone, Serialize, Deserialize)]
pub struct EmbeddingSpace {
    model: Arc<str>,
    fingerprint: Digest,
    dimension: usize,
}

impl EmbeddingSpace {
    /// The space of `model`, whose weights and preprocessing `fingerprint` identifies.
    #[must_use]
    pub fn new(model: &str, fingerprint: Digest, dimension: usize) -> Self {
        Self {
            model: model.into(),
            fingerprint,
            dimension,
        }
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The digest of weights and preprocessing.
    #[must_use]
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    /// Numbers in an embedding.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// # Errors
    ///
    /// [`Error::SpaceMismatch`] where `found` is another space.
    pub fn check(&self, found: &Self) -> Result<()> {
        if self == found {
            Ok(())
        } else {
            Err(Error::SpaceMismatch {
                expected: self.to_string(),
                found: found.to_string(),
            })
        }
    }
}

impl PartialEq for EmbeddingSpace {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && self.dimension == other.dimension
    }
}

impl Eq for EmbeddingSpace {}

impl fmt::Display for EmbeddingSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}@{} ({}-d)",
            self.model,
            self.fingerprint.short(),
            self.dimension
        )
    }
}

impl fmt::Debug for EmbeddingSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmbeddingSpace({self})")
    }
}

/// A face as a vector of length one.
///
/// ```
/// use facekit::{Digest, Embedding, EmbeddingSpace};
///
/// let space = EmbeddingSpace::new("example", Digest::from_bytes([0; 32]), 2);
/// let a = Embedding::new(&space, vec![3.0, 4.0])?;
/// assert_eq!(a.values(), [0.6, 0.8]);
/// assert!((a.cosine(&a)? - 1.0).abs() < 1e-6);
/// assert!(Embedding::new(&space, vec![f32::NAN, 0.0]).is_err());
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Embedding {
    space: EmbeddingSpace,
    values: Vec<f32>,
}

impl Embedding {
    /// Checks `values` and scales them to length one. Values that have length one already, as far as `f32` can
    /// hold it, are taken bit by bit: an embedding that was written down reads back unchanged.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidEmbedding`] where the number of values is not the space's dimension, a value is not
    /// finite, or all are zero.
    pub fn new(space: &EmbeddingSpace, mut values: Vec<f32>) -> Result<Self> {
        let invalid = |reason: String| Err(Error::InvalidEmbedding { reason });
        if values.len() != space.dimension {
            return invalid(format!(
                "{} values given, {space} has {}",
                values.len(),
                space.dimension
            ));
        }
        if let Some((at, value)) = values
            .iter()
            .enumerate()
            .find(|(_, value)| !value.is_finite())
        {
            return invalid(format!("value {at} is {value}"));
        }
        let length = values
            .iter()
            .map(|&value| f64::from(value).powi(2))
            .sum::<f64>()
            .sqrt();
        if length < f64::from(f32::MIN_POSITIVE) {
            return invalid("all values are zero".to_owned());
        }
        // Rounding a unit vector to `f32` moves its length by less than this.
        if (length - 1.0).abs() > f64::from(f32::EPSILON) {
            for value in &mut values {
                *value = (f64::from(*value) / length) as f32;
            }
        }
        Ok(Self {
            space: space.clone(),
            values,
        })
    }

    /// The space it can be compared in.
    #[must_use]
    pub fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    /// The numbers; their squares sum to one.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The cosine of the angle to `other`: −1 to 1, greater is closer.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`] where `other` is of another space.
    pub fn cosine(&self, other: &Self) -> Result<f32> {
        self.space.check(&other.space)?;
        let sum: f64 = self
            .values
            .iter()
            .zip(&other.values)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum();
        Ok(sum.clamp(-1.0, 1.0) as f32)
    }
}

impl fmt::Debug for Embedding {
    /// Names the space alone: the numbers are personal data and belong in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Embedding({})", self.space)
    }
}

/// Turns aligned faces into embeddings.
///
/// # Contract
///
/// - One embedding per face, in the order of `faces`, all of the space [`space`](Self::space).
/// - The result for a face does not depend on the other faces of the batch.
pub trait Embedder: fmt::Debug + Send + Sync {
    /// The space of all its embeddings.
    fn space(&self) -> &EmbeddingSpace;

    /// Pixels along a side of the aligned faces it takes.
    fn face_side(&self) -> usize;

    /// Embeds each of `faces`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for a face of another side, [`Error::Runtime`] where the model fails, [`Error::Model`] where it gives no usable vector.
    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>>;
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        impl<E: Embedder + ?Sized> Embedder for $pointer<E> {
            fn space(&self) -> &EmbeddingSpace {
                (**self).space()
            }

            fn face_side(&self) -> usize {
                (**self).face_side()
            }

            fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
                (**self).embed(faces)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
