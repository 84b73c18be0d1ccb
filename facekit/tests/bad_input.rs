//! What is broken, odd or hostile: vectors, networks, images and options. No models are needed: networks here
//! are hand-made answers.

#![cfg(feature = "engine")]

use std::sync::{Arc, Mutex};

use facekit::{
    AlignedFace, ArcFace, ArcFaceSpec, ColorOrder, DetectOptions, Detection, Detector, Digest, Dim,
    Element, Embedder, Embedding, EmbeddingSpace, Error, ExactIndex, Gallery, Image, ImageView,
    Landmarks, Liveness, MemoryStore, Metric, MiniFasNet, MiniFasNetSpec, Network, NewTemplate,
    Outcome, Person, PersonId, PixelSpec, Port, Quality, QualityOptions, Recognizer, Rect, Result,
    Scrfd, ScrfdSpec, SearchOptions, Signature, TemplateId, Tensor, TensorView, Threshold,
    VectorIndex, YuNet, YuNetSpec, align,
};
use proptest::prelude::*;

// ---- networks by hand ----

/// From the input and its shape to the outputs.
type Answer = dyn Fn(&[f32], [usize; 4]) -> Vec<Tensor> + Send + Sync;

/// Computes the outputs from the input by a function.
struct FakeNetwork {
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

fn port(name: &str, shape: &[Dim]) -> Port {
    Port {
        name: name.to_owned(),
        element: Element::F32,
        shape: shape.to_vec(),
    }
}

const ANY: Dim = Dim::Any;

fn fixed(size: usize) -> Dim {
    Dim::Fixed(size)
}

fn network(
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

fn tensor(shape: &[usize], values: Vec<f32>) -> Tensor {
    ndarray::ArrayD::from_shape_vec(shape, values)
        .unwrap()
        .into()
}

fn pixels(color: ColorOrder) -> PixelSpec {
    PixelSpec {
        color,
        mean: [0.0; 3],
        std: [1.0; 3],
    }
}

const STRIDES: [usize; 3] = [8, 16, 32];

/// What a detector is to see: at cell (column, row) of the grid of a stride, the raw numbers of its outputs.
#[derive(Clone, Copy)]
struct Cell {
    stride: usize,
    column: usize,
    row: usize,
    /// Class and objectness for YuNet, the score and the anchor's number for SCRFD.
    score: [f32; 2],
    rect: [f32; 4],
    points: [f32; 10],
}

const POINTS: [f32; 10] = [-0.5, -0.75, 0.5, -0.75, 0.0, 0.0, -0.5, 0.75, 0.5, 0.75];

fn cell(stride: usize, column: usize, row: usize) -> Cell {
    Cell {
        stride,
        column,
        row,
        score: [0.9, 0.9],
        rect: [0.25, 0.5, 1.0, 1.5],
        points: POINTS,
    }
}

/// The sizes of the inputs that a detector was run on: columns, rows.
type Seen = Arc<Mutex<Vec<[usize; 2]>>>;

fn yunet_outputs(cells: &[Cell], [_, _, height, width]: [usize; 4]) -> Vec<Tensor> {
    let mut outputs: [Vec<Tensor>; 4] = Default::default();
    for stride in STRIDES {
        let (columns, rows) = (width / stride, height / stride);
        let count = columns * rows;
        let mut values = [1, 1, 4, 10].map(|size| vec![0.0; size * count]);
        for cell in cells.iter().filter(|cell| cell.stride == stride) {
            let at = cell.row * columns + cell.column;
            values[0][at] = cell.score[0];
            values[1][at] = cell.score[1];
            values[2][4 * at..][..4].copy_from_slice(&cell.rect);
            values[3][10 * at..][..10].copy_from_slice(&cell.points);
        }
        for ((outputs, values), size) in outputs.iter_mut().zip(values).zip([1, 1, 4, 10]) {
            outputs.push(tensor(&[1, count, size], values));
        }
    }
    outputs.into_iter().flatten().collect()
}

fn yunet_ports() -> Vec<Port> {
    [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)]
        .into_iter()
        .flat_map(|(kind, size)| {
            STRIDES.map(|stride| port(&format!("{kind}_{stride}"), &[fixed(1), ANY, fixed(size)]))
        })
        .collect()
}

fn yunet_spec() -> YuNetSpec {
    YuNetSpec {
        pixels: pixels(ColorOrder::Bgr),
        strides: STRIDES.to_vec(),
        score: 0.6,
        overlap: 0.3,
    }
}

fn yunet_on(height: Dim, width: Dim, cells: &[Cell]) -> (YuNet, Seen) {
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

fn yunet(cells: &[Cell]) -> YuNet {
    yunet_on(ANY, ANY, cells).0
}

fn scrfd_spec() -> ScrfdSpec {
    ScrfdSpec {
        pixels: pixels(ColorOrder::Rgb),
        strides: STRIDES.to_vec(),
        anchors: 2,
        score: 0.5,
        overlap: 0.4,
    }
}

fn scrfd_ports() -> Vec<Port> {
    [("score", 1), ("bbox", 4), ("kps", 10)]
        .into_iter()
        .flat_map(|(kind, size)| {
            STRIDES.map(|stride| port(&format!("{kind}_{stride}"), &[ANY, fixed(size)]))
        })
        .collect()
}

fn scrfd(cells: &[Cell]) -> Scrfd {
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
                    let at = 2 * (cell.row * columns + cell.column) + cell.score[1] as usize;
                    values[0][at] = cell.score[0];
                    values[1][4 * at..][..4].copy_from_slice(&cell.rect);
                    values[2][10 * at..][..10].copy_from_slice(&cell.points);
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

fn detect(detector: &dyn Detector, width: usize, height: usize) -> Vec<Detection> {
    let image = Image::filled(width, height, [90; 3]);
    let options = DetectOptions::default().with_max_side(None);
    detector.detect(image.view(), &options).unwrap()
}

#[track_caller]
fn assert_close(found: &Detection, rect: Rect, points: [f32; 10], score: f32) {
    let numbers = |rect: Rect, points: &[f32]| {
        [&[rect.x, rect.y, rect.width, rect.height][..], points].concat()
    };
    let landmarks: Vec<f32> = found
        .landmarks
        .points()
        .iter()
        .flat_map(|p| [p.x, p.y])
        .collect();
    let (found_numbers, wanted) = (numbers(found.rect, &landmarks), numbers(rect, &points));
    for (found_number, wanted_number) in found_numbers.iter().zip(&wanted) {
        assert!(
            (found_number - wanted_number).abs() < 1e-3,
            "{found_numbers:?} is not {wanted:?}"
        );
    }
    assert!(
        (found.score - score).abs() < 1e-6,
        "{} is not {score}",
        found.score
    );
}

// ---- detectors ----

#[test]
fn yunet_decodes_as_published() {
    for stride in STRIDES {
        let found = detect(
            &yunet(&[Cell {
                score: [0.9, 0.4],
                ..cell(stride, 2, 3)
            }]),
            160,
            160,
        );
        assert!(
            found.is_empty(),
            "a score of 0.6 or less by rounding: {found:?}"
        );
        let found = detect(
            &yunet(&[Cell {
                score: [0.8, 0.9],
                ..cell(stride, 2, 3)
            }]),
            160,
            160,
        );
        let s = stride as f32;
        let (width, height) = (1_f32.exp() * s, 1.5_f32.exp() * s);
        let (x, y) = ((2.0 + 0.25) * s, (3.0 + 0.5) * s);
        let rect = Rect::new(x - width / 2.0, y - height / 2.0, width, height);
        let points = std::array::from_fn(|i| ([2.0, 3.0][i % 2] + POINTS[i]) * s);
        assert_eq!(found.len(), 1);
        assert_close(&found[0], rect, points, (0.8_f32 * 0.9).sqrt());
    }
    // Class and objectness are cut to 0 and 1 before they are multiplied.
    let loud = Cell {
        score: [5.0, 0.81],
        ..cell(8, 1, 1)
    };
    assert!((detect(&yunet(&[loud]), 64, 64)[0].score - 0.9).abs() < 1e-6);
    let negative = Cell {
        score: [-2.0, -2.0],
        ..loud
    };
    assert!(detect(&yunet(&[negative]), 64, 64).is_empty());
}

#[test]
fn scrfd_decodes_as_published() {
    for stride in STRIDES {
        for anchor in [0.0, 1.0] {
            let found = detect(
                &scrfd(&[Cell {
                    score: [0.7, anchor],
                    ..cell(stride, 2, 3)
                }]),
                160,
                160,
            );
            let s = stride as f32;
            let (x, y) = (2.0 * s, 3.0 * s);
            let rect = Rect::new(x - 0.25 * s, y - 0.5 * s, 1.25 * s, 2.0 * s);
            let points = std::array::from_fn(|i| [x, y][i % 2] + POINTS[i] * s);
            assert_eq!(found.len(), 1);
            assert_close(&found[0], rect, points, 0.7);
        }
    }
}

#[test]
fn numbers_that_are_none_are_no_faces() {
    let broken = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    for number in broken {
        for place in 0..14 {
            let mut cell = Cell {
                score: [1.0, 0.0],
                ..cell(16, 1, 1)
            };
            if place < 4 {
                cell.rect[place] = number;
            } else {
                cell.points[place - 4] = number;
            }
            assert!(
                detect(&scrfd(&[cell]), 64, 64).is_empty(),
                "{number} at {place}"
            );
            cell.score = [1.0, 1.0];
            assert!(
                detect(&yunet(&[cell]), 64, 64).is_empty(),
                "{number} at {place}"
            );
        }
    }
    let unsure = Cell {
        score: [f32::NAN, 0.0],
        ..cell(16, 1, 1)
    };
    assert!(detect(&scrfd(&[unsure]), 64, 64).is_empty());
    for score in [[f32::NAN, 1.0], [1.0, f32::NAN], [f32::NAN; 2]] {
        assert!(detect(&yunet(&[Cell { score, ..unsure }]), 64, 64).is_empty());
    }
    // Two negative sides make a positive area, but no box.
    let inside_out = Cell {
        score: [0.9, 0.0],
        rect: [-1.0; 4],
        ..cell(16, 1, 1)
    };
    assert!(detect(&scrfd(&[inside_out]), 64, 64).is_empty());
    let vast = Cell {
        rect: [0.0, 0.0, 200.0, 200.0],
        ..cell(16, 1, 1)
    };
    assert!(detect(&yunet(&[vast]), 64, 64).is_empty());
}

proptest! {
    #[test]
    fn whatever_a_network_says_detections_are_sound(
        raw in prop::collection::vec((0_usize..3, 0_usize..2, 0_usize..2, prop::array::uniform16(any::<f32>())), 0..12),
    ) {
        let cells: Vec<Cell> = raw.iter().map(|(level, column, row, numbers)| Cell {
            score: [numbers[0], numbers[1]],
            rect: numbers[2..6].try_into().unwrap(),
            points: numbers[6..].try_into().unwrap(),
            ..cell(STRIDES[*level], *column, *row)
        }).collect();
        let for_scrfd: Vec<Cell> = cells.iter().map(|cell| Cell { score: [cell.score[0], 0.0], ..*cell }).collect();
        for found in [detect(&yunet(&cells), 64, 64), detect(&scrfd(&for_scrfd), 64, 64)] {
            prop_assert!(found.is_sorted_by(|a, b| a.score >= b.score));
            for face in found {
                let Rect { x, y, width, height } = face.rect;
                prop_assert!(x.is_finite() && y.is_finite() && width.is_finite() && height.is_finite());
                prop_assert!(width > 0.0 && height > 0.0 && (0.0..=1.0).contains(&face.score));
                prop_assert!(face.landmarks.points().iter().all(|p| p.x.is_finite() && p.y.is_finite()));
            }
        }
    }
}

#[test]
fn thresholds_of_a_detector() {
    let image = Image::filled(64, 64, [90; 3]);
    let found =
        |detector: &dyn Detector, options: DetectOptions| detector.detect(image.view(), &options);
    let face = scrfd(&[Cell {
        score: [0.5, 0.0],
        ..cell(8, 1, 1)
    }]);
    let with_score = |score| {
        found(&face, DetectOptions::default().with_score(score))
            .unwrap()
            .len()
    };
    assert_eq!(
        found(&face, DetectOptions::default()).unwrap().len(),
        1,
        "the default is inclusive"
    );
    assert_eq!(
        [with_score(0.5), with_score(0.500_001), with_score(0.0)],
        [1, 0, 1]
    );

    // Two boxes of which half is shared by one third of their union.
    let twins = scrfd(&[
        Cell {
            score: [0.8, 0.0],
            rect: [0.0, 0.0, 2.0, 2.0],
            ..cell(16, 0, 0)
        },
        Cell {
            score: [0.9, 0.0],
            rect: [0.0, 0.0, 2.0, 2.0],
            ..cell(16, 1, 0)
        },
    ]);
    let scores = |overlap| -> Vec<f32> {
        let found = found(&twins, DetectOptions::default().with_overlap(overlap)).unwrap();
        found.iter().map(|face| face.score).collect()
    };
    assert_eq!(scores(0.34), [0.9, 0.8]);
    assert_eq!(scores(0.33), [0.9]);
    assert_eq!(scores(1.0).len(), 2);

    for number in [-0.1, 1.1, f32::NAN] {
        for options in [
            DetectOptions::default().with_score(number),
            DetectOptions::default().with_overlap(number),
        ] {
            assert!(found(&face, options).unwrap_err().is_invalid_input());
        }
    }
    let nothing = DetectOptions::default().with_max_side(Some(0));
    assert!(found(&face, nothing).unwrap_err().is_invalid_input());
}

#[test]
fn coordinates_are_those_of_the_image_given() {
    // At stride 8 around (20, 28) of the copy: 640 × 320 pixels of 1280 × 640, so twice that.
    let (detector, seen) = yunet_on(
        ANY,
        ANY,
        &[Cell {
            rect: [0.5, 0.5, 1.0, 1.0],
            ..cell(8, 2, 3)
        }],
    );
    let image = Image::filled(1280, 640, [90; 3]);
    let found = detector
        .detect(image.view(), &DetectOptions::default())
        .unwrap();
    let side = 2.0 * 8.0 * 1_f32.exp();
    let rect = Rect::new(40.0 - side / 2.0, 56.0 - side / 2.0, side, side);
    let points = std::array::from_fn(|i| 2.0 * 8.0 * ([2.0, 3.0][i % 2] + POINTS[i]));
    assert_close(&found[0], rect, points, 0.9);

    // Small images stay as they are, padded to whole cells of the coarsest grid.
    for (width, height, input) in [(100, 40, [128, 64]), (64, 64, [64, 64]), (1, 1, [32, 32])] {
        seen.lock().unwrap().clear();
        let image = Image::filled(width, height, [90; 3]);
        detector
            .detect(image.view(), &DetectOptions::default())
            .unwrap();
        assert_eq!(seen.lock().unwrap()[..], [input]);
    }
}

#[test]
fn networks_of_fixed_size_get_the_whole_image() {
    let (detector, seen) = yunet_on(
        fixed(320),
        fixed(320),
        &[Cell {
            rect: [0.5, 0.5, 1.0, 1.0],
            ..cell(8, 2, 3)
        }],
    );
    for (width, height, factor) in [
        (640, 480, 2.0),
        (480, 960, 3.0),
        (200, 100, 1.0),
        (320, 320, 1.0),
    ] {
        seen.lock().unwrap().clear();
        let found = detect(&detector, width, height);
        assert_eq!(seen.lock().unwrap()[..], [[320, 320]]);
        let side = factor * 8.0 * 1_f32.exp();
        let rect = Rect::new(
            20.0 * factor - side / 2.0,
            28.0 * factor - side / 2.0,
            side,
            side,
        );
        let points = std::array::from_fn(|i| factor * 8.0 * ([2.0, 3.0][i % 2] + POINTS[i]));
        assert_close(&found[0], rect, points, 0.9);
    }
}

#[test]
fn pixels_are_fed_in_order_and_padded() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inputs = seen.clone();
    let network = network(
        &[fixed(1), fixed(3), ANY, ANY],
        yunet_ports(),
        move |input, shape| {
            *inputs.lock().unwrap() = input.to_vec();
            yunet_outputs(&[], shape)
        },
    );
    let pixels = PixelSpec {
        color: ColorOrder::Bgr,
        mean: [10.0, 20.0, 30.0],
        std: [2.0, 4.0, 8.0],
    };
    let detector = YuNet::new(
        network,
        "fake",
        &YuNetSpec {
            pixels,
            ..yunet_spec()
        },
    )
    .unwrap();
    detect(&detector, 20, 30);
    let image = Image::filled(20, 30, [200, 100, 50]);
    detector
        .detect(image.view(), &DetectOptions::default())
        .unwrap();
    let input = seen.lock().unwrap();
    for (plane, (inside, padding)) in [(20.0, -5.0), (20.0, -5.0), (21.25, -3.75)]
        .into_iter()
        .enumerate()
    {
        for (x, y) in [(0, 0), (19, 29), (20, 0), (0, 30), (31, 31)] {
            let wanted = if x < 20 && y < 30 { inside } else { padding };
            assert_eq!(
                input[1024 * plane + 32 * y + x],
                wanted,
                "({x}, {y}) of plane {plane}"
            );
        }
    }
}

// ---- networks that do not fit ----

fn none(_: &[f32], _: [usize; 4]) -> Vec<Tensor> {
    Vec::new()
}

fn is_model_error<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::Model { model, .. }) if model == "odd")
}

