//! Convolutions.

use candle_core::{Device, Tensor, bail};

use super::{
    rows::select_rows,
    window::{Window, pad_and_crop},
};
use crate::{
    error::Result,
    kernel::{
        activation::Activation,
        buffers::{return_buffer, take_buffer},
        columns::Columns,
        fold::depthwise,
        plane::Plane,
        product::{Product, Weights, product},
        slices::map_slice,
    },
    node::Node,
    operator::{Inputs, NewOperator, Operator},
    pointwise::Pointwise,
    tensor::{element_count, to_floats},
    windows::Windows,
};

pub(super) fn conv(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(2, 3)?;
    let Some(weights) = node.take_constant(1)? else {
        bail!("it has no weights");
    };
    let bias = node.take_floats(2)?;
    let &[outputs, inputs, height, width] = weights.dims() else {
        bail!(
            "weights of shape {:?}; only convolutions over images, with weights of rank 4, are supported",
            weights.dims()
        );
    };
    let groups = usize::try_from(node.int("group", 1)?).unwrap_or(0);
    let channels = inputs.checked_mul(groups);
    let (Some(channels), true) = (channels, groups > 0 && weights.elem_count() > 0) else {
        bail!(
            "{groups} groups do not fit weights of shape {:?}",
            weights.dims()
        );
    };
    if !outputs.is_multiple_of(groups) {
        bail!("{outputs} output channels cannot be divided into {groups} groups");
    }
    if bias.as_ref().is_some_and(|bias| bias.len() != outputs) {
        bail!("the bias does not have {outputs} numbers");
    }
    Ok(Box::new(Conv {
        window: Window::read(node, Some([height, width]))?,
        groups,
        channels,
        outputs,
        weights: to_floats(&weights)?,
        bias: bias.unwrap_or_else(|| vec![0.0; outputs]),
        activation: Activation::None,
        candle_device: (!node.target.own_kernels).then(|| node.target.device.clone()),
        prepared: Prepared::Not,
    }))
}

struct Conv {
    window: Window,
    groups: usize,
    /// The number of input channels.
    channels: usize,
    /// The number of output channels.
    outputs: usize,
    /// In the file's order. Empty once they are prepared.
    weights: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
    /// The device, if candle computes the convolution.
    candle_device: Option<Device>,
    prepared: Prepared,
}

/// The weights in the form that a run needs.
enum Prepared {
    Not,
    OwnKernels(OwnWeights),
    /// Weights and bias.
    Candle(Tensor, Tensor),
}

enum OwnWeights {
    /// One kernel for each output channel, which reads one input channel.
    Depthwise(Vec<f32>),
    /// One matrix for each group.
    Products(Vec<Weights>),
}

impl Operator for Conv {
    fn is_fresh(&self) -> bool {
        self.candle_device.is_none()
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
        self.prepared = if let Some(device) = &self.candle_device {
            let shape = (self.outputs, inputs, height, width);
            let bias = Tensor::from_slice(&self.bias, (1, self.outputs, 1, 1), device)?;
            Prepared::Candle(Tensor::from_vec(weights, shape, device)?, bias)
        } else if inputs == 1 && self.groups > 1 {
            Prepared::OwnKernels(OwnWeights::Depthwise(weights))
        } else {
            let (rows, depth) = (self.outputs / self.groups, inputs * height * width);
            let matrices = weights.chunks_exact(rows * depth);
            let packed = matrices.map(|matrix| Weights::pack(matrix, rows, depth));
            Prepared::OwnKernels(OwnWeights::Products(packed.collect()))
        };
        Ok(())
    }

