//! The newest frame of a camera, for people who watch.

use std::sync::Arc;

use axum::body::Bytes;
use jiff::Timestamp;

use super::Screen;
use crate::recognition::Faces;

/// The newest frame of a camera. It is in memory only, until the next one.
#[derive(Clone, Debug)]
pub struct View {
    /// The time at which the server got the frame.
    pub at: Timestamp,
    /// The file.
    pub image: Bytes,
    /// The faces of the last frame that was looked at. While a result is shown, frames are not looked at. None if faces wait
    /// for longer.
    pub faces: Option<Arc<Faces>>,
    /// What the screen of the door shows.
    pub screen: Screen,
}
