//! Other shapes and types of the same values.

use candle_core::{DType, Device, Tensor, bail};
use facekit_onnx::proto::DataType;

use super::{Made, arithmetic::common, axes, axis, one};
use crate::{error::Result, node::Node, tensor::elements};

pub(super) fn identity(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    one(node, |inputs| Ok(inputs.get(0)?.clone()))
}

/// Does nothing but in training.
pub(super) fn dropout(node: &Node<'_>) -> Made {
    node.takes(1, 2)?;
    node.ignore(&["ratio", "seed"]);
    node.constant(1)?;
    one(node, |inputs| Ok(inputs.get(0)?.clone()))
}

pub(super) fn constant(node: &Node<'_>) -> Made {
    node.takes(0, 0)?;
    let Some(value) = node.tensor("value")? else {
        bail!("it has no attribute value; no other is supported");
    };
    one(node, move |_| Ok(value.clone()))
}

pub(super) fn cast(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    node.ignore(&["saturate", "round_mode"]); // of 8-bit floats
    let number = node.int("to", 0)?;
    let known = i32::try_from(number).map(DataType::try_from);
    let to = match known {
        Ok(Ok(DataType::Float)) => DType::F32,
        Ok(Ok(DataType::Int64)) => DType::I64,
        Ok(Ok(DataType::Uint8)) => DType::U8,
        Ok(Ok(other)) => bail!("attribute to: {other:?} is not supported"),
        _ => bail!("attribute to: {number} is no type"),
    };
    let device = node.target.device.clone();
    one(node, move |inputs| {
        let x = inputs.get(0)?.to_dtype(to)?;
        x.to_device(if to == DType::I64 {
            &Device::Cpu
        } else {
            &device
        })
    })
}

pub(super) fn shape(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    let (start, end) = (node.int("start", 0)?, node.int("end", i64::MAX)?);
    one(node, move |inputs| {
        let dims = inputs.get(0)?.dims();
        let rank = i64::try_from(dims.len()).map_err(candle_core::Error::wrap)?;
        // Both are cut to the rank, as in a slice.
        let cut =
            |at: i64| if at < 0 { at.saturating_add(rank) } else { at }.clamp(0, rank) as usize;
        let (start, end) = (cut(start), cut(end));
        let dims = dims.get(start..end).unwrap_or_default();
        let sizes = dims.iter().map(|&size| size as i64).collect::<Vec<_>>();
        let count = sizes.len();
        Tensor::from_vec(sizes, count, &Device::Cpu)
    })
}

pub(super) fn reshape(node: &Node<'_>) -> Made {
    node.takes(2, 2)?;
    if node.flag("allowzero", false)? {
        bail!("attribute allowzero is not supported");
    }
    one(node, |inputs| {
        let x = inputs.get(0)?;
        x.reshape(reshaped(x.dims(), &inputs.ints(1)?)?)
    })
}

/// The shape that `wanted` asks for: zero keeps a size, and -1 is what is left.
fn reshaped(dims: &[usize], wanted: &[i64]) -> Result<Vec<usize>> {
    let misfit = || candle_core::Error::Msg(format!("{dims:?} cannot become {wanted:?}"));
    let sizes = wanted.iter().enumerate().map(|(at, &size)| match size {
        0 => dims.get(at).copied().map(Some).ok_or_else(misfit),
        -1 => Ok(None),
        size => usize::try_from(size).map(Some).map_err(|_| misfit()),
    });
    let sizes = sizes.collect::<Result<Vec<Option<usize>>>>()?;
    let known: Vec<usize> = sizes.iter().copied().flatten().collect();
    let (count, known_count) = (elements(dims)?, elements(&known)?);
    let rest = match sizes.len() - known.len() {
        0 if known_count == count => 1,
        1 if known_count != 0 && count.is_multiple_of(known_count) => count / known_count,
        _ => return Err(misfit()),
    };
    Ok(sizes.into_iter().map(|size| size.unwrap_or(rest)).collect())
}

pub(super) fn flatten(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    let number = node.int("axis", 1)?;
    one(node, move |inputs| {
        let x = inputs.get(0)?;
        let rank = x.rank();
        let at = if usize::try_from(number) == Ok(rank) {
            rank
        } else {
            axis(number, rank)?
        };
        let rows = x.dims()[..at].iter().product::<usize>();
        let columns = x.dims()[at..].iter().product::<usize>();
        x.reshape((rows, columns))
    })
}

pub(super) fn transpose(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    let order = node.ints("perm")?;
    one(node, move |inputs| {
        let x = inputs.get(0)?;
        let rank = x.rank();
        let order = match &order {
            None => (0..rank).rev().collect(),
            Some(order) => order
                .iter()
                .map(|&number| axis(number, rank))
                .collect::<Result<Vec<_>>>()?,
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

pub(super) fn squeeze(node: &Node<'_>) -> Made {
    node.takes(1, 2)?;
    let numbers = node.ints_or_input("axes", 1, 13)?;
    one(node, move |inputs| {
        let x = inputs.get(0)?;
        let dims = x.dims();
        let gone = match &numbers {
            Some(numbers) => axes(numbers, dims.len())?,
            None => (0..dims.len()).filter(|&at| dims[at] == 1).collect(),
        };
        if gone.iter().any(|&at| dims[at] != 1) {
            bail!("dimensions {gone:?} of {dims:?} are not all of size one");
        }
        let kept = (0..dims.len()).filter(|at| !gone.contains(at));
        x.reshape(kept.map(|at| dims[at]).collect::<Vec<_>>())
    })
}

pub(super) fn unsqueeze(node: &Node<'_>) -> Made {
    node.takes(1, 2)?;
    let Some(numbers) = node.ints_or_input("axes", 1, 13)? else {
        bail!("it has no axes");
    };
    one(node, move |inputs| {
        let x = inputs.get(0)?;
        let mut dims = x.dims().to_vec();
        for at in axes(&numbers, dims.len() + numbers.len())? {
            dims.insert(at, 1);
        }
        x.reshape(dims)
    })
}

pub(super) fn concat(node: &Node<'_>) -> Made {
    node.takes(1, usize::MAX)?;
    let Some(number) = node.some_int("axis")? else {
        bail!("it has no attribute axis");
    };
    one(node, move |inputs| {
        let all = inputs.all()?;
        let at = axis(number, all[0].rank())?;
        let sizes = all
            .iter()
            .filter_map(|tensor| tensor.dims().get(at).copied());
        let sum = sizes.fold(0, usize::saturating_add);
        let mut shape = all[0].dims().to_vec();
        shape[at] = sum;
        elements(&shape)?;
        Tensor::cat(&all, at)
    })
}

pub(super) fn expand(node: &Node<'_>) -> Made {
    node.takes(2, 2)?;
    one(node, |inputs| {
        let x = inputs.get(0)?;
        let sizes = inputs.ints(1)?.into_iter().map(usize::try_from);
        let sizes = sizes.collect::<std::result::Result<Vec<_>, _>>();
        let sizes = sizes.map_err(candle_core::Error::wrap)?;
        let shape = common(x.dims(), &sizes)?;
        elements(&shape)?;
        x.broadcast_as(shape)
    })
}
