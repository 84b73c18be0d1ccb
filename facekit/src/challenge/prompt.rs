use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The place of the dot that the person follows with the head, as the person sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeDot {
    /// To the left of the person.
    Left,
    /// Straight ahead.
    Middle,
    /// To the right of the person.
    Right,
}

impl ChallengeDot {
    /// The word for the dot in data: `left`, `middle` or `right`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Middle => "middle",
            Self::Right => "right",
        }
    }
}

impl fmt::Display for ChallengeDot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The instruction for the person at a moment of a [`Challenge`](crate::Challenge).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChallengePrompt {
    /// The number of the move: 0 before the first one, when the person looks at the middle.
    pub number: usize,
    /// The number of moves of the whole challenge.
    pub moves: usize,
    /// The place of the dot.
    pub dot: ChallengeDot,
    /// The time from which the dot is there; `None` before the face was found.
    pub since: Option<Timestamp>,
}

impl ChallengePrompt {
    /// The key of a text for people who cannot turn their head or see the dot. The caller offers another way: a PIN, a QR code or a
    /// manager.
    pub const HELP_KEY: &'static str = "challenge-cannot-turn";

    /// The key of the text of this prompt, for translation.
    ///
    /// | key | English |
    /// |-|-|
    /// | `challenge-look-left` | Turn your head to the left. |
    /// | `challenge-look-middle` | Look straight ahead. |
    /// | `challenge-look-right` | Turn your head to the right. |
    /// | `challenge-cannot-turn` | If you cannot turn your head or see the dot, choose another way to sign in. |
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self.dot {
            ChallengeDot::Left => "challenge-look-left",
            ChallengeDot::Middle => "challenge-look-middle",
            ChallengeDot::Right => "challenge-look-right",
        }
    }

    /// The text in English.
    #[must_use]
    pub fn text(&self) -> &'static str {
        match self.dot {
            ChallengeDot::Left => "Turn your head to the left.",
            ChallengeDot::Middle => "Look straight ahead.",
            ChallengeDot::Right => "Turn your head to the right.",
        }
    }
}
