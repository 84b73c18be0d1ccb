//! Face recognition from parts.

mod align;
mod attendance;
#[cfg(feature = "engine")]
mod calibration;
mod detect;
mod digest;
mod embed;
mod error;
#[cfg(feature = "engine")]
mod evaluate;
#[cfg(feature = "engine")]
mod gallery;
mod geometry;
pub mod image;
mod index;
#[cfg(feature = "engine")]
mod input;
mod liveness;
mod person;
mod progress;
#[cfg(feature = "engine")]
mod quality;
#[cfg(feature = "engine")]
mod recognize;
#[cfg(feature = "engine")]
mod registry;
mod runtime;
mod store;

pub use crate::image::{Image, ImageView, PixelFormat};
#[cfg(feature = "engine")]
pub use crate::input::*;
pub use crate::{
    align::*, attendance::*, detect::*, digest::*, embed::*, error::*, geometry::*, index::*,
    liveness::*, person::*, progress::*, runtime::*, store::*,
};
#[cfg(feature = "engine")]
pub use crate::{calibration::*, evaluate::*, gallery::*, quality::*, recognize::*, registry::*};
