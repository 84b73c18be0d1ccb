//! `facekit watch`: the people in videos, one line for each.

pub(crate) mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use facekit::{RateBasis, Recognizer, Sighting, Track, TrackEvent};
use facekit_video::{
    CameraId, CameraOptions, CameraState, Change, Report, Watched, Watcher, WatcherOptions,
};
use jiff::tz::TimeZone;
use serde::Serialize;
use sheets::{SIGHTING_COLUMNS, sighting_row};

use crate::{
    Answer,
    files::{check_output, create_growing},
    options::{GalleryArgs, RecognizeArgs},
    output::{count, plain},
    recognition::{live, rate_note, who},
    session::Session,
    zone::{local, open_zone},
};

/// The time for which the command waits for a report, before it looks whether it was stopped.
const WAIT: Duration = Duration::from_millis(200);

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Folders of photos with their times, files, addresses of cameras, or `-` for a video on
    /// standard input
    ///
    /// A file is MP4 or Matroska with H.264 or H.265, Motion JPEG or YUV4MPEG2. Standard input is
    /// one of the last two. FFmpeg makes it of every other video:
    /// ffmpeg -i ANYTHING -f mjpeg - | facekit watch --gallery people.gallery -
    /// An address of a camera begins with rtsp://, and sends H.264 or H.265, or with http:// or
    /// https://, and sends Motion JPEG, or one picture for each request:
    /// rtsp://USER:PASSWORD@192.168.1.7/stream2. Several videos are watched at the same time.
    /// Ctrl-C ends the command, with its answer.
    #[arg(value_name = "DIR|FILE|URL|-", required = true, verbatim_doc_comment)]
    videos: Vec<String>,

    #[command(flatten)]
    timing: source::TimingArgs,

    /// The time zone of frames and lines: Africa/Nairobi, +03:00 [default: the system's]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    zone: Option<String>,

    /// Write a CSV row to this file for each known person, as soon as they are seen
    ///
    /// The columns are frame (the number of the track; with several videos, the name of the
    /// video is before it), time (in UTC), person, score and liveness.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    sightings: Option<PathBuf>,

    #[command(flatten)]
    gallery: GalleryArgs,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

/// The answer of the command.
#[derive(Debug, Serialize)]
struct Answered {
    /// The frames that were decoded. A tracker leaves most of them out.
    frames: u64,
    tracks: Vec<Ended>,
}

/// A track in a JSON document.
#[derive(Debug, Serialize)]
struct Ended {
    /// The name of the video, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<String>,
    track: u64,
    from: String,
    to: String,
    decision: Option<facekit::Outcome>,
    shots: usize,
    liveness: Option<facekit::LivenessScore>,
}

impl Ended {
    fn new(video: Option<&str>, track: &Track, zone: &TimeZone) -> Self {
        Self {
            video: video.map(str::to_owned),
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
    args.timing.check(&args.videos)?;
    let models = args.recognize.open_models()?;
    let store = args.gallery.open_read_only(session)?;
    let recognizer = args.recognize.searcher(session, models, &store)?;
    let videos = args.videos.iter();
    let videos = videos.map(|video| args.timing.open(video, &zone, session));
    let videos = videos.collect::<Result<Vec<_>>>()?;

    let mut watch = Watch::new(session, recognizer, zone)?;
    if let Some(path) = &args.sightings {
        watch.sheet = Some(Sightings::create(path)?);
    }
    for video in videos {
        watch.add(video)?;
    }
    let watched = watch.all();
    watch.note_damage();
    watched?;
    let frames = watch.frames();
    let answer = Answered {
        frames,
        tracks: watch.listed.unwrap_or_default(),
    };
    session.output.answer(&answer, || {
        format!(
            "{}, {}, {}{}",
            count(frames as usize, "frame", "frames"),
            count(watch.tracks, "track", "tracks"),
            count(watch.sightings, "sighting", "sightings"),
            rate_note(&watch.bases),
        )
    })?;
    Ok(Answer::Yes)
}

/// Videos that are being watched.
struct Watch<'a> {
    session: &'a Session,
    watcher: Watcher,
    zone: TimeZone,
    /// The names of the videos.
    names: BTreeMap<CameraId, String>,
    /// The videos that deliver nothing now.
    silent: BTreeSet<CameraId>,
    /// The numbers of tracks and of sightings. A camera may be watched for months, so they are not kept.
    tracks: usize,
    sightings: usize,
    /// The kinds of rates of the people who were found.
    bases: Vec<RateBasis>,
    /// The tracks for the JSON document, if there is one.
    listed: Option<Vec<Ended>>,
    sheet: Option<Sightings>,
    /// The videos that failed, with the reasons.
    failures: Vec<String>,
}

impl<'a> Watch<'a> {
    fn new(session: &'a Session, recognizer: Recognizer, zone: TimeZone) -> Result<Self> {
        Ok(Self {
            session,
            watcher: Watcher::new(Arc::new(recognizer), &WatcherOptions::default())?,
            zone,
            names: BTreeMap::new(),
            silent: BTreeSet::new(),
            tracks: 0,
            sightings: 0,
            bases: Vec::new(),
            listed: session.output.is_json().then(Vec::new),
            sheet: None,
            failures: Vec::new(),
        })
    }

    fn add(&mut self, video: source::Video) -> Result<()> {
        let camera = self.watcher.add(video.source, &CameraOptions::default())?;
        // Two cameras at one address differ in the query, which is not shown: it may be secret.
        let mut name = video.name.clone();
        for number in 2.. {
            if !self.names.values().any(|known| *known == name) {
                break;
            }
            name = format!("{} ({number})", video.name);
        }
        self.names.insert(camera, name);
        Ok(())
    }

