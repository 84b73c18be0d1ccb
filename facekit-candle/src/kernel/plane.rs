//! An image laid out for its windows.

use super::{Columns, take};
use crate::ops::Windows;

/// The blocks that loops compute reach this far beyond the last value.
pub(super) const SLACK: usize = 64;

/// One channel of an image with everything around it that windows see, split by stride: rows and columns whose
/// numbers leave the same remainder lie together. What one tap of a kernel sees in all windows is then one run of
/// values, in which rows of windows lie `pitch` apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane {
    windows: Windows,
    /// The length of a row of one part, and of a part.
    pitch: usize,
    part: usize,
}

impl Plane {
    pub(crate) fn new(windows: &Windows) -> Self {
        let [rows, columns] = windows.seen();
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

    /// The windows as columns of a product.
    pub(crate) fn columns(&self) -> Columns {
        Columns {
            pitch: self.pitch,
            width: self.windows.count[1],
            height: self.windows.count[0],
        }
    }

    /// Where the run of each tap starts, in the order of a kernel's weights.
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

    /// Room for this many channels, filled with what is around images.
    pub(crate) fn room(&self, channels: usize, around: f32) -> Vec<f32> {
        let mut room = take(channels * self.len() + SLACK);
        room.fill(around);
        room
    }

    /// Lays out `image` in `room`, whose other values stay.
    pub(crate) fn lay(&self, image: &[f32], room: &mut [f32]) {
        let Windows {
            strides,
            size,
            before,
            ..
        } = self.windows;
        let [rows, columns] = self.windows.seen();
        let visible = rows.saturating_sub(before[0]);
        for (y, row) in image.chunks_exact(size[1]).enumerate().take(visible) {
            let y = y + before[0];
            for phase in 0..strides[1] {
                let part = (y % strides[0]) * strides[1] + phase;
                let start = part * self.part + y / strides[0] * self.pitch;
                // The first column of the image that is of this phase.
                let skipped = (phase + strides[1] - before[1] % strides[1]) % strides[1];
                let first = (before[1] + skipped) / strides[1];
                let end = columns.saturating_sub(phase).div_ceil(strides[1]);
                if first >= end || skipped >= row.len() {
                    continue;
                }
                let target = &mut room[start + first..start + end];
                if strides[1] == 1 {
                    let count = target.len().min(row.len());
                    target[..count].copy_from_slice(&row[..count]);
                } else {
                    every(strides[1], &row[skipped..], target);
                }
            }
        }
    }
}

/// Copies the first of each `stride` values.
fn every(stride: usize, values: &[f32], target: &mut [f32]) {
    if stride == 2 {
        // In pairs, which are copied many at a time.
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
