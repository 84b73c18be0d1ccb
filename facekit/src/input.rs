//! The input of a model: pixels to numbers, and batches.

use std::cell::Cell;

use multiversion::multiversion;
use ndarray::{ArrayViewMut3, ArrayViewMut4};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    image::ImageView,
    runtime::{Dim, Element, Network, Port, Tensor},
};

/// The color order and scaling of a model's input: `(pixel − mean) / std` for each channel, with pixels of 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelSpec {
    /// The order of the three channels.
    pub color: ColorOrder,
    /// The mean that is subtracted, in the order of `color`. 0 by default.
    #[serde(default)]
    pub mean: [f32; 3],
    /// The standard deviation that is divided by, in the order of `color`. 1 by default.
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

/// A tensor `[batch, 3, height, width]` for images.
pub(crate) type Batch<'a> = ArrayViewMut4<'a, f32>;

/// Calls `work` with a tensor for images. Its content is arbitrary at first.
///
/// The memory is kept for the next call on the same thread, up to the size of a large photo, since new memory takes longer
/// to get than to fill.
pub(crate) fn with_batch<T>(
    shape: (usize, usize, usize, usize),
    work: impl FnOnce(Batch<'_>) -> T,
) -> T {
    const KEPT: usize = 1 << 23;
    thread_local! {
        static MEMORY: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    }
    let mut memory = MEMORY.take();
    let length = shape.0 * shape.1 * shape.2 * shape.3;
    if memory.len() < length {
        memory.resize(length, 0.0);
    }
    let batch = Batch::from_shape(shape, &mut memory[..length]);
    let result = work(batch.expect("the length is that of the shape"));
    if memory.len() <= KEPT {
        MEMORY.set(memory);
    }
    result
}

impl PixelSpec {
    /// Writes the RGB pixels of `image` as planes to `out` (`[3, height, width]`, at least as large). The area right of and
    /// below the image becomes black.
    pub(crate) fn write(&self, image: ImageView<'_>, mut out: ArrayViewMut3<'_, f32>) {
        let (width, height) = (image.width(), image.height());
        let (_, rows, columns) = out.dim();
        assert!(rows >= height && columns >= width, "the image fits");
        let scale = self.std.map(|std| 1.0 / std);
        let shift = [0, 1, 2].map(|plane| -self.mean[plane] / self.std[plane]);
        let out = out.as_slice_mut().expect("a tensor in standard layout");
        let (first, rest) = out.split_at_mut(rows * columns);
        let (second, third) = rest.split_at_mut(rows * columns);
        let mut planes = [first, second, third];
        let rgb = image.rgb8();
        let pixels = rgb.chunks_exact(3 * width);
        for (y, row) in pixels.enumerate() {
            let mut channel = 0;
            let rows = planes.each_mut().map(|plane| {
                let (filled, border) = plane[y * columns..][..columns].split_at_mut(width);
                border.fill(shift[channel]);
                channel += 1;
                filled
            });
            match self.color {
                ColorOrder::Rgb => separate(row, rows, scale, shift),
                ColorOrder::Bgr => {
                    let ([a, b, c], [d, e, f], [g, h, i]) = (rows, scale, shift);
                    separate(row, [c, b, a], [f, e, d], [i, h, g]);
                }
            }
        }
        for (plane, shift) in planes.iter_mut().zip(shift) {
            plane[height * columns..].fill(shift);
        }
    }
}

/// Separates a row of RGB pixels into three rows of numbers.
#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn separate(pixels: &[u8], rows: [&mut [f32]; 3], scale: [f32; 3], shift: [f32; 3]) {
    let (pixels, _) = pixels.as_chunks::<3>();
    let [first, second, third] = rows;
    let rows = first.iter_mut().zip(second).zip(third);
    for (&[r, g, b], ((first, second), third)) in pixels.iter().zip(rows) {
        *first = f32::from(r) * scale[0] + shift[0];
        *second = f32::from(g) * scale[1] + shift[1];
        *third = f32::from(b) * scale[2] + shift[2];
    }
}

/// True if an input takes RGB images of `height` × `width` ([`Dim::Any`]: of every size) in batches of at most 1024.
pub(crate) fn takes_images(input: &Port, [height, width]: [Dim; 2]) -> bool {
    const MOST: usize = 1024;
    let fits = |dim: Dim, wanted: Dim| match wanted {
        Dim::Any => dim != Dim::Fixed(0),
        Dim::Fixed(size) => dim.accepts(size),
    };
    let wanted = [Dim::Any, Dim::Fixed(3), height, width];
    input.element == Element::F32
        && input.shape.len() == 4
        && !matches!(input.shape[0], Dim::Fixed(batch) if batch > MOST)
        && input
            .shape
            .iter()
            .zip(wanted)
            .all(|(&dim, wanted)| fits(dim, wanted))
}

