//! The suite for every [`Runtime`].
//!
//! The folder `graphs/operators` holds tiny graphs and their expected results, which `graphs/generate.py` made. Every graph in
//! the folder is run; there is no list of them.

mod case;

use std::{
    fmt::Write as _,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
};

use facekit::{Dim, Element, Error, LoadOptions, Model, Network, Runtime, Tensor, TensorView};
use ndarray::{ArrayD, Axis};

use self::case::{Case, compare};
use crate::{data::data, error_text::error_text, tolerance::Tolerance};

/// Makes a module of tests, one for each property of a [`Runtime`].
///
/// The second argument is a function without arguments that returns the runtime. `unsupported` lists the operators that the
/// runtime lacks. Loading a graph that uses one of them must fail and name it; a listed operator that works fails the test. If
/// the runtime needs something that may be missing, `requires` is a function of type `fn() -> Result<(), String>`. If it
/// returns an error, the tests are skipped, and the error is reported as the reason.
///
/// ```
/// facekit_conformance::runtime_suite!(tract, facekit_tract::Tract::new, unsupported: []);
/// ```
#[macro_export]
macro_rules! runtime_suite {
    (
        $name:ident, $runtime:expr
        $(, unsupported: [$($operator:literal),* $(,)?])?
        $(, requires: $requires:expr)?
        $(,)?
    ) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            const UNSUPPORTED: &[&str] = &[$($($operator),*)?];

            fn is_available(test: &str) -> bool {
                let _ = test;
                $(if let Err(reason) = ($requires)() {
                    $crate::skip(&format!("{}::{test}", module_path!()), &reason);
                    return false;
                })?
                true
            }

            #[test]
            fn graphs() {
                if is_available("graphs") {
                    $crate::runtime::graphs(&($runtime)(), UNSUPPORTED);
                }
            }

            $crate::runtime_suite!(@tests $runtime;
                name, sizes_vary, one_network_serves_many_threads, runs_repeat, inputs_are_checked,
                layouts_do_not_matter, element_types, outputs_come_in_order, sizes_that_do_not_fit,
                values_that_do_not_fit,
                damaged_models, unknown_operators,
            );

            $crate::runtime_suite!(@with_data $runtime; models, batches);
        }
    };
    (@tests $runtime:expr; $($test:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                if is_available(stringify!($test)) {
                    $crate::runtime::$test(&($runtime)());
                }
            }
        )*
    };
    (@with_data $runtime:expr; $($test:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                if is_available(stringify!($test)) {
                    let test = concat!(module_path!(), "::", stringify!($test));
                    $crate::runtime::$test(&($runtime)(), test);
                }
            }
        )*
    };
}

/// `Display` writes a short name: ASCII letters, digits and hyphens.
///
/// # Panics
///
/// If it does not.
pub fn name(runtime: &dyn Runtime) {
    let name = runtime.to_string();
    assert!(
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
        "{name:?} is not a short name"
    );
}

/// Every graph in `graphs/operators` computes the expected results. Graphs that use an operator in `unsupported` are refused
/// with an [`Error::Model`] that names the operator.
///
/// # Panics
///
/// If one does not. The message lists all of them.
pub fn graphs(runtime: &dyn Runtime, unsupported: &[&str]) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder("operators"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "onnx")
        })
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no graphs were found");
    let mut failures = String::new();
    for path in &paths {
        let model = Model::open(path).unwrap();
        let lacking = unsupported
            .iter()
            .find(|operator| uses(model.bytes(), operator));
        let outcome = catch_unwind(AssertUnwindSafe(|| match lacking {
            Some(operator) => check_refused(runtime, &model, operator),
            None => check_results(runtime, &model, path),
        }));
        if let Err(problem) = outcome.unwrap_or_else(|_| Err("panicked".to_owned())) {
            writeln!(failures, "  {}: {problem}", model.name()).unwrap();
        }
    }
    assert!(failures.is_empty(), "{runtime} fails on:\n{failures}");
}

