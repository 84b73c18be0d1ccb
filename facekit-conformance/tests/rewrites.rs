//! Rewritten graphs compute the same as before.

use facekit::{LoadOptions, Model, Runtime as _};
use facekit_onnx::{
    graph::{float_tensor, set_int},
    proto::{
        Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
        TensorShapeProto, TensorTypeProto, TypeProto, TypeValue, ValueInfoProto,
    },
    read,
    rewrite::{pad_channels, split_prelu},
};
use facekit_tract::Tract;
use ndarray::ArrayD;
use proptest::prelude::*;
use prost::Message as _;

fn noise(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// All outputs of a model on an image of noise from 0 to `largest`.
fn outputs(proto: &ModelProto, side: usize, largest: f32) -> Vec<ArrayD<f32>> {
    let model = Model::from_bytes("model", proto.encode_to_vec());
    let network = Tract::new().load(&model, &LoadOptions::default()).unwrap();
    let shape = [1, 3, side, side];
    let pixels = noise(7, shape.iter().product());
    let pixels = pixels
        .iter()
        .map(|value| largest * (0.5 + 0.5 * value))
        .collect();
    let input = ArrayD::from_shape_vec(shape.to_vec(), pixels).unwrap();
    let outputs = network.run(&[input.view().into()]).unwrap();
    outputs
        .iter()
        .map(|output| output.as_f32().unwrap().clone())
        .collect()
}

/// The largest difference of two lists of outputs, as a fraction of the largest value.
fn difference(a: &[ArrayD<f32>], b: &[ArrayD<f32>]) -> f32 {
    assert_eq!(a.len(), b.len());
    let of_output = |(a, b): (&ArrayD<f32>, &ArrayD<f32>)| {
        assert_eq!(a.shape(), b.shape());
        let largest = a
            .iter()
            .fold(0.0_f32, |largest, value| largest.max(value.abs()));
        assert!(a.iter().chain(b).all(|value| value.is_finite()));
        let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        differences.fold(0.0, f32::max) / largest.max(1.0)
    };
    a.iter().zip(b).map(of_output).fold(0.0, f32::max)
}

#[test]
fn real_models_compute_the_same() {
    /// File, side of the input, groups of maps that are widened to multiples of 16, PRelus that are replaced.
    const MODELS: [(&str, usize, usize, usize); 5] = [
        ("minifasnet_v2", 80, 15, 33),
        ("minifasnet_v1se", 80, 15, 33),
        ("mobilefacenet", 112, 0, 0),
        ("yunet_n_dynamic", 96, 0, 0),
        ("scrfd_500m_kps", 96, 7, 0),
    ];
    let files = MODELS.map(|(name, ..)| format!("models/{name}.onnx"));
    let files = files.each_ref().map(String::as_str);
    let Some(data) = facekit_conformance::data("real_models_compute_the_same", &files) else {
        return;
    };
    for ((name, side, widened, split), file) in MODELS.iter().zip(files) {
        let model = Model::open(data.join(file)).unwrap();
        let before = read(&model).unwrap();
        let mut after = before.clone();
        assert_eq!(pad_channels(&mut after, 16), *widened, "{name}");
        assert_eq!(split_prelu(&mut after), *split, "{name}");
        let difference = difference(
            &outputs(&before, *side, 255.0),
            &outputs(&after, *side, 255.0),
        );
        assert!(difference < 2e-5, "{name}: {difference}");
    }
}

/// Builds a graph over images of 3 channels and 8 by 8 pixels.
#[derive(Default)]
struct Builder {
    graph: GraphProto,
    values: u32,
}

impl Builder {
    fn node(&mut self, op_type: &str, inputs: &[&str]) -> String {
        self.values += 1;
        let output = format!("value {}", self.values);
        self.graph.node.push(NodeProto {
            op_type: Some(op_type.to_owned()),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.clone()],
            ..Default::default()
        });
        output
    }

    fn constant(&mut self, dims: &[usize], elements: &[f32]) -> String {
        self.values += 1;
        let name = format!("constant {}", self.values);
        self.graph
            .initializer
            .push(float_tensor(&name, dims, elements));
        name
    }

    /// Noise from `-bound` to `bound`.
    fn weights(&mut self, dims: &[usize], bound: f32) -> String {
        let elements = noise(self.values + 1, dims.iter().product());
        let elements: Vec<f32> = elements.iter().map(|value| bound * value).collect();
        self.constant(dims, &elements)
    }

    /// A convolution whose weights are so small that values do not grow from layer to layer. Products would overflow otherwise.
    fn conv(&mut self, input: &str, from: usize, to: usize) -> String {
        let (weights, bias) = (
            self.weights(&[to, from, 1, 1], 0.5 / (from as f32).sqrt()),
            self.weights(&[to], 0.5),
        );
        self.node("Conv", &[input, &weights, &bias])
    }

    fn depthwise(&mut self, input: &str, channels: usize) -> String {
        let weights = self.weights(&[channels, 1, 2, 2], 0.5);
        let output = self.node("Conv", &[input, &weights]);
        set_int(
            self.graph.node.last_mut().unwrap(),
            "group",
            channels as i64,
        );
        output
    }

    fn prelu(&mut self, input: &str, slopes: &[f32]) -> String {
        let slope = self.constant(&[slopes.len(), 1, 1], slopes);
        self.node("PRelu", &[input, &slope])
    }

    fn batch_normalization(&mut self, input: &str, channels: usize) -> String {
        let parts = [0, 1, 2].map(|_| self.weights(&[channels], 0.5));
        let variance = self.constant(&[channels], &vec![0.5; channels]);
        let [scale, shift, mean] = parts.each_ref().map(String::as_str);
        self.node(
            "BatchNormalization",
            &[input, scale, shift, mean, &variance],
        )
    }

    fn finish(mut self, output: &str) -> ModelProto {
        let size = |size| Dimension {
            value: Some(DimensionValue::DimValue(size)),
            ..Default::default()
        };
        let value = |name: &str, dims: &[i64]| ValueInfoProto {
            name: Some(name.to_owned()),
            r#type: Some(TypeProto {
                value: Some(TypeValue::TensorType(TensorTypeProto {
                    elem_type: Some(1),
                    shape: Some(TensorShapeProto {
                        dim: dims.iter().map(|&dim| size(dim)).collect(),
                    }),
                })),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.graph.input = vec![value("input", &[1, 3, 8, 8])];
        self.graph.output = vec![value(output, &[0, 0, 0, 0])];
        ModelProto {
            ir_version: Some(8),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto {
                domain: Some(String::new()),
                version: Some(15),
            }],
            ..Default::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Chains of layers, some with a second branch whose result is added or multiplied.
    #[test]
    fn chains_compute_the_same(
        layers in prop::collection::vec((0..8_u8, 1..40_usize), 1..8),
        multiple in prop::sample::select(vec![4_usize, 8, 16]),
        ends_with_convolution in any::<bool>(),
    ) {
        let mut builder = Builder::default();
        let mut channels = 13;
        let mut value = builder.conv("input", 3, channels);
        let mut prelus = 0;
        for (layer, number) in layers {
            value = match layer {
                0 => {
                    let from = std::mem::replace(&mut channels, number);
                    builder.conv(&value, from, number)
                }
                1 => builder.depthwise(&value, channels),
                2 => {
                    prelus += 1;
                    let value = builder.conv(&value, channels, channels);
                    builder.prelu(&value, &noise(number as u32, channels))
                }
                3 => builder.batch_normalization(&value, channels),
                4 => builder.node("Relu", &[&value]),
                5 => {
                    let branch = builder.conv(&value, channels, channels);
                    builder.node("Add", &[&value, &branch])
                }
                6 => {
                    let pooled = builder.node("GlobalAveragePool", &[&value]);
                    let gate = builder.conv(&pooled, channels, channels);
                    let gate = builder.node("Sigmoid", &[&gate]);
                    builder.node("Mul", &[&value, &gate])
                }
                // One channel, which is broadcast over all channels.
                _ => {
                    let mask = builder.conv(&value, channels, 1);
                    builder.node("Mul", &[&value, &mask])
                }
            };
        }
        if ends_with_convolution {
            value = builder.conv(&value, channels, 5);
        }
        let before = builder.finish(&value);
        let mut after = before.clone();
        pad_channels(&mut after, multiple);
        prop_assert_eq!(split_prelu(&mut after), prelus);
        let difference = difference(&outputs(&before, 8, 1.0), &outputs(&after, 8, 1.0));
        prop_assert!(difference < 1e-4, "{}", difference);
    }
}

#[test]
fn channels_of_outputs_are_not_widened() {
    let mut builder = Builder::default();
    let value = builder.conv("input", 3, 13);
    let value = builder.depthwise(&value, 13);
    let model = builder.finish(&value);
    let mut after = model.clone();
    assert_eq!(pad_channels(&mut after, 16), 0);
    assert_eq!(after, model);
}

#[test]
fn shared_constants_stay_as_they_are() {
    let mut builder = Builder::default();
    let shared = builder.weights(&[13, 3, 1, 1], 1.0);
    let (a, b) = (
        builder.node("Conv", &["input", &shared]),
        builder.node("Conv", &["input", &shared]),
    );
    let a = builder.depthwise(&a, 13);
    let a = builder.conv(&a, 13, 13);
    // Softmax over the channels depends on their number.
    let b = builder.node("Softmax", &[&b]);
    set_int(builder.graph.node.last_mut().unwrap(), "axis", 1);
    let b = builder.depthwise(&b, 13);
    let value = builder.node("Add", &[&a, &b]);
    let before = builder.finish(&value);
    let mut after = before.clone();
    assert_eq!(pad_channels(&mut after, 16), 1);
    assert!(difference(&outputs(&before, 8, 1.0), &outputs(&after, 8, 1.0)) < 1e-5);
}

#[test]
fn prelu_with_slopes_above_one_is_not_replaced() {
    let mut builder = Builder::default();
    let value = builder.conv("input", 3, 2);
    let value = builder.prelu(&value, &[0.5, 1.5]);
    let mut model = builder.finish(&value);
    assert_eq!(split_prelu(&mut model), 0);
}

#[test]
fn damaged_constants_are_left_alone() {
    let mut builder = Builder::default();
    let weights = builder.weights(&[13, 3, 1, 1], 1.0);
    // One number instead of thirteen.
    let bias = builder.constant(&[], &[1.0]);
    let value = builder.node("Conv", &["input", &weights, &bias]);
    let value = builder.depthwise(&value, 13);
    let value = builder.conv(&value, 13, 13);
    let empty = builder.constant(&[13, 13, 0, 3], &[]);
    let value = builder.node("Conv", &[&value, &empty]);
    let huge = builder.constant(&[8, 1 << 61, 1, 1], &[]);
    let value = builder.node("Conv", &[&value, &huge]);
    let model = builder.finish(&value);
    let mut after = model.clone();
    assert_eq!(pad_channels(&mut after, 16), 0);
    assert_eq!(split_prelu(&mut after), 0);
}
