//! JPEG files, decoded to the same pixels as by libjpeg-turbo.
//!
//! A file that takes too much memory at its full size is decoded at a reduced scale, by the scaled DCT of libjpeg. If the end of
//! a file is missing, the rows that are whole are decoded.

use std::borrow::Cow;

use ::image::{DynamicImage, RgbImage, metadata::Orientation};
use libjpeg_turbo_rs::{
    DecodeLimits as JpegLimits, DecodeWarning, Decoder, FrameHeader, JpegError, PixelFormat,
    ScalingFactor,
};

use super::{Image, jpeg_scans::Scans, limits::DecodeLimits, origin::FullSize};
use crate::error::{Error, Result};

/// The name of a limit in errors of [`decode`]: the bytes of memory.
pub(super) const MEMORY: &str = "bytes of memory";

/// The least share of the rows that must be whole, in eighths.
const WHOLE: usize = 7;

/// A decoded file.
pub(super) struct Decoded {
    /// The pixels, not yet upright.
    pub(super) pixels: RgbImage,
    pub(super) orientation: Orientation,
    /// Width and height at the full size, without missing rows, not yet upright.
    pub(super) size: (usize, usize),
    /// The share of the rows that is missing.
    pub(super) missing: f32,
    /// True if the pixels are at a reduced scale.
    pub(super) is_reduced: bool,
    /// The samples for each pixel of the file.
    samples: f64,
    is_progressive: bool,
}

/// Decodes to pixels and the orientation that makes them upright. `check` gets width and height before pixels are allocated.
/// Rows that are missing at the end are no part of the result. Any other damage is an error.
pub(super) fn decode<E>(
    bytes: &[u8],
    limits: &DecodeLimits,
    check: impl FnOnce(u32, u32) -> Result<(), E>,
    failed: impl Fn(JpegError) -> E,
) -> Result<Decoded, E> {
    // The decoder takes the zeros of an interrupted download for pixels.
    let without_zeros = if bytes.ends_with(&ZEROS) {
        with_end(bytes)
    } else {
        None
    };
    let bytes = without_zeros.as_ref().map_or(bytes, |(bytes, _)| bytes);
    let ended;
    let (bytes, header) = match Decoder::new_with_limits(bytes, jpeg_limits()) {
        Ok(header) => (bytes, header),
        Err(error @ JpegError::LimitExceeded { .. }) => return Err(failed(error)),
        // A file of several scans without an end marker.
        Err(error) => {
            ended = match with_end(bytes) {
                Some((ended, _)) => ended,
                None => return Err(failed(error)),
            };
            let header = Decoder::new_with_limits(&ended, jpeg_limits()).map_err(&failed)?;
            (&*ended, header)
        }
    };
    let frame = header.header();
    check(frame.width.into(), frame.height.into())?;
    let orientation = header
        .exif_orientation()
        .and_then(Orientation::from_exif)
        .unwrap_or(Orientation::NoTransforms);
    let eighths = eighths(frame, orientation, bytes.len(), limits).map_err(&failed)?;
    let scale = Scale::new(eighths);

    let (pixels, rows) = match pixels(bytes, scale) {
        Ok(pixels) => (pixels, frame.height()),
        Err(error @ (JpegError::Unsupported(_) | JpegError::LimitExceeded { .. })) => {
            return Err(failed(error));
        }
        Err(error) => whole_rows(bytes, scale, frame).ok_or_else(|| failed(error))?,
    };
    Ok(Decoded {
        pixels,
        orientation,
        size: (frame.width(), rows),
        missing: 1.0 - rows as f32 / frame.height().max(1) as f32,
        is_reduced: eighths < 8,
        samples: sampled(frame),
        is_progressive: frame.is_progressive,
    })
}

fn jpeg_limits() -> JpegLimits {
    JpegLimits {
        max_scans: 256,
        ..JpegLimits::default()
    }
}

