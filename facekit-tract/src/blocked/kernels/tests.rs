//! Kernels compute the same with every instruction set.

use pulp::{Scalar, WithSimd};

use super::{
    super::{
        convolution::{Convolution, Window},
        layout::{Halo, Lanes, Shape, per_channel},
    },
    dense::Dense,
    depthwise::Depthwise,
    output::{Activation, Output},
    planar::Planar,
    simd::run,
};

const OUTPUTS: usize = 120;

fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let number = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(number).take(count).collect()
}

fn convolution(channels: usize, depthwise: bool) -> Convolution {
    let inputs = if depthwise { 1 } else { channels };
    Convolution {
        window: Window {
            kernel: [3, 3],
            strides: [1, 2],
            dilations: [1, 1],
            padding: [1, 1],
        },
        depthwise,
        weights: numbers(OUTPUTS * inputs * 9),
        bias: numbers(OUTPUTS),
    }
}

fn shape(channels: usize) -> Shape {
    let halo = Halo {
        top: 1,
        left: 1,
        bottom: 1,
        right: 1,
    };
    Shape {
        halo,
        ..Shape::new(channels, 6, 45)
    }
}

/// Runs the kernel once with each instruction set that the processor has, and compares the outputs.
macro_rules! assert_instruction_sets_agree {
    (|$output:ident| $kernel:expr) => {{
        let shape = Shape::new(OUTPUTS, 6, 23);
        let residual = per_channel(&numbers(shape.block_pixels() * 16));
        let slopes = Activation::PRelu(per_channel(&numbers(OUTPUTS)));
        for activation in [Activation::None, Activation::Clip(-0.5, 1.0), slopes] {
            let compute = |set: usize| {
                let mut map = vec![Lanes::ZERO; shape.block_pixels()];
                let $output = Output {
                    map: &mut map,
                    shape,
                    residual: Some((&residual, shape)),
                    activation: &activation,
                };
                let kernel = $kernel;
                match set {
                    0 => run(kernel),
                    #[cfg(target_arch = "x86_64")]
                    1 => match pulp::x86::V3::try_new() {
                        Some(simd) => kernel.with_simd(simd),
                        None => run(kernel),
                    },
                    _ => kernel.with_simd(Scalar::new()),
                }
                map
            };
            let expected = compute(0);
            for set in 1..3 {
                for (found, expected) in compute(set).iter().zip(&expected) {
                    for (found, expected) in found.iter().zip(expected.iter()) {
                        let difference = (found - expected).abs();
                        assert!(difference <= 1e-4, "{found} {expected}");
                    }
                }
            }
        }
    }};
}

#[test]
fn dense() {
    let (conv, shape) = (convolution(37, false), shape(37));
    let weights = conv.packed_for_blocks();
    let input = per_channel(&numbers(shape.block_pixels() * 16));
    let channel_runs = conv.window.channel_runs(&shape);
    assert_instruction_sets_agree!(|output| Dense {
        input: &input,
        shape,
        channel_runs: &channel_runs,
        weights: &weights.weights,
        bias: &weights.bias,
        strides: conv.window.strides,
        corner: conv.window.corner(&shape),
        output,
    });
}

#[test]
fn planar() {
    let (conv, shape) = (convolution(3, false), shape(3));
    let weights = conv.packed_for_planes();
    let input = numbers(3 * shape.plane());
    let offsets = conv.window.offsets_in_all_channels(&shape);
    assert_instruction_sets_agree!(|output| Planar {
        input: &input,
        shape,
        offsets: &offsets,
        weights: &weights.weights,
        bias: &weights.bias,
        strides: conv.window.strides,
        corner: conv.window.corner(&shape),
        output,
    });
}

#[test]
fn depthwise() {
    let (conv, shape) = (convolution(OUTPUTS, true), shape(OUTPUTS));
    let weights = conv.packed_for_blocks();
    let input = per_channel(&numbers(shape.block_pixels() * 16));
    let offsets: Vec<usize> = conv.window.offsets(&shape).collect();
    for is_3x3 in [true, false] {
        assert_instruction_sets_agree!(|output| Depthwise {
            input: &input,
            shape,
            offsets: &offsets,
            weights: &weights.weights,
            bias: &weights.bias,
            strides: conv.window.strides,
            corner: conv.window.corner(&shape),
            is_3x3,
            output,
        });
    }
}
