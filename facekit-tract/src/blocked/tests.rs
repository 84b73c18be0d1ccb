//! Programs compute the same as tract for the same graph.

use proptest::prelude::*;
use tract_onnx::tract_core::{
    internal::*,
    ops::{
        binary::TypedBinOp,
        cnn::{Conv, KernelFormat, MaxPool, PaddingSpec, PoolSpec},
        logic::{Iff, comp_gt},
        math::{add, div, max, min, mul, tanh},
        nn::{
            DataFormat, Reduce, Reducer,
            resize::{CoordTransformer, Interpolator},
            sigmoid,
        },
    },
};
use tract_onnx_opl::resize::{AspectRatio, CoordTransform, Nearest, Resize};

use super::rewrite;

/// Pseudo-random numbers from −1 to 1, the same in each run.
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| self.next()).collect();
        Tensor::from_shape(shape, &values).unwrap()
    }
}

/// Builds a graph.
struct Graph {
    model: TypedModel,
    numbers: Numbers,
}

impl Graph {
    fn new(seed: u32) -> Self {
        Self {
            model: TypedModel::default(),
            numbers: Numbers(seed),
        }
    }

    fn name(&self) -> String {
        format!("node{}", self.model.nodes().len())
    }

    fn source(&mut self, shape: [usize; 4]) -> OutletId {
        let name = self.name();
        self.model.add_source(name, f32::fact(shape)).unwrap()
    }

    fn constant(&mut self, tensor: Tensor) -> OutletId {
        let name = self.name();
        self.model.add_const(name, tensor).unwrap()
    }

    fn random(&mut self, shape: &[usize]) -> OutletId {
        let tensor = self.numbers.tensor(shape);
        self.constant(tensor)
    }

    fn number(&mut self, value: f32) -> OutletId {
        self.constant(Tensor::from_shape(&[1, 1, 1, 1], &[value]).unwrap())
    }

    fn node(&mut self, op: impl Into<Box<dyn TypedOp>>, inputs: &[OutletId]) -> OutletId {
        let name = self.name();
        self.model.wire_node(name, op, inputs).unwrap()[0]
    }

    fn shape(&self, outlet: OutletId) -> [usize; 4] {
        let fact = self.model.outlet_fact(outlet).unwrap();
        fact.shape.as_concrete().unwrap().try_into().unwrap()
    }

    fn convolution(&mut self, input: OutletId, geometry: &Geometry) -> OutletId {
        let channels = self.shape(input)[1];
        let (outputs, group) = if geometry.depthwise {
            (channels, channels)
        } else {
            (geometry.outputs, 1)
        };
        let [height, width] = geometry.kernel;
        let weights = self.random(&[outputs, channels / group, height, width]);
        let bias = self.random(&[outputs]);
        let spec = PoolSpec {
            data_format: DataFormat::NCHW,
            kernel_shape: geometry.kernel.as_slice().into(),
            padding: PaddingSpec::Explicit(
                geometry.before.as_slice().into(),
                geometry.after.as_slice().into(),
            ),
            dilations: Some(geometry.dilations.as_slice().into()),
            strides: Some(geometry.strides.as_slice().into()),
            input_channels: channels,
            output_channels: outputs,
        };
        let conv = Conv {
            pool_spec: spec,
            kernel_fmt: KernelFormat::OIHW,
            group,
            q_params: None,
        };
        self.node(conv, &[input, weights, bias])
    }

    fn max_pool(&mut self, input: OutletId, size: usize) -> OutletId {
        let channels = self.shape(input)[1];
        let pool_spec = PoolSpec {
            data_format: DataFormat::NCHW,
            kernel_shape: tvec![size, size],
            padding: PaddingSpec::Valid,
            dilations: None,
            strides: Some(tvec![2, 1]),
            input_channels: channels,
            output_channels: channels,
        };
        let pool = MaxPool {
            pool_spec,
            with_index_outputs: None,
        };
        self.node(pool, &[input])
    }

    fn clip(&mut self, input: OutletId, low: f32, high: f32) -> OutletId {
        let (low, high) = (self.number(low), self.number(high));
        let raised = self.node(max(), &[input, low]);
        self.node(min(), &[raised, high])
    }

    fn relu(&mut self, input: OutletId) -> OutletId {
        let zero = self.number(0.0);
        self.node(max(), &[zero, input])
    }

