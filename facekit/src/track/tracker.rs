use std::{fmt, mem, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{
    BestShot, Track, TrackEvent, TrackId, TrackedFace, TrackerOptions,
    association::Pairs,
    cadence::Cadence,
    decision::{Decision, Judge, Step},
    motion::Motion,
    motion_gate::MotionGate,
    seen::Seen,
    shots::Shots,
};
use crate::{
    detect::Detection,
    embed::Embedding,
    error::{Error, Result},
    geometry::Rect,
    image::ImageView,
    recognize::{ExaminedFace, FrameView, Recognizer},
    video::VideoFrame,
};

/// A face starts a track when it is seen for this many times.
const STARTED: usize = 2;
/// A track ends if this many shots, one after the other, show another person.
const STRANGERS: usize = 2;
/// A face that was not seen for longer than this may be another one, also if it is where it was.
const RECENT: SignedDuration = SignedDuration::from_millis(500);
/// Two faces are near each other up to this many widths: both walk, for a fifth of a second.
const NEAR: f32 = 4.0;
/// A track that is undecided for so long after its last shot has a face that is not fit, such as a poster. It is searched no faster than
/// decided ones.
const URGENT: SignedDuration = SignedDuration::from_secs(10);
/// Where frames come slowly, a track is kept for 2.5 times the time between two of them, up to this.
const MOST_PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// Follows the people in a video, and decides once who each of them is.
///
/// A recognizer that looks at each frame on its own sees one person as many faces, says a name as soon as one frame of many is
/// mistaken, and lets an attack pass as soon as one frame of many is. A tracker takes a face from its first to its last frame as one
/// [`Track`], and decides from its best frames.
///
/// A tracker has no thread and no clock: the time is an argument. The same frames with the same times give the same events.
///
/// # Frames
///
/// Faces are searched in 5 frames a second, in 10 while a track is undecided, but for at most 10 s after its last shot. If there is no
/// track, frames in which nothing moves are left out, but not for more than 2 s. [`TrackerOptions`] changes this. A frame is searched in
/// one pass of the detector, and is taken to be upright.
///
/// # Association
///
/// Distances are in face widths and times in seconds, because at 5 frames a second the boxes of a walker do not overlap: a face is
/// 0.16 m wide and a walker makes 1.4 m/s, which is 1.75 widths between two frames. A face is expected where it would be at constant
/// velocity. The cost of a pair of a track and a detection is the distance from there in widths, and twice the logarithm of the ratio
/// of the widths. It is at most 0.5 + 9 Δt widths for a new track, and 0.5 + 3 Δt after three hits. The Hungarian method finds the
/// pairs with the least sum of costs (H. W. Kuhn 1955).
///
/// Detections of a score of 0.3 to 0.6 continue tracks, but do not start them (Y. Zhang et al., "ByteTrack: Multi-Object Tracking by
/// Associating Every Detection Box", ECCV 2022). A face starts a track when it is seen for the second time.
///
/// Faces are embedded for the association only if a pair is not clear, if a face jumps by 0.3 widths from where it is expected, or if a
/// track is new or was not seen in the last frame or for 0.5 s; and if a new face is near another one. If their cosine is below the score of a false-match rate of 1e-3, they are
/// two people. A face that is not fit to be embedded goes on with the track, unless the track was not seen in the last frame and the
/// face jumps; the track's next fit face is compared. A new track without a shot goes on with an older one that is not seen now, if their
/// cosine is above this score, and if a walker can have come there. A cut ends all tracks.
///
/// # Decision
///
/// A frame in which a face passes the quality gate is a shot, at most ten times a second. The six best shots are kept. The
/// gallery is searched for the mean of their embeddings after one, three and six shots, each time at a share of the wanted rate.
/// So a rate holds for each track ([`Threshold::Fmr`](crate::Threshold::Fmr): for each track and person), although there are three
/// tests. If the calibration does not have such a share of the rate, its strictest score decides, and the result says that the rate is
/// [`NotMet`](crate::RateBasis::NotMet).
///
/// With a liveness check, a decision waits for three shots, and the median of their scores decides. A track says only at its end or
/// after six shots that a person is unknown or a face is not live. A decided track never changes its person: if its later shots
/// show somebody else, it ends and another one begins. After the sixth shot, only clearly better ones are taken.
///
/// ```no_run
/// # fn recognizer() -> facekit::Recognizer { unimplemented!() }
/// # fn frames() -> Vec<(facekit::Image, facekit::jiff::Timestamp)> { unimplemented!() }
/// use std::sync::Arc;
///
/// use facekit::{TrackEvent, Tracker, TrackerOptions};
///
/// let mut tracker = Tracker::new(Arc::new(recognizer()), TrackerOptions::default())?;
/// let mut last = None;
/// for (frame, at) in frames() {
///     for event in tracker.push(frame.view(), at)? {
///         if let Some(sighting) = event.sighting() {
///             println!("{} came at {}", sighting.person, sighting.at);
///         }
///     }
///     last = Some(at);
/// }
/// for event in last.map_or(Ok(Vec::new()), |at| tracker.finish(at))? {
///     if let TrackEvent::Ended(track) = event {
///         println!("track {} lasted until {}", track.id, track.to);
///     }
/// }
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct Tracker {
    recognizer: Arc<Recognizer>,
    options: TrackerOptions,
    /// The score below which two faces are two people.
    different: f32,
    cadence: Cadence,
    gate: MotionGate,
    /// In order of id.
    tracks: Vec<Following>,
    next: u64,
    /// The time of the last frame.
    now: Option<Timestamp>,
    /// The time between the last two frames.
    gap: SignedDuration,
    /// Events that were not returned yet, because the call failed after them.
    events: Vec<TrackEvent>,
}

/// A track that has not ended.
struct Following {
    id: TrackId,
    from: Timestamp,
    /// The face in the first frame.
    first: Detection,
    /// Its embedding, if another face was near.
    first_embedding: Option<Embedding>,
    motion: Motion,
    /// The face in the last frame in which it was seen.
    detection: Detection,
    /// True if the face was not seen in the last frame that was searched.
    is_missed: bool,
    /// The track was taken back, so its motion began again.
    is_back: bool,
    shots: Shots,
    decision: Decision,
    /// The number of shots, one after the other, that show another person.
    strangers: usize,
    /// The face may be another person's since a frame in which it was not fit to be compared, so each pair is doubtful until it is.
    is_uncertain: bool,
}

/// A detection that goes on with a track.
#[derive(Clone, Copy)]
struct Pair {
    /// The place among the detections of the frame.
    face: usize,
    check: Check,
}

/// The comparison of a face with those of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// It was not needed: the pair is clear.
    Clear,
    Same,
    Another,
    /// The face is not fit, so it was not compared.
    Uncertain,
}