/// Inputs that no head takes.
fn odd_inputs(side: usize) -> Vec<Vec<Port>> {
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

fn odd(inputs: Vec<Port>, outputs: Vec<Port>) -> Box<dyn Network> {
    Box::new(FakeNetwork {
        signature: Signature { inputs, outputs },
        answer: Box::new(none),
    })
}

#[test]
fn detectors_refuse_networks_that_do_not_fit() {
    for inputs in odd_inputs(320) {
        let network = || odd(inputs.clone(), yunet_ports());
        assert!(
            is_model_error(YuNet::new(network(), "odd", &yunet_spec())),
            "{inputs:?}"
        );
        let network = || odd(inputs.clone(), scrfd_ports());
        assert!(
            is_model_error(Scrfd::new(network(), "odd", &scrfd_spec())),
            "{inputs:?}"
        );
    }
    let image = || vec![port("input", &[fixed(1), fixed(3), ANY, ANY])];
    let several = || vec![port("input", &[fixed(4), fixed(3), ANY, ANY])];
    assert!(is_model_error(YuNet::new(
        odd(several(), yunet_ports()),
        "odd",
        &yunet_spec()
    )));
    for missing in 0..12 {
        let mut ports = yunet_ports();
        let name = ports.remove(missing).name;
        let error = YuNet::new(odd(image(), ports), "odd", &yunet_spec()).unwrap_err();
        assert!(error.to_string().contains(&name), "{error}");
    }
    let mut ports = scrfd_ports();
    ports.pop();
    assert!(is_model_error(Scrfd::new(
        odd(image(), ports),
        "odd",
        &scrfd_spec()
    )));
    for strides in [vec![], vec![8, 0, 32]] {
        let spec = YuNetSpec {
            strides: strides.clone(),
            ..yunet_spec()
        };
        assert!(is_model_error(YuNet::new(
            odd(image(), yunet_ports()),
            "odd",
            &spec
        )));
        let spec = ScrfdSpec {
            strides,
            ..scrfd_spec()
        };
        assert!(is_model_error(Scrfd::new(
            odd(image(), scrfd_ports()),
            "odd",
            &spec
        )));
    }
    let spec = ScrfdSpec {
        anchors: 0,
        ..scrfd_spec()
    };
    assert!(is_model_error(Scrfd::new(
        odd(image(), scrfd_ports()),
        "odd",
        &spec
    )));
}

#[test]
fn outputs_of_another_size_are_errors() {
    let image = Image::filled(64, 64, [90; 3]);
    for wrong in 0..12 {
        let network = network(
            &[fixed(1), fixed(3), ANY, ANY],
            yunet_ports(),
            move |_, shape| {
                let mut outputs = yunet_outputs(&[], shape);
                outputs[wrong] = tensor(&[1, 3], vec![0.0; 3]);
                outputs
            },
        );
        let detector = YuNet::new(network, "fake", &yunet_spec()).unwrap();
        let error = detector
            .detect(image.view(), &DetectOptions::default())
            .unwrap_err();
        assert!(
            matches!(&error, Error::Model { reason, .. } if reason.contains(&yunet_ports()[wrong].name)),
            "{error}"
        );
    }
    let silent = network(&[fixed(1), fixed(3), ANY, ANY], scrfd_ports(), none);
    let silent = Scrfd::new(silent, "fake", &scrfd_spec()).unwrap();
    assert!(
        silent
            .detect(image.view(), &DetectOptions::default())
            .is_err()
    );
}

fn arcface_spec() -> ArcFaceSpec {
    ArcFaceSpec {
        pixels: pixels(ColorOrder::Rgb),
        side: 112,
        dimension: 4,
    }
}

fn arcface(
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

fn minifasnet_spec() -> MiniFasNetSpec {
    MiniFasNetSpec {
        pixels: pixels(ColorOrder::Bgr),
        side: 80,
        context: 2.7,
        live: 1,
    }
}

fn minifasnet(logits: &[[f32; 3]]) -> MiniFasNet {
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

#[test]
fn embedders_and_liveness_refuse_networks_that_do_not_fit() {
    let arcface = |inputs, outputs| {
        ArcFace::new(
            odd(inputs, outputs),
            "odd",
            &Digest::of(""),
            &arcface_spec(),
        )
    };
    let minifasnet =
        |inputs, outputs, spec| MiniFasNet::new([(odd(inputs, outputs), "odd".to_owned(), spec)]);
    for (side, outputs) in [
        (112, vec![port("output", &[ANY, fixed(4)])]),
        (80, vec![port("output", &[ANY, fixed(3)])]),
    ] {
        for inputs in odd_inputs(side) {
            if side == 112 {
                assert!(
                    is_model_error(arcface(inputs.clone(), outputs.clone())),
                    "{inputs:?}"
                );
            } else {
                assert!(
                    is_model_error(minifasnet(
                        inputs.clone(),
                        outputs.clone(),
                        minifasnet_spec()
                    )),
                    "{inputs:?}"
                );
            }
        }
    }
    let faces = || vec![port("input", &[ANY, fixed(3), ANY, ANY])];
    let bytes = |shape: &[Dim]| Port {
        element: Element::U8,
        ..port("output", shape)
    };
    for outputs in [
        vec![],
        vec![port("output", &[ANY, fixed(5)])],
        vec![port("output", &[])],
        vec![bytes(&[ANY, fixed(4)])],
    ] {
        assert!(
            is_model_error(arcface(faces(), outputs.clone())),
            "{outputs:?}"
        );
    }
    for outputs in [
        vec![],
        vec![port("output", &[ANY, fixed(1)])],
        vec![port("output", &[])],
        vec![bytes(&[ANY, fixed(3)])],
    ] {
        assert!(
            is_model_error(minifasnet(faces(), outputs.clone(), minifasnet_spec())),
            "{outputs:?}"
        );
    }
    let classes = || vec![port("output", &[ANY, fixed(3)])];
    for spec in [
        MiniFasNetSpec {
            side: 0,
            ..minifasnet_spec()
        },
        MiniFasNetSpec {
            context: f64::NAN,
            ..minifasnet_spec()
        },
        MiniFasNetSpec {
            context: 0.5,
            ..minifasnet_spec()
        },
        MiniFasNetSpec {
            live: 3,
            ..minifasnet_spec()
        },
    ] {
        assert!(is_model_error(minifasnet(faces(), classes(), spec)));
    }
    assert!(matches!(
        MiniFasNet::new([]),
        Err(Error::InvalidArgument { .. })
    ));
}

// ---- embedders ----

fn aligned(side: usize, rgb: [u8; 3]) -> AlignedFace {
    AlignedFace::new(Image::filled(side, side, rgb)).unwrap()
}

/// The first pixel of each face, and one.
fn first_pixels(input: &[f32], [batch, channels, height, width]: [usize; 4]) -> Vec<Tensor> {
    let plane = height * width;
    let values = input
        .chunks(channels * plane)
        .flat_map(|face| [face[0], face[plane], face[2 * plane], 1.0]);
    vec![tensor(&[batch, 4], values.collect())]
}

#[test]
fn batches_of_every_size_give_the_same_embeddings() {
    let faces: Vec<AlignedFace> = (0..70)
        .map(|nth| aligned(112, [nth, 2 * nth, 255 - nth]))
        .collect();
    let one_by_one = arcface(fixed(1), first_pixels).embed(&faces).unwrap();
    assert_eq!(one_by_one.len(), 70);
    assert_eq!(one_by_one[7].values()[1] / one_by_one[7].values()[0], 2.0);
    for batch in [ANY, fixed(1), fixed(4), fixed(70), fixed(100)] {
        let embedder = arcface(batch, first_pixels);
        assert_eq!(embedder.embed(&faces).unwrap(), one_by_one, "{batch:?}");
        assert!(embedder.embed(&[]).unwrap().is_empty());
        let wrong_side = embedder.embed(&[aligned(96, [1; 3])]);
        assert!(wrong_side.unwrap_err().is_invalid_input());
    }
}

#[test]
fn vectors_that_are_none_are_errors() {
    let faces = [aligned(112, [0; 3]), aligned(112, [255; 3])];
    for values in [
        [f32::NAN, 1.0, 1.0, 1.0],
        [1.0, f32::INFINITY, 1.0, 1.0],
        [0.0; 4],
    ] {
        let embedder = arcface(ANY, move |_, shape| {
            vec![tensor(&[shape[0], 4], values.repeat(shape[0]))]
        });
        assert!(
            matches!(embedder.embed(&faces), Err(Error::Model { .. })),
            "{values:?}"
        );
    }
    for shape in [[1, 4], [2, 0], [3, 4], [2, 5]] {
        let embedder = arcface(ANY, move |_, _| {
            vec![tensor(&shape, vec![1.0; shape[0] * shape[1]])]
        });
        assert!(embedder.embed(&faces).is_err(), "{shape:?}");
    }
    assert!(arcface(ANY, none).embed(&faces).is_err());
    let bytes = arcface(ANY, |_, shape| {
        vec![ndarray::ArrayD::<u8>::zeros(vec![shape[0], 4]).into()]
    });
    assert!(matches!(bytes.embed(&faces), Err(Error::Model { .. })));
}

// ---- liveness ----

fn a_face() -> Detection {
    let points = [
        (38.3, 51.7),
        (73.5, 51.5),
        (56.0, 71.7),
        (41.5, 92.4),
        (70.7, 92.2),
    ];
    Detection {
        rect: Rect::new(10.0, 10.0, 100.0, 110.0),
        landmarks: Landmarks::from(points.map(|(x, y)| facekit::Point::new(x, y))),
        score: 0.9,
    }
}

#[test]
fn liveness_is_the_mean_of_its_networks() {
    let image = Image::filled(200, 200, [90; 3]);
    let score = |logits: &[[f32; 3]]| {
        minifasnet(logits)
            .assess(image.view(), &[a_face()])
            .unwrap()[0]
            .value()
    };
    assert!((score(&[[0.0, 0.0, 0.0]]) - 1.0 / 3.0).abs() < 1e-6);
    assert!((score(&[[0.0, 30.0, 0.0], [30.0, 0.0, 0.0]]) - 0.5).abs() < 1e-6);
    assert!(
        (score(&[[500.0, 1000.0, 500.0]]) - 1.0).abs() < 1e-6,
        "no overflow"
    );
    // One that fails is not outvoted by one that is sure.
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(score(&[[number; 3]]), 0.0);
        assert_eq!(score(&[[number; 3], [0.0, 50.0, 0.0]]), 0.0);
        assert_eq!(score(&[[0.0, 50.0, 0.0], [0.0, number, f32::NAN]]), 0.0);
    }
    assert!(
        minifasnet(&[[0.0; 3]])
            .assess(image.view(), &[])
            .unwrap()
            .is_empty()
    );
    for rect in [
        Rect::new(10.0, 10.0, 0.0, 50.0),
        Rect::new(10.0, 10.0, f32::NAN, 50.0),
    ] {
        let face = Detection { rect, ..a_face() };
        assert!(
            minifasnet(&[[0.0; 3]])
                .assess(image.view(), &[face])
                .unwrap_err()
                .is_invalid_input()
        );
    }
}

#[test]
fn empty_answers_of_a_liveness_network_are_errors() {
    let network = network(
        &[ANY, fixed(3), fixed(80), fixed(80)],
        vec![port("logits", &[ANY, ANY])],
        |_, shape| vec![tensor(&[shape[0], 0], Vec::new())],
    );
    let liveness = MiniFasNet::new([(network, "fake".to_owned(), minifasnet_spec())]).unwrap();
    let image = Image::filled(200, 200, [90; 3]);
    assert!(matches!(
        liveness.assess(image.view(), &[a_face()]),
        Err(Error::Model { .. })
    ));
}

// ---- odd images through all of it ----

#[test]
fn odd_images_go_through_every_head() {
    for (width, height, rgb) in [
        (1, 1, [255; 3]),
        (1, 3000, [9; 3]),
        (3000, 1, [9; 3]),
        (64, 64, [0; 3]),
        (640, 480, [0; 3]),
    ] {
        let image = Image::filled(width, height, rgb);
        let view = image.view();
        let equalized = DetectOptions::default().with_equalize(true);
        for options in [DetectOptions::default(), equalized] {
            assert_eq!(
                yunet(&[cell(8, 0, 0)])
                    .detect(view, &options)
                    .unwrap()
                    .len(),
                1
            );
            assert!(yunet(&[]).detect(view, &options).unwrap().is_empty());
            scrfd(&[]).detect(view, &options).unwrap();
        }
        let face = align(view, &a_face().landmarks, 112).unwrap();
        assert_eq!(
            arcface(ANY, first_pixels)
                .embed(std::slice::from_ref(&face))
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            minifasnet(&[[0.0; 3]])
                .assess(view, &[a_face()])
                .unwrap()
                .len(),
            1
        );
        let quality = Quality::measure((width, height), &a_face(), &face);
        assert!((0.0..=1.0).contains(&quality.score));
        assert!(
            !quality.issues(&QualityOptions::default()).is_empty(),
            "{width} × {height}"
        );

        // A detector sees a face where there is nothing: the quality gate does not.
        let recognizer = Recognizer::builder()
            .detector(yunet(&[cell(8, 0, 0)]))
            .liveness(minifasnet(&[[0.0, 9.0, 0.0]]))
            .embedder(arcface(ANY, first_pixels))
            .threshold(Threshold::Score(0.5))
            .build()
            .unwrap();
        let found = recognizer.recognize(view).unwrap();
        assert!(matches!(found[0].outcome, Outcome::PoorQuality { .. }));
        let verified = recognizer.verify(view, view).unwrap();
        assert!(matches!(
            verified,
            facekit::Verification::Unusable { photo: 0, .. }
        ));
    }
    assert!(ImageView::new(&[], 0, 0, facekit::PixelFormat::Rgb8).is_err());
}

// ---- vectors ----

fn space(name: &str, dimension: usize) -> EmbeddingSpace {
    EmbeddingSpace::new(name, Digest::of(name), dimension)
}

#[test]
fn vectors_of_no_length_or_no_numbers_are_refused() {
    let space = space("a", 3);
    for values in [
        vec![],
        vec![1.0, 0.0],
        vec![1.0, 0.0, 0.0, 0.0],
        vec![0.0; 3],
        vec![-0.0, 0.0, -0.0],
        vec![f32::NAN, 1.0, 0.0],
        vec![1.0, f32::INFINITY, 0.0],
        vec![1.0, 0.0, f32::NEG_INFINITY],
    ] {
        let error = Embedding::new(&space, values.clone()).unwrap_err();
        assert!(
            matches!(error, Error::InvalidEmbedding { .. }) && error.is_invalid_input(),
            "{values:?}"
        );
    }
}

proptest! {
    #[test]
    fn whatever_is_taken_has_length_one(values in prop::collection::vec(any::<f32>(), 3)) {
        let sound = values.iter().all(|value| value.is_finite());
        match Embedding::new(&space("a", 3), values.clone()) {
            Ok(embedding) => {
                prop_assert!(sound);
                let length: f64 = embedding.values().iter().map(|&value| f64::from(value).powi(2)).sum();
                prop_assert!((length - 1.0).abs() < 1e-6, "{length}");
                prop_assert!((embedding.cosine(&embedding).unwrap() - 1.0).abs() < 1e-6);
                let again = Embedding::new(embedding.space(), embedding.values().to_vec()).unwrap();
                prop_assert_eq!(again, embedding);
            }
            Err(_) => prop_assert!(!sound || values.iter().all(|value| value.abs() < 1e-37)),
        }
    }
}

#[test]
fn spaces_do_not_mix() {
    let (ours, theirs, shorter) = (space("a", 3), space("b", 3), space("a", 2));
    let embedding =
        |space: &EmbeddingSpace| Embedding::new(space, vec![1.0; space.dimension()]).unwrap();
    let index = ExactIndex::new(ours.clone(), Metric::Cosine);
    index.insert(&[(TemplateId(1), embedding(&ours))]).unwrap();
    let gallery = Gallery::open(
        MemoryStore::new(),
        ExactIndex::new(ours.clone(), Metric::Cosine),
    )
    .unwrap();
    let anna = Person::new(PersonId::new("anna").unwrap(), jiff::Timestamp::UNIX_EPOCH);
    for foreign in [&theirs, &shorter].map(embedding) {
        let mismatch =
            |error: Error| matches!(error, Error::SpaceMismatch { .. }) && error.is_invalid_input();
        assert!(mismatch(embedding(&ours).cosine(&foreign).unwrap_err()));
        assert!(mismatch(
            index.search(&foreign, &SearchOptions::new(1)).unwrap_err()
        ));
        let entries = [
            (TemplateId(2), embedding(&ours)),
            (TemplateId(3), foreign.clone()),
        ];
        assert!(mismatch(index.insert(&entries).unwrap_err()));
        assert_eq!(index.len(), 1, "nothing of it was inserted");
        assert!(mismatch(gallery.nearest(&foreign, 1, None).unwrap_err()));
        let template = NewTemplate::new(foreign, 1.0, anna.enrolled);
        assert!(mismatch(gallery.add(&anna, &[template]).unwrap_err()));
        assert!(gallery.people().is_empty());
    }
}
