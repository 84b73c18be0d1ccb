use std::{fmt, hash::Hasher};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    continuity::{ChallengeContinuity, Place},
    limits::ChallengeLimits,
    options::ChallengeOptions,
    plan::Plan,
    prompt::{ChallengeDot, ChallengePrompt},
    steps::Steps,
    verdict::{ChallengeOutcome, ChallengeReason, ChallengeVerdict},
    views::{self, Views},
};
use crate::{
    detect::Detection,
    digest::Digest,
    embed::Embedding,
    error::{Error, Result},
    geometry::HeadPose,
    image::ImageView,
    liveness::LivenessScore,
    recognize::{FrameView, Recognizer},
};

/// The life of a nonce.
const LIFE: SignedDuration = SignedDuration::from_secs(30);
/// Frames that follow an earlier one in less than this time are left out.
const LEAST_GAP: SignedDuration = SignedDuration::from_millis(60);
/// The longest time without the face.
const LONGEST_ABSENCE: SignedDuration = SignedDuration::from_millis(250);
/// The whole frame is searched for other people at this interval, and in the frames of the beginning, of the embeddings and of the
/// decision.
const SEARCH_INTERVAL: SignedDuration = SignedDuration::from_millis(300);
/// The least score of a detection of a face.
pub(super) const LEAST_SCORE: f32 = 0.6;
/// Another face counts if it is at least so wide, relative to the followed one. While no face is followed, relative to the widest one.
const OTHER_WIDTH: f32 = 0.4;
/// Two boxes are of one face if they overlap by so much (intersection over union).
const SAME_FACE: f32 = 0.25;
/// A detector finds faces that are so wide, in pixels. The frame is reduced for the search for other people as long as a face that
/// counts is as wide.
const FOUND_WIDTH: f32 = 32.0;
/// A challenge begins with a face that keeps still for this time, looks ahead within these angles and has this size in pixels.
const STILL_TIME: SignedDuration = SignedDuration::from_millis(400);
const STILL: f32 = 5.0;
const AHEAD: f32 = 20.0;
const LEAST_SIZE: f32 = 20.0;
/// The longest time after the last answer for views of its side.
const LAST_LOOK: SignedDuration = SignedDuration::from_millis(600);
/// The least number of embeddings, of which the later ones are compared, and the greatest.
const LEAST_EMBEDDINGS: usize = 2;
const MOST_EMBEDDINGS: usize = 12;

