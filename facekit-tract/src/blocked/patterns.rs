//! The patterns of tract's nodes that a [`program`](super::program) can compute.
//!
//! They match the graph as tract translates it from ONNX, before tract optimizes it. For example, ONNX's `Relu` is then a `Max`
//! with a constant, and `PRelu` is a comparison, a product and a choice.

use tract_onnx::tract_core::{
    internal::*,
    ops::{
        binary::TypedBinOp,
        cast::Cast,
        change_axes::AxisOp,
        cnn::{Conv, KernelFormat, MaxPool as TractMaxPool, PoolSpec},
        element_wise::ElementWiseOp,
        logic::{CompGT, Iff},
        math::{Add, Div, Max, Min, Mul},
        nn::{
            DataFormat, LeakyRelu, Reduce, Reducer, Sigmoid,
            resize::{CoordTransformer, Interpolator},
        },
    },
};
use tract_onnx_opl::resize::{CoordTransform, Nearest, Resize};

use super::{
    convolution::{Convolution, Window},
    kernels::output::Activation,
    layout::{Halo, Lanes, Shape, per_channel},
};

/// A node that a pattern matches: it computes `operation` of `inputs`, which are feature maps. The node's other inputs are
/// constants or intermediate results, which are part of the operation.
#[derive(Debug)]
pub(crate) struct Matched {
    pub(crate) inputs: TVec<OutletId>,
    pub(crate) operation: Operation,
}

#[derive(Debug)]
pub(crate) enum Operation {
    Convolution(Convolution),
    /// Multiplies each channel by a factor and adds a summand. The input is the result of a convolution, whose weights change
    /// instead.
    Affine {
        scale: Vec<f32>,
        shift: Vec<f32>,
    },
    Activation(Activation),
    Sigmoid,
    Add,
    Scale,
    MaxPool(Window),
    Mean,
    Upsample([usize; 2]),
}

/// The number of images and the shape of one, if `outlet` is a batch of feature maps.
pub(crate) fn feature_maps(model: &TypedModel, outlet: OutletId) -> Option<(usize, Shape)> {
    let fact = model.outlet_fact(outlet).ok()?;
    if fact.datum_type != f32::datum_type() {
        return None;
    }
    match *fact.shape.as_concrete()? {
        [images, channels, height, width] if images * channels * height * width > 0 => {
            Some((images, Shape::new(channels, height, width)))
        }
        _ => None,
    }
}

/// Matches `node` with all patterns.
pub(crate) fn match_node(model: &TypedModel, node: &TypedNode) -> Option<Matched> {
    let (images, output) = feature_maps(model, node.id.into())?;
    let op = &node.op;
    let matched = if let Some(conv) = op.downcast_ref::<Conv>() {
        convolution(model, node, conv)
    } else if let Some(binary) = op.downcast_ref::<TypedBinOp>() {
        self::binary(model, node, binary, &output)
    } else if op.is::<Iff>() {
        prelu(model, node, &output)
    } else if let Some(pool) = op.downcast_ref::<TractMaxPool>() {
        max_pool(model, node, pool)
    } else if let Some(resize) = op.downcast_ref::<Resize>() {
        upsample(model, node, resize, &output)
    } else if let Some(function) = op.downcast_ref::<ElementWiseOp>() {
        let operation = if let Some(leaky) = function.0.downcast_ref::<LeakyRelu>() {
            let slopes = vec![Lanes::splat(leaky.alpha); output.blocks()];
            Operation::Activation(Activation::PRelu(slopes))
        } else if function.0.is::<Sigmoid>() && output.height * output.width == 1 {
            // For larger maps tract's function is faster, because it is vectorized.
            Operation::Sigmoid
        } else {
            return None;
        };
        Some(Matched {
            inputs: tvec![node.inputs[0]],
            operation,
        })
    } else {
        None
    }?;
    let same_batch =
        |&input: &OutletId| feature_maps(model, input).is_some_and(|(n, _)| n == images);
    matched.inputs.iter().all(same_batch).then_some(matched)
}

fn convolution(model: &TypedModel, node: &TypedNode, conv: &Conv) -> Option<Matched> {
    let spec = &conv.pool_spec;
    let depthwise =
        conv.group > 1 && conv.group == spec.input_channels && conv.group == spec.output_channels;
    if conv.q_params.is_some()
        || conv.kernel_fmt != KernelFormat::OIHW
        || !(conv.group == 1 || depthwise)
    {
        return None;
    }
    let &[input, weights, bias] = node.inputs.as_slice() else {
        return None;
    };
    let window = window(model, input, spec)?;
    let weights = constant_values(model, weights)?;
    let bias = one_per_channel(spec.output_channels, constant_values(model, bias)?)?;
    Some(Matched {
        inputs: tvec![input],
        operation: Operation::Convolution(Convolution {
            window,
            depthwise,
            weights,
            bias,
        }),
    })
}

