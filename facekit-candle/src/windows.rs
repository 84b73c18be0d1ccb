//! The positions of a kernel or a pool over an image.

/// The windows over an image of one size. In every pair, rows come before columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) kernel: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilations: [usize; 2],
    /// Height and width of the image.
    pub(crate) size: [usize; 2],
    /// Padding before the image (top, left) and after it (bottom, right).
    pub(crate) before: [usize; 2],
    pub(crate) after: [usize; 2],
    /// The number of windows.
    pub(crate) count: [usize; 2],
}

impl Windows {
    /// Rows and columns of the padded image, from the first that a window reads to the last.
    pub(crate) fn extent(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            (self.count[axis] - 1) * self.strides[axis]
                + (self.kernel[axis] - 1) * self.dilations[axis]
                + 1
        })
    }

    /// True if each window is one value of the image, and each value is one window.
    pub(crate) fn is_identity(&self) -> bool {
        self.kernel == [1; 2]
            && self.strides == [1; 2]
            && self.count == self.size
            && self.before == [0; 2]
    }

    /// For each window along an axis, the number of values in it: those of the image, or with `padded` those of the
    /// padded image.
    pub(crate) fn value_counts(&self, axis: usize, padded: bool) -> Vec<f32> {
        let (first, end) = if padded {
            (0, self.before[axis] + self.size[axis] + self.after[axis])
        } else {
            (self.before[axis], self.before[axis] + self.size[axis])
        };
        let starts = (0..self.count[axis]).map(|number| number * self.strides[axis]);
        let counts = starts.map(|start| {
            let taps = (0..self.kernel[axis]).map(|tap| start + tap * self.dilations[axis]);
            taps.filter(|&place| place >= first && place < end).count() as f32
        });
        counts.collect()
    }
}
