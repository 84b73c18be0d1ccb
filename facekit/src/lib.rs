//! Face recognition from parts.

mod align;
mod attendance;
mod detect;
mod digest;
mod embed;
mod error;
mod geometry;
pub mod image;
mod index;
#[cfg(feature = "engine")]
mod input;
mod liveness;
mod person;
mod progress;
#[cfg(feature = "engine")]
mod registry;
mod runtime;
mod store;

pub use crate::image::{Image, ImageView, PixelFormat};
#[cfg(feature = "engine")]
pub use crate::input::*;
#[cfg(feature = "engine")]
pub use crate::registry::*;
pub use crate::{
    align::*, attendance::*, detect::*, digest::*, embed::*, error::*, geometry::*, index::*,
    liveness::*, person::*, progress::*, runtime::*, store::*,
};