impl Tracker {
    /// Makes a tracker of one camera or one video. Trackers can share a recognizer.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if an option is out of range, or if there is a roster and the recognizer has no gallery.
    /// [`Error::Uncalibrated`] and [`Error::RateOutOfRange`] for a threshold of the options as for that of a recognizer.
    pub fn new(recognizer: Arc<Recognizer>, options: TrackerOptions) -> Result<Self> {
        options.check()?;
        recognizer.check_track_search(options.threshold, options.roster.as_ref())?;
        Ok(Self {
            different: recognizer.different_people(options.threshold),
            recognizer,
            options,
            cadence: Cadence::default(),
            gate: MotionGate::default(),
            tracks: Vec::new(),
            next: 1,
            now: None,
            gap: SignedDuration::ZERO,
            events: Vec::new(),
        })
    }

    /// Takes the next frame of the video, which was taken at the time `at`. Returns what happened.
    ///
    /// Most frames are left out: see [frames](Self#frames). A frame of the same time as the last one is left out, too.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `at` is before the last frame, [`Error::Runtime`] if a model fails. The events that happened before
    /// are not lost: the next call returns them.
    pub fn push(&mut self, image: ImageView<'_>, at: Timestamp) -> Result<Vec<TrackEvent>> {
        self.advance(at)?;
        self.end_lost(at)?;
        let interval = self.options.interval(self.is_urgent(at));
        if self.cadence.takes(at, interval) {
            let change = self.gate.change(image, at);
            if change.is_cut {
                self.end_all()?;
            }
            let is_wanted = !self.options.motion_gate
                || change.is_motion
                || !self.tracks.is_empty()
                || self
                    .cadence
                    .is_overdue(at, interval, self.options.longest_rest);
            if is_wanted {
                let before = self.cadence.last_searched();
                self.cadence.searched(at);
                self.search(image, at, before)?;
            }
        }
        Ok(mem::take(&mut self.events))
    }

