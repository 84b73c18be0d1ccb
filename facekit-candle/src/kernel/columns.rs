//! The positions of results in an image.

/// The columns of a product as rows of an image: each row has `pitch` columns, of which the first `width` are pixels. The
/// rest is computed and dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    pub(crate) pitch: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Columns {
    /// One row of `count` columns, all of them pixels.
    pub(crate) fn dense(count: usize) -> Self {
        Self {
            pitch: count,
            width: count,
            height: 1,
        }
    }

    /// The number of columns, from the first pixel to the last.
    pub(crate) fn count(&self) -> usize {
        (self.height - 1) * self.pitch + self.width
    }

    /// Writes `values`, which are the columns from `first` on, into an image of `width` × `height`.
    #[inline(always)]
    pub(super) fn store<const WIDTH: usize>(
        &self,
        values: &[f32; WIDTH],
        first: usize,
        image: &mut [f32],
    ) {
        if self.pitch == self.width
            && let Some(image) = image[first..].first_chunk_mut::<WIDTH>()
        {
            *image = *values;
            return;
        }
        let values = &values[..values.len().min(self.count() - first)];
        if self.pitch == self.width {
            image[first..first + values.len()].copy_from_slice(values);
            return;
        }
        let (mut row, mut column) = (first / self.pitch, first % self.pitch);
        let mut rest = values;
        while !rest.is_empty() {
            let (of_row, next) = rest.split_at(rest.len().min(self.pitch - column));
            let valid = of_row.len().min(self.width.saturating_sub(column));
            let start = row * self.width + column;
            if valid > 0 {
                image[start..start + valid].copy_from_slice(&of_row[..valid]);
            }
            (rest, row, column) = (next, row + 1, 0);
        }
    }
}
