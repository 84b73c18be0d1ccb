//! Options, errors and the cache that only `facekit-ort` has.

mod library;

use std::{fs, num::NonZeroUsize, path::Path, sync::Barrier, thread};

use facekit::{Error, LoadOptions, Model, Network, Runtime, Tensor};
use facekit_candle::Candle;
use facekit_conformance::skip;
use facekit_onnx::proto::{
    DataType, Dimension, DimensionValue, GraphProto, Message, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, TypeValue, ValueInfoProto,
};
use facekit_ort::{Optimization, Ort, Provider};
use facekit_tract::Tract;
use ndarray::ArrayD;
use tempfile::tempdir;

/// True if the library is available. Otherwise it reports that `test` is skipped.
fn is_available(test: &str) -> bool {
    library::onnxruntime()
        .map_err(|reason| skip(&format!("onnxruntime::{test}"), &reason))
        .is_ok()
}

#[test]
fn a_process_uses_one_library_and_reports_its_version() {
    if !is_available("a_process_uses_one_library_and_reports_its_version") {
        return;
    }
    let library = Ort::new().library().unwrap();
    assert!(library.version().starts_with("1."), "{library:?}");
    let path = library.path().unwrap();
    assert_eq!(Ort::new().with_library(path).library().unwrap(), library);

    let folder = tempdir().unwrap();
    let another = folder.path().join("another.so");
    fs::write(&another, "").unwrap();
    let error = Ort::new().with_library(&another).library().unwrap_err();
    assert!(error.to_string().contains("already uses"), "{error}");
}

#[test]
fn the_error_names_a_missing_provider() {
    if !is_available("the_error_names_a_missing_provider") {
        return;
    }
    // No library has both CUDA and Core ML.
    let provider = if cfg!(target_vendor = "apple") {
        Provider::Cuda { device: 0 }
    } else {
        Provider::CoreMl
    };
    let ort = Ort::new().with_provider(provider.clone());
    match ort.load(&graph("any_size"), &LoadOptions::default()) {
        Err(Error::DeviceUnavailable {
            runtime,
            device,
            reason,
        }) => {
            assert_eq!((runtime, device), ("ort", provider.to_string()));
            assert!(reason.contains("was built without"), "{reason}");
        }
        other => panic!("expected Error::DeviceUnavailable, found {other:?}"),
    }
}

#[test]
fn options_do_not_change_results() {
    if !is_available("options_do_not_change_results") {
        return;
    }
    let expected = outputs(&*load(&Ort::new()));
    for optimization in [
        Optimization::None,
        Optimization::Basic,
        Optimization::Extended,
        Optimization::All,
    ] {
        for threads in 1..=3 {
            let ort = Ort::new().with_optimization(optimization);
            let options = LoadOptions::default().with_threads(threads);
            let network = ort.load(&graph("any_size"), &options).unwrap();
            assert_close(&outputs(&*network), &expected);
        }
    }
    let none = LoadOptions::default().with_threads(0);
    let error = Ort::new().load(&graph("any_size"), &none).unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
}

/// Eight callers at the same time share one session, or several.
#[test]
fn callers_wait_for_a_session() {
    if !is_available("callers_wait_for_a_session") {
        return;
    }
    for sessions in [1, 3] {
        let network = load(&Ort::new().with_sessions(NonZeroUsize::new(sessions).unwrap()));
        let expected = outputs(&*network);
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    for _ in 0..20 {
                        assert_eq!(outputs(&*network), expected);
                    }
                });
            }
        });
    }
}

