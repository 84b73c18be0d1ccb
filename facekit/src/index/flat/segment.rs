//! The rows of an index, in segments that readers share.

use crate::index::{
    EntryId,
    kernel::{BLOCK, CHUNK, GROUP, Line},
    row::{Precision, Row, Rows},
    shape::{Shape, ZERO},
    wipe::{resize, wipe},
};

/// The number of rows of a full segment. A change copies the segments that it touches.
pub(super) const ROWS: usize = 1024;

/// Up to [`ROWS`] rows. A segment that readers may hold never changes; a writer changes a copy.
///
/// The memory is overwritten when the segment is dropped.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The ids of the rows; of a free row, any id.
    ids: Vec<EntryId>,
    /// A bit for each row, set if the row is in use.
    live: [u64; ROWS / 64],
    /// The greatest distance of a rotated embedding from the one that its codes stand for.
    residual: f32,
    codes: Vec<Line>,
    signs: Vec<Line>,
    /// The embeddings, padded with zeros.
    values: Rows,
}

impl Segment {
    pub(super) fn new(precision: Precision) -> Self {
        Self {
            ids: Vec::new(),
            live: [0; ROWS / 64],
            residual: 0.0,
            codes: Vec::new(),
            signs: Vec::new(),
            values: Rows::new(precision),
        }
    }

    /// The same rows in another precision. `room` and `rotated` are room for values.
    pub(super) fn at(
        &self,
        precision: Precision,
        shape: &Shape,
        room: &mut Vec<f32>,
        rotated: &mut [f32],
    ) -> Self {
        let mut other = Self::new(precision);
        other.grow(self.rows(), shape);
        let mut rounded = Vec::new();
        for row in (0..self.rows()).filter(|&row| self.is_live(row)) {
            let values = self.values(row, shape).single(room);
            let values = precision.rounded(values, &mut rounded);
            other.put(row, self.id(row), values, shape, rotated);
        }
        wipe(&mut rounded, 0.0);
        other
    }

    /// The number of rows, in use or free: a multiple of [`BLOCK`].
    pub(super) fn rows(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn id(&self, row: usize) -> EntryId {
        self.ids[row]
    }

    pub(super) fn live(&self) -> &[u64] {
        &self.live[..self.rows() / 64]
    }

    pub(super) fn is_live(&self, row: usize) -> bool {
        self.live[row / 64] >> (row % 64) & 1 == 1
    }

    /// The number of rows in use.
    pub(super) fn count(&self) -> usize {
        self.live
            .iter()
            .map(|bits| bits.count_ones() as usize)
            .sum()
    }

    pub(super) fn residual(&self) -> f32 {
        self.residual
    }

    pub(super) fn codes(&self) -> &[Line] {
        &self.codes
    }

    pub(super) fn signs(&self) -> &[Line] {
        &self.signs
    }

    /// The lines of codes with `row` among others.
    #[inline]
    pub(super) fn group(&self, row: usize, shape: &Shape) -> &[Line] {
        let chunks = shape.chunks();
        &self.codes[row / GROUP * chunks..][..chunks]
    }

    /// The embedding of `row`, padded.
    #[inline]
    pub(super) fn values(&self, row: usize, shape: &Shape) -> Row<'_> {
        self.values.row(row, shape.stride)
    }

    /// Appends free rows, so that there are at least `rows`.
    pub(super) fn grow(&mut self, rows: usize, shape: &Shape) {
        let rows = rows.next_multiple_of(BLOCK);
        if rows <= self.rows() {
            return;
        }
        self.ids.resize(rows, EntryId(u64::MAX));
        resize(
            &mut self.codes,
            rows / GROUP * shape.chunks(),
            Line([ZERO as u8; 64]),
        );
        resize(&mut self.signs, rows / BLOCK * shape.bytes(), Line([0; 64]));
        self.values.resize(rows * shape.stride);
    }

    /// Puts an embedding into a row, rounded to the precision of the rows. `rotated` is room for the rotated values.
    pub(super) fn put(
        &mut self,
        row: usize,
        id: EntryId,
        values: &[f32],
        shape: &Shape,
        rotated: &mut [f32],
    ) {
        self.ids[row] = id;
        self.live[row / 64] |= 1 << (row % 64);
        self.values.set(row, shape.stride, values);
        shape.rotation.rotate(values, rotated);

        let chunks = shape.chunks();
        let (rotated, _) = rotated.as_chunks::<CHUNK>();
        let group = &mut self.codes[row / GROUP * chunks..][..chunks];
        let lines = group.iter_mut();
        let own = lines.map(|line| &mut line.0.as_chunks_mut().0[row % GROUP]);
        self.residual = self.residual.max(shape.encode(rotated, own));

        let bytes = shape.bytes();
        let block = &mut self.signs[row / BLOCK * bytes..][..bytes];
        let (eights, _) = rotated.as_flattened().as_chunks::<8>();
        for (line, values) in block.iter_mut().zip(eights) {
            let signs = values.iter().enumerate();
            line.0[row % BLOCK] =
                signs.fold(0, |bits, (at, &value)| bits | u8::from(value >= 0.0) << at);
        }
    }

    /// Frees a row and overwrites everything that was computed from the embedding.
    pub(super) fn clear(&mut self, row: usize, shape: &Shape) {
        self.ids[row] = EntryId(u64::MAX);
        self.live[row / 64] &= !(1 << (row % 64));
        self.values.set(row, shape.stride, &[]);
        let (chunks, bytes) = (shape.chunks(), shape.bytes());
        for line in &mut self.codes[row / GROUP * chunks..][..chunks] {
            line.0[row % GROUP * CHUNK..][..CHUNK].fill(ZERO as u8);
        }
        for line in &mut self.signs[row / BLOCK * bytes..][..bytes] {
            line.0[row % BLOCK] = 0;
        }
    }

    /// The number of bytes in memory: of what a scan reads, and of the embeddings.
    pub(super) fn memory(&self) -> (usize, usize) {
        let lines = self.codes.capacity() + self.signs.capacity();
        let ids = self.ids.capacity() * size_of::<EntryId>();
        (
            lines * size_of::<Line>() + ids + size_of::<Self>(),
            self.values.memory(),
        )
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        wipe(&mut self.codes, Line([0; 64]));
        wipe(&mut self.signs, Line([0; 64]));
        self.values.wipe();
    }
}
