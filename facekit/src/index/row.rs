//! Rows of embeddings, in single or half precision.

use half::{f16, slice::HalfFloatSliceExt as _};

use super::{
    kernel,
    wipe::{resize, wipe},
};

/// The precision of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Single,
    Half,
}

impl Precision {
    /// The values, rounded to this precision. `room` is room for them.
    pub(super) fn rounded<'a>(self, values: &'a [f32], room: &'a mut Vec<f32>) -> &'a [f32] {
        match self {
            Self::Single => values,
            Self::Half => {
                let rounded = values.iter().map(|&value| f16::from_f32(value).to_f32());
                room.clear();
                room.extend(rounded);
                room
            }
        }
    }
}

/// Rows of one length, one after the other.
#[derive(Clone, Debug)]
pub(super) enum Rows {
    Single(Vec<f32>),
    Half(Vec<f16>),
}

/// The values of an embedding, padded with zeros.
#[derive(Clone, Copy, Debug)]
pub(super) enum Row<'a> {
    Single(&'a [f32]),
    Half(&'a [f16]),
}

impl Rows {
    pub(super) fn new(precision: Precision) -> Self {
        match precision {
            Precision::Single => Self::Single(Vec::new()),
            Precision::Half => Self::Half(Vec::new()),
        }
    }

    /// Row number `row` of rows of `length` values.
    #[inline]
    pub(super) fn row(&self, row: usize, length: usize) -> Row<'_> {
        match self {
            Self::Single(values) => Row::Single(&values[row * length..][..length]),
            Self::Half(values) => Row::Half(&values[row * length..][..length]),
        }
    }

    /// Writes values into a row, and zeros behind them.
    pub(super) fn set(&mut self, row: usize, length: usize, values: &[f32]) {
        match self {
            Self::Single(own) => {
                let (own, rest) = own[row * length..][..length].split_at_mut(values.len());
                own.copy_from_slice(values);
                rest.fill(0.0);
            }
            Self::Half(own) => {
                let (own, rest) = own[row * length..][..length].split_at_mut(values.len());
                own.convert_from_f32_slice(values);
                rest.fill(f16::ZERO);
            }
        }
    }

    /// Appends zeros, so that there are `length` values.
    pub(super) fn resize(&mut self, length: usize) {
        match self {
            Self::Single(values) => resize(values, length, 0.0),
            Self::Half(values) => resize(values, length, f16::ZERO),
        }
    }

    /// The number of bytes in memory.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Single(values) => values.capacity() * size_of::<f32>(),
            Self::Half(values) => values.capacity() * size_of::<f16>(),
        }
    }

    pub(super) fn wipe(&mut self) {
        match self {
            Self::Single(values) => wipe(values, 0.0),
            Self::Half(values) => wipe(values, f16::ZERO),
        }
    }
}

impl<'a> Row<'a> {
    /// The values in single precision. `room` is room for them.
    #[inline]
    pub(super) fn single<'b>(self, room: &'b mut Vec<f32>) -> &'b [f32]
    where
        'a: 'b,
    {
        match self {
            Self::Single(values) => values,
            Self::Half(values) => {
                room.resize(values.len(), 0.0);
                values.convert_to_f32_slice(room);
                room
            }
        }
    }

    #[inline]
    pub(super) fn prefetch(self) {
        match self {
            Self::Single(values) => lines(values),
            Self::Half(values) => lines(values),
        }
    }
}

/// Prefetches values, cache line by cache line.
#[inline]
fn lines<T>(values: &[T]) {
    let lines = values.chunks(64 / size_of::<T>());
    lines.for_each(|line| kernel::prefetch(line.as_ptr()));
}
