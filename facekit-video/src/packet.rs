use std::io::{BufRead, BufReader, ErrorKind, Read};

use facekit::{
    Error, FrameImage, PixelFormat, Result,
    image::{DecodeLimits, decode},
};

use crate::{mjpeg::Mjpeg, picture::refused, y4m::Y4m};

/// The reason for which other bytes are refused.
const NO_VIDEO: &str = "has no JPEG, and is no YUV4MPEG2; FFmpeg makes Motion JPEG of other videos: ffmpeg -i ANYTHING -f mjpeg -";

/// The bytes of a pipe.
pub(crate) type Input = BufReader<Box<dyn Read + Send>>;

/// A frame that is not decoded yet.
pub(crate) enum Packet {
    /// A file: JPEG, PNG or WebP.
    Encoded(Vec<u8>),
    Raw {
        data: Vec<u8>,
        shape: Shape,
    },
    Pixels(FrameImage),
}

/// The shape of raw pixels. Rows have no gaps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) format: PixelFormat,
}

impl Packet {
    pub(crate) fn decode(self, limits: &DecodeLimits) -> Result<FrameImage> {
        match self {
            Self::Encoded(bytes) => decode(&bytes, limits).map(FrameImage::from),
            Self::Pixels(image) => Ok(image),
            Self::Raw { data, shape } => {
                let Shape {
                    width,
                    height,
                    format,
                } = shape;
                FrameImage::new(data, width, height, format, width)
            }
        }
    }
}

/// The packets of a pipe, one after the other.
pub(crate) enum Packets {
    Mjpeg { video: Mjpeg, name: String },
    Y4m(Y4m),
}

impl Packets {
    /// Reads the first byte, which tells the format. `name` is that of the video in errors.
    pub(crate) fn open(mut input: Input, name: &str, limits: &DecodeLimits) -> Result<Self> {
        let first = input.fill_buf().map_err(Error::io("reading", name))?;
        match first.first() {
            None => Err(refused(name, "is empty")),
            Some(b'Y') => Y4m::open(input, name, limits).map(Self::Y4m),
            Some(_) => Ok(Self::Mjpeg {
                video: Mjpeg::new(input, limits.max_file_bytes),
                name: name.to_owned(),
            }),
        }
    }

    /// The rate in the header.
    pub(crate) fn rate(&self) -> Option<f64> {
        match self {
            Self::Mjpeg { .. } => None,
            Self::Y4m(video) => Some(video.rate()),
        }
    }

    /// The next packet; `None` at the end. A last packet that is cut off is left out.
    pub(crate) fn next(&mut self) -> Result<Option<Packet>> {
        match self {
            Self::Mjpeg { video, name } => match video.next() {
                Ok(None) if !video.has_begun() => Err(refused(name, NO_VIDEO)),
                Ok(jpeg) => Ok(jpeg.map(Packet::Encoded)),
                Err(error) if error.kind() == ErrorKind::InvalidData => {
                    Err(refused(name, NO_VIDEO))
                }
                Err(error) => Err(Error::io("reading", &**name)(error)),
            },
            Self::Y4m(video) => video.next(),
        }
    }
}
