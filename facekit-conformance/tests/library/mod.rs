//! What the tests of ONNX Runtime need.

use std::env;

use facekit_ort::Ort;

/// Whether the library is on this machine. Where `ORT_DYLIB_PATH` names one it has to work.
pub(crate) fn onnxruntime() -> Result<(), String> {
    let named = env::var_os("ORT_DYLIB_PATH").is_some();
    match Ort::new().library() {
        Err(error) if named => panic!("{error}"),
        outcome => outcome.map(drop).map_err(|error| error.to_string()),
    }
}
