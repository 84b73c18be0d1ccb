//! Networks that say how long they ran, and on what.

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

/// A network, by its place among those loaded, and what it ran on: a single item.
pub(crate) type Run = (usize, Ready);

/// A tensor that need not be made any more.
type Ready = Arc<ArrayD<f32>>;

/// A runtime whose networks are watched.
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

/// Runs since they were taken last, and a few of the tensors that each network ran on.
#[derive(Debug, Default)]
struct Recording {
    runs: Vec<Run>,
    tensors: BTreeMap<(usize, Vec<usize>), Vec<Ready>>,
}

impl Recording {
    /// As many tensors of a shape are kept, and used in turn.
    const KEPT: usize = 16;

    fn add(&mut self, network: usize, batch: &TensorView<'_>) {
        let TensorView::F32(batch) = batch else {
            unreachable!("networks take pixels as f32")
        };
        for item in batch.axis_chunks_iter(Axis(0), 1) {
            let kept = self
                .tensors
                .entry((network, item.shape().to_vec()))
                .or_default();
            let tensor = if kept.len() < Self::KEPT {
                kept.push(Arc::new(item.to_owned()));
                &kept[kept.len() - 1]
            } else {
                &kept[self.runs.len() % Self::KEPT]
            };
            self.runs.push((network, Arc::clone(tensor)));
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

    /// How long networks ran since the last time, on all threads together.
    pub(crate) fn milliseconds(&self) -> f64 {
        self.log.nanoseconds.swap(0, Ordering::Relaxed) as f64 / 1e6
    }

    /// What runs `work` makes, one after the other.
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

    /// Runs networks, and nothing else.
    pub(crate) fn replay(&self, runs: &[Run]) -> Result<()> {
        let networks = lock(&self.log.networks);
        for (network, tensor) in runs {
            networks[*network].run(&[tensor.view().into()])?;
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

/// Runs a network on the smallest input of its kind that a photo of 640 × 480 makes.
pub(crate) fn run_once(network: &dyn Network) -> Result<()> {
    let shape = &network.signature().inputs[0].shape;
    let sizes = [1, 3, 480, 640].into_iter().zip(shape);
    let sizes: Vec<usize> = sizes
        .map(|(size, dim)| match *dim {
            Dim::Fixed(size) => size,
            Dim::Any => size,
        })
        .collect();
    network.run(&[ready(&sizes).view().into()])?;
    Ok(())
}

/// A tensor of some numbers.
fn ready(shape: &[usize]) -> ArrayD<f32> {
    let count = shape.iter().product();
    let values = (0..count).map(|i: usize| (i.wrapping_mul(7919) % 251) as f32 / 125.0 - 1.0);
    ArrayD::from_shape_vec(shape, values.collect()).expect("as many as the shape says")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
