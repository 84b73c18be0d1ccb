//! Where a kernel or a pool looks at an image.

use candle_core::{Tensor, bail};

use super::select::surround;
use crate::{error::Result, node::Node, tensor::elements};

/// How a node moves its window over images, rows before columns.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    padding: Padding,
    pads: [usize; 4],
    /// Whether a window that starts within the padded image and ends beyond it counts.
    ceil: bool,
}

#[derive(Clone, Copy, Debug)]
enum Padding {
    Given,
    SameUpper,
    SameLower,
    Valid,
}

/// The windows over an image of one size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) kernel: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilations: [usize; 2],
    /// The image.
    pub(crate) size: [usize; 2],
    /// Rows and columns that are made up before and after it.
    pub(crate) before: [usize; 2],
    pub(crate) after: [usize; 2],
    /// How many windows there are.
    pub(crate) count: [usize; 2],
}

impl Window {
    /// Reads the attributes; a convolution's kernel is known from its weights.
    pub(crate) fn read(node: &Node<'_>, weights: Option<[usize; 2]>) -> Result<Self> {
        let pair = |name| -> Result<Option<[usize; 2]>> { sizes(name, node.ints(name)?) };
        let kernel = match (pair("kernel_shape")?, weights) {
            (Some(stated), Some(weights)) if stated != weights => {
                bail!("attribute kernel_shape is not that of the weights")
            }
            (_, Some(kernel)) | (Some(kernel), None) => kernel,
            (None, None) => bail!("it has no attribute kernel_shape"),
        };
        let window = Self {
            kernel,
            strides: pair("strides")?.unwrap_or([1; 2]),
            dilations: pair("dilations")?.unwrap_or([1; 2]),
            padding: node.word(
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
            bail!("a kernel, stride or dilation of zero");
        }
        Ok(window)
    }

    pub(crate) fn kernel(&self) -> [usize; 2] {
        self.kernel
    }

    /// The windows over an image of `size`.
    pub(crate) fn over(&self, size: [usize; 2]) -> Result<Windows> {
        let Self {
            kernel,
            strides,
            dilations,
            padding,
            pads,
            ceil,
        } = *self;
        let [mut before, mut after, mut count] = [[0; 2]; 3];
        for at in 0..2 {
            let reach = reach(kernel[at], dilations[at])?;
            let (least, stride) = (size[at], strides[at]);
            let same = least.div_ceil(stride).saturating_sub(1).checked_mul(stride);
            let same = same.and_then(|last| last.checked_add(reach));
            let Some(same) = same.map(|end| end.saturating_sub(least)) else {
                bail!("a window of {reach} is too large");
            };
            [before[at], after[at]] = match padding {
                Padding::Given => [pads[at], pads[at + 2]],
                Padding::SameUpper => [same / 2, same - same / 2],
                Padding::SameLower => [same - same / 2, same / 2],
                Padding::Valid => [0, 0],
            };
            let padded = least
                .checked_add(before[at])
                .and_then(|sum| sum.checked_add(after[at]));
            let Some(room) = padded.and_then(|padded| padded.checked_sub(reach)) else {
                bail!(
                    "a window of {reach} does not fit {least} padded by {} and {}",
                    before[at],
                    after[at]
                );
            };
            count[at] = if ceil {
                room.div_ceil(stride)
            } else {
                room / stride
            } + 1;
            // Nor does a window count that would see nothing but what is made up after the image.
            if ceil && (count[at] - 1) * stride >= least + before[at] {
                count[at] -= 1;
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
        elements(&count)?;
        elements(&windows.seen())?;
        Ok(windows)
    }
}

impl Windows {
    /// The rows and columns from the first that a window sees to the last.
    pub(crate) fn seen(&self) -> [usize; 2] {
        [0, 1].map(|at| {
            (self.count[at] - 1) * self.strides[at] + (self.kernel[at] - 1) * self.dilations[at] + 1
        })
    }

    /// What windows see of images, with `around` about them.
    pub(crate) fn cut(&self, images: &Tensor, around: f32) -> Result<Tensor> {
        let mut images = images.clone();
        for (at, seen) in self.seen().into_iter().enumerate() {
            let before = self.before[at];
            let after = seen.saturating_sub(before + self.size[at]);
            images = surround(&images, at + 2, [before, after], around)?.narrow(at + 2, 0, seen)?;
        }
        images.contiguous()
    }

    /// Whether each window is one value of the image, and each value a window.
    pub(crate) fn is_identity(&self) -> bool {
        self.kernel == [1; 2]
            && self.strides == [1; 2]
            && self.count == self.size
            && self.before == [0; 2]
    }

    /// How many values each window sees, along rows or columns: those of the image, or the padded image.
    pub(crate) fn values(&self, at: usize, padded: bool) -> Vec<f32> {
        let (first, end) = if padded {
            (0, self.before[at] + self.size[at] + self.after[at])
        } else {
            (self.before[at], self.before[at] + self.size[at])
        };
        let starts = (0..self.count[at]).map(|number| number * self.strides[at]);
        let values = starts.map(|start| {
            let taps = (0..self.kernel[at]).map(|tap| start + tap * self.dilations[at]);
            taps.filter(|&place| place >= first && place < end).count() as f32
        });
        values.collect()
    }
}

/// The values from the first to the last that a kernel sees.
fn reach(kernel: usize, dilation: usize) -> Result<usize> {
    let reach = (kernel - 1)
        .checked_mul(dilation)
        .and_then(|last| last.checked_add(1));
    match reach {
        Some(reach) => Ok(reach),
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
