//! One number out of many, along some dimensions.

use candle_core::{Tensor, bail};

use super::{Made, arithmetic::mapped, axes, one};
use crate::{error::Result, node::Node};

type Along = fn(&Tensor, &[usize], bool) -> Result<Tensor>;

pub(super) fn sum(node: &Node<'_>) -> Made {
    reduce(node, 13, |x, along, _| x.sum_keepdim(along))
}

pub(super) fn mean(node: &Node<'_>) -> Made {
    reduce(node, 18, |x, along, _| x.mean_keepdim(along))
}

pub(super) fn l2(node: &Node<'_>) -> Made {
    reduce(node, 18, |x, along, own| {
        let squares = mapped(x, own, |x| x * x, Tensor::sqr)?;
        mapped(&squares.sum_keepdim(along)?, own, f32::sqrt, Tensor::sqrt)
    })
}

pub(super) fn max(node: &Node<'_>) -> Made {
    reduce(node, 18, |x, along, _| {
        along.iter().try_fold(x.clone(), |x, &at| x.max_keepdim(at))
    })
}

pub(super) fn min(node: &Node<'_>) -> Made {
    reduce(node, 18, |x, along, _| {
        along.iter().try_fold(x.clone(), |x, &at| x.min_keepdim(at))
    })
}

/// The axes are an input from operator set `since` on; `along` keeps reduced dimensions as size one, and is told
/// whether this crate's own loops are wanted.
fn reduce(node: &Node<'_>, since: i64, along: Along) -> Made {
    node.takes(1, if node.opset < since { 1 } else { 2 })?;
    let numbers = node.ints_or_input("axes", 1, since)?;
    let numbers = numbers.filter(|numbers| !numbers.is_empty());
    let keep = node.flag("keepdims", true)?;
    if node.opset >= since && node.flag("noop_with_empty_axes", false)? && numbers.is_none() {
        bail!("attribute noop_with_empty_axes is not supported where there are none");
    }
    let own = node.target.kernels;
    one(node, move |inputs| {
        let x = inputs.floats(0)?;
        let gone = match &numbers {
            Some(numbers) => axes(numbers, x.rank())?,
            None => (0..x.rank()).collect(),
        };
        let reduced = along(&x.contiguous()?, &gone, own)?;
        if keep {
            return Ok(reduced);
        }
        let kept = (0..x.rank()).filter(|at| !gone.contains(at));
        reduced.reshape(kept.map(|at| x.dims()[at]).collect::<Vec<_>>())
    })
}
