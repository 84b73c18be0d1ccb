//! The answers to the moves of the dot.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{prompt::ChallengeDot, verdict::ChallengeReason};

/// The times after a prompt between which an answer begins.
const EARLIEST: SignedDuration = SignedDuration::from_millis(150);
const LATEST: SignedDuration = SignedDuration::from_millis(1200);
/// The most time from the beginning of an answer to its end.
const LONGEST: SignedDuration = SignedDuration::from_millis(1200);
/// The yaw at which a turn to the side is made, and the one down to which it is kept, in degrees.
const SIDE: f32 = 11.0;
const SIDE_KEPT: f32 = 7.0;
/// The same of the middle.
const MIDDLE: f32 = 7.0;
const MIDDLE_KEPT: f32 = 8.0;
/// The time for which the head must not go on to a side after the last answer, if that is the middle. A recording that turns from one
/// side to the other passes the middle.
const KEPT: SignedDuration = SignedDuration::from_millis(300);
/// A head that keeps still stays within so many degrees of the median.
const STILL: f32 = 4.0;

/// The answer to a move of the dot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChallengeStep {
    /// The place of the dot.
    pub dot: ChallengeDot,
    /// The time of the prompt.
    pub prompted: Timestamp,
    /// The time at which the head began to move.
    pub begun: Timestamp,
    /// The time at which the head had turned to the dot.
    pub reached: Timestamp,
    /// The greatest yaw in degrees against the first view, positive to the left of the person.
    pub yaw: f32,
}

/// The steps that were answered, and the one that is being answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Steps {
    pub(super) answered: Vec<ChallengeStep>,
    /// The beginning of the answer that is not at its end yet.
    begun: Option<Timestamp>,
    /// The yaw of each frame since the last answer.
    rest: Vec<(Timestamp, f32)>,
}

impl Steps {
    /// Takes the yaw of a frame, positive to the left of the person, 0 in the first view. `moves` has all moves with their times.
    pub(super) fn push(
        &mut self,
        at: Timestamp,
        yaw: f32,
        moves: &[(Timestamp, ChallengeDot)],
    ) -> Result<(), ChallengeReason> {
        let resting = self.resting();
        if let Some(last) = self.answered.last_mut()
            && self.begun.is_none()
            && last.dot != ChallengeDot::Middle
            && yaw.abs() > last.yaw.abs()
        {
            last.yaw = yaw;
        }
        let Some(&(prompted, dot)) = moves.get(self.answered.len()) else {
            let went_on = resting == ChallengeDot::Middle && yaw.abs() >= SIDE;
            return if went_on && !self.are_complete(at, moves.len()) {
                Err(ChallengeReason::WrongDirection)
            } else {
                Ok(())
            };
        };
        let begun = match self.begun {
            Some(begun) => begun,
            None if keeps(resting, yaw) => {
                self.rest.push((at, yaw));
                return if at > prompted + LATEST {
                    Err(ChallengeReason::AnsweredTooLate)
                } else {
                    Ok(())
                };
            }
            None => {
                let begun = self.beginning(at);
                if begun < prompted + EARLIEST {
                    return Err(ChallengeReason::AnsweredTooEarly);
                }
                if begun > prompted + LATEST {
                    return Err(ChallengeReason::AnsweredTooLate);
                }
                self.begun = Some(begun);
                begun
            }
        };
        if reaches(dot, yaw) {
            self.answered.push(ChallengeStep {
                dot,
                prompted,
                begun,
                reached: at,
                yaw,
            });
            self.begun = None;
            self.rest = vec![(at, yaw)];
        } else if is_wrong(resting, dot, yaw) {
            return Err(ChallengeReason::WrongDirection);
        } else if at > begun + LONGEST {
            return Err(ChallengeReason::TurnTooSmall);
        }
        Ok(())
    }

    /// True if all of so many moves are answered, and a last one to the middle was kept.
    pub(super) fn are_complete(&self, at: Timestamp, moves: usize) -> bool {
        self.answered.len() == moves
            && self.answered.last().is_some_and(|last| {
                last.dot != ChallengeDot::Middle || at.duration_since(last.reached) >= KEPT
            })
    }

    /// The dot to which the head has turned.
    fn resting(&self) -> ChallengeDot {
        let last = self.answered.last();
        last.map_or(ChallengeDot::Middle, |step| step.dot)
    }

