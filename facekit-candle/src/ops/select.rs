//! Parts of tensors, and tensors with padding.

use candle_core::{Tensor, bail};

use super::rows::{pad_with, select_rows};
use crate::{
    axis::{resolve_axis, resolve_each_axis},
    error::Result,
    node::Node,
    operator::{NewOperator, any_outputs, one_output},
    tensor::element_count,
};

pub(super) fn gather(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(2, 2)?;
    let number = node.int("axis", 0)?;
    one_output(node, move |inputs| {
        let x = inputs.get(0)?;
        let axis = resolve_axis(number, x.rank())?;
        let dims = x.dims();
        let rows = inputs.ints(1)?;
        // Rows are counted as dimensions are: below zero from the back.
        let rows = rows.iter().map(|&row| match resolve_axis(row, dims[axis]) {
            Ok(row) => Ok(row),
            Err(_) => bail!("index {row} of {}", dims[axis]),
        });
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let shape = [&dims[..axis], inputs.get(1)?.dims(), &dims[axis + 1..]].concat();
        element_count(&shape)?;
        select_rows(x, axis, rows)?.reshape(shape)
    })
}

pub(super) fn slice(node: &Node<'_>) -> NewOperator {
    if node.opset < 10 {
        node.expect_inputs(1, 1)?;
        let (Some(starts), Some(ends)) = (node.ints("starts")?, node.ints("ends")?) else {
            bail!("it has no attributes starts and ends");
        };
        let numbers = node.ints("axes")?;
        return one_output(node, move |inputs| {
            sliced(inputs.get(0)?, &starts, &ends, numbers.as_deref(), None)
        });
    }
    node.expect_inputs(3, 5)?;
    one_output(node, |inputs| {
        let optional = |input| {
            let given = inputs.optional(input);
            given.map(|_| inputs.ints(input)).transpose()
        };
        let (numbers, steps) = (optional(3)?, optional(4)?);
        let (starts, ends) = (inputs.ints(1)?, inputs.ints(2)?);
        sliced(
            inputs.get(0)?,
            &starts,
            &ends,
            numbers.as_deref(),
            steps.as_deref(),
        )
    })
}

fn sliced(
    x: &Tensor,
    starts: &[i64],
    ends: &[i64],
    numbers: Option<&[i64]>,
    steps: Option<&[i64]>,
) -> Result<Tensor> {
    let count = starts.len();
    let lengths = [Some(ends), numbers, steps].map(|list| list.map_or(count, <[i64]>::len));
    if lengths != [count; 3] {
        bail!("starts, ends, axes and steps are of different lengths");
    }
    let mut sliced = x.clone();
    let mut seen = Vec::new();
    for slice in 0..count {
        let axis = match numbers {
            Some(numbers) => resolve_axis(numbers[slice], x.rank())?,
            None if slice < x.rank() => slice,
            None => bail!("{count} dimensions of a tensor of rank {}", x.rank()),
        };
        if seen.contains(&axis) {
            bail!("dimension {axis} is named twice");
        }
        seen.push(axis);
        let step = steps.map_or(1, |steps| steps[slice]);
        let rows = sliced_rows(x.dims()[axis], starts[slice], ends[slice], step)?;
        sliced = match (rows.first(), step) {
            (Some(&first), 1) => sliced.narrow(axis, first, rows.len())?,
            _ => select_rows(&sliced, axis, rows)?,
        };
    }
    Ok(sliced)
}

/// The rows from `start` to before `end`, in steps. Both numbers count from the back below zero, and are limited to the size.
fn sliced_rows(size: usize, start: i64, end: i64, step: i64) -> Result<Vec<usize>> {
    let size = i64::try_from(size).map_err(candle_core::Error::wrap)?;
    let stride = usize::try_from(step.unsigned_abs()).map_err(candle_core::Error::wrap)?;
    let from_front = |row: i64| {
        if row < 0 {
            row.saturating_add(size)
        } else {
            row
        }
    };
    let (start, end) = (from_front(start), from_front(end));
    let rows: Vec<i64> = match step {
        0 => bail!("a step of zero"),
        1.. => (start.clamp(0, size)..end.clamp(0, size))
            .step_by(stride)
            .collect(),
        _ => {
            let (last, first) = (end.clamp(-1, size - 1), start.clamp(-1, size - 1));
            (last + 1..first + 1).rev().step_by(stride).collect()
        }
    };
    Ok(rows.into_iter().map(|row| row as usize).collect())
}

pub(super) fn split(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 2)?;
    let number = node.int("axis", 0)?;
    let count = node.output_count();
    let given = node.ints_attribute_or_input("split", 1, 13)?;
    if node.opset >= 18 && node.int("num_outputs", count as i64)? != count as i64 {
        bail!("attribute num_outputs is not the number of outputs");
    }
    any_outputs(move |inputs| {
        let x = inputs.get(0)?;
        let axis = resolve_axis(number, x.rank())?;
        let size = x.dims()[axis];
        let sizes = match &given {
            Some(sizes) => {
                let sizes = sizes.iter().map(|&size| usize::try_from(size));
                let sizes = sizes.collect::<std::result::Result<Vec<_>, _>>();
                sizes.map_err(candle_core::Error::wrap)?
            }
            // Equal parts; the last may be smaller.
            None => {
                let part = size.div_ceil(count.max(1));
                let start = |number: usize| (part * number).min(size);
                (0..count)
                    .map(|number| start(number + 1) - start(number))
                    .collect()
            }
        };
        let sum = sizes
            .iter()
            .try_fold(0_usize, |sum, &size| sum.checked_add(size));
        if sizes.len() != count || sum != Some(size) || sizes.contains(&0) {
            bail!("parts of {sizes:?} do not give {count} outputs of a size of {size}");
        }
        let mut start = 0;
        let parts = sizes.iter().map(|&size| {
            let part = x.narrow(axis, start, size);
            start += size;
            part
        });
        parts.collect()
    })
}

pub(super) fn pad(node: &Node<'_>) -> NewOperator {
    node.choice("mode", &[("constant", ())])?;
    let (pads, value, numbers) = if node.opset < 11 {
        node.expect_inputs(1, 1)?;
        (node.ints("pads")?, node.float("value", 0.0)?, None)
    } else {
        node.expect_inputs(2, 4)?;
        let value = node.take_float(2)?.unwrap_or(0.0);
        (node.take_ints(1)?, value, node.take_ints(3)?)
    };
    let Some(pads) = pads else {
        bail!("it has no pads");
    };
    let pads = pads.into_iter().map(usize::try_from);
    let Ok(pads) = pads.collect::<std::result::Result<Vec<_>, _>>() else {
        bail!("pads below zero are not supported");
    };
    one_output(node, move |inputs| {
        let x = inputs.floats(0)?;
        let axes = match &numbers {
            Some(numbers) => resolve_each_axis(numbers, x.rank())?,
            None => (0..x.rank()).collect(),
        };
        if pads.len() != 2 * axes.len() {
            bail!("{} pads for {} dimensions", pads.len(), axes.len());
        }
        let (before, after) = pads.split_at(axes.len());
        let mut padded = x.clone();
        for ((&axis, &before), &after) in axes.iter().zip(before).zip(after) {
            padded = pad_with(&padded, axis, [before, after], value)?;
        }
        Ok(padded)
    })
}
