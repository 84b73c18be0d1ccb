//! Challenges: a person follows a dot with the head, and the movement of the face shows whether it has depth.

mod continuity;
mod depth;
mod limits;
mod options;
mod plan;
mod prompt;
#[cfg(test)]
mod replays;
mod session;
mod steps;
mod stills;
mod verdict;
mod views;

pub use continuity::ChallengeContinuity;
pub use limits::ChallengeLimits;
pub use options::ChallengeOptions;
pub use prompt::{ChallengeDot, ChallengePrompt};
pub use session::Challenge;
pub use steps::ChallengeStep;
pub use verdict::{ChallengeDepth, ChallengeOutcome, ChallengeReason, ChallengeVerdict};
