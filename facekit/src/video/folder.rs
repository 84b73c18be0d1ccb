use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
    vec,
};

use jiff::{Timestamp, tz::TimeZone};

use super::{FrameSource, Next, Pace, VideoFrame};
use crate::{
    error::{Error, Result},
    image::{self, DecodeLimits},
};

/// The endings of the names of photos.
const ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// The photos in a folder as a video, in order of their times.
///
/// The time of a photo is that of its name, of its EXIF data, or of its file: see [`file_time`](crate::image::file_time). Names can
/// have fractions of a second. Other files and folders inside are ignored. A photo of another size than the one before is a
/// [discontinuity](VideoFrame::discontinuity).
///
/// ```no_run
/// use std::time::Duration;
///
/// use facekit::{FrameFolder, FrameSource, Next, image::DecodeLimits, jiff::tz::TimeZone};
///
/// let mut folder = FrameFolder::open("door", &TimeZone::UTC, &DecodeLimits::default())?;
/// println!("{} photos", folder.len());
/// while let Next::Frame(frame) = folder.next(Duration::ZERO)? {
///     println!("{} {:?}", frame.at, frame.image);
/// }
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Debug)]
pub struct FrameFolder {
    photos: vec::IntoIter<(Timestamp, PathBuf)>,
    limits: DecodeLimits,
    sequence: u64,
    /// The size of the photo before.
    size: Option<(usize, usize)>,
}

impl FrameFolder {
    /// Lists the photos of a folder. Times without a zone are those of `zone`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder or a file of an unknown time cannot be read.
    pub fn open(path: impl AsRef<Path>, zone: &TimeZone, limits: &DecodeLimits) -> Result<Self> {
        let path = path.as_ref();
        let mut photos = Vec::new();
        for entry in fs::read_dir(path).map_err(Error::io("reading", path))? {
            let photo = entry.map_err(Error::io("reading", path))?.path();
            let ending = photo.extension().unwrap_or_default().to_ascii_lowercase();
            if ENDINGS.iter().any(|known| ending == *known) && photo.is_file() {
                let (at, _) = image::file_time(&photo, zone, limits)?;
                photos.push((at, photo));
            }
        }
        photos.sort();
        Ok(Self {
            photos: photos.into_iter(),
            limits: limits.clone(),
            sequence: 0,
            size: None,
        })
    }

    /// The number of photos that are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.photos.len()
    }

    /// Returns true if no photo is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FrameSource for FrameFolder {
    /// Decodes the next photo.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the photo cannot be read, [`Error::Image`] and [`Error::ImageTooLarge`] if it cannot be decoded.
    fn next(&mut self, _wait: Duration) -> Result<Next> {
        let Some((at, path)) = self.photos.next() else {
            return Ok(Next::End);
        };
        let image = image::open(&path, &self.limits).inspect_err(|_| {
            // An error ends the source.
            self.photos = Vec::new().into_iter();
        })?;
        let size = (image.width(), image.height());
        let is_other = self.size.replace(size).is_some_and(|before| before != size);
        let frame = VideoFrame::new(image, at, self.sequence).with_discontinuity(is_other);
        self.sequence += 1;
        Ok(Next::Frame(frame))
    }

    fn pace(&self) -> Pace {
        Pace::Recorded
    }
}
