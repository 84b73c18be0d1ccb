//! Detectors of the YuNet family.

use serde::{Deserialize, Serialize};

use super::{DetectOptions, Detection, Detector, grid::GridNetwork};
use crate::{
    error::Result,
    geometry::{Point, Rect},
    image::ImageView,
    input::PixelSpec,
    runtime::Network,
};

/// The specification of a model for [`YuNet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YuNetSpec {
    /// The conversion of pixels to numbers.
    pub pixels: PixelSpec,
    /// The cell size of each output grid, in pixels. Outputs are named after it: `cls_8`, `obj_8` and so on.
    pub strides: Vec<usize>,
    /// The default of [`DetectOptions::score`].
    pub score: f32,
    /// The default of [`DetectOptions::overlap`].
    pub overlap: f32,
}

/// The YuNet family of detectors (Wu, Peng and Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector").
///
/// Each cell has one anchor. The score is the geometric mean of classification and objectness. The input of a model may
/// have a dynamic or a fixed size.
#[derive(Debug)]
pub struct YuNet {
    grids: GridNetwork,
    /// The indices of the outputs of each stride: class, objectness, box, points.
    outputs: Vec<[usize; 4]>,
}

impl YuNet {
    /// Makes a detector from `network`. Errors call it `model`.
    ///
    /// # Errors
    ///
    /// [`Error::Model`](crate::Error::Model) if the network lacks an output of the family.
    pub fn new(network: Box<dyn Network>, model: &str, spec: &YuNetSpec) -> Result<Self> {
        let grids = GridNetwork::new(
            network,
            model,
            spec.pixels,
            &spec.strides,
            spec.score,
            spec.overlap,
        )?;
        let ports = &grids.network.signature().outputs;
        let position = |kind: &str, stride: usize| {
            let name = format!("{kind}_{stride}");
            ports
                .iter()
                .position(|port| port.name == name)
                .ok_or_else(|| {
                    grids.broken(format!("has no output named {name:?}, which YuNet has"))
                })
        };
        let outputs = spec
            .strides
            .iter()
            .map(|&s| {
                Ok([
                    position("cls", s)?,
                    position("obj", s)?,
                    position("bbox", s)?,
                    position("kps", s)?,
                ])
            })
            .collect::<Result<_>>()?;
        Ok(Self { grids, outputs })
    }
}

impl Detector for YuNet {
    fn detect(&self, image: ImageView<'_>, options: &DetectOptions) -> Result<Vec<Detection>> {
        let _span = tracing::debug_span!("detect", model = %self.grids.model).entered();
        self.grids
            .detect(image, options, |outputs, number, grid, lowest, found| {
                let [class, object, rect, points] = self.outputs[number];
                let count = grid.columns * grid.rows;
                let class = self.grids.rows(outputs, class, count, 1)?;
                let object = self.grids.rows(outputs, object, count, 1)?;
                let rects = self.grids.rows(outputs, rect, count, 4)?;
                let points = self.grids.rows(outputs, points, count, 10)?;
                for (cell, (class, object)) in class.iter().zip(object).enumerate() {
                    let score = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
                    // Not `score < lowest`, so that NaN is no face.
                    if !(score >= lowest && score > 0.0) {
                        continue;
                    }
                    let (column, row) =
                        ((cell % grid.columns) as f32, (cell / grid.columns) as f32);
                    let place = |dx: f32, dy: f32| {
                        Point::new((column + dx) * grid.stride, (row + dy) * grid.stride)
                    };
                    let [dx, dy, dw, dh] = rects[4 * cell..][..4] else {
                        unreachable!("rows are four wide")
                    };
                    let center = place(dx, dy);
                    let (width, height) = (dw.exp() * grid.stride, dh.exp() * grid.stride);
                    let rect = Rect::new(
                        center.x - width / 2.0,
                        center.y - height / 2.0,
                        width,
                        height,
                    );
                    let (points, _) = points[10 * cell..][..10].as_chunks::<2>();
                    let landmarks =
                        std::array::from_fn::<Point, 5, _>(|i| place(points[i][0], points[i][1]))
                            .into();
                    found.push(Detection {
                        rect,
                        landmarks,
                        score,
                    });
                }
                Ok(())
            })
    }

    fn largest_side(&self) -> Option<usize> {
        self.grids.largest_side()
    }
}
