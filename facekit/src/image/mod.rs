//! Images: borrowed views over the memory of a camera or decoder, owned images, image files, and resizing.

use std::{borrow::Cow, fmt, sync::Arc};

#[cfg(feature = "engine")]
pub(crate) use self::origin::Detail;
use self::origin::Origin;
#[cfg(feature = "engine")]
use crate::detect::Detection;
use crate::error::{Error, Result};

#[cfg(feature = "engine")]
pub(crate) mod bilinear;
#[cfg(feature = "decode")]
mod capture_time;
#[cfg(feature = "decode")]
mod decode;
#[cfg(feature = "decode")]
mod encode;
#[cfg(feature = "engine")]
mod equalize;
#[cfg(feature = "decode")]
mod file_time;
#[cfg(feature = "decode")]
mod jpeg;
#[cfg(feature = "decode")]
mod jpeg_scans;
#[cfg(feature = "decode")]
mod limits;
mod origin;
#[cfg(feature = "engine")]
mod resize;
#[cfg(feature = "engine")]
pub(crate) mod window;
mod yuv;

use self::yuv::Yuv;
pub use self::yuv::{YuvMatrix, YuvRange};
#[cfg(feature = "decode")]
pub use self::{
    capture_time::capture_time,
    decode::{decode, open},
    encode::{encode_jpeg, save},
    file_time::{TimeSource, file_time},
    limits::DecodeLimits,
};
#[cfg(feature = "engine")]
pub use self::{
    equalize::equalize,
    resize::{crop_and_resize, resize},
};

/// The layout of the bytes of an [`ImageView`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PixelFormat {
    /// Red, green, blue; three bytes per pixel.
    Rgb8,
    /// Blue, green, red, the order of OpenCV; three bytes per pixel.
    Bgr8,
    /// Red, green, blue, alpha; four bytes per pixel. Alpha is ignored.
    Rgba8,
    /// Luma only; one byte per pixel.
    Gray8,
    /// The format of many cameras: `height` rows of luma, then `height / 2` rows of interleaved chroma (U, V), both of the
    /// same stride. BT.601, limited range. Width and height must be even.
    Nv12,
    /// The format of video decoders: three planes that follow each other. First `height` rows of luma, then the rows of U, then
    /// those of V. A chroma plane has half the rows, half the pixels of a row and half the stride, each rounded up.
    I420 {
        /// The matrix that turns luma and chroma into red, green and blue.
        matrix: YuvMatrix,
        /// The range of the values.
        range: YuvRange,
    },
}

impl PixelFormat {
    /// Bytes of a row, or `usize::MAX` if a row has more. Of a format with planes: a row of luma.
    fn row_bytes(self, width: usize) -> usize {
        let bytes = match self {
            Self::Rgb8 | Self::Bgr8 => 3,
            Self::Rgba8 => 4,
            Self::Gray8 | Self::Nv12 | Self::I420 { .. } => 1,
        };
        width.saturating_mul(bytes)
    }

    /// The bytes of an image whose rows begin `stride` bytes apart, without those after the last row; `None` if they are more than
    /// a `usize` holds.
    fn bytes(self, width: usize, height: usize, stride: usize) -> Option<usize> {
        let (before, last) = match self {
            Self::Nv12 => (stride.checked_mul(height + height / 2 - 1)?, width),
            Self::I420 { .. } => {
                let rows = 2 * height.div_ceil(2) - 1;
                let chroma = stride.div_ceil(2).checked_mul(rows)?;
                let before = stride.checked_mul(height)?.checked_add(chroma)?;
                (before, width.div_ceil(2))
            }
            _ => (stride.checked_mul(height - 1)?, self.row_bytes(width)),
        };
        before.checked_add(last)
    }
}

