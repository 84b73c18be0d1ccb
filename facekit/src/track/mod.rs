//! Tracks: the people in a video, rather than the faces in its frames.

mod assignment;
mod association;
mod cadence;
mod decision;
mod event;
mod motion;
mod motion_gate;
mod options;
mod seen;
mod shots;
mod tracker;

pub use event::{Track, TrackEvent, TrackId, TrackedFace};
pub use options::TrackerOptions;
pub use shots::BestShot;
pub use tracker::Tracker;