/// A challenge: the person follows a dot with the head, to the left, to the right and back to the middle. The result says whether
/// the moves were followed in time, whether the frames show one person without gaps, and whether the face has depth.
///
/// It stops a still picture on a screen, a card or a board, however it is moved or curved, and most recordings made for another
/// challenge. It does not stop a folded or ridged picture reliably, a mask, recordings chosen by somebody who follows the prompts, a
/// live face swap, or video that is fed in instead of the camera. No conformance to ISO/IEC 30107-3 is claimed.
///
/// # Course
///
/// A challenge begins when the face looks ahead and keeps still for 0.4 s. Then the dot moves four times, 1.0 to 2.5 s apart. An
/// answer begins 0.15 to 1.2 s after its prompt, and an earlier one fails. Moves and times are drawn from HMAC-SHA-256 of the nonce.
/// [`prompt`](Self::prompt) shows a move only when it is due. A nonce lives for 30 s, and the caller accepts it once.
///
/// A challenge has no thread, clock or socket: the time is an argument. The same frames with the same times and the same nonce give
/// the same verdict. A server can keep its state between two requests: it implements `Serialize` and `Deserialize`. The state knows the
/// moves that are not due yet, so it must not be sent to the person.
///
/// # Depth
///
/// Points of the first view are tracked in views from both sides: locally normalized gray, pyramidal Lucas–Kanade tracking forward and
/// back, and a robust homography that is refitted twice. The movement from the left to the right is fitted to the depth of a mean
/// face, together with a plane; again with x², xy and y², which take away cylinders; again with |x| and x⁴, which take away folds. The
/// least of the three depths must be above the [limit](crate::ChallengeLimits) for the landmarks of the detector. If too few points are
/// tracked, the challenge fails.
///
/// # Continuity
///
/// Frames are at most 250 ms apart, at least four a second. The face moves by at most 0.5 eye distances and turns by at most 300° a
/// second. No frame is repeated. The face is embedded at the beginning and after each answer. Each of these embeddings must be similar
/// to one before it, at a false-match rate of 1e-3. With a liveness check, the median of the scores in these frames counts as live. In
/// these frames, in the deciding frame and every 0.3 s, the whole frame is searched for another face that is at least 0.4 times as wide.
/// If there is one, the challenge fails.
///
/// # Identity
///
/// A pass says that a person is present. It does not say who this is. To sign somebody in, compare the [`embedding`](Self::embedding)
/// of the person who passed, with [`Recognizer::identify`] for example. A photo that is taken before or after the challenge can show
/// another person.
///
/// ```no_run
/// # fn recognizer() -> facekit::Recognizer { unimplemented!() }
/// # fn camera() -> Vec<(facekit::Image, facekit::jiff::Timestamp)> { unimplemented!() }
/// # fn show(_: &str) {}
/// # let (nonce, now) = ([0; 32], facekit::jiff::Timestamp::UNIX_EPOCH);
/// use facekit::{Challenge, ChallengeOptions, ChallengeOutcome};
///
/// let recognizer = recognizer();
/// // The nonce is random, and serves once.
/// let mut challenge = Challenge::new(nonce, now, &recognizer, &ChallengeOptions::default())?;
/// for (frame, at) in camera() {
///     challenge.push(&recognizer, frame.view(), at)?;
///     show(challenge.prompt(at).text());
///     if challenge.outcome() != ChallengeOutcome::Undecided {
///         break;
///     }
/// }
/// let verdict = challenge.verdict();
/// println!("{:?}, because {:?}", verdict.outcome, verdict.reasons);
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
pub struct Challenge {
    plan: Plan,
    nonce: Digest,
    issued: Timestamp,
    attempt: u8,
    /// The liveness of the face counts, too.
    passive: bool,
    mirrored: bool,
    limits: ChallengeLimits,
    /// The fingerprint of the embedder.
    space: Digest,
    /// The score below which two faces are two people.
    different: f32,
    /// The least liveness score.
    live: f32,
    /// The size of the frames.
    size: Option<(usize, usize)>,
    /// The time of the last frame that was received, that of the last one that was judged, and the hashes of those that were judged.
    received: Option<Timestamp>,
    judged: Option<Timestamp>,
    hashes: Vec<u64>,
    /// The face in the last frame, and its place in the frames in which it kept still before the beginning.
    face: Option<Detection>,
    place: Option<Place>,
    still: Vec<Place>,
    searched: Option<Timestamp>,
    /// The beginning of the challenge, and the yaw of the first view.
    start: Option<Start>,
    steps: Steps,
    views: Views,
    continuity: ChallengeContinuity,
    embeddings: Vec<Vec<f32>>,
    liveness: Vec<LivenessScore>,
    outcome: ChallengeOutcome,
    reasons: Vec<ChallengeReason>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Start {
    at: Timestamp,
    yaw: f32,
}

impl Challenge {
    /// Makes a challenge from a random nonce that was issued at the time `issued`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if an option is out of range, or if the recognizer's landmarks have no
    /// [`ChallengeLimits`](crate::ChallengeLimits).
    pub fn new(
        nonce: [u8; 32],
        issued: Timestamp,
        recognizer: &Recognizer,
        options: &ChallengeOptions,
    ) -> Result<Self> {
        options.check()?;
        let Some(limits) = recognizer.challenge_limits() else {
            let reason = "no limits were measured for the landmarks of its detector, so it offers no challenge";
            return Err(Error::argument("recognizer", reason));
        };
        Ok(Self {
            plan: Plan::draw(&nonce, usize::from(options.moves)),
            nonce: Digest::of(nonce),
            issued,
            attempt: options.attempt,
            passive: options.passive && recognizer.liveness().is_some(),
            mirrored: options.mirrored,
            limits: limits.clone(),
            space: *recognizer.embedder().space().fingerprint(),
            different: recognizer.different_people(None),
            live: recognizer.liveness_threshold(),
            size: None,
            received: None,
            judged: None,
            hashes: Vec::new(),
            face: None,
            place: None,
            still: Vec::new(),
            searched: None,
            start: None,
            steps: Steps::default(),
            views: Views::default(),
            continuity: ChallengeContinuity::default(),
            embeddings: Vec::new(),
            liveness: Vec::new(),
            outcome: ChallengeOutcome::Undecided,
            reasons: Vec::new(),
        })
    }