/// A borrowed image. The origin is the top left corner; x grows to the right and y downwards.
///
/// ```
/// use facekit::{ImageView, PixelFormat};
///
/// let bgr = [255, 0, 0, 0, 0, 255]; // a blue pixel, then a red one
/// let view = ImageView::new(&bgr, 2, 1, PixelFormat::Bgr8)?;
/// assert_eq!(*view.rgb8(), [0, 0, 255, 255, 0, 0]);
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct ImageView<'a> {
    data: &'a [u8],
    width: usize,
    height: usize,
    stride: usize,
    format: PixelFormat,
    origin: Option<&'a Origin>,
}

impl<'a> ImageView<'a> {
    /// A view over rows without gaps between them. Bytes after the last row are ignored.
    ///
    /// # Errors
    ///
    /// As [`with_stride`](Self::with_stride).
    pub fn new(data: &'a [u8], width: usize, height: usize, format: PixelFormat) -> Result<Self> {
        Self::with_stride(data, width, height, format, format.row_bytes(width))
    }

    /// A view over rows that begin `stride` bytes apart.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a side is zero, `stride` is less than a row (of luma, if the format has planes), `data` is too
    /// short, or an NV12 image has an odd side.
    pub fn with_stride(
        data: &'a [u8],
        width: usize,
        height: usize,
        format: PixelFormat,
        stride: usize,
    ) -> Result<Self> {
        let invalid = |reason: String| Err(Error::argument("image", reason));
        if width == 0 || height == 0 {
            return invalid(format!("{width} × {height} has no pixels"));
        }
        if format == PixelFormat::Nv12 && !(width.is_multiple_of(2) && height.is_multiple_of(2)) {
            return invalid(format!(
                "{width} × {height} is not possible in NV12, whose sides are even"
            ));
        }
        let row = format.row_bytes(width);
        if stride < row {
            return invalid(format!(
                "a stride of {stride} bytes is less than a row of {row}"
            ));
        }
        match format.bytes(width, height, stride) {
            Some(needed) if data.len() >= needed => Ok(Self {
                data,
                width,
                height,
                stride,
                format,
                origin: None,
            }),
            _ => invalid(format!(
                "{} bytes are too few for {width} × {height} {format:?}",
                data.len()
            )),
        }
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The layout of the bytes.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The bytes, in the layout of [`format`](Self::format). Rows begin [`stride`](Self::stride) bytes apart.
    ///
    /// ```
    /// use facekit::{ImageView, PixelFormat};
    ///
    /// let gray = [1, 2, 0, 3, 4, 0];
    /// let view = ImageView::with_stride(&gray, 2, 2, PixelFormat::Gray8, 3)?;
    /// assert_eq!((view.data(), view.stride()), (&gray[..], 3));
    /// # Ok::<(), facekit::Error>(())
    /// ```
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The bytes from the beginning of a row to that of the next one; of luma, if the format has planes.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The pixels as RGB without gaps: borrowed if the bytes have this layout already, otherwise converted.
    #[must_use]
    pub fn rgb8(&self) -> Cow<'a, [u8]> {
        let row = self.format.row_bytes(self.width);
        if self.format == PixelFormat::Rgb8 && self.stride == row {
            return Cow::Borrowed(&self.data[..row * self.height]);
        }
        let mut rgb = Vec::with_capacity(3 * self.width * self.height);
        for y in 0..self.height {
            let source = &self.data[y * self.stride..][..row];
            match self.format {
                PixelFormat::Rgb8 => rgb.extend_from_slice(source),
                PixelFormat::Bgr8 => {
                    rgb.extend(source.chunks_exact(3).flat_map(|p| [p[2], p[1], p[0]]));
                }
                PixelFormat::Rgba8 => {
                    rgb.extend(source.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]));
                }
                PixelFormat::Gray8 => rgb.extend(source.iter().flat_map(|&p| [p; 3])),
                PixelFormat::Nv12 => {
                    let convert = Yuv::new(YuvMatrix::Bt601, YuvRange::Limited);
                    let chroma = &self.data[(self.height + y / 2) * self.stride..][..row];
                    let pairs = source.chunks_exact(2).zip(chroma.chunks_exact(2));
                    rgb.extend(pairs.flat_map(|(luma, uv)| {
                        let pixel = |luma: u8| convert.rgb(luma, uv[0], uv[1]);
                        let ([a, b, c], [d, e, f]) = (pixel(luma[0]), pixel(luma[1]));
                        [a, b, c, d, e, f]
                    }));
                }
                PixelFormat::I420 { matrix, range } => {
                    let convert = Yuv::new(matrix, range);
                    let [u, v] = self.chroma_rows(y);
                    let pairs = source.chunks(2).zip(u.iter().zip(v));
                    rgb.extend(pairs.flat_map(|(luma, (&u, &v))| {
                        luma.iter().flat_map(move |&luma| convert.rgb(luma, u, v))
                    }));
                }
            }
        }
        Cow::Owned(rgb)
    }

    /// The U and V of row `y` of an I420 image.
    fn chroma_rows(&self, y: usize) -> [&'a [u8]; 2] {
        let stride = self.stride.div_ceil(2);
        let planes = self.stride * self.height;
        let row = |plane: usize| {
            let begin = planes + (plane * self.height.div_ceil(2) + y / 2) * stride;
            &self.data[begin..][..self.width.div_ceil(2)]
        };
        [row(0), row(1)]
    }

    /// The luma of a pixel, 0 to 255, as the bytes have it.
    #[cfg(feature = "engine")]
    pub(crate) fn luma(&self, x: usize, y: usize) -> u8 {
        let row = &self.data[y * self.stride..];
        match self.format {
            PixelFormat::Rgb8 => equalize::luma(&row[3 * x..]),
            PixelFormat::Bgr8 => equalize::luma(&[row[3 * x + 2], row[3 * x + 1], row[3 * x]]),
            PixelFormat::Rgba8 => equalize::luma(&row[4 * x..]),
            PixelFormat::Gray8 | PixelFormat::Nv12 | PixelFormat::I420 { .. } => row[x],
        }
    }

    /// An owned copy.
    #[must_use]
    pub fn to_image(&self) -> Image {
        Image {
            data: self.rgb8().into_owned(),
            width: self.width,
            height: self.height,
            origin: None,
        }
    }

    /// The width of the whole photo at its full size divided by that of this image: see [`Image::reduction`].
    #[must_use]
    pub fn reduction(&self) -> f32 {
        let reduced = self.origin.filter(|origin| origin.file.is_some());
        reduced.map_or(1.0, |origin| origin.size.0 as f32 / self.width as f32)
    }

    /// The share of the photo that is missing: see [`Image::missing`].
    #[must_use]
    pub fn missing(&self) -> f32 {
        self.origin.map_or(0.0, |origin| origin.missing)
    }
}

