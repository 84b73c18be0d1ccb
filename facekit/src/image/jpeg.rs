//! JPEG files, byte for byte as libjpeg-turbo decodes them.

use ::image::{RgbImage, metadata::Orientation};
use libjpeg_turbo_rs::{DecodeLimits as JpegLimits, Decoder, JpegError, PixelFormat};

use super::decode::DecodeLimits;

/// The pixels, and how to turn them upright. `check` is asked about width and height before pixels are allocated. A file
/// that is damaged or ends too soon is an error, not a partly grey image.
pub(super) fn decode<E>(
    bytes: &[u8],
    limits: &DecodeLimits,
    check: impl FnOnce(u32, u32) -> Result<(), E>,
    failed: impl Fn(JpegError) -> E,
) -> Result<(RgbImage, Orientation), E> {
    // Coefficients of a progressive file take six bytes a pixel besides the pixels themselves.
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