    /// The prompt at the time `at`. Nothing that comes later is in it.
    #[must_use]
    pub fn prompt(&self, at: Timestamp) -> ChallengePrompt {
        let moves = self.plan.len();
        let first = ChallengePrompt {
            number: 0,
            moves,
            dot: ChallengeDot::Middle,
            since: self.start.map(|start| start.at),
        };
        let due = self.moves().into_iter().enumerate();
        let due = due.take_while(|(_, (time, _))| *time <= at).last();
        due.map_or(first, |(number, (time, dot))| ChallengePrompt {
            number: number + 1,
            moves,
            dot,
            since: Some(time),
        })
    }

    /// All prompts of a challenge with this nonce that begins at `start`, for simulations, and for another look at a recording. A person
    /// must not see a prompt before it is due, so the nonce is as secret as the moves.
    ///
    /// ```
    /// use facekit::{Challenge, ChallengeDot, ChallengeOptions, jiff::Timestamp};
    ///
    /// let start = Timestamp::UNIX_EPOCH;
    /// let prompts = Challenge::prompts(&[7; 32], start, &ChallengeOptions::default())?;
    /// assert_eq!(prompts.len(), 4);
    /// assert!(prompts[0].since > Some(start) && prompts[0].dot != ChallengeDot::Middle);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if an option is out of range.
    pub fn prompts(
        nonce: &[u8; 32],
        start: Timestamp,
        options: &ChallengeOptions,
    ) -> Result<Vec<ChallengePrompt>> {
        options.check()?;
        let plan = Plan::draw(nonce, usize::from(options.moves));
        let moves = plan.moves(start).enumerate();
        Ok(moves
            .map(|(number, (time, dot))| ChallengePrompt {
                number: number + 1,
                moves: plan.len(),
                dot,
                since: Some(time),
            })
            .collect())
    }

    /// Takes the next frame, which was taken at the time `at`, with the recognizer that the challenge was made with. Frames after the
    /// decision are left out.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for a recognizer with another embedder, [`Error::Runtime`] if a model fails. A bad frame is no error
    /// but a reason in the verdict.
    pub fn push(
        &mut self,
        recognizer: &Recognizer,
        image: ImageView<'_>,
        at: Timestamp,
    ) -> Result<()> {
        self.check_embedder(recognizer)?;
        if self.outcome != ChallengeOutcome::Undecided {
            return Ok(());
        }
        if let Err(reason) = self.take(recognizer, image, at)? {
            self.fail(reason);
        }
        Ok(())
    }

    /// The decision at this moment.
    #[must_use]
    pub fn outcome(&self) -> ChallengeOutcome {
        self.outcome
    }

    /// The result at this moment. Only [`Passed`](ChallengeOutcome::Passed) is a pass: a challenge whose frames end early stays
    /// [`Undecided`](ChallengeOutcome::Undecided).
    #[must_use]
    pub fn verdict(&self) -> ChallengeVerdict {
        ChallengeVerdict {
            outcome: self.outcome,
            steps: self.steps.answered.clone(),
            depth: self.views.depth(self.limits.depth),
            continuity: self.continuity,
            passive: self.passive_score(),
            reasons: self.reasons.clone(),
            attempt: self.attempt,
            nonce: self.nonce,
        }
    }

