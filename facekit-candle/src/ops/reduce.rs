//! Sums, means, norms and extremes along some dimensions.

use candle_core::{Tensor, bail};

use super::arithmetic::map_values;
use crate::{
    axis::resolve_axes,
    error::Result,
    node::Node,
    operator::{NewOperator, one_output},
};

/// Reduces a tensor along some dimensions and keeps these as dimensions of size one. The flag asks for this crate's own loops.
type Reduction = fn(&Tensor, &[usize], bool) -> Result<Tensor>;

pub(super) fn sum(node: &Node<'_>) -> NewOperator {
    reduce(node, 13, |x, axes, _| x.sum_keepdim(axes))
}

pub(super) fn mean(node: &Node<'_>) -> NewOperator {
    reduce(node, 18, |x, axes, _| x.mean_keepdim(axes))
}

pub(super) fn l2(node: &Node<'_>) -> NewOperator {
    reduce(node, 18, |x, axes, own_kernels| {
        let squares = map_values(x, own_kernels, |x| x * x, Tensor::sqr)?;
        let sum = squares.sum_keepdim(axes)?;
        map_values(&sum, own_kernels, f32::sqrt, Tensor::sqrt)
    })
}

pub(super) fn max(node: &Node<'_>) -> NewOperator {
    reduce(node, 18, |x, axes, _| {
        axes.iter()
            .try_fold(x.clone(), |x, &axis| x.max_keepdim(axis))
    })
}

pub(super) fn min(node: &Node<'_>) -> NewOperator {
    reduce(node, 18, |x, axes, _| {
        axes.iter()
            .try_fold(x.clone(), |x, &axis| x.min_keepdim(axis))
    })
}

/// An operator that computes `reduction`. From operator set `since` on, the dimensions are an input, before an attribute.
fn reduce(node: &Node<'_>, since: i64, reduction: Reduction) -> NewOperator {
    node.expect_inputs(1, if node.opset < since { 1 } else { 2 })?;
    let numbers = node.ints_attribute_or_input("axes", 1, since)?;
    let numbers = numbers.filter(|numbers| !numbers.is_empty());
    let keep = node.flag("keepdims", true)?;
    if node.opset >= since && node.flag("noop_with_empty_axes", false)? && numbers.is_none() {
        bail!("attribute noop_with_empty_axes is not supported without axes");
    }
    let own_kernels = node.target.own_kernels;
    one_output(node, move |inputs| {
        let x = inputs.floats(0)?;
        let axes = match &numbers {
            Some(numbers) => resolve_axes(numbers, x.rank())?,
            None => (0..x.rank()).collect(),
        };
        let reduced = reduction(&x.contiguous()?, &axes, own_kernels)?;
        if keep {
            return Ok(reduced);
        }
        let kept = (0..x.rank()).filter(|axis| !axes.contains(axis));
        reduced.reshape(kept.map(|axis| x.dims()[axis]).collect::<Vec<_>>())
    })
}
