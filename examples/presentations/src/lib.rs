//! Presentations to challenges that are computed from a photo of a face: heads that turn, and attacks with pictures and recordings.
//!
//! They are for tests and measurements. They do not show how real attacks look: there is no screen and no print in them.

mod camera;
mod dice;
mod heads;
mod motion;
mod presentation;
mod render;
mod species;
mod surface;

pub use presentation::Presentation;
pub use species::Species;
