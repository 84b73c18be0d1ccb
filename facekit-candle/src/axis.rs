//! ONNX's numbers of dimensions.

use candle_core::bail;

use crate::error::Result;

/// The dimension with ONNX's number `axis`. Numbers below zero count from the back.
pub(crate) fn resolve_axis(axis: i64, rank: usize) -> Result<usize> {
    let from_front = if axis < 0 {
        usize::try_from(axis.unsigned_abs())
            .ok()
            .and_then(|back| rank.checked_sub(back))
    } else {
        usize::try_from(axis).ok().filter(|&axis| axis < rank)
    };
    match from_front {
        Some(axis) => Ok(axis),
        None => bail!("dimension {axis} of a tensor of rank {rank}"),
    }
}

/// The dimensions with these numbers, in ascending order. A dimension that is named twice is an error.
pub(crate) fn resolve_axes(numbers: &[i64], rank: usize) -> Result<Vec<usize>> {
    let mut axes = resolve_each_axis(numbers, rank)?;
    axes.sort_unstable();
    let count = axes.len();
    axes.dedup();
    if axes.len() != count {
        bail!("dimensions {numbers:?}: one is named twice");
    }
    Ok(axes)
}

/// The dimensions with these numbers, in the order of the numbers.
pub(crate) fn resolve_each_axis(numbers: &[i64], rank: usize) -> Result<Vec<usize>> {
    numbers
        .iter()
        .map(|&number| resolve_axis(number, rank))
        .collect()
}
