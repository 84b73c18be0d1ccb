//! Tensors, from facekit to ort and back.

use facekit::{Dim, Element, Tensor, TensorView};
use ndarray::{ArrayD, CowArray, IxDyn};
use ort::{
    session::SessionInputValue,
    value::{DynValue, PrimitiveTensorElementType, TensorRef, ValueType},
};

/// The elements of a view in standard layout: borrowed where they lie so, copied where they do not.
pub(crate) enum Standard<'a> {
    F32(CowArray<'a, f32, IxDyn>),
    I64(CowArray<'a, i64, IxDyn>),
    U8(CowArray<'a, u8, IxDyn>),
}

impl<'a> Standard<'a> {
    pub(crate) fn new(view: &'a TensorView<'_>) -> ort::Result<Self> {
        Ok(match view {
            TensorView::F32(view) => Self::F32(view.as_standard_layout()),
            TensorView::I64(view) => Self::I64(view.as_standard_layout()),
            TensorView::U8(view) => Self::U8(view.as_standard_layout()),
            other => return Err(foreign(other.element())),
        })
    }

    /// For ort, without a copy.
    pub(crate) fn value(&self) -> ort::Result<SessionInputValue<'_>> {
        Ok(match self {
            Self::F32(array) => TensorRef::from_array_view(array)?.into(),
            Self::I64(array) => TensorRef::from_array_view(array)?.into(),
            Self::U8(array) => TensorRef::from_array_view(array)?.into(),
        })
    }
}

/// A copy of `value`, which must hold elements of type `element`.
pub(crate) fn from_ort(value: &DynValue, element: Element) -> ort::Result<Tensor> {
    match element {
        Element::F32 => owned::<f32>(value),
        Element::I64 => owned::<i64>(value),
        Element::U8 => owned::<u8>(value),
        other => Err(foreign(other)),
    }
}

/// What the library knows of a tensor's shape.
pub(crate) fn shape(kind: &ValueType) -> Option<Vec<Dim>> {
    let size = |&size: &i64| usize::try_from(size).map_or(Dim::Any, Dim::Fixed);
    Some(kind.tensor_shape()?.iter().map(size).collect())
}

fn owned<T: PrimitiveTensorElementType + Clone>(value: &DynValue) -> ort::Result<Tensor>
where
    Tensor: From<ArrayD<T>>,
{
    Ok(value.try_extract_array::<T>()?.to_owned().into())
}

fn foreign(element: Element) -> ort::Error {
    ort::Error::new(format!("elements of type {element} are not supported"))
}
