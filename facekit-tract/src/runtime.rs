//! Loading models.

use std::{fmt, num::NonZeroUsize};

use facekit::{LoadOptions, Model, Network, Result, Runtime};

use crate::{error::NAME, network::TractNetwork};

/// Loads models into [tract](https://docs.rs/tract-onnx), which is pure Rust and needs no library on the machine.
///
/// ```
/// use facekit::{LoadOptions, Model, Runtime};
/// use facekit_tract::Tract;
///
/// let tract = Tract::new();
/// assert_eq!(tract.to_string(), "tract");
///
/// let empty = Model::from_bytes("empty", []);
/// let error = tract.load(&empty, &LoadOptions::default()).unwrap_err();
/// assert_eq!(error.to_string(), "model empty: it holds no graph");
/// ```
#[derive(Clone, Debug)]
pub struct Tract {
    plans: NonZeroUsize,
}

impl Tract {
    /// The number of plans that a network keeps, unless [`with_plans`](Self::with_plans) sets another number.
    pub const DEFAULT_PLANS: NonZeroUsize = NonZeroUsize::new(8).unwrap();

    /// The runtime with its defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            plans: Self::DEFAULT_PLANS,
        }
    }

    /// Sets the number of plans that a network with inputs of varying size keeps. A plan is for one set of input shapes; those
    /// used last are kept. Each plan has its own copy of the weights that it rearranged.
    #[must_use]
    pub fn with_plans(mut self, plans: NonZeroUsize) -> Self {
        self.plans = plans;
        self
    }
}

impl Default for Tract {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Tract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

impl Runtime for Tract {
    /// [`LoadOptions::threads`] is an upper bound. A run uses one thread, the caller's.
    fn load(&self, model: &Model, _options: &LoadOptions) -> Result<Box<dyn Network>> {
        Ok(Box::new(TractNetwork::load(model, self.plans)?))
    }
}