/// One network accepts several sizes in any order. The batch varies like any other dimension.
///
/// # Panics
///
/// If it does not.
pub fn sizes_vary(runtime: &dyn Runtime) {
    let (network, case) = behavior(runtime, "any_size");
    assert_eq!(
        network.signature().inputs[0].shape,
        [Dim::Any, Dim::Fixed(3), Dim::Any, Dim::Any]
    );
    for _ in 0..2 {
        for run in &case.runs {
            run.check(&*network, case.tolerance).unwrap();
        }
    }
}

/// Eight threads share a network. Each runs the sizes in another order, and all get equal results.
///
/// # Panics
///
/// If they do not.
pub fn one_network_serves_many_threads(runtime: &dyn Runtime) {
    let (network, case) = behavior(runtime, "any_size");
    let network = &*network;
    let runs = &case.runs;
    let results: Vec<Vec<Vec<Tensor>>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn(move || {
                    let mut results = vec![Vec::new(); runs.len()];
                    for step in 0..4 * runs.len() {
                        let index = (step + number) % runs.len();
                        results[index] = network.run(&runs[index].views()).unwrap();
                    }
                    results
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for result in &results {
        assert_eq!(result, &results[0], "threads got different results");
    }
    for (run, outputs) in runs.iter().zip(&results[0]) {
        run.compare(outputs, case.tolerance).unwrap();
    }
}

/// Equal inputs give results that are equal bit for bit, in each run and after each load.
///
/// # Panics
///
/// If they do not.
pub fn runs_repeat(runtime: &dyn Runtime) {
    let (network, case) = behavior(runtime, "any_size");
    let (again, _) = behavior(runtime, "any_size");
    let inputs = case.runs[0].views();
    let first = network.run(&inputs).unwrap();
    for _ in 0..5 {
        assert_eq!(network.run(&inputs).unwrap(), first);
    }
    assert_eq!(again.run(&inputs).unwrap(), first, "loaded again");
}

/// Inputs whose number, rank, type or fixed size is not that of the signature, and inputs with an empty dimension, are an
/// [`Error::Tensor`] that names the model and the input.
///
/// # Panics
///
/// If they are not.
pub fn inputs_are_checked(runtime: &dyn Runtime) {
    let (network, case) = behavior(runtime, "any_size");
    let assert_refused =
        |reason: &str, inputs: &[TensorView<'_>], name: &str| match network.run(inputs) {
            Err(Error::Tensor { model, port, .. }) => {
                assert_eq!(model, "any_size", "{reason}");
                assert!(
                    port.contains(name),
                    "{reason}: {port:?} does not name {name:?}"
                );
            }
            other => panic!("{reason}: expected Error::Tensor, found {other:?}"),
        };
    let floats = |shape: &[usize]| ArrayD::<f32>::zeros(shape);
    let valid = floats(&[1, 3, 8, 8]);
    assert_refused("no input", &[], "inputs");
    assert_refused(
        "two inputs",
        &[valid.view().into(), valid.view().into()],
        "inputs",
    );
    assert_refused("rank", &[floats(&[3, 8, 8]).view().into()], "image");
    assert_refused("channels", &[floats(&[1, 4, 8, 8]).view().into()], "image");
    assert_refused("empty", &[floats(&[1, 3, 0, 8]).view().into()], "image");
    let bytes = ArrayD::<u8>::zeros(vec![1, 3, 8, 8]);
    assert_refused("type", &[bytes.view().into()], "image");
    case.runs[0].check(&*network, case.tolerance).unwrap();
}

/// Results do not depend on the order of an input's elements in memory.
///
/// # Panics
///
/// If it is not.
pub fn layouts_do_not_matter(runtime: &dyn Runtime) {
    let (network, case) = behavior(runtime, "any_size");
    let run = &case.runs[1];
    let Tensor::F32(image) = &run.inputs[0] else {
        panic!("the graph takes f32");
    };
    // The same values stored with channels last, and with reversed rows.
    let channels_last = image
        .view()
        .permuted_axes(vec![0, 2, 3, 1])
        .as_standard_layout()
        .into_owned();
    let view = channels_last.view().permuted_axes(vec![0, 3, 1, 2]);
    assert!(!view.is_standard_layout());
    run.compare(&network.run(&[view.into()]).unwrap(), case.tolerance)
        .unwrap();

    let mut reversed = image.clone();
    reversed.invert_axis(Axis(3));
    let mut reversed = reversed.as_standard_layout().into_owned();
    reversed.invert_axis(Axis(3));
    let outputs = network.run(&[reversed.view().into()]).unwrap();
    run.compare(&outputs, case.tolerance).unwrap();
}

/// Inputs and outputs of every [`Element`] type keep type, shape and values, and the signature states them.
///
/// # Panics
///
/// If they do not.
pub fn element_types(runtime: &dyn Runtime) {
    let (network, case) = behavior(runtime, "typed");
    let signature = network.signature();
    for ports in [&signature.inputs, &signature.outputs] {
        let elements: Vec<Element> = ports.iter().map(|port| port.element).collect();
        assert_eq!(elements, [Element::F32, Element::I64, Element::U8]);
    }
    let names: Vec<&str> = signature
        .inputs
        .iter()
        .map(|port| port.name.as_str())
        .collect();
    assert_eq!(names, ["floats", "integers", "bytes"]);
    case.runs[0].check(&*network, case.tolerance).unwrap();
}

/// Inputs and outputs are in the order in which the graph declares them.
///
/// # Panics
///
/// If they do not.
pub fn outputs_come_in_order(runtime: &dyn Runtime) {
    let (network, case) = behavior(runtime, "ordered");
    let signature = network.signature();
    let names = |ports: &[facekit::Port]| -> Vec<String> {
        ports.iter().map(|port| port.name.clone()).collect()
    };
    assert_eq!(names(&signature.inputs), ["second", "first"]);
    assert_eq!(names(&signature.outputs), ["c", "a", "b"]);
    case.runs[0].check(&*network, case.tolerance).unwrap();
}

/// A size that the signature allows but the model cannot compute is an error. The network still works afterwards.
///
/// # Panics
///
/// If it is not.
pub fn sizes_that_do_not_fit(runtime: &dyn Runtime) {
    let (network, case) = behavior(runtime, "any_size");
    for (height, width) in [(7, 8), (8, 7), (5, 5)] {
        let image = ArrayD::<f32>::zeros(vec![1, 3, height, width]);
        for _ in 0..2 {
            match network.run(&[image.view().into()]) {
                Err(Error::Runtime { model, .. } | Error::Tensor { model, .. }) => {
                    assert_eq!(model, "any_size");
                }
                other => panic!("{height}×{width}: expected an error, found {other:?}"),
            }
        }
    }
    case.runs[0].check(&*network, case.tolerance).unwrap();
}

/// A value that the model cannot compute with, here an index out of range, is an error. The network still works afterwards.
///
/// # Panics
///
/// If it is not.
pub fn values_that_do_not_fit(runtime: &dyn Runtime) {
    let (network, case) = behavior(runtime, "indexed");
    let table = &case.runs[0].inputs[0];
    for index in [4, -5, i64::MAX, i64::MIN] {
        let indices = ArrayD::from_elem(vec![3], index);
        match network.run(&[table.view(), indices.view().into()]) {
            Err(Error::Runtime { model, .. }) => assert_eq!(model, "indexed"),
            other => panic!("index {index} of 4: expected Error::Runtime, found {other:?}"),
        }
    }
    case.runs[0].check(&*network, case.tolerance).unwrap();
}

/// Files that are empty, of another format, cut short, or have one byte changed are an [`Error::Model`], or a network that
/// works or returns an error. None of them causes a panic.
///
/// # Panics
///
/// If loading or running panics, or fails with another error.
pub fn damaged_models(runtime: &dyn Runtime) {
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("zeros", vec![0; 4096]),
        (
            "text",
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
        ),
        ("jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01".to_vec()),
    ] {
        match load(runtime, &Model::from_bytes(name, bytes)) {
            Err(Error::Model { model, .. }) => assert_eq!(model, name),
            other => panic!("{name}: expected Error::Model, found {other:?}"),
        }
    }
    for name in ["any_size", "ordered"] {
        let path = folder("behaviors").join(format!("{name}.onnx"));
        let whole = fs::read(&path).unwrap();
        let case = Case::of_graph(&path);
        for length in (0..whole.len()).step_by(16) {
            check_survives(
                runtime,
                &case,
                &format!("{name} cut at byte {length}"),
                whole[..length].to_vec(),
            );
        }
        for index in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[index] ^= 1 << (index % 8);
            check_survives(
                runtime,
                &case,
                &format!("{name} with byte {index} changed"),
                bytes,
            );
        }
    }
}

