//! Convolutions.

use candle_core::{Device, Tensor, bail};

use super::{
    Inputs, Made, Operator, Pointwise,
    select::pick,
    window::{Window, Windows},
};
use crate::{
    error::Result,
    kernel::{
        Activation, Columns, Plane, Product, Weights, depthwise, from_one, give, product, take,
    },
    node::{Node, floats},
    tensor::elements,
};

pub(super) fn conv(node: &Node<'_>) -> Made {
    node.takes(2, 3)?;
    let Some(weights) = node.constant(1)? else {
        bail!("it has no weights");
    };
    let bias = node.constant_floats(2)?;
    let &[outputs, inputs, height, width] = weights.dims() else {
        bail!(
            "weights of shape {:?}; images have two dimensions",
            weights.dims()
        );
    };
    let groups = usize::try_from(node.int("group", 1)?).unwrap_or(0);
    let channels = inputs.checked_mul(groups);
    let (Some(channels), true) = (channels, groups > 0 && weights.elem_count() > 0) else {
        bail!("{groups} groups of weights of shape {:?}", weights.dims());
    };
    if !outputs.is_multiple_of(groups) {
        bail!("{groups} groups of {outputs} outputs");
    }
    if bias.as_ref().is_some_and(|bias| bias.len() != outputs) {
        bail!("the bias does not have {outputs} numbers");
    }
    Ok(Box::new(Conv {
        window: Window::read(node, Some([height, width]))?,
        groups,
        channels,
        outputs,
        weights: floats(&weights)?,
        bias: bias.unwrap_or_else(|| vec![0.0; outputs]),
        activation: Activation::None,
        by_candle: (!node.target.kernels).then(|| node.target.device.clone()),
        ready: Ready::Not,
    }))
}

struct Conv {
    window: Window,
    groups: usize,
    channels: usize,
    outputs: usize,
    /// In the file's order; empty once it is ready.
    weights: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
    /// The device, where candle computes it.
    by_candle: Option<Device>,
    ready: Ready,
}

/// The weights as they are computed with.
enum Ready {
    Not,
    Own(Own),
    /// Weights and bias.
    ByCandle(Tensor, Tensor),
}

enum Own {
    /// For each output, which sees one channel.
    Depthwise(Vec<f32>),
    /// A matrix for each group.
    Products(Vec<Weights>),
}

impl Operator for Conv {
    fn is_fresh(&self) -> bool {
        self.by_candle.is_none()
    }