    fn run(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.floats(0)?;
        let &[batch, channels, height, width] = x.dims() else {
            bail!("a tensor of {:?} is not a batch of images", x.dims());
        };
        if channels != self.channels {
            bail!("{channels} channels instead of {}", self.channels);
        }
        let windows = self.window.windows_over([height, width])?;
        let [rows, columns] = windows.count;
        let shape = [batch, self.outputs, rows, columns];
        element_count(&shape)?;
        // The buffer of an image with its padding.
        element_count(&[channels, Plane::new(&windows).len()])?;
        let y = match &self.prepared {
            Prepared::Candle(weights, bias) => {
                let y = convolve_with_candle(x, weights, &windows, self.groups)?;
                let y = y.broadcast_add(bias)?;
                Pointwise::Activation(self.activation.clone()).apply_with_candle(&y)?
            }
            Prepared::OwnKernels(weights) => {
                map_slice(x, &shape, |images| self.compute(weights, images, &windows))?
            }
            Prepared::Not => bail!("it was not prepared"),
        };
        Ok(vec![y])
    }
}

impl Conv {
    /// Computes one image after the other.
    fn compute(&self, weights: &OwnWeights, images: &[f32], windows: &Windows) -> Vec<f32> {
        let pixels = windows.size[0] * windows.size[1];
        let images = images.chunks_exact(self.channels * pixels);
        let outputs = self.outputs * windows.count[0] * windows.count[1];
        let mut out = take_buffer(images.len() * outputs);
        for (image, out) in images.zip(out.chunks_exact_mut(outputs)) {
            match weights {
                OwnWeights::Depthwise(weights) => self.depthwise(image, weights, windows, out),
                // The image itself is the right matrix.
                OwnWeights::Products(weights) if windows.is_identity() => {
                    let starts = (0..self.channels).map(|channel| channel * pixels);
                    let starts: Vec<usize> = starts.collect();
                    self.products(image, &starts, Columns::dense(pixels), weights, out);
                }
                OwnWeights::Products(weights) => {
                    let plane = Plane::new(windows);
                    let mut buffer = plane.buffer(self.channels, 0.0);
                    let channels = buffer.chunks_exact_mut(plane.len());
                    for (channel, buffer) in image.chunks_exact(pixels).zip(channels) {
                        plane.copy_image(channel, buffer);
                    }
                    let taps = plane.taps();
                    let starts = (0..self.channels).map(|channel| channel * plane.len());
                    let starts = starts.flat_map(|start| taps.iter().map(move |tap| start + tap));
                    let starts: Vec<usize> = starts.collect();
                    self.products(&buffer, &starts, plane.columns(), weights, out);
                    return_buffer(buffer);
                }
            }
        }
        out
    }

    /// Computes one product for each group. `starts` holds the offset in `source` of each row of the right matrices.
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
        let mut buffer = plane.buffer(1, 0.0);
        // An input channel has one output channel or several.
        let outputs = weights.chunks_exact(taps.len()).zip(&self.bias);
        let outputs = outputs.zip(out.chunks_exact_mut(columns.width * columns.height));
        let outputs_per_channel = self.outputs / self.groups;
        for (number, ((weights, bias), out)) in outputs.enumerate() {
            if number.is_multiple_of(outputs_per_channel) {
                let pixels = windows.size[0] * windows.size[1];
                let channel = number / outputs_per_channel;
                plane.copy_image(&image[channel * pixels..][..pixels], &mut buffer);
            }
            let activation = (&self.activation, number);
            depthwise(&buffer, &taps, &columns, weights, *bias, activation, out);
        }
        return_buffer(buffer);
    }
}

/// Convolves with candle's operator, which has one stride and one dilation for both axes, and the same padding on all sides.
/// The padding is therefore added before, and of two different strides the result of a stride of one is thinned out.
fn convolve_with_candle(
    x: &Tensor,
    weights: &Tensor,
    windows: &Windows,
    groups: usize,
) -> Result<Tensor> {
    let x = pad_and_crop(x, windows, 0.0)?;
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
    let places = |axis: usize| {
        let numbers = 0..count[axis];
        numbers.map(|number| number * strides[axis]).collect()
    };
    select_rows(&select_rows(&y, 2, places(0))?, 3, places(1))
}
