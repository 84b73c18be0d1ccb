//! Image files: bytes to upright pixels under limits, and pixels back to files.

use std::{
    fs::{self, File},
    io::{self, Cursor, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use ::image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, ImageFormat,
    ImageReader, Limits, codecs::jpeg::JpegEncoder, codecs::png::PngEncoder, metadata::Orientation,
};
use libjpeg_turbo_rs::JpegError;

use super::{Image, jpeg};
use crate::error::{Error, Result, Source};

/// How large an image file may be. Each limit is inclusive.
///
/// ```
/// use facekit::image::DecodeLimits;
///
/// let thumbnails = DecodeLimits::default().with_max_side(512);
/// assert_eq!(thumbnails.max_file_bytes, 64 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeLimits {
    /// Width times height. 2²⁶ by default: the whole frame of a 64-megapixel camera.
    pub max_pixels: usize,
    /// Pixels of the longer side. 32,768 by default.
    pub max_side: usize,
    /// Bytes of the encoded file. 64 MiB by default.
    pub max_file_bytes: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_pixels: 1 << 26,
            max_side: 1 << 15,
            max_file_bytes: 64 << 20,
        }
    }
}

impl DecodeLimits {
    /// Sets [`max_pixels`](Self::max_pixels).
    #[must_use]
    pub fn with_max_pixels(mut self, pixels: usize) -> Self {
        self.max_pixels = pixels;
        self
    }

    /// Sets [`max_side`](Self::max_side).
    #[must_use]
    pub fn with_max_side(mut self, pixels: usize) -> Self {
        self.max_side = pixels;
        self
    }

    /// Sets [`max_file_bytes`](Self::max_file_bytes).
    #[must_use]
    pub fn with_max_file_bytes(mut self, bytes: usize) -> Self {
        self.max_file_bytes = bytes;
        self
    }

    fn check_file(&self, name: &str, bytes: u64) -> Result<()> {
        if bytes > self.max_file_bytes as u64 {
            return Err(Error::ImageTooLarge {
                name: name.to_owned(),
                found: format!("a file of {bytes} bytes"),
                limit: format!("{} bytes", self.max_file_bytes),
            });
        }
        Ok(())
    }

    fn check_size(&self, name: &str, width: u32, height: u32) -> Result<()> {
        let too_large = |limit: String| {
            Err(Error::ImageTooLarge {
                name: name.to_owned(),
                found: format!("{width} × {height} pixels"),
                limit,
            })
        };
        if u64::from(width.max(height)) > self.max_side as u64 {
            return too_large(format!("{} pixels a side", self.max_side));
        }
        if u64::from(width) * u64::from(height) > self.max_pixels as u64 {
            return too_large(format!("{} pixels", self.max_pixels));
        }
        Ok(())
    }

    /// What a decoder may allocate: 16-bit RGBA of the largest image, and room for its tables.
    fn decoder_limits(&self) -> Limits {
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(
            (self.max_pixels as u64)
                .saturating_mul(8)
                .saturating_add(16 << 20),
        );
        limits
    }
}

/// Decodes a JPEG, PNG or WebP file.
///
/// The format is told by the content. The image is turned upright as its EXIF orientation says. Grey,
/// palette, 16-bit and CMYK images become 8-bit RGB; alpha is dropped, and the colours below it stay as
/// they are in the file. Colour profiles are not applied. Of an animation, the first frame is returned.
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
/// [`Error::ImageTooLarge`] where a limit is broken, told by the header before pixels are allocated;
/// [`Error::Image`] where the bytes are damaged, end too soon or are no such image. A photo of which only
/// a part is there is an error, not a partly grey image.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Image> {
    decode_named("image", bytes, limits)
}

/// Reads and [`decode`]s an image file.
///
/// # Errors
///
/// [`Error::Io`] where the file cannot be read, and as [`decode`] otherwise; each names `path`. A file over
/// [`max_file_bytes`](DecodeLimits::max_file_bytes) is refused unread.
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
    // A pipe or a file that grows has no length to go by.
    let mut bytes = Vec::new();
    file.take((limits.max_file_bytes as u64).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

fn decode_named(name: &str, bytes: &[u8], limits: &DecodeLimits) -> Result<Image> {
    let image_error = |reason: String, source: Option<Source>| Error::Image {
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
    let unsupported = |source: Option<Source>| {
        image_error(format!("a kind of {label} that is not supported"), source)
    };
    let failed = |error: ImageError| match error {
        ImageError::Limits(_) => too_much_memory(),
        ImageError::Unsupported(_) => unsupported(Some(error.into())),
        _ => image_error(format!("truncated or damaged {label}"), Some(error.into())),
    };

    // The PNG decoder allocates rows while it opens a file, so the header is looked at before.
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
    // A decoder that meets a file its authors did not think of may panic. One photo must not end the program, and
    // nothing of the decoder outlives it.
    let pixels =
        catch_unwind(AssertUnwindSafe(pixels)).unwrap_or_else(|_| Err(unsupported(None)))?;
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    Image::from_rgb8(pixels.into_raw(), width, height)
        .map_err(|_| image_error(format!("{label} without pixels"), None))
}

/// What a file that is not a known image is, for the message.
fn describe(bytes: &[u8], format: Option<ImageFormat>) -> Option<&'static str> {
    let start = &bytes[..bytes.len().min(512)];
    let text = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The cut may have split a character.
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

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*word))
}

