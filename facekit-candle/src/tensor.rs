//! Tensors of facekit as tensors of candle, and back.

use candle_core::{DType, Device, Tensor as CandleTensor, WithDType, bail};
use facekit::{Element, Tensor, TensorView};
use ndarray::{ArrayD, ArrayViewD};

use crate::error::Result;

/// The most elements of a tensor: 4 GiB of numbers. A damaged model may ask for more, and the process ends when memory cannot
/// be allocated.
const MAX_ELEMENTS: usize = 1 << 30;

/// The number of elements of a tensor with these dimensions. A tensor that would be too large is an error.
pub(crate) fn element_count(dims: &[usize]) -> Result<usize> {
    // Strides are products of sizes as well, and candle computes them for an empty tensor too. So they must not overflow.
    let greatest_stride = dims
        .iter()
        .try_fold(1_usize, |count, &size| count.checked_mul(size.max(1)));
    match greatest_stride {
        Some(stride) if stride <= MAX_ELEMENTS => Ok(dims.iter().product()),
        _ => bail!("a tensor of {dims:?} is too large"),
    }
}

/// A copy of `view` on `device`. 64-bit integers stay in the computer's memory: they are shapes and indices.
pub(crate) fn to_candle(view: &TensorView<'_>, device: &Device) -> Result<CandleTensor> {
    match view {
        TensorView::F32(view) => copy_to_candle(view, device),
        TensorView::I64(view) => copy_to_candle(view, &Device::Cpu),
        TensorView::U8(view) => copy_to_candle(view, device),
        other => bail!("elements of type {} are not supported", other.element()),
    }
}

/// A copy of `tensor`, whose elements must be of type `element`.
pub(crate) fn from_candle(tensor: &CandleTensor, element: Element) -> Result<Tensor> {
    match (element, tensor.dtype()) {
        (Element::F32, DType::F32) => copy_to_facekit::<f32>(tensor),
        (Element::I64, DType::I64) => copy_to_facekit::<i64>(tensor),
        (Element::U8, DType::U8) => copy_to_facekit::<u8>(tensor),
        (_, other) => bail!("it holds {} instead of {element}", other.as_str()),
    }
}

/// The integers of a tensor, in order.
pub(crate) fn to_ints(tensor: &CandleTensor) -> Result<Vec<i64>> {
    if tensor.dtype() != DType::I64 {
        bail!("found {} instead of i64", tensor.dtype().as_str());
    }
    tensor.flatten_all()?.to_vec1()
}

/// The numbers of a tensor, in order.
pub(crate) fn to_floats(tensor: &CandleTensor) -> Result<Vec<f32>> {
    if tensor.dtype() != DType::F32 {
        bail!("found {} instead of f32", tensor.dtype().as_str());
    }
    tensor.flatten_all()?.to_vec1()
}

fn copy_to_candle<T: WithDType>(view: &ArrayViewD<'_, T>, device: &Device) -> Result<CandleTensor> {
    element_count(view.shape())?;
    match view.as_slice() {
        Some(elements) => CandleTensor::from_slice(elements, view.shape(), device),
        None => {
            let elements: Vec<T> = view.iter().copied().collect();
            CandleTensor::from_vec(elements, view.shape(), device)
        }
    }
}

fn copy_to_facekit<T: WithDType>(tensor: &CandleTensor) -> Result<Tensor>
where
    Tensor: From<ArrayD<T>>,
{
    let elements = tensor.flatten_all()?.to_vec1::<T>()?;
    let array = ArrayD::from_shape_vec(tensor.dims(), elements);
    Ok(array.map_err(candle_core::Error::wrap)?.into())
}

#[cfg(test)]
mod tests {
    use super::element_count;

    #[test]
    fn large_tensors_are_refused() {
        assert_eq!(element_count(&[]).ok(), Some(1));
        assert_eq!(element_count(&[2, 0, 3]).ok(), Some(0));
        for dims in [&[1 << 31][..], &[1 << 40, 1 << 40], &[0, 1 << 40, 1 << 40]] {
            assert!(element_count(dims).is_err(), "{dims:?}");
        }
    }
}
