//! Parts of tensors, and tensors with something around them.

use candle_core::{Tensor, bail};

use super::{Made, axis, one, several};
use crate::{error::Result, node::Node, tensor::elements};

pub(super) fn gather(node: &Node<'_>) -> Made {
    node.takes(2, 2)?;
    let number = node.int("axis", 0)?;
    one(node, move |inputs| {
        let x = inputs.get(0)?;
        let at = axis(number, x.rank())?;
        let dims = x.dims();
        let rows = inputs.ints(1)?;
        let rows = rows.iter().map(|&row| match axis(row, dims[at]) {
            Ok(row) => Ok(row),
            Err(_) => bail!("index {row} of {}", dims[at]),
        });
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let shape = [&dims[..at], inputs.get(1)?.dims(), &dims[at + 1..]].concat();
        elements(&shape)?;
        pick(x, at, rows)?.reshape(shape)
    })
}

/// The rows of dimension `at` with these numbers, which there must be.
pub(super) fn pick(x: &Tensor, at: usize, rows: Vec<usize>) -> Result<Tensor> {
    if rows.is_empty() || x.elem_count() == 0 {
        bail!("an empty tensor is not supported");
    }
    let rows = rows.into_iter().map(u32::try_from);
    let rows = rows.collect::<std::result::Result<Vec<u32>, _>>();
    let rows = rows.map_err(candle_core::Error::wrap)?;
    let count = rows.len();
    let rows = Tensor::from_vec(rows, count, x.device())?;
    x.contiguous()?.index_select(&rows, at)
}

pub(super) fn slice(node: &Node<'_>) -> Made {
    if node.opset < 10 {
        node.takes(1, 1)?;
        let (Some(starts), Some(ends)) = (node.ints("starts")?, node.ints("ends")?) else {
            bail!("it has no attributes starts and ends");
        };
        let numbers = node.ints("axes")?;
        return one(node, move |inputs| {
            sliced(inputs.get(0)?, &starts, &ends, numbers.as_deref(), None)
        });
    }
    node.takes(3, 5)?;
    one(node, |inputs| {
        let optional = |at| inputs.optional(at).map(|_| inputs.ints(at)).transpose();
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
    for at in 0..count {
        let along = match numbers {
            Some(numbers) => axis(numbers[at], x.rank())?,
            None if at < x.rank() => at,
            None => bail!("{count} dimensions of a tensor of rank {}", x.rank()),
        };
        if seen.contains(&along) {
            bail!("dimension {along} is named twice");
        }
        seen.push(along);
        let step = steps.map_or(1, |steps| steps[at]);
        let rows = rows(x.dims()[along], starts[at], ends[at], step)?;
        sliced = match (rows.first(), step) {
            (Some(&first), 1) => sliced.narrow(along, first, rows.len())?,
            _ => pick(&sliced, along, rows)?,
        };
    }
    Ok(sliced)
}

/// The numbers from `start` to before `end`, which count from the back below zero and are cut to the size.
fn rows(size: usize, start: i64, end: i64, step: i64) -> Result<Vec<usize>> {
    let size = i64::try_from(size).map_err(candle_core::Error::wrap)?;
    let stride = usize::try_from(step.unsigned_abs()).map_err(candle_core::Error::wrap)?;
    let from_front = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
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

pub(super) fn split(node: &Node<'_>) -> Made {
    node.takes(1, 2)?;
    let number = node.int("axis", 0)?;
    let count = node.outputs();
    let given = node.ints_or_input("split", 1, 13)?;
    if node.opset >= 18 && node.int("num_outputs", count as i64)? != count as i64 {
        bail!("attribute num_outputs is not the number of outputs");
    }
    several(move |inputs| {
        let x = inputs.get(0)?;
        let along = axis(number, x.rank())?;
        let size = x.dims()[along];
        let sizes = match &given {
            Some(sizes) => {
                let sizes = sizes.iter().map(|&size| usize::try_from(size));
                let sizes = sizes.collect::<std::result::Result<Vec<_>, _>>();
                sizes.map_err(candle_core::Error::wrap)?
            }
            // Equal parts, of which the last may be smaller.
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
            bail!("parts of {sizes:?} do not make {count} outputs of {size}");
        }
        let mut start = 0;
        let parts = sizes.iter().map(|&size| {
            let part = x.narrow(along, start, size);
            start += size;
            part
        });
        parts.collect()
    })
}

pub(super) fn pad(node: &Node<'_>) -> Made {
    node.word("mode", &[("constant", ())])?;
    let (pads, value, numbers) = if node.opset < 11 {
        node.takes(1, 1)?;
        (node.ints("pads")?, node.float("value", 0.0)?, None)
    } else {
        node.takes(2, 4)?;
        let value = node.constant_float(2)?.unwrap_or(0.0);
        (node.constant_ints(1)?, value, node.constant_ints(3)?)
    };
    let Some(pads) = pads else {
        bail!("it has no pads");
    };
    let pads = pads.into_iter().map(usize::try_from);
    let Ok(pads) = pads.collect::<std::result::Result<Vec<_>, _>>() else {
        bail!("pads below zero are not supported");
    };
    one(node, move |inputs| {
        let x = inputs.floats(0)?;
        let along = match &numbers {
            Some(numbers) => numbers
                .iter()
                .map(|&number| axis(number, x.rank()))
                .collect::<Result<Vec<_>>>()?,
            None => (0..x.rank()).collect(),
        };
        if pads.len() != 2 * along.len() {
            bail!("{} pads for {} dimensions", pads.len(), along.len());
        }
        let (before, after) = pads.split_at(along.len());
        let mut padded = x.clone();
        for (at, &along) in along.iter().enumerate() {
            padded = surround(&padded, along, [before[at], after[at]], value)?;
        }
        Ok(padded)
    })
}

/// `x` with as many rows of `value` before and after it along a dimension.
pub(super) fn surround(x: &Tensor, along: usize, pads: [usize; 2], value: f32) -> Result<Tensor> {
    let rows = |count: usize| -> Result<Option<Tensor>> {
        if count == 0 {
            return Ok(None);
        }
        let mut dims = x.dims().to_vec();
        dims[along] = count;
        elements(&dims)?;
        Tensor::full(value, dims, x.device()).map(Some)
    };
    let (before, after) = (rows(pads[0])?, rows(pads[1])?);
    let parts: Vec<&Tensor> = before.iter().chain([x]).chain(after.iter()).collect();
    Tensor::cat(&parts, along)
}