/// The greatest scale, in eighths, at which decoding keeps the limit of memory, or a smaller one that gives enough pixels.
fn eighths(
    frame: &FrameHeader,
    orientation: Orientation,
    file: usize,
    limits: &DecodeLimits,
) -> Result<usize, JpegError> {
    let most = limits.max_memory;
    // The decoder has no reduced scale for these.
    let only_full = frame.is_lossless || frame.precision != 8;
    let least = if only_full { 8 } else { 1 };
    let memory = |eighths| memory(frame, orientation, file, eighths);
    let longest = frame.width().max(frame.height());
    let is_enough = |eighths: &usize| {
        let enough = limits.enough_side;
        enough.is_some_and(|enough| (longest * eighths).div_ceil(8) >= enough)
    };
    let enough = (least..8).find(is_enough).unwrap_or(8);
    (least..=enough)
        .rev()
        .find(|&eighths| memory(eighths) <= most as u64)
        .ok_or_else(|| JpegError::LimitExceeded {
            what: MEMORY,
            actual: memory(least),
            limit: most as u64,
        })
}

/// The memory in bytes that decoding at a scale takes, with the file itself.
fn memory(frame: &FrameHeader, orientation: Orientation, file: usize, eighths: usize) -> u64 {
    let sampled = sampled(frame);
    let full = (frame.width() * frame.height()) as u64;
    let scaled = (frame.width() * eighths).div_ceil(8) as u64
        * (frame.height() * eighths).div_ceil(8) as u64;
    // At a reduced scale, color is decoded at the resolution of luma.
    let planes = if eighths == 8 {
        sampled
    } else {
        frame.components.len() as f64
    };
    let decoding = scaled as f64 * (planes + 3.0);
    let turning = if orientation == Orientation::NoTransforms {
        0.0
    } else {
        scaled as f64 * 6.0
    };
    let coefficients = if frame.is_progressive {
        full as f64 * sampled * (2.0 + 1.0 / 64.0)
    } else {
        0.0
    };
    (coefficients + decoding.max(turning)) as u64 + file as u64
}

/// The samples for each pixel, all components together: 1.5 for a color photo with 4:2:0.
fn sampled(frame: &FrameHeader) -> f64 {
    let area = |component: &libjpeg_turbo_rs::ComponentInfo| {
        f64::from(component.horizontal_sampling) * f64::from(component.vertical_sampling)
    };
    let most = |side: fn(&libjpeg_turbo_rs::ComponentInfo) -> u8| {
        f64::from(frame.components.iter().map(side).max().unwrap_or(1).max(1))
    };
    let whole = most(|one| one.horizontal_sampling) * most(|one| one.vertical_sampling);
    frame.components.iter().map(area).sum::<f64>() / whole
}

/// A scale in eighths.
#[derive(Clone, Copy, Debug)]
struct Scale(ScalingFactor);

impl Scale {
    fn new(eighths: usize) -> Self {
        let factors = ScalingFactor::SUPPORTED;
        let factor = factors
            .into_iter()
            .find(|factor| factor.block_size() == eighths);
        Self(factor.unwrap_or_default())
    }
}

/// All pixels. Any damage is an error.
fn pixels(bytes: &[u8], scale: Scale) -> Result<RgbImage, JpegError> {
    let mut decoder = decoder(bytes, scale)?;
    decoder.set_stop_on_warning(true);
    to_rgb(decoder.decode_image()?)
}

fn decoder(bytes: &[u8], scale: Scale) -> Result<Decoder<'_>, JpegError> {
    let mut decoder = Decoder::new_with_limits(bytes, jpeg_limits())?;
    decoder.set_output_format(PixelFormat::Rgb);
    decoder.set_scale(scale.0);
    Ok(decoder)
}

fn to_rgb(image: libjpeg_turbo_rs::Image) -> Result<RgbImage, JpegError> {
    RgbImage::from_raw(image.width as u32, image.height as u32, image.data)
        .ok_or(JpegError::UnexpectedEof)
}

