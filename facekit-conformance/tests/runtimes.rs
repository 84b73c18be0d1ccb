//! The suite for every runtime, and for pointers to one.

mod library;

use std::{fmt, sync::Arc};

use facekit::{Error, LoadOptions, Model, Network, Result, Runtime};
use facekit_candle::Candle;
use facekit_conformance::{photo_suite, runtime_suite};
use facekit_ort::Ort;
use facekit_tract::Tract;
use library::{cuda, on_cuda, onnxruntime};

runtime_suite!(tract, Tract::new);
photo_suite!(tract_photos, Tract::new);
runtime_suite!(tract_boxed, || -> Box<dyn Runtime> {
    Box::new(Tract::new())
});
runtime_suite!(tract_shared, || -> Arc<dyn Runtime> {
    Arc::new(Tract::new())
});
runtime_suite!(ort, Ort::new, requires: onnxruntime);
photo_suite!(ort_photos, Ort::new, requires: onnxruntime);
photo_suite!(ort_cuda_photos, on_cuda, requires: cuda);
runtime_suite!(candle, Candle::new);
photo_suite!(candle_photos, Candle::new);
// The code that runs on a GPU, on the CPU.
runtime_suite!(candle_without_kernels, || Candle::new().without_kernels());
runtime_suite!(lacking, || Lacking(Tract::new()), unsupported: ["ReduceL2"]);

/// A runtime without one operator. It shows that the suite checks operators that are declared as unsupported.
#[derive(Debug)]
struct Lacking(Tract);

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lacking")
    }
}

impl Runtime for Lacking {
    fn load(&self, model: &Model, options: &LoadOptions) -> Result<Box<dyn Network>> {
        let operator = "ReduceL2";
        if model
            .bytes()
            .windows(operator.len())
            .any(|window| window == operator.as_bytes())
        {
            return Err(Error::Model {
                model: model.name().to_owned(),
                reason: format!("operator {operator} is not supported"),
                source: None,
            });
        }
        self.0.load(model, options)
    }
}
