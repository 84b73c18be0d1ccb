//! The photos behind the two sides of a comparison.

use serde::{Deserialize, Serialize};

/// The photos behind a comparison of a probe with a template. The same score has another false-match rate for each kind.
///
/// ```
/// use facekit::Comparison;
///
/// let plain = Comparison::default();
/// assert_eq!((plain.photos, plain.mirrored_template, plain.mirrored_probe), (1, false, false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The number of photos that the template is the mean of; 1 for a template of one photo.
    pub photos: usize,
    /// True if the template is the sum of photos and their mirror images.
    pub mirrored_template: bool,
    /// True if the probe is the sum of a face and its mirror image.
    pub mirrored_probe: bool,
}

impl Default for Comparison {
    /// A plain photo on both sides.
    fn default() -> Self {
        Self {
            photos: 1,
            mirrored_template: false,
            mirrored_probe: false,
        }
    }
}

impl Comparison {
    /// Sets [`photos`](Self::photos).
    #[must_use]
    pub fn with_photos(mut self, photos: usize) -> Self {
        self.photos = photos;
        self
    }

    /// Sets [`mirrored_template`](Self::mirrored_template).
    #[must_use]
    pub fn with_mirrored_template(mut self, mirrored: bool) -> Self {
        self.mirrored_template = mirrored;
        self
    }

    /// Sets [`mirrored_probe`](Self::mirrored_probe).
    #[must_use]
    pub fn with_mirrored_probe(mut self, mirrored: bool) -> Self {
        self.mirrored_probe = mirrored;
        self
    }
}
