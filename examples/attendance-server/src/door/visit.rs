//! The state of a door over time.

use std::collections::VecDeque;

use facekit::{Outcome, PersonId, Rect};
use jiff::{SignedDuration, Timestamp};

use super::view::{Guide, View};
use crate::recognition::Faces;

/// The least frames of one face, and of one person, for a mark.
pub const MARK_FRAMES: usize = 3;
/// The frames of a mark are within this time.
const WINDOW: SignedDuration = SignedDuration::from_secs(2);
/// A hint is shown after it was right for this long.
const HYSTERESIS: SignedDuration = SignedDuration::from_millis(300);
/// A face is not refused before it was looked at for this long.
const PATIENCE: SignedDuration = SignedDuration::from_millis(1200);
/// A face that is looked at for this long is refused, if it is not always the same person.
const LONGEST_LOOK: SignedDuration = SignedDuration::from_secs(4);
/// A result is shown for this long.
const SHOWN: SignedDuration = SignedDuration::from_secs(2);
/// A face that is missing for this long has left.
const GONE: SignedDuration = SignedDuration::from_millis(700);
/// After so many refusals, faces wait.
const REFUSALS: usize = 3;
/// Faces wait for this long.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);
/// A refusal counts for this long.
const REFUSAL_COUNTS: SignedDuration = SignedDuration::from_secs(60);
/// The center of a face moves by less than this part of its width from one frame to the next.
const GREATEST_STEP: f32 = 0.8;

/// The rules of a door.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DoorRules {
    /// There is a liveness check. Without it nobody is marked by face.
    pub has_liveness: bool,
    /// The median liveness score of the frames of a mark is greater than this, 0 to 1.
    pub liveness: f32,
}

/// The person whom a visit has decided on. Nobody is marked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The person.
    pub person: PersonId,
    /// The least similarity of the frames.
    pub score: f32,
    /// The median liveness score of the frames.
    pub liveness: f32,
}

/// The reason for which a visit marks nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The face is nobody's, or not always the same person's.
    Unknown,
    /// The face is a picture or a screen, by the median of its liveness scores.
    Spoof,
}

/// The result of recording a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It was recorded, whatever the rules made of it.
    Recorded,
    /// It was refused, and the screen says why. The person is not tried again before leaving.
    Refused,
    /// It could not be recorded. The face is tried again.
    Failed,
}

/// The state of a door after a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum DoorState {
    /// A hint, and the frames that count for a mark so far, at most [`MARK_FRAMES`].
    Guide(Guide, usize),
    /// The person is found. The caller records it, and calls [`Visit::conclude`]. It comes once for each visit, and again
    /// after a [`Conclusion::Failed`].
    Decided(Decision),
    /// The caller has not called [`Visit::conclude`] yet.
    Checking,
    /// The result that was recorded is shown.
    Recorded,
    /// Nobody is marked.
    Refused(Refusal),
    /// There were three refusals: PIN and QR code only, until this time.
    CodesOnly(Timestamp),
    /// There is no liveness check: PIN and QR code only.
    NoFaces,
}

/// The visit of one person at one door, and the next one.
#[derive(Debug)]
pub struct Visit {
    rules: DoorRules,
    phase: Phase,
    /// The frames of the present face that count, within [`WINDOW`].
    samples: VecDeque<Sample>,
    /// The present face: its place in the last frame that had it, and the time.
    last: Option<(Rect, Timestamp)>,
    /// The first frame of the present face that counts.
    since: Option<Timestamp>,
    shown: Guide,
    /// The hint that is not shown yet, and the first frame that called for it.
    coming: Option<(Guide, Timestamp)>,
    refusals: Vec<Timestamp>,
    /// Somebody said not to be this person, who is nobody at this door until a time.
    barred: Option<(PersonId, Timestamp)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Watching,
    Checking(PersonId),
    /// The result is shown until a time.
    Recorded(PersonId, Timestamp),
    /// The refusal is shown until a time. After the third one, faces wait until another time.
    Refused(Refusal, Timestamp, Option<Timestamp>),
    /// The person who was marked has not left yet, and was there at a time.
    Leaving(PersonId, Timestamp),
}

/// A frame of the present face that counts.
#[derive(Clone, Debug)]
struct Sample {
    at: Timestamp,
    liveness: f32,
    /// The person, or nobody; none if the face was not compared.
    compared: Option<Option<(PersonId, f32)>>,
}

