use std::fmt;

use serde::{Deserialize, Serialize};

use super::{continuity::ChallengeContinuity, steps::ChallengeStep};
use crate::{digest::Digest, liveness::LivenessScore};

/// The result of a [`Challenge`](crate::Challenge).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChallengeVerdict {
    /// The decision.
    pub outcome: ChallengeOutcome,
    /// The moves that were answered, in order.
    pub steps: Vec<ChallengeStep>,
    /// The depth of the face; `None` if it was not measured.
    pub depth: Option<ChallengeDepth>,
    /// The greatest gaps, jumps and turns, and the least similarity.
    pub continuity: ChallengeContinuity,
    /// The median of the liveness scores; `None` without a liveness check.
    pub passive: Option<LivenessScore>,
    /// The reasons against a pass. Empty if the challenge is passed or goes on.
    pub reasons: Vec<ChallengeReason>,
    /// The number of the attempt, as the options had it.
    pub attempt: u8,
    /// The digest of the nonce. The caller keeps it, so that a nonce serves once.
    pub nonce: Digest,
}

impl ChallengeVerdict {
    /// True if the challenge is passed. A challenge that goes on is not.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.outcome == ChallengeOutcome::Passed
    }
}

/// The decision about a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeOutcome {
    /// The challenge goes on. Frames are missing.
    Undecided,
    /// The person followed the dot, and the face has depth.
    Passed,
    /// There are reasons against it.
    Failed,
}

impl ChallengeOutcome {
    /// The word for the outcome in data: `undecided`, `passed` or `failed`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Undecided => "undecided",
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

/// The depth of a face: how far near points move against distant ones from the view from the left to the view from the right,
/// relative to the depth of a mean face. A head that turns by 25° to both sides has about 0.3 to 0.8, a flat picture 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChallengeDepth {
    /// The depth beside a plane.
    pub plane: f32,
    /// The depth beside cylinders, too: curved pictures have none.
    pub cylinder: f32,
    /// The depth beside folds along the middle of the face, too.
    pub fold: f32,
    /// The share of the points that were tracked on both sides, 0 to 1.
    pub tracked: f32,
    /// The limit for the least of the three.
    pub limit: f32,
}

impl ChallengeDepth {
    /// The least of the three depths, which must be above the limit.
    #[must_use]
    pub fn least(&self) -> f32 {
        self.plane.min(self.cylinder).min(self.fold)
    }

    /// True if the face has depth.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.least() > self.limit
    }
}

/// A reason against a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChallengeReason {
    /// A frame has the time of an earlier one, or an earlier time.
    FramesOutOfOrder,
    /// There are more than 250 ms between two frames.
    FramesMissing,
    /// The frames changed their size.
    FrameSizeChanged,
    /// A frame is the same as an earlier one, pixel by pixel.
    FrameRepeated,
    /// There is more than one face of about the same size.
    SeveralPeople,
    /// There was no face that looks ahead and keeps still.
    NoFace,
    /// The face was lost for more than 250 ms.
    PersonLeft,
    /// The face moved by more than 0.5 eye distances between two frames.
    Jump,
    /// The head turned faster than 300° a second.
    TurnTooFast,
    /// Two frames show different people.
    AnotherPerson,
    /// An answer began before its prompt, or less than 0.15 s after it.
    AnsweredTooEarly,
    /// An answer began more than 1.2 s after its prompt.
    AnsweredTooLate,
    /// An answer went to the wrong side.
    WrongDirection,
    /// The head did not turn far enough.
    TurnTooSmall,
    /// Too few points of the face were tracked.
    TrackingFailed,
    /// The face has too little depth.
    NoDepth,
    /// The liveness check says that the face is not live.
    NotLive,
    /// No views of the face were fit to be compared with each other, or to be checked for liveness.
    FaceUnfit,
    /// The time of the nonce is over.
    TimedOut,
}

impl ChallengeReason {
    /// All reasons.
    pub const ALL: [Self; 19] = [
        Self::FramesOutOfOrder,
        Self::FramesMissing,
        Self::FrameSizeChanged,
        Self::FrameRepeated,
        Self::SeveralPeople,
        Self::NoFace,
        Self::PersonLeft,
        Self::Jump,
        Self::TurnTooFast,
        Self::AnotherPerson,
        Self::AnsweredTooEarly,
        Self::AnsweredTooLate,
        Self::WrongDirection,
        Self::TurnTooSmall,
        Self::TrackingFailed,
        Self::NoDepth,
        Self::NotLive,
        Self::FaceUnfit,
        Self::TimedOut,
    ];

    /// The word for the reason in data and in keys of texts.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::FramesOutOfOrder => "frames_out_of_order",
            Self::FramesMissing => "frames_missing",
            Self::FrameSizeChanged => "frame_size_changed",
            Self::FrameRepeated => "frame_repeated",
            Self::SeveralPeople => "several_people",
            Self::NoFace => "no_face",
            Self::PersonLeft => "person_left",
            Self::Jump => "jump",
            Self::TurnTooFast => "turn_too_fast",
            Self::AnotherPerson => "another_person",
            Self::AnsweredTooEarly => "answered_too_early",
            Self::AnsweredTooLate => "answered_too_late",
            Self::WrongDirection => "wrong_direction",
            Self::TurnTooSmall => "turn_too_small",
            Self::TrackingFailed => "tracking_failed",
            Self::NoDepth => "no_depth",
            Self::NotLive => "not_live",
            Self::FaceUnfit => "face_unfit",
            Self::TimedOut => "timed_out",
        }
    }
}

impl fmt::Display for ChallengeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FramesOutOfOrder => "the frames are out of order",
            Self::FramesMissing => "frames are missing",
            Self::FrameSizeChanged => "the frames changed their size",
            Self::FrameRepeated => "a frame was repeated",
            Self::SeveralPeople => "there is more than one face",
            Self::NoFace => "no face looked ahead and kept still",
            Self::PersonLeft => "the face was lost",
            Self::Jump => "the face jumped",
            Self::TurnTooFast => "the head turned too fast",
            Self::AnotherPerson => "the frames show different people",
            Self::AnsweredTooEarly => "an answer began too early",
            Self::AnsweredTooLate => "an answer began too late",
            Self::WrongDirection => "an answer went to the wrong side",
            Self::TurnTooSmall => "the head did not turn far enough",
            Self::TrackingFailed => "the face could not be tracked",
            Self::NoDepth => "the face has no depth",
            Self::NotLive => "the face is not live",
            Self::FaceUnfit => "the face could not be compared or checked for liveness",
            Self::TimedOut => "the time is over",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_data() {
        for reason in ChallengeReason::ALL {
            let data = serde_json::to_string(&reason).unwrap();
            assert_eq!(data, format!("{:?}", reason.code()));
        }
    }
}
