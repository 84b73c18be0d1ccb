//! The content of the screen of a door.

use attendance_rules::PunchKind;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    commands::sightings::{Answer, Outcome},
    door::{DoorState, Guide, Refusal},
    error::Error,
    id::Id,
};

/// The content of the screen of a door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Screen {
    /// Nobody stands there, or the person who was marked has not left yet.
    Idle,
    /// Several people stand there.
    Several,
    /// The face is too far away.
    Closer,
    /// The face is too near.
    Back,
    /// The face is beside the middle.
    Center,
    /// The head is turned away.
    Turn,
    /// The face is too dark, too bright, or without contrast.
    Light,
    /// The person holds still.
    Hold {
        /// The frames so far in which the same person was found, 0 to 3.
        frames: usize,
    },
    /// The person is found and is being recorded. Nobody is marked yet.
    Checking,
    /// The person came in.
    In(Marked),
    /// The person went out.
    Out(Marked),
    /// The person was marked a short time ago.
    Duplicate(Marked),
    /// The person is not marked.
    Refused {
        /// The reason, as a stable code.
        code: String,
        /// The reason, for people.
        reason: String,
    },
    /// The face is nobody's. Nobody is named.
    Unknown,
    /// The face is a picture or a screen. Nobody is marked.
    Spoof,
    /// There were three refusals: PIN and QR code only.
    Codes {
        /// The seconds until faces are looked at again.
        seconds: i64,
    },
    /// No QR code is in the picture yet.
    Badge,
    /// People are not recognized here: PIN and QR code only.
    NoFaces,
}

/// The person of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Marked {
    /// The sighting, for "not me".
    pub sighting: Id,
    /// The person, for those who watch. It is not sent.
    #[serde(skip)]
    #[schemars(skip)]
    pub person: Option<Id>,
    /// The name.
    pub name: Option<String>,
    /// The time that counts.
    #[schemars(with = "crate::schema::Time")]
    pub at: Timestamp,
    /// The seconds until a punch would count, of a duplicate.
    pub seconds_left: Option<i64>,
}

impl Screen {
    /// The screen of an answer to a device.
    pub(super) fn of(answer: Answer) -> Self {
        let marked = Marked {
            sighting: answer.sighting,
            person: answer.person,
            name: answer.name,
            at: answer.at,
            seconds_left: answer.seconds_left,
        };
        match (answer.outcome, answer.direction) {
            (Outcome::Accepted, Some(PunchKind::Out)) => Self::Out(marked),
            (Outcome::Accepted, _) => Self::In(marked),
            (Outcome::Duplicate, _) => Self::Duplicate(marked),
            (Outcome::Refused, _) if answer.code.as_deref() == Some("unknown") => Self::Unknown,
            (Outcome::Refused, _) if answer.code.as_deref() == Some("spoof") => Self::Spoof,
            (Outcome::Refused, _) => Self::Refused {
                code: answer.code.unwrap_or_default(),
                reason: answer.reason.unwrap_or_default(),
            },
        }
    }

    /// The person of a result.
    pub(crate) fn marked_mut(&mut self) -> Option<&mut Marked> {
        match self {
            Self::In(marked) | Self::Out(marked) | Self::Duplicate(marked) => Some(marked),
            _ => None,
        }
    }

    /// The screen of a sighting that is refused.
    pub(super) fn refused(error: &Error) -> Self {
        Self::Refused {
            code: error.code.to_owned(),
            reason: error.detail.clone(),
        }
    }

    /// The screen of a state.
    pub(super) fn of_state(state: &DoorState, now: Timestamp) -> Self {
        match *state {
            DoorState::Guide(guide, frames) => match guide {
                Guide::Idle => Self::Idle,
                Guide::Several => Self::Several,
                Guide::Closer => Self::Closer,
                Guide::Back => Self::Back,
                Guide::Center => Self::Center,
                Guide::Turn => Self::Turn,
                Guide::Light => Self::Light,
                Guide::Hold => Self::Hold { frames },
            },
            DoorState::Decided(_) | DoorState::Checking => Self::Checking,
            DoorState::Recorded => Self::Idle,
            DoorState::Refused(Refusal::Unknown) => Self::Unknown,
            DoorState::Refused(Refusal::Spoof) => Self::Spoof,
            DoorState::CodesOnly(until) => Self::Codes {
                seconds: until.duration_since(now).as_secs() + 1,
            },
            DoorState::NoFaces => Self::NoFaces,
        }
    }
}
