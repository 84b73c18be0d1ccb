use jiff::{SignedDuration, Timestamp};

use crate::{
    align::AlignedFace,
    embed::{Embedding, Mean},
    error::Result,
    liveness::LivenessScore,
    quality::Quality,
    recognize::Outcome,
};

/// The number of shots that are kept.
pub(super) const MOST: usize = 6;
/// The least number of shots whose liveness is judged.
const FEWEST_LIVE: usize = 3;
/// The least time between two shots. Frames that follow each other at once are nearly the same picture.
const APART: SignedDuration = SignedDuration::from_millis(100);
/// The same for two searched frames that follow each other. Ten frames of a camera in a second do not come at regular times, and every
/// other one would be too early.
const NEXT_APART: SignedDuration = SignedDuration::from_millis(75);
/// A shot replaces the worst one if its quality is higher by this much.
const BETTER: f32 = 0.1;

/// A frame of a track in which the face passed the quality gate.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BestShot {
    /// The time of the frame.
    pub at: Timestamp,
    /// The aligned crop.
    pub crop: AlignedFace,
    /// The quality of the face.
    pub quality: Quality,
    /// The liveness score of this shot; `None` if there is no liveness check.
    pub liveness: Option<LivenessScore>,
    /// The embedding of the crop.
    pub embedding: Embedding,
}

/// The shots of a track that are kept.
#[derive(Debug, Default)]
pub(super) struct Shots {
    kept: Vec<Shot>,
    /// The normalized mean of their embeddings.
    mean: Option<Embedding>,
    /// The time of the last shot, kept or not.
    last: Option<Timestamp>,
}

#[derive(Debug)]
struct Shot {
    shot: BestShot,
    /// The refusal of the liveness check.
    refusal: Option<Outcome>,
}

impl Shots {
    pub(super) fn count(&self) -> usize {
        self.kept.len()
    }

    /// True if a frame at the time `at` is not too near to the last shot. `before` is the time of the searched frame before.
    pub(super) fn are_due(&self, at: Timestamp, before: Option<Timestamp>) -> bool {
        let apart = if self.last == before {
            NEXT_APART
        } else {
            APART
        };
        self.last
            .is_none_or(|last| at.duration_since(last) >= apart)
    }

    /// True if a shot of this quality is wanted: there is room, or it is clearly better than the worst one.
    pub(super) fn want(&self, quality: f32) -> bool {
        self.kept.len() < MOST || quality >= self.kept[self.worst()].shot.quality.score + BETTER
    }

    /// A shot was taken at the time `at`, kept or not.
    pub(super) fn taken(&mut self, at: Timestamp) {
        self.last = Some(at);
    }

    /// The time of the last shot, kept or not.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// Adds a shot. `refusal` is that of the liveness check.
    pub(super) fn add(&mut self, shot: BestShot, refusal: Option<Outcome>) -> Result<()> {
        if self.kept.len() == MOST {
            self.kept.remove(self.worst());
        }
        let mut mean = Mean::new(&shot.embedding);
        for kept in &self.kept {
            mean.add(&kept.shot.embedding)?;
        }
        self.mean = Some(mean.embedding()?);
        self.kept.push(Shot { shot, refusal });
        Ok(())
    }

    pub(super) fn best(&self) -> Option<&BestShot> {
        let quality = |shot: &Shot| shot.shot.quality.score;
        // The earliest one of the best.
        let best = self.kept.iter().rev();
        let best = best.max_by(|a, b| quality(a).total_cmp(&quality(b)));
        best.map(|shot| &shot.shot)
    }

    /// The normalized mean of the embeddings; `None` if there is no shot.
    pub(super) fn mean(&self) -> Option<&Embedding> {
        self.mean.as_ref()
    }

    /// The median of the liveness scores, the lower one of two; `None` with fewer than three.
    ///
    /// One lucky frame does not let an attack pass, and one bad frame does not refuse a person: if an attack passes in a share `p`
    /// of independent frames, it passes any of ten frames with `1 − (1 − p)¹⁰`, which is 0.89 for 0.2, and the median of five with
    /// 0.06.
    pub(super) fn median_liveness(&self) -> Option<LivenessScore> {
        let mut scores: Vec<LivenessScore> = self
            .kept
            .iter()
            .filter_map(|shot| shot.shot.liveness)
            .collect();
        scores.sort_by(|a, b| a.value().total_cmp(&b.value()));
        (scores.len() >= FEWEST_LIVE).then(|| scores[(scores.len() - 1) / 2])
    }

    /// The refusal of a track that is not live: a tight crop if all refused shots are, otherwise a spoof.
    pub(super) fn refusal(&self) -> Outcome {
        let mut refusals = self.kept.iter().filter_map(|shot| shot.refusal.as_ref());
        let is_tight = |refusal: &Outcome| matches!(refusal, Outcome::TightCrop { .. });
        match refusals.clone().next() {
            Some(first) if refusals.all(is_tight) => first.clone(),
            _ => Outcome::Spoof,
        }
    }

    /// The place of the shot of the least quality, the earliest one of several.
    fn worst(&self) -> usize {
        let quality = |place: &usize| self.kept[*place].shot.quality.score;
        let worst = (0..self.kept.len()).min_by(|a, b| quality(a).total_cmp(&quality(b)));
        worst.unwrap_or_default()
    }
}
