//! How pixels become the numbers a model takes.

use ndarray::{Array4, ArrayViewMut3};
use serde::{Deserialize, Serialize};

use crate::{Dim, Element, Error, ImageView, Network, Port, Result, Tensor};

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

/// The four-dimensional tensor `[1, 3, height, width]` of an image, or a batch of them.
pub(crate) type Batch = Array4<f32>;

impl PixelSpec {
    /// Writes the RGB pixels of `image` as planes into `out` (`[3, height, width]`, at least as large). What lies right
    /// of and below the image becomes black.
    pub(crate) fn write(&self, image: ImageView<'_>, mut out: ArrayViewMut3<'_, f32>) {
        let (width, height) = (image.width(), image.height());
        let rgb = image.rgb8();
        for (plane, mut out) in out.outer_iter_mut().enumerate() {
            let channel = match self.color {
                ColorOrder::Rgb => plane,
                ColorOrder::Bgr => 2 - plane,
            };
            let (scale, shift) = (1.0 / self.std[plane], -self.mean[plane] / self.std[plane]);
            let (rows, columns) = out.dim();
            let out = out
                .as_slice_mut()
                .expect("a plane of a tensor in standard layout is contiguous");
            for (y, out) in out.chunks_exact_mut(columns).enumerate() {
                let filled = if y < height { width } else { 0 };
                if filled > 0 {
                    let row = &rgb[3 * y * width..][..3 * width];
                    for (out, pixel) in out.iter_mut().zip(row.chunks_exact(3)) {
                        *out = f32::from(pixel[channel]) * scale + shift;
                    }
                }
                out[filled..].fill(shift);
            }
            debug_assert!(rows >= height && columns >= width);
        }
    }
}

/// Whether a network that has this input can be given RGB images of `height` × `width`, any size where that is
/// [`Dim::Any`].
pub(crate) fn takes_images(input: &Port, [height, width]: [Dim; 2]) -> bool {
    let fits = |dim: Dim, wanted: Dim| match wanted {
        Dim::Any => dim != Dim::Fixed(0),
        Dim::Fixed(size) => dim.accepts(size),
    };
    let wanted = [Dim::Any, Dim::Fixed(3), height, width];
    input.element == Element::F32
        && input.shape.len() == 4
        && input
            .shape
            .iter()
            .zip(wanted)
            .all(|(&dim, wanted)| fits(dim, wanted))
}

/// Runs `network`, which `model` names in errors, on `count` items that `write` puts into a batch one by one, in as large batches as the network takes,
/// and hands each item's row of the first output to `read`.
pub(crate) fn run_batches(
    network: &dyn Network,
    model: &str,
    count: usize,
    [height, width]: [usize; 2],
    write: &mut dyn FnMut(usize, ArrayViewMut3<'_, f32>) -> Result<()>,
    read: &mut dyn FnMut(usize, &[f32]) -> Result<()>,
) -> Result<()> {
    const LARGEST: usize = 32;
    let batch = match network.signature().inputs[0].shape[0] {
        Dim::Fixed(size) => size,
        Dim::Any => LARGEST,
    };
    for first in (0..count).step_by(batch) {
        let used = batch.min(count - first);
        // Some rows are computed for nothing: by a network of a fixed batch size, and by a runtime that prepares itself for
        // each size, which is asked for few of them.
        let size = used.next_power_of_two().min(batch);
        let size = if network.signature().inputs[0].shape[0] == Dim::Any {
            size
        } else {
            batch
        };
        let mut input = Batch::zeros((size, 3, height, width));
        for (offset, item) in input.outer_iter_mut().take(used).enumerate() {
            write(first + offset, item)?;
        }
        let outputs = network.run(&[input.view().into_dyn().into()])?;
        let rows = outputs.first().and_then(Tensor::as_f32).and_then(|output| {
            let whole = output.as_slice()?;
            let rows = output.shape().first() == Some(&size) && !whole.is_empty();
            rows.then(|| whole.chunks_exact(whole.len() / size))
        });
        let rows = rows.ok_or_else(|| Error::Model {
            model: model.to_owned(),
            reason: "its first output is not one row of f32 for each item".to_owned(),
            source: None,
        })?;
        for (offset, row) in rows.take(used).enumerate() {
            read(first + offset, row)?;
        }
    }
    Ok(())
}