/// A run that needs more memory than a process can have is an error. The network still works afterwards.
#[test]
fn too_much_memory_is_an_error() {
    if !is_available("too_much_memory_is_an_error") {
        return;
    }
    // Returns a tensor of zeros of the given shape.
    let node = NodeProto {
        op_type: Some("ConstantOfShape".to_owned()),
        input: vec!["shape".to_owned()],
        output: vec!["zeros".to_owned()],
        ..NodeProto::default()
    };
    let shape = value("shape", DataType::Int64, &[2]);
    let zeros = value("zeros", DataType::Float, &[-1, -1]);
    let model = Model::from_bytes("zeros", model(node, shape, zeros, vec![]).encode_to_vec());
    let network = Ort::new().load(&model, &LoadOptions::default()).unwrap();
    let run = |rows: i64, columns: i64| {
        let shape = ArrayD::from_shape_vec(vec![2], vec![rows, columns]).unwrap();
        network.run(&[shape.view().into()])
    };
    for (rows, columns) in [(1 << 24, 1 << 22), (1 << 40, 1 << 40), (-1, 2)] {
        match run(rows, columns) {
            Err(Error::Runtime { runtime, model, .. }) => {
                assert_eq!((runtime, &*model), ("ort", "zeros"));
            }
            other => panic!("{rows}×{columns}: expected Error::Runtime, found {other:?}"),
        }
    }
    assert_eq!(run(2, 3).unwrap()[0].view().shape(), [2, 3]);
}

/// Weights in a file beside the model are found. If the file is missing, the error names it.
#[test]
fn weights_in_another_file() {
    if !is_available("weights_in_another_file") {
        return;
    }
    let folder = tempdir().unwrap();
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    };
    let weights = TensorProto {
        name: Some("weights".to_owned()),
        dims: vec![3],
        data_type: Some(DataType::Float as i32),
        data_location: Some(1),
        external_data: vec![entry("location", "weights.bin"), entry("length", "12")],
        ..TensorProto::default()
    };
    let node = NodeProto {
        op_type: Some("Add".to_owned()),
        input: vec!["given".to_owned(), "weights".to_owned()],
        output: vec!["sum".to_owned()],
        ..NodeProto::default()
    };
    let given = value("given", DataType::Float, &[1, 3]);
    let sum = value("sum", DataType::Float, &[1, 3]);
    let path = folder.path().join("model.onnx");
    fs::write(
        &path,
        model(node, given, sum, vec![weights]).encode_to_vec(),
    )
    .unwrap();
    let model = Model::open(&path).unwrap();
    let load = || Ort::new().load(&model, &LoadOptions::default());

    let error = load().unwrap_err();
    assert!(matches!(error, Error::Model { .. }), "{error:?}");
    assert!(error.to_string().contains("weights.bin"), "{error}");

    fs::write(
        folder.path().join("weights.bin"),
        [1.0_f32, 2.0, 3.0].map(f32::to_le_bytes).concat(),
    )
    .unwrap();
    let ones = ArrayD::<f32>::ones(vec![2, 3]);
    let sums = load().unwrap().run(&[ones.view().into()]).unwrap();
    let expected = ArrayD::from_shape_vec(vec![2, 3], vec![2.0, 3.0, 4.0, 2.0, 3.0, 4.0]);
    assert_eq!(sums, [Tensor::F32(expected.unwrap())]);

    fs::write(folder.path().join("weights.bin"), [0; 5]).unwrap();
    let error = load().unwrap_err();
    assert!(matches!(error, Error::Model { .. }), "{error:?}");

    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        // No runtime follows a link out of the model's folder.
        let elsewhere = tempdir().unwrap();
        let weights = elsewhere.path().join("weights.bin");
        fs::write(&weights, [0; 12]).unwrap();
        fs::remove_file(folder.path().join("weights.bin")).unwrap();
        std::os::unix::fs::symlink(&weights, folder.path().join("weights.bin")).unwrap();
        let runtimes: [&dyn Runtime; 3] = [&Ort::new(), &Tract::new(), &Candle::new()];
        for runtime in runtimes {
            let error = runtime.load(&model, &LoadOptions::default()).unwrap_err();
            let words = "leads out of the model's folder";
            assert!(error.to_string().contains(words), "{error}");
        }

        // A path that is not UTF-8 cannot be passed to ONNX Runtime, which would then read files of the current folder.
        let strange = folder.path().join(std::ffi::OsStr::from_bytes(b"nu\xff"));
        fs::create_dir(&strange).unwrap();
        fs::copy(&path, strange.join("model.onnx")).unwrap();
        fs::write(strange.join("weights.bin"), [0; 12]).unwrap();
        let strange = Model::open(strange.join("model.onnx")).unwrap();
        let error = Ort::new()
            .load(&strange, &LoadOptions::default())
            .unwrap_err();
        assert!(format!("{error:?}").contains("not UTF-8"), "{error:?}");
    }
}