    fn absorb(&mut self, next: &Pointwise) -> Result<bool> {
        match (next, &self.activation) {
            (Pointwise::Affine { scale, shift }, Activation::None)
                if scale.len() == self.outputs =>
            {
                let depth = self.weights.len() / self.outputs;
                for (weights, scale) in self.weights.chunks_exact_mut(depth).zip(scale) {
                    weights.iter_mut().for_each(|weight| *weight *= scale);
                }
                for ((bias, scale), shift) in self.bias.iter_mut().zip(scale).zip(shift) {
                    *bias = *bias * scale + shift;
                }
                Ok(true)
            }
            (Pointwise::Activation(next), Activation::None) if next.fits(self.outputs) => {
                self.activation = next.clone();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn prepare(&mut self) -> Result<()> {
        let weights = std::mem::take(&mut self.weights);
        let inputs = self.channels / self.groups;
        let [height, width] = self.window.kernel();
        self.ready = if let Some(device) = &self.by_candle {
            let shape = (self.outputs, inputs, height, width);
            let bias = Tensor::from_slice(&self.bias, (1, self.outputs, 1, 1), device)?;
            Ready::ByCandle(Tensor::from_vec(weights, shape, device)?, bias)
        } else if inputs == 1 && self.groups > 1 {
            Ready::Own(Own::Depthwise(weights))
        } else {
            let (rows, depth) = (self.outputs / self.groups, inputs * height * width);
            let matrices = weights.chunks_exact(rows * depth);
            let packed = matrices.map(|matrix| Weights::pack(matrix, rows, depth));
            Ready::Own(Own::Products(packed.collect()))
        };
        Ok(())
    }

    fn run(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.floats(0)?;
        let &[batch, channels, height, width] = x.dims() else {
            bail!("a tensor of {:?} is no batch of images", x.dims());
        };
        if channels != self.channels {
            bail!("{channels} channels instead of {}", self.channels);
        }
        let windows = self.window.over([height, width])?;
        let [rows, columns] = windows.count;
        let shape = [batch, self.outputs, rows, columns];
        elements(&shape)?;
        // What an image takes that is laid out with all that is around it.
        elements(&[channels, Plane::new(&windows).len()])?;
        let y = match &self.ready {
            Ready::ByCandle(weights, bias) => {
                let y = by_candle(x, weights, &windows, self.groups)?.broadcast_add(bias)?;
                Pointwise::Activation(self.activation.clone()).apply(&y)?
            }
            Ready::Own(own) => from_one(x, &shape, |images| self.compute(own, images, &windows))?,
            Ready::Not => bail!("it was not prepared"),
        };
        Ok(vec![y])
    }
}

impl Conv {
    /// One image after the other.
    fn compute(&self, own: &Own, images: &[f32], windows: &Windows) -> Vec<f32> {
        let pixels = windows.size[0] * windows.size[1];
        let images = images.chunks_exact(self.channels * pixels);
        let outputs = self.outputs * windows.count[0] * windows.count[1];
        let mut out = take(images.len() * outputs);
        for (image, out) in images.zip(out.chunks_exact_mut(outputs)) {
            match own {
                Own::Depthwise(weights) => self.depthwise(image, weights, windows, out),
                Own::Products(weights) if windows.is_identity() => {
                    let starts: Vec<usize> = (0..self.channels).map(|at| at * pixels).collect();
                    self.products(image, &starts, Columns::dense(pixels), weights, out);
                }
                Own::Products(weights) => {
                    let plane = Plane::new(windows);
                    let mut room = plane.room(self.channels, 0.0);
                    let rooms = room.chunks_exact_mut(plane.len());
                    for (channel, room) in image.chunks_exact(pixels).zip(rooms) {
                        plane.lay(channel, room);
                    }
                    let taps = plane.taps();
                    let starts = (0..self.channels).map(|channel| channel * plane.len());
                    let starts = starts.flat_map(|start| taps.iter().map(move |tap| start + tap));
                    let starts: Vec<usize> = starts.collect();
                    self.products(&room, &starts, plane.columns(), weights, out);
                    give(room);
                }
            }
        }
        out
    }

    fn products(
        &self,
        source: &[f32],
        starts: &[usize],
        columns: Columns,
        weights: &[Weights],
        out: &mut [f32],
    ) {
        let rows = self.outputs / self.groups;
        let starts = starts.chunks_exact(starts.len() / self.groups);
        let groups = weights.iter().zip(starts).zip(self.bias.chunks_exact(rows));
        let out = out.chunks_exact_mut(rows * columns.width * columns.height);
        for (group, (((weights, starts), bias), out)) in groups.zip(out).enumerate() {
            let job = Product {
                weights,
                bias: Some(bias),
                activation: &self.activation,
                first_row: group * rows,
                source,
                starts,
                columns,
            };
            product(&job, out);
        }
    }

    fn depthwise(&self, image: &[f32], weights: &[f32], windows: &Windows, out: &mut [f32]) {
        let plane = Plane::new(windows);
        let (taps, columns) = (plane.taps(), plane.columns());
        let mut room = plane.room(1, 0.0);
        // An input channel has one output or several.
        let outputs = weights.chunks_exact(taps.len()).zip(&self.bias);
        let outputs = outputs.zip(out.chunks_exact_mut(columns.width * columns.height));
        let several = self.outputs / self.groups;
        for (number, ((weights, bias), out)) in outputs.enumerate() {
            if number.is_multiple_of(several) {
                let pixels = windows.size[0] * windows.size[1];
                plane.lay(&image[number / several * pixels..][..pixels], &mut room);
            }
            let activation = (&self.activation, number);
            depthwise(&room, &taps, &columns, weights, *bias, activation, out);
        }
        give(room);
    }
}

/// Candle knows one stride, one dilation and no padding that differs by side.
fn by_candle(x: &Tensor, weights: &Tensor, windows: &Windows, groups: usize) -> Result<Tensor> {
    let x = windows.cut(x, 0.0)?;
    let Windows {
        strides,
        dilations,
        count,
        ..
    } = windows;
    if dilations[0] != dilations[1] {
        bail!("dilations of {dilations:?} are not supported on this device");
    }
    if strides[0] == strides[1] {
        return x.conv2d(weights, 0, strides[0], dilations[0], groups);
    }
    let y = x.conv2d(weights, 0, 1, dilations[0], groups)?;
    let places = |at: usize| (0..count[at]).map(|number| number * strides[at]).collect();
    pick(&pick(&y, 2, places(0))?, 3, places(1))
}
