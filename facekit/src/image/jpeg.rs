//! JPEG files, decoded to the same pixels as by libjpeg-turbo.

use ::image::{RgbImage, metadata::Orientation};
use libjpeg_turbo_rs::{DecodeLimits as JpegLimits, Decoder, JpegError, PixelFormat};

use super::limits::DecodeLimits;

/// Decodes to pixels and the orientation that makes them upright. `check` gets width and height before pixels are
/// allocated. A damaged or truncated file is an error, not a partly gray image.
pub(super) fn decode<E>(
    bytes: &[u8],
    limits: &DecodeLimits,
    check: impl FnOnce(u32, u32) -> Result<(), E>,
    failed: impl Fn(JpegError) -> E,
) -> Result<(RgbImage, Orientation), E> {
    // The coefficients of a progressive file take six bytes per pixel, besides the pixels themselves.
    let limits = JpegLimits {
        max_scans: 256,
        max_memory: Some(
            (limits.max_pixels as u64)
                .saturating_mul(16)
                .saturating_add(16 << 20),
        ),
        ..JpegLimits::default()
    };
    let mut decoder = Decoder::new_with_limits(bytes, limits).map_err(&failed)?;
    let header = decoder.header();
    check(header.width.into(), header.height.into())?;
    let orientation = decoder
        .exif_orientation()
        .and_then(Orientation::from_exif)
        .unwrap_or(Orientation::NoTransforms);
    decoder.set_output_format(PixelFormat::Rgb);
    decoder.set_stop_on_warning(true);
    let image = decoder.decode_image().map_err(&failed)?;
    let pixels = RgbImage::from_raw(image.width as u32, image.height as u32, image.data)
        .ok_or_else(|| failed(JpegError::UnexpectedEof))?;
    Ok((pixels, orientation))
}