    fn prelu(&mut self, input: OutletId) -> OutletId {
        let channels = self.shape(input)[1];
        let slopes = self.random(&[1, channels, 1, 1]);
        let zero = self.number(0.0);
        let negative = self.node(mul(), &[input, slopes]);
        let test = self.node(TypedBinOp(comp_gt(), None), &[zero, input]);
        self.node(Iff, &[test, negative, input])
    }

    fn upsample(&mut self, input: OutletId, factors: [usize; 2]) -> OutletId {
        let scales = [1.0, 1.0, factors[0] as f32, factors[1] as f32];
        let scales = self.constant(tensor1(&scales));
        let resize = Resize {
            axes: None,
            coord_transformer: CoordTransform::Plain(CoordTransformer::Asymmetric),
            interpolator: Interpolator::Nearest,
            nearest: Nearest::Floor,
            antialias: false,
            cubic_coeff_a_bits: (-0.75_f32).to_bits(),
            exclude_outside: false,
            extrapolation_value_bits: 0,
            keep_aspect_ratio_policy: AspectRatio::Stretch,
            optional_roi_input: None,
            optional_scales_input: Some(1),
            optional_sizes_input: None,
        };
        self.node(resize, &[input, scales])
    }

    /// Squeeze and excitation: multiplies each channel by a function of its mean.
    fn excitation(&mut self, input: OutletId) -> OutletId {
        let [_, _, height, width] = self.shape(input);
        let reduce = Reduce {
            axes: tvec![2, 3],
            reducer: Reducer::Sum,
        };
        let sum = self.node(reduce, &[input]);
        let count = self.number((height * width) as f32);
        let mean = self.node(div(), &[sum, count]);
        let factors = self.node(sigmoid(), &[mean]);
        self.node(mul(), &[input, factors])
    }

    /// Asserts that the rewritten graph has these operators and computes the same as before.
    fn check(mut self, outputs: &[OutletId], operators: &[&str]) {
        self.model.select_output_outlets(outputs).unwrap();
        let plain = self.model.clone();
        rewrite(&mut self.model).unwrap();
        let order = self.model.eval_order().unwrap();
        let names: Vec<String> = order
            .iter()
            .map(|&id| self.model.node(id).op().name().to_string())
            .filter(|name| name != "Source" && name != "Const")
            .collect();
        assert_eq!(names, operators);

        let inputs: TVec<TValue> = plain
            .inputs
            .iter()
            .map(|&input| {
                let shape = plain
                    .outlet_fact(input)
                    .unwrap()
                    .shape
                    .as_concrete()
                    .unwrap();
                self.numbers.tensor(shape).into_tvalue()
            })
            .collect();
        let expected = plain.into_runnable().unwrap().run(inputs.clone()).unwrap();
        let plan = self
            .model
            .into_optimized()
            .unwrap()
            .into_runnable()
            .unwrap();
        // The second run uses the memory of the first.
        for _ in 0..2 {
            let found = plan.run(inputs.clone()).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                found
                    .close_enough(expected, Approximation::Approximate)
                    .unwrap();
            }
        }
    }
}

/// The attributes of a convolution.
#[derive(Clone, Debug)]
struct Geometry {
    outputs: usize,
    depthwise: bool,
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    before: [usize; 2],
    after: [usize; 2],
}

impl Geometry {
    /// A convolution that keeps the size of a map or divides it by `stride`.
    fn usual(outputs: usize, depthwise: bool, kernel: usize, stride: usize) -> Self {
        Self {
            outputs,
            depthwise,
            kernel: [kernel; 2],
            strides: [stride; 2],
            dilations: [1; 2],
            before: [kernel / 2; 2],
            after: [kernel / 2; 2],
        }
    }
}

