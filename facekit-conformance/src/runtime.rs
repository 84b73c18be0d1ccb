//! What every [`Runtime`] must do.
//!
//! `graphs/operators` holds tiny graphs and what they compute; `graphs/generate.py` made them. A file that is
//! added there is run without being listed anywhere.

use std::{
    error::Error as _,
    fmt::Write as _,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
};

use facekit::{Element, Error, LoadOptions, Model, Network, Runtime, Tensor, TensorView};
use ndarray::{ArrayD, Axis};
use serde::Deserialize;

/// Makes a module of tests, one for each property of a [`Runtime`].
///
/// The second argument is called without arguments and gives the runtime. Operators that the runtime lacks are
/// listed as a third; loading a graph that uses one must fail and name it, and a listed operator that works
/// fails the test. Where the runtime needs what may not be there, `requires` gives a function of type
/// `fn() -> Result<(), String>`, and the tests are skipped, visibly, with the reason that it gives.
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

            fn there(test: &str) -> bool {
                let _ = test;
                $(if let Err(reason) = ($requires)() {
                    $crate::skip(&format!("{}::{test}", module_path!()), &reason);
                    return false;
                })?
                true
            }

            #[test]
            fn graphs() {
                if there("graphs") {
                    $crate::runtime::graphs(&($runtime)(), UNSUPPORTED);
                }
            }

            $crate::runtime_suite!(@tests $runtime;
                name, sizes_vary, one_network_serves_many_threads, runs_repeat, inputs_are_checked,
                layouts_do_not_matter, element_types, outputs_come_in_order, sizes_that_do_not_fit,
                values_that_do_not_fit,
                damaged_models, unknown_operators,
            );

            $crate::runtime_suite!(@real $runtime; models, batches);
        }
    };
    (@tests $runtime:expr; $($test:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                if there(stringify!($test)) {
                    $crate::runtime::$test(&($runtime)());
                }
            }
        )*
    };
    (@real $runtime:expr; $($test:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                if there(stringify!($test)) {
                    let test = concat!(module_path!(), "::", stringify!($test));
                    $crate::runtime::$test(&($runtime)(), test);
                }
            }
        )*
    };
}

/// How near a runtime must come to the expected values.
///
/// Each allows `|found − expected| ≤ absolute + relative · |expected|`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerance {
    /// Equal: nothing is computed, only moved or computed in integers.
    Exact,
    /// 1e-6 and 1e-5: a few operations on each value, which may be approximated.
    Close,
    /// 1e-5 and 1e-4: sums of many products, in any order.
    Summed,
    /// 1e-3 and 1e-3: the same network over the same image, alone and in a batch, where sums are split otherwise.
    Batched,
}

impl Tolerance {
    /// Whether `found` is near enough to `expected`.
    ///
    /// ```
    /// use facekit_conformance::runtime::Tolerance;
    ///
    /// assert!(Tolerance::Close.allows(1.000_009, 1.0));
    /// assert!(!Tolerance::Exact.allows(1.000_009, 1.0));
    /// ```
    #[must_use]
    pub fn allows(self, found: f32, expected: f32) -> bool {
        let (absolute, relative) = match self {
            Self::Exact => (0.0, 0.0),
            Self::Close => (1e-6, 1e-5),
            Self::Summed => (1e-5, 1e-4),
            Self::Batched => (1e-3, 1e-3),
        };
        let difference = (f64::from(found) - f64::from(expected)).abs();
        difference <= absolute + relative * f64::from(expected).abs()
    }
}

/// `Display` gives a short name.
///
/// # Panics
///
/// If it does not.
pub fn name(runtime: &dyn Runtime) {
    let name = runtime.to_string();
    assert!(
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
        "{name:?} is no name for a command line"
    );
}

