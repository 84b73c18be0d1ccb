//! Tensors and element types of facekit as those of tract, and back.

use facekit::{Element, Tensor, TensorView};
use ndarray::ArrayViewD;
use tract_onnx::{
    prelude::tract_num_traits as num_traits,
    prelude::{Datum, DatumType, Tensor as TractTensor, TractError, TractResult},
    tract_core::internal::TDim,
};

/// tract's type for `element`.
pub(crate) fn datum_type(element: Element) -> TractResult<DatumType> {
    match element {
        Element::F32 => Ok(DatumType::F32),
        Element::I64 => Ok(DatumType::I64),
        Element::U8 => Ok(DatumType::U8),
        other => Err(unsupported_element(other)),
    }
}

/// A copy of `view`.
pub(crate) fn to_tract(view: &TensorView<'_>) -> TractResult<TractTensor> {
    match view {
        TensorView::F32(view) => copy_to_tract(view),
        TensorView::I64(view) => copy_to_tract(view),
        TensorView::U8(view) => copy_to_tract(view),
        other => Err(unsupported_element(other.element())),
    }
}

/// A copy of `tensor`, whose elements must be of type `element`.
pub(crate) fn from_tract(tensor: &TractTensor, element: Element) -> TractResult<Tensor> {
    Ok(match element {
        Element::F32 => copy_to_facekit::<f32>(tensor)?,
        // tract has a type of its own for sizes, which ONNX defines as 64-bit integers.
        Element::I64 if tensor.datum_type() == TDim::datum_type() => {
            copy_to_facekit::<i64>(&*tensor.cast_to::<i64>()?)?
        }
        Element::I64 => copy_to_facekit::<i64>(tensor)?,
        Element::U8 => copy_to_facekit::<u8>(tensor)?,
        other => return Err(unsupported_element(other)),
    })
}

fn copy_to_tract<T: Datum + Copy + num_traits::Zero>(
    view: &ArrayViewD<'_, T>,
) -> TractResult<TractTensor> {
    if let Some(elements) = view.as_slice() {
        return TractTensor::from_shape(view.shape(), elements);
    }
    let mut tensor = TractTensor::zero::<T>(view.shape())?;
    tensor.to_plain_array_view_mut::<T>()?.assign(view);
    Ok(tensor)
}

fn copy_to_facekit<T: Datum>(tensor: &TractTensor) -> TractResult<Tensor>
where
    Tensor: From<ndarray::ArrayD<T>>,
{
    Ok(tensor.to_plain_array_view::<T>()?.to_owned().into())
}

fn unsupported_element(element: Element) -> TractError {
    TractError::msg(format!("elements of type {element} are not supported"))
}
