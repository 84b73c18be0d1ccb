//! `Tracker`: the people in a video, and what it reports of them.

use std::sync::{Arc, Mutex, PoisonError};

use facekit::{
    AlignedFace, LivenessScore, Outcome, TrackId, TrackerOptions,
    jiff::{SignedDuration, Timestamp},
};
use numpy::PyArray3;
use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use serde::{Deserialize, Serialize};

use crate::{
    analysis,
    detection::Detection,
    embedding::Embedding,
    errors,
    image::{Color, Photo},
    options::{given_roster, given_threshold},
    pipeline::Pipeline,
    process::ProcessLocal,
    quality::Quality,
    recognition::{Identity, nearest, outcome_name},
    recognizer::Recognizer,
    value, work,
};

/// Follows the people in a video, and decides once who each of them is.
///
/// `recognizer` has the models, the gallery and the threshold. Each camera needs a tracker of its own; trackers can share a recognizer.
/// A tracker has no clock: `push` takes a frame with its time, and the same frames with the same times give the same events.
///
/// Faces are searched in `searches_per_second` frames of each second, and in `undecided_searches_per_second` while a track is
/// undecided; both are from 0.01 to 100. Other frames are left out. With `motion_gate`, frames in which nothing moves are left out, too,
/// if there is no track, but not for more than `longest_rest` seconds. A detection of a score of at least `start_score` starts a track,
/// and one of at least `continue_score` continues it. A track ends when its face was not seen for `lost_after` seconds. Times are above
/// 0 and at most an hour.
///
/// `fmr`, `fpir` and `score` are as for `Recognizer`, whose threshold is the default. A rate holds for each track. `roster` has the ids
/// of the people to search; None searches everybody.
///
/// Frames are taken to be upright, and are searched in one pass of the detector.
///
/// Raises InvalidArgumentError; UncalibratedError and RateOutOfRangeError for a rate that the calibration does not cover;
/// UnknownPersonError for a roster.
///
/// >>> import facekit
/// >>> from datetime import datetime, timedelta, timezone
/// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
/// >>> report = recognizer.enroll("anna", "anna.jpg")
/// >>> tracker = facekit.Tracker(recognizer)
/// >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
/// >>> for number in range(10):    # ten frames of a camera, 0.2 s apart
/// ...     for event in tracker.push("door.jpg", at + timedelta(seconds=0.2 * number)):
/// ...         if event.kind == "decided":
/// ...             print(event.state.person, event.sighting("door").at.isoformat())
/// anna 2026-03-02T08:00:00+00:00
#[pyclass(frozen, module = "facekit")]
pub(crate) struct Tracker(ProcessLocal<Following>);

/// A tracker, and what it needs beside it.
struct Following {
    pipeline: Arc<Pipeline>,
    tracker: Mutex<facekit::Tracker>,
}

#[pymethods]
impl Tracker {
    #[new]
    #[pyo3(signature = (
        recognizer, *, searches_per_second = 5.0, undecided_searches_per_second = 10.0, motion_gate = true, longest_rest = 2.0,
        start_score = 0.6, continue_score = 0.3, lost_after = 2.0, fmr = None, fpir = None, score = None, roster = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn new(
        py: Python<'_>,
        recognizer: &Recognizer,
        searches_per_second: f64,
        undecided_searches_per_second: f64,
        motion_gate: bool,
        longest_rest: f64,
        start_score: f32,
        continue_score: f32,
        lost_after: f64,
        fmr: Option<f64>,
        fpir: Option<f64>,
        score: Option<f32>,
        roster: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let pipeline = Arc::clone(recognizer.pipeline(py)?);
        let mut options = TrackerOptions::default()
            .with_searches_per_second(searches_per_second)
            .with_undecided_searches_per_second(undecided_searches_per_second)
            .with_motion_gate(motion_gate)
            .with_longest_rest(seconds(py, "longest_rest", longest_rest)?)
            .with_start_score(start_score)
            .with_continue_score(continue_score)
            .with_lost_after(seconds(py, "lost_after", lost_after)?);
        options.threshold = given_threshold(py, fmr, fpir, score)?;
        options.roster = given_roster(py, &pipeline.recognizer, roster)?;
        let tracker = work::detached(py, || {
            facekit::Tracker::new(Arc::clone(&pipeline.recognizer), options)
        })?;
        Ok(Self(ProcessLocal::new(Following {
            pipeline,
            tracker: Mutex::new(tracker),
        })))
    }