#[cfg(feature = "engine")]
impl<'a> ImageView<'a> {
    /// The image as `pixels`, which [`rgb8`](Self::rgb8) made of it.
    pub(crate) fn with_pixels<'b>(&self, pixels: &'b [u8]) -> Result<ImageView<'b>>
    where
        'a: 'b,
    {
        let view = ImageView::new(pixels, self.width, self.height, PixelFormat::Rgb8)?;
        Ok(ImageView {
            origin: self.origin,
            ..view
        })
    }

    /// A part of an image without planes: left, top, width and height inside the image, none of the last two zero.
    pub(crate) fn part(&self, [left, top, width, height]: [usize; 4]) -> Self {
        debug_assert!(width > 0 && height > 0);
        debug_assert!(!matches!(
            self.format,
            PixelFormat::Nv12 | PixelFormat::I420 { .. }
        ));
        debug_assert!(left + width <= self.width && top + height <= self.height);
        Self {
            data: &self.data[top * self.stride + self.format.row_bytes(left)..],
            width,
            height,
            origin: None,
            ..*self
        }
    }

    /// The surroundings of each face at the full size of the photo: see [`Origin::details`].
    pub(crate) fn details(&self, faces: &[Detection]) -> Result<Vec<Option<Detail>>> {
        match self.origin {
            Some(origin) => origin.details((self.width, self.height), faces),
            None => Ok(faces.iter().map(|_| None).collect()),
        }
    }
}