/// The rows that are whole in a file whose end is missing, and their number at the full size. `None` if too few rows are whole,
/// or if anything else is damaged.
fn whole_rows(bytes: &[u8], scale: Scale, frame: &FrameHeader) -> Option<(RgbImage, usize)> {
    let (bytes, scans) = with_end(bytes)?;
    if let Ok(pixels) = pixels(&bytes, scale) {
        return Some((pixels, frame.height()));
    }
    // Only the last scan may lack its end.
    if let Some(last) = scans.last() {
        pixels(&[&bytes[..last], END].concat(), Scale::new(1)).ok()?;
    }
    let mut decoder = decoder(&bytes, scale).ok()?;
    decoder.set_lenient(true);
    let image = decoder.decode_image().ok()?;
    let (columns, height) = scans.last_grid()?;
    let rows = whole_units(&image.warnings, columns)? / columns * height;
    // The decoder smooths color over the edge between two rows of color.
    let rows = rows
        .saturating_sub(scans.rows_of_color())
        .min(frame.height());
    if 8 * rows < WHOLE * frame.height() || rows == 0 {
        return None;
    }
    let scaled = (rows * scale.0.block_size() / 8).max(1);
    let (width, mut data) = (image.width, image.data);
    data.truncate(3 * width * scaled);
    Some((RgbImage::from_raw(width as u32, scaled as u32, data)?, rows))
}

const END: &[u8] = &[0xFF, 0xD9];

/// So many zeros in a row do not occur in a scan.
const ZEROS: [u8; 32] = [0; 32];

/// The file with an end marker, and its scans. `None` if scans are missing. Zeros where the rest of the file should be, as after
/// an interrupted download, are removed.
fn with_end(bytes: &[u8]) -> Option<(Cow<'_, [u8]>, Scans)> {
    let scans = Scans::read(bytes)?;
    if !scans.are_complete() {
        return None;
    }
    if scans.ended {
        return Some((Cow::Borrowed(bytes), scans));
    }
    let bytes = if bytes.ends_with(&ZEROS) {
        let last = bytes.iter().rposition(|&byte| byte != 0)?;
        &bytes[..=last]
    } else {
        bytes
    };
    // A half marker would join the end marker.
    let bytes = bytes.strip_suffix(&[0xFF]).unwrap_or(bytes);
    Some((Cow::Owned([bytes, END].concat()), scans))
}

/// The units of the last scan before the first that is not whole. `None` if the warnings tell of other damage.
fn whole_units(warnings: &[DecodeWarning], columns: usize) -> Option<usize> {
    let mut whole = None;
    for warning in warnings {
        if let DecodeWarning::TruncatedData { decoded_mcus, .. } = warning {
            whole = Some(*decoded_mcus);
        }
    }
    let whole = whole?;
    // The unit in which the data end can be read as a wrong code.
    let is_end = |warning: &DecodeWarning| match warning {
        DecodeWarning::TruncatedData { .. } => true,
        DecodeWarning::HuffmanError { mcu_x, mcu_y, .. } => mcu_y * columns + mcu_x == whole,
        _ => false,
    };
    warnings.iter().all(is_end).then_some(whole)
}

/// A file whose parts are decoded at full size.
#[derive(Debug)]
pub(super) struct JpegFile {
    bytes: Vec<u8>,
    name: String,
    orientation: Orientation,
    /// Width and height at the full size, without missing rows, not yet upright.
    size: (usize, usize),
    /// True if rows are missing.
    lacks_rows: bool,
    /// The samples for each pixel.
    samples: f64,
    is_progressive: bool,
    /// True if there is one scan, of several components.
    is_one_scan: bool,
    max_memory: usize,
}

