//! Tensors of facekit as values of ort, and back.

use facekit::{Dim, Element, Tensor, TensorView};
use ndarray::{ArrayD, CowArray, IxDyn};
use ort::{
    session::SessionInputValue,
    value::{DynValue, PrimitiveTensorElementType, TensorRef, ValueType},
};

/// The elements of a view in standard (row-major) layout: borrowed if they have that layout, otherwise copied.
pub(crate) enum StandardLayout<'a> {
    F32(CowArray<'a, f32, IxDyn>),
    I64(CowArray<'a, i64, IxDyn>),
    U8(CowArray<'a, u8, IxDyn>),
}

impl<'a> StandardLayout<'a> {
    pub(crate) fn new(view: &'a TensorView<'_>) -> ort::Result<Self> {
        Ok(match view {
            TensorView::F32(view) => Self::F32(view.as_standard_layout()),
            TensorView::I64(view) => Self::I64(view.as_standard_layout()),
            TensorView::U8(view) => Self::U8(view.as_standard_layout()),
            other => return Err(unsupported_element(other.element())),
        })
    }

    /// The input of a session, without a copy.
    pub(crate) fn value(&self) -> ort::Result<SessionInputValue<'_>> {
        Ok(match self {
            Self::F32(array) => TensorRef::from_array_view(array)?.into(),
            Self::I64(array) => TensorRef::from_array_view(array)?.into(),
            Self::U8(array) => TensorRef::from_array_view(array)?.into(),
        })
    }
}

/// A copy of `value`, whose elements must be of type `element`.
pub(crate) fn from_ort(value: &DynValue, element: Element) -> ort::Result<Tensor> {
    match element {
        Element::F32 => copy_to_facekit::<f32>(value),
        Element::I64 => copy_to_facekit::<i64>(value),
        Element::U8 => copy_to_facekit::<u8>(value),
        other => Err(unsupported_element(other)),
    }
}

/// The shape of a tensor, as far as the library knows it.
pub(crate) fn shape(kind: &ValueType) -> Option<Vec<Dim>> {
    let size = |&size: &i64| usize::try_from(size).map_or(Dim::Any, Dim::Fixed);
    Some(kind.tensor_shape()?.iter().map(size).collect())
}

fn copy_to_facekit<T: PrimitiveTensorElementType + Clone>(value: &DynValue) -> ort::Result<Tensor>
where
    Tensor: From<ArrayD<T>>,
{
    Ok(value.try_extract_array::<T>()?.to_owned().into())
}

fn unsupported_element(element: Element) -> ort::Error {
    ort::Error::new(format!("elements of type {element} are not supported"))
}
