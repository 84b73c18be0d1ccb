//! Functions of each value, and softmax.

use candle_core::{Tensor, bail};

use super::{Made, Pointwise, axis, one};
use crate::{error::Result, kernel::Activation, node::Node};

pub(super) fn relu(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    Ok(Box::new(Pointwise::Activation(Activation::Clamp {
        min: 0.0,
        max: f32::INFINITY,
    })))
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
    Ok(Box::new(Pointwise::Activation(Activation::Clamp {
        min,
        max,
    })))
}

pub(super) fn leaky_relu(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    Ok(Box::new(Pointwise::Activation(Activation::Slope(vec![
        node.float("alpha", 0.01)?,
    ]))))
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
        return Ok(Box::new(Pointwise::Activation(Activation::Slope(slopes))));
    }
    if !by_channel || shape.len() > 4 {
        bail!(
            "slopes of shape {shape:?} are not supported; one for all or one a channel of an image is"
        );
    }
    let slopes = Slopes(Pointwise::Activation(Activation::Slope(slopes)));
    Ok(Box::new(slopes))
}

/// Slopes by channel, which are those of images only: of another rank they would be along another dimension.
struct Slopes(Pointwise);

impl super::Operator for Slopes {
    fn run(&self, inputs: &super::Inputs<'_>) -> Result<Vec<Tensor>> {
        let rank = inputs.floats(0)?.rank();
        if rank != 4 {
            bail!("slopes by channel of a tensor of rank {rank}");
        }
        self.0.run(inputs)
    }

    fn pointwise(&self) -> Option<&Pointwise> {
        Some(&self.0)
    }
}

pub(super) fn elu(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    let alpha = f64::from(node.float("alpha", 1.0)?);
    one(node, move |inputs| inputs.floats(0)?.elu(alpha))
}

pub(super) fn tanh(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    one(node, |inputs| inputs.floats(0)?.tanh())
}

pub(super) fn sigmoid(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    one(node, |inputs| {
        (inputs.floats(0)?.neg()?.exp()? + 1.0)?.recip()
    })
}

pub(super) fn hard_sigmoid(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    let alpha = f64::from(node.float("alpha", 0.2)?);
    let beta = f64::from(node.float("beta", 0.5)?);
    one(node, move |inputs| stepped(inputs.floats(0)?, alpha, beta))
}

pub(super) fn hard_swish(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    one(node, |inputs| {
        let x = inputs.floats(0)?;
        x * stepped(x, 1.0 / 6.0, 0.5)?
    })
}

/// A line from zero to one.
fn stepped(x: &Tensor, slope: f64, middle: f64) -> Result<Tensor> {
    x.affine(slope, middle)?.maximum(0.0)?.minimum(1.0)
}

pub(super) fn softmax(node: &Node<'_>) -> Made {
    node.takes(1, 1)?;
    if node.opset >= 13 {
        let along = node.int("axis", -1)?;
        return one(node, move |inputs| {
            let x = inputs.floats(0)?;
            shares(x, axis(along, x.rank())?)
        });
    }
    // Before, all dimensions from the axis on were one.
    let along = node.int("axis", 1)?;
    one(node, move |inputs| {
        let x = inputs.floats(0)?;
        let at = axis(along, x.rank())?;
        let rows = x.dims()[..at].iter().product::<usize>();
        let flat = x.reshape((rows, x.elem_count() / rows.max(1)))?;
        shares(&flat, 1)?.reshape(x.dims())
    })
}

fn shares(x: &Tensor, along: usize) -> Result<Tensor> {
    let most = x.max_keepdim(along)?;
    let powers = x.broadcast_sub(&most)?.exp()?;
    let sum = powers.sum_keepdim(along)?;
    powers.broadcast_div(&sum)
}
