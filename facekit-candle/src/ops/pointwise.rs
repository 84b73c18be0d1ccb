//! What is done to each value by itself, and so can be done where the value is computed.

use candle_core::{Tensor, bail};

use super::{Inputs, Operator};
use crate::{error::Result, kernel::Activation};

/// A function of one value and the channel it is in, dimension 1.
#[derive(Clone, Debug)]
pub(crate) enum Pointwise {
    /// `scale · x + shift`, each by channel.
    Affine {
        scale: Vec<f32>,
        shift: Vec<f32>,
    },
    Activation(Activation),
}

impl Pointwise {
    /// Computes it with candle, on any device.
    pub(crate) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Affine { scale, shift } => x
                .broadcast_mul(&by_channel(scale, x)?)?
                .broadcast_add(&by_channel(shift, x)?),
            Self::Activation(Activation::None) => Ok(x.clone()),
            Self::Activation(Activation::Clamp { min, max }) => {
                let x = match *min {
                    0.0 => x.relu()?,
                    f32::NEG_INFINITY => x.clone(),
                    min => x.maximum(f64::from(min))?,
                };
                match *max {
                    f32::INFINITY => Ok(x),
                    max => x.minimum(f64::from(max)),
                }
            }
            Self::Activation(Activation::Slope(slopes)) => {
                let below = x.minimum(0.0)?.broadcast_mul(&by_channel(slopes, x)?)?;
                x.relu()? + below
            }
        }
    }
}

/// The numbers as a tensor that broadcasts along the channels of `x`.
fn by_channel(numbers: &[f32], x: &Tensor) -> Result<Tensor> {
    let mut dims = vec![1; x.rank()];
    if numbers.len() != 1 {
        match x.dims().get(1) {
            Some(&channels) if channels == numbers.len() => dims[1] = channels,
            _ => bail!("{} channels do not fit {:?}", numbers.len(), x.dims()),
        }
    }
    Tensor::from_slice(numbers, dims, x.device())
}

impl Operator for Pointwise {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        Ok(vec![self.apply(inputs.floats(0)?)?])
    }

    fn pointwise(&self) -> Option<&Pointwise> {
        Some(self)
    }
}
