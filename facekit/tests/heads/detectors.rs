//! Detectors: decoding of outputs, thresholds, coordinates, and networks that do not fit.

use std::sync::{Arc, Mutex};

use facekit::{
    ColorOrder, DetectOptions, Detection, Detector, Error, Image, PixelSpec, Rect, Scrfd,
    ScrfdSpec, YuNet, YuNetSpec,
};
use proptest::prelude::*;

use crate::fake::{
    ANY, Cell, POINTS, STRIDES, cell, fixed, is_model_error, network, network_of, no_outputs, port,
    scrfd, scrfd_ports, scrfd_spec, tensor, unfit_inputs, yunet, yunet_on, yunet_outputs,
    yunet_ports, yunet_spec,
};

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
    // Class and objectness are clamped to 0 to 1 before they are multiplied.
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
fn outputs_that_are_not_finite_are_no_faces() {
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
    // Two negative sides have a positive area, but they are not a box.
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
    fn detections_are_valid_for_all_outputs(
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
fn score_and_overlap_thresholds_are_applied() {
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

    // Two boxes whose intersection is one third of their union.
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
fn coordinates_are_pixels_of_the_given_image() {
    // A face at (20, 28) of the reduced copy, 640 × 320 pixels. The image has 1280 × 640, so coordinates are doubled.
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

    // Small images are not enlarged, but padded to whole cells of the coarsest grid.
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
fn networks_of_fixed_size_get_the_reduced_image() {
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
fn pixels_are_converted_in_order_and_padded() {
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

#[test]
fn detectors_refuse_networks_that_do_not_fit() {
    for inputs in unfit_inputs(320) {
        let network = || network_of(inputs.clone(), yunet_ports());
        assert!(
            is_model_error(YuNet::new(network(), "unfit", &yunet_spec())),
            "{inputs:?}"
        );
        let network = || network_of(inputs.clone(), scrfd_ports());
        assert!(
            is_model_error(Scrfd::new(network(), "unfit", &scrfd_spec())),
            "{inputs:?}"
        );
    }
    let image = || vec![port("input", &[fixed(1), fixed(3), ANY, ANY])];
    let several = || vec![port("input", &[fixed(4), fixed(3), ANY, ANY])];
    assert!(is_model_error(YuNet::new(
        network_of(several(), yunet_ports()),
        "unfit",
        &yunet_spec()
    )));
    for missing in 0..12 {
        let mut ports = yunet_ports();
        let name = ports.remove(missing).name;
        let error = YuNet::new(network_of(image(), ports), "unfit", &yunet_spec()).unwrap_err();
        assert!(error.to_string().contains(&name), "{error}");
    }
    let mut ports = scrfd_ports();
    ports.pop();
    assert!(is_model_error(Scrfd::new(
        network_of(image(), ports),
        "unfit",
        &scrfd_spec()
    )));
    for strides in [vec![], vec![8, 0, 32]] {
        let spec = YuNetSpec {
            strides: strides.clone(),
            ..yunet_spec()
        };
        assert!(is_model_error(YuNet::new(
            network_of(image(), yunet_ports()),
            "unfit",
            &spec
        )));
        let spec = ScrfdSpec {
            strides,
            ..scrfd_spec()
        };
        assert!(is_model_error(Scrfd::new(
            network_of(image(), scrfd_ports()),
            "unfit",
            &spec
        )));
    }
    let spec = ScrfdSpec {
        anchors: 0,
        ..scrfd_spec()
    };
    assert!(is_model_error(Scrfd::new(
        network_of(image(), scrfd_ports()),
        "unfit",
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
    let silent = network(&[fixed(1), fixed(3), ANY, ANY], scrfd_ports(), no_outputs);
    let silent = Scrfd::new(silent, "fake", &scrfd_spec()).unwrap();
    assert!(
        silent
            .detect(image.view(), &DetectOptions::default())
            .is_err()
    );
}