impl Visit {
    /// The state of a door before which nobody stands.
    #[must_use]
    pub fn new(rules: DoorRules) -> Self {
        Self {
            rules,
            phase: Phase::Watching,
            samples: VecDeque::new(),
            last: None,
            since: None,
            shown: Guide::Idle,
            coming: None,
            refusals: Vec::new(),
            barred: None,
        }
    }

    /// The state, if a frame cannot change it at this time: such frames need no recognition.
    #[must_use]
    pub fn resting(&self, now: Timestamp) -> Option<DoorState> {
        if !self.rules.has_liveness {
            return Some(DoorState::NoFaces);
        }
        match self.phase {
            Phase::Checking(_) => Some(DoorState::Checking),
            Phase::Recorded(_, until) if now < until => Some(DoorState::Recorded),
            Phase::Refused(refusal, until, _) if now < until => Some(DoorState::Refused(refusal)),
            Phase::Refused(_, _, Some(until)) if now < until => Some(DoorState::CodesOnly(until)),
            _ => None,
        }
    }

    /// Takes the faces of a frame. `now` is the time of the frame, and never before that of the last one.
    pub fn push(&mut self, faces: &Faces, now: Timestamp) -> DoorState {
        if let Some(state) = self.resting(now) {
            return state;
        }
        let view = View::of(faces);
        match &self.phase {
            Phase::Recorded(person, _) => {
                self.phase = Phase::Leaving(person.clone(), now);
                self.forget();
            }
            Phase::Refused(..) => {
                self.phase = Phase::Watching;
                self.forget();
            }
            Phase::Watching | Phase::Leaving(..) | Phase::Checking(_) => {}
        }
        let is_same = self.follow(&view, now);
        if let Phase::Leaving(person, seen) = &self.phase {
            let known = view.face.and_then(facekit::Recognition::known);
            let is_other = known.is_some_and(|known| known.person != *person);
            let seen = if view.face.is_some() { now } else { *seen };
            if is_same && !is_other && now.duration_since(seen) <= GONE {
                self.phase = Phase::Leaving(person.clone(), seen);
                self.settle(Guide::Idle, now);
                return DoorState::Guide(Guide::Idle, 0);
            }
            self.phase = Phase::Watching;
        }
        if let Some(mut sample) = Sample::of(&view, now) {
            if self.is_barred(&sample, now) {
                sample.compared = Some(None);
            }
            self.since.get_or_insert(now);
            self.samples.push_back(sample);
        }
        while self
            .samples
            .front()
            .is_some_and(|sample| now.duration_since(sample.at) > WINDOW)
        {
            self.samples.pop_front();
        }
        if self.samples.is_empty() {
            self.since = None;
        }
        let guide = self.settle(view.guide, now);
        self.decide(now)
            .unwrap_or_else(|| DoorState::Guide(guide, self.agreeing().len().min(MARK_FRAMES)))
    }

    /// Takes the result of recording a [`Decision`].
    pub fn conclude(&mut self, conclusion: Conclusion, now: Timestamp) {
        let Phase::Checking(person) = &self.phase else {
            return;
        };
        if conclusion == Conclusion::Failed {
            self.phase = Phase::Watching;
            self.forget();
            return;
        }
        self.phase = Phase::Recorded(person.clone(), now.saturating_add(SHOWN).unwrap_or(now));
        if conclusion == Conclusion::Recorded {
            self.refusals.clear();
        }
    }

    /// Takes "not me": the one before the camera is not this person. For 30 seconds the person is nobody at this door, so
    /// that a face that was mistaken once is not mistaken again.
    pub fn disown(&mut self, person: PersonId, now: Timestamp) {
        self.barred = Some((person, now.saturating_add(PAUSE).unwrap_or(now)));
        self.samples.clear();
        self.since = None;
    }

    fn is_barred(&self, sample: &Sample, now: Timestamp) -> bool {
        match (&sample.compared, &self.barred) {
            (Some(Some((person, _))), Some((barred, until))) => person == barred && now < *until,
            _ => false,
        }
    }