    /// Takes the next frame of the video, which was taken at the time `at`, a datetime with a time zone. Returns what happened, a list
    /// of `TrackEvent` in order.
    ///
    /// For images, see `Recognizer.recognize`. Most frames are left out, and are not decoded: pass every frame that the camera has. The calls
    /// of several threads come one after the other.
    ///
    /// Raises InvalidArgumentError for a time before the last frame; ValueError for a time without a time zone. After an exception, the
    /// next call returns the events that happened before.
    ///
    /// >>> import facekit
    /// >>> from datetime import datetime, timezone
    /// >>> tracker = facekit.Tracker(facekit.Recognizer())
    /// >>> tracker.push("door.jpg", datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
    /// []
    #[pyo3(signature = (image, at, *, color = "rgb"))]
    fn push(
        &self,
        py: Python<'_>,
        image: &Bound<'_, PyAny>,
        at: &Bound<'_, PyAny>,
        color: &str,
    ) -> PyResult<Vec<TrackEvent>> {
        let at = value::timestamp("at", at)?;
        let photo = Photo::new("image", image, Color::parse(color)?)?;
        self.call(py, |pipeline, tracker| {
            if !tracker.is_due(at) {
                return tracker.skip(at);
            }
            let image = photo.open(&pipeline.limits)?;
            tracker.push(image.view(), at)
        })
    }

    /// Ends all tracks at the time `at`: the video ends, or there is a cut. Returns what happened, a list of `TrackEvent` in order. The
    /// tracker can go on after that.
    ///
    /// Raises InvalidArgumentError for a time before the last frame; ValueError for a time without a time zone.
    ///
    /// >>> import facekit
    /// >>> from datetime import datetime, timedelta, timezone
    /// >>> tracker = facekit.Tracker(facekit.Recognizer())
    /// >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    /// >>> started = [event.kind for second in (0, 0.2) for event in tracker.push("door.jpg", at + timedelta(seconds=second))]
    /// >>> started[:1], [event.kind for event in tracker.finish(at + timedelta(seconds=1))][-1:]
    /// (['started'], ['ended'])
    fn finish(&self, py: Python<'_>, at: &Bound<'_, PyAny>) -> PyResult<Vec<TrackEvent>> {
        let at = value::timestamp("at", at)?;
        self.call(py, |_, tracker| tracker.finish(at))
    }

    /// The faces of all tracks that were seen in the last frame that was searched, each by the number of its track.
    #[getter]
    fn faces<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let following = self.0.require(py, "Tracker")?;
        let faces: Vec<_> = work::detached(py, || Ok(following.locked().faces().collect()))?;
        let found = PyDict::new(py);
        for face in faces {
            found.set_item(face.track.0, Detection(face.detection))?;
        }
        Ok(found)
    }

    fn __repr__(&self) -> String {
        match self.0.value() {
            Some(following) => format!("<Tracker models={:?}>", following.pipeline.models),
            None => "<Tracker of another process>".to_owned(),
        }
    }
}

impl Tracker {
    /// Calls `work` detached from the interpreter.
    fn call(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Pipeline, &mut facekit::Tracker) -> facekit::Result<Vec<facekit::TrackEvent>>
        + Send,
    ) -> PyResult<Vec<TrackEvent>> {
        let following = self.0.require(py, "Tracker")?;
        following.pipeline.check_open(py)?;
        let events = work::detached(py, || work(&following.pipeline, &mut following.locked()))?;
        Ok(events.into_iter().map(TrackEvent::from).collect())
    }
}