    /// Takes the time of the next frame without its pixels, which need not be decoded then: the frame is left out. It is as
    /// [`push`](Self::push) for a frame that is not [due](Self::is_due).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `at` is before the last frame, and errors of the index of the gallery.
    pub fn skip(&mut self, at: Timestamp) -> Result<Vec<TrackEvent>> {
        self.advance(at)?;
        self.end_lost(at)?;
        Ok(mem::take(&mut self.events))
    }

    /// Takes the next frame of a source. A [discontinuity](VideoFrame::discontinuity) ends all tracks first.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn push_frame(&mut self, frame: &VideoFrame) -> Result<Vec<TrackEvent>> {
        if frame.discontinuity {
            // The times before and after have nothing to do with each other, also if the search for a track fails.
            self.now = None;
            self.gap = SignedDuration::ZERO;
            self.cadence = Cadence::default();
            self.gate = MotionGate::default();
            self.end_all()?;
        }
        self.push(frame.image.view(), frame.at)
    }

    /// Ends all tracks at the time `at`: the video ends, or there is a cut. The tracker can go on after that.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `at` is before the last frame, and errors of the index of the gallery.
    pub fn finish(&mut self, at: Timestamp) -> Result<Vec<TrackEvent>> {
        self.advance(at)?;
        self.end_all()?;
        Ok(mem::take(&mut self.events))
    }

    /// The faces of all tracks that were seen in the last frame that was searched, in order of track.
    pub fn faces(&self) -> impl Iterator<Item = TrackedFace> {
        let seen = self.tracks.iter().filter(|track| track.is_started());
        seen.filter(|track| !track.is_missed)
            .map(|track| TrackedFace::new(track.id, track.detection))
    }

    /// The time of the last frame that was searched; `None` before the first one.
    #[must_use]
    pub fn searched(&self) -> Option<Timestamp> {
        self.cadence.last_searched()
    }

    /// The time from which the next frame is looked at; frames before it are left out. `None` before the first frame. A source that
    /// decodes only what is needed can wait until then.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let due = |is_urgent| self.cadence.due(self.options.interval(is_urgent));
        due(true)
            .filter(|&at| self.is_urgent(at))
            .or_else(|| due(false))
    }

    /// True if [`push`](Self::push) looks at a frame of this time, and false if it leaves the frame out. The motion gate is not asked, since it
    /// needs the pixels.
    ///
    /// ```no_run
    /// # fn example(mut tracker: facekit::Tracker, files: Vec<(Vec<u8>, facekit::jiff::Timestamp)>) -> facekit::Result<()> {
    /// use facekit::image::{DecodeLimits, decode};
    ///
    /// for (jpeg, at) in files {
    ///     let events = if tracker.is_due(at) {
    ///         tracker.push(decode(&jpeg, &DecodeLimits::default())?.view(), at)?
    ///     } else {
    ///         tracker.skip(at)?
    ///     };
    ///     println!("{} events", events.len());
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_due(&self, at: Timestamp) -> bool {
        self.cadence
            .is_due(at, self.options.interval(self.is_urgent(at)))
    }

    /// True if there is a track that has not ended, or a face that was seen once.
    #[must_use]
    pub fn is_following(&self) -> bool {
        !self.tracks.is_empty()
    }

    fn advance(&mut self, at: Timestamp) -> Result<()> {
        if let Some(now) = self.now.filter(|&now| at < now) {
            let reason = format!("{at} is before the last frame at {now}");
            return Err(Error::argument("time of the frame", reason));
        }
        self.gap = self.gap_at(at);
        self.now = Some(at);
        Ok(())
    }

    /// The time between the last two frames, if one comes at the time `at`.
    fn gap_at(&self, at: Timestamp) -> SignedDuration {
        let before = self.now.filter(|&now| now < at);
        before.map_or(self.gap, |before| at.duration_since(before))
    }

    /// True if a track waits for shots at the time `at`. Tracks that are lost by then do not count.
    fn is_urgent(&self, at: Timestamp) -> bool {
        let mut undecided = self
            .tracks
            .iter()
            .filter(|track| track.decision.outcome().is_none());
        undecided.any(|track| {
            let last = track.shots.last().unwrap_or(track.from);
            at.duration_since(last) <= URGENT && !self.is_lost(track, at)
        })
    }

    /// Searches a frame. `before` is the time of the searched frame before.
    fn search(
        &mut self,
        image: ImageView<'_>,
        at: Timestamp,
        before: Option<Timestamp>,
    ) -> Result<()> {
        let pixels = image.rgb8();
        let recognizer = Arc::clone(&self.recognizer);
        let frame = FrameView::new(&recognizer, image.with_pixels(&pixels)?);
        let found = frame.detect(self.options.continue_score)?;
        let mut seen: Vec<Seen> = found.into_iter().map(Seen::new).collect();

        let mut pairs = self.associate(&mut seen, &frame, at)?;
        for (track, pair) in self.tracks.iter_mut().zip(&pairs) {
            track.is_missed = pair.is_none();
            if let Some(Pair { face, check }) = *pair {
                track.hit(seen[face].detection, at);
                if check != Check::Clear {
                    track.is_uncertain = check == Check::Uncertain;
                }
            }
        }
        self.take_back(&mut pairs, &mut seen, &frame, at)?;
        for (track, pair) in self.tracks.iter().zip(&pairs) {
            if pair.is_some() && track.motion.hits() == STARTED && !track.is_back {
                self.events.push(TrackEvent::Started {
                    track: track.id,
                    from: track.from,
                    first: track.first,
                });
            }
        }
        let mut is_free = vec![true; seen.len()];
        let mut wanted = Vec::new();
        for (track, pair) in self.tracks.iter().zip(&pairs) {
            let Some(Pair { face, .. }) = *pair else {
                continue;
            };
            is_free[face] = false;
            if self.is_strong(&seen[face])
                && track.is_started()
                && track.shots.are_due(at, before)
                && let Some(fit) = seen[face].fit(&frame)?
                && (track.strangers > 0 || track.shots.want(fit.quality.score))
            {
                wanted.push((track.id, face));
            }
        }
        self.tracks
            .retain(|track| track.is_started() || !track.is_missed);

        for (track, face) in self.shoot(&wanted, &mut seen, &frame, at)? {
            // The face of a track that contradicted itself is another person's.
            self.end(track, false)?;
            is_free[face] = true;
        }
        let rects: Vec<Rect> = seen.iter().map(|seen| seen.detection.rect).collect();
        for (place, (seen, is_free)) in seen.iter_mut().zip(is_free).enumerate() {
            if !(is_free && self.is_strong(seen)) {
                continue;
            }
            // One of two faces that are near each other may be hidden in the next frame, and nothing is known about the new track but
            // its place.
            let others = rects.iter().enumerate().filter(|(nth, _)| *nth != place);
            let embedding = if others
                .into_iter()
                .any(|(_, rect)| is_near(rect, &rects[place]))
            {
                seen.embedding(&frame)?.cloned()
            } else {
                None
            };
            self.start(seen.detection, embedding, at);
        }
        Ok(())
    }

    /// Faces of new tracks without a shot that are those of tracks that were not seen in this frame go on with these. A person who was
    /// hidden can be back at a place where the track does not look: it was led away by somebody who went past.
    fn take_back(
        &mut self,
        pairs: &mut Vec<Option<Pair>>,
        seen: &mut [Seen],
        frame: &FrameView<'_>,
        at: Timestamp,
    ) -> Result<()> {
        let mut young = 0;
        while young < self.tracks.len() {
            let old = match pairs[young] {
                Some(Pair { face, .. }) if self.tracks[young].can_be_older() => {
                    self.missing(young, &mut seen[face], frame, at)?
                }
                _ => None,
            };
            let Some(old) = old else {
                young += 1;
                continue;
            };
            // The older track comes first, so its place does not change.
            let pair = pairs.remove(young);
            let young = self.tracks.remove(young);
            if young.motion.hits() > STARTED {
                self.events.push(TrackEvent::Ended(young.state()));
            }
            pairs[old] = pair;
            let old = &mut self.tracks[old];
            (old.motion, old.detection) = (young.motion, young.detection);
            (old.is_missed, old.is_back, old.is_uncertain) = (false, true, false);
        }
        Ok(())
    }

    /// The place of a track before the place `young` that was not seen in this frame, and whose face this is.
    fn missing(
        &self,
        young: usize,
        face: &mut Seen,
        frame: &FrameView<'_>,
        at: Timestamp,
    ) -> Result<Option<usize>> {
        let rect = face.detection.rect;
        for (place, track) in self.tracks[..young].iter().enumerate() {
            if track.is_missed
                && track.is_started()
                && track.motion.reaches(&rect, at)
                && let Some(mean) = track.shots.mean()
                && let Some(embedding) = face.embedding(frame)?
                && mean.cosine(embedding)? >= self.different
            {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn is_strong(&self, seen: &Seen) -> bool {
        seen.detection.score >= self.options.start_score
    }

    /// The detection of each track: first among those of a high score, then among the others.
    fn associate(
        &self,
        seen: &mut [Seen],
        frame: &FrameView<'_>,
        at: Timestamp,
    ) -> Result<Vec<Option<Pair>>> {
        let mut pairs = vec![None; self.tracks.len()];
        for is_strong in [true, false] {
            let tracks: Vec<usize> = (0..self.tracks.len())
                .filter(|&track| pairs[track].is_none())
                .filter(|&track| is_strong || self.tracks[track].is_started())
                .collect();
            let faces: Vec<usize> = (0..seen.len())
                .filter(|&face| self.is_strong(&seen[face]) == is_strong)
                .collect();
            let found = self.associate_some(&tracks, &faces, seen, frame, at)?;
            for (track, pair) in found {
                pairs[track] = Some(pair);
            }
        }
        Ok(pairs)
    }

    /// Pairs of these tracks and detections. Pairs that are not clear are checked by embeddings.
    fn associate_some(
        &self,
        tracks: &[usize],
        faces: &[usize],
        seen: &mut [Seen],
        frame: &FrameView<'_>,
        at: Timestamp,
    ) -> Result<Vec<(usize, Pair)>> {
        let motions: Vec<&Motion> = tracks.iter().map(|&it| &self.tracks[it].motion).collect();
        let rects: Vec<Rect> = faces.iter().map(|&it| seen[it].detection.rect).collect();
        let mut pairs = Pairs::new(&motions, &rects, at);
        let mut is_any_forbidden = false;
        loop {
            let mut found = Vec::with_capacity(tracks.len());
            let mut is_right = true;
            for (row, column) in pairs.best().into_iter().enumerate() {
                let Some(column) = column else { continue };
                let track = &self.tracks[tracks[row]];
                // A new track has a wide gate, and its face is embedded soon in any case.
                let is_doubtful = is_any_forbidden
                    || track.is_missed
                    || track.motion.is_new()
                    || track.is_uncertain
                    || at.duration_since(track.motion.at()) > RECENT
                    || pairs.is_doubtful(row, column);
                let face = faces[column];
                let check = if is_doubtful {
                    self.check(track, &mut seen[face], frame)?
                } else {
                    Check::Clear
                };
                // Somebody else may have come out of where the track's face is hidden. If it is the track's face, it is taken back.
                let is_risky =
                    check == Check::Uncertain && track.is_missed && pairs.is_jump(row, column);
                if check == Check::Another || is_risky {
                    pairs.forbid(row, column);
                    is_right = false;
                }
                found.push((tracks[row], Pair { face, check }));
            }
            if is_right {
                return Ok(found);
            }
            is_any_forbidden = true;
        }
    }

    /// Compares the embeddings of a face and a track.
    fn check(&self, track: &Following, face: &mut Seen, frame: &FrameView<'_>) -> Result<Check> {
        let known = track.shots.mean().or(track.first_embedding.as_ref());
        let Some(known) = known else {
            // The first shot will say whose track this is.
            return Ok(Check::Clear);
        };
        Ok(match face.embedding(frame)? {
            Some(embedding) if known.cosine(embedding)? < self.different => Check::Another,
            Some(_) => Check::Same,
            None => Check::Uncertain,
        })
    }

    /// Takes shots of the wanted faces. Returns the tracks that contradict themselves, with their faces.
    fn shoot(
        &mut self,
        wanted: &[(TrackId, usize)],
        seen: &mut [Seen],
        frame: &FrameView<'_>,
        at: Timestamp,
    ) -> Result<Vec<(TrackId, usize)>> {
        let of_wanted = seen.iter_mut().enumerate();
        let of_wanted = of_wanted.filter(|(place, _)| wanted.iter().any(|(_, face)| face == place));
        let mut of_wanted: Vec<&mut Seen> = of_wanted.map(|(_, seen)| seen).collect();
        Seen::embed(&mut of_wanted, frame)?;

        let mut contradictions = Vec::new();
        let (mut taken, mut faces): (Vec<_>, Vec<ExaminedFace>) = Default::default();
        for &(id, face) in wanted {
            let Some((examined, embedding)) = seen[face].recognizable() else {
                continue;
            };
            let Some(track) = self.tracks.iter_mut().find(|track| track.id == id) else {
                continue;
            };
            track.shots.taken(at);
            if track.is_stranger(embedding, self.different)? {
                if track.strangers == STRANGERS {
                    contradictions.push((id, face));
                }
                continue;
            }
            if track.shots.want(examined.quality.score) {
                taken.push((id, face, embedding.clone()));
                faces.push(examined.clone());
            }
        }
        frame.check_liveness(&mut faces)?;
        let judge = Judge {
            recognizer: &self.recognizer,
            options: &self.options,
        };
        for ((id, place, embedding), face) in taken.into_iter().zip(faces) {
            let shot = BestShot {
                at,
                crop: face.aligned,
                quality: face.quality,
                liveness: face.liveness,
                embedding,
            };
            self.events.push(TrackEvent::Shot {
                track: id,
                shot: shot.clone(),
            });
            let Some(track) = self.tracks.iter_mut().find(|track| track.id == id) else {
                continue;
            };
            track.shots.add(shot, face.refused)?;
            match track.decision.after_shot(&track.shots, &judge)? {
                Step::Open => {}
                Step::Decided => self.events.push(TrackEvent::Decided(track.state())),
                Step::Contradiction => contradictions.push((id, place)),
            }
        }
        Ok(contradictions)
    }

    fn start(&mut self, detection: Detection, embedding: Option<Embedding>, at: Timestamp) {
        self.tracks.push(Following {
            id: TrackId(self.next),
            from: at,
            first: detection,
            first_embedding: embedding,
            motion: Motion::new(detection.rect, at),
            detection,
            is_missed: false,
            is_back: false,
            shots: Shots::default(),
            decision: Decision::default(),
            strangers: 0,
            is_uncertain: false,
        });
        self.next += 1;
    }

    /// Ends the tracks that were not seen for long.
    fn end_lost(&mut self, at: Timestamp) -> Result<()> {
        let lost = self.tracks.iter().filter(|track| self.is_lost(track, at));
        let lost: Vec<TrackId> = lost.map(|track| track.id).collect();
        self.end_each(lost)
    }

    fn is_lost(&self, track: &Following, at: Timestamp) -> bool {
        let patience = (5 * self.gap_at(at) / 2).min(MOST_PATIENCE);
        at.duration_since(track.motion.at()) > self.options.lost_after.max(patience)
    }

    fn end_all(&mut self) -> Result<()> {
        let all: Vec<TrackId> = self.tracks.iter().map(|track| track.id).collect();
        self.end_each(all)
    }

    /// Ends all of these tracks, also if the search for one of them fails.
    fn end_each(&mut self, tracks: Vec<TrackId>) -> Result<()> {
        let mut done = Ok(());
        for track in tracks {
            let ended = self.end(track, true);
            done = done.and(ended);
        }
        done
    }

    /// Ends a track. It is decided by the shots that it has, unless it contradicted itself.
    fn end(&mut self, id: TrackId, decides: bool) -> Result<()> {
        let Some(place) = self.tracks.iter().position(|track| track.id == id) else {
            return Ok(());
        };
        let mut track = self.tracks.remove(place);
        if !track.is_started() {
            return Ok(());
        }
        if decides && track.decision.outcome().is_none() {
            let judge = Judge {
                recognizer: &self.recognizer,
                options: &self.options,
            };
            let step = track.decision.at_end(&track.shots, &judge);
            // The track has ended, also if the search fails.
            if matches!(step, Ok(Step::Decided)) {
                self.events.push(TrackEvent::Decided(track.state()));
            }
            self.events.push(TrackEvent::Ended(track.state()));
            return step.map(|_| ());
        }
        self.events.push(TrackEvent::Ended(track.state()));
        Ok(())
    }
}

/// True if a face that starts a track and another one are so near that they can take each other's place before the next frame.
fn is_near(one: &Rect, other: &Rect) -> bool {
    let (a, b) = (one.center(), other.center());
    a.distance(b) <= NEAR * one.width.max(other.width)
}

impl Following {
    fn is_started(&self) -> bool {
        self.motion.hits() >= STARTED
    }

    fn hit(&mut self, detection: Detection, at: Timestamp) {
        self.motion.hit(detection.rect, at);
        self.detection = detection;
    }

    /// True if this may be an older track that was lost from sight: there is no shot that says otherwise.
    fn can_be_older(&self) -> bool {
        self.is_started() && !self.is_back && self.shots.count() == 0
    }

    /// True if the face of this embedding is another person's. One such face may be a bad frame.
    fn is_stranger(&mut self, embedding: &Embedding, different: f32) -> Result<bool> {
        let is_stranger = match self.shots.mean() {
            Some(mean) => mean.cosine(embedding)? < different,
            None => false,
        };
        self.strangers = if is_stranger { self.strangers + 1 } else { 0 };
        Ok(is_stranger)
    }

    fn state(&self) -> Track {
        Track {
            id: self.id,
            from: self.from,
            to: self.motion.at(),
            decision: self.decision.outcome().cloned(),
            shots: self.shots.count(),
            best: self.shots.best().cloned(),
            live: self.shots.median_liveness(),
        }
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker")
            .field("recognizer", &self.recognizer)
            .field("options", &self.options)
            .field("tracks", &self.tracks.len())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
