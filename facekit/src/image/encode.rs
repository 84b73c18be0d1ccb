//! Pixels to image files.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use ::image::{
    ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder, codecs::png::PngEncoder,
};

use super::Image;
use crate::error::{Error, Result};

/// The longest side a JPEG file can have, in pixels.
const JPEG_MAX_SIDE: usize = 65_535;

/// Encodes an image as JPEG. `quality` is 1 (the smallest file) to 100 (the best image); other values are clamped.
///
/// # Panics
///
/// If a side of the image is longer than 65,535 pixels, the limit of the format.
#[must_use]
pub fn encode_jpeg(image: &Image, quality: u8) -> Vec<u8> {
    assert!(
        image.width.max(image.height) <= JPEG_MAX_SIDE,
        "a JPEG's sides are at most {JPEG_MAX_SIDE} pixels"
    );
    let mut file = Vec::new();
    // No error is possible: the pixels fit the sides, the sides fit the format, and writing to a vector does not fail.
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

/// Writes an image file: JPEG of quality 92 if `path` ends in `.jpg` or `.jpeg`, PNG if it ends in `.png`, in upper or
/// lower case.
///
/// # Errors
///
/// [`Error::InvalidArgument`] if `path` has another ending or the format cannot hold an image of this size;
/// [`Error::Io`] if the file cannot be written.
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

/// Writes a complete file or none. If `path` is a link, the file that it points to is replaced. A pipe or device is
/// written to directly.
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
        // Renaming would replace a file that may not be written. Opening it for writing fails.
        File::options().write(true).open(&target)?;
    }

    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let (temporary, mut file) = loop {
        let mut name = OsString::from(".");
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
