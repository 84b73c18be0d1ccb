//! Telling a living face from a print, a screen or a mask (presentation attack detection).

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{detect::Detection, error::Result, image::ImageView};

#[cfg(feature = "engine")]
mod minifasnet;

#[cfg(feature = "engine")]
pub use minifasnet::{MiniFasNet, MiniFasNetSpec};

/// How live a face is: 0 (an attack, and the default) to 1 (bona fide).
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(from = "f32", into = "f32")]
pub struct LivenessScore(f32);

impl LivenessScore {
    /// A score of 0 to 1. A number outside that range, or none at all, becomes 0: a check that failed
    /// never counts as live.
    #[must_use]
    pub fn new(score: f32) -> Self {
        Self(if (0.0..=1.0).contains(&score) {
            score
        } else {
            0.0
        })
    }

    /// The number, 0 to 1.
    #[must_use]
    pub fn value(self) -> f32 {
        self.0
    }

    /// Whether the score reaches `threshold` (inclusive). A score of 0, which failed checks have, never does.
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

/// Says of faces in a single image how live they are.
///
/// # Contract
///
/// - One score per face, in the order of `faces`.
/// - The surroundings of a face may matter: `image` is the whole frame, at its original size.
pub trait Liveness: fmt::Debug + Send + Sync {
    /// Scores each of `faces`, which were found in `image`.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`](crate::Error::Runtime) where the model fails.
    fn assess(&self, image: ImageView<'_>, faces: &[Detection]) -> Result<Vec<LivenessScore>>;
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
        }
    };
}

forward!(Arc);
forward!(Box);