impl Following {
    fn locked(&self) -> std::sync::MutexGuard<'_, facekit::Tracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event in a video, from `Tracker.push` and `Tracker.finish`.
///
/// `kind` is `"started"` (a face was seen for the second time, so it is a track), `"shot"` (the face passed the quality gate in this
/// frame), `"decided"` (the track has an outcome, which never changes) or `"ended"` (the face is no longer seen; the track can be
/// undecided).
///
/// >>> import facekit
/// >>> from datetime import datetime, timedelta, timezone
/// >>> tracker = facekit.Tracker(facekit.Recognizer())
/// >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
/// >>> events = [event for second in (0, 0.2) for event in tracker.push("door.jpg", at + timedelta(seconds=second))]
/// >>> [event.kind for event in events], events[0].track, events[0].first.score > 0.6
/// (['started', 'shot'], 1, True)
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TrackEvent(Event);

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[allow(
    clippy::large_enum_variant,
    reason = "events are few, and most of their size is in shots"
)]
enum Event {
    Started {
        track: TrackId,
        from: Timestamp,
        first: facekit::Detection,
    },
    Shot {
        track: TrackId,
        shot: Shot,
    },
    Decided(Track),
    Ended(Track),
}

impl From<facekit::TrackEvent> for TrackEvent {
    fn from(event: facekit::TrackEvent) -> Self {
        Self(match event {
            facekit::TrackEvent::Started { track, from, first } => {
                Event::Started { track, from, first }
            }
            facekit::TrackEvent::Shot { track, shot } => Event::Shot {
                track,
                shot: shot.into(),
            },
            facekit::TrackEvent::Decided(track) => Event::Decided(track.into()),
            facekit::TrackEvent::Ended(track) => Event::Ended(track.into()),
            _ => unreachable!(
                "this crate is built with the version of the core that has these events"
            ),
        })
    }
}

#[pymethods]
impl TrackEvent {
    /// "started", "shot", "decided" or "ended".
    #[getter]
    fn kind(&self) -> &'static str {
        match &self.0 {
            Event::Started { .. } => "started",
            Event::Shot { .. } => "shot",
            Event::Decided(_) => "decided",
            Event::Ended(_) => "ended",
        }
    }

    /// The number of the track. A tracker counts its tracks from 1 and gives no number twice.
    #[getter]
    fn track(&self) -> u64 {
        match &self.0 {
            Event::Started { track, .. } | Event::Shot { track, .. } => track.0,
            Event::Decided(track) | Event::Ended(track) => track.id.0,
        }
    }

    /// The time: that of the first frame for "started", that of the shot, and that at which the face was last seen for "decided" and
    /// "ended". A datetime in UTC.
    #[getter]
    fn at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let at = match &self.0 {
            Event::Started { from, .. } => *from,
            Event::Shot { shot, .. } => shot.at,
            Event::Decided(track) | Event::Ended(track) => track.to,
        };
        value::datetime(py, at)
    }

    /// The face in its first frame, for "started"; otherwise None.
    #[getter]
    fn first(&self) -> Option<Detection> {
        match &self.0 {
            Event::Started { first, .. } => Some(Detection(*first)),
            _ => None,
        }
    }

    /// The shot, for "shot"; otherwise None.
    #[getter]
    fn shot(&self) -> Option<Shot> {
        match &self.0 {
            Event::Shot { shot, .. } => Some(shot.clone()),
            _ => None,
        }
    }

    /// The track, for "decided" and "ended"; otherwise None.
    #[getter]
    fn state(&self) -> Option<Track> {
        match &self.0 {
            Event::Decided(track) | Event::Ended(track) => Some(track.clone()),
            _ => None,
        }
    }

    /// The `facekit.attendance.Sighting` of a known person, seen by `device` at the time at which the track began. Only "decided" has
    /// one, so that a track gives one sighting at most; otherwise None.
    ///
    /// >>> import facekit
    /// >>> from datetime import datetime, timezone
    /// >>> tracker = facekit.Tracker(facekit.Recognizer())
    /// >>> events = tracker.finish(datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))
    /// >>> [event.sighting("door") for event in events if event.sighting()]
    /// []
    #[pyo3(signature = (device = None))]
    fn sighting<'py>(
        &self,
        py: Python<'py>,
        device: Option<&str>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Event::Decided(track) = &self.0 else {
            return Ok(None);
        };
        let Some(identity) = track.known() else {
            return Ok(None);
        };
        let class = py.import("facekit.attendance")?.getattr("Sighting")?;
        let at = value::datetime(py, track.from)?;
        let (person, score) = (identity.person.as_str(), identity.score);
        class
            .call1((person, at, device, score, track.liveness()))
            .map(Some)
    }

    /// The value as Python's own types. The keys of a track are those of `facekit watch --json`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::to_dict(py, &EventReport::from(&self.0))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        value::reduce(py, "TrackEvent", self)
    }

    fn __repr__(&self) -> String {
        match &self.0 {
            Event::Decided(track) | Event::Ended(track) => {
                format!("<TrackEvent {} {}>", self.kind(), track.__repr__())
            }
            _ => format!("<TrackEvent {} track {}>", self.kind(), self.track()),
        }
    }
}

