//! Rows of a tensor: those with given numbers, and rows around it.

use candle_core::{Tensor, bail};

use crate::{error::Result, tensor::element_count};

/// The rows of dimension `axis` with these numbers, in this order. The numbers must be below the size of the dimension.
pub(super) fn select_rows(x: &Tensor, axis: usize, rows: Vec<usize>) -> Result<Tensor> {
    if rows.is_empty() || x.elem_count() == 0 {
        bail!("an empty tensor is not supported");
    }
    let rows = rows.into_iter().map(u32::try_from);
    let rows = rows.collect::<std::result::Result<Vec<u32>, _>>();
    let rows = rows.map_err(candle_core::Error::wrap)?;
    let count = rows.len();
    let rows = Tensor::from_vec(rows, count, x.device())?;
    x.contiguous()?.index_select(&rows, axis)
}

/// `x` with `pads[0]` rows of `value` before it and `pads[1]` rows after it, along dimension `axis`.
pub(super) fn pad_with(x: &Tensor, axis: usize, pads: [usize; 2], value: f32) -> Result<Tensor> {
    let rows = |count: usize| -> Result<Option<Tensor>> {
        if count == 0 {
            return Ok(None);
        }
        let mut dims = x.dims().to_vec();
        dims[axis] = count;
        element_count(&dims)?;
        Tensor::full(value, dims, x.device()).map(Some)
    };
    let (before, after) = (rows(pads[0])?, rows(pads[1])?);
    let parts: Vec<&Tensor> = before.iter().chain([x]).chain(after.iter()).collect();
    Tensor::cat(&parts, axis)
}
