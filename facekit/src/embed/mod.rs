//! Embeddings: faces as vectors that are close to each other for the same person.

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
mod correction;
#[cfg(feature = "engine")]
mod discriminant;
#[cfg(feature = "engine")]
mod mean;
#[cfg(feature = "engine")]
mod measured;
#[cfg(feature = "engine")]
mod recognizability;
#[cfg(feature = "engine")]
mod texture;

#[cfg(feature = "engine")]
pub use arcface::{ArcFace, ArcFaceSpec};
#[cfg(feature = "engine")]
pub use correction::{Correction, CorrectionSamples};
#[cfg(feature = "engine")]
pub(crate) use mean::Mean;
#[cfg(feature = "engine")]
pub use measured::MeasuredEmbedder;
#[cfg(feature = "engine")]
pub use recognizability::{
    Recognizability, RecognizabilitySamples, SampleFace, UnrecognizableKind,
};
#[cfg(feature = "engine")]
pub use texture::Texture;

/// The space of the embeddings of one model with one preprocessing. Only embeddings of one space can be compared.
///
/// Two spaces are equal if fingerprint and dimension are equal. The model's name is for display.
#[derive(Clone, Serialize, Deserialize)]
pub struct EmbeddingSpace {
    model: Arc<str>,
    fingerprint: Digest,
    dimension: usize,
}

impl EmbeddingSpace {
    /// The space of `model`. `fingerprint` identifies the weights and the preprocessing, `dimension` is the length of an
    /// embedding.
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

    /// The digest of the weights and the preprocessing.
    #[must_use]
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    /// The number of values in an embedding.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Checks that `found` is this space.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`] if it is another space.
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
#[derive(Clone)]
pub struct Embedding {
    space: EmbeddingSpace,
    values: Vec<f32>,
    recognizability: Option<f32>,
    is_mirrored: bool,
}

/// Two embeddings are equal if space and values are equal.
impl PartialEq for Embedding {
    fn eq(&self, other: &Self) -> bool {
        self.space == other.space && self.values == other.values
    }
}

impl Embedding {
    /// Checks `values` and scales them to length one. Values that have length one already, within the precision of `f32`,
    /// are not changed: an embedding that was stored is read back bit by bit.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidEmbedding`] if the number of values is not the space's dimension, a value is not finite, or all
    /// are zero.
    pub fn new(space: &EmbeddingSpace, mut values: Vec<f32>) -> Result<Self> {
        let invalid = |reason: String| Err(Error::InvalidEmbedding { reason });
        if values.len() != space.dimension {
            return invalid(format!(
                "{} values given, {space} has {}",
                values.len(),
                space.dimension
            ));
        }
        if let Some((index, value)) = values
            .iter()
            .enumerate()
            .find(|(_, value)| !value.is_finite())
        {
            return invalid(format!("value {index} is {value}"));
        }
        let length = values
            .iter()
            .map(|&value| f64::from(value).powi(2))
            .sum::<f64>()
            .sqrt();
        if length < f64::from(f32::MIN_POSITIVE) {
            return invalid("all values are zero".to_owned());
        }
        // Rounding a unit vector to `f32` changes its length by less than this.
        if (length - 1.0).abs() > f64::from(f32::EPSILON) {
            for value in &mut values {
                *value = (f64::from(*value) / length) as f32;
            }
        }
        Ok(Self {
            space: space.clone(),
            values,
            recognizability: None,
            is_mirrored: false,
        })
    }

    /// The embedding space.
    #[must_use]
    pub fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    /// The same values in another space of the same dimension.
    #[cfg(feature = "engine")]
    fn in_space(self, space: &EmbeddingSpace) -> Self {
        Self {
            space: space.clone(),
            ..self
        }
    }

    /// The same embedding of a face with this recognizability.
    #[cfg(feature = "engine")]
    pub(crate) fn with_recognizability(mut self, recognizability: f32) -> Self {
        self.recognizability = Some(recognizability);
        self
    }

    /// The distance from embeddings of faces that cannot be recognized, 0 to 1. See `Recognizability`. `None` if it was not
    /// measured for the embedder, and for an embedding that was stored.
    #[must_use]
    pub fn recognizability(&self) -> Option<f32> {
        self.recognizability
    }

    /// Sets the mark [`is_mirrored`](Self::is_mirrored), for a store that reads an embedding back.
    #[must_use]
    pub fn with_mirrored(mut self, mirrored: bool) -> Self {
        self.is_mirrored = mirrored;
        self
    }

    /// True if it is the normalized sum of the embeddings of a face and of its mirror image.
    #[must_use]
    pub fn is_mirrored(&self) -> bool {
        self.is_mirrored
    }

    /// The values. Their squares sum to one.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The cosine of the angle to `other`: −1 to 1, greater is closer.
    ///
    /// # Errors
    ///
    /// [`Error::SpaceMismatch`] if `other` is of another space.
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
    /// Shows the space only: the values are personal data and must not be logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Embedding({})", self.space)
    }
}

/// Turns aligned faces into embeddings.
///
/// # Contract
///
/// - One embedding per face, in the order of `faces`, all of the space that [`space`](Self::space) returns.
/// - The result for a face does not depend on the other faces of the batch.
pub trait Embedder: fmt::Debug + Send + Sync {
    /// The space of the embeddings.
    fn space(&self) -> &EmbeddingSpace;

    /// The side, in pixels, of the aligned faces that it takes.
    fn face_side(&self) -> usize;

    /// Embeds each of `faces`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for a face of another side, [`Error::Runtime`] if the model fails, [`Error::Model`] if it
    /// returns a vector that is not an embedding.
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
