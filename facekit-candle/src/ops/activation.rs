//! Functions of each value, and softmax.

use candle_core::{Tensor, bail};

use super::{
    Made, Pointwise,
    arithmetic::{difference, each, mapped, quotient},
    axis, one,
    pointwise::Alone,
};
use crate::{error::Result, kernel::Activation, node::Node};

pub(super) fn relu(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    let (min, max) = (0.0, f32::INFINITY);
    alone(node, Activation::Clamp { min, max })
}

fn alone(node: &Node<'_>, activation: Activation) -> Made {
    Ok(Box::new(Alone::new(
        Pointwise::Activation(activation),
        node,
    )))
}

pub(super) fn clip(node: &Node<'_>) -> Made {
    let (min, max) = if node.opset < 11 {
        node.takes(1, 1)?;
        (node.float("min", f32::MIN)?, node.float("max", f32::MAX)?)
    } else {
        node.takes(1, 3)?;
        let bound = |at| node.constant_float(at);
        (
            bound(1)?.unwrap_or(f32::NEG_INFINITY),
            bound(2)?.unwrap_or(f32::INFINITY),
        )
    };
    if min.is_nan() || max.is_nan() {
        bail!("a bound is not a number");
    }
    alone(node, Activation::Clamp { min, max })
}

pub(super) fn leaky_relu(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    alone(node, Activation::Slope(vec![node.float("alpha", 0.01)?]))
}

pub(super) fn p_relu(node: &Node<'_>) -> Made {
    node.takes(2, 2)?;
    let shape = node.known(1).map(|slopes| slopes.dims().to_vec());
    let Some(slopes) = node.constant_floats(1)? else {
        bail!("it has no slopes");
    };
    // One for all channels, or [channels, 1, …, 1] as seen from the last dimension: by channel, where the input is an image.
    let shape = shape.unwrap_or_default();
    let by_channel = shape.len() >= 3
        && shape[shape.len() - 2..] == [1, 1]
        && shape[shape.len() - 3] == slopes.len();
    if slopes.len() == 1 {
        return alone(node, Activation::Slope(slopes));
    }
    if !by_channel || shape.len() > 4 {
        bail!(
            "slopes of shape {shape:?} are not supported; one for all or one a channel of an image is"
        );
    }
    let slopes = Pointwise::Activation(Activation::Slope(slopes));
    Ok(Box::new(Alone::new(slopes, node).of_images()))
}

pub(super) fn elu(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    let alpha = f64::from(node.float("alpha", 1.0)?);
    one(node, move |inputs| inputs.floats(0)?.elu(alpha))
}

pub(super) fn tanh(node: &Node<'_>) -> Made {
    each(node, f32::tanh, Tensor::tanh)
}

pub(super) fn sigmoid(node: &Node<'_>) -> Made {
    each(
        node,
        |x| 1.0 / (1.0 + (-x).exp()),
        |x| (x.neg()?.exp()? + 1.0)?.recip(),
    )
}

pub(super) fn hard_sigmoid(node: &Node<'_>) -> Made {
    let (alpha, beta) = (node.float("alpha", 0.2)?, node.float("beta", 0.5)?);
    each(
        node,
        move |x| (alpha * x + beta).clamp(0.0, 1.0),
        move |x| line(x, alpha, beta),
    )
}

pub(super) fn hard_swish(node: &Node<'_>) -> Made {
    let slope = 1.0 / 6.0;
    each(
        node,
        move |x| x * (slope * x + 0.5).clamp(0.0, 1.0),
        move |x| x * line(x, slope, 0.5)?,
    )
}

/// A line from zero to one.
fn line(x: &Tensor, slope: f32, middle: f32) -> Result<Tensor> {
    let line = x.affine(f64::from(slope), f64::from(middle))?;
    line.maximum(0.0)?.minimum(1.0)
}

pub(super) fn softmax(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    let own = node.target.kernels;
    if node.opset >= 13 {
        let along = node.int("axis", -1)?;
        return one(node, move |inputs| {
            let x = inputs.floats(0)?;
            shares(x, axis(along, x.rank())?, own)
        });
    }
    // Before, all dimensions from the axis on were one.
    let along = node.int("axis", 1)?;
    one(node, move |inputs| {
        let x = inputs.floats(0)?;
        let at = axis(along, x.rank())?;
        let rows = x.dims()[..at].iter().product::<usize>();
        let flat = x.reshape((rows, x.elem_count() / rows))?;
        shares(&flat, 1, own)?.reshape(x.dims())
    })
}

fn shares(x: &Tensor, along: usize, own: bool) -> Result<Tensor> {
    let most = x.max_keepdim(along)?;
    let powers = mapped(&difference(x, &most, own)?, own, f32::exp, Tensor::exp)?;
    let sum = powers.sum_keepdim(along)?;
    quotient(&powers, &sum, own)
}
