//! Face detection.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

#[cfg(feature = "engine")]
use crate::geometry::Point;
use crate::{
    error::Result,
    geometry::{Landmarks, Rect},
    image::ImageView,
};

#[cfg(feature = "engine")]
mod find;
#[cfg(feature = "engine")]
mod grid;
#[cfg(feature = "engine")]
mod nms;
mod passes;
#[cfg(feature = "engine")]
mod scrfd;
#[cfg(feature = "engine")]
mod second_look;
#[cfg(feature = "engine")]
mod tiles;
#[cfg(feature = "engine")]
mod yunet;

#[cfg(feature = "engine")]
pub(crate) use find::is_among;
#[cfg(feature = "engine")]
pub use find::{FoundFaces, find_faces};
#[cfg(feature = "engine")]
pub use nms::non_maximum_suppression;
pub use passes::Passes;
#[cfg(feature = "engine")]
pub use scrfd::{Scrfd, ScrfdSpec};
#[cfg(feature = "engine")]
pub use second_look::{SecondLook, SecondLookSpec};
#[cfg(feature = "engine")]
pub(crate) use second_look::{follow_with, look_with, moved};
#[cfg(feature = "engine")]
pub use yunet::{YuNet, YuNetSpec};

/// A face that a detector found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The box around the face, in pixels of the given image. It may reach beyond the image.
    #[serde(rename = "box")]
    pub rect: Rect,
    /// The five landmarks, in pixels of the given image.
    pub landmarks: Landmarks,
    /// The detector's score, 0 to 1. Only scores of the same detector can be compared.
    pub score: f32,
}

#[cfg(feature = "engine")]
impl Detection {
    /// The detection in an image where `(x, y)` of this one is at `(x + offset[0], y + offset[1])`, multiplied by `scale`.
    pub(crate) fn mapped(&self, offset: [f32; 2], scale: [f32; 2]) -> Self {
        let x = |x: f32| (x + offset[0]) * scale[0];
        let y = |y: f32| (y + offset[1]) * scale[1];
        let Rect {
            x: left,
            y: top,
            width,
            height,
        } = self.rect;
        let points = self.landmarks.points();
        Self {
            rect: Rect::new(x(left), y(top), width * scale[0], height * scale[1]),
            landmarks: points
                .map(|point| Point::new(x(point.x), y(point.y)))
                .into(),
            score: self.score,
        }
    }
}

/// Finds faces and their five landmarks in an image, in one pass. [`find_faces`](crate::find_faces) makes several passes if
/// one is not enough.
///
/// # Contract
///
/// - Detections are in falling order of score. Overlapping ones are suppressed.
/// - Coordinates are pixels of the given image, at whatever size the detector works.
/// - All numbers are finite, and a box has a positive area.
/// - An image without a face gives an empty list.
pub trait Detector: fmt::Debug + Send + Sync {
    /// Finds the faces in `image`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for options out of range,
    /// [`Error::Runtime`](crate::Error::Runtime) if the model fails.
    fn detect(&self, image: ImageView<'_>, options: &DetectOptions) -> Result<Vec<Detection>>;

    /// The longest side of an image, in pixels, that [`detect`](Self::detect) does not reduce if
    /// [`max_side`](DetectOptions::max_side) is `None`. `None` if there is no such limit.
    fn largest_side(&self) -> Option<usize>;
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

            fn largest_side(&self) -> Option<usize> {
                (**self).largest_side()
            }
        }
    };
}

forward!(Arc);
forward!(Box);

/// Options of a [`Detector`] and of [`find_faces`](crate::find_faces).
///
/// ```
/// let options = facekit::DetectOptions::default().with_max_side(None).with_score(0.5);
/// assert_eq!(options.max_side, None);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DetectOptions {
    /// The lowest score of a face, 0 to 1, inclusive. `None` means the model's own default.
    pub score: Option<f32>,
    /// The intersection over union above which the box of lower score is dropped, 0 to 1. `None` means the model's own
    /// default.
    pub overlap: Option<f32>,
    /// The longest side, in pixels, at which the detector works in its first pass: a larger image is reduced to it. 640 by
    /// default. `None` means no reduction. Small images are never enlarged.
    pub max_side: Option<usize>,
    /// The passes of [`find_faces`](crate::find_faces): one, or as many as the image needs (the default). A [`Detector`]
    /// itself makes one pass.
    pub passes: Passes,
    /// Equalize the contrast first. This helps against back light and in dark rooms. A recognizer then also judges the
    /// brightness and the contrast of a face on the equalized image. Off by default.
    pub equalize: bool,
}

impl Default for DetectOptions {
    fn default() -> Self {
        Self {
            score: None,
            overlap: None,
            max_side: Some(640),
            passes: Passes::default(),
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

    /// Sets [`passes`](Self::passes).
    #[must_use]
    pub fn with_passes(mut self, passes: Passes) -> Self {
        self.passes = passes;
        self
    }

    /// Sets [`equalize`](Self::equalize).
    #[must_use]
    pub fn with_equalize(mut self, equalize: bool) -> Self {
        self.equalize = equalize;
        self
    }
}