/// Width and height from the header chunk, which a PNG begins with.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    (bytes.get(12..16)? == b"IHDR").then_some((be_u32(bytes, 16)?, be_u32(bytes, 20)?))
}

/// Whether the chunks go on to the end chunk.
fn png_is_whole(bytes: &[u8]) -> bool {
    let mut at = 8;
    while let Some(length) = be_u32(bytes, at) {
        // Length, type, data, checksum.
        let next = at.saturating_add(12).saturating_add(length as usize);
        if next > bytes.len() {
            return false;
        }
        if &bytes[at + 4..at + 8] == b"IEND" {
            return true;
        }
        at = next;
    }
    false
}

/// Whether the file is as long as its RIFF header says.
fn webp_is_whole(bytes: &[u8]) -> bool {
    let length = bytes.get(4..).and_then(<[u8]>::first_chunk);
    length.is_some_and(|&length| bytes.len() as u64 >= 8 + u64::from(u32::from_le_bytes(length)))
}

/// The longest side a JPEG file can have, in pixels.
const JPEG_MAX_SIDE: usize = 65_535;

/// Encodes as JPEG of the given quality: 1 is the smallest file, 100 the best image, and what is outside
/// is clamped.
///
/// # Panics
///
/// Where a side of the image is longer than 65,535 pixels, which no JPEG can be.
#[must_use]
pub fn encode_jpeg(image: &Image, quality: u8) -> Vec<u8> {
    assert!(
        image.width.max(image.height) <= JPEG_MAX_SIDE,
        "a JPEG's sides are at most {JPEG_MAX_SIDE} pixels"
    );
    let mut file = Vec::new();
    // The pixels fit the sides, the sides fit the format, and a vector takes every write.
    JpegEncoder::new_with_quality(&mut file, quality.clamp(1, 100))
        .write_image(
            &image.data,
            image.width as u32,
            image.height as u32,
            ExtendedColorType::Rgb8,
        )
        .expect("an image that fits the format is encoded");
    file
}

/// Writes an image file: JPEG of quality 92 where `path` ends in `.jpg` or `.jpeg`, PNG where it ends in
/// `.png`, in either case of letters.
///
/// # Errors
///
/// [`Error::InvalidArgument`] where `path` has another ending or the format cannot hold an image of this
/// size; [`Error::Io`] where the file cannot be written.
pub fn save(image: &Image, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let refused = |reason: String| Error::argument("path", format!("{}: {reason}", path.display()));
    let file = match extension.to_str() {
        Some("jpg" | "jpeg") if image.width.max(image.height) > JPEG_MAX_SIDE => {
            return Err(refused(format!(
                "a JPEG's sides are at most {JPEG_MAX_SIDE} pixels"
            )));
        }
        Some("jpg" | "jpeg") => encode_jpeg(image, 92),
        Some("png") => {
            let side = |pixels: usize| u32::try_from(pixels).map_err(|e| refused(e.to_string()));
            let (width, height) = (side(image.width)?, side(image.height)?);
            let mut file = Vec::new();
            PngEncoder::new(&mut file)
                .write_image(&image.data, width, height, ExtendedColorType::Rgb8)
                .map_err(|error| refused(error.to_string()))?;
            file
        }
        _ => return Err(refused("the name must end in .jpg, .jpeg or .png".into())),
    };
    write_whole(path, &file).map_err(Error::io("writing", path))
}

/// Writes a file whole or not at all. A link stays one, and what is no plain file is written to as it is.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        found => Some(found?),
    };
    let Ok(target) = (match found {
        None => Ok(path.to_owned()),
        Some(_) => fs::canonicalize(path),
    }) else {
        return fs::write(path, bytes);
    };
    let replaced = found.map(|_| fs::metadata(&target)).transpose()?;
    if replaced.as_ref().is_some_and(|found| !found.is_file()) {
        return fs::write(path, bytes);
    }
    if replaced.is_some() {
        // What may not be written to is not replaced either.
        File::options().write(true).open(&target)?;
    }

    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let (temporary, mut file) = loop {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        name.push(format!(".{}-{number}.part", process::id()));
        let temporary = target.with_file_name(name);
        match File::options()
            .write(true)
            .create_new(true)
            .open(&temporary)
        {
            Ok(file) => break (temporary, file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    };
    let written = file
        .write_all(bytes)
        .and_then(|()| match &replaced {
            Some(found) => file.set_permissions(found.permissions()),
            None => Ok(()),
        })
        .and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
