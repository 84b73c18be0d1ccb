//! Liveness: distinguishing a living face from a print or a screen (presentation attack detection, PAD).
//!
//! Masks are not covered. The models that this project trains have never seen masks, and no model here was measured on
//! them.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{detect::Detection, error::Result, image::ImageView};

#[cfg(feature = "engine")]
mod minifasnet;

#[cfg(feature = "engine")]
pub use minifasnet::{MiniFasNet, MiniFasNetSpec};

/// A liveness score: 0 (an attack, and the default) to 1 (bona fide).
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(from = "f32", into = "f32")]
pub struct LivenessScore(f32);

impl LivenessScore {
    /// Makes a score of 0 to 1. NaN and numbers outside that range become 0: a check that failed never counts as live.
    #[must_use]
    pub fn new(score: f32) -> Self {
        Self(if (0.0..=1.0).contains(&score) {
            score
        } else {
            0.0
        })
    }

    /// The score as a number, 0 to 1.
    #[must_use]
    pub fn value(self) -> f32 {
        self.0
    }

    /// True if the score is at least `threshold`. False for a score of 0, the score of a check that failed, at every
    /// threshold.
    #[must_use]
    pub fn is_live(self, threshold: f32) -> bool {
        self.0 > 0.0 && self.0 >= threshold
    }
}

impl From<f32> for LivenessScore {
    fn from(score: f32) -> Self {
        Self::new(score)
    }
}

impl From<LivenessScore> for f32 {
    fn from(score: LivenessScore) -> Self {
        score.0
    }
}

/// Scores the liveness of faces in a single image.
///
/// # Contract
///
/// - One score per face, in the order of `faces`.
/// - `image` is the whole frame at its original size, since the surroundings of a face may matter.
pub trait Liveness: fmt::Debug + Send + Sync {
    /// Scores each of `faces`, which were found in `image`.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`](crate::Error::Runtime) if the model fails.
    fn assess(&self, image: ImageView<'_>, faces: &[Detection]) -> Result<Vec<LivenessScore>>;

    /// The least size of an image, relative to the face box, at which a low score means that the face is not live: 2 if the
    /// image must be twice as wide and twice as high as the box. At most 1 for a check that sees the face alone. With less
    /// around the face, a low score only means that the check cannot judge it.
    fn least_context(&self) -> f32;
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        impl<L: Liveness + ?Sized> Liveness for $pointer<L> {
            fn assess(
                &self,
                image: ImageView<'_>,
                faces: &[Detection],
            ) -> Result<Vec<LivenessScore>> {
                (**self).assess(image, faces)
            }

            fn least_context(&self) -> f32 {
                (**self).least_context()
            }
        }
    };
}

forward!(Arc);
forward!(Box);
