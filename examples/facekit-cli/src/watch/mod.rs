//! `facekit watch`: the people in a video, one line for each.

mod source;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use facekit::{
    FrameSource, Next, Recognizer, Sighting, Track, TrackEvent, Tracker, TrackerOptions,
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use sheets::{SIGHTING_COLUMNS, sighting_row};

use crate::{
    Answer,
    files::{check_output, write_whole},
    options::{GalleryArgs, RecognizeArgs},
    output::plain,
    recognition::{basis_note, live, who},
    session::Session,
    zone::{local, open_zone},
};

/// The time for which a source waits for a frame, before the command looks whether it was stopped.
const WAIT: Duration = Duration::from_millis(200);

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A folder of photos with their times, or `-` for a video on standard input
    ///
    /// The video is Motion JPEG or YUV4MPEG2. FFmpeg makes it of every other video:
    /// ffmpeg -i ANYTHING -f mjpeg - | facekit watch --gallery people.gallery -
    #[arg(value_name = "DIR|-", verbatim_doc_comment)]
    video: String,

    #[command(flatten)]
    timing: source::TimingArgs,

    /// The time zone of frames and lines: Africa/Nairobi, +03:00 [default: the system's]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    zone: Option<String>,

    /// Write the sightings to this file, a CSV row for each known person
    ///
    /// The columns are frame (the number of the track), time (in UTC), person, score and
    /// liveness.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    sightings: Option<PathBuf>,

    #[command(flatten)]
    gallery: GalleryArgs,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

/// The answer of the command.
#[derive(Debug, Serialize)]
struct Watched {
    /// The frames that were taken from the source. A tracker leaves most of them out.
    frames: u64,
    tracks: Vec<Ended>,
}

/// A track in a JSON document.
#[derive(Debug, Serialize)]
struct Ended {
    track: u64,
    from: String,
    to: String,
    decision: Option<facekit::Outcome>,
    shots: usize,
    liveness: Option<facekit::LivenessScore>,
}

impl Ended {
    fn new(track: &Track, zone: &TimeZone) -> Self {
        Self {
            track: track.id.0,
            from: local(track.from, zone),
            to: local(track.to, zone),
            decision: track.decision.clone(),
            shots: track.shots,
            liveness: track.live,
        }
    }
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let zone = open_zone(args.zone.as_deref())?.zone;
    let key = args.gallery.key.file();
    if let Some(out) = &args.sightings {
        let calibration = args.recognize.matching.calibration.as_ref();
        let read = [key.as_ref(), calibration, Some(&args.gallery.gallery)];
        check_output(out, read.into_iter().flatten().map(PathBuf::as_path))?;
    }
    let models = args.recognize.open_models()?;
    let store = args.gallery.open_read_only(session)?;
    let recognizer = args.recognize.searcher(session, models, &store)?;
    let mut source = source::open(&args.video, &args.timing, &zone, session)?;

    let mut watch = Watch::new(session, recognizer, zone)?;
    let read = watch.all(&mut *source);
    // The people who were seen before an error are not lost.
    if let Some(path) = &args.sightings {
        write_sightings(path, &watch.sightings)?;
    }
    read?;
    let known = watch.sightings.len();
    let note = basis_note(watch.known());
    let watched = watch.watched;
    session.output.answer(&watched, || {
        format!(
            "{} frames, {} tracks, {known} known{note}",
            watched.frames,
            watched.tracks.len(),
        )
    })?;
    Ok(Answer::Yes)
}

/// A video that is being watched.
struct Watch<'a> {
    session: &'a Session,
    tracker: Tracker,
    zone: TimeZone,
    watched: Watched,
    /// The sightings, each with the number of its track.
    sightings: Vec<(u64, Sighting)>,
}

impl<'a> Watch<'a> {
    fn new(session: &'a Session, recognizer: Recognizer, zone: TimeZone) -> Result<Self> {
        Ok(Self {
            session,
            tracker: Tracker::new(Arc::new(recognizer), TrackerOptions::default())?,
            zone,
            watched: Watched {
                frames: 0,
                tracks: Vec::new(),
            },
            sightings: Vec::new(),
        })
    }

    /// Takes all frames, until the video ends or the user stops the command. The tracks end, also after an error.
    fn all(&mut self, source: &mut dyn FrameSource) -> Result<()> {
        let mut last = None;
        let read = self.frames(source, &mut last);
        if let Some(last) = last {
            let events = self.tracker.finish(last)?;
            self.take(&events)?;
        }
        read
    }

    /// Takes frames until the end. `last` is the time of the last one.
    fn frames(&mut self, source: &mut dyn FrameSource, last: &mut Option<Timestamp>) -> Result<()> {
        while !self.session.token.is_cancelled() {
            match source.next(WAIT)? {
                Next::Frame(frame) => {
                    *last = Some(frame.at);
                    self.watched.frames += 1;
                    let events = self.tracker.push_frame(&frame)?;
                    self.take(&events)?;
                }
                Next::Lost { reason, .. } => {
                    let note = format!("the connection is lost: {reason}");
                    self.session.output.note(&note);
                }
                Next::End => break,
                _ => {}
            }
        }
        Ok(())
    }

    fn take(&mut self, events: &[TrackEvent]) -> Result<()> {
        for event in events {
            if let Some(sighting) = event.sighting() {
                self.sightings.push((event.track().0, sighting));
            }
            match event {
                TrackEvent::Decided(track) => {
                    let who = track.decision.as_ref().map(who).unwrap_or_default();
                    self.line(track, &who)?;
                }
                TrackEvent::Ended(track) => {
                    if track.decision.is_none() {
                        self.line(track, "undecided")?;
                    }
                    self.watched.tracks.push(Ended::new(track, &self.zone));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn line(&self, track: &Track, who: &str) -> Result<()> {
        let (from, live) = (local(track.from, &self.zone), live(track.live));
        let line = format!(
            "{from}  track {}  {}  liveness {live}",
            track.id,
            plain(who)
        );
        self.session.output.line(&line)
    }

    /// The people of the tracks.
    fn known(&self) -> impl Iterator<Item = &facekit::Identity> {
        let tracks = self.watched.tracks.iter();
        tracks.filter_map(|track| track.decision.as_ref()?.known())
    }
}

fn write_sightings(path: &Path, sightings: &[(u64, Sighting)]) -> Result<()> {
    let mut sheet = sheets::Sheet::new(SIGHTING_COLUMNS)?;
    for (track, sighting) in sightings {
        sheet.row(sighting_row(&track.to_string(), sighting))?;
    }
    write_whole(path, &sheet.finish()?).context("the sightings cannot be written")
}
