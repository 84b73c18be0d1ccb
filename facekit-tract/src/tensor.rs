//! Tensors and element types, from facekit to tract and back.

use facekit::{Element, Tensor, TensorView};
use ndarray::ArrayViewD;
use tract_onnx::{
    prelude::tract_num_traits as num_traits,
    prelude::{Datum, DatumType, Tensor as TractTensor, TractError, TractResult},
    tract_core::internal::TDim,
};

/// tract's name for `element`.
pub(crate) fn datum(element: Element) -> TractResult<DatumType> {
    match element {
        Element::F32 => Ok(DatumType::F32),
        Element::I64 => Ok(DatumType::I64),
        Element::U8 => Ok(DatumType::U8),
        other => Err(foreign(other)),
    }
}

/// A copy of `view`.
pub(crate) fn to_tract(view: &TensorView<'_>) -> TractResult<TractTensor> {
    match view {
        TensorView::F32(view) => copied(view),
        TensorView::I64(view) => copied(view),
        TensorView::U8(view) => copied(view),
        other => Err(foreign(other.element())),
    }
}

/// `tensor`, which must hold elements of type `element`.
pub(crate) fn from_tract(tensor: &TractTensor, element: Element) -> TractResult<Tensor> {
    Ok(match element {
        Element::F32 => owned::<f32>(tensor)?,
        // Shapes are dimensions to tract, and 64-bit integers to ONNX.
        Element::I64 if tensor.datum_type() == TDim::datum_type() => {
            owned::<i64>(&*tensor.cast_to::<i64>()?)?
        }
        Element::I64 => owned::<i64>(tensor)?,
        Element::U8 => owned::<u8>(tensor)?,
        other => return Err(foreign(other)),
    })
}

fn copied<T: Datum + Copy + num_traits::Zero>(
    view: &ArrayViewD<'_, T>,
) -> TractResult<TractTensor> {
    if let Some(elements) = view.as_slice() {
        return TractTensor::from_shape(view.shape(), elements);
    }
    let mut tensor = TractTensor::zero::<T>(view.shape())?;
    tensor.to_plain_array_view_mut::<T>()?.assign(view);
    Ok(tensor)
}

fn owned<T: Datum>(tensor: &TractTensor) -> TractResult<Tensor>
where
    Tensor: From<ndarray::ArrayD<T>>,
{
    Ok(tensor.to_plain_array_view::<T>()?.to_owned().into())
}

fn foreign(element: Element) -> TractError {
    TractError::msg(format!("elements of type {element} are not supported"))
}