    /// Takes all reports, until all videos have ended or the user stops the command. The tracks end, also after an error.
    fn all(&mut self) -> Result<()> {
        let mut is_stopped = false;
        loop {
            match self.watcher.next(WAIT) {
                Watched::Report(report) => self.take(report)?,
                Watched::Nothing => {}
                Watched::End => break,
            }
            if !is_stopped && self.session.token.is_cancelled() {
                self.watcher.stop();
                is_stopped = true;
            }
        }
        match &*self.failures {
            [] => Ok(()),
            [reason] if self.names.len() == 1 => bail!("{reason}"),
            failures => bail!("{} failed", count(failures.len(), "video", "videos")),
        }
    }

    fn take(&mut self, Report { camera, change, .. }: Report) -> Result<()> {
        match change {
            Change::Events(events) => {
                for event in &events {
                    self.take_event(camera, event)?;
                }
            }
            Change::State(state) => {
                let name = &self.names[&camera];
                match state {
                    CameraState::Lost { .. } => {
                        self.session.output.note(&format!("{name}: {state}"));
                        self.silent.insert(camera);
                    }
                    CameraState::Stalled => {
                        let damage = self.damage(camera).map(|damage| format!("; {damage}"));
                        let damage = damage.unwrap_or_default();
                        self.session
                            .output
                            .note(&format!("{name}: {state}{damage}"));
                        self.silent.insert(camera);
                    }
                    CameraState::Running if self.silent.remove(&camera) => {
                        self.session
                            .output
                            .note(&format!("{name}: frames come again"));
                    }
                    CameraState::Failed { reason } => {
                        // Errors of files have the name.
                        let reason = if reason.contains(name) {
                            reason
                        } else {
                            format!("{name}: {reason}")
                        };
                        if self.names.len() > 1 {
                            self.session.output.note(&reason);
                        }
                        self.failures.push(reason);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_event(&mut self, camera: CameraId, event: &TrackEvent) -> Result<()> {
        if let Some(sighting) = event.sighting() {
            let track = self.named(camera, event.track().0);
            self.sightings += 1;
            if let Some(sheet) = &mut self.sheet {
                sheet.write(&track, &sighting)?;
            }
        }
        match event {
            TrackEvent::Decided(track) => {
                let who = track.decision.as_ref().map(who).unwrap_or_default();
                self.line(camera, track, &who)?;
            }
            TrackEvent::Ended(track) => {
                if track.decision.is_none() {
                    self.line(camera, track, "undecided")?;
                }
                self.tracks += 1;
                let known = track.decision.as_ref().and_then(facekit::Outcome::known);
                if let Some(identity) = known
                    && !self.bases.contains(&identity.basis)
                {
                    self.bases.push(identity.basis);
                }
                let ended = Ended::new(self.name(camera), track, &self.zone);
                if let Some(listed) = &mut self.listed {
                    listed.push(ended);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn line(&self, camera: CameraId, track: &Track, who: &str) -> Result<()> {
        let (from, live) = (local(track.from, &self.zone), live(track.live));
        let name = self.name(camera).map(|name| format!("{}  ", plain(name)));
        let name = name.unwrap_or_default();
        let line = format!(
            "{from}  {name}track {}  {}  liveness {live}",
            track.id,
            plain(who)
        );
        self.session.output.line(&line)
    }

    /// The name of a video, if there are several.
    fn name(&self, camera: CameraId) -> Option<&str> {
        (self.names.len() > 1).then(|| &*self.names[&camera])
    }

    /// The number of a track, with the name of its video if there are several.
    fn named(&self, camera: CameraId, track: u64) -> String {
        match self.name(camera) {
            Some(name) => format!("{name}#{track}"),
            None => track.to_string(),
        }
    }

    /// The frames that were decoded.
    fn frames(&self) -> u64 {
        let health = self.names.keys();
        let health = health.filter_map(|camera| self.watcher.health(*camera));
        health.map(|health| health.decoded).sum()
    }

    /// The pictures of a video that could not be decoded, in words. `None` if there are none.
    fn damage(&self, camera: CameraId) -> Option<String> {
        let damaged = self.watcher.health(camera)?.damaged;
        let pictures = count(damaged as usize, "picture", "pictures");
        (damaged > 0).then(|| format!("{pictures} could not be decoded"))
    }

    fn note_damage(&self) {
        for (&camera, name) in &self.names {
            if let Some(damage) = self.damage(camera) {
                self.session.output.note(&format!("{name}: {damage}"));
            }
        }
    }
}

/// The file with the sightings. It has each of them at once, so that none is lost when the command is killed.
struct Sightings(Box<dyn Write>);

impl Sightings {
    fn create(path: &Path) -> Result<Self> {
        let mut sheet = Self(create_growing(path).context(NOT_WRITTEN)?);
        sheet.add(&sheets::line(SIGHTING_COLUMNS.map(Into::into))?)?;
        Ok(sheet)
    }

    fn write(&mut self, track: &str, sighting: &Sighting) -> Result<()> {
        self.add(&sheets::line(sighting_row(track, sighting))?)
    }

    fn add(&mut self, line: &str) -> Result<()> {
        let written = self.0.write_all(line.as_bytes());
        let written = written.and_then(|()| self.0.flush());
        written.context(NOT_WRITTEN)
    }
}

const NOT_WRITTEN: &str = "the sightings cannot be written";
