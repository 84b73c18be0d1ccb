use serde::{Deserialize, Serialize};

use crate::PixelSpec;

/// What [`ArcFace`] must know of a model of its family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArcFaceSpec {
    /// How pixels are fed.
    pub pixels: PixelSpec,
    /// Pixels along a side of the aligned face it takes.
    pub side: usize,
    /// Numbers in an embedding.
    pub dimension: usize,
}