    /// The mean of the embeddings of the person who passed, of the beginning and of the answers. `None` unless the challenge is passed.
    ///
    /// A caller who signs somebody in compares this embedding, and no other one: the person before the camera can change before and after
    /// the challenge.
    ///
    /// ```no_run
    /// # fn example(challenge: &facekit::Challenge, recognizer: &facekit::Recognizer) -> facekit::Result<()> {
    /// use facekit::IdentifyOptions;
    ///
    /// if let Some(person) = challenge.embedding(recognizer)? {
    ///     let candidates = recognizer.identify(&person, &IdentifyOptions::default())?;
    ///     println!("{candidates:?}");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for a recognizer with another embedder.
    pub fn embedding(&self, recognizer: &Recognizer) -> Result<Option<Embedding>> {
        self.check_embedder(recognizer)?;
        if self.outcome != ChallengeOutcome::Passed {
            return Ok(None);
        }
        let space = recognizer.embedder().space();
        let embeddings = self.embeddings.iter();
        let embeddings: Vec<Embedding> = embeddings
            .map(|values| Embedding::new(space, values.clone()))
            .collect::<Result<_>>()?;
        Embedding::mean(&embeddings).map(Some)
    }

    fn check_embedder(&self, recognizer: &Recognizer) -> Result<()> {
        if *recognizer.embedder().space().fingerprint() == self.space {
            return Ok(());
        }
        let reason = "the challenge was made with another embedder";
        Err(Error::argument("recognizer", reason))
    }

    fn fail(&mut self, reason: ChallengeReason) {
        self.outcome = ChallengeOutcome::Failed;
        self.reasons.push(reason);
    }

    /// All moves with their times; none before the beginning.
    fn moves(&self) -> Vec<(Timestamp, ChallengeDot)> {
        let start = self.start.map(|start| start.at);
        start.map_or_else(Vec::new, |start| self.plan.moves(start).collect())
    }

    /// Takes a frame. The inner error is a reason against a pass.
    fn take(
        &mut self,
        recognizer: &Recognizer,
        image: ImageView<'_>,
        at: Timestamp,
    ) -> Result<Result<(), ChallengeReason>> {
        if self.received.is_some_and(|received| at <= received) || at < self.issued {
            return Ok(Err(ChallengeReason::FramesOutOfOrder));
        }
        self.received = Some(at);
        if at > self.issued + LIFE {
            let reason = if self.start.is_some() {
                ChallengeReason::TimedOut
            } else {
                ChallengeReason::NoFace
            };
            return Ok(Err(reason));
        }
        let size = (image.width(), image.height());
        if *self.size.get_or_insert(size) != size {
            return Ok(Err(ChallengeReason::FrameSizeChanged));
        }
        if self
            .judged
            .is_some_and(|judged| at.duration_since(judged) < LEAST_GAP)
        {
            return Ok(Ok(()));
        }
        self.judged = Some(at);
        let pixels = image.rgb8();
        let hash = hash(&pixels);
        if self.hashes.contains(&hash) {
            return Ok(Err(ChallengeReason::FrameRepeated));
        }
        self.hashes.push(hash);

        let frame = FrameView::new(recognizer, image.with_pixels(&pixels)?);
        let face = match self.find(&frame, at)? {
            Ok(face) => face,
            Err(reason) => return Ok(Err(reason)),
        };
        let pose = face.and_then(|face| Some((face, HeadPose::estimate(&face.landmarks)?)));
        let Some((face, pose)) = pose else {
            self.face = None;
            self.still.clear();
            let is_gone = self.start.is_some()
                && self
                    .place
                    .is_some_and(|place| at.duration_since(place.at) > LONGEST_ABSENCE);
            return Ok(if is_gone {
                Err(ChallengeReason::PersonLeft)
            } else {
                Ok(())
            });
        };
        self.face = Some(face);
        let place = Place {
            at,
            center: views::center(&face.landmarks),
            size: views::size(&face.landmarks),
            yaw: pose.yaw,
        };
        match self.start {
            None => self.wait(&frame, image, &face, place, pose),
            Some(start) => self.follow(&frame, image, &face, place, start),
        }
    }

