//! A challenge in a browser: a page with the camera, and the program behind it.
//!
//! The browser sends frames, and gets the prompt that is due. The program keeps the challenge between two frames as serialized data,
//! takes the time from its own clock, and gives each verdict once.

mod desk;
mod page;
mod texts;

pub use desk::{Clock, Desk};
pub use page::router;