/// Runs `network` on `count` items. `write` puts an item into a batch, and `read` gets the item's row of the first output.
/// Errors call the network `model`.
///
/// If the batch size is free, batches are powers of two up to 32 (13 items: 8, 4 and 1). So no row is wasted, and a runtime
/// that prepares itself for each batch size sees few sizes.
pub(crate) fn run_batches(
    network: &dyn Network,
    model: &str,
    count: usize,
    [height, width]: [usize; 2],
    write: &mut dyn FnMut(usize, ArrayViewMut3<'_, f32>) -> Result<()>,
    read: &mut dyn FnMut(usize, &[f32]) -> Result<()>,
) -> Result<()> {
    const LARGEST: usize = 32;
    let mut first = 0;
    while first < count {
        let size = match network.signature().inputs[0].shape[0] {
            Dim::Fixed(size) => size,
            Dim::Any => 1 << (count - first).min(LARGEST).ilog2(),
        };
        let used = size.min(count - first);
        let outputs = with_batch((size, 3, height, width), |mut input| {
            for (offset, mut item) in input.outer_iter_mut().enumerate() {
                if offset < used {
                    write(first + offset, item)?;
                } else {
                    item.fill(0.0);
                }
            }
            network.run(&[input.view().into_dyn().into()])
        })?;
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
        first += used;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ndarray::ArrayD;

    use super::*;
    use crate::{
        image::Image,
        runtime::{Signature, TensorView},
    };

    /// A network that returns each item's first number and records the batch sizes.
    #[derive(Debug)]
    struct Echo {
        signature: Signature,
        sizes: Mutex<Vec<usize>>,
    }

    impl Echo {
        fn new(batch: Dim) -> Self {
            let port = |shape: Vec<Dim>| Port {
                name: String::new(),
                element: Element::F32,
                shape,
            };
            let input = [batch, Dim::Fixed(3), Dim::Fixed(1), Dim::Fixed(1)];
            Self {
                signature: Signature {
                    inputs: vec![port(input.to_vec())],
                    outputs: vec![port(vec![batch, Dim::Fixed(1)])],
                },
                sizes: Mutex::default(),
            }
        }
    }

    impl Network for Echo {
        fn signature(&self) -> &Signature {
            &self.signature
        }

        fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
            let TensorView::F32(input) = &inputs[0] else {
                unreachable!("pixels are f32")
            };
            let size = input.shape()[0];
            self.sizes.lock().unwrap().push(size);
            let firsts = input.outer_iter().map(|item| item[[0, 0, 0]]).collect();
            Ok(vec![
                ArrayD::from_shape_vec(vec![size, 1], firsts)
                    .unwrap()
                    .into(),
            ])
        }
    }

    fn batches(network: &Echo, count: usize) -> (Vec<f32>, Vec<usize>) {
        let mut rows = Vec::new();
        let mut write = |item: usize, mut out: ArrayViewMut3<'_, f32>| {
            out.fill(item as f32);
            Ok(())
        };
        let mut read = |item: usize, row: &[f32]| {
            assert_eq!((item, row.len()), (rows.len(), 1));
            rows.push(row[0]);
            Ok(())
        };
        run_batches(network, "echo", count, [1, 1], &mut write, &mut read).unwrap();
        (rows, network.sizes.lock().unwrap().clone())
    }

    #[test]
    fn free_batches_are_powers_of_two() {
        for (count, expected) in [(0, vec![]), (13, vec![8, 4, 1]), (70, vec![32, 32, 4, 2])] {
            let (rows, sizes) = batches(&Echo::new(Dim::Any), count);
            assert_eq!(rows, (0..count).map(|item| item as f32).collect::<Vec<_>>());
            assert_eq!(sizes, expected);
        }
        let (rows, sizes) = batches(&Echo::new(Dim::Fixed(4)), 6);
        assert_eq!((rows.len(), sizes), (6, vec![4, 4]));
    }

    #[test]
    fn pixels_become_planes_with_a_black_border() {
        let image = Image::from_rgb8((1..=12).collect(), 2, 2).unwrap();
        let rgb = PixelSpec {
            color: ColorOrder::Rgb,
            mean: [1.0, 2.0, 3.0],
            std: [2.0, 1.0, 0.5],
        };
        let bgr = PixelSpec {
            color: ColorOrder::Bgr,
            ..rgb
        };
        for (spec, channels) in [(rgb, [0, 1, 2]), (bgr, [2, 1, 0])] {
            // Twice: the second time, the memory holds the numbers of the first.
            for _ in 0..2 {
                with_batch((1, 3, 3, 4), |mut batch| {
                    let mut planes = batch.outer_iter_mut();
                    spec.write(image.view(), planes.next().unwrap());
                    for ((_, plane, y, x), &found) in batch.indexed_iter() {
                        let pixel = if x < 2 && y < 2 {
                            image.data()[3 * (2 * y + x) + channels[plane]]
                        } else {
                            0
                        };
                        let expected = (f32::from(pixel) - spec.mean[plane]) / spec.std[plane];
                        assert!((found - expected).abs() < 1e-5, "{plane} {y} {x}: {found}");
                    }
                    batch.fill(9.0);
                });
            }
        }
    }
}
