//! The plans of a network, one for each set of input shapes.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use facekit::TensorView;
use tract_onnx::prelude::TypedRunnableModel;

/// A network made ready for one set of input shapes.
pub(crate) type Plan = Arc<TypedRunnableModel>;

/// Keeps the plans that were used last.
///
/// The lock over all plans is held to find one, never to make one: a plan is made under its own lock, so
/// those who need the same one wait and nobody else does.
pub(crate) struct Plans {
    capacity: NonZeroUsize,
    /// The plan used last stands last.
    slots: Mutex<Vec<Arc<Slot>>>,
}

struct Slot {
    shapes: Vec<Vec<usize>>,
    plan: Mutex<Option<Plan>>,
}

impl Plans {
    pub(crate) fn new(capacity: NonZeroUsize) -> Self {
        Self {
            capacity,
            slots: Mutex::default(),
        }
    }

    /// The plan for the shapes of `inputs`: the one that is kept, or else what `make` gives.
    pub(crate) fn get<E>(
        &self,
        inputs: &[TensorView<'_>],
        make: impl FnOnce(&[Vec<usize>]) -> Result<Plan, E>,
    ) -> Result<Plan, E> {
        let slot = self.slot(inputs);
        let mut plan = lock(&slot.plan);
        if let Some(plan) = &*plan {
            return Ok(plan.clone());
        }
        match make(&slot.shapes) {
            Ok(made) => {
                *plan = Some(made.clone());
                self.trim();
                Ok(made)
            }
            Err(error) => {
                // Shapes that the model cannot compute do not push out those that it can.
                lock(&self.slots).retain(|other| !Arc::ptr_eq(other, &slot));
                Err(error)
            }
        }
    }

    fn slot(&self, inputs: &[TensorView<'_>]) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        let slot = match slots.iter().position(|slot| slot.takes(inputs)) {
            Some(at) => slots.remove(at),
            None => Arc::new(Slot {
                shapes: inputs.iter().map(|input| input.shape().to_vec()).collect(),
                plan: Mutex::default(),
            }),
        };
        slots.push(slot.clone());
        slot
    }

    fn trim(&self) {
        let mut slots = lock(&self.slots);
        let excess = slots.len().saturating_sub(self.capacity.get());
        slots.drain(..excess);
    }
}

impl Slot {
    fn takes(&self, inputs: &[TensorView<'_>]) -> bool {
        self.shapes
            .iter()
            .map(Vec::as_slice)
            .eq(inputs.iter().map(TensorView::shape))
    }
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(lock(&self.slots).iter().map(|slot| &slot.shapes))
            .finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done under either lock, so one that a panic poisoned is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
