//! The device and the loops that a network computes with.

use candle_core::Device;

/// The device and the loops that a network computes with.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) device: Device,
    /// True if this crate's own loops compute convolutions, pools, products and functions of each value. They run on the CPU
    /// only; otherwise candle's operators compute everything.
    pub(crate) own_kernels: bool,
}
