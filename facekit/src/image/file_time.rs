//! The time at which a photo was taken, from its file.

use std::{fs, io, path::Path};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{DecodeLimits, capture_time};
use crate::error::{Error, Result};

/// The part of a file that a photo's time comes from, by priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimeSource {
    /// The name of the file.
    FileName,
    /// The EXIF data in the file.
    Exif,
    /// The time at which the file was last modified.
    ModificationTime,
}

/// Finds the time at which the photo in the file `path` was taken, and the source of that time: the file's name, or else its
/// EXIF data, or else the time at which the file was last modified.
///
/// [`capture_time`] describes the names and how `zone` is used. If the name has a time, the file is not read. A file that is
/// larger than [`max_file_bytes`](DecodeLimits::max_file_bytes), or not a plain file, is not searched for EXIF data.
///
/// ```
/// use facekit::image::{DecodeLimits, TimeSource, file_time};
/// use jiff::tz::{self, TimeZone};
///
/// let nairobi = TimeZone::fixed(tz::offset(3));
/// let (taken, source) = file_time("door/2026-03-02T09-15-00.jpg", &nairobi, &DecodeLimits::default())?;
/// assert_eq!(taken.to_string(), "2026-03-02T06:15:00Z");
/// assert_eq!(source, TimeSource::FileName);
/// # Ok::<(), facekit::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be read, or if it was last modified at a time beyond the years −9999 to 9999.
pub fn file_time(
    path: impl AsRef<Path>,
    zone: &TimeZone,
    limits: &DecodeLimits,
) -> Result<(Timestamp, TimeSource)> {
    let path = path.as_ref();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if let Some(taken) = capture_time(&name, b"", zone) {
        return Ok((taken, TimeSource::FileName));
    }
    let found = fs::metadata(path).map_err(Error::io("reading", path))?;
    if found.is_file() && found.len() <= limits.max_file_bytes as u64 {
        let bytes = fs::read(path).map_err(Error::io("reading", path))?;
        if let Some(taken) = capture_time("", &bytes, zone) {
            return Ok((taken, TimeSource::Exif));
        }
    }
    let modified = found
        .modified()
        .and_then(|modified| Timestamp::try_from(modified).map_err(io::Error::other))
        .map_err(Error::io("reading the modification time of", path))?;
    Ok((modified, TimeSource::ModificationTime))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG file without pixels that was taken on 2026-03-02 at 09:15:00 according to its EXIF data.
    fn with_exif() -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0".to_vec();
        // The main directory has one entry: the position of the EXIF directory.
        tiff.extend(b"\x01\0\x69\x87\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0");
        // The EXIF directory has one entry: DateTimeOriginal, 20 characters at position 44.
        tiff.extend(b"\x01\0\x03\x90\x02\0\x14\0\0\0\x2c\0\0\0\0\0\0\0");
        tiff.extend(b"2026:03:02 09:15:00\0");
        let mut jpeg = b"\xff\xd8\xff\xe1".to_vec();
        jpeg.extend((tiff.len() as u16 + 8).to_be_bytes());
        jpeg.extend(b"Exif\0\0");
        jpeg.extend(tiff);
        jpeg.extend(b"\xff\xd9");
        jpeg
    }

    #[test]
    fn sources_by_priority() {
        let folder = tempfile::tempdir().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        let limits = DecodeLimits::default();
        let time = |name: &str, bytes: &[u8], limits: &DecodeLimits| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            file_time(&path, &zone, limits).unwrap()
        };
        let exif = with_exif();
        let (taken, source) = time("2026-03-02T10-00-00.jpg", &exif, &limits);
        assert_eq!(taken.to_string(), "2026-03-02T07:00:00Z");
        assert_eq!(source, TimeSource::FileName);
        let (taken, source) = time("door.jpg", &exif, &limits);
        assert_eq!(taken.to_string(), "2026-03-02T06:15:00Z");
        assert_eq!(source, TimeSource::Exif);
        let (_, source) = time("door.jpg", b"", &limits);
        assert_eq!(source, TimeSource::ModificationTime);

        let small = DecodeLimits::default().with_max_file_bytes(exif.len() - 1);
        let (taken, source) = time("door.jpg", &exif, &small);
        assert_eq!(source, TimeSource::ModificationTime);
        let age = Timestamp::now().duration_since(taken);
        assert!(age.as_secs().abs() < 60, "{age}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = file_time("none.jpg", &TimeZone::UTC, &DecodeLimits::default()).unwrap_err();
        assert_eq!(error.to_string(), "none.jpg: reading failed");
    }
}
