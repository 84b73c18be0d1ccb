//! Operators that give the same values another shape, order or type.

use candle_core::{DType, Device, Tensor, bail};
use facekit_onnx::proto::DataType;

use super::arithmetic::broadcast_shape;
use crate::{
    axis::{resolve_axes, resolve_axis, resolve_each_axis},
    error::Result,
    node::Node,
    operator::{NewOperator, one_output},
    tensor::element_count,
};

pub(super) fn identity(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 1)?;
    one_output(node, |inputs| Ok(inputs.get(0)?.clone()))
}

/// Has an effect in training only.
pub(super) fn dropout(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 2)?;
    node.ignore_attributes(&["ratio", "seed"]);
    node.take_constant(1)?;
    one_output(node, |inputs| Ok(inputs.get(0)?.clone()))
}

pub(super) fn constant(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(0, 0)?;
    let Some(value) = node.tensor("value")? else {
        bail!("it has no attribute value; no other attribute is supported");
    };
    one_output(node, move |_| Ok(value.clone()))
}

pub(super) fn cast(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 1)?;
    node.ignore_attributes(&["saturate", "round_mode"]); // for 8-bit floats, which are refused
    let number = node.int("to", 0)?;
    let known = i32::try_from(number).map(DataType::try_from);
    let to = match known {
        Ok(Ok(DataType::Float)) => DType::F32,
        Ok(Ok(DataType::Int64)) => DType::I64,
        Ok(Ok(DataType::Uint8)) => DType::U8,
        Ok(Ok(other)) => bail!("attribute to: {other:?} is not supported"),
        _ => bail!("attribute to: {number} is not the number of a type"),
    };
    let device = node.target.device.clone();
    one_output(node, move |inputs| {
        let x = inputs.get(0)?.to_dtype(to)?;
        x.to_device(if to == DType::I64 {
            &Device::Cpu
        } else {
            &device
        })
    })
}

pub(super) fn shape(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 1)?;
    let (start, end) = (node.int("start", 0)?, node.int("end", i64::MAX)?);
    one_output(node, move |inputs| {
        let dims = inputs.get(0)?.dims();
        let rank = i64::try_from(dims.len()).map_err(candle_core::Error::wrap)?;
        // Both count from the back below zero, and are limited to the rank.
        let limited = |number: i64| {
            let from_front = if number < 0 {
                number.saturating_add(rank)
            } else {
                number
            };
            from_front.clamp(0, rank) as usize
        };
        let (start, end) = (limited(start), limited(end));
        let dims = dims.get(start..end).unwrap_or_default();
        let sizes = dims.iter().map(|&size| size as i64).collect::<Vec<_>>();
        let count = sizes.len();
        Tensor::from_vec(sizes, count, &Device::Cpu)
    })
}

pub(super) fn reshape(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(2, 2)?;
    if node.flag("allowzero", false)? {
        bail!("attribute allowzero is not supported");
    }
    one_output(node, |inputs| {
        let x = inputs.get(0)?;
        x.reshape(resolve_shape(x.dims(), &inputs.ints(1)?)?)
    })
}

/// The shape that `wanted` describes: 0 keeps the size of that dimension, and -1 is the size that remains.
fn resolve_shape(dims: &[usize], wanted: &[i64]) -> Result<Vec<usize>> {
    let misfit = || candle_core::Error::Msg(format!("{dims:?} cannot become {wanted:?}"));
    let sizes = wanted.iter().enumerate().map(|(axis, &size)| match size {
        0 => dims.get(axis).copied().map(Some).ok_or_else(misfit),
        -1 => Ok(None),
        size => usize::try_from(size).map(Some).map_err(|_| misfit()),
    });
    let sizes = sizes.collect::<Result<Vec<Option<usize>>>>()?;
    let known: Vec<usize> = sizes.iter().copied().flatten().collect();
    let (count, known_count) = (element_count(dims)?, element_count(&known)?);
    let rest = match sizes.len() - known.len() {
        0 if known_count == count => 1,
        1 if known_count != 0 && count.is_multiple_of(known_count) => count / known_count,
        _ => return Err(misfit()),
    };
    Ok(sizes.into_iter().map(|size| size.unwrap_or(rest)).collect())
}

pub(super) fn flatten(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 1)?;
    let number = node.int("axis", 1)?;
    one_output(node, move |inputs| {
        let x = inputs.get(0)?;
        let rank = x.rank();
        // The rank itself is allowed, and leaves one column.
        let axis = if usize::try_from(number) == Ok(rank) {
            rank
        } else {
            resolve_axis(number, rank)?
        };
        let rows = x.dims()[..axis].iter().product::<usize>();
        let columns = x.dims()[axis..].iter().product::<usize>();
        x.reshape((rows, columns))
    })
}

pub(super) fn transpose(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 1)?;
    let order = node.ints("perm")?;
    one_output(node, move |inputs| {
        let x = inputs.get(0)?;
        let rank = x.rank();
        let order = match &order {
            None => (0..rank).rev().collect(),
            Some(order) => resolve_each_axis(order, rank)?,
        };
        if order.len() != rank {
            bail!(
                "attribute perm has {} dimensions and the tensor {rank}",
                order.len()
            );
        }
        x.permute(order)
    })
}

pub(super) fn squeeze(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 2)?;
    let numbers = node.ints_attribute_or_input("axes", 1, 13)?;
    one_output(node, move |inputs| {
        let x = inputs.get(0)?;
        let dims = x.dims();
        let removed = match &numbers {
            Some(numbers) => resolve_axes(numbers, dims.len())?,
            None => (0..dims.len()).filter(|&axis| dims[axis] == 1).collect(),
        };
        if removed.iter().any(|&axis| dims[axis] != 1) {
            bail!("dimensions {removed:?} of {dims:?} are not all of size one");
        }
        let kept = (0..dims.len()).filter(|axis| !removed.contains(axis));
        x.reshape(kept.map(|axis| dims[axis]).collect::<Vec<_>>())
    })
}

pub(super) fn unsqueeze(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 2)?;
    let Some(numbers) = node.ints_attribute_or_input("axes", 1, 13)? else {
        bail!("it has no axes");
    };
    one_output(node, move |inputs| {
        let x = inputs.get(0)?;
        let mut dims = x.dims().to_vec();
        for axis in resolve_axes(&numbers, dims.len() + numbers.len())? {
            dims.insert(axis, 1);
        }
        x.reshape(dims)
    })
}

pub(super) fn concat(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, usize::MAX)?;
    let Some(number) = node.optional_int("axis")? else {
        bail!("it has no attribute axis");
    };
    one_output(node, move |inputs| {
        let all = inputs.all()?;
        let axis = resolve_axis(number, all[0].rank())?;
        let sizes = all
            .iter()
            .filter_map(|tensor| tensor.dims().get(axis).copied());
        let sum = sizes.fold(0, usize::saturating_add);
        let mut shape = all[0].dims().to_vec();
        shape[axis] = sum;
        element_count(&shape)?;
        Tensor::cat(&all, axis)
    })
}

pub(super) fn expand(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(2, 2)?;
    one_output(node, |inputs| {
        let x = inputs.get(0)?;
        let sizes = inputs.ints(1)?.into_iter().map(usize::try_from);
        let sizes = sizes.collect::<std::result::Result<Vec<_>, _>>();
        let sizes = sizes.map_err(candle_core::Error::wrap)?;
        let shape = broadcast_shape(x.dims(), &sizes)?;
        element_count(&shape)?;
        x.broadcast_as(shape)
    })
}
