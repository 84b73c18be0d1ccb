//! `facekit-onnx` on all graphs and models.

mod library;

use std::{
    fs,
    path::{Path, PathBuf},
};

use facekit::{Dim, Element, LoadOptions, Model, Network, Runtime, Tensor};
use facekit_conformance::{data, skip, tolerance::Tolerance};
use facekit_onnx::proto::Message;
use facekit_ort::Ort;
use ndarray::{ArrayD, Axis};

/// A graph that is read and written again is the same.
#[test]
fn reading_and_writing_graphs_loses_nothing() {
    let mut files = files(&graphs("operators"));
    files.extend(self::files(&graphs("behaviors")));
    assert!(files.len() > 100);
    check_lossless(&files);
}

#[test]
fn reading_and_writing_models_loses_nothing() {
    let test = "files::reading_and_writing_models_loses_nothing";
    let Some(data) = data(test, &["models"]) else {
        return;
    };
    check_lossless(&files(&data.join("models")));
}

fn check_lossless(files: &[PathBuf]) {
    for path in files {
        let model = Model::open(path).unwrap();
        let proto = facekit_onnx::read(&model).unwrap_or_else(|error| panic!("{error}"));
        let written = proto.encode_to_vec();
        let name = path.display();
        // Fields may be in another order, but none may be missing.
        assert_eq!(written.len(), model.bytes().len(), "{name}");
        let again = Model::from_bytes("again", written);
        assert!(facekit_onnx::read(&again).unwrap() == proto, "{name}");
    }
}

/// The models with a batch of one that accept any batch after the rewrite.
#[test]
fn the_batch_of_real_models_is_freed() {
    let expected = [
        ("face_detection_yunet_2023mar", true),
        ("minifasnet_v1se", true),
        ("minifasnet_v2", true),
        ("mobilefacenet", true),
        // Its outputs have no batch dimension.
        ("scrfd_500m_kps", false),
        // Their batch is already free.
        ("yunet_n_dynamic", false),
        ("yunet_s_dynamic", false),
    ];
    let test = "files::the_batch_of_real_models_is_freed";
    let Some(data) = data(test, &["models"]) else {
        return;
    };
    for (name, expected) in expected {
        let model = Model::open(data.join(format!("models/{name}.onnx"))).unwrap();
        let before = facekit_onnx::read(&model).unwrap();
        let mut proto = before.clone();
        assert_eq!(
            facekit_onnx::rewrite::free_batch(&mut proto),
            expected,
            "{name}"
        );
        if expected {
            let inputs = facekit_onnx::inputs(&proto, &model).unwrap();
            assert_eq!(inputs[0].shape[0], Dim::Any, "{name}");
        } else {
            assert!(proto == before, "{name} was changed");
        }
    }
}

/// Every graph for one image either stays as it is, or computes for each image of a batch the same as for the image alone.
#[test]
fn freed_graphs_compute_the_same() {
    if let Err(reason) = library::onnxruntime() {
        return skip("files::freed_graphs_compute_the_same", &reason);
    }
    let mut freed = Vec::new();
    for path in files(&graphs("operators")) {
        let model = Model::open(&path).unwrap();
        let mut proto = facekit_onnx::read(&model).unwrap();
        if !facekit_onnx::rewrite::free_batch(&mut proto) {
            continue;
        }
        freed.push(model.name().to_owned());
        let network = Ort::new()
            .load(&model, &LoadOptions::default())
            .unwrap_or_else(|error| panic!("{error}"));
        check_batch(model.name(), &*network);
    }
    for name in [
        "averagepool",
        "conv",
        "maxpool",
        "resize_nearest",
        "transpose",
    ] {
        assert!(freed.iter().any(|freed| freed == name), "{name}: {freed:?}");
    }
    for name in [
        "transpose_reversed",
        "reshape_fixed",
        "flatten_axis",
        "concat",
    ] {
        assert!(freed.iter().all(|freed| freed != name), "{name}");
    }
}

fn check_batch(name: &str, network: &dyn Network) {
    let shape = &network.signature().inputs[0].shape;
    assert_eq!(shape[0], Dim::Any, "{name}");
    let mut shape: Vec<usize> = shape
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(size) => *size,
            Dim::Any => 8,
        })
        .collect();
    shape[0] = 3;
    let mut state = 0_u32;
    let images = ArrayD::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    });
    let run = |images: ArrayD<f32>| {
        let images: Tensor = match network.signature().inputs[0].element {
            Element::U8 => images.mapv(|value| (value * 127.0 + 128.0) as u8).into(),
            _ => images.into(),
        };
        network
            .run(&[images.view()])
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let together = run(images.clone());
    for (number, image) in images.axis_chunks_iter(Axis(0), 1).enumerate() {
        for (all, alone) in together.iter().zip(run(image.to_owned())) {
            let (Tensor::F32(all), Tensor::F32(alone)) = (all, &alone) else {
                panic!("{name}: not f32");
            };
            assert_eq!(all.shape()[0], 3, "{name}");
            let of_all = all.index_axis(Axis(0), number);
            let alone = alone.index_axis(Axis(0), 0);
            assert_eq!(of_all.shape(), alone.shape(), "{name}");
            for (&found, &expected) in of_all.iter().zip(&alone) {
                assert!(
                    Tolerance::Summed.allows(found, expected)
                        || found.is_nan() && expected.is_nan(),
                    "{name}, image {number}: {found} in the batch, {expected} alone"
                );
            }
        }
    }
}

fn graphs(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("graphs")
        .join(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "onnx"))
        .collect();
    files.sort();
    files
}
