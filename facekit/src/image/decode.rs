//! Image files to upright pixels.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
    sync::Arc,
};

use ::image::{
    ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage,
    metadata::Orientation,
};
use libjpeg_turbo_rs::JpegError;

use super::{
    Image,
    jpeg::{self, Decoded, JpegFile},
    limits::{DecodeLimits, size},
    origin::Origin,
};
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
/// A JPEG that takes more memory than [`max_memory`](DecodeLimits::max_memory) at its full size is decoded at the greatest scale
/// that does not: see [`Image::reduction`]. If the end of a JPEG is missing, and at least seven eighths of its rows are whole, the
/// image has only the whole rows: see [`Image::missing`]. Every kind of JPEG is treated alike: with one scan or several, with
/// restart markers or without.
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
/// [`Error::Image`] if the bytes are damaged, more of the end is missing, or they are not an image of these formats. No image is
/// partly gray.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Image> {
    decode_named("image", Cow::Borrowed(bytes), limits)
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
    decode_named(&name, Cow::Owned(bytes), limits)
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

fn decode_named(name: &str, file: Cow<'_, [u8]>, limits: &DecodeLimits) -> Result<Image> {
    let bytes = &*file;
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
        limit: size(limits.max_memory as u64),
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
    let pixels = || match format {
        ImageFormat::Jpeg => {
            let failed = |error| match error {
                JpegError::Unsupported(_) => unsupported(Some(error.into())),
                JpegError::LimitExceeded {
                    what: jpeg::MEMORY,
                    actual,
                    ..
                } => match limits.check_memory(name, actual) {
                    Err(error) => error,
                    Ok(()) => too_much_memory(),
                },
                JpegError::LimitExceeded { .. } => too_much_memory(),
                _ => damaged(Some(error.into())),
            };
            let decoded = jpeg::decode(bytes, limits, check, failed)?;
            Ok(Pixels::Jpeg(decoded))
        }
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
            limits.check_memory(
                name,
                memory(&decoder, orientation).saturating_add(bytes.len() as u64),
            )?;
            let pixels = to_rgb(DynamicImage::from_decoder(decoder).map_err(failed)?);
            Ok(Pixels::Other(upright(pixels, orientation)))
        }
    };
    // A decoder may panic on a file that its authors did not foresee. One photo must not end the program. Nothing of the
    // decoder is used after a panic.
    let pixels =
        catch_panic(pixels).unwrap_or_else(|message| Err(unsupported(Some(message.into()))))?;
    let image = |pixels: RgbImage| {
        let (width, height) = (pixels.width() as usize, pixels.height() as usize);
        Image::from_rgb8(pixels.into_raw(), width, height)
            .map_err(|_| image_error(format!("{label} without pixels"), None))
    };
    match pixels {
        Pixels::Other(pixels) => image(pixels),
        Pixels::Jpeg(mut decoded) => {
            let stored = std::mem::take(&mut decoded.pixels);
            let image = image(upright(stored, decoded.orientation))?;
            Ok(with_origin(image, &decoded, name, file, limits))
        }
    }
}

/// The result of a decoder.
enum Pixels {
    Jpeg(Decoded),
    /// Upright pixels.
    Other(RgbImage),
}

/// Adds the photo to an image that is less than the whole of it.
fn with_origin(
    image: Image,
    decoded: &Decoded,
    name: &str,
    file: Cow<'_, [u8]>,
    limits: &DecodeLimits,
) -> Image {
    if !decoded.is_reduced && decoded.missing == 0.0 {
        return image;
    }
    let (width, height) = decoded.size;
    let is_turned = (decoded.orientation.to_exif()) >= 5;
    image.with_origin(Origin {
        size: if is_turned {
            (height, width)
        } else {
            (width, height)
        },
        missing: decoded.missing,
        file: decoded
            .is_reduced
            .then(|| Arc::new(JpegFile::new(file, name, decoded, limits)) as _),
    })
}

/// The memory in bytes that decoding a PNG or WebP takes.
fn memory(decoder: &impl ImageDecoder, orientation: Orientation) -> u64 {
    let (width, height) = decoder.dimensions();
    let rgb = 3 * u64::from(width) * u64::from(height);
    // RGB and RGBA need no second copy.
    let converted = match decoder.color_type() {
        ColorType::Rgb8 | ColorType::Rgba8 => 0,
        _ => rgb,
    };
    let turned = if orientation == Orientation::NoTransforms {
        0
    } else {
        2 * rgb
    };
    decoder.total_bytes().saturating_add(converted).max(turned)
}

/// The pixels as RGB. Alpha is dropped in place.
fn to_rgb(image: DynamicImage) -> RgbImage {
    let (width, height) = (image.width(), image.height());
    let DynamicImage::ImageRgba8(rgba) = image else {
        return image.into_rgb8();
    };
    let mut bytes = rgba.into_raw();
    let pixels = bytes.len() / 4;
    for pixel in 0..pixels {
        bytes.copy_within(4 * pixel..4 * pixel + 3, 3 * pixel);
    }
    bytes.truncate(3 * pixels);
    RgbImage::from_raw(width, height, bytes).unwrap_or_default()
}

fn upright(pixels: RgbImage, orientation: Orientation) -> RgbImage {
    if orientation == Orientation::NoTransforms {
        return pixels;
    }
    let mut upright = DynamicImage::ImageRgb8(pixels);
    upright.apply_orientation(orientation);
    upright.into_rgb8()
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
