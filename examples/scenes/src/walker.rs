use std::{f32::consts::TAU, sync::Arc};

use crate::{Actor, actor::Portrait};

/// The time for which a portrait is shown before the next one, if a walker shows all of them.
const PORTRAIT_SECONDS: f64 = 0.7;

/// A person who walks straight on, and may come nearer and turn the head.
#[derive(Clone, Debug)]
pub struct Walker {
    pub(crate) actor: Arc<Actor>,
    /// The portrait that is shown; `None` for all of them by turns.
    portrait: Option<usize>,
    /// The width of the face at the beginning, in pixels.
    width: f32,
    /// The width that is added in each second, in pixels.
    growth: f32,
    /// The left top corner of the face at the beginning.
    from: (f32, f32),
    /// Pixels a second.
    speed: (f32, f32),
    turn: Turn,
}

/// The movement of a head, which swings around its middle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn {
    /// The greatest turn to a side, in degrees.
    pub yaw: f32,
    /// The greatest nod, in degrees.
    pub pitch: f32,
    /// The greatest tilt towards a shoulder, in degrees.
    pub roll: f32,
    /// Swings a second.
    pub pace: f32,
    /// The part of a swing that was done at the beginning, 0 to 1.
    pub phase: f32,
}

/// The angles of a head at a time, in radians.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Angles {
    pub(crate) yaw: f32,
    pub(crate) pitch: f32,
    pub(crate) roll: f32,
}

impl Walker {
    /// Somebody who stands in the left top corner, with a face of this width in pixels.
    #[must_use]
    pub fn new(actor: &Arc<Actor>, width: f32) -> Self {
        Self {
            actor: Arc::clone(actor),
            portrait: None,
            width,
            growth: 0.0,
            from: (0.0, 0.0),
            speed: (0.0, 0.0),
            turn: Turn::default(),
        }
    }

    /// The left top corner of the face at the beginning.
    #[must_use]
    pub fn from(self, x: f32, y: f32) -> Self {
        Self {
            from: (x, y),
            ..self
        }
    }

    /// The speed in pixels a second.
    #[must_use]
    pub fn speed(self, x: f32, y: f32) -> Self {
        Self {
            speed: (x, y),
            ..self
        }
    }

    /// The pixels that are added to the width of the face in each second.
    #[must_use]
    pub fn growth(self, growth: f32) -> Self {
        Self { growth, ..self }
    }

    /// The movement of the head.
    #[must_use]
    pub fn turn(self, turn: Turn) -> Self {
        Self { turn, ..self }
    }

    /// Shows one portrait all the time, and not all by turns.
    #[must_use]
    pub fn showing(self, portrait: usize) -> Self {
        Self {
            portrait: Some(portrait % self.actor.portraits.len()),
            ..self
        }
    }

    /// The name of the person.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.actor.name
    }

    pub(crate) fn portrait(&self, seconds: f64) -> &Portrait {
        let portraits = &self.actor.portraits;
        let by_turns = (seconds / PORTRAIT_SECONDS) as usize % portraits.len();
        &portraits[self.portrait.unwrap_or(by_turns)]
    }

    /// The left top corner of the face.
    pub(crate) fn place(&self, seconds: f64) -> (f32, f32) {
        let seconds = seconds as f32;
        // A face that grows keeps its middle.
        let wider = (self.width_at(seconds) - self.width) / 2.0;
        (
            self.from.0 + self.speed.0 * seconds - wider,
            self.from.1 + self.speed.1 * seconds - wider,
        )
    }

    pub(crate) fn width(&self, seconds: f64) -> f32 {
        self.width_at(seconds as f32)
    }

    fn width_at(&self, seconds: f32) -> f32 {
        (self.width + self.growth * seconds).max(8.0)
    }

    /// The seconds after which the face has left a frame of this width; infinite for somebody who stands.
    pub(crate) fn leaves(&self, frame: f32) -> f64 {
        if self.speed.0 == 0.0 {
            return f64::INFINITY;
        }
        let way = if self.speed.0 > 0.0 {
            frame - self.from.0
        } else {
            -self.width - self.from.0
        };
        f64::from(way / self.speed.0)
    }

    /// Pixels a second to the right.
    pub(crate) fn pace(&self) -> f32 {
        self.speed.0
    }

    pub(crate) fn angles(&self, seconds: f64) -> Angles {
        let Turn {
            yaw,
            pitch,
            roll,
            pace,
            phase,
        } = self.turn;
        let swing = |rate: f32| (TAU * (rate * pace * seconds as f32 + phase)).sin();
        Angles {
            yaw: yaw.to_radians() * swing(1.0),
            pitch: pitch.to_radians() * swing(0.7),
            roll: roll.to_radians() * swing(1.3),
        }
    }
}
