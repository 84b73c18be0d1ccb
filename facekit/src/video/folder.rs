use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
    vec,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

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
/// have fractions of a second. Photos of the same whole second are spread evenly over it, in the order of their names. Other files and
/// folders inside are ignored. A photo of another size than the one before is a [discontinuity](VideoFrame::discontinuity).
///
/// A photo that cannot be decoded is left out, and counts as [`damaged`](FrameSource::damaged).
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
    damaged: u64,
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
        spread(&mut photos);
        Ok(Self {
            photos: photos.into_iter(),
            limits: limits.clone(),
            sequence: 0,
            damaged: 0,
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
    /// [`Error::Io`] if a photo cannot be read.
    fn next(&mut self, _wait: Duration) -> Result<Next> {
        for (at, path) in self.photos.by_ref() {
            let image = match image::open(&path, &self.limits) {
                Ok(image) => image,
                Err(error @ Error::Io { .. }) => {
                    // An error ends the source.
                    self.photos = Vec::new().into_iter();
                    return Err(error);
                }
                Err(_) => {
                    self.damaged += 1;
                    continue;
                }
            };
            let size = (image.width(), image.height());
            let is_other = self.size.replace(size).is_some_and(|before| before != size);
            let frame = VideoFrame::new(image, at, self.sequence).with_discontinuity(is_other);
            self.sequence += 1;
            return Ok(Next::Frame(frame));
        }
        Ok(Next::End)
    }

    fn pace(&self) -> Pace {
        Pace::Recorded
    }

    fn damaged(&self) -> u64 {
        self.damaged
    }
}

/// Spreads photos of the same whole second over the time up to the next photo, at most over this second. Stamps without fractions of a second
/// would make them frames of one moment.
fn spread(photos: &mut [(Timestamp, PathBuf)]) {
    let mut begin = 0;
    while let Some(&(at, _)) = photos.get(begin) {
        let count = photos[begin..].iter().take_while(|it| it.0 == at).count();
        let end = begin + count;
        if count > 1 && at.subsec_nanosecond() == 0 {
            let second = SignedDuration::from_secs(1);
            let next = photos.get(end).map(|next| next.0.duration_since(at));
            let room = next.map_or(second, |next| next.min(second));
            for (nth, photo) in photos[begin..end].iter_mut().enumerate() {
                // The last second of the calendar has no later moment.
                let since = room.mul_f64(nth as f64 / count as f64);
                photo.0 = at.checked_add(since).unwrap_or(at);
            }
        }
        begin = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_of_one_second_are_spread_over_it() {
        let photos = [
            "08:00:00Z",
            "08:00:01Z",
            "08:00:01Z",
            "08:00:01Z",
            "08:00:01Z",
            "08:00:02Z",
            "08:00:02Z",
            "08:00:02.2Z",
            "08:00:02.2Z",
            "08:00:05Z",
            "08:00:05Z",
        ];
        let photo = |(nth, time): (usize, &&str)| {
            let at: Timestamp = format!("2026-03-02T{time}").parse().unwrap();
            (at, PathBuf::from(nth.to_string()))
        };
        let mut photos: Vec<_> = photos.iter().enumerate().map(photo).collect();
        spread(&mut photos);
        let times: Vec<i64> = photos
            .iter()
            .map(|photo| photo.0.as_millisecond() - photos[0].0.as_millisecond())
            .collect();
        assert_eq!(
            times,
            [
                0, 1000, 1250, 1500, 1750, 2000, 2100, 2200, 2200, 5000, 5500
            ]
        );
        assert!(photos.is_sorted());
    }
}
