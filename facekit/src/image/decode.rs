//! Image files to upright pixels.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

use ::image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, metadata::Orientation,
};
use libjpeg_turbo_rs::JpegError;

use super::{Image, jpeg, limits::DecodeLimits};
use crate::{
    error::{BoxError, Error, Result},
    panic::catch_panic,
};

/// Decodes a JPEG, PNG or WebP file.
///
/// The content decides the format. The image is turned upright as its EXIF orientation says. Gray, palette, 16-bit and
/// CMYK images become 8-bit RGB. Alpha is dropped without blending: colors stay as they are in the file. Color profiles
/// are not applied. The first frame of an animation is returned.
///
/// ```
/// use facekit::{Image, image::{self, DecodeLimits}};
///
/// let file = image::encode_jpeg(&Image::filled(64, 48, [200, 100, 50]), 90);
/// let decoded = image::decode(&file, &DecodeLimits::default())?;
/// assert_eq!((decoded.width(), decoded.height()), (64, 48));
/// # Ok::<(), facekit::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::ImageTooLarge`] if a limit is exceeded, which is known from the header before pixels are allocated;
/// [`Error::Image`] if the bytes are damaged, truncated, or not an image of these formats. A truncated photo is an error,
/// not a partly gray image.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Image> {
    decode_named("image", bytes, limits)
}

/// Reads and [`decode`]s an image file.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be read, and otherwise as [`decode`]; each names `path`. A file over
/// [`max_file_bytes`](DecodeLimits::max_file_bytes) is not read.
pub fn open(path: impl AsRef<Path>, limits: &DecodeLimits) -> Result<Image> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let bytes = read(path, &name, limits)?;
    decode_named(&name, &bytes, limits)
}

