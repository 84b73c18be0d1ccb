//! Records the inputs of networks.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};

use facekit::{LoadOptions, Model, Network, Result, Runtime, Signature, Tensor, TensorView};
use ndarray::{ArrayD, Axis};

/// A runtime whose networks keep a copy of each image of their inputs.
#[derive(Debug)]
pub(super) struct Recorder {
    runtime: Arc<dyn Runtime>,
    seen: Arc<Mutex<Vec<ArrayD<f32>>>>,
}

impl Recorder {
    pub(super) fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            runtime,
            seen: Arc::default(),
        }
    }

    /// Takes the images that were recorded since the last call.
    pub(super) fn take(&self) -> Vec<ArrayD<f32>> {
        mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Display for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.runtime.fmt(f)
    }
}

impl Runtime for Recorder {
    fn load(&self, model: &Model, options: &LoadOptions) -> Result<Box<dyn Network>> {
        Ok(Box::new(Recorded {
            network: self.runtime.load(model, options)?,
            seen: Arc::clone(&self.seen),
        }))
    }
}

#[derive(Debug)]
struct Recorded {
    network: Box<dyn Network>,
    seen: Arc<Mutex<Vec<ArrayD<f32>>>>,
}

impl Network for Recorded {
    fn signature(&self) -> &Signature {
        self.network.signature()
    }

    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        if let [TensorView::F32(images)] = inputs {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let images = images.axis_iter(Axis(0));
            seen.extend(images.map(|image| image.insert_axis(Axis(0)).to_owned()));
        }
        self.network.run(inputs)
    }
}
