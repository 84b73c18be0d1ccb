//! H.264, by the crate `rusty_h264`. No other file names it.

mod bits;
mod parameters;

use facekit::{FrameImage, Result, catch_panic, image::DecodeLimits};
use rusty_h264::DecodeError;

use crate::{
    picture::{INTERLACED, OTHER_PIXELS, check_size, refused},
    units::{self, Coding},
};
use parameters::Parameters;

/// The type of the NAL units with the size and the kind of the pictures (ITU-T H.264, table 7-1).
const SEQUENCE_PARAMETERS: u8 = 7;

/// Decodes the pictures of a stream. After damage, nothing is decoded until a key frame.
pub(crate) struct H264 {
    /// The name of the stream in errors.
    name: String,
    decoder: rusty_h264::Decoder,
    limits: DecodeLimits,
    parameters: Option<Parameters>,
    waits_for_key: bool,
    has_picture: bool,
    damaged: u64,
}

/// A picture, and its place in the order of showing since the last key frame.
pub(crate) struct Picture {
    pub(crate) image: FrameImage,
    pub(crate) order: i32,
}

impl H264 {
    pub(crate) fn new(name: &str, limits: &DecodeLimits) -> Self {
        Self {
            name: name.to_owned(),
            decoder: rusty_h264::Decoder::new(),
            limits: limits.clone(),
            parameters: None,
            waits_for_key: true,
            has_picture: false,
            damaged: 0,
        }
    }

    /// The number of pictures that could not be decoded.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// The number of pictures that can be decoded before one that is shown earlier.
    pub(crate) fn waiting(&self) -> usize {
        self.parameters.map_or(0, |parameters| parameters.waiting)
    }

    /// Decodes the NAL units of one picture, with start codes. `is_key` says that the file names it a key frame. `None` if it has no
    /// picture, or if it is damaged.
    ///
    /// # Errors
    ///
    /// [`Error::ImageTooLarge`](facekit::Error::ImageTooLarge) for pictures beyond the limits;
    /// [`Error::Image`](facekit::Error::Image) for a stream that cannot be decoded at all, and if the decoder panics.
    pub(crate) fn decode(&mut self, units: &[u8], is_key: bool) -> Result<Option<Picture>> {
        for unit in units::of(units) {
            if Coding::H264.kind(unit) == SEQUENCE_PARAMETERS {
                self.take_parameters(unit)?;
            }
        }
        if self.waits_for_key && !is_key && !Coding::H264.has_key(units) {
            self.damaged += u64::from(Coding::H264.has_slice(units));
            return Ok(None);
        }
        let decoded = catch_panic(|| self.decoder.decode(units))
            .map_err(|message| refused(&self.name, format!("made the decoder panic: {message}")))?;
        match decoded {
            Ok(Some(frame)) => {
                self.waits_for_key = false;
                self.has_picture = true;
                self.picture(frame).map(Some)
            }
            Ok(None) => Ok(None),
            Err(DecodeError::Unsupported(what)) if what.contains("interlace") => {
                Err(refused(&self.name, INTERLACED))
            }
            // A stream of a kind that cannot be decoded has no picture at all.
            Err(DecodeError::Unsupported(what)) if !self.has_picture => {
                let reason = format!("needs {what}, which is not supported");
                Err(refused(&self.name, reason))
            }
            Err(_) => {
                self.damaged += 1;
                self.waits_for_key = true;
                Ok(None)
            }
        }
    }

    /// Checks the size and the kind of the pictures before the decoder makes room for them.
    fn take_parameters(&mut self, unit: &[u8]) -> Result<()> {
        let Some(parameters) = Parameters::parse(unit) else {
            return Ok(());
        };
        check_size(&self.name, parameters.coded, &self.limits)?;
        if !parameters.is_420 {
            return Err(refused(&self.name, OTHER_PIXELS));
        }
        self.parameters = Some(parameters);
        Ok(())
    }

    fn picture(&self, frame: rusty_h264::YuvFrame) -> Result<Picture> {
        let parameters = self.parameters;
        let parameters = parameters.ok_or_else(|| refused(&self.name, "has no parameters"))?;
        let (width, height) = (frame.width, frame.height);
        let mut pixels = frame.y;
        pixels.reserve_exact(frame.u.len() + frame.v.len());
        pixels.extend(frame.u);
        pixels.extend(frame.v);
        let image = FrameImage::new(pixels, width, height, parameters.format(), width)?;
        Ok(Picture {
            image,
            order: self.decoder.last_poc(),
        })
    }
}