/// A face from its first to its last frame, from `TrackEvent.state`.
///
/// `outcome` is `"known"` (see `identity`), `"unknown"` (see `nearest`), `"spoof"` or `"tight_crop"` (see `liveness`), or None while the
/// track is undecided and if it ended with too few shots.
///
/// >>> import facekit
/// >>> from datetime import datetime, timedelta, timezone
/// >>> tracker = facekit.Tracker(facekit.Recognizer())
/// >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
/// >>> events = [event for second in (0, 0.2) for event in tracker.push("door.jpg", at + timedelta(seconds=second))]
/// >>> track = tracker.finish(at + timedelta(seconds=1))[-1].state
/// >>> track.id, track.shots, str(track.last_seen - track.first_seen), track.best.aligned.shape
/// (1, 1, '0:00:00.200000', (112, 112, 3))
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Track {
    id: TrackId,
    from: Timestamp,
    to: Timestamp,
    decision: Option<Outcome>,
    shots: usize,
    best: Option<Shot>,
    live: Option<LivenessScore>,
}

impl From<facekit::Track> for Track {
    fn from(track: facekit::Track) -> Self {
        Self {
            id: track.id,
            from: track.from,
            to: track.to,
            decision: track.decision,
            shots: track.shots,
            best: track.best.map(Shot::from),
            live: track.live,
        }
    }
}

#[pymethods]
impl Track {
    /// The number of the track.
    #[getter]
    fn id(&self) -> u64 {
        self.id.0
    }

    /// The time at which the face was first seen: a datetime in UTC.
    #[getter]
    fn first_seen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::datetime(py, self.from)
    }

    /// The time at which the face was last seen: a datetime in UTC.
    #[getter]
    fn last_seen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::datetime(py, self.to)
    }

    /// "known", "unknown", "spoof", "tight_crop", or None for an undecided track.
    #[getter]
    fn outcome(&self) -> Option<&'static str> {
        self.decision.as_ref().map(outcome_name)
    }

    /// The person, if the track is known; otherwise None.
    #[getter]
    fn identity(&self) -> Option<Identity> {
        self.known().cloned().map(Identity)
    }

    /// The nearest person to an unknown track, although below the threshold.
    #[getter]
    fn nearest(&self) -> Option<Identity> {
        self.decision.as_ref().and_then(nearest)
    }

    /// The person's id, if the track is known; otherwise None.
    #[getter]
    fn person(&self) -> Option<&str> {
        self.known().map(|identity| identity.person.as_str())
    }

    /// The person's name, if the track is known and the gallery has a name; otherwise None.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.known().and_then(|identity| identity.name.as_deref())
    }

    /// The number of shots that are kept, 0 to 6.
    #[getter]
    fn shots(&self) -> usize {
        self.shots
    }

    /// The shot of the greatest quality; None before the first shot.
    #[getter]
    fn best(&self) -> Option<Shot> {
        self.best.clone()
    }

    /// The median of the liveness of the shots, 0 (attack) to 1 (bona fide). None with fewer than three shots, and if there is no check.
    #[getter]
    fn liveness(&self) -> Option<f32> {
        self.live.map(LivenessScore::value)
    }

    /// The value as Python's own types, with the keys of `facekit watch --json`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::to_dict(py, &TrackReport::from(self))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        value::reduce(py, "Track", self)
    }

    fn __repr__(&self) -> String {
        let what = match self.known() {
            Some(identity) => format!("{:?}", identity.person.as_str()),
            None => self.outcome().unwrap_or("undecided").to_owned(),
        };
        format!("<Track {} {what}, {} shots>", self.id, self.shots)
    }
}

impl Track {
    fn known(&self) -> Option<&facekit::Identity> {
        self.decision.as_ref().and_then(Outcome::known)
    }
}

/// A frame of a track in which the face passed the quality gate, from `TrackEvent.shot` and `Track.best`.
///
/// >>> import facekit
/// >>> from datetime import datetime, timedelta, timezone
/// >>> tracker = facekit.Tracker(facekit.Recognizer())
/// >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
/// >>> events = [event for second in (0, 0.2) for event in tracker.push("door.jpg", at + timedelta(seconds=second))]
/// >>> shot = events[-1].shot
/// >>> shot.at.microsecond, shot.aligned.shape, shot.embedding.values.shape
/// (200000, (112, 112, 3), (128,))
#[pyclass(frozen, eq, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shot {
    at: Timestamp,
    #[serde(with = "saved_crop")]
    crop: Arc<AlignedFace>,
    quality: facekit::Quality,
    live: Option<LivenessScore>,
    embedding: Embedding,
}

