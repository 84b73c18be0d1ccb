//! How pixels become the numbers a model takes.

use serde::{Deserialize, Serialize};

/// Colour order and scaling of a model's input: `(pixel − mean) / std` for each channel, pixels being 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelSpec {
    /// The order of the three channels.
    pub color: ColorOrder,
    /// Subtracted, in the order of `color`.
    #[serde(default)]
    pub mean: [f32; 3],
    /// Divided by, in the order of `color`.
    #[serde(default = "ones")]
    pub std: [f32; 3],
}

fn ones() -> [f32; 3] {
    [1.0; 3]
}

/// The order of a model's three input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}
