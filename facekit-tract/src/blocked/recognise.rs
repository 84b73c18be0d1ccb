//! What nodes of tract's compute, where it is among what [`program`](super::program) can.

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
    kernels::Activation,
    layout::{Halo, Lanes, Shape, per_channel},
};

/// What a node computes of `inputs`, which are maps.
#[derive(Debug)]
pub(crate) struct Recognised {
    pub(crate) inputs: TVec<OutletId>,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Convolution(Convolution),
    /// Each channel times a factor, plus a summand: part of the convolution whose result it is.
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

/// Images in a batch, and the shape of one, where `outlet` has maps.
pub(crate) fn maps(model: &TypedModel, outlet: OutletId) -> Option<(usize, Shape)> {
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

/// What `node` computes.
pub(crate) fn recognise(model: &TypedModel, node: &TypedNode) -> Option<Recognised> {
    let (images, output) = maps(model, node.id.into())?;
    let op = &node.op;
    let found = if let Some(conv) = op.downcast_ref::<Conv>() {
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
        let kind = if let Some(leaky) = function.0.downcast_ref::<LeakyRelu>() {
            let slopes = vec![Lanes::splat(leaky.alpha); output.blocks()];
            Kind::Activation(Activation::PRelu(slopes))
        } else if function.0.is::<Sigmoid>() && output.height * output.width == 1 {
            // Larger maps are left to tract, whose function is vectorised.
            Kind::Sigmoid
        } else {
            return None;
        };
        Some(Recognised {
            inputs: tvec![node.inputs[0]],
            kind,
        })
    } else {
        None
    }?;
    let same_batch = |&input: &OutletId| maps(model, input).is_some_and(|(n, _)| n == images);
    found.inputs.iter().all(same_batch).then_some(found)
}

fn convolution(model: &TypedModel, node: &TypedNode, conv: &Conv) -> Option<Recognised> {
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
    let weights = constant(model, weights)?;
    let bias = per(spec.output_channels, constant(model, bias)?)?;
    Some(Recognised {
        inputs: tvec![input],
        kind: Kind::Convolution(Convolution {
            window,
            depthwise,
            weights,
            bias,
        }),
    })
}

/// Pixels around a map that are taken whatever its own size.
const MOST_PADDING: usize = 64;

fn window(model: &TypedModel, input: OutletId, spec: &PoolSpec) -> Option<Window> {
    let (_, shape) = maps(model, input)?;
    let kernel: [usize; 2] = spec.kernel_shape.as_slice().try_into().ok()?;
    if spec.data_format != DataFormat::NCHW {
        return None;
    }
    let (strides, dilations) = (spec.strides(), spec.dilations());
    let padding = spec
        .padding
        .compute(&[shape.height, shape.width], &kernel, &dilations, &strides);
    // Maps are kept with what is around them, which a file may ask absurdly much of.
    let most = [shape.height, shape.width].map(|side| side.max(MOST_PADDING));
    let mut sides = padding.iter().zip(most);
    if sides.any(|(padding, most)| padding.pad_before.max(padding.pad_after) > most) {
        return None;
    }
    Some(Window {
        kernel,
        strides: strides.as_ref().try_into().ok()?,
        dilations: dilations.as_ref().try_into().ok()?,
        padding: [padding[0].pad_before, padding[1].pad_before],
    })
}

fn max_pool(model: &TypedModel, node: &TypedNode, pool: &TractMaxPool) -> Option<Recognised> {
    let window = window(model, node.inputs[0], &pool.pool_spec)?;
    let (_, input) = maps(model, node.inputs[0])?;
    let (_, output) = maps(model, node.id.into())?;
    let halo = window.halo(&input, [output.height, output.width]);
    // Padding is less than any value here, and zero in memory.
    let plain = halo == Halo::default() && window.dilations == [1, 1];
    (plain && pool.with_index_outputs.is_none()).then(|| Recognised {
        inputs: tvec![node.inputs[0]],
        kind: Kind::MaxPool(window),
    })
}

fn upsample(
    model: &TypedModel,
    node: &TypedNode,
    resize: &Resize,
    output: &Shape,
) -> Option<Recognised> {
    let copies = matches!(
        (&resize.coord_transformer, resize.nearest),
        (
            CoordTransform::Plain(CoordTransformer::Asymmetric),
            Nearest::Floor
        ) | (
            CoordTransform::Plain(CoordTransformer::HalfPixel),
            Nearest::RoundPreferFloor | Nearest::RoundPreferCeil
        )
    );
    if !copies || resize.interpolator != Interpolator::Nearest || resize.axes.is_some() {
        return None;
    }
    let (_, input) = maps(model, node.inputs[0])?;
    let factors = [output.height / input.height, output.width / input.width];
    let whole = factors[0] * input.height == output.height
        && factors[1] * input.width == output.width
        && output.channels == input.channels;
    // Where scales are given, coordinates are computed with them, not with the sizes' ratio.
    let scales = resize
        .optional_scales_input
        .and_then(|at| constant(model, node.inputs[at]))
        .unwrap_or_default();
    let exact = scales.is_empty() || scales == [1.0, 1.0, factors[0] as f32, factors[1] as f32];
    (whole && exact).then(|| Recognised {
        inputs: tvec![node.inputs[0]],
        kind: Kind::Upsample(factors),
    })
}

fn binary(
    model: &TypedModel,
    node: &TypedNode,
    op: &TypedBinOp,
    output: &Shape,
) -> Option<Recognised> {
    let &[a, b] = node.inputs.as_slice() else {
        return None;
    };
    let one = |input, kind| {
        Some(Recognised {
            inputs: tvec![input],
            kind,
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
    for (input, other) in [(a, b), (b, a)] {
        let Some(values) = constant(model, other) else {
            continue;
        };
        let (_, shape) = maps(model, input)?;
        if shape != *output {
            return None;
        }
        if max || min {
            let &[bound] = values.as_slice() else {
                return None;
            };
            return one(
                input,
                Kind::Activation(if max {
                    Activation::Clip(bound, f32::INFINITY)
                } else {
                    Activation::Clip(f32::NEG_INFINITY, bound)
                }),
            );
        }
        let values = channelwise(model, other, values, output)?;
        let of_convolution = model.node(input.node).outputs[input.slot].successors.len() == 1
            && !model.outputs.contains(&input)
            && matches!(
                recognise(model, model.node(input.node))?.kind,
                Kind::Convolution(_) | Kind::Affine { .. }
            );
        if !of_convolution {
            return None;
        }
        let (scale, shift) = if mul {
            (values, vec![0.0; output.channels])
        } else {
            (vec![1.0; output.channels], values)
        };
        return one(input, Kind::Affine { scale, shift });
    }
    let ((_, a_shape), (_, b_shape)) = (maps(model, a)?, maps(model, b)?);
    let pixel = Shape::new(output.channels, 1, 1);
    let (inputs, kind) = if add && a_shape == b_shape {
        (tvec![a, b], Kind::Add)
    } else if mul && a_shape == *output && b_shape == pixel {
        (tvec![a, b], Kind::Scale)
    } else if mul && b_shape == *output && a_shape == pixel {
        (tvec![b, a], Kind::Scale)
    } else {
        return None;
    };
    Some(Recognised { inputs, kind })
}

/// A sum over rows and columns, divided by how many values there are.
fn mean(model: &TypedModel, sum: OutletId, count: OutletId) -> Option<Recognised> {
    let node = model.node(sum.node);
    let reduce = node.op_as::<Reduce>()?;
    let (_, input) = maps(model, node.inputs[0])?;
    let whole = reduce.reducer == Reducer::Sum && reduce.axes.as_slice() == [2, 3];
    let count = constant(model, count)?;
    (whole && count == [(input.height * input.width) as f32]).then(|| Recognised {
        inputs: tvec![node.inputs[0]],
        kind: Kind::Mean,
    })
}

/// `x` where `0 > x` does not hold, and else `x` times its channel's slope.
fn prelu(model: &TypedModel, node: &TypedNode, output: &Shape) -> Option<Recognised> {
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
        && constant(model, test.inputs[0])? == [0.0];
    if !below_zero || !times.0.is::<Mul>() || maps(model, input)?.1 != *output {
        return None;
    }
    let slopes = channelwise(model, slopes, constant(model, slopes)?, output)?;
    Some(Recognised {
        inputs: tvec![input],
        kind: Kind::Activation(Activation::PRelu(per_channel(&slopes))),
    })
}

/// A constant's elements, by rows.
fn constant(model: &TypedModel, outlet: OutletId) -> Option<Vec<f32>> {
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
    let passes = match node.op_as::<AxisOp>() {
        Some(AxisOp::Add(_) | AxisOp::Rm(_)) => true,
        Some(_) => false,
        None => node
            .op_as::<Cast>()
            .is_some_and(|cast| cast.to == f32::datum_type()),
    };
    passes.then(|| constant(model, node.inputs[0]))?
}

/// `values`, which are those of `outlet`, for each channel of `output`.
fn channelwise(
    model: &TypedModel,
    outlet: OutletId,
    values: Vec<f32>,
    output: &Shape,
) -> Option<Vec<f32>> {
    let fits = match *model.outlet_fact(outlet).ok()?.shape.as_concrete()? {
        [1, _, 1, 1] => true,
        _ => values.len() == 1,
    };
    fits.then(|| per(output.channels, values))?
}

/// `values` if there are as many as channels, or the only one as often.
fn per(channels: usize, values: Vec<f32>) -> Option<Vec<f32>> {
    match *values.as_slice() {
        [value] => Some(vec![value; channels]),
        _ => (values.len() == channels).then_some(values),
    }
}