    /// The face in a frame: that of the last one, or a new one. At intervals, the frame is searched for other people.
    fn find(
        &mut self,
        frame: &FrameView<'_>,
        at: Timestamp,
    ) -> Result<Result<Option<Detection>, ChallengeReason>> {
        let mirrored = self.limits.mirrored;
        let followed = match &self.face {
            Some(face) => frame.follow(face, mirrored)?,
            None => None,
        };
        if let Some(face) = followed {
            let is_due = self
                .searched
                .is_none_or(|searched| at.duration_since(searched) >= SEARCH_INTERVAL);
            let alone = if is_due {
                self.look_for_others(frame, &face, at)?
            } else {
                Ok(())
            };
            return Ok(alone.map(|()| followed));
        }
        let found = frame.detect(LEAST_SCORE)?;
        let widest = found.iter().map(|face| face.rect.width).fold(0.0, f32::max);
        let mut faces = Vec::new();
        for face in &found {
            if face.rect.width >= OTHER_WIDTH * widest {
                faces.extend(frame.landmarks(face, mirrored)?);
            }
        }
        if faces.len() > 1 {
            return Ok(Err(ChallengeReason::SeveralPeople));
        }
        Ok(Ok(faces.pop()))
    }

    /// Searches the whole frame for another person than that of `face`, once in a frame.
    fn look_for_others(
        &mut self,
        frame: &FrameView<'_>,
        face: &Detection,
        at: Timestamp,
    ) -> Result<Result<(), ChallengeReason>> {
        if self.searched == Some(at) {
            return Ok(Ok(()));
        }
        self.searched = Some(at);
        let is_other = |other: &Detection| other.rect.iou(&face.rect) < SAME_FACE;
        for other in frame.detect_reduced(LEAST_SCORE, reduction(face))? {
            // The second look takes away what only resembles a face.
            if other.rect.width >= OTHER_WIDTH * face.rect.width
                && is_other(&other)
                && frame
                    .landmarks(&other, self.limits.mirrored)?
                    .is_some_and(|seen| is_other(&seen))
            {
                return Ok(Err(ChallengeReason::SeveralPeople));
            }
        }
        Ok(Ok(()))
    }

    /// Waits until the face looks ahead and keeps still.
    fn wait(
        &mut self,
        frame: &FrameView<'_>,
        image: ImageView<'_>,
        face: &Detection,
        place: Place,
        pose: HeadPose,
    ) -> Result<Result<(), ChallengeReason>> {
        let is_ahead = pose.yaw.abs() <= AHEAD && place.size >= LEAST_SIZE;
        let is_still = self.still.iter().all(|before| {
            (before.yaw - place.yaw).abs() <= STILL
                && before.center.distance(place.center) <= 0.25 * place.size
        });
        if !is_still || !is_ahead {
            self.still.clear();
        }
        if !is_ahead {
            return Ok(Ok(()));
        }
        self.place = Some(place);
        self.still.push(place);
        let since = place.at.duration_since(self.still[0].at);
        if since < STILL_TIME || self.still.len() < 3 {
            return Ok(Ok(()));
        }
        let has_middle = match frame.landmarks(face, self.limits.mirrored)? {
            Some(seen) => self.views.set_middle(image, &seen.landmarks)?,
            None => false,
        };
        if !has_middle {
            self.still.clear();
            return Ok(Ok(()));
        }
        let mut yaws: Vec<f32> = self.still.iter().map(|place| place.yaw).collect();
        yaws.sort_by(f32::total_cmp);
        self.start = Some(Start {
            at: place.at,
            yaw: yaws[yaws.len() / 2],
        });
        self.still = Vec::new();
        if let Err(reason) = self.continuity.push(None, &place) {
            return Ok(Err(reason));
        }
        self.look_at_person(frame, face, place.at)
    }

    /// Follows the answers of a face after the beginning.
    fn follow(
        &mut self,
        frame: &FrameView<'_>,
        image: ImageView<'_>,
        face: &Detection,
        place: Place,
        start: Start,
    ) -> Result<Result<(), ChallengeReason>> {
        if let Err(reason) = self.continuity.push(self.place.as_ref(), &place) {
            return Ok(Err(reason));
        }
        self.place = Some(place);
        let yaw = place.yaw - start.yaw;
        // The landmarks of a view are those that the limits were measured with.
        if self.views.want(yaw, place.at)
            && let Some(seen) = frame.landmarks(face, self.limits.mirrored)?
        {
            self.views.push(image, &seen.landmarks, yaw, place.at)?;
        }
        // The nose of a person who looks to the left points to the right of an image that is not mirrored.
        let own = if self.mirrored { -yaw } else { yaw };
        let answered = self.steps.answered.len();
        if let Err(reason) = self.steps.push(place.at, own, &self.moves()) {
            return Ok(Err(reason));
        }
        if self.steps.answered.len() > answered
            && let Err(reason) = self.look_at_person(frame, face, place.at)?
        {
            return Ok(Err(reason));
        }
        if let Some(last) = self.steps.answered.last()
            && self.steps.are_complete(place.at, self.plan.len())
            && (self.views.are_enough() || place.at.duration_since(last.reached) >= LAST_LOOK)
        {
            if let Err(reason) = self.look_for_others(frame, face, place.at)? {
                return Ok(Err(reason));
            }
            self.decide();
        }
        Ok(Ok(()))
    }