    /// The beginning of a movement that has left the place of the dot at the time `at`: the first frame after the head kept still.
    fn beginning(&self, at: Timestamp) -> Timestamp {
        let mut yaws: Vec<f32> = self.rest.iter().map(|(_, yaw)| *yaw).collect();
        if yaws.is_empty() {
            return at;
        }
        let middle = yaws.len() / 2;
        let still = *yaws.select_nth_unstable_by(middle, f32::total_cmp).1;
        let moving = self.rest.iter().rev();
        let moving = moving.take_while(|(_, yaw)| (yaw - still).abs() > STILL);
        moving.last().map_or(at, |(time, _)| *time)
    }
}

fn keeps(dot: ChallengeDot, yaw: f32) -> bool {
    match dot {
        ChallengeDot::Left => yaw >= SIDE_KEPT,
        ChallengeDot::Middle => yaw.abs() <= MIDDLE_KEPT,
        ChallengeDot::Right => yaw <= -SIDE_KEPT,
    }
}

fn reaches(dot: ChallengeDot, yaw: f32) -> bool {
    match dot {
        ChallengeDot::Left => yaw >= SIDE,
        ChallengeDot::Middle => yaw.abs() <= MIDDLE,
        ChallengeDot::Right => yaw <= -SIDE,
    }
}

/// True if the head has turned to the other side than the dot, and has not come from there.
fn is_wrong(resting: ChallengeDot, dot: ChallengeDot, yaw: f32) -> bool {
    match (resting, dot) {
        (ChallengeDot::Right, ChallengeDot::Middle)
        | (ChallengeDot::Middle, ChallengeDot::Right) => yaw >= SIDE,
        (ChallengeDot::Left, ChallengeDot::Middle) | (ChallengeDot::Middle, ChallengeDot::Left) => {
            yaw <= -SIDE
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + milliseconds).unwrap()
    }

    /// Left at 1 s, right at 2 s, the middle at 4 s.
    const MOVES: [(i64, ChallengeDot); 3] = [
        (1000, ChallengeDot::Left),
        (2000, ChallengeDot::Right),
        (4000, ChallengeDot::Middle),
    ];

    /// Pushes a yaw every 100 ms: the head turns to each yaw within 300 ms from its time on.
    fn follow(turns: &[(i64, f32)], until: i64) -> (Steps, Option<ChallengeReason>) {
        let moves = MOVES.map(|(time, dot)| (at(time), dot));
        let mut steps = Steps::default();
        for time in (0..until).step_by(100) {
            let mut yaw = 0.0;
            for &(begin, to) in turns {
                let share = ((time - begin) as f32 / 300.0).clamp(0.0, 1.0);
                yaw += (to - yaw) * share;
            }
            if let Err(reason) = steps.push(at(time), yaw, &moves) {
                return (steps, Some(reason));
            }
        }
        (steps, None)
    }

    #[test]
    fn answers_in_time_are_steps() {
        let (steps, reason) = follow(&[(1400, 22.0), (2500, -20.0), (4400, 1.0)], 5000);
        assert_eq!(reason, None);
        let dots: Vec<ChallengeDot> = steps.answered.iter().map(|step| step.dot).collect();
        assert_eq!(dots, MOVES.map(|(_, dot)| dot));
        assert_eq!(steps.answered[0].begun, at(1500));
        assert!((steps.answered[0].yaw - 22.0).abs() < 1e-3);
        assert_eq!(steps.answered[2].prompted, at(4000));
    }

    /// A turn from the right to the left passes the middle, which is the last move.
    #[test]
    fn the_last_middle_is_kept() {
        let turns = [(1400, 22.0), (2500, -20.0)];
        let follow = |to: f32| follow(&[&turns[..], &[(4400, to)]].concat(), 5500);
        assert_eq!(follow(1.0).1, None);
        let (steps, reason) = follow(24.0);
        assert_eq!(reason, Some(ChallengeReason::WrongDirection));
        assert_eq!(steps.answered.len(), 3);
        assert!(!steps.are_complete(steps.answered[2].reached, 3));
    }

    #[test]
    fn answers_at_the_wrong_time_fail() {
        for (turns, reason) in [
            (&[(900, 22.0)][..], ChallengeReason::AnsweredTooEarly),
            (&[(500, 22.0)], ChallengeReason::AnsweredTooEarly),
            (&[(2300, 22.0)], ChallengeReason::AnsweredTooLate),
            (&[], ChallengeReason::AnsweredTooLate),
            (&[(1400, -22.0)], ChallengeReason::WrongDirection),
            (&[(1400, 9.5)], ChallengeReason::TurnTooSmall),
            (
                &[(1400, 22.0), (1700, 0.0)],
                ChallengeReason::AnsweredTooEarly,
            ),
        ] {
            assert_eq!(follow(turns, 5000).1, Some(reason), "{turns:?}");
        }
    }
}
