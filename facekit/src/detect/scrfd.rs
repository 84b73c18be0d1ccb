use serde::{Deserialize, Serialize};

use crate::PixelSpec;

/// What [`Scrfd`] must know of a model of its family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScrfdSpec {
    /// How pixels are fed.
    pub pixels: PixelSpec,
    /// Downsampling factors of the output levels, in pixels; outputs come as all scores, all boxes, all points.
    pub strides: Vec<usize>,
    /// Anchors in each cell.
    pub anchors: usize,
    /// The default of [`DetectOptions::score`](crate::DetectOptions::score).
    pub score: f32,
    /// The default of [`DetectOptions::overlap`](crate::DetectOptions::overlap).
    pub overlap: f32,
}
