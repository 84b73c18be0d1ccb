//! One number out of many, along some dimensions.

use candle_core::Tensor;

use super::{Made, axes, one};
use crate::{error::Result, node::Node};

type Along = fn(&Tensor, &[usize]) -> Result<Tensor>;

pub(super) fn sum(node: &Node<'_>) -> Made {
    reduce(node, 13, |x, along| x.sum_keepdim(along))
}

pub(super) fn mean(node: &Node<'_>) -> Made {
    reduce(node, 18, |x, along| x.mean_keepdim(along))
}

pub(super) fn l2(node: &Node<'_>) -> Made {
    reduce(node, 18, |x, along| x.sqr()?.sum_keepdim(along)?.sqrt())
}

pub(super) fn max(node: &Node<'_>) -> Made {
    reduce(node, 18, |x, along| {
        along.iter().try_fold(x.clone(), |x, &at| x.max_keepdim(at))
    })
}

pub(super) fn min(node: &Node<'_>) -> Made {
    reduce(node, 18, |x, along| {
        along.iter().try_fold(x.clone(), |x, &at| x.min_keepdim(at))
    })
}

/// The axes are an input from operator set `since` on; `along` keeps reduced dimensions as size one.
fn reduce(node: &Node<'_>, since: i64, along: Along) -> Made {
    node.takes(1, if node.opset < since { 1 } else { 2 })?;
    let numbers = node.ints_or_input("axes", 1, since)?;
    let numbers = numbers.filter(|numbers| !numbers.is_empty());
    let keep = node.flag("keepdims", true)?;
    let none = node.opset >= since && node.flag("noop_with_empty_axes", false)?;
    one(node, move |inputs| {
        let x = inputs.floats(0)?;
        let gone = match &numbers {
            Some(numbers) => axes(numbers, x.rank())?,
            None if none => return along(x, &[]),
            None => (0..x.rank()).collect(),
        };
        let reduced = along(&x.contiguous()?, &gone)?;
        if keep {
            return Ok(reduced);
        }
        let kept = (0..x.rank()).filter(|at| !gone.contains(at));
        reduced.reshape(kept.map(|at| x.dims()[at]).collect::<Vec<_>>())
    })
}
