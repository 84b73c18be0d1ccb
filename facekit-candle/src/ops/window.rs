//! The attributes of a node that moves a kernel or a pool over images.

use candle_core::{Tensor, bail};

use super::rows::pad_with;
use crate::{error::Result, node::Node, tensor::element_count, windows::Windows};

/// A window that moves over images. In every pair, rows come before columns.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    padding: Padding,
    pads: [usize; 4],
    /// True if there is also a window that starts in the padded image and ends beyond it.
    ceil: bool,
}

/// ONNX's attribute `auto_pad`.

#[derive(Clone, Copy, Debug)]
enum Padding {
    Given,
    SameUpper,
    SameLower,
    Valid,
}

impl Window {
    /// Reads the attributes. A convolution gives the size of its weights, which is the size of the kernel.
    pub(super) fn read(node: &Node<'_>, weights: Option<[usize; 2]>) -> Result<Self> {
        let pair = |name| -> Result<Option<[usize; 2]>> { sizes(name, node.ints(name)?) };
        let kernel = match (pair("kernel_shape")?, weights) {
            (Some(stated), Some(weights)) if stated != weights => {
                bail!("attribute kernel_shape is not the size of the weights")
            }
            (_, Some(kernel)) | (Some(kernel), None) => kernel,
            (None, None) => bail!("it has no attribute kernel_shape"),
        };
        let window = Self {
            kernel,
            strides: pair("strides")?.unwrap_or([1; 2]),
            dilations: pair("dilations")?.unwrap_or([1; 2]),
            padding: node.choice(
                "auto_pad",
                &[
                    ("NOTSET", Padding::Given),
                    ("SAME_UPPER", Padding::SameUpper),
                    ("SAME_LOWER", Padding::SameLower),
                    ("VALID", Padding::Valid),
                ],
            )?,
            pads: sizes("pads", node.ints("pads")?)?.unwrap_or([0; 4]),
            ceil: weights.is_none() && node.flag("ceil_mode", false)?,
        };
        if [window.kernel, window.strides, window.dilations]
            .concat()
            .contains(&0)
        {
            bail!("a kernel, stride or dilation is zero");
        }
        Ok(window)
    }

    pub(super) fn kernel(&self) -> [usize; 2] {
        self.kernel
    }

    /// The windows over an image of `size`.
    pub(super) fn windows_over(&self, size: [usize; 2]) -> Result<Windows> {
        let Self {
            kernel,
            strides,
            dilations,
            padding,
            pads,
            ceil,
        } = *self;
        let [mut before, mut after, mut count] = [[0; 2]; 3];
        for axis in 0..2 {
            let extent = extent(kernel[axis], dilations[axis])?;
            let (length, stride) = (size[axis], strides[axis]);
            // The padding of `SAME_UPPER` and `SAME_LOWER`: as many windows as the size divided by the stride.
            let last_start = length
                .div_ceil(stride)
                .saturating_sub(1)
                .checked_mul(stride);
            let end = last_start.and_then(|last| last.checked_add(extent));
            let Some(same) = end.map(|end| end.saturating_sub(length)) else {
                bail!("a window of {extent} is too large");
            };
            [before[axis], after[axis]] = match padding {
                Padding::Given => [pads[axis], pads[axis + 2]],
                Padding::SameUpper => [same / 2, same - same / 2],
                Padding::SameLower => [same - same / 2, same / 2],
                Padding::Valid => [0, 0],
            };
            let padded = length
                .checked_add(before[axis])
                .and_then(|sum| sum.checked_add(after[axis]));
            let Some(room) = padded.and_then(|padded| padded.checked_sub(extent)) else {
                bail!(
                    "a window of {extent} does not fit {length} padded by {} and {}",
                    before[axis],
                    after[axis]
                );
            };
            count[axis] = if ceil {
                room.div_ceil(stride)
            } else {
                room / stride
            } + 1;
            // A window that starts in the padding after the image does not count.
            if ceil && (count[axis] - 1) * stride >= length + before[axis] {
                count[axis] -= 1;
            }
        }
        let windows = Windows {
            kernel,
            strides,
            dilations,
            size,
            before,
            after,
            count,
        };
        element_count(&count)?;
        element_count(&windows.extent())?;
        Ok(windows)
    }
}

/// The part of images that windows read, with padding of the value `around`.
pub(super) fn pad_and_crop(images: &Tensor, windows: &Windows, around: f32) -> Result<Tensor> {
    let mut images = images.clone();
    for (axis, extent) in windows.extent().into_iter().enumerate() {
        let before = windows.before[axis];
        let after = extent.saturating_sub(before + windows.size[axis]);
        let padded = pad_with(&images, axis + 2, [before, after], around)?;
        images = padded.narrow(axis + 2, 0, extent)?;
    }
    images.contiguous()
}

/// The number of values from the first to the last that a kernel reads.
fn extent(kernel: usize, dilation: usize) -> Result<usize> {
    let extent = (kernel - 1)
        .checked_mul(dilation)
        .and_then(|last| last.checked_add(1));
    match extent {
        Some(extent) => Ok(extent),
        None => bail!("a kernel of {kernel} values with dilation {dilation} is too large"),
    }
}

fn sizes<const N: usize>(name: &str, numbers: Option<Vec<i64>>) -> Result<Option<[usize; N]>> {
    let Some(numbers) = numbers else {
        return Ok(None);
    };
    let sizes: Option<Vec<usize>> = numbers.iter().map(|&n| usize::try_from(n).ok()).collect();
    match sizes.and_then(|sizes| sizes.try_into().ok()) {
        Some(sizes) => Ok(Some(sizes)),
        None => bail!("attribute {name}: {numbers:?} is not supported; images have two dimensions"),
    }
}