impl From<facekit::BestShot> for Shot {
    fn from(shot: facekit::BestShot) -> Self {
        Self {
            at: shot.at,
            crop: Arc::new(shot.crop),
            quality: shot.quality,
            live: shot.liveness,
            embedding: shot.embedding.into(),
        }
    }
}

#[pymethods]
impl Shot {
    /// The time of the frame: a datetime in UTC.
    #[getter]
    fn at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::datetime(py, self.at)
    }

    /// The aligned face, as a new array of uint8 with the shape (side, side, 3), RGB.
    #[getter]
    fn aligned<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray3<u8>> {
        analysis::crop(py, &self.crop)
    }

    /// The quality of the face.
    #[getter]
    fn quality(&self) -> Quality {
        Quality(self.quality)
    }

    /// The liveness of the face, 0 (attack) to 1 (bona fide). None if there is no check.
    #[getter]
    fn liveness(&self) -> Option<f32> {
        self.live.map(LivenessScore::value)
    }

    /// The face as a vector.
    #[getter]
    fn embedding(&self) -> Embedding {
        self.embedding.clone()
    }

    /// The value as Python's own types: time, quality and liveness.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::to_dict(py, &ShotReport::from(self))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        value::reduce(py, "Shot", self)
    }

    fn __repr__(&self) -> String {
        format!("<Shot at {}>", self.at)
    }
}

/// The answers of `to_dict`. They have no pixels and no embeddings.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum EventReport<'a> {
    Started {
        track: TrackId,
        from: Timestamp,
        first: &'a facekit::Detection,
    },
    Shot {
        track: TrackId,
        shot: ShotReport<'a>,
    },
    Decided(TrackReport<'a>),
    Ended(TrackReport<'a>),
}

impl<'a> From<&'a Event> for EventReport<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::Started { track, from, first } => Self::Started {
                track: *track,
                from: *from,
                first,
            },
            Event::Shot { track, shot } => Self::Shot {
                track: *track,
                shot: shot.into(),
            },
            Event::Decided(track) => Self::Decided(track.into()),
            Event::Ended(track) => Self::Ended(track.into()),
        }
    }
}

#[derive(Serialize)]
struct TrackReport<'a> {
    track: TrackId,
    from: Timestamp,
    to: Timestamp,
    decision: Option<&'a Outcome>,
    shots: usize,
    liveness: Option<LivenessScore>,
}

impl<'a> From<&'a Track> for TrackReport<'a> {
    fn from(track: &'a Track) -> Self {
        Self {
            track: track.id,
            from: track.from,
            to: track.to,
            decision: track.decision.as_ref(),
            shots: track.shots,
            liveness: track.live,
        }
    }
}

#[derive(Serialize)]
struct ShotReport<'a> {
    at: Timestamp,
    quality: &'a facekit::Quality,
    liveness: Option<LivenessScore>,
}

impl<'a> From<&'a Shot> for ShotReport<'a> {
    fn from(shot: &'a Shot) -> Self {
        Self {
            at: shot.at,
            quality: &shot.quality,
            liveness: shot.live,
        }
    }
}

/// A crop in a pickle: its side and its pixels.
mod saved_crop {
    use std::sync::Arc;

    use facekit::{AlignedFace, Image};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        crop: &AlignedFace,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        (crop.side(), crop.image().data()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<AlignedFace>, D::Error> {
        let (side, pixels) = <(usize, Vec<u8>)>::deserialize(deserializer)?;
        Image::from_rgb8(pixels, side, side)
            .and_then(AlignedFace::new)
            .map(Arc::new)
            .map_err(D::Error::custom)
    }
}

/// A number of seconds. The core checks its range.
fn seconds(py: Python<'_>, argument: &'static str, seconds: f64) -> PyResult<SignedDuration> {
    SignedDuration::try_from_secs_f64(seconds).map_err(|_| {
        let reason = format!("{seconds} given, a number of seconds needed");
        errors::argument(py, argument, reason)
    })
}