fn read(path: &Path, name: &str, limits: &DecodeLimits) -> Result<Vec<u8>> {
    let failed = |source| Error::io("reading", path)(source);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    limits.check_file(name, metadata.len())?;
    // The length in the metadata says nothing about a pipe or a file that grows.
    let mut bytes = Vec::new();
    file.take((limits.max_file_bytes as u64).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

fn decode_named(name: &str, bytes: &[u8], limits: &DecodeLimits) -> Result<Image> {
    let image_error = |reason: String, source: Option<BoxError>| Error::Image {
        name: name.to_owned(),
        reason,
        source,
    };
    limits.check_file(name, bytes.len() as u64)?;
    let guessed = ::image::guess_format(bytes).ok();
    let (format, label) = match guessed {
        Some(format @ ImageFormat::Jpeg) => (format, "JPEG"),
        Some(format @ ImageFormat::Png) => (format, "PNG"),
        Some(format @ ImageFormat::WebP) => (format, "WebP"),
        _ => {
            let mut reason = "not an image facekit can read (JPEG, PNG or WebP)".to_owned();
            if let Some(kind) = describe(bytes, guessed) {
                reason = format!("{reason}: {kind}");
            }
            return Err(image_error(reason, None));
        }
    };
    let too_much_memory = || Error::ImageTooLarge {
        name: name.to_owned(),
        found: format!("the memory that decoding this {label} takes"),
        limit: format!("that of {} pixels", limits.max_pixels),
    };
    let unsupported = |source: Option<BoxError>| {
        image_error(format!("a kind of {label} that is not supported"), source)
    };
    let failed = |error: ImageError| match error {
        ImageError::Limits(_) => too_much_memory(),
        ImageError::Unsupported(_) => unsupported(Some(error.into())),
        _ => image_error(format!("truncated or damaged {label}"), Some(error.into())),
    };

    // The PNG decoder allocates rows while it opens a file, so the size is checked before.
    if let (ImageFormat::Png, Some((width, height))) = (format, png_size(bytes)) {
        limits.check_size(name, width, height)?;
    }
    let check = |width, height| limits.check_size(name, width, height);
    let damaged = |source| image_error(format!("truncated or damaged {label}"), source);
    let pixels = || {
        let (pixels, orientation) = match format {
            ImageFormat::Jpeg => jpeg::decode(bytes, limits, check, |error| match error {
                JpegError::Unsupported(_) => unsupported(Some(error.into())),
                JpegError::LimitExceeded { .. } => too_much_memory(),
                _ => damaged(Some(error.into())),
            })?,
            _ => {
                let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
                reader.limits(limits.decoder_limits());
                let mut decoder = reader.into_decoder().map_err(failed)?;
                let (width, height) = decoder.dimensions();
                check(width, height)?;
                let whole = if format == ImageFormat::Png {
                    png_is_whole
                } else {
                    webp_is_whole
                };
                if !whole(bytes) {
                    return Err(damaged(None));
                }
                let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
                (
                    DynamicImage::from_decoder(decoder)
                        .map_err(failed)?
                        .into_rgb8(),
                    orientation,
                )
            }
        };
        if orientation == Orientation::NoTransforms {
            return Ok(pixels);
        }
        let mut upright = DynamicImage::ImageRgb8(pixels);
        upright.apply_orientation(orientation);
        Ok(upright.into_rgb8())
    };
    // A decoder may panic on a file that its authors did not foresee. One photo must not end the program. Nothing of the
    // decoder is used after a panic.
    let pixels =
        catch_panic(pixels).unwrap_or_else(|message| Err(unsupported(Some(message.into()))))?;
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    Image::from_rgb8(pixels.into_raw(), width, height)
        .map_err(|_| image_error(format!("{label} without pixels"), None))
}

/// The kind of a file that is not an image that can be decoded, for the message.
fn describe(bytes: &[u8], format: Option<ImageFormat>) -> Option<&'static str> {
    let start = &bytes[..bytes.len().min(512)];
    let text = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The end of the slice may be in the middle of a character.
        Err(error) => error.error_len().is_none(),
    };
    Some(match format {
        Some(ImageFormat::Gif) => "it is a GIF",
        Some(ImageFormat::Bmp) => "it is a BMP",
        Some(ImageFormat::Tiff) => "it is a TIFF",
        Some(ImageFormat::Avif) => "it is an AVIF",
        Some(ImageFormat::Ico) => "it is an icon",
        Some(ImageFormat::Pnm) => "it is a PNM",
        Some(other) => *other.extensions_str().first()?,
        None if start.is_empty() => "it is empty",
        None if start.get(4..8) == Some(b"ftyp") => match start.get(8..12) {
            Some(b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"mif1" | b"msf1") => {
                "it is a HEIC"
            }
            _ => "it is a video",
        },
        None if start.starts_with(b"%PDF") => "it is a PDF",
        None if text && !start.iter().any(|&b| b < 9) => "it is text",
        None => return None,
    })
}

fn be_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    let word = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_be_bytes(*word))
}

/// Width and height from the header chunk, the first chunk of a PNG.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    (bytes.get(12..16)? == b"IHDR").then_some((be_u32(bytes, 16)?, be_u32(bytes, 20)?))
}

/// True if all chunks up to the end chunk are complete.
fn png_is_whole(bytes: &[u8]) -> bool {
    let mut chunk = 8;
    while let Some(length) = be_u32(bytes, chunk) {
        // Length, type, data, checksum.
        let next = chunk.saturating_add(12).saturating_add(length as usize);
        if next > bytes.len() {
            return false;
        }
        if &bytes[chunk + 4..chunk + 8] == b"IEND" {
            return true;
        }
        chunk = next;
    }
    false
}

/// True if the file is at least as long as its RIFF header says.
fn webp_is_whole(bytes: &[u8]) -> bool {
    let length = bytes.get(4..).and_then(<[u8]>::first_chunk);
    length.is_some_and(|&length| bytes.len() as u64 >= 8 + u64::from(u32::from_le_bytes(length)))
}