/// An operator that ONNX does not have, and an operator with an ONNX name in another domain, are an [`Error::Model`] that names
/// it, with fixed and with varying sizes.
///
/// # Panics
///
/// If they are not.
pub fn unknown_operators(runtime: &dyn Runtime) {
    for (name, operator) in [
        ("unknown_operator", "Frobnicate"),
        ("unknown_operator_any_size", "Frobnicate"),
        ("unknown_domain", "Relu"),
        ("unknown_domain_any_size", "Relu"),
    ] {
        let model = Model::open(folder("behaviors").join(format!("{name}.onnx"))).unwrap();
        check_refused(runtime, &model, operator)
            .unwrap_or_else(|problem| panic!("{name}: {problem}"));
    }
}

/// The models of facekit's registry load, and give the right number of finite outputs at their sizes. Needs
/// [`data`](crate::data).
///
/// # Panics
///
/// If they do not.
pub fn models(runtime: &dyn Runtime, test: &str) {
    /// File, input shapes, outputs.
    const MODELS: [(&str, &[[usize; 4]], usize); 7] = [
        ("face_detection_yunet_2023mar", &[[1, 3, 640, 640]], 12),
        ("minifasnet_v1se", &[[1, 3, 80, 80]], 1),
        ("minifasnet_v2", &[[1, 3, 80, 80]], 1),
        ("mobilefacenet", &[[1, 3, 112, 112]], 1),
        ("scrfd_500m_kps", &[[1, 3, 320, 320], [1, 3, 160, 224]], 9),
        ("yunet_n_dynamic", &[[1, 3, 320, 320], [2, 3, 96, 64]], 12),
        ("yunet_s_dynamic", &[[1, 3, 320, 320], [2, 3, 96, 64]], 12),
    ];
    let files = MODELS.map(|(name, ..)| format!("models/{name}.onnx"));
    let Some(data) = data(test, &files.each_ref().map(String::as_str)) else {
        return;
    };
    for ((name, shapes, count), file) in MODELS.iter().zip(&files) {
        let model = Model::open(data.join(file)).unwrap();
        let network =
            load(runtime, &model).unwrap_or_else(|error| panic!("{name}: {}", error_text(&error)));
        for shape in *shapes {
            let input = noise(shape);
            let outputs = network
                .run(&[input.view().into()])
                .unwrap_or_else(|error| panic!("{name}, {shape:?}: {}", error_text(&error)));
            assert_eq!(outputs.len(), *count, "{name}");
            for (port, output) in network.signature().outputs.iter().zip(&outputs) {
                let values = output.as_f32().unwrap();
                assert!(
                    !values.is_empty() && values.iter().all(|value| value.is_finite()),
                    "{name}, {shape:?}, {}: not all values are finite",
                    port.name
                );
            }
        }
    }
}

