use crate::error::{Error, Result};

/// The most attempts of a person in ten minutes.
const MOST_ATTEMPTS: u8 = 3;

/// Options of a [`Challenge`](crate::Challenge).
///
/// ```
/// use facekit::ChallengeOptions;
///
/// let second_attempt = ChallengeOptions::default().with_attempt(2).with_moves(5);
/// assert!(second_attempt.passive);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChallengeOptions {
    /// The number of moves of the dot, 4 (the default) or 5. A recording of another challenge fits by chance in one of about 110
    /// challenges with four moves, and in one of about 480 with five.
    pub moves: u8,
    /// The number of this attempt of the person in ten minutes, 1 to 3. The caller counts attempts and refuses the fourth; the
    /// verdict repeats the number.
    pub attempt: u8,
    /// Also requires that the median of the liveness scores counts as live, if the recognizer has a liveness check. On by default.
    pub passive: bool,
    /// True if the frames are mirrored, as a screen shows a person to herself. Cameras do not mirror, and the default is false.
    pub mirrored: bool,
}

impl Default for ChallengeOptions {
    fn default() -> Self {
        Self {
            moves: 4,
            attempt: 1,
            passive: true,
            mirrored: false,
        }
    }
}

impl ChallengeOptions {
    /// Sets [`moves`](Self::moves).
    #[must_use]
    pub fn with_moves(mut self, moves: u8) -> Self {
        self.moves = moves;
        self
    }

    /// Sets [`attempt`](Self::attempt).
    #[must_use]
    pub fn with_attempt(mut self, attempt: u8) -> Self {
        self.attempt = attempt;
        self
    }

    /// Sets [`passive`](Self::passive).
    #[must_use]
    pub fn with_passive(mut self, passive: bool) -> Self {
        self.passive = passive;
        self
    }

    /// Sets [`mirrored`](Self::mirrored).
    #[must_use]
    pub fn with_mirrored(mut self, mirrored: bool) -> Self {
        self.mirrored = mirrored;
        self
    }

    /// Fails with [`Error::InvalidArgument`] for a number that is out of range.
    pub(super) fn check(&self) -> Result<()> {
        if !(4..=5).contains(&self.moves) {
            let reason = format!("moves is {}, 4 or 5 is needed", self.moves);
            return Err(Error::argument("challenge", reason));
        }
        if !(1..=MOST_ATTEMPTS).contains(&self.attempt) {
            let reason = format!(
                "attempt is {}, a person has attempts 1 to {MOST_ATTEMPTS} in ten minutes",
                self.attempt
            );
            return Err(Error::argument("challenge", reason));
        }
        Ok(())
    }
}
