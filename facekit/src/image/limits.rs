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
    /// Width times height of the file's image, in pixels. 2²⁸ by default: the whole frame of a 200-megapixel camera.
    pub max_pixels: usize,
    /// Pixels of the longer side. 32,768 by default.
    pub max_side: usize,
    /// Bytes of the encoded file. 64 MiB by default.
    pub max_file_bytes: usize,
    /// Bytes of memory that decoding may take, as estimated from the header: the file, the pixels and what the decoder keeps
    /// beside them. 256 MiB by default. A JPEG that takes more at its full size is decoded at a reduced scale: see
    /// [`Image::reduction`](crate::Image::reduction). A PNG or WebP that takes more is an error.
    pub max_memory: usize,
    /// Pixels of the longer side that are enough. A JPEG that has more is decoded at the smallest scale, in eighths, at which it
    /// has as many, which takes less time and memory: see [`Image::reduction`](crate::Image::reduction). `None` by default: as
    /// many as the memory allows. PNG and WebP have no such scales.
    pub enough_side: Option<usize>,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_pixels: 1 << 28,
            max_side: 1 << 15,
            max_file_bytes: 64 << 20,
            max_memory: 256 << 20,
            enough_side: None,
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

    /// Sets [`max_memory`](Self::max_memory).
    #[must_use]
    pub fn with_max_memory(mut self, bytes: usize) -> Self {
        self.max_memory = bytes;
        self
    }

    /// Sets [`enough_side`](Self::enough_side).
    #[must_use]
    pub fn with_enough_side(mut self, pixels: Option<usize>) -> Self {
        self.enough_side = pixels;
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

    /// Checks the memory in bytes that decoding takes.
    pub(super) fn check_memory(&self, name: &str, memory: u64) -> Result<()> {
        if memory > self.max_memory as u64 {
            return Err(Error::ImageTooLarge {
                name: name.to_owned(),
                found: format!("decoding it takes {} of memory, which", size(memory)),
                limit: format!(
                    "{}; raise that limit to read it",
                    size(self.max_memory as u64)
                ),
            });
        }
        Ok(())
    }

    /// The memory that a decoder may allocate beside the pixels that [`check_memory`](Self::check_memory) has checked.
    pub(super) fn decoder_limits(&self) -> Limits {
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some((self.max_memory as u64).saturating_add(16 << 20));
        limits
    }
}

/// A size of memory in words.
pub(super) fn size(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        _ => format!("{} MiB", bytes.div_ceil(1 << 20)),
    }
}
