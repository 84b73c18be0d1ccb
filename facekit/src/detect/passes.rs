//! The passes that a search for faces may make.

/// The passes of [`find_faces`](crate::find_faces) over an image.
///
/// ```
/// use facekit::{DetectOptions, Passes};
///
/// let video = DetectOptions::default().with_passes(Passes::One);
/// let thorough = DetectOptions::default().with_passes(Passes::Auto { max_pixels: 100_000_000 });
/// assert_eq!(DetectOptions::default().passes, Passes::Auto { max_pixels: 16_777_216 });
/// # let _ = (video, thorough);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Passes {
    /// One pass over the image, reduced to [`DetectOptions::max_side`](super::DetectOptions::max_side). For video and other
    /// series of images, where each image must take the same time and a face that one image misses is in the next.
    One,
    /// Further passes if the first one is not enough. The default.
    Auto {
        /// The most pixels that the detector works on after the first pass, all passes together. 2²⁴ by default, which is
        /// enough for an image of 12 megapixels at its full size.
        max_pixels: usize,
    },
}

impl Default for Passes {
    fn default() -> Self {
        Self::Auto {
            max_pixels: 1 << 24,
        }
    }
}