impl<'a> From<&'a Image> for ImageView<'a> {
    fn from(image: &'a Image) -> Self {
        image.view()
    }
}

impl<'a> From<&'a ImageView<'_>> for ImageView<'a> {
    fn from(view: &'a ImageView<'_>) -> Self {
        *view
    }
}

impl fmt::Debug for ImageView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ImageView({} × {} {:?})",
            self.width, self.height, self.format
        )
    }
}

/// An owned image: RGB, eight bits per channel, rows without gaps.
///
/// ```
/// use facekit::Image;
///
/// let gray = Image::filled(64, 48, [128; 3]);
/// assert_eq!((gray.width(), gray.height()), (64, 48));
/// assert_eq!(gray.data().len(), 64 * 48 * 3);
/// ```
///
/// Two images are equal if their pixels are.
#[derive(Clone)]
pub struct Image {
    data: Vec<u8>,
    width: usize,
    height: usize,
    origin: Option<Arc<Origin>>,
}

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height, &self.data) == (other.width, other.height, &other.data)
    }
}

impl Eq for Image {}

impl Image {
    /// An image from RGB bytes without gaps.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a side is zero or `data` is not exactly `3 · width · height` bytes.
    pub fn from_rgb8(data: Vec<u8>, width: usize, height: usize) -> Result<Self> {
        let fits = width
            .checked_mul(height)
            .and_then(|pixels| pixels.checked_mul(3))
            == Some(data.len());
        if !fits || data.is_empty() {
            return Err(Error::argument(
                "image",
                format!(
                    "{} bytes do not make {width} × {height} RGB pixels",
                    data.len()
                ),
            ));
        }
        Ok(Self {
            data,
            width,
            height,
            origin: None,
        })
    }

