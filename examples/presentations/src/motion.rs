//! The movements of a presentation.

use facekit::{
    Challenge, ChallengeDot, ChallengeOptions, ChallengePrompt,
    jiff::{SignedDuration, Timestamp},
};

use crate::{dice::Dice, render::Pose, surface::Surface};

/// The reaction to prompts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Behavior {
    /// None.
    Still,
    /// Moves the picture to the side of the dot.
    Shifts,
    /// Turns to the dot, by an angle between the two, in degrees.
    Turns([f32; 2]),
    /// Turns to the dots of another challenge. The recording is shown from its first move on when the first prompt is there.
    Replays([f32; 2]),
}

/// The time from a prompt to the beginning of an answer, and the duration of the answer, in milliseconds.
const REACTION: [f32; 2] = [220.0, 550.0];
const DURATION: [f32; 2] = [420.0, 650.0];
/// The fastest turn, in degrees a second.
const SPEED: f32 = 75.0;
/// The movement of a picture that is shifted, in eye distances.
const SHIFT: [f32; 2] = [0.3, 0.6];

/// The movements of one presentation.
#[derive(Debug)]
pub(crate) struct Motion {
    behavior: Behavior,
    /// The nonce of the challenge that was recorded.
    recorded: Option<[u8; 32]>,
    /// The pose at rest, and how it sways: amplitudes and periods in seconds.
    rest: Pose,
    sway: [[f32; 2]; 5],
    dice: Dice,
    begun: Option<Timestamp>,
    /// The last prompt that was answered: its number.
    answered: usize,
    moves: Vec<Move>,
}

/// A movement to a place: yaw in degrees, or a shift in eye distances.
#[derive(Clone, Copy, Debug)]
struct Move {
    begin: Timestamp,
    milliseconds: f32,
    to: f32,
}

impl Motion {
    pub(crate) fn new(behavior: Behavior, surface: Surface, dice: &mut Dice) -> Self {
        let recorded = matches!(behavior, Behavior::Replays(_)).then(|| {
            let mut nonce = [0; 32];
            nonce.fill_with(|| dice.below(256) as u8);
            nonce
        });
        let most = if surface.is_head() { 1.0 } else { 1.5 };
        Self {
            behavior,
            recorded,
            rest: Pose {
                yaw: dice.within(-4.0, 4.0),
                pitch: dice.within(-6.0, 6.0),
                roll: dice.within(-4.0, 4.0),
                shift: [dice.within(-0.2, 0.2), dice.within(-0.2, 0.2)],
            },
            sway: [0.8, 1.2, 1.0, 0.03, 0.03].map(|amplitude| {
                [
                    most * amplitude * dice.within(0.3, 1.0),
                    dice.within(1.5, 4.0),
                ]
            }),
            dice: dice.clone(),
            begun: None,
            answered: 0,
            moves: Vec::new(),
        }
    }

    /// The pose at the time `at`, for a person who sees `prompt`.
    pub(crate) fn pose(&mut self, prompt: &ChallengePrompt, at: Timestamp) -> Pose {
        let begun = *self.begun.get_or_insert(at);
        if prompt.number > self.answered {
            let prompted = prompt.since.unwrap_or(at);
            match self.recorded {
                None => self.answer(prompted, prompt.dot),
                Some(nonce) if self.answered == 0 => self.replay(&nonce, prompted, prompt.moves),
                Some(_) => {}
            }
            self.answered = prompt.number;
        }
        let mut place = 0.0;
        for step in &self.moves {
            let time = at.duration_since(step.begin).as_secs_f32() * 1000.0;
            let share = (time / step.milliseconds).clamp(0.0, 1.0);
            // Begins and ends slowly.
            place += (step.to - place) * share * share * (3.0 - 2.0 * share);
        }
        self.held(place, at.duration_since(begun).as_secs_f32())
    }

    /// The pose at a place, so many seconds after the beginning.
    pub(crate) fn held(&self, place: f32, seconds: f32) -> Pose {
        let sway = self.sway.map(|[amplitude, period]| {
            amplitude * (std::f32::consts::TAU * seconds / period).sin()
        });
        let mut pose = self.rest;
        pose.yaw += sway[0];
        pose.pitch += sway[1];
        pose.roll += sway[2];
        pose.shift[0] += sway[3];
        pose.shift[1] += sway[4];
        match self.behavior {
            Behavior::Still => {}
            Behavior::Shifts => pose.shift[0] += place,
            Behavior::Turns(_) | Behavior::Replays(_) => pose.yaw += place,
        }
        pose
    }

    /// Adds the answers to the prompts of the recorded challenge, whose first prompt comes at the time `first`.
    fn replay(&mut self, nonce: &[u8; 32], first: Timestamp, moves: usize) {
        let options = ChallengeOptions::default().with_moves(moves as u8);
        let prompts =
            Challenge::prompts(nonce, first, &options).expect("the prompt counts the moves");
        let begun = prompts[0].since;
        for prompt in prompts {
            let later = prompt
                .since
                .zip(begun)
                .map(|(since, begun)| since.duration_since(begun));
            self.answer(first + later.unwrap_or_default(), prompt.dot);
        }
    }

    /// Adds the answer to a prompt.
    fn answer(&mut self, prompted: Timestamp, dot: ChallengeDot) {
        let to = self.place_of(dot);
        let dice = &mut self.dice;
        let from = self.moves.last().map_or(0.0, |step| step.to);
        let slowest = (to - from).abs() / SPEED * 1000.0;
        let reaction = SignedDuration::from_millis(dice.within(REACTION[0], REACTION[1]) as i64);
        self.moves.push(Move {
            begin: prompted + reaction,
            milliseconds: dice.within(DURATION[0], DURATION[1]).max(slowest),
            to,
        });
    }

    /// A place of an answer to a dot: yaw in degrees, or a shift in eye distances.
    pub(crate) fn place_of(&mut self, dot: ChallengeDot) -> f32 {
        let dice = &mut self.dice;
        let side = match dot {
            // A camera does not mirror: the left of a person is the right of the image.
            ChallengeDot::Left => 1.0,
            ChallengeDot::Middle => 0.0,
            ChallengeDot::Right => -1.0,
        };
        side * match self.behavior {
            Behavior::Still => 0.0,
            Behavior::Shifts => dice.within(SHIFT[0], SHIFT[1]),
            Behavior::Turns([least, most]) | Behavior::Replays([least, most]) => {
                dice.within(least, most)
            }
        }
    }
}
