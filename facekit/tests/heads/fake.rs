//! Networks whose outputs are given by a function, and heads on such networks.

use std::sync::{Arc, Mutex};

use facekit::{
    AlignedFace, ArcFace, ArcFaceSpec, ColorOrder, Detection, Digest, Dim, Element, Error, Image,
    Landmarks, MiniFasNet, MiniFasNetSpec, Network, PixelSpec, Point, Port, Rect, Result, Scrfd,
    ScrfdSpec, Signature, Tensor, TensorView, YuNet, YuNetSpec,
};

/// Computes the outputs from the input and its shape.
pub(crate) type Answer = dyn Fn(&[f32], [usize; 4]) -> Vec<Tensor> + Send + Sync;

/// A network whose outputs are computed by a function.
pub(crate) struct FakeNetwork {
    signature: Signature,
    answer: Box<Answer>,
}

impl std::fmt::Debug for FakeNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeNetwork").finish_non_exhaustive()
    }
}

impl Network for FakeNetwork {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        self.signature.check("fake", inputs)?;
        let TensorView::F32(input) = &inputs[0] else {
            unreachable!("checked")
        };
        let shape = input.shape().try_into().unwrap();
        Ok((self.answer)(input.as_slice().unwrap(), shape))
    }
}

pub(crate) fn port(name: &str, shape: &[Dim]) -> Port {
    Port {
        name: name.to_owned(),
        element: Element::F32,
        shape: shape.to_vec(),
    }
}

pub(crate) const ANY: Dim = Dim::Any;

pub(crate) fn fixed(size: usize) -> Dim {
    Dim::Fixed(size)
}

pub(crate) fn network(
    input: &[Dim],
    outputs: Vec<Port>,
    answer: impl Fn(&[f32], [usize; 4]) -> Vec<Tensor> + Send + Sync + 'static,
) -> Box<dyn Network> {
    let signature = Signature {
        inputs: vec![port("input", input)],
        outputs,
    };
    Box::new(FakeNetwork {
        signature,
        answer: Box::new(answer),
    })
}

pub(crate) fn tensor(shape: &[usize], values: Vec<f32>) -> Tensor {
    ndarray::ArrayD::from_shape_vec(shape, values)
        .unwrap()
        .into()
}

pub(crate) fn pixels(color: ColorOrder) -> PixelSpec {
    PixelSpec {
        color,
        mean: [0.0; 3],
        std: [1.0; 3],
    }
}

pub(crate) const STRIDES: [usize; 3] = [8, 16, 32];

/// The raw outputs of a detector's network at one cell of the grid with a stride.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) stride: usize,
    pub(crate) column: usize,
    pub(crate) row: usize,
    /// For YuNet class and objectness, for SCRFD the score and the index of the anchor.
    pub(crate) score: [f32; 2],
    pub(crate) rect: [f32; 4],
    pub(crate) points: [f32; 10],
}

pub(crate) const POINTS: [f32; 10] = [-0.5, -0.75, 0.5, -0.75, 0.0, 0.0, -0.5, 0.75, 0.5, 0.75];

pub(crate) fn cell(stride: usize, column: usize, row: usize) -> Cell {
    Cell {
        stride,
        column,
        row,
        score: [0.9, 0.9],
        rect: [0.25, 0.5, 1.0, 1.5],
        points: POINTS,
    }
}

/// The sizes of the inputs that a detector's network was run on: columns, rows.
pub(crate) type Seen = Arc<Mutex<Vec<[usize; 2]>>>;

