//! The library and the devices that the tests of ONNX Runtime need.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::env;

use facekit::{Error, LoadOptions, Model, Runtime as _};
use facekit_ort::{Ort, Provider};

/// An error if the library is not on this machine. If `ORT_DYLIB_PATH` names a library, it must work.
pub(crate) fn onnxruntime() -> Result<(), String> {
    let named = env::var_os("ORT_DYLIB_PATH").is_some();
    match Ort::new().library() {
        Err(error) if named => panic!("{error}"),
        outcome => outcome.map(drop).map_err(|error| error.to_string()),
    }
}

/// ONNX Runtime on the first graphics processor.
pub(crate) fn on_cuda() -> Ort {
    Ort::new().with_provider(Provider::Cuda { device: 0 })
}

/// An error if ONNX Runtime cannot compute on a graphics processor.
pub(crate) fn cuda() -> Result<(), String> {
    onnxruntime()?;
    let graph = include_bytes!("../../graphs/operators/relu.onnx");
    let model = Model::from_bytes("relu", graph.as_slice());
    match on_cuda().load(&model, &LoadOptions::default()) {
        Ok(_) => Ok(()),
        Err(Error::DeviceUnavailable { .. }) => {
            Err("there is no NVIDIA GPU, or the library cannot use it".to_owned())
        }
        Err(error) => panic!("{error}"),
    }
}
