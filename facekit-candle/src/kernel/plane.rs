//! The layout of an image in which each tap of a kernel reads one run of memory.

use super::{buffers::take_buffer, columns::Columns};
use crate::windows::Windows;

/// Values after the end of a buffer: loops compute whole blocks, and the last block reads this far beyond the last value.
pub(super) const SLACK: usize = 64;

/// The layout of one channel of an image, with the padding that windows read.
///
/// Neighboring windows lie `stride` values apart in the image. The padded image is therefore split into parts: the part `(i,
/// j)` holds the rows `i`, `i + stride`, … and of these the columns `j`, `j + stride`, …. In its part, the values that one tap
/// of the kernel reads are neighbors for neighboring windows, and rows of windows lie `pitch` apart. All values that a tap
/// reads are thus one run of memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane {
    windows: Windows,
    /// The number of values in a row of a part.
    pitch: usize,
    /// The number of values in a part.
    part: usize,
}

impl Plane {
    pub(crate) fn new(windows: &Windows) -> Self {
        let [rows, columns] = windows.extent();
        let pitch = columns.div_ceil(windows.strides[1]);
        Self {
            windows: *windows,
            pitch,
            part: rows.div_ceil(windows.strides[0]) * pitch,
        }
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.part * self.windows.strides[0] * self.windows.strides[1]
    }

    /// The windows as the columns of a product.
    pub(crate) fn columns(&self) -> Columns {
        Columns {
            pitch: self.pitch,
            width: self.windows.count[1],
            height: self.windows.count[0],
        }
    }

    /// The offset of the run of each tap, in the order of the kernel's weights.
    pub(crate) fn taps(&self) -> Vec<usize> {
        let Windows {
            kernel,
            strides,
            dilations,
            ..
        } = self.windows;
        let taps = (0..kernel[0]).flat_map(|y| (0..kernel[1]).map(move |x| [y, x]));
        let taps = taps.map(|[y, x]| {
            let [y, x] = [y * dilations[0], x * dilations[1]];
            let part = (y % strides[0]) * strides[1] + x % strides[1];
            part * self.part + y / strides[0] * self.pitch + x / strides[1]
        });
        taps.collect()
    }

    /// A buffer for this many channels, filled with `around`, the value of the padding.
    pub(crate) fn buffer(&self, channels: usize, around: f32) -> Vec<f32> {
        let mut buffer = take_buffer(channels * self.len() + SLACK);
        buffer.fill(around);
        buffer
    }

    /// Copies `image` into `buffer`. The values of the padding stay.
    pub(crate) fn copy_image(&self, image: &[f32], buffer: &mut [f32]) {
        let Windows {
            strides,
            size,
            before,
            ..
        } = self.windows;
        let [rows, columns] = self.windows.extent();
        let visible = rows.saturating_sub(before[0]);
        for (y, row) in image.chunks_exact(size[1]).enumerate().take(visible) {
            let y = y + before[0];
            for phase in 0..strides[1] {
                let part = (y % strides[0]) * strides[1] + phase;
                let start = part * self.part + y / strides[0] * self.pitch;
                // The first column of the image that belongs to this part.
                let skipped = (phase + strides[1] - before[1] % strides[1]) % strides[1];
                let first = (before[1] + skipped) / strides[1];
                let end = columns.saturating_sub(phase).div_ceil(strides[1]);
                if first >= end || skipped >= row.len() {
                    continue;
                }
                let target = &mut buffer[start + first..start + end];
                if strides[1] == 1 {
                    let count = target.len().min(row.len());
                    target[..count].copy_from_slice(&row[..count]);
                } else {
                    copy_strided(strides[1], &row[skipped..], target);
                }
            }
        }
    }
}

/// Copies the first of each `stride` values.
fn copy_strided(stride: usize, values: &[f32], target: &mut [f32]) {
    if stride == 2 {
        // In pairs, which the compiler turns into vector instructions.
        let (pairs, last) = values.as_chunks::<2>();
        let count = target.len().min(pairs.len());
        for (target, [value, _]) in target.iter_mut().zip(pairs) {
            *target = *value;
        }
        if let (Some(target), Some(value)) = (target.get_mut(count), last.first()) {
            *target = *value;
        }
        return;
    }
    for (target, value) in target.iter_mut().zip(values.iter().step_by(stride)) {
        *target = *value;
    }
}
