//! Videos that are computed from photos: people who walk, stand and turn their heads before a wall, with the exact place of each face.
//!
//! A [`Portrait`] is a photo with the box of its face. A [`Walker`] moves the portraits of a person through a [`Scene`], which draws a
//! frame for each time. The same scene gives the same frames. [`Identities`] compares the tracks that were found with the truth.
//!
//! ```
//! use std::sync::Arc;
//!
//! use facekit::{Image, Rect};
//! use scenes::{Actor, Portrait, Scene, Walker};
//!
//! let photo = Image::filled(200, 240, [150, 110, 90]);
//! let anna = Actor::new("anna", vec![Portrait::new(photo, Rect::new(60.0, 50.0, 80.0, 100.0))]);
//! let walker = Walker::new(&Arc::new(anna), 60.0).from(100.0, 120.0).speed(200.0, 0.0);
//! let scene = Scene::new(vec![walker]);
//! let frame = scene.frame(0.5);
//! assert_eq!(frame.faces[0].rect.x.round(), 200.0);
//! assert_eq!(frame.image.width(), scenes::WIDTH);
//! ```

mod actor;
mod grain;
mod head;
mod identities;
mod moved;
mod random;
mod scene;
mod walker;

pub use actor::{Actor, Portrait};
pub use identities::{Identities, Scores, Seen};
pub use moved::moved;
pub use random::Random;
pub use scene::{Crowd, Frame, HEIGHT, Look, Scene, TrueFace, WIDTH};
pub use walker::{Turn, Walker};
