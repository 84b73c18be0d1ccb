//! Functions of each value, which the operator before can compute as well.

use candle_core::{Tensor, bail};

use crate::{
    error::Result,
    kernel::{activation::Activation, buffers::take_buffer, slices::map_slice},
};

/// A function of one value and its channel (dimension 1).
#[derive(Clone, Debug)]
pub(crate) enum Pointwise {
    /// `scale · x + shift`, with one `scale` and one `shift` for each channel.
    Affine {
        scale: Vec<f32>,
        shift: Vec<f32>,
    },
    Activation(Activation),
}

impl Pointwise {
    /// Computes it with candle, on any device.
    pub(crate) fn apply_with_candle(&self, x: &Tensor) -> Result<Tensor> {
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

    /// Computes it with this crate's own loop, on the calling thread.
    pub(crate) fn apply_on_cpu(&self, x: &Tensor) -> Result<Tensor> {
        let channels = x.dims().get(1).copied().unwrap_or(1);
        if !self.fits(channels) {
            bail!("it does not fit the {channels} channels of {:?}", x.dims());
        }
        let plane = x.dims().iter().skip(2).product::<usize>();
        map_slice(x, x.dims(), |values| {
            let mut computed = take_buffer(values.len());
            computed.copy_from_slice(values);
            for (number, values) in computed.chunks_exact_mut(plane).enumerate() {
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

    /// True if its constants are for this number of channels.
    fn fits(&self, channels: usize) -> bool {
        match self {
            Self::Affine { scale, .. } => scale.len() == channels,
            Self::Activation(activation) => activation.fits(channels),
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
