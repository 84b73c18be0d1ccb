//! Functions of each value, and softmax.

use candle_core::{Tensor, bail};

use super::{
    arithmetic::{difference, each_value, map_values, quotient},
    pointwise::PointwiseOperator,
};
use crate::{
    axis::resolve_axis,
    error::Result,
    kernel::activation::Activation,
    node::Node,
    operator::{NewOperator, one_output},
    pointwise::Pointwise,
};

pub(super) fn relu(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 1)?;
    let (min, max) = (0.0, f32::INFINITY);
    activation(node, Activation::Clamp { min, max })
}

fn activation(node: &Node<'_>, activation: Activation) -> NewOperator {
    let function = Pointwise::Activation(activation);
    Ok(Box::new(PointwiseOperator::new(function, node)))
}

pub(super) fn clip(node: &Node<'_>) -> NewOperator {
    let (min, max) = if node.opset < 11 {
        node.expect_inputs(1, 1)?;
        (node.float("min", f32::MIN)?, node.float("max", f32::MAX)?)
    } else {
        node.expect_inputs(1, 3)?;
        let bound = |input| node.take_float(input);
        (
            bound(1)?.unwrap_or(f32::NEG_INFINITY),
            bound(2)?.unwrap_or(f32::INFINITY),
        )
    };
    if min.is_nan() || max.is_nan() {
        bail!("a bound is not a number");
    }
    activation(node, Activation::Clamp { min, max })
}

pub(super) fn leaky_relu(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 1)?;
    activation(node, Activation::Slope(vec![node.float("alpha", 0.01)?]))
}

pub(super) fn p_relu(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(2, 2)?;
    let shape = node.peek_constant(1).map(|slopes| slopes.dims().to_vec());
    let Some(slopes) = node.take_floats(1)? else {
        bail!("it has no slopes");
    };
    // One slope for all channels, or one for each: then the last dimensions are [channels, 1, 1], and the input must be a batch
    // of images, in which the same dimension holds the channels.
    let shape = shape.unwrap_or_default();
    let by_channel = shape.len() >= 3
        && shape[shape.len() - 2..] == [1, 1]
        && shape[shape.len() - 3] == slopes.len();
    if slopes.len() == 1 {
        return activation(node, Activation::Slope(slopes));
    }
    if !by_channel || shape.len() > 4 {
        bail!(
            "slopes of shape {shape:?} are not supported; one slope, or one for each channel of an image, is"
        );
    }
    let slopes = Pointwise::Activation(Activation::Slope(slopes));
    Ok(Box::new(PointwiseOperator::new(slopes, node).images_only()))
}

pub(super) fn elu(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 1)?;
    let alpha = f64::from(node.float("alpha", 1.0)?);
    one_output(node, move |inputs| inputs.floats(0)?.elu(alpha))
}

pub(super) fn tanh(node: &Node<'_>) -> NewOperator {
    each_value(node, f32::tanh, Tensor::tanh)
}

pub(super) fn sigmoid(node: &Node<'_>) -> NewOperator {
    each_value(
        node,
        |x| 1.0 / (1.0 + (-x).exp()),
        |x| (x.neg()?.exp()? + 1.0)?.recip(),
    )
}

pub(super) fn hard_sigmoid(node: &Node<'_>) -> NewOperator {
    let (alpha, beta) = (node.float("alpha", 0.2)?, node.float("beta", 0.5)?);
    each_value(
        node,
        move |x| (alpha * x + beta).clamp(0.0, 1.0),
        move |x| clamped_line(x, alpha, beta),
    )
}

pub(super) fn hard_swish(node: &Node<'_>) -> NewOperator {
    let slope = 1.0 / 6.0;
    each_value(
        node,
        move |x| x * (slope * x + 0.5).clamp(0.0, 1.0),
        move |x| x * clamped_line(x, slope, 0.5)?,
    )
}

/// `slope · x + offset`, limited to 0 to 1.
fn clamped_line(x: &Tensor, slope: f32, offset: f32) -> Result<Tensor> {
    let line = x.affine(f64::from(slope), f64::from(offset))?;
    line.maximum(0.0)?.minimum(1.0)
}

pub(super) fn softmax(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(1, 1)?;
    let own_kernels = node.target.own_kernels;
    if node.opset >= 13 {
        let number = node.int("axis", -1)?;
        return one_output(node, move |inputs| {
            let x = inputs.floats(0)?;
            softmax_along(x, resolve_axis(number, x.rank())?, own_kernels)
        });
    }
    // Before operator set 13, all dimensions from the axis on count as one.
    let number = node.int("axis", 1)?;
    one_output(node, move |inputs| {
        let x = inputs.floats(0)?;
        let axis = resolve_axis(number, x.rank())?;
        let rows = x.dims()[..axis].iter().product::<usize>();
        let flat = x.reshape((rows, x.elem_count() / rows))?;
        softmax_along(&flat, 1, own_kernels)?.reshape(x.dims())
    })
}

fn softmax_along(x: &Tensor, axis: usize, own_kernels: bool) -> Result<Tensor> {
    // Without the greatest value, which changes nothing of the quotient, powers could be infinite.
    let greatest = x.max_keepdim(axis)?;
    let exponents = difference(x, &greatest, own_kernels)?;
    let powers = map_values(&exponents, own_kernels, f32::exp, Tensor::exp)?;
    let sum = powers.sum_keepdim(axis)?;
    quotient(&powers, &sum, own_kernels)
}
