//! The videos of `facekit watch`.

use std::{io, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use facekit::{Error, FrameFolder, FrameSource, Next, Pace};
use facekit_video::{
    FileOptions, HttpCamera, HttpOptions, Pipe, PipeOptions, RtspCamera, RtspOptions, Timing,
    VideoFile,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::session::Session;

/// The times of videos that have none themselves.
#[derive(clap::Args, Debug)]
pub(crate) struct TimingArgs {
    /// The video on standard input, or in a file without times, has so many frames a second
    ///
    /// Files of Motion JPEG, raw H.264 and raw H.265 have no times. A video on standard input is
    /// then a recording: no frame is left out, however long the work takes. By default, it is
    /// live: a frame has the time of its arrival.
    #[arg(long, value_name = "FPS", verbatim_doc_comment)]
    rate: Option<f64>,

    /// The time at which recordings began, such as 2026-03-02T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    start: Option<Timestamp>,

    /// The time between two snapshots of a camera at http:// or https:// that sends one picture
    /// for each request, 0.02 to 3600 [default: 1]
    #[arg(long, value_name = "SECONDS", verbatim_doc_comment)]
    interval: Option<f64>,
}

/// A video, and its name for people. Credentials are not part of the name.
pub(crate) struct Video {
    pub(crate) name: String,
    pub(crate) source: Box<dyn FrameSource>,
}

impl TimingArgs {
    /// Opens a folder, a file, an address or standard input.
    pub(crate) fn open(&self, video: &str, zone: &TimeZone, session: &Session) -> Result<Video> {
        if video == "-" {
            return self.standard_input(session);
        }
        if video.contains("://") {
            return self.camera(video, session);
        }
        let path = Path::new(video);
        // It may be an address with a password.
        if video.contains('@') && !path.exists() {
            bail!(
                "a video is no file and no folder; an address begins with http://, https:// or rtsp://"
            );
        }
        let source: Box<dyn FrameSource> = if path.is_dir() {
            Box::new(folder(path, zone, session)?)
        } else {
            Box::new(self.file(path, session)?)
        };
        Ok(Video {
            name: video.to_owned(),
            source,
        })
    }

    /// An error for options that no video uses.
    pub(crate) fn check(&self, videos: &[String]) -> Result<()> {
        let is_timed = |video: &String| video == "-" || Path::new(video).is_file();
        if self.rate.is_some() && !videos.iter().any(is_timed) {
            bail!(
                "--rate is for a video on standard input or in a file; photos and cameras have times"
            );
        }
        let is_recorded =
            |video: &String| Path::new(video).is_file() || (video == "-" && self.rate.is_some());
        if self.start.is_some() && !videos.iter().any(is_recorded) {
            bail!(
                "--start is for a video in a file, or on standard input with --rate; photos and cameras have times"
            );
        }
        let is_web = |video: &String| has_scheme(video, &["http", "https"]);
        if self.interval.is_some() && !videos.iter().any(is_web) {
            bail!("--interval is for a camera at http:// or https://");
        }
        if videos.iter().filter(|video| *video == "-").count() > 1 {
            bail!("- is given twice, but there is one standard input");
        }
        Ok(())
    }

    fn standard_input(&self, session: &Session) -> Result<Video> {
        let timing = match self.rate {
            None => Timing::Arrival,
            Some(rate) => {
                let start = self.start.unwrap_or_else(Timestamp::now);
                Timing::recorded(start).with_rate(rate)
            }
        };
        let options = PipeOptions::default()
            .with_limits(session.limits.clone())
            .with_timing(timing);
        let source: Box<dyn FrameSource> = match options.timing {
            Timing::Arrival => Box::new(Pipe::open(io::stdin(), &options)?),
            _ => Box::new(RecordedInput {
                options,
                pipe: None,
                is_over: false,
            }),
        };
        Ok(Video {
            name: "standard input".to_owned(),
            source,
        })
    }

    fn camera(&self, address: &str, session: &Session) -> Result<Video> {
        if has_scheme(address, &["rtsp"]) {
            let options = RtspOptions::default().with_limits(session.limits.clone());
            let camera = RtspCamera::open(address, &options)?;
            return Ok(Video {
                name: camera.address().to_owned(),
                source: Box::new(camera),
            });
        }
        if !has_scheme(address, &["http", "https"]) {
            let scheme = address.split("://").next().unwrap_or_default();
            // Something else before the address may be a password.
            let is_scheme = scheme
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
            let scheme = if is_scheme { scheme } else { "this" };
            bail!(
                "{scheme}:// is not supported; FFmpeg reads it: ffmpeg -i ADDRESS -f mjpeg - | facekit watch … -"
            );
        }
        let mut options = HttpOptions::default().with_limits(session.limits.clone());
        if let Some(interval) = self.interval {
            let interval = Duration::try_from_secs_f64(interval).context("--interval")?;
            options = options.with_interval(interval);
        }
        let camera = HttpCamera::open(address, &options)?;
        Ok(Video {
            name: camera.address().to_owned(),
            source: Box::new(camera),
        })
    }

    fn file(&self, path: &Path, session: &Session) -> Result<VideoFile> {
        let start = self.start.unwrap_or_else(Timestamp::now);
        let mut options = FileOptions::new(start).with_limits(session.limits.clone());
        options.frames_per_second = self.rate;
        VideoFile::open(path, &options).map_err(|error| match error {
            // The others have the name.
            Error::InvalidArgument { .. } => {
                anyhow::Error::new(error).context(path.display().to_string())
            }
            error => error.into(),
        })
    }
}

/// A recording on standard input. Its header is read with its first frame, so that the command can be stopped before it comes, and other
/// videos do not wait for it.
#[derive(Debug)]
struct RecordedInput {
    options: PipeOptions,
    pipe: Option<Pipe>,
    is_over: bool,
}

impl RecordedInput {
    fn pipe(&mut self) -> facekit::Result<&mut Pipe> {
        let pipe = match self.pipe.take() {
            Some(pipe) => pipe,
            None => Pipe::open(io::stdin(), &self.options)?,
        };
        Ok(self.pipe.insert(pipe))
    }
}

impl FrameSource for RecordedInput {
    fn next(&mut self, wait: Duration) -> facekit::Result<Next> {
        if self.is_over {
            return Ok(Next::End);
        }
        let next = self.pipe().and_then(|pipe| pipe.next(wait));
        self.is_over = next.is_err();
        next
    }

    fn pace(&self) -> Pace {
        Pace::Recorded
    }

    fn damaged(&self) -> u64 {
        self.pipe.as_ref().map_or(0, FrameSource::damaged)
    }
}

/// True for an address with one of these schemes.
fn has_scheme(video: &str, schemes: &[&str]) -> bool {
    let scheme = video.split_once("://").map(|(scheme, _)| scheme);
    let mut schemes = schemes.iter();
    scheme.is_some_and(|scheme| schemes.any(|known| scheme.eq_ignore_ascii_case(known)))
}

fn folder(path: &Path, zone: &TimeZone, session: &Session) -> Result<FrameFolder> {
    let folder = FrameFolder::open(path, zone, &session.limits)?;
    if folder.is_empty() {
        bail!("{}: no photos", path.display());
    }
    Ok(folder)
}