/// Padding up to this many pixels on each side is accepted for maps of any size.
const MAX_PADDING: usize = 64;

fn window(model: &TypedModel, input: OutletId, spec: &PoolSpec) -> Option<Window> {
    let (_, shape) = feature_maps(model, input)?;
    let kernel: [usize; 2] = spec.kernel_shape.as_slice().try_into().ok()?;
    if spec.data_format != DataFormat::NCHW {
        return None;
    }
    let (strides, dilations) = (spec.strides(), spec.dilations());
    let padding = spec
        .padding
        .compute(&[shape.height, shape.width], &kernel, &dilations, &strides);
    // Maps are stored with their padding, and a damaged file may ask for any amount of it.
    let limits = [shape.height, shape.width].map(|side| side.max(MAX_PADDING));
    let mut sides = padding.iter().zip(limits);
    if sides.any(|(padding, limit)| padding.pad_before.max(padding.pad_after) > limit) {
        return None;
    }
    Some(Window {
        kernel,
        strides: strides.as_ref().try_into().ok()?,
        dilations: dilations.as_ref().try_into().ok()?,
        padding: [padding[0].pad_before, padding[1].pad_before],
    })
}

fn max_pool(model: &TypedModel, node: &TypedNode, pool: &TractMaxPool) -> Option<Matched> {
    let window = window(model, node.inputs[0], &pool.pool_spec)?;
    let (_, input) = feature_maps(model, node.inputs[0])?;
    let (_, output) = feature_maps(model, node.id.into())?;
    let halo = window.halo(&input, [output.height, output.width]);
    // The padding of a maximum is less than any value, but a halo is zero.
    let is_supported = halo == Halo::default() && window.dilations == [1, 1];
    (is_supported && pool.with_index_outputs.is_none()).then(|| Matched {
        inputs: tvec![node.inputs[0]],
        operation: Operation::MaxPool(window),
    })
}

fn upsample(
    model: &TypedModel,
    node: &TypedNode,
    resize: &Resize,
    output: &Shape,
) -> Option<Matched> {
    // For whole factors, each of these repeats the pixels.
    let repeats_pixels = matches!(
        (&resize.coord_transformer, resize.nearest),
        (
            CoordTransform::Plain(CoordTransformer::Asymmetric),
            Nearest::Floor
        ) | (
            CoordTransform::Plain(CoordTransformer::HalfPixel),
            Nearest::RoundPreferFloor | Nearest::RoundPreferCeil
        )
    );
    if !repeats_pixels || resize.interpolator != Interpolator::Nearest || resize.axes.is_some() {
        return None;
    }
    let (_, input) = feature_maps(model, node.inputs[0])?;
    let factors = [output.height / input.height, output.width / input.width];
    let whole_factors = factors[0] * input.height == output.height
        && factors[1] * input.width == output.width
        && output.channels == input.channels;
    // If there are scales, coordinates are computed with them and not with the ratio of the sizes. So they must be equal.
    let scales = resize
        .optional_scales_input
        .and_then(|input| constant_values(model, node.inputs[input]))
        .unwrap_or_default();
    let exact = scales.is_empty() || scales == [1.0, 1.0, factors[0] as f32, factors[1] as f32];
    (whole_factors && exact).then(|| Matched {
        inputs: tvec![node.inputs[0]],
        operation: Operation::Upsample(factors),
    })
}