    /// Follows the face from the last frame to this one. Returns `false`, and forgets the samples, if it is another one or
    /// has left.
    fn follow(&mut self, view: &View<'_>, now: Timestamp) -> bool {
        let is_same = match (self.last, view.face) {
            (Some((before, at)), Some(face)) => {
                let rect = face.detection.rect;
                let (one, two) = (before.center(), rect.center());
                let step = (one.x - two.x).hypot(one.y - two.y);
                step < GREATEST_STEP * before.width.max(rect.width)
                    && now.duration_since(at) <= GONE
            }
            // A detector misses a face now and then.
            (Some((_, at)), None) => view.guide == Guide::Idle && now.duration_since(at) <= GONE,
            (None, _) => true,
        };
        if !is_same {
            self.forget();
        }
        if let Some(face) = view.face {
            self.last = Some((face.detection.rect, now));
        }
        is_same
    }

    fn forget(&mut self) {
        self.samples.clear();
        (self.last, self.since) = (None, None);
    }

    /// The hint that is shown: it changes after another one was right for 300 ms.
    fn settle(&mut self, guide: Guide, now: Timestamp) -> Guide {
        match self.coming {
            _ if guide == self.shown => self.coming = None,
            Some((coming, since)) if coming == guide => {
                if now.duration_since(since) >= HYSTERESIS {
                    (self.shown, self.coming) = (guide, None);
                }
            }
            _ => self.coming = Some((guide, now)),
        }
        self.shown
    }

    /// The latest frames in which the same person, or nobody, was found. Frames that were not compared do not count.
    fn agreeing(&self) -> Vec<&(PersonId, f32)> {
        let compared = self
            .samples
            .iter()
            .rev()
            .filter_map(|sample| sample.compared.as_ref());
        let mut agreeing: Vec<&(PersonId, f32)> = Vec::new();
        for found in compared {
            match (found, agreeing.last()) {
                (Some(found), Some(before)) if found.0 != before.0 => break,
                (Some(found), _) => agreeing.push(found),
                (None, _) => break,
            }
        }
        agreeing
    }

    /// The latest frames in which nobody was found.
    fn strangers(&self) -> usize {
        let compared = self
            .samples
            .iter()
            .rev()
            .filter_map(|sample| sample.compared.as_ref());
        compared.take_while(|found| found.is_none()).count()
    }

    fn median_liveness(&self) -> f32 {
        let mut scores: Vec<f32> = self.samples.iter().map(|sample| sample.liveness).collect();
        scores.sort_by(f32::total_cmp);
        // Of an even number of scores, the lower one of the middle: an attack gains nothing.
        scores
            .get(scores.len().saturating_sub(1) / 2)
            .copied()
            .unwrap_or(0.0)
    }

    fn decide(&mut self, now: Timestamp) -> Option<DoorState> {
        let liveness = self.median_liveness();
        let agreeing = self.agreeing();
        if agreeing.len() >= MARK_FRAMES && liveness > self.rules.liveness {
            let decision = Decision {
                person: agreeing[0].0.clone(),
                score: agreeing
                    .iter()
                    .map(|found| found.1)
                    .fold(f32::INFINITY, f32::min),
                liveness,
            };
            self.phase = Phase::Checking(decision.person.clone());
            self.forget();
            return Some(DoorState::Decided(decision));
        }
        let looked = self
            .since
            .map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        if looked < PATIENCE || self.samples.len() < MARK_FRAMES {
            return None;
        }
        let refusal = if liveness <= self.rules.liveness {
            Refusal::Spoof
        } else if self.strangers() >= MARK_FRAMES || looked >= LONGEST_LOOK {
            Refusal::Unknown
        } else {
            return None;
        };
        self.refusals
            .retain(|&at| now.duration_since(at) < REFUSAL_COUNTS);
        self.refusals.push(now);
        let mut pause = None;
        if self.refusals.len() >= REFUSALS {
            pause = now.saturating_add(PAUSE).ok();
            self.refusals.clear();
        }
        let shown = now.saturating_add(SHOWN).unwrap_or(now);
        self.phase = Phase::Refused(refusal, shown, pause);
        self.forget();
        Some(DoorState::Refused(refusal))
    }
}

impl Sample {
    /// The sample of a frame that counts: the face is in the right place, and was checked for liveness.
    fn of(view: &View<'_>, now: Timestamp) -> Option<Self> {
        let face = view.face.filter(|_| view.guide == Guide::Hold)?;
        let liveness = face.liveness?.value();
        let compared = match &face.outcome {
            Outcome::Known(identity) => Some(Some((identity.person.clone(), identity.score))),
            Outcome::Unknown { .. } => Some(None),
            Outcome::Spoof => None,
            _ => return None,
        };
        Some(Self {
            at: now,
            liveness,
            compared,
        })
    }
}
