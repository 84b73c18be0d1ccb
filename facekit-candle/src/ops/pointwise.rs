//! What is done to each value by itself, and so can be done where the value is computed.

use candle_core::{Tensor, bail};

use super::{Inputs, Operator};
use crate::{
    error::Result,
    kernel::{Activation, from_one, take},
    node::Node,
};

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

impl Pointwise {
    /// Whether it has what it needs for this number of channels.
    fn fits(&self, channels: usize) -> bool {
        match self {
            Self::Affine { scale, .. } => scale.len() == channels,
            Self::Activation(activation) => activation.fits(channels),
        }
    }

    /// Computes it on the thread that calls.
    fn apply_alone(&self, x: &Tensor) -> Result<Tensor> {
        let channels = x.dims().get(1).copied().unwrap_or(1);
        if !self.fits(channels) {
            bail!("it does not fit the {channels} channels of {:?}", x.dims());
        }
        let run = x.dims().iter().skip(2).product::<usize>();
        from_one(x, x.dims(), |values| {
            let mut computed = take(values.len());
            computed.copy_from_slice(values);
            for (number, values) in computed.chunks_exact_mut(run).enumerate() {
                let channel = number % channels;
                match self {
                    Self::Affine { scale, shift } => {
                        let (scale, shift) = (scale[channel], shift[channel]);
                        values.iter_mut().for_each(|x| *x = *x * scale + shift);
                    }
                    Self::Activation(activation) => activation.apply(channel, values),
                }
            }
            computed
        })
    }
}

/// A node that is nothing but a pointwise function.
pub(super) struct Alone {
    function: Pointwise,
    own: bool,
    /// Whether channels are those of images: of a tensor of another rank, they would be another dimension.
    of_images: bool,
}

impl Alone {
    pub(super) fn new(function: Pointwise, node: &Node<'_>) -> Self {
        Self {
            function,
            own: node.target.kernels,
            of_images: false,
        }
    }

    pub(super) fn of_images(mut self) -> Self {
        self.of_images = true;
        self
    }
}

impl Operator for Alone {
    fn is_fresh(&self) -> bool {
        self.own
    }

    fn run(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.floats(0)?;
        if self.of_images && x.rank() != 4 {
            bail!("{:?} is no batch of images", x.dims());
        }
        let y = if self.own {
            self.function.apply_alone(x)?
        } else {
            self.function.apply(x)?
        };
        Ok(vec![y])
    }

    fn pointwise(&self) -> Option<&Pointwise> {
        Some(&self.function)
    }
}
