//! The steps before and after the network that all detectors share.

use ndarray::Axis;

use super::{DetectOptions, Detection, nms::non_maximum_suppression};
use crate::{
    error::{Error, Result},
    geometry::Rect,
    image::{self, ImageView},
    input::{PixelSpec, takes_images, with_batch},
    runtime::{Dim, Network, Tensor},
};

/// A network that takes one image and gives numbers for each cell of a few grids.
#[derive(Debug)]
pub(super) struct GridNetwork {
    pub(super) network: Box<dyn Network>,
    pub(super) model: String,
    pub(super) pixels: PixelSpec,
    /// The cell size of each grid, in pixels of the network's input.
    pub(super) strides: Vec<usize>,
    /// The defaults of the options of the same names.
    pub(super) score: f32,
    pub(super) overlap: f32,
}

/// One grid of square cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) stride: f32,
}

impl GridNetwork {
    /// Checks that the network takes images. The heads check its outputs.
    pub(super) fn new(
        network: Box<dyn Network>,
        model: &str,
        pixels: PixelSpec,
        strides: &[usize],
        score: f32,
        overlap: f32,
    ) -> Result<Self> {
        let model = model.to_owned();
        let grids = Self {
            network,
            model,
            pixels,
            strides: strides.to_vec(),
            score,
            overlap,
        };
        grids.check_input()?;
        Ok(grids)
    }

    fn check_input(&self) -> Result<()> {
        let inputs = &self.network.signature().inputs;
        let takes_images = matches!(&inputs[..], [input]
            if takes_images(input, [Dim::Any; 2]) && input.shape[0].accepts(1));
        if !takes_images {
            return Err(self.broken("a detector has one input, [1, 3, height, width] of f32"));
        }
        if self.strides.is_empty() || self.strides.contains(&0) {
            return Err(self.broken("a detector has at least one grid, with cells larger than 0"));
        }
        Ok(())
    }

    pub(super) fn broken(&self, reason: impl Into<String>) -> Error {
        Error::Model {
            model: self.model.clone(),
            reason: reason.into(),
            source: None,
        }
    }

    /// Scales and pads `image` to a size that the network takes, runs the network, lets `read` collect the faces of each
    /// grid, scales these to pixels of `image`, and suppresses overlapping ones. The result is in falling order of score.
    ///
    /// `read` gets the outputs, the number of the grid, the grid, the lowest score, and the list of faces. It works in
    /// pixels of the network's input.
    pub(super) fn detect(
        &self,
        image: ImageView<'_>,
        options: &DetectOptions,
        mut read: impl FnMut(&[Tensor], usize, Grid, f32, &mut Vec<Detection>) -> Result<()>,
    ) -> Result<Vec<Detection>> {
        let lowest = fraction("score", options.score.unwrap_or(self.score))?;
        let overlap = fraction("overlap", options.overlap.unwrap_or(self.overlap))?;

        let equalized = options.equalize.then(|| image::equalize(&image.to_image()));
        let image = equalized
            .as_ref()
            .map_or(image, |equalized| equalized.view());
        let (width, height) = (image.width(), image.height());
        let (small_width, small_height, columns, rows) =
            self.fit(width, height, options.max_side)?;
        let small = if (small_width, small_height) == (width, height) {
            None
        } else {
            Some(image::resize(image, small_width, small_height)?)
        };
        let small = small.as_ref().map_or(image, |small| small.view());

        let outputs = with_batch((1, 3, rows, columns), |mut input| {
            self.pixels.write(small, input.index_axis_mut(Axis(0), 0));
            self.network.run(&[input.view().into_dyn().into()])
        })?;

        let mut found = Vec::new();
        for (number, &stride) in self.strides.iter().enumerate() {
            let grid = Grid {
                columns: columns / stride,
                rows: rows / stride,
                stride: stride as f32,
            };
            read(&outputs, number, grid, lowest, &mut found)?;
        }
        let (x, y) = (
            width as f32 / small_width as f32,
            height as f32 / small_height as f32,
        );
        let faces = found
            .into_iter()
            .map(|face| face.mapped([0.0; 2], [x, y]))
            .filter(is_sound)
            .collect();
        Ok(non_maximum_suppression(faces, overlap))
    }

    /// The longest side of an image that fits the network's input without a reduction; `None` if every size fits.
    pub(super) fn largest_side(&self) -> Option<usize> {
        let shape = &self.network.signature().inputs[0].shape;
        let fixed = |dim: &Dim| match *dim {
            Dim::Fixed(side) => Some(side),
            Dim::Any => None,
        };
        shape[2..].iter().filter_map(fixed).min()
    }

    /// The size of the reduced copy of an image, and the size of the network's input around it: columns, rows.
    fn fit(
        &self,
        width: usize,
        height: usize,
        max_side: Option<usize>,
    ) -> Result<(usize, usize, usize, usize)> {
        if max_side == Some(0) {
            return Err(Error::argument("max_side", "0 leaves no pixel"));
        }
        let shape = &self.network.signature().inputs[0].shape;
        let mut scale = max_side
            .map_or(1.0, |side| side as f64 / width.max(height) as f64)
            .min(1.0);
        for (dim, size) in [(shape[2], height), (shape[3], width)] {
            if let Dim::Fixed(fixed) = dim {
                scale = scale.min(fixed as f64 / size as f64);
            }
        }
        let scaled = |size: usize| ((size as f64 * scale).round() as usize).max(1);
        let (small_width, small_height) = (scaled(width), scaled(height));
        let multiple = self.strides.iter().copied().max().unwrap_or(1);
        let padded = |dim: Dim, size: usize| match dim {
            Dim::Fixed(fixed) => fixed,
            Dim::Any => size.next_multiple_of(multiple),
        };
        Ok((
            small_width,
            small_height,
            padded(shape[3], small_width),
            padded(shape[2], small_height),
        ))
    }

    /// An output as one row of `width` numbers for each of `count` positions.
    pub(super) fn rows<'a>(
        &self,
        outputs: &'a [Tensor],
        output: usize,
        count: usize,
        width: usize,
    ) -> Result<&'a [f32]> {
        let tensor = outputs.get(output);
        let values = tensor
            .and_then(Tensor::as_f32)
            .and_then(|array| array.as_slice());
        match values {
            Some(values) if values.len() == count * width => Ok(values),
            _ => {
                let port = self
                    .network
                    .signature()
                    .outputs
                    .get(output)
                    .map_or("", |port| &port.name);
                let found = tensor.map_or_else(
                    || "nothing".to_owned(),
                    |tensor| format!("{} {:?}", tensor.element(), tensor.view().shape()),
                );
                Err(self.broken(format!(
                    "output {port:?} is {found}, not f32 of {count} × {width}"
                )))
            }
        }
    }
}

fn fraction(argument: &'static str, value: f32) -> Result<f32> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(Error::argument(
            argument,
            format!("{value} is not between 0 and 1"),
        ))
    }
}

fn is_sound(face: &Detection) -> bool {
    let Rect {
        x,
        y,
        width,
        height,
    } = face.rect;
    let points = face.landmarks.points();
    [x, y, width, height]
        .iter()
        .chain(points.iter().flat_map(|p| [&p.x, &p.y]))
        .all(|n| n.is_finite())
        && width > 0.0
        && height > 0.0
}