fn binary(
    model: &TypedModel,
    node: &TypedNode,
    op: &TypedBinOp,
    output: &Shape,
) -> Option<Matched> {
    let &[a, b] = node.inputs.as_slice() else {
        return None;
    };
    let of_one_map = |input, operation| {
        Some(Matched {
            inputs: tvec![input],
            operation,
        })
    };
    if op.0.is::<Div>() {
        return mean(model, a, b);
    }
    let (max, min) = (op.0.is::<Max>(), op.0.is::<Min>());
    let (add, mul) = (op.0.is::<Add>(), op.0.is::<Mul>());
    if !(max || min || add || mul) {
        return None;
    }
    // A map and a constant, in either order.
    for (input, other) in [(a, b), (b, a)] {
        let Some(values) = constant_values(model, other) else {
            continue;
        };
        let (_, shape) = feature_maps(model, input)?;
        if shape != *output {
            return None;
        }
        if max || min {
            let &[bound] = values.as_slice() else {
                return None;
            };
            return of_one_map(
                input,
                Operation::Activation(if max {
                    Activation::Clip(bound, f32::INFINITY)
                } else {
                    Activation::Clip(f32::NEG_INFINITY, bound)
                }),
            );
        }
        let values = value_per_channel(model, other, values, output)?;
        // The weights of the convolution change, so nothing else may read its result.
        let folds_into_convolution = model.node(input.node).outputs[input.slot].successors.len()
            == 1
            && !model.outputs.contains(&input)
            && matches!(
                match_node(model, model.node(input.node))?.operation,
                Operation::Convolution(_) | Operation::Affine { .. }
            );
        if !folds_into_convolution {
            return None;
        }
        let (scale, shift) = if mul {
            (values, vec![0.0; output.channels])
        } else {
            (vec![1.0; output.channels], values)
        };
        return of_one_map(input, Operation::Affine { scale, shift });
    }
    // Two maps.
    let ((_, a_shape), (_, b_shape)) = (feature_maps(model, a)?, feature_maps(model, b)?);
    let pixel = Shape::new(output.channels, 1, 1);
    let (inputs, operation) = if add && a_shape == b_shape {
        (tvec![a, b], Operation::Add)
    } else if mul && a_shape == *output && b_shape == pixel {
        (tvec![a, b], Operation::Scale)
    } else if mul && b_shape == *output && a_shape == pixel {
        (tvec![b, a], Operation::Scale)
    } else {
        return None;
    };
    Some(Matched { inputs, operation })
}

/// A sum over rows and columns, divided by the number of values.
fn mean(model: &TypedModel, sum: OutletId, count: OutletId) -> Option<Matched> {
    let node = model.node(sum.node);
    let reduce = node.op_as::<Reduce>()?;
    let (_, input) = feature_maps(model, node.inputs[0])?;
    let is_sum = reduce.reducer == Reducer::Sum && reduce.axes.as_slice() == [2, 3];
    let count = constant_values(model, count)?;
    (is_sum && count == [(input.height * input.width) as f32]).then(|| Matched {
        inputs: tvec![node.inputs[0]],
        operation: Operation::Mean,
    })
}

/// `x · slope` if `0 > x`, otherwise `x`, with one slope for each channel.
fn prelu(model: &TypedModel, node: &TypedNode, output: &Shape) -> Option<Matched> {
    let &[test, negative, input] = node.inputs.as_slice() else {
        return None;
    };
    let (test, negative) = (model.node(test.node), model.node(negative.node));
    let (compare, times) = (test.op_as::<TypedBinOp>()?, negative.op_as::<TypedBinOp>()?);
    let slopes = match *negative.inputs.as_slice() {
        [x, slopes] | [slopes, x] if x == input => slopes,
        _ => return None,
    };
    let below_zero = compare.0.is::<CompGT>()
        && test.inputs.get(1) == Some(&input)
        && constant_values(model, test.inputs[0])? == [0.0];
    if !below_zero || !times.0.is::<Mul>() || feature_maps(model, input)?.1 != *output {
        return None;
    }
    let slopes = value_per_channel(model, slopes, constant_values(model, slopes)?, output)?;
    Some(Matched {
        inputs: tvec![input],
        operation: Operation::Activation(Activation::PRelu(per_channel(&slopes))),
    })
}

/// The elements of a constant in row-major order. Changes of shape and casts to `f32` on the way to the constant are skipped.
fn constant_values(model: &TypedModel, outlet: OutletId) -> Option<Vec<f32>> {
    if let Some(tensor) = &model.outlet_fact(outlet).ok()?.konst {
        let tensor = tensor.cast_to::<f32>().ok()?;
        return Some(
            tensor
                .to_plain_array_view::<f32>()
                .ok()?
                .iter()
                .copied()
                .collect(),
        );
    }
    let node = model.node(outlet.node);
    let keeps_values = match node.op_as::<AxisOp>() {
        Some(AxisOp::Add(_) | AxisOp::Rm(_)) => true,
        Some(_) => false,
        None => node
            .op_as::<Cast>()
            .is_some_and(|cast| cast.to == f32::datum_type()),
    };
    keeps_values.then(|| constant_values(model, node.inputs[0]))?
}

/// The constant `outlet` with the elements `values`, as one value for each channel of `output`.
fn value_per_channel(
    model: &TypedModel,
    outlet: OutletId,
    values: Vec<f32>,
    output: &Shape,
) -> Option<Vec<f32>> {
    let fits = match *model.outlet_fact(outlet).ok()?.shape.as_concrete()? {
        [1, _, 1, 1] => true,
        _ => values.len() == 1,
    };
    fits.then(|| one_per_channel(output.channels, values))?
}

/// One value for each channel. A single value is repeated.
fn one_per_channel(channels: usize, values: Vec<f32>) -> Option<Vec<f32>> {
    match *values.as_slice() {
        [value] => Some(vec![value; channels]),
        _ => (values.len() == channels).then_some(values),
    }
}
