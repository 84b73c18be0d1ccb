//! Tensors, from facekit to candle and back.

use candle_core::{DType, Device, Tensor as CandleTensor, WithDType, bail};
use facekit::{Element, Tensor, TensorView};
use ndarray::{ArrayD, ArrayViewD};

use crate::error::Result;

/// No tensor has more elements than this: 4 GiB of numbers. A damaged model asks for more, and memory that is not there
/// ends the process.
const MOST_ELEMENTS: usize = 1 << 30;

/// The number of elements of a tensor with these dimensions, where it is one that can be.
pub(crate) fn elements(dims: &[usize]) -> Result<usize> {
    // Strides are products too, and are computed for an empty tensor as well.
    let strides = dims
        .iter()
        .try_fold(1_usize, |count, &size| count.checked_mul(size.max(1)));
    match strides {
        Some(most) if most <= MOST_ELEMENTS => Ok(dims.iter().product()),
        _ => bail!("a tensor of {dims:?} is too large"),
    }
}

/// A copy of `view` on the device where tensors of its type live.
pub(crate) fn to_candle(view: &TensorView<'_>, device: &Device) -> Result<CandleTensor> {
    match view {
        TensorView::F32(view) => copied(view, device),
        TensorView::I64(view) => copied(view, &Device::Cpu),
        TensorView::U8(view) => copied(view, device),
        other => bail!("elements of type {} are not supported", other.element()),
    }
}

/// A copy of `tensor`, which must hold elements of type `element`.
pub(crate) fn from_candle(tensor: &CandleTensor, element: Element) -> Result<Tensor> {
    match (element, tensor.dtype()) {
        (Element::F32, DType::F32) => owned::<f32>(tensor),
        (Element::I64, DType::I64) => owned::<i64>(tensor),
        (Element::U8, DType::U8) => owned::<u8>(tensor),
        (_, other) => bail!("an output holds {}, not {element}", other.as_str()),
    }
}

fn copied<T: WithDType>(view: &ArrayViewD<'_, T>, device: &Device) -> Result<CandleTensor> {
    elements(view.shape())?;
    match view.as_slice() {
        Some(elements) => CandleTensor::from_slice(elements, view.shape(), device),
        None => {
            let elements: Vec<T> = view.iter().copied().collect();
            CandleTensor::from_vec(elements, view.shape(), device)
        }
    }
}

fn owned<T: WithDType>(tensor: &CandleTensor) -> Result<Tensor>
where
    Tensor: From<ArrayD<T>>,
{
    let elements = tensor.flatten_all()?.to_vec1::<T>()?;
    let array = ArrayD::from_shape_vec(tensor.dims(), elements);
    Ok(array.map_err(candle_core::Error::wrap)?.into())
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn large_tensors_are_refused() {
        assert_eq!(elements(&[]).ok(), Some(1));
        assert_eq!(elements(&[2, 0, 3]).ok(), Some(0));
        for dims in [&[1 << 31][..], &[1 << 40, 1 << 40], &[0, 1 << 40, 1 << 40]] {
            assert!(elements(dims).is_err(), "{dims:?}");
        }
    }
}
