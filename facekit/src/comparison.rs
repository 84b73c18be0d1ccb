//! The two sides of a comparison.

use serde::{Deserialize, Serialize};

/// The kind of a comparison: how its template and its probe were made. The same score means another false-match rate for each kind of
/// comparison: the more photos a mean has, the higher are the scores of strangers.
///
/// The default is a comparison of two photos, without mirror images.
///
/// ```
/// use facekit::Comparison;
///
/// let mean_of_three = Comparison::default().with_photos(3).with_mirrored_template(true);
/// assert_eq!((mean_of_three.photos, mean_of_three.mirrored_probe), (3, false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The number of photos whose mean the probe was compared with, 1 or more.
    pub photos: usize,
    /// True if one of these photos, or more, was embedded together with its mirror image.
    pub mirrored_template: bool,
    /// True if the probe was embedded together with its mirror image.
    pub mirrored_probe: bool,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            photos: 1,
            mirrored_template: false,
            mirrored_probe: false,
        }
    }
}

impl Comparison {
    /// Sets [`photos`](Self::photos). 0 counts as 1.
    #[must_use]
    pub fn with_photos(mut self, photos: usize) -> Self {
        self.photos = photos.max(1);
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
