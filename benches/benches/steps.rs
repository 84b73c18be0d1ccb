//! The steps before and after the networks, without the time of the networks: `cargo xtask bench steps`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use facekit::{
    ArcFace, ArcFaceSpec, ColorOrder, DetectOptions, Detection, Detector, Digest, Dim, Element,
    Embedder, Image, Landmarks, Liveness, MiniFasNet, MiniFasNetSpec, Network, PixelSpec, Point,
    Port, Quality, Rect, Result, Signature, Tensor, TensorView, YuNet, YuNetSpec, align,
};

/// A network that always returns the same outputs.
#[derive(Debug)]
struct FixedNetwork {
    signature: Signature,
    outputs: Vec<Tensor>,
}

impl FixedNetwork {
    fn new(height: Dim, width: Dim, outputs: Vec<(String, Tensor)>) -> Self {
        let port = |name: String, shape: Vec<Dim>| Port {
            name,
            element: Element::F32,
            shape,
        };
        let input = vec![Dim::Any, Dim::Fixed(3), height, width];
        let shape = |tensor: &Tensor| {
            tensor
                .view()
                .shape()
                .iter()
                .map(|&size| Dim::Fixed(size))
                .collect()
        };
        Self {
            signature: Signature {
                inputs: vec![port("input".to_owned(), input)],
                outputs: outputs
                    .iter()
                    .map(|(name, tensor)| port(name.clone(), shape(tensor)))
                    .collect(),
            },
            outputs: outputs.into_iter().map(|(_, tensor)| tensor).collect(),
        }
    }

    /// A network that takes a crop of `side` pixels and returns one row of `values`.
    fn row(side: usize, values: Vec<f32>) -> Box<dyn Network> {
        let tensor = tensor(&[1, values.len()], values);
        let side = Dim::Fixed(side);
        Box::new(Self::new(side, side, vec![("output".to_owned(), tensor)]))
    }

    /// A network with YuNet's outputs for a photo of 640 × 480 pixels with one face.
    fn yunet() -> Box<dyn Network> {
        let outputs = [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)]
            .into_iter()
            .flat_map(|(kind, width)| {
                STRIDES.map(|stride| {
                    let count = 640 / stride * (480 / stride);
                    let mut values = vec![0.0; count * width];
                    if stride == 16 {
                        values[width * count / 2..][..width].fill(0.9);
                    }
                    let tensor = tensor(&[1, count, width], values);
                    (format!("{kind}_{stride}"), tensor)
                })
            });
        Box::new(Self::new(Dim::Any, Dim::Any, outputs.collect()))
    }
}

impl Network for FixedNetwork {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        black_box(inputs);
        Ok(self.outputs.clone())
    }
}

fn tensor(shape: &[usize], values: Vec<f32>) -> Tensor {
    ndarray::ArrayD::from_shape_vec(shape, values)
        .expect("as many as the shape says")
        .into()
}

const STRIDES: [usize; 3] = [8, 16, 32];

const PIXELS: PixelSpec = PixelSpec {
    color: ColorOrder::Bgr,
    mean: [123.7, 116.3, 103.5],
    std: [58.4, 57.1, 57.4],
};

/// An image of waves.
fn photo(width: usize, height: usize) -> Image {
    let pixels = (0..width * height).flat_map(|i| {
        let (x, y) = ((i % width) as f32, (i / width) as f32);
        [1.0, 0.8, 0.6]
            .map(|tint| (tint * (128.0 + 90.0 * (x / 9.0).sin() * (y / 7.0).cos())) as u8)
    });
    Image::from_rgb8(pixels.collect(), width, height).expect("the sides fit the pixels")
}

fn face() -> Detection {
    let points = [
        (300.0, 200.0),
        (360.0, 204.0),
        (330.0, 235.0),
        (305.0, 270.0),
        (352.0, 272.0),
    ];
    Detection {
        rect: Rect::new(270.0, 150.0, 120.0, 150.0),
        landmarks: Landmarks::from(points.map(|(x, y)| Point::new(x, y))),
        score: 0.9,
    }
}

fn steps(criterion: &mut Criterion) {
    let photo = photo(640, 480);
    let face = face();

    let spec = YuNetSpec {
        pixels: PIXELS,
        strides: STRIDES.to_vec(),
        score: 0.5,
        overlap: 0.3,
    };
    let detector = YuNet::new(FixedNetwork::yunet(), "yunet", &spec).expect("its outputs");
    criterion.bench_function("steps/detect-640x480/facekit", |bencher| {
        bencher.iter(|| {
            let found = detector.detect(black_box(photo.view()), &DetectOptions::default());
            assert_eq!(found.expect("an image").len(), 1);
        });
    });

    criterion.bench_function("steps/align-112/facekit", |bencher| {
        bencher.iter(|| {
            let aligned = align(black_box(photo.view()), &face.landmarks, 112).expect("a face");
            assert_eq!(aligned.side(), 112);
            aligned
        });
    });

    let aligned = align(photo.view(), &face.landmarks, 112).expect("a face");
    criterion.bench_function("steps/quality/facekit", |bencher| {
        bencher.iter(|| {
            let quality = Quality::measure((640, 480), &face, black_box(&aligned));
            assert!(quality.brightness > 0.0);
            quality
        });
    });

    let spec = MiniFasNetSpec {
        pixels: PIXELS,
        side: 80,
        context: 2.7,
        live: 1,
    };
    let network = FixedNetwork::row(80, vec![0.0, 1.0, 0.0]);
    let liveness = MiniFasNet::new([(network, "minifasnet".to_owned(), spec)]).expect("fits");
    criterion.bench_function("steps/liveness/facekit", |bencher| {
        bencher.iter(|| {
            let scores = liveness
                .assess(black_box(photo.view()), &[face])
                .expect("a face");
            assert_eq!(scores.len(), 1);
        });
    });

    let spec = ArcFaceSpec {
        pixels: PIXELS,
        side: 112,
        dimension: 128,
    };
    let network = FixedNetwork::row(112, vec![0.5; 128]);
    let weights = Digest::from_bytes([0; 32]);
    let embedder = ArcFace::new(network, "arcface", &weights, &spec).expect("fits");
    let faces = [aligned];
    criterion.bench_function("steps/embed/facekit", |bencher| {
        bencher.iter(|| {
            let embeddings = embedder.embed(black_box(&faces)).expect("a face");
            assert_eq!(embeddings.len(), 1);
        });
    });
}

criterion_group!(benches, steps);
criterion_main!(benches);