impl JpegFile {
    pub(super) fn new(
        bytes: Cow<'_, [u8]>,
        name: &str,
        decoded: &Decoded,
        limits: &DecodeLimits,
    ) -> Self {
        let lacks_rows = decoded.missing > 0.0;
        let scans = Scans::read(&bytes);
        let ended = match with_end(&bytes) {
            Some((Cow::Owned(ended), _)) => Some(ended),
            _ => None,
        };
        Self {
            bytes: ended.unwrap_or_else(|| bytes.into_owned()),
            name: name.to_owned(),
            orientation: decoded.orientation,
            size: decoded.size,
            lacks_rows,
            samples: decoded.samples,
            is_progressive: decoded.is_progressive,
            is_one_scan: scans.is_some_and(|scans| scans.is_one()),
            max_memory: limits.max_memory,
        }
    }

    /// A part of the upright image as a part of the stored one.
    fn stored(&self, [left, top, width, height]: [usize; 4]) -> [usize; 4] {
        let (stored_width, stored_height) = self.size;
        // The columns from the right edge, and the rows from the bottom, of the upright image.
        let from_right = |side: usize| side - left - width;
        let from_bottom = |side: usize| side - top - height;
        match self.orientation {
            Orientation::NoTransforms => [left, top, width, height],
            Orientation::FlipHorizontal => [from_right(stored_width), top, width, height],
            Orientation::Rotate180 => [
                from_right(stored_width),
                from_bottom(stored_height),
                width,
                height,
            ],
            Orientation::FlipVertical => [left, from_bottom(stored_height), width, height],
            Orientation::Rotate90FlipH => [top, left, height, width],
            Orientation::Rotate90 => [top, from_right(stored_height), height, width],
            Orientation::Rotate270FlipH => [
                from_bottom(stored_width),
                from_right(stored_height),
                height,
                width,
            ],
            Orientation::Rotate270 => [from_bottom(stored_width), left, height, width],
        }
    }
}

impl FullSize for JpegFile {
    fn fits(&self, part: [usize; 4]) -> bool {
        let [_, top, width, height] = self.stored(part).map(|side| side as f64);
        let (columns, rows) = (self.size.0 as f64, self.size.1 as f64);
        // Of a single scan of all components, only the rows of blocks around the part are decoded, at the whole width. Colors are
        // computed from the first row of the image on.
        let rows = if self.is_one_scan {
            height + 64.0
        } else {
            rows
        };
        let planes = columns * rows * self.samples;
        let colors = (width + 64.0) * (top + height + 64.0) * 3.0;
        let copies = 2.0 * width * height * 3.0;
        let coefficients = if self.is_progressive {
            planes * (2.0 + 1.0 / 64.0)
        } else {
            0.0
        };
        let needed = planes + colors + copies + coefficients + self.bytes.len() as f64;
        needed <= self.max_memory as f64
    }

    fn read(&self, part: [usize; 4]) -> Result<Image> {
        let failed = |error: JpegError| Error::Image {
            name: self.name.clone(),
            reason: "a part of the JPEG cannot be decoded at its full size".to_owned(),
            source: Some(error.into()),
        };
        let [left, top, width, height] = self.stored(part);
        let mut decoder = decoder(&self.bytes, Scale::new(8)).map_err(failed)?;
        if self.lacks_rows {
            decoder.set_lenient(true);
        } else {
            decoder.set_stop_on_warning(true);
        }
        // The decoder smooths colors over the edge of a part only inside the part, so the part is a little wider.
        const MARGIN: usize = 16;
        let first = left.saturating_sub(MARGIN);
        let end = (left + width + MARGIN).min(self.size.0);
        decoder.set_crop_region(first, top, end - first, height);
        let decoded = decoder.decode_image().and_then(to_rgb).map_err(failed)?;
        // The decoder begins at a whole block, further left.
        let first = end - decoded.width() as usize;
        let decoded = DynamicImage::ImageRgb8(decoded);
        let mut upright = decoded.crop_imm((left - first) as u32, 0, width as u32, height as u32);
        upright.apply_orientation(self.orientation);
        let pixels = upright.into_rgb8();
        let (width, height) = (pixels.width() as usize, pixels.height() as usize);
        Image::from_rgb8(pixels.into_raw(), width, height)
    }
}
