//! Graphs as ONNX Runtime computes them fastest.

use facekit_onnx::{
    proto::ModelProto,
    rewrite::{pad_channels, split_prelu, widen_halves},
};

/// Rewrites `proto` for the processor that this runs on; whether anything changed.
///
/// Only x86 is known to gain: it computes convolutions over blocks of channels, as many as a vector register holds.
pub(crate) fn for_processor(proto: &mut ModelProto) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        let block = if std::arch::is_x86_feature_detected!("avx512f") {
            16
        } else if std::arch::is_x86_feature_detected!("avx2") {
            8
        } else {
            return false;
        };
        // ONNX Runtime does this by itself; the others cannot see through a cast.
        widen_halves(proto);
        let padded = pad_channels(proto, block);
        let split = split_prelu(proto);
        padded + split > 0
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}