/// Real models give each image of a batch the same results as alone, in batches of 1, 3 and 16, if the signature allows any
/// batch. Needs [`data`](crate::data).
///
/// # Panics
///
/// If one does not.
pub fn batches(runtime: &dyn Runtime, test: &str) {
    const MODELS: [(&str, usize, usize); 4] = [
        ("minifasnet_v1se", 80, 80),
        ("minifasnet_v2", 80, 80),
        ("mobilefacenet", 112, 112),
        ("yunet_n_dynamic", 96, 64),
    ];
    let files = MODELS.map(|(name, ..)| format!("models/{name}.onnx"));
    let Some(data) = data(test, &files.each_ref().map(String::as_str)) else {
        return;
    };
    for ((name, height, width), file) in MODELS.iter().zip(&files) {
        let network = load(runtime, &Model::open(data.join(file)).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {}", error_text(&error)));
        let batch = network.signature().inputs[0].shape[0];
        let run = |images: &ArrayD<f32>| {
            network
                .run(&[images.view().into()])
                .unwrap_or_else(|error| panic!("{name}: {}", error_text(&error)))
        };
        let images = noise(&[16, 3, *height, *width]);
        let single: Vec<Vec<Tensor>> = images
            .axis_chunks_iter(Axis(0), 1)
            .map(|image| run(&image.to_owned()))
            .collect();
        for size in [1, 3, 16] {
            if !batch.accepts(size) {
                continue;
            }
            let outputs = run(&images.slice_axis(Axis(0), (..size).into()).to_owned());
            for (index, output) in outputs.iter().enumerate() {
                let output = output.as_f32().unwrap();
                assert_eq!(output.shape()[0], size, "{name}, output {index}");
                for (number, found) in output.axis_chunks_iter(Axis(0), 1).enumerate() {
                    let expected = &single[number][index];
                    compare(&found.to_owned().into(), expected, Tolerance::Batched).unwrap_or_else(
                        |problem| {
                            panic!("{name}, image {number} of {size}, output {index}: {problem}")
                        },
                    );
                }
            }
        }
    }
}

/// Pseudo-random whole numbers from 0 to 255, the same on every machine.
fn noise(shape: &[usize]) -> ArrayD<f32> {
    let mut state = 1_u32;
    ArrayD::from_shape_simple_fn(shape.to_vec(), || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as f32
    })
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("graphs")
        .join(name)
}