pub(crate) fn yunet_outputs(cells: &[Cell], [_, _, height, width]: [usize; 4]) -> Vec<Tensor> {
    let mut outputs: [Vec<Tensor>; 4] = Default::default();
    for stride in STRIDES {
        let (columns, rows) = (width / stride, height / stride);
        let count = columns * rows;
        let mut values = [1, 1, 4, 10].map(|size| vec![0.0; size * count]);
        for cell in cells.iter().filter(|cell| cell.stride == stride) {
            let index = cell.row * columns + cell.column;
            values[0][index] = cell.score[0];
            values[1][index] = cell.score[1];
            values[2][4 * index..][..4].copy_from_slice(&cell.rect);
            values[3][10 * index..][..10].copy_from_slice(&cell.points);
        }
        for ((outputs, values), size) in outputs.iter_mut().zip(values).zip([1, 1, 4, 10]) {
            outputs.push(tensor(&[1, count, size], values));
        }
    }
    outputs.into_iter().flatten().collect()
}

pub(crate) fn yunet_ports() -> Vec<Port> {
    [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)]
        .into_iter()
        .flat_map(|(kind, size)| {
            STRIDES.map(|stride| port(&format!("{kind}_{stride}"), &[fixed(1), ANY, fixed(size)]))
        })
        .collect()
}

pub(crate) fn yunet_spec() -> YuNetSpec {
    YuNetSpec {
        pixels: pixels(ColorOrder::Bgr),
        strides: STRIDES.to_vec(),
        score: 0.6,
        overlap: 0.3,
    }
}

pub(crate) fn yunet_on(height: Dim, width: Dim, cells: &[Cell]) -> (YuNet, Seen) {
    let (seen, cells) = (Seen::default(), cells.to_vec());
    let sizes = seen.clone();
    let network = network(
        &[fixed(1), fixed(3), height, width],
        yunet_ports(),
        move |_, shape| {
            sizes.lock().unwrap().push([shape[3], shape[2]]);
            yunet_outputs(&cells, shape)
        },
    );
    (
        YuNet::new(network, "fake yunet", &yunet_spec()).unwrap(),
        seen,
    )
}

pub(crate) fn yunet(cells: &[Cell]) -> YuNet {
    yunet_on(ANY, ANY, cells).0
}

pub(crate) fn scrfd_spec() -> ScrfdSpec {
    ScrfdSpec {
        pixels: pixels(ColorOrder::Rgb),
        strides: STRIDES.to_vec(),
        anchors: 2,
        score: 0.5,
        overlap: 0.4,
    }
}

pub(crate) fn scrfd_ports() -> Vec<Port> {
    [("score", 1), ("bbox", 4), ("kps", 10)]
        .into_iter()
        .flat_map(|(kind, size)| {
            STRIDES.map(|stride| port(&format!("{kind}_{stride}"), &[ANY, fixed(size)]))
        })
        .collect()
}

pub(crate) fn scrfd(cells: &[Cell]) -> Scrfd {
    let cells = cells.to_vec();
    let network = network(
        &[fixed(1), fixed(3), ANY, ANY],
        scrfd_ports(),
        move |_, [_, _, height, width]| {
            let mut outputs: [Vec<Tensor>; 3] = Default::default();
            for stride in STRIDES {
                let columns = width / stride;
                let count = 2 * columns * (height / stride);
                let mut values = [1, 4, 10].map(|size| vec![0.0; size * count]);
                for cell in cells.iter().filter(|cell| cell.stride == stride) {
                    let index = 2 * (cell.row * columns + cell.column) + cell.score[1] as usize;
                    values[0][index] = cell.score[0];
                    values[1][4 * index..][..4].copy_from_slice(&cell.rect);
                    values[2][10 * index..][..10].copy_from_slice(&cell.points);
                }
                for ((outputs, values), size) in outputs.iter_mut().zip(values).zip([1, 4, 10]) {
                    outputs.push(tensor(&[count, size], values));
                }
            }
            outputs.into_iter().flatten().collect()
        },
    );
    Scrfd::new(network, "fake scrfd", &scrfd_spec()).unwrap()
}

pub(crate) fn no_outputs(_: &[f32], _: [usize; 4]) -> Vec<Tensor> {
    Vec::new()
}

/// True for an [`Error::Model`] about the model `unfit`.
pub(crate) fn is_model_error<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::Model { model, .. }) if model == "unfit")
}

