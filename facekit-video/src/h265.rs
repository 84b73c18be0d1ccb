//! H.265, by the crate `rusty_h265`. No other file names it.

use std::collections::BTreeMap;

use facekit::{
    FrameImage, PixelFormat, Result, catch_panic,
    image::{DecodeLimits, YuvRange},
};
use rusty_h265::{
    Error as DecodeError, Frame,
    nal::unescape,
    ps::{Sps, parse_sps},
};

use crate::{
    picture::{self, INTERLACED, OTHER_PIXELS, check_size, refused},
    units::{self, Coding},
};

/// The type of the NAL units with the size and the kind of the pictures (ITU-T H.265, table 7-1).
const SEQUENCE_PARAMETERS: u8 = 33;

/// Decodes the pictures of a stream. After damage, nothing is decoded until a key frame. `T` comes with the units of a picture, and is
/// returned with it: its time, for example.
pub(crate) struct H265<T> {
    /// The name of the stream in errors.
    name: String,
    decoder: rusty_h265::Decoder,
    limits: DecodeLimits,
    format: Option<PixelFormat>,
    waits_for_key: bool,
    has_picture: bool,
    /// The origins of pictures that were not shown yet, by the number of their units. A damaged picture has none.
    origins: BTreeMap<i64, T>,
    /// The number of pictures whose units came.
    pushed: i64,
    damaged: u64,
}

/// A picture, with what came with its units.
pub(crate) struct Picture<T> {
    pub(crate) image: FrameImage,
    pub(crate) origin: T,
}

/// More pictures than can wait for one that is shown earlier.
const MOST_WAITING: i64 = 64;

impl<T> H265<T> {
    pub(crate) fn new(name: &str, limits: &DecodeLimits) -> Self {
        Self {
            name: name.to_owned(),
            decoder: rusty_h265::Decoder::new(),
            limits: limits.clone(),
            format: None,
            waits_for_key: true,
            has_picture: false,
            origins: BTreeMap::new(),
            pushed: 0,
            damaged: 0,
        }
    }

    /// The number of pictures that could not be decoded.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Decodes the NAL units of one picture, with start codes. Returns the pictures that can be shown now, in order.
    ///
    /// # Errors
    ///
    /// [`Error::ImageTooLarge`](facekit::Error::ImageTooLarge) for pictures beyond the limits;
    /// [`Error::Image`](facekit::Error::Image) for a stream that cannot be decoded at all, and if the decoder panics.
    pub(crate) fn decode(&mut self, units: &[u8], origin: T) -> Result<Vec<Picture<T>>> {
        for unit in units::of(units) {
            if Coding::H265.kind(unit) == SEQUENCE_PARAMETERS {
                self.take_parameters(unit)?;
            }
        }
        if self.waits_for_key && !Coding::H265.has_key(units) {
            self.damaged += u64::from(Coding::H265.has_slice(units));
            return Ok(Vec::new());
        }
        let number = self.pushed;
        self.pushed += 1;
        self.origins.insert(number, origin);
        self.origins = self.origins.split_off(&(number - MOST_WAITING));
        let begins = self.waits_for_key;
        let pushed = catch_panic(|| {
            // Pictures that are shown before a key frame may need those before it, which are missing (RASL pictures). The decoder leaves
            // them out if a stream begins with the key frame.
            if begins {
                self.decoder.flush();
            }
            self.decoder.push_annexb(units, Some(number))
        });
        match pushed.map_err(|message| self.panicked(&message))? {
            Ok(()) => self.waits_for_key = false,
            // A stream of a kind that cannot be decoded has no picture at all.
            Err(DecodeError::Unsupported(what)) if !self.has_picture => {
                let reason = format!("needs {what}, which is not supported");
                return Err(refused(&self.name, reason));
            }
            Err(_) => {
                self.origins.remove(&number);
                self.damaged += 1;
                self.waits_for_key = true;
            }
        }
        self.shown()
    }

    /// Pictures are missing before the next ones: nothing is decoded until a key frame.
    #[cfg(feature = "rtsp")]
    pub(crate) fn begin_again(&mut self) {
        self.waits_for_key = true;
    }

    /// The pictures that are left at the end of the stream.
    pub(crate) fn finish(&mut self) -> Result<Vec<Picture<T>>> {
        let flushed = catch_panic(|| self.decoder.flush());
        flushed.map_err(|message| self.panicked(&message))?;
        self.shown()
    }

    fn shown(&mut self) -> Result<Vec<Picture<T>>> {
        let mut pictures = Vec::new();
        while let Ok(frame) = self.decoder.next_frame() {
            let origin = frame.pts.and_then(|number| self.origins.remove(&number));
            if let Some(origin) = origin {
                self.has_picture = true;
                let image = self.image(&frame)?;
                pictures.push(Picture { image, origin });
            }
        }
        Ok(pictures)
    }

    fn image(&self, frame: &Frame) -> Result<FrameImage> {
        let format = self.format.filter(|_| frame.bit_depth() == 8);
        let format = format.ok_or_else(|| refused(&self.name, OTHER_PIXELS))?;
        let mut pixels = Vec::with_capacity(frame.width * frame.height * 3 / 2);
        frame.write_yuv(&mut pixels);
        FrameImage::new(pixels, frame.width, frame.height, format, frame.width)
    }

    /// Checks the size and the kind of the pictures before the decoder makes room for them.
    fn take_parameters(&mut self, unit: &[u8]) -> Result<()> {
        let Some(content) = unit.get(2..) else {
            return Ok(());
        };
        let parsed = catch_panic(|| parse_sps(&unescape(content).data));
        let Ok(parameters) = parsed.map_err(|message| self.panicked(&message))? else {
            return Ok(());
        };
        let (coded, shown) = sizes(&parameters);
        check_size(&self.name, coded, &self.limits)?;
        if parameters.ptl.interlaced_source_flag && !parameters.ptl.progressive_source_flag {
            return Err(refused(&self.name, INTERLACED));
        }
        let depth = parameters.bit_depth_luma.max(parameters.bit_depth_chroma);
        if parameters.chroma_format_idc != 1 || depth != 8 {
            return Err(refused(&self.name, OTHER_PIXELS));
        }
        let stated = parameters.vui.as_ref();
        let matrix = stated.and_then(|stated| picture::coded_matrix(stated.matrix_coeffs.into()));
        let range = match stated {
            Some(stated) if stated.video_full_range_flag => YuvRange::Full,
            _ => YuvRange::Limited,
        };
        self.format = Some(PixelFormat::I420 {
            matrix: matrix.unwrap_or_else(|| picture::usual_matrix(shown.1)),
            range,
        });
        Ok(())
    }

    fn panicked(&self, message: &str) -> facekit::Error {
        refused(&self.name, format!("made the decoder panic: {message}"))
    }
}

/// The coded size, and the size that is shown.
fn sizes(parameters: &Sps) -> ((usize, usize), (usize, usize)) {
    let size = |(width, height): (u32, u32)| (width as usize, height as usize);
    let coded = (parameters.width, parameters.height);
    (size(coded), size(parameters.output_size()))
}
