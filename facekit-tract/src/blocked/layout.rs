//! The layout of feature maps in memory.

use std::ops::{Deref, DerefMut};

/// Channels in a block.
pub(crate) const LANES: usize = 16;

/// The channels of one pixel and one block. They fill one cache line, so a load never reads two lines.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Lanes(pub(crate) [f32; LANES]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);

    pub(crate) const fn splat(value: f32) -> Self {
        Self([value; LANES])
    }
}

impl Deref for Lanes {
    type Target = [f32; LANES];

    #[inline(always)]
    fn deref(&self) -> &[f32; LANES] {
        &self.0
    }
}

impl DerefMut for Lanes {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32; LANES] {
        &mut self.0
    }
}

/// `values`, one for each channel, as blocks. The rest of the last block is zero.
pub(crate) fn per_channel(values: &[f32]) -> Vec<Lanes> {
    values
        .chunks(LANES)
        .map(|chunk| {
            let mut lanes = Lanes::ZERO;
            lanes[..chunk.len()].copy_from_slice(chunk);
            lanes
        })
        .collect()
}

/// Rows and columns of zeros around a map: the padding of the steps that read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Halo {
    pub(crate) top: usize,
    pub(crate) left: usize,
    pub(crate) bottom: usize,
    pub(crate) right: usize,
}

impl Halo {
    /// The smallest halo that is large enough for both.
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            top: self.top.max(other.top),
            left: self.left.max(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.max(other.right),
        }
    }
}

/// A map of one image. Its blocks of channels lie one after the other. Each block, a *plane*, is an image with its halo, row by
/// row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) halo: Halo,
}

impl Shape {
    pub(crate) fn new(channels: usize, height: usize, width: usize) -> Self {
        Self {
            channels,
            height,
            width,
            halo: Halo::default(),
        }
    }

    pub(crate) fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// The number of channels in this block.
    pub(crate) fn used(&self, block: usize) -> usize {
        (self.channels - block * LANES).min(LANES)
    }

    /// Pixels from one row to the next.
    pub(crate) fn row(&self) -> usize {
        self.width + self.halo.left + self.halo.right
    }

    /// Pixels from one block, or channel, to the next.
    pub(crate) fn plane(&self) -> usize {
        self.row() * (self.height + self.halo.top + self.halo.bottom)
    }

    /// Pixels of all blocks, with halos.
    pub(crate) fn block_pixels(&self) -> usize {
        self.blocks() * self.plane()
    }

    /// The offset of a pixel in its plane.
    pub(crate) fn at(&self, y: usize, x: usize) -> usize {
        (y + self.halo.top) * self.row() + x + self.halo.left
    }

    /// The offset of the first pixel of the first window, for windows with this padding on top and left.
    pub(crate) fn corner(&self, padding: Halo) -> usize {
        (self.halo.top - padding.top) * self.row() + self.halo.left - padding.left
    }

    /// The same map as a single row, if there is no halo between its rows.
    pub(crate) fn flat(&self) -> Option<Self> {
        (self.halo == Halo::default())
            .then(|| Self::new(self.channels, 1, self.height * self.width))
    }

    /// Fills the halo of each plane with `zero`.
    pub(crate) fn clear_halo<T: Copy>(&self, map: &mut [T], zero: T) {
        if self.halo == Halo::default() {
            return;
        }
        let row = self.row();
        for plane in map.chunks_exact_mut(self.plane()) {
            let (top, rest) = plane.split_at_mut(self.halo.top * row);
            let (middle, bottom) = rest.split_at_mut(self.height * row);
            top.fill(zero);
            bottom.fill(zero);
            for row in middle.chunks_exact_mut(row) {
                row[..self.halo.left].fill(zero);
                row[self.halo.left + self.width..].fill(zero);
            }
        }
    }
}
