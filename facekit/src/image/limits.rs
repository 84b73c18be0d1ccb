//! Limits on the size of image files.

use ::image::Limits;

use crate::error::{Error, Result};

/// Limits on the size of an image file. Each limit is inclusive.
///
/// ```
/// use facekit::image::DecodeLimits;
///
/// let thumbnails = DecodeLimits::default().with_max_side(512);
/// assert_eq!(thumbnails.max_file_bytes, 64 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeLimits {
    /// Width times height, in pixels. 2²⁶ by default: the whole frame of a 64-megapixel camera.
    pub max_pixels: usize,
    /// Pixels of the longer side. 32,768 by default.
    pub max_side: usize,
    /// Bytes of the encoded file. 64 MiB by default.
    pub max_file_bytes: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_pixels: 1 << 26,
            max_side: 1 << 15,
            max_file_bytes: 64 << 20,
        }
    }
}

impl DecodeLimits {
    /// Sets [`max_pixels`](Self::max_pixels).
    #[must_use]
    pub fn with_max_pixels(mut self, pixels: usize) -> Self {
        self.max_pixels = pixels;
        self
    }

    /// Sets [`max_side`](Self::max_side).
    #[must_use]
    pub fn with_max_side(mut self, pixels: usize) -> Self {
        self.max_side = pixels;
        self
    }

    /// Sets [`max_file_bytes`](Self::max_file_bytes).
    #[must_use]
    pub fn with_max_file_bytes(mut self, bytes: usize) -> Self {
        self.max_file_bytes = bytes;
        self
    }

    pub(super) fn check_file(&self, name: &str, bytes: u64) -> Result<()> {
        if bytes > self.max_file_bytes as u64 {
            return Err(Error::ImageTooLarge {
                name: name.to_owned(),
                found: format!("a file of {bytes} bytes"),
                limit: format!("{} bytes", self.max_file_bytes),
            });
        }
        Ok(())
    }

    pub(super) fn check_size(&self, name: &str, width: u32, height: u32) -> Result<()> {
        let too_large = |limit: String| {
            Err(Error::ImageTooLarge {
                name: name.to_owned(),
                found: format!("{width} × {height} pixels"),
                limit,
            })
        };
        if u64::from(width.max(height)) > self.max_side as u64 {
            return too_large(format!("{} pixels a side", self.max_side));
        }
        if u64::from(width) * u64::from(height) > self.max_pixels as u64 {
            return too_large(format!("{} pixels", self.max_pixels));
        }
        Ok(())
    }

    /// The memory that a decoder may allocate: 16-bit RGBA of the largest image, and room for its tables.
    pub(super) fn decoder_limits(&self) -> Limits {
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(
            (self.max_pixels as u64)
                .saturating_mul(8)
                .saturating_add(16 << 20),
        );
        limits
    }
}
