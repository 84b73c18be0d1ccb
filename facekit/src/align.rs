//! Faces moved to where embedders expect them.

use crate::{Error, Image, Result};

/// A face cut out, turned upright and scaled so that its landmarks lie on an embedder's template.
///
/// Square, RGB. Made by [`AlignmentTemplate::align`](crate::AlignmentTemplate::align), or taken from an image that
/// holds such a face already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlignedFace(Image);

impl AlignedFace {
    /// Takes an image that holds an aligned face.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] where the image is not square.
    pub fn new(image: Image) -> Result<Self> {
        if image.width() == image.height() {
            Ok(Self(image))
        } else {
            Err(Error::argument(
                "aligned face",
                format!("{} × {} is not square", image.width(), image.height()),
            ))
        }
    }

    /// The pixels.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.0
    }

    /// Pixels along a side.
    #[must_use]
    pub fn side(&self) -> usize {
        self.0.width()
    }
}
