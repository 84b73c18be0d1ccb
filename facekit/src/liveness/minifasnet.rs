use serde::{Deserialize, Serialize};

use crate::PixelSpec;

/// What [`MiniFasNet`] must know of one network of its family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MiniFasNetSpec {
    /// How pixels are fed.
    pub pixels: PixelSpec,
    /// Pixels along a side of the crop it takes.
    pub side: usize,
    /// How much larger than the face box the crop is.
    pub context: f32,
    /// Which of the outputs stands for a living face.
    pub live: usize,
}
