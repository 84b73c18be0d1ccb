//! The video of `facekit watch`.

use std::{io, path::Path};

use anyhow::{Context, Result, bail};
use facekit::{FrameFolder, FrameSource};
use facekit_video::{Pipe, PipeOptions, Timing};
use jiff::{Timestamp, tz::TimeZone};

use crate::session::Session;

/// The times of a video on standard input.
#[derive(clap::Args, Debug)]
pub(super) struct TimingArgs {
    /// The video on standard input is a recording of so many frames a second
    ///
    /// No frame is left out, however long the work takes. By default, the video is live: a
    /// frame has the time of its arrival.
    #[arg(long, value_name = "FPS", verbatim_doc_comment)]
    rate: Option<f64>,

    /// The time at which the recording began, such as 2026-03-02T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME", requires = "rate")]
    start: Option<Timestamp>,
}

pub(super) fn open(
    video: &str,
    timing: &TimingArgs,
    zone: &TimeZone,
    session: &Session,
) -> Result<Box<dyn FrameSource>> {
    if video != "-" {
        if timing.rate.is_some() {
            bail!("--rate is for a video on standard input; photos have times");
        }
        let folder = FrameFolder::open(Path::new(video), zone, &session.limits)?;
        if folder.is_empty() {
            bail!("{video}: no photos");
        }
        return Ok(Box::new(folder));
    }
    let timing = match timing.rate {
        None => Timing::Arrival,
        Some(rate) => Timing::recorded(timing.start.unwrap_or_else(Timestamp::now)).with_rate(rate),
    };
    let options = PipeOptions::default()
        .with_limits(session.limits.clone())
        .with_timing(timing);
    let pipe = Pipe::open(io::stdin(), &options).context("standard input")?;
    Ok(Box::new(pipe))
}
