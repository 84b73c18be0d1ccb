use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    image::{Image, ImageView, PixelFormat},
};

/// A frame of a video.
///
/// ```
/// use facekit::{Clock, Image, VideoFrame};
///
/// let at = "2026-03-02T08:59:30Z".parse().unwrap();
/// let frame = VideoFrame::new(Image::filled(64, 48, [90; 3]), at, 0).with_clock(Clock::Arrival);
/// assert_eq!(frame.image.view().width(), 64);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VideoFrame {
    /// The pixels.
    pub image: FrameImage,
    /// The time at which the frame was taken.
    pub at: Timestamp,
    /// The clock of this time.
    pub clock: Clock,
    /// The number of the frame. Numbers rise; a gap means that frames were dropped.
    pub sequence: u64,
    /// True if the frame does not continue the one before: the first frame after a lost connection, a jump of the clock, another
    /// size of the picture.
    pub discontinuity: bool,
}

impl VideoFrame {
    /// A frame that continues the one before, with the time of the sender.
    #[must_use]
    pub fn new(image: impl Into<FrameImage>, at: Timestamp, sequence: u64) -> Self {
        Self {
            image: image.into(),
            at,
            clock: Clock::Sender,
            sequence,
            discontinuity: false,
        }
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets [`discontinuity`](Self::discontinuity).
    #[must_use]
    pub fn with_discontinuity(mut self, discontinuity: bool) -> Self {
        self.discontinuity = discontinuity;
        self
    }
}

/// The clock of the time of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The clock of the sender: of the camera, or of the file.
    Sender,
    /// The clock of this computer when the frame arrived, because the sender states no time, or a time that is off by more than
    /// two seconds.
    Arrival,
}

/// The pixels of a frame, in the format of the decoder.
#[derive(Clone, PartialEq)]
pub struct FrameImage(Pixels);

#[derive(Clone, PartialEq)]
enum Pixels {
    Image(Image),
    Raw {
        data: Vec<u8>,
        width: usize,
        height: usize,
        stride: usize,
        format: PixelFormat,
    },
}

impl FrameImage {
    /// Takes pixels with rows that begin `stride` bytes apart.
    ///
    /// ```
    /// use facekit::{FrameImage, PixelFormat, image::{YuvMatrix, YuvRange}};
    ///
    /// let format = PixelFormat::I420 { matrix: YuvMatrix::Bt709, range: YuvRange::Limited };
    /// // Luma in rows of 64 bytes, of which 62 are pixels, then both chroma planes in rows of 32 bytes.
    /// let data = [vec![235; 64 * 48], vec![128; 2 * 32 * 24]].concat();
    /// let white = FrameImage::new(data, 62, 48, format, 64)?;
    /// assert_eq!(white.view().rgb8()[..3], [255; 3]);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`ImageView::with_stride`].
    pub fn new(
        data: Vec<u8>,
        width: usize,
        height: usize,
        format: PixelFormat,
        stride: usize,
    ) -> Result<Self> {
        ImageView::with_stride(&data, width, height, format, stride)?;
        Ok(Self(Pixels::Raw {
            data,
            width,
            height,
            stride,
            format,
        }))
    }

    /// A view over the whole image.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the pixels are checked by `new`")]
    pub fn view(&self) -> ImageView<'_> {
        match &self.0 {
            Pixels::Image(image) => image.view(),
            Pixels::Raw {
                data,
                width,
                height,
                stride,
                format,
            } => ImageView::with_stride(data, *width, *height, *format, *stride)
                .expect("`new` has made the same view"),
        }
    }
}

impl From<Image> for FrameImage {
    fn from(image: Image) -> Self {
        Self(Pixels::Image(image))
    }
}

impl fmt::Debug for FrameImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = self.view();
        let (width, height, format) = (view.width(), view.height(), view.format());
        write!(f, "FrameImage({width} × {height} {format:?})")
    }
}
