//! Video files.

#[cfg(feature = "matroska")]
mod matroska;
#[cfg(feature = "mp4")]
mod mp4;
mod options;
#[cfg(feature = "h264")]
mod stream;

use std::{
    fmt,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    time::Duration,
};

use facekit::{Error, FrameSource, Next, Pace, Result};

pub use options::FileOptions;

#[cfg(feature = "h264")]
use crate::units::Coding;
use crate::{Pipe, PipeOptions, Timing, picture::refused};

/// A recording in a file. Its first bytes tell its format:
///
/// | Format | Feature |
/// |-|-|
/// | Motion JPEG, YUV4MPEG2 | |
/// | H.264 without a container (Annex B) | `h264` |
/// | MP4 with H.264 | `mp4` |
/// | Matroska and WebM with H.264 or Motion JPEG | `matroska` |
/// | H.265 in each of these | `h265` |
///
/// Frames come in the order in which they are shown, with the times of the file. The first one has the time
/// [`start`](FileOptions::start). Other tracks than the first video track are left out, and so are damaged frames, with those that need
/// them, up to the next key frame.
///
/// Interlaced video, other pixels than 4:2:0 of 8 bits, and other codecs are refused. FFmpeg makes Motion JPEG of them:
/// `ffmpeg -i FILE -f mjpeg FILE.mjpeg`.
///
/// ```no_run
/// use std::time::Duration;
///
/// use facekit::{FrameSource, Next};
/// use facekit_video::{FileOptions, VideoFile};
///
/// let start = "2026-03-02T08:00:00Z".parse().unwrap();
/// let mut video = VideoFile::open("door.mp4", &FileOptions::new(start))?;
/// while let Next::Frame(frame) = video.next(Duration::ZERO)? {
///     println!("{} {:?}", frame.at, frame.image);
/// }
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct VideoFile(Frames);

enum Frames {
    Pipe(Box<Pipe>),
    #[cfg(feature = "h264")]
    Stream(Box<stream::Stream>),
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    /// Motion JPEG or YUV4MPEG2.
    Pipe,
    H264,
    H265,
    Mp4,
    Matroska,
}

impl Format {
    /// Tells a format by the first bytes. `None` if it is none of them.
    fn of(first: &[u8]) -> Option<Self> {
        match first {
            [0xFF, 0xD8, ..] | [b'Y', b'U', b'V', b'4', ..] => Some(Self::Pipe),
            [0, 0, 0, 1, unit @ ..] | [0, 0, 1, unit @ ..] => Some(match unit {
                // Parameter sets, delimiter or message of H.265. In H.264 they are units that no stream begins with.
                [0x40 | 0x42 | 0x44 | 0x46 | 0x4E, 1, ..] => Self::H265,
                _ => Self::H264,
            }),
            [0x1A, 0x45, 0xDF, 0xA3, ..] => Some(Self::Matroska),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Self::Mp4),
            _ => None,
        }
    }
}

impl VideoFile {
    /// Opens a file and reads its head.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be read; [`Error::Image`] for a file of another format, of a format whose feature is not on, or
    /// without a video track that can be decoded; [`Error::ImageTooLarge`] if its frames are larger than the limits; and
    /// [`Error::InvalidArgument`] if it needs a rate.
    pub fn open(path: impl AsRef<Path>, options: &FileOptions) -> Result<Self> {
        let path = path.as_ref();
        let mut file = File::open(path).map_err(Error::io("opening", path))?;
        let mut first = Vec::new();
        (&mut file)
            .take(8)
            .read_to_end(&mut first)
            .and_then(|_| file.seek(SeekFrom::Start(0)))
            .map_err(Error::io("reading", path))?;
        let name = path.display().to_string();
        let refused = |reason: &str| refused(&name, reason);
        match Format::of(&first) {
            Some(Format::Pipe) => {
                let mut timing = Timing::recorded(options.start);
                if let Some(rate) = options.frames_per_second {
                    timing = timing.with_rate(rate);
                }
                let options = PipeOptions::default()
                    .with_limits(options.limits.clone())
                    .with_timing(timing);
                let pipe = Pipe::named(&name, file, &options)?;
                Ok(Self(Frames::Pipe(Box::new(pipe))))
            }
            #[cfg(feature = "h264")]
            Some(Format::H264) => raw(file, Coding::H264, &name, options),
            #[cfg(feature = "h265")]
            Some(Format::H265) => raw(file, Coding::H265, &name, options),
            #[cfg(feature = "mp4")]
            Some(Format::Mp4) => {
                let track = mp4::Mp4Track::open(file, &name, options)?;
                let stream = stream::Stream::new(Box::new(track), &name, options);
                Ok(Self(Frames::Stream(Box::new(stream))))
            }
            #[cfg(feature = "matroska")]
            Some(Format::Matroska) => {
                let track = matroska::MatroskaTrack::open(file, &name, options)?;
                let stream = stream::Stream::new(Box::new(track), &name, options);
                Ok(Self(Frames::Stream(Box::new(stream))))
            }
            #[cfg(not(feature = "h264"))]
            Some(Format::H264) => Err(refused("is H.264: the feature h264 is not on")),
            #[cfg(not(feature = "h265"))]
            Some(Format::H265) => Err(refused("is H.265: the feature h265 is not on")),
            #[cfg(not(feature = "mp4"))]
            Some(Format::Mp4) => Err(refused("is an MP4 file: the feature mp4 is not on")),
            #[cfg(not(feature = "matroska"))]
            Some(Format::Matroska) => Err(refused(
                "is a Matroska file: the feature matroska is not on",
            )),
            None => Err(refused(
                "is no Motion JPEG, YUV4MPEG2, MP4, Matroska, H.264 or H.265",
            )),
        }
    }
}

/// A stream without a container.
#[cfg(feature = "h264")]
fn raw(file: File, coding: Coding, name: &str, options: &FileOptions) -> Result<VideoFile> {
    let stream = stream::Stream::annex_b(file, coding, name, options)?;
    Ok(VideoFile(Frames::Stream(Box::new(stream))))
}

impl FrameSource for VideoFile {
    fn next(&mut self, wait: Duration) -> Result<Next> {
        match &mut self.0 {
            Frames::Pipe(pipe) => pipe.next(wait),
            #[cfg(feature = "h264")]
            Frames::Stream(stream) => stream.next(),
        }
    }

    fn pace(&self) -> Pace {
        Pace::Recorded
    }

    fn damaged(&self) -> u64 {
        match &self.0 {
            Frames::Pipe(pipe) => pipe.damaged(),
            #[cfg(feature = "h264")]
            Frames::Stream(stream) => stream.damaged(),
        }
    }
}

impl fmt::Debug for VideoFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoFile")
            .field("damaged", &self.damaged())
            .finish_non_exhaustive()
    }
}