/// An optimized graph is used again. A damaged entry is written again.
#[test]
fn optimized_graphs_are_kept() {
    if !is_available("optimized_graphs_are_kept") {
        return;
    }
    let folder = tempdir().unwrap();
    let cache = folder.path().join("made/when/needed");
    let ort = Ort::new().with_cache(&cache);
    let entries = || -> Vec<_> {
        let entries = fs::read_dir(&cache).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let expected = outputs(&*load(&Ort::new()));
    assert_close(&outputs(&*load(&ort)), &expected);
    let [entry] = &entries()[..] else {
        panic!("{:?}", entries());
    };
    let whole = fs::read(entry).unwrap();
    let written = || fs::metadata(entry).unwrap().modified().unwrap();
    let first = written();
    assert_close(&outputs(&*load(&ort)), &expected);
    assert_eq!(written(), first, "the entry was written again");

    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for damaged in [
        &[][..],
        &whole[..20],
        &whole[..whole.len() - 1],
        &changed,
        &[0; 99],
    ] {
        fs::write(entry, damaged).unwrap();
        assert_close(&outputs(&*load(&ort)), &expected);
        assert_eq!(fs::read(entry).unwrap().len(), whole.len());
        assert_ne!(fs::read(entry).unwrap(), damaged);
    }

    // Other options need another graph.
    load(&ort.clone().with_optimization(Optimization::Basic));
    assert_eq!(entries().len(), 2);

    // A cache that cannot be written is not an error.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_close(&outputs(&*load(&Ort::new().with_cache(&file))), &expected);
}

fn load(ort: &Ort) -> Box<dyn Network> {
    ort.load(&graph("any_size"), &LoadOptions::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn outputs(network: &dyn Network) -> Vec<Tensor> {
    let image = ArrayD::from_shape_fn(vec![2, 3, 16, 12], |index| {
        (index[2] * 7 % 5) as f32 - index[3] as f32
    });
    network
        .run(&[image.view().into()])
        .unwrap_or_else(|error| panic!("{error}"))
}

fn assert_close(found: &[Tensor], expected: &[Tensor]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let (found, expected) = (found.as_f32().unwrap(), expected.as_f32().unwrap());
        assert_eq!(found.shape(), expected.shape());
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() <= 1e-4 * b.abs().max(1.0))
        );
    }
}

fn graph(name: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("graphs/behaviors");
    Model::open(folder.join(format!("{name}.onnx"))).unwrap()
}

fn model(
    node: NodeProto,
    input: ValueInfoProto,
    output: ValueInfoProto,
    initializer: Vec<TensorProto>,
) -> ModelProto {
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto {
            version: Some(13),
            ..OperatorSetIdProto::default()
        }],
        graph: Some(GraphProto {
            name: Some("test".to_owned()),
            node: vec![node],
            input: vec![input],
            output: vec![output],
            initializer,
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

/// A tensor of this shape. Negative sizes are free.
fn value(name: &str, element: DataType, shape: &[i64]) -> ValueInfoProto {
    let dim = shape.iter().map(|&size| Dimension {
        value: (size >= 0).then_some(DimensionValue::DimValue(size)),
        ..Dimension::default()
    });
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            value: Some(TypeValue::TensorType(TensorTypeProto {
                elem_type: Some(element as i32),
                shape: Some(TensorShapeProto { dim: dim.collect() }),
            })),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}