fn geometry() -> impl Strategy<Value = Geometry> {
    let two = |values: std::ops::Range<usize>| prop::array::uniform2(values);
    let sizes = (two(1..4), two(1..4), two(1..3));
    (1_usize..100, any::<bool>(), sizes, two(0..3), two(0..3)).prop_map(
        |(outputs, depthwise, (kernel, strides, dilations), before, after)| Geometry {
            outputs,
            depthwise,
            kernel,
            strides,
            dilations,
            before,
            after,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn convolutions(
        geometry in geometry(),
        images in 1_usize..3,
        channels in 1_usize..40,
        size in prop::array::uniform2(5_usize..30),
        activation in 0..4,
        seed in any::<u32>(),
    ) {
        let mut graph = Graph::new(seed);
        let input = graph.source([images, channels, size[0], size[1]]);
        let mut result = graph.convolution(input, &geometry);
        result = match activation {
            0 => result,
            1 => graph.relu(result),
            2 => graph.clip(result, -0.25, 0.5),
            _ => graph.prelu(result),
        };
        graph.check(&[result], &["Blocked"]);
    }

    #[test]
    fn sums_of_maps(
        kernels in prop::array::uniform2(prop::sample::select(vec![1_usize, 3])),
        channels in 1_usize..70,
        size in prop::array::uniform2(1_usize..20),
        from_outside in any::<bool>(),
        seed in any::<u32>(),
    ) {
        let mut graph = Graph::new(seed);
        let input = graph.source([2, channels, size[0], size[1]]);
        let [a, b] = kernels.map(|kernel| Geometry::usual(channels, kernel == 3, kernel, 1));
        let first = if from_outside { input } else { graph.convolution(input, &a) };
        let second = graph.convolution(first, &b);
        let sum = graph.node(add(), &[second, first]);
        let result = graph.relu(sum);
        let again = graph.node(add(), &[result, result]);
        graph.check(&[again, sum], &["Blocked"]);
    }

    #[test]
    fn pools_and_factors(
        channels in 1_usize..40,
        pool in 1_usize..4,
        size in prop::array::uniform2(3_usize..20),
        seed in any::<u32>(),
    ) {
        let mut graph = Graph::new(seed);
        let input = graph.source([1, 3, size[0], size[1]]);
        let maps = graph.convolution(input, &Geometry::usual(channels, false, 3, 1));
        let pooled = graph.max_pool(maps, pool);
        let excited = graph.excitation(pooled);
        let result = graph.convolution(excited, &Geometry::usual(0, true, 3, 2));
        graph.check(&[result, pooled], &["Blocked"]);
    }

    #[test]
    fn factors_and_summands_become_weights(
        channels in 1_usize..40,
        outputs in 1_usize..40,
        seed in any::<u32>(),
    ) {
        let mut graph = Graph::new(seed);
        let input = graph.source([1, channels, 9, 7]);
        let maps = graph.convolution(input, &Geometry::usual(outputs, false, 3, 1));
        let (scale, shift) = (graph.random(&[1, outputs, 1, 1]), graph.random(&[1, outputs, 1, 1]));
        let scaled = graph.node(mul(), &[maps, scale]);
        let shifted = graph.node(add(), &[shift, scaled]);
        let result = graph.relu(shifted);
        graph.check(&[result], &["Blocked"]);
    }
}

#[test]
fn other_operators_separate_programs() {
    let mut graph = Graph::new(1);
    let input = graph.source([1, 3, 12, 10]);
    let first = graph.convolution(input, &Geometry::usual(20, false, 3, 1));
    let bent = graph.node(tanh(), &[first]);
    let second = graph.convolution(bent, &Geometry::usual(20, true, 3, 1));
    // It needs the maps before and after the function, so it belongs to the second program.
    let sum = graph.node(add(), &[first, second]);
    graph.check(&[sum], &["Blocked", "Tanh", "Blocked"]);
}

#[test]
fn maps_without_convolutions_stay_with_tract() {
    let mut graph = Graph::new(1);
    let input = graph.source([1, 3, 8, 8]);
    let result = graph.relu(input);
    graph.check(&[result], &["Max"]);
}

#[test]
fn maps_grow() {
    for (factors, joined) in [([2, 2], true), ([3, 1], true), ([1, 4], false)] {
        let mut graph = Graph::new(1);
        let small = graph.source([2, 20, 5, 6]);
        let large = graph.source([2, 20, 5 * factors[0], 6 * factors[1]]);
        let maps = graph.convolution(small, &Geometry::usual(20, true, 3, 1));
        let lateral = graph.convolution(large, &Geometry::usual(20, false, 1, 1));
        let grown = graph.upsample(maps, factors);
        let sum = graph.node(add(), &[lateral, grown]);
        let outputs = if joined { vec![sum] } else { vec![sum, grown] };
        graph.check(&outputs, &["Blocked"]);
    }
}