/// Inputs of networks that no head can use.
pub(crate) fn unfit_inputs(side: usize) -> Vec<Vec<Port>> {
    let image = port("input", &[ANY, fixed(3), fixed(side), fixed(side)]);
    let with = |shape: &[Dim]| vec![port("input", shape)];
    vec![
        vec![],
        vec![image.clone(), image.clone()],
        with(&[fixed(3), fixed(side), fixed(side)]),
        with(&[ANY, fixed(1), fixed(side), fixed(side)]),
        with(&[ANY, fixed(side), fixed(side), fixed(3)]),
        with(&[fixed(0), fixed(3), fixed(side), fixed(side)]),
        with(&[fixed(1 << 40), fixed(3), fixed(side), fixed(side)]),
        with(&[ANY, fixed(3), fixed(0), fixed(0)]),
        vec![Port {
            element: Element::U8,
            ..image
        }],
    ]
}

/// A network with these inputs and outputs, which is never run.
pub(crate) fn network_of(inputs: Vec<Port>, outputs: Vec<Port>) -> Box<dyn Network> {
    Box::new(FakeNetwork {
        signature: Signature { inputs, outputs },
        answer: Box::new(no_outputs),
    })
}

pub(crate) fn arcface_spec() -> ArcFaceSpec {
    ArcFaceSpec {
        pixels: pixels(ColorOrder::Rgb),
        side: 112,
        dimension: 4,
    }
}

pub(crate) fn arcface(
    batch: Dim,
    answer: impl Fn(&[f32], [usize; 4]) -> Vec<Tensor> + Send + Sync + 'static,
) -> ArcFace {
    let network = network(
        &[batch, fixed(3), fixed(112), fixed(112)],
        vec![port("output", &[batch, fixed(4)])],
        answer,
    );
    ArcFace::new(
        network,
        "fake arcface",
        &Digest::of("fake"),
        &arcface_spec(),
    )
    .unwrap()
}

pub(crate) fn minifasnet_spec() -> MiniFasNetSpec {
    MiniFasNetSpec {
        pixels: pixels(ColorOrder::Bgr),
        side: 80,
        context: 2.7,
        live: 1,
    }
}

pub(crate) fn minifasnet(logits: &[[f32; 3]]) -> MiniFasNet {
    let part = |logits: [f32; 3]| {
        let answer = move |_: &[f32], shape: [usize; 4]| {
            vec![tensor(&[shape[0], 3], logits.repeat(shape[0]))]
        };
        let network = network(
            &[ANY, fixed(3), fixed(80), fixed(80)],
            vec![port("logits", &[ANY, fixed(3)])],
            answer,
        );
        (network, "fake minifasnet".to_owned(), minifasnet_spec())
    };
    MiniFasNet::new(logits.iter().copied().map(part)).unwrap()
}

pub(crate) fn aligned(side: usize, rgb: [u8; 3]) -> AlignedFace {
    AlignedFace::new(Image::filled(side, side, rgb)).unwrap()
}

/// Returns the three channels of the first pixel of each face, and 1.
pub(crate) fn first_pixels(
    input: &[f32],
    [batch, channels, height, width]: [usize; 4],
) -> Vec<Tensor> {
    let plane = height * width;
    let values = input
        .chunks(channels * plane)
        .flat_map(|face| [face[0], face[plane], face[2 * plane], 1.0]);
    vec![tensor(&[batch, 4], values.collect())]
}

pub(crate) fn a_face() -> Detection {
    let points = [
        (38.3, 51.7),
        (73.5, 51.5),
        (56.0, 71.7),
        (41.5, 92.4),
        (70.7, 92.2),
    ];
    Detection {
        rect: Rect::new(10.0, 10.0, 100.0, 110.0),
        landmarks: Landmarks::from(points.map(|(x, y)| Point::new(x, y))),
        score: 0.9,
    }
}
