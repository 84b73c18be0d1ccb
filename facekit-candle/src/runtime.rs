//! Loading models.

use std::fmt;

use candle_core::Device;
use facekit::{LoadOptions, Model, Network, Result, Runtime};

use crate::{error::NAME, network::CandleNetwork, target::Target};

/// Loads models into [candle](https://docs.rs/candle-core), on the CPU or on a GPU.
///
/// ```
/// use facekit::{LoadOptions, Model, Runtime};
/// use facekit_candle::Candle;
///
/// let candle = Candle::new();
/// assert_eq!(candle.to_string(), "candle");
///
/// let empty = Model::from_bytes("empty", []);
/// let error = candle.load(&empty, &LoadOptions::default()).unwrap_err();
/// assert_eq!(error.to_string(), "model empty: it holds no graph");
/// ```
#[derive(Clone, Debug)]
pub struct Candle {
    target: Target,
}

impl Candle {
    /// The runtime on the CPU.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Device::Cpu)
    }

    /// The runtime on `device`, which the caller creates. Creating it fails if the GPU is missing.
    ///
    /// ```
    /// use facekit_candle::{Candle, candle_core::Device};
    ///
    /// // `Device::new_cuda(0)?` with candle's feature `cuda`, `Device::new_metal(0)?` with `metal`.
    /// let candle = Candle::on(Device::Cpu);
    /// ```
    #[must_use]
    pub fn on(device: Device) -> Self {
        let own_kernels = device.is_cpu();
        Self {
            target: Target {
                device,
                own_kernels,
            },
        }
    }

    /// Computes with candle's own operators on the CPU too, as on every other device. This shows without a GPU what a GPU
    /// computes. It is many times slower and ignores [`LoadOptions::threads`](facekit::LoadOptions::threads).
    ///
    /// ```
    /// use facekit_candle::Candle;
    ///
    /// let slow = Candle::new().without_kernels();
    /// ```
    #[must_use]
    pub fn without_kernels(mut self) -> Self {
        self.target.own_kernels = false;
        self
    }
}

impl Default for Candle {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Candle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

impl Runtime for Candle {
    /// [`LoadOptions::threads`] is an upper bound. A run on the CPU uses one thread, the caller's.
    fn load(&self, model: &Model, _options: &LoadOptions) -> Result<Box<dyn Network>> {
        Ok(Box::new(CandleNetwork::load(model, &self.target)?))
    }
}
