use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::BestShot;
use crate::{attendance::Sighting, detect::Detection, liveness::LivenessScore, recognize::Outcome};

/// The number of a track. A tracker counts its tracks from 1 and gives no number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrackId(pub u64);

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event in a video. [`Tracker::push`](crate::Tracker::push) returns the events of a frame in the order in which they happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "events are few, and most of their size is in shots"
)]
pub enum TrackEvent {
    /// A face was seen for the second time, so it is a track.
    Started {
        /// The track.
        track: TrackId,
        /// The time at which the face was first seen.
        from: Timestamp,
        /// The face at that time, in pixels of the frame.
        first: Detection,
    },
    /// A shot was taken: a frame in which the face passed the quality gate.
    Shot {
        /// The track.
        track: TrackId,
        /// The shot.
        shot: BestShot,
    },
    /// The track was decided. It has a [`decision`](Track::decision), which never changes.
    Decided(Track),
    /// The face is no longer seen. The track may be undecided.
    Ended(Track),
}

impl TrackEvent {
    /// The track.
    #[must_use]
    pub fn track(&self) -> TrackId {
        match self {
            Self::Started { track, .. } | Self::Shot { track, .. } => *track,
            Self::Decided(track) | Self::Ended(track) => track.id,
        }
    }

    /// The sighting of a known person: that of [`Decided`](Self::Decided), so that the events of a track have one at most.
    #[must_use]
    pub fn sighting(&self) -> Option<Sighting> {
        match self {
            Self::Decided(track) => track.sighting(),
            _ => None,
        }
    }
}

/// A face from its first to its last frame.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Track {
    /// The number.
    pub id: TrackId,
    /// The time at which the face was first seen.
    pub from: Timestamp,
    /// The time at which the face was last seen.
    pub to: Timestamp,
    /// The result: [`Known`](Outcome::Known), [`Unknown`](Outcome::Unknown), [`Spoof`](Outcome::Spoof) or
    /// [`TightCrop`](Outcome::TightCrop). `None` while the track is undecided, and if it ended with too few shots.
    pub decision: Option<Outcome>,
    /// The number of shots that are kept, 0 to 6.
    pub shots: usize,
    /// The shot of the greatest quality; `None` before the first shot.
    pub best: Option<BestShot>,
    /// The median of the liveness scores of the shots; `None` with fewer than three shots, and if there is no liveness check.
    pub live: Option<LivenessScore>,
}

impl Track {
    /// The sighting of the person, at the time at which the face was first seen. `None` if nobody is known.
    #[must_use]
    pub fn sighting(&self) -> Option<Sighting> {
        let identity = self.decision.as_ref()?.known()?;
        let mut sighting =
            Sighting::new(identity.person.clone(), self.from).with_score(identity.score);
        sighting.liveness = self.live.map(LivenessScore::value);
        Some(sighting)
    }
}

/// A face of a track in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrackedFace {
    /// The track.
    pub track: TrackId,
    /// The face, in pixels of the frame.
    pub detection: Detection,
}

impl TrackedFace {
    pub(super) fn new(track: TrackId, detection: Detection) -> Self {
        Self { track, detection }
    }
}