    /// Looks for other people, compares the face with those before, and checks its liveness.
    fn look_at_person(
        &mut self,
        frame: &FrameView<'_>,
        face: &Detection,
        at: Timestamp,
    ) -> Result<Result<(), ChallengeReason>> {
        if let Err(reason) = self.look_for_others(frame, face, at)? {
            return Ok(Err(reason));
        }
        let Some(mut examined) = frame.examine(face)? else {
            return Ok(Ok(()));
        };
        if self.passive {
            frame.check_liveness(std::slice::from_mut(&mut examined))?;
            self.liveness.extend(examined.liveness);
            // The median decides, and not this frame.
            examined.refused = None;
        }
        if !examined.passed() || self.embeddings.len() == MOST_EMBEDDINGS {
            return Ok(Ok(()));
        }
        let embedding = frame.embed(&mut [&mut examined])?.pop().flatten();
        let Some(embedding) = embedding else {
            return Ok(Ok(()));
        };
        let similar = self
            .embeddings
            .iter()
            .map(|other| similarity(other, &embedding));
        let most = similar.max_by(f32::total_cmp);
        self.embeddings.push(embedding.values().to_vec());
        Ok(most.map_or(Ok(()), |most| self.continuity.compare(most, self.different)))
    }

    /// The median of the liveness scores.
    fn passive_score(&self) -> Option<LivenessScore> {
        let mut scores: Vec<f32> = self.liveness.iter().map(|score| score.value()).collect();
        scores.sort_by(f32::total_cmp);
        scores
            .get(scores.len() / 2)
            .copied()
            .map(LivenessScore::new)
    }

    /// Decides after the last answer.
    fn decide(&mut self) {
        match self.views.depth(self.limits.depth) {
            None => self.reasons.push(ChallengeReason::TrackingFailed),
            Some(depth) if !depth.is_enough() => self.reasons.push(ChallengeReason::NoDepth),
            Some(_) => {}
        }
        let passive = self.passive_score();
        if passive.is_some_and(|score| !score.is_live(self.live)) {
            self.reasons.push(ChallengeReason::NotLive);
        }
        // What was never checked does not pass.
        if self.embeddings.len() < LEAST_EMBEDDINGS || (self.passive && passive.is_none()) {
            self.reasons.push(ChallengeReason::FaceUnfit);
        }
        self.outcome = if self.reasons.is_empty() {
            ChallengeOutcome::Passed
        } else {
            ChallengeOutcome::Failed
        };
    }
}

/// The number by which both sides of a frame can be divided for the search for other people: 1, 2 or 4.
fn reduction(face: &Detection) -> usize {
    let enough =
        |reduction: &usize| OTHER_WIDTH * face.rect.width >= FOUND_WIDTH * *reduction as f32;
    [4, 2].into_iter().find(enough).unwrap_or(1)
}

fn similarity(values: &[f32], embedding: &Embedding) -> f32 {
    values
        .iter()
        .zip(embedding.values())
        .map(|(a, b)| a * b)
        .sum()
}

/// A hash of pixels. It finds frames that are repeated by mistake or by a recording in a loop; a person who makes frames can avoid it.
fn hash(pixels: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(pixels);
    hasher.finish()
}

impl fmt::Debug for Challenge {
    /// Leaves out the moves, which are secret until they are due.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge")
            .field("nonce", &self.nonce)
            .field("issued", &self.issued)
            .field("outcome", &self.outcome)
            .field("reasons", &self.reasons)
            .field("views", &self.views)
            .finish_non_exhaustive()
    }
}
