//! The door: from the faces of successive frames to the one who stands before the camera.
//!
//! A [`Visit`] is the state of one door. It reads no clock and does no I/O: the caller gives it the faces of a frame and the
//! time, shows the [`DoorState`], and records the person of a [`Decision`].

mod view;
mod visit;

pub use {
    view::Guide,
    visit::{Conclusion, Decision, DoorRules, DoorState, MARK_FRAMES, Refusal, Visit},
};
