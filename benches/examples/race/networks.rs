//! Networks that record how long they run, and their inputs.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use facekit::{Dim, LoadOptions, Model, Network, Result, Runtime, Signature, Tensor, TensorView};
use ndarray::{ArrayD, Axis};

/// One run: the index of the network, in the order of loading, and its input, which is one item of a batch.
pub(crate) type Run = (usize, Input);

type Input = Arc<ArrayD<f32>>;

/// A runtime whose networks record their runs.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    runtime: Arc<dyn Runtime>,
    log: Arc<Log>,
}

#[derive(Debug, Default)]
struct Log {
    networks: Mutex<Vec<Arc<dyn Network>>>,
    nanoseconds: AtomicU64,
    recording: Mutex<Option<Recording>>,
}

/// The runs since the last call that took them, and some inputs of each network.
#[derive(Debug, Default)]
struct Recording {
    runs: Vec<Run>,
    /// By network and shape.
    inputs: BTreeMap<(usize, Vec<usize>), Vec<Input>>,
}

impl Recording {
    /// The number of inputs of one network and shape that are kept. Later runs use them in turn.
    const KEPT: usize = 16;

    fn add(&mut self, network: usize, batch: &TensorView<'_>) {
        let TensorView::F32(batch) = batch else {
            unreachable!("networks take pixels as f32")
        };
        for item in batch.axis_chunks_iter(Axis(0), 1) {
            let kept = self
                .inputs
                .entry((network, item.shape().to_vec()))
                .or_default();
            let input = if kept.len() < Self::KEPT {
                kept.push(Arc::new(item.to_owned()));
                &kept[kept.len() - 1]
            } else {
                &kept[self.runs.len() % Self::KEPT]
            };
            self.runs.push((network, Arc::clone(input)));
        }
    }
}

impl Watched {
    pub(crate) fn new(runtime: Box<dyn Runtime>) -> Self {
        Self {
            runtime: runtime.into(),
            log: Arc::default(),
        }
    }

    /// The time that networks ran since the last call, summed over all threads.
    pub(crate) fn milliseconds(&self) -> f64 {
        self.log.nanoseconds.swap(0, Ordering::Relaxed) as f64 / 1e6
    }

    /// Calls `work` for each photo and returns the runs of each call.
    pub(crate) fn record(
        &self,
        photos: usize,
        mut work: impl FnMut(usize) -> Result<()>,
    ) -> Result<Vec<Vec<Run>>> {
        *lock(&self.log.recording) = Some(Recording::default());
        let runs = (0..photos).map(|photo| {
            work(photo)?;
            let mut recording = lock(&self.log.recording);
            Ok(recording
                .as_mut()
                .map_or_else(Vec::new, |recording| std::mem::take(&mut recording.runs)))
        });
        let runs = runs.collect();
        *lock(&self.log.recording) = None;
        runs
    }

    /// Repeats these runs.
    pub(crate) fn replay(&self, runs: &[Run]) -> Result<()> {
        let networks = lock(&self.log.networks);
        for (network, input) in runs {
            networks[*network].run(&[input.view().into()])?;
        }
        Ok(())
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.runtime.fmt(f)
    }
}

impl Runtime for Watched {
    fn load(&self, model: &Model, options: &LoadOptions) -> Result<Box<dyn Network>> {
        let network: Arc<dyn Network> = self.runtime.load(model, options)?.into();
        let mut networks = lock(&self.log.networks);
        networks.push(Arc::clone(&network));
        Ok(Box::new(WatchedNetwork {
            network,
            number: networks.len() - 1,
            log: Arc::clone(&self.log),
        }))
    }
}

#[derive(Debug)]
struct WatchedNetwork {
    network: Arc<dyn Network>,
    number: usize,
    log: Arc<Log>,
}

impl Network for WatchedNetwork {
    fn signature(&self) -> &Signature {
        self.network.signature()
    }

    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        if let Some(recording) = &mut *lock(&self.log.recording) {
            recording.add(self.number, &inputs[0]);
        }
        let begun = Instant::now();
        let outputs = self.network.run(inputs);
        let spent = begun.elapsed().as_nanos() as u64;
        self.log.nanoseconds.fetch_add(spent, Ordering::Relaxed);
        outputs
    }
}

/// Runs a network on a batch of one. Free sizes are those of a photo of 640 × 480 pixels.
pub(crate) fn run_once(network: &dyn Network) -> Result<()> {
    let shape = &network.signature().inputs[0].shape;
    let sizes = [1, 3, 480, 640].into_iter().zip(shape);
    let sizes: Vec<usize> = sizes
        .map(|(size, dim)| match *dim {
            Dim::Fixed(size) => size,
            Dim::Any => size,
        })
        .collect();
    network.run(&[any_input(&sizes).view().into()])?;
    Ok(())
}

/// A tensor of arbitrary numbers from −1 to 1.
fn any_input(shape: &[usize]) -> ArrayD<f32> {
    let count = shape.iter().product();
    let values = (0..count).map(|i: usize| (i.wrapping_mul(7919) % 251) as f32 / 125.0 - 1.0);
    ArrayD::from_shape_vec(shape, values.collect()).expect("as many as the shape says")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
