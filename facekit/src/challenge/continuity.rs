//! Continuity: the frames show one person, without gaps and jumps.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::verdict::ChallengeReason;
use crate::geometry::Point;

/// The longest time between two frames.
const LONGEST_GAP: SignedDuration = SignedDuration::from_millis(250);
/// The greatest movement of the face between two frames, in eye distances.
const GREATEST_JUMP: f32 = 0.5;
/// The fastest turn of a head, in degrees a second.
const FASTEST_TURN: f32 = 300.0;

/// The greatest gaps, jumps and turns between the frames of a [`Challenge`](crate::Challenge), and the least similarity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChallengeContinuity {
    /// The number of frames with the face.
    pub frames: usize,
    /// The longest time between two of them, in seconds. At most 0.25 is allowed.
    pub longest_gap: f32,
    /// The greatest movement of the face from one frame to the next, in eye distances. At most 0.5 is allowed.
    pub greatest_jump: f32,
    /// The fastest turn, in degrees a second. At most 300 is allowed.
    pub fastest_turn: f32,
    /// The least similarity of a face to the most similar one before it; `None` if only one was embedded.
    pub least_similarity: Option<f32>,
}

/// A face in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) at: Timestamp,
    pub(super) center: Point,
    /// The size of the face in pixels, that of the eye distance of a face from the front.
    pub(super) size: f32,
    pub(super) yaw: f32,
}

impl ChallengeContinuity {
    /// Takes the face of the next frame.
    pub(super) fn push(
        &mut self,
        before: Option<&Place>,
        now: &Place,
    ) -> Result<(), ChallengeReason> {
        self.frames += 1;
        let Some(before) = before else { return Ok(()) };
        let gap = now.at.duration_since(before.at);
        self.longest_gap = self.longest_gap.max(gap.as_secs_f32());
        if gap > LONGEST_GAP {
            return Err(ChallengeReason::FramesMissing);
        }
        let jump = now.center.distance(before.center) / before.size.min(now.size);
        self.greatest_jump = self.greatest_jump.max(jump);
        if jump > GREATEST_JUMP {
            return Err(ChallengeReason::Jump);
        }
        let turn = (now.yaw - before.yaw).abs() / gap.as_secs_f32();
        self.fastest_turn = self.fastest_turn.max(turn);
        if turn > FASTEST_TURN {
            return Err(ChallengeReason::TurnTooFast);
        }
        Ok(())
    }

    /// Takes the similarity of a face to the most similar one before it. `different` is the score of two people.
    pub(super) fn compare(
        &mut self,
        similarity: f32,
        different: f32,
    ) -> Result<(), ChallengeReason> {
        let least = self
            .least_similarity
            .map_or(similarity, |least| least.min(similarity));
        self.least_similarity = Some(least);
        if similarity < different {
            Err(ChallengeReason::AnotherPerson)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_break_has_a_reason() {
        let place = |milliseconds: i64, x: f32, yaw: f32| Place {
            at: Timestamp::from_millisecond(milliseconds).unwrap(),
            center: Point::new(x, 50.0),
            size: 40.0,
            yaw,
        };
        let before = place(1000, 100.0, 2.0);
        for (now, expected) in [
            (place(1200, 115.0, 30.0), Ok(())),
            (place(1251, 100.0, 2.0), Err(ChallengeReason::FramesMissing)),
            (place(1100, 121.0, 2.0), Err(ChallengeReason::Jump)),
            (place(1100, 100.0, 33.0), Err(ChallengeReason::TurnTooFast)),
        ] {
            let mut continuity = ChallengeContinuity::default();
            assert_eq!(continuity.push(Some(&before), &now), expected, "{now:?}");
        }
        let mut continuity = ChallengeContinuity::default();
        assert_eq!(continuity.compare(0.7, 0.3), Ok(()));
        assert_eq!(
            continuity.compare(0.2, 0.3),
            Err(ChallengeReason::AnotherPerson)
        );
        assert_eq!(continuity.least_similarity, Some(0.2));
    }
}