    /// Adds the photo that the image was decoded from.
    #[cfg(feature = "decode")]
    fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = Some(Arc::new(origin));
        self
    }

    /// An image of one color.
    ///
    /// # Panics
    ///
    /// If a side is zero, or the image is too large for memory.
    #[must_use]
    pub fn filled(width: usize, height: usize, rgb: [u8; 3]) -> Self {
        assert!(width > 0 && height > 0, "an image has pixels");
        Self {
            data: rgb.repeat(width.checked_mul(height).expect("an image fits memory")),
            width,
            height,
            origin: None,
        }
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The bytes: R, G, B of each pixel, row by row.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The bytes, for changes. The image no longer belongs to the photo that it was decoded from, so its
    /// [`reduction`](Self::reduction) is 1 and nothing of it is [`missing`](Self::missing).
    pub fn data_mut(&mut self) -> &mut [u8] {
        self.origin = None;
        &mut self.data
    }

    /// The width of the photo at its full size divided by the width of this image. It is 1 unless a JPEG was decoded at a reduced
    /// scale, because its full size takes too much memory
    /// ([`DecodeLimits::max_memory`](crate::image::DecodeLimits::max_memory)).
    ///
    /// A reduced image keeps its file. The recognizer aligns each face, and checks its liveness, on pixels of the full size around
    /// the face, as far as they fit the same memory. Coordinates are those of the reduced image.
    #[must_use]
    pub fn reduction(&self) -> f32 {
        self.view().reduction()
    }

    /// The share of the photo that is missing, 0 to 1, because the end of its file is. The image has the other rows only.
    #[must_use]
    pub fn missing(&self) -> f32 {
        self.view().missing()
    }

    /// A view over the whole image.
    #[must_use]
    pub fn view(&self) -> ImageView<'_> {
        ImageView {
            data: &self.data,
            width: self.width,
            height: self.height,
            stride: 3 * self.width,
            format: PixelFormat::Rgb8,
            origin: self.origin.as_deref(),
        }
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} × {})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_gives_the_same_colors() {
        let rgb = [10, 20, 30, 40, 50, 60];
        let bgr = [30, 20, 10, 60, 50, 40];
        let rgba = [10, 20, 30, 0, 40, 50, 60, 255];
        for (data, format) in [
            (&rgb[..], PixelFormat::Rgb8),
            (&bgr[..], PixelFormat::Bgr8),
            (&rgba[..], PixelFormat::Rgba8),
        ] {
            assert_eq!(
                *ImageView::new(data, 2, 1, format).unwrap().rgb8(),
                rgb,
                "{format:?}"
            );
        }
        assert_eq!(
            *ImageView::new(&[7, 9], 2, 1, PixelFormat::Gray8)
                .unwrap()
                .rgb8(),
            [7, 7, 7, 9, 9, 9]
        );
    }

    #[test]
    fn nv12_follows_bt601() {
        // Luma 81, U 90, V 240 is the standard's red; 16 and 235 with neutral chroma are black and white.
        let red = [81, 81, 81, 81, 90, 240];
        assert_eq!(
            ImageView::new(&red, 2, 2, PixelFormat::Nv12)
                .unwrap()
                .rgb8()[..3],
            [254, 0, 0]
        );
        let gray = [16, 235, 16, 235, 128, 128];
        let rgb = ImageView::new(&gray, 2, 2, PixelFormat::Nv12)
            .unwrap()
            .rgb8()
            .into_owned();
        assert_eq!(rgb[..6], [0, 0, 0, 255, 255, 255]);
    }

    #[test]
    fn i420_has_three_planes() {
        let format = PixelFormat::I420 {
            matrix: YuvMatrix::Bt601,
            range: YuvRange::Limited,
        };
        // Three columns and three rows: two columns and two rows of chroma. The left top is red, the right column white, the
        // bottom row black. 99 is padding.
        let luma = [81, 81, 235, 99, 81, 81, 235, 99, 16, 16, 16, 99];
        let [u, v] = [[90, 128, 128, 128], [240, 128, 128, 128]];
        let planes = [&luma[..], &u, &v].concat();
        let view = ImageView::with_stride(&planes, 3, 3, format, 4).unwrap();
        let (red, white) = ([254, 0, 0], [255; 3]);
        let expected = [red, red, white, red, red, white, [0; 3], [0; 3], [0; 3]];
        assert_eq!(*view.rgb8(), *expected.as_flattened());
        assert!(ImageView::with_stride(&planes[..19], 3, 3, format, 4).is_err());

        let odd = [&[235; 9][..], &[128; 8]].concat();
        let view = ImageView::new(&odd, 3, 3, format).unwrap();
        assert!(view.rgb8().iter().all(|&value| value == 255));
    }

    #[test]
    fn a_stride_skips_padding() {
        let padded = [1, 2, 3, 99, 4, 5, 6];
        let view = ImageView::with_stride(&padded, 1, 2, PixelFormat::Rgb8, 4).unwrap();
        assert_eq!(*view.rgb8(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let data = [0; 12];
        for (width, height, format, stride) in [
            (0, 1, PixelFormat::Rgb8, 0),
            (2, 3, PixelFormat::Rgb8, 6),
            (2, 2, PixelFormat::Rgb8, 5),
            (3, 2, PixelFormat::Nv12, 3),
            (usize::MAX / 3, 2, PixelFormat::Gray8, usize::MAX / 3),
        ] {
            let error = ImageView::with_stride(&data, width, height, format, stride).unwrap_err();
            assert!(error.to_string().starts_with("image: "), "{error}");
        }
    }
}
