//! Finding faces.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    geometry::{Landmarks, Rect},
    image::ImageView,
};

#[cfg(feature = "engine")]
mod frame;
#[cfg(feature = "engine")]
mod scrfd;
#[cfg(feature = "engine")]
mod yunet;

#[cfg(feature = "engine")]
pub use scrfd::{Scrfd, ScrfdSpec};
#[cfg(feature = "engine")]
pub use yunet::{YuNet, YuNetSpec};

/// A face that was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The box around the face, in pixels of the image given; it may reach beyond the image.
    #[serde(rename = "box")]
    pub rect: Rect,
    /// The five landmarks, in pixels of the image given.
    pub landmarks: Landmarks,
    /// How sure the detector is, 0 to 1. Comparable between faces of one detector only.
    pub score: f32,
}

/// Finds faces and their five landmarks in an image.
///
/// # Contract
///
/// - Detections come in falling order of score, overlapping ones suppressed.
/// - Coordinates are pixels of the image given, whatever size the detector worked at.
/// - All numbers are finite, and a box has a positive area.
/// - An image without a face gives an empty list.
pub trait Detector: fmt::Debug + Send + Sync {
    /// Finds the faces in `image`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for options out of range,
    /// [`Error::Runtime`](crate::Error::Runtime) where the model fails.
    fn detect(&self, image: ImageView<'_>, options: &DetectOptions) -> Result<Vec<Detection>>;
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        impl<D: Detector + ?Sized> Detector for $pointer<D> {
            fn detect(
                &self,
                image: ImageView<'_>,
                options: &DetectOptions,
            ) -> Result<Vec<Detection>> {
                (**self).detect(image, options)
            }
        }
    };
}

forward!(Arc);
forward!(Box);

/// How to look for faces.
///
/// ```
/// let options = facekit::DetectOptions::default().with_max_side(None).with_score(0.5);
/// assert_eq!(options.max_side, None);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DetectOptions {
    /// The lowest score of a face, 0 to 1, inclusive; `None` takes the model's own default.
    pub score: Option<f32>,
    /// The intersection over union above which the weaker of two boxes is dropped, 0 to 1; `None` takes the
    /// model's own default.
    pub overlap: Option<f32>,
    /// Look for faces on a copy whose longer side is at most this many pixels (640 by default); `None`
    /// looks at the image as it is. Small images are never enlarged.
    pub max_side: Option<usize>,
    /// Equalise the contrast first, which helps in back light and dark rooms. Off by default.
    pub equalize: bool,
}

impl Default for DetectOptions {
    fn default() -> Self {
        Self {
            score: None,
            overlap: None,
            max_side: Some(640),
            equalize: false,
        }
    }
}

impl DetectOptions {
    /// Sets [`score`](Self::score).
    #[must_use]
    pub fn with_score(mut self, score: f32) -> Self {
        self.score = Some(score);
        self
    }

    /// Sets [`overlap`](Self::overlap).
    #[must_use]
    pub fn with_overlap(mut self, overlap: f32) -> Self {
        self.overlap = Some(overlap);
        self
    }

    /// Sets [`max_side`](Self::max_side).
    #[must_use]
    pub fn with_max_side(mut self, max_side: Option<usize>) -> Self {
        self.max_side = max_side;
        self
    }

    /// Sets [`equalize`](Self::equalize).
    #[must_use]
    pub fn with_equalize(mut self, equalize: bool) -> Self {
        self.equalize = equalize;
        self
    }
}