fn load(runtime: &dyn Runtime, model: &Model) -> facekit::Result<Box<dyn Network>> {
    runtime.load(model, &LoadOptions::default())
}

fn behavior(runtime: &dyn Runtime, name: &str) -> (Box<dyn Network>, Case) {
    let path = folder("behaviors").join(format!("{name}.onnx"));
    let network = load(runtime, &Model::open(&path).unwrap())
        .unwrap_or_else(|error| panic!("{name}: {}", error_text(&error)));
    (network, Case::of_graph(&path))
}

fn check_results(runtime: &dyn Runtime, model: &Model, path: &Path) -> Result<(), String> {
    let network = load(runtime, model).map_err(|error| error_text(&error))?;
    let case = Case::of_graph(path);
    for (number, run) in case.runs.iter().enumerate() {
        run.check(&*network, case.tolerance)
            .map_err(|problem| format!("run {number}: {problem}"))?;
    }
    Ok(())
}

fn check_refused(runtime: &dyn Runtime, model: &Model, operator: &str) -> Result<(), String> {
    match load(runtime, model) {
        Err(error @ Error::Model { .. }) => {
            let text = error_text(&error);
            if text.contains(operator) {
                Ok(())
            } else {
                Err(format!("the error does not name {operator}: {text}"))
            }
        }
        Err(error) => Err(format!(
            "expected Error::Model, found {}",
            error_text(&error)
        )),
        Ok(_) => Err(format!("it loads, but {operator} must be refused")),
    }
}

/// Loads and runs a damaged model. Errors are allowed, panics are not.
fn check_survives(runtime: &dyn Runtime, case: &Case, name: &str, bytes: Vec<u8>) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        match load(runtime, &Model::from_bytes(name, bytes)) {
            Err(Error::Model { model, .. }) => assert_eq!(model, name),
            Err(error) => panic!(
                "{name}: expected Error::Model, found {}",
                error_text(&error)
            ),
            Ok(network) => match network.run(&case.runs[0].views()) {
                Ok(_) | Err(Error::Runtime { .. } | Error::Tensor { .. }) => {}
                Err(error) => panic!("{name}: running gave {}", error_text(&error)),
            },
        }
    }));
    assert!(outcome.is_ok(), "{name}: panicked");
}

/// True if a serialized graph has a node with this operator: it searches for the bytes of the string field.
fn uses(bytes: &[u8], operator: &str) -> bool {
    let mut field = vec![0x22, operator.len() as u8];
    field.extend_from_slice(operator.as_bytes());
    bytes.windows(field.len()).any(|window| window == field)
}