/// Every graph in `graphs/operators` computes what it should. Those that use an operator among `unsupported` are
/// refused with an [`Error::Model`] that names it.
///
/// # Panics
///
/// If one does not; the message lists all of them.
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
            Some(operator) => refused(runtime, &model, operator),
            None => computed(runtime, &model, path),
        }));
        if let Err(problem) = outcome.unwrap_or_else(|_| Err("panicked".to_owned())) {
            writeln!(failures, "  {}: {problem}", model.name()).unwrap();
        }
    }
    assert!(failures.is_empty(), "{runtime} fails on:\n{failures}");
}

/// One network takes several sizes, back and forth, and the batch varies like any other dimension.
///
/// # Panics
///
/// If it does not.
pub fn sizes_vary(runtime: &dyn Runtime) {
    let (network, case) = behaviour(runtime, "any_size");
    assert_eq!(
        network.signature().inputs[0].shape,
        [
            facekit::Dim::Any,
            facekit::Dim::Fixed(3),
            facekit::Dim::Any,
            facekit::Dim::Any
        ]
    );
    for _ in 0..2 {
        for run in &case.runs {
            run.check(&*network, case.tolerance).unwrap();
        }
    }
}

/// Eight threads share a network, each with the sizes in another order, and all get equal results.
///
/// # Panics
///
/// If they do not.
pub fn one_network_serves_many_threads(runtime: &dyn Runtime) {
    let (network, case) = behaviour(runtime, "any_size");
    let network = &*network;
    let runs = &case.runs;
    let results: Vec<Vec<Vec<Tensor>>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn(move || {
                    let mut results = vec![Vec::new(); runs.len()];
                    for step in 0..4 * runs.len() {
                        let at = (step + number) % runs.len();
                        results[at] = network.run(&runs[at].views()).unwrap();
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

/// Equal inputs give equal bits, run after run and load after load.
///
/// # Panics
///
/// If they do not.
pub fn runs_repeat(runtime: &dyn Runtime) {
    let (network, case) = behaviour(runtime, "any_size");
    let (again, _) = behaviour(runtime, "any_size");
    let inputs = case.runs[0].views();
    let first = network.run(&inputs).unwrap();
    for _ in 0..5 {
        assert_eq!(network.run(&inputs).unwrap(), first);
    }
    assert_eq!(again.run(&inputs).unwrap(), first, "loaded again");
}

/// Inputs of another number, rank, type or fixed size than the signature states, or with an empty dimension, are an
/// [`Error::Tensor`] that names the model and the input.
///
/// # Panics
///
/// If they are not.
pub fn inputs_are_checked(runtime: &dyn Runtime) {
    let (network, case) = behaviour(runtime, "any_size");
    let refuse = |what: &str, inputs: &[TensorView<'_>], named: &str| match network.run(inputs) {
        Err(Error::Tensor { model, port, .. }) => {
            assert_eq!(model, "any_size", "{what}");
            assert!(
                port.contains(named),
                "{what}: {port:?} does not name {named:?}"
            );
        }
        other => panic!("{what}: expected Error::Tensor, found {other:?}"),
    };
    let floats = |shape: &[usize]| ArrayD::<f32>::zeros(shape);
    let good = floats(&[1, 3, 8, 8]);
    refuse("no input", &[], "inputs");
    refuse(
        "two inputs",
        &[good.view().into(), good.view().into()],
        "inputs",
    );
    refuse("rank", &[floats(&[3, 8, 8]).view().into()], "image");
    refuse("channels", &[floats(&[1, 4, 8, 8]).view().into()], "image");
    refuse("empty", &[floats(&[1, 3, 0, 8]).view().into()], "image");
    let bytes = ArrayD::<u8>::zeros(vec![1, 3, 8, 8]);
    refuse("type", &[bytes.view().into()], "image");
    case.runs[0].check(&*network, case.tolerance).unwrap();
}

/// A view is taken as it is seen, whatever the order of its elements in memory.
///
/// # Panics
///
/// If it is not.
pub fn layouts_do_not_matter(runtime: &dyn Runtime) {
    let (network, case) = behaviour(runtime, "any_size");
    let run = &case.runs[1];
    let Tensor::F32(image) = &run.inputs[0] else {
        panic!("the graph takes f32");
    };
    // The same values stored with channels last, and stored backwards.
    let channels_last = image
        .view()
        .permuted_axes(vec![0, 2, 3, 1])
        .as_standard_layout()
        .into_owned();
    let seen = channels_last.view().permuted_axes(vec![0, 3, 1, 2]);
    assert!(!seen.is_standard_layout());
    run.compare(&network.run(&[seen.into()]).unwrap(), case.tolerance)
        .unwrap();

    let mut backwards = image.clone();
    backwards.invert_axis(Axis(3));
    let mut backwards = backwards.as_standard_layout().into_owned();
    backwards.invert_axis(Axis(3));
    let outputs = network.run(&[backwards.view().into()]).unwrap();
    run.compare(&outputs, case.tolerance).unwrap();
}

/// Inputs and outputs of every [`Element`] type keep type, shape and values, and the signature states them.
///
/// # Panics
///
/// If they do not.
pub fn element_types(runtime: &dyn Runtime) {
    let (network, case) = behaviour(runtime, "typed");
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

/// Inputs and outputs have the order in which the graph declares them.
///
/// # Panics
///
/// If they do not.
pub fn outputs_come_in_order(runtime: &dyn Runtime) {
    let (network, case) = behaviour(runtime, "ordered");
    let signature = network.signature();
    let names = |ports: &[facekit::Port]| -> Vec<String> {
        ports.iter().map(|port| port.name.clone()).collect()
    };
    assert_eq!(names(&signature.inputs), ["second", "first"]);
    assert_eq!(names(&signature.outputs), ["c", "a", "b"]);
    case.runs[0].check(&*network, case.tolerance).unwrap();
}

/// A size that the signature allows and the model cannot compute is an error, and the network goes on working.
///
/// # Panics
///
/// If it is not.
pub fn sizes_that_do_not_fit(runtime: &dyn Runtime) {
    let (network, case) = behaviour(runtime, "any_size");
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

/// A value that the model cannot compute with, here an index past the end, is an error, and the network goes on
/// working.
///
/// # Panics
///
/// If it is not.
pub fn values_that_do_not_fit(runtime: &dyn Runtime) {
    let (network, case) = behaviour(runtime, "indexed");
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

/// Empty, foreign and cut bytes, and bytes with one value changed, are an [`Error::Model`], or a network that still
/// works or fails with an error.
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
        let path = folder("behaviours").join(format!("{name}.onnx"));
        let whole = fs::read(&path).unwrap();
        let case = Case::beside(&path);
        for at in (0..whole.len()).step_by(16) {
            survives(
                runtime,
                &case,
                &format!("{name} cut at byte {at}"),
                whole[..at].to_vec(),
            );
        }
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            survives(
                runtime,
                &case,
                &format!("{name} with byte {at} changed"),
                bytes,
            );
        }
    }
}

/// An operator that no runtime has, and one with the name of an ONNX operator in a domain that is not ONNX's, are an
/// [`Error::Model`] that names it, whether sizes are fixed or not.
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
        let model = Model::open(folder("behaviours").join(format!("{name}.onnx"))).unwrap();
        refused(runtime, &model, operator).unwrap_or_else(|problem| panic!("{name}: {problem}"));
    }
}

/// The models that facekit knows load, and give finite outputs of the right number at their sizes. Needs
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
    let Some(data) = crate::data(test, &files.each_ref().map(String::as_str)) else {
        return;
    };
    for ((name, shapes, count), file) in MODELS.iter().zip(&files) {
        let model = Model::open(data.join(file)).unwrap();
        let network =
            load(runtime, &model).unwrap_or_else(|error| panic!("{name}: {}", chain(&error)));
        for shape in *shapes {
            let input = noise(shape);
            let outputs = network
                .run(&[input.view().into()])
                .unwrap_or_else(|error| panic!("{name}, {shape:?}: {}", chain(&error)));
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

/// Real models give each image of a batch what they give it alone, in batches of 1, 3 and 16, where the signature leaves
/// the size of the batch open.
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
    let Some(data) = crate::data(test, &files.each_ref().map(String::as_str)) else {
        return;
    };
    for ((name, height, width), file) in MODELS.iter().zip(&files) {
        let network = load(runtime, &Model::open(data.join(file)).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {}", chain(&error)));
        let batch = network.signature().inputs[0].shape[0];
        let run = |images: &ArrayD<f32>| {
            network
                .run(&[images.view().into()])
                .unwrap_or_else(|error| panic!("{name}: {}", chain(&error)))
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
            for (at, output) in outputs.iter().enumerate() {
                let output = output.as_f32().unwrap();
                assert_eq!(output.shape()[0], size, "{name}, output {at}");
                for (number, found) in output.axis_chunks_iter(Axis(0), 1).enumerate() {
                    let expected = &single[number][at];
                    compare(&found.to_owned().into(), expected, Tolerance::Batched).unwrap_or_else(
                        |problem| {
                            panic!("{name}, image {number} of {size}, output {at}: {problem}")
                        },
                    );
                }
            }
        }
    }
}

/// The same bytes as numbers on every machine.
fn noise(shape: &[usize]) -> ArrayD<f32> {
    let mut state = 1_u32;
    ArrayD::from_shape_simple_fn(shape.to_vec(), || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as f32
    })
}

/// The contents of a graph's `.json`.
#[derive(Deserialize)]
struct Case {
    tolerance: Tolerance,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    #[serde(deserialize_with = "tensors")]
    inputs: Vec<Tensor>,
    #[serde(deserialize_with = "tensors")]
    outputs: Vec<Tensor>,
}

impl Case {
    fn beside(graph: &Path) -> Self {
        let path = graph.with_extension("json");
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Run {
    fn views(&self) -> Vec<TensorView<'_>> {
        self.inputs.iter().map(Tensor::view).collect()
    }

    fn check(&self, network: &dyn Network, tolerance: Tolerance) -> Result<(), String> {
        let outputs = network.run(&self.views()).map_err(|error| chain(&error))?;
        self.compare(&outputs, tolerance)?;
        let ports = &network.signature().outputs;
        if ports.len() != outputs.len() {
            return Err(format!("{} outputs are declared", ports.len()));
        }
        for (port, output) in ports.iter().zip(&outputs) {
            let view = output.view();
            let stated = view.element() == port.element
                && view.shape().len() == port.shape.len()
                && view
                    .shape()
                    .iter()
                    .zip(&port.shape)
                    .all(|(&size, dim)| match dim {
                        facekit::Dim::Fixed(fixed) => *fixed == size,
                        facekit::Dim::Any => true,
                    });
            if !stated {
                return Err(format!(
                    "{port:?} gave {:?} {:?}",
                    view.element(),
                    view.shape()
                ));
            }
        }
        Ok(())
    }

    fn compare(&self, outputs: &[Tensor], tolerance: Tolerance) -> Result<(), String> {
        if outputs.len() != self.outputs.len() {
            return Err(format!(
                "{} outputs, expected {}",
                outputs.len(),
                self.outputs.len()
            ));
        }
        for (at, (found, expected)) in outputs.iter().zip(&self.outputs).enumerate() {
            compare(found, expected, tolerance)
                .map_err(|problem| format!("output {at}: {problem}"))?;
        }
        Ok(())
    }
}

fn compare(found: &Tensor, expected: &Tensor, tolerance: Tolerance) -> Result<(), String> {
    let (found_view, expected_view) = (found.view(), expected.view());
    if found.element() != expected.element() || found_view.shape() != expected_view.shape() {
        return Err(format!(
            "{} {:?}, expected {} {:?}",
            found.element(),
            found_view.shape(),
            expected.element(),
            expected_view.shape()
        ));
    }
    let (TensorView::F32(found_values), TensorView::F32(expected_values)) =
        (&found_view, &expected_view)
    else {
        return if found == expected {
            Ok(())
        } else {
            Err(format!("{found:?}, expected {expected:?}"))
        };
    };
    let shape = expected_values.shape();
    for (at, (&found, &expected)) in found_values.iter().zip(expected_values).enumerate() {
        if !tolerance.allows(found, expected) {
            return Err(format!(
                "value {at} of {shape:?} is {found}, expected {expected} within {tolerance:?}"
            ));
        }
    }
    Ok(())
}

fn tensors<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Tensor>, D::Error> {
    #[derive(Deserialize)]
    #[serde(tag = "element", rename_all = "snake_case")]
    enum Stored {
        F32 { shape: Vec<usize>, values: Vec<f32> },
        I64 { shape: Vec<usize>, values: Vec<i64> },
        U8 { shape: Vec<usize>, values: Vec<u8> },
    }
    Vec::<Stored>::deserialize(deserializer)?
        .into_iter()
        .map(|stored| {
            Ok(match stored {
                Stored::F32 { shape, values } => ArrayD::from_shape_vec(shape, values)?.into(),
                Stored::I64 { shape, values } => ArrayD::from_shape_vec(shape, values)?.into(),
                Stored::U8 { shape, values } => ArrayD::from_shape_vec(shape, values)?.into(),
            })
        })
        .collect::<Result<_, ndarray::ShapeError>>()
        .map_err(serde::de::Error::custom)
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("graphs")
        .join(name)
}

fn load(runtime: &dyn Runtime, model: &Model) -> facekit::Result<Box<dyn Network>> {
    runtime.load(model, &LoadOptions::default())
}

fn behaviour(runtime: &dyn Runtime, name: &str) -> (Box<dyn Network>, Case) {
    let path = folder("behaviours").join(format!("{name}.onnx"));
    let network = load(runtime, &Model::open(&path).unwrap())
        .unwrap_or_else(|error| panic!("{name}: {}", chain(&error)));
    (network, Case::beside(&path))
}

fn computed(runtime: &dyn Runtime, model: &Model, path: &Path) -> Result<(), String> {
    let network = load(runtime, model).map_err(|error| chain(&error))?;
    let case = Case::beside(path);
    for (at, run) in case.runs.iter().enumerate() {
        run.check(&*network, case.tolerance)
            .map_err(|problem| format!("run {at}: {problem}"))?;
    }
    Ok(())
}

fn refused(runtime: &dyn Runtime, model: &Model, operator: &str) -> Result<(), String> {
    match load(runtime, model) {
        Err(error @ Error::Model { .. }) => {
            let said = chain(&error);
            if said.contains(operator) {
                Ok(())
            } else {
                Err(format!("the error does not name {operator}: {said}"))
            }
        }
        Err(error) => Err(format!("expected Error::Model, found {}", chain(&error))),
        Ok(_) => Err(format!("loads, though {operator} is listed as unsupported")),
    }
}

fn survives(runtime: &dyn Runtime, case: &Case, name: &str, bytes: Vec<u8>) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        match load(runtime, &Model::from_bytes(name, bytes)) {
            Err(Error::Model { model, .. }) => assert_eq!(model, name),
            Err(error) => panic!("{name}: expected Error::Model, found {}", chain(&error)),
            Ok(network) => match network.run(&case.runs[0].views()) {
                Ok(_) | Err(Error::Runtime { .. } | Error::Tensor { .. }) => {}
                Err(error) => panic!("{name}: running gave {}", chain(&error)),
            },
        }
    }));
    assert!(outcome.is_ok(), "{name}: panicked");
}

/// Whether a serialised graph has a node of this operator: a string field of the right length.
fn uses(bytes: &[u8], operator: &str) -> bool {
    let mut field = vec![0x22, operator.len() as u8];
    field.extend_from_slice(operator.as_bytes());
    bytes.windows(field.len()).any(|window| window == field)
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        write!(text, ": {error}").unwrap();
        source = error.source();
    }
    text
}
