//! Detectors of the SCRFD family.

use serde::{Deserialize, Serialize};

use super::{DetectOptions, Detection, Detector, grid::GridNetwork};
use crate::{
    error::Result,
    geometry::{Point, Rect},
    image::ImageView,
    input::PixelSpec,
    runtime::Network,
};

/// The specification of a model for [`Scrfd`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScrfdSpec {
    /// The conversion of pixels to numbers.
    pub pixels: PixelSpec,
    /// The cell size of each output grid, in pixels. Outputs are in this order: the scores of all grids, the boxes of all
    /// grids, the points of all grids.
    pub strides: Vec<usize>,
    /// Anchors in each cell.
    pub anchors: usize,
    /// The default of [`DetectOptions::score`].
    pub score: f32,
    /// The default of [`DetectOptions::overlap`].
    pub overlap: f32,
}

/// The SCRFD family of detectors (Guo et al. 2021, "Sample and Computation Redistribution for Efficient Face
/// Detection").
///
/// Each cell has several anchors, all at its top left corner. Boxes and points are distances from there, in cells.
#[derive(Debug)]
pub struct Scrfd {
    grids: GridNetwork,
    anchors: usize,
}

impl Scrfd {
    /// Makes a detector from `network`. Errors call it `model`.
    ///
    /// # Errors
    ///
    /// [`Error::Model`](crate::Error::Model) if the network does not have three outputs for each grid.
    pub fn new(network: Box<dyn Network>, model: &str, spec: &ScrfdSpec) -> Result<Self> {
        let grids = GridNetwork::new(
            network,
            model,
            spec.pixels,
            &spec.strides,
            spec.score,
            spec.overlap,
        )?;
        let (found, needed) = (
            grids.network.signature().outputs.len(),
            3 * spec.strides.len(),
        );
        if found != needed {
            return Err(grids.broken(format!(
                "has {found} outputs; SCRFD with these strides has {needed}"
            )));
        }
        if spec.anchors == 0 {
            return Err(grids.broken("SCRFD has at least one anchor per cell"));
        }
        Ok(Self {
            grids,
            anchors: spec.anchors,
        })
    }
}

impl Detector for Scrfd {
    fn detect(&self, image: ImageView<'_>, options: &DetectOptions) -> Result<Vec<Detection>> {
        let _span = tracing::debug_span!("detect", model = %self.grids.model).entered();
        let levels = self.grids.strides.len();
        self.grids
            .detect(image, options, |outputs, number, grid, lowest, found| {
                let count = grid.columns * grid.rows * self.anchors;
                let scores = self.grids.rows(outputs, number, count, 1)?;
                let rects = self.grids.rows(outputs, levels + number, count, 4)?;
                let points = self.grids.rows(outputs, 2 * levels + number, count, 10)?;
                for (place, &score) in scores.iter().enumerate() {
                    // Not `score < lowest`, so that NaN is no face.
                    if !(score >= lowest && score > 0.0) {
                        continue;
                    }
                    let cell = place / self.anchors;
                    let anchor =
                        Point::new((cell % grid.columns) as f32, (cell / grid.columns) as f32)
                            .scaled(grid.stride);
                    let [left, top, right, bottom] = rects[4 * place..][..4] else {
                        unreachable!("rows are four wide")
                    };
                    let rect = Rect::new(
                        anchor.x - left * grid.stride,
                        anchor.y - top * grid.stride,
                        (left + right) * grid.stride,
                        (top + bottom) * grid.stride,
                    );
                    let (points, _) = points[10 * place..][..10].as_chunks::<2>();
                    let landmarks = std::array::from_fn::<Point, 5, _>(|i| {
                        let [dx, dy] = points[i];
                        Point::new(anchor.x + dx * grid.stride, anchor.y + dy * grid.stride)
                    });
                    found.push(Detection {
                        rect,
                        landmarks: landmarks.into(),
                        score: score.min(1.0),
                    });
                }
                Ok(())
            })
    }

    fn largest_side(&self) -> Option<usize> {
        self.grids.largest_side()
    }
}
