use serde::{Deserialize, Serialize};

use crate::PixelSpec;

/// What [`YuNet`] must know of a model of its family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YuNetSpec {
    /// How pixels are fed.
    pub pixels: PixelSpec,
    /// Downsampling factors of the output levels, in pixels; outputs are named `cls_8`, `obj_8`, … after them.
    pub strides: Vec<usize>,
    /// The default of [`DetectOptions::score`](crate::DetectOptions::score).
    pub score: f32,
    /// The default of [`DetectOptions::overlap`](crate::DetectOptions::overlap).
    pub overlap: f32,
}
