//! The plans of a network, one for each set of input shapes.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use facekit::TensorView;

/// Keeps the plans that were used last.
///
/// The lock over all plans is held to find one, never to make one: a plan is made under its own lock, so
/// those who need the same one wait and nobody else does.
pub(crate) struct Plans<P> {
    capacity: NonZeroUsize,
    /// The plan used last stands last.
    slots: Mutex<Vec<Arc<Slot<P>>>>,
}

struct Slot<P> {
    shapes: Vec<Vec<usize>>,
    plan: Mutex<Option<P>>,
}

impl<P: Clone> Plans<P> {
    pub(crate) fn new(capacity: NonZeroUsize) -> Self {
        Self {
            capacity,
            slots: Mutex::new(Vec::new()),
        }
    }

    /// The plan for the shapes of `inputs`: the one that is kept, or else what `make` gives.
    pub(crate) fn get<E>(
        &self,
        inputs: &[TensorView<'_>],
        make: impl FnOnce(&[Vec<usize>]) -> Result<P, E>,
    ) -> Result<P, E> {
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

    fn slot(&self, inputs: &[TensorView<'_>]) -> Arc<Slot<P>> {
        let mut slots = lock(&self.slots);
        let slot = match slots.iter().position(|slot| slot.takes(inputs)) {
            Some(at) => slots.remove(at),
            None => Arc::new(Slot {
                shapes: inputs.iter().map(|input| input.shape().to_vec()).collect(),
                plan: Mutex::new(None),
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

impl<P> Slot<P> {
    fn takes(&self, inputs: &[TensorView<'_>]) -> bool {
        self.shapes
            .iter()
            .map(Vec::as_slice)
            .eq(inputs.iter().map(TensorView::shape))
    }
}

impl<P> fmt::Debug for Plans<P> {
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

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
        time::Duration,
    };

    use ndarray::ArrayD;

    use super::*;

    fn plans(capacity: usize) -> Plans<usize> {
        Plans::new(NonZeroUsize::new(capacity).unwrap())
    }

    /// Asks for the plan of an image as wide as `width`; whether it had to be made.
    fn made(plans: &Plans<usize>, width: usize) -> bool {
        let image = ArrayD::<u8>::zeros(vec![width]);
        let mut made = false;
        let plan = plans.get(&[image.view().into()], |shapes| {
            made = true;
            Ok::<_, ()>(shapes[0][0])
        });
        assert_eq!(plan, Ok(width));
        made
    }

    #[test]
    fn the_plans_used_last_are_kept() {
        let plans = plans(2);
        assert!(made(&plans, 1));
        assert!(made(&plans, 2));
        assert!(!made(&plans, 1));
        assert!(made(&plans, 3), "pushes out 2");
        assert!(!made(&plans, 1));
        assert!(made(&plans, 2));
    }

    #[test]
    fn failures_push_nothing_out() {
        let plans = plans(2);
        assert!(made(&plans, 1));
        assert!(made(&plans, 2));
        for width in 3..9 {
            let image = ArrayD::<u8>::zeros(vec![width]);
            assert_eq!(plans.get(&[image.view().into()], |_| Err("no")), Err("no"));
        }
        assert!(!made(&plans, 1));
        assert!(!made(&plans, 2));
    }

    #[test]
    fn threads_that_need_one_plan_make_it_once() {
        let plans = plans(2);
        let count = AtomicUsize::new(0);
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let image = ArrayD::<u8>::zeros(vec![5]);
                    start.wait();
                    let plan = plans.get(&[image.view().into()], |_| {
                        thread::sleep(Duration::from_millis(20));
                        Ok::<_, ()>(count.fetch_add(1, Ordering::Relaxed))
                    });
                    assert_eq!(plan, Ok(0));
                });
            }
        });
        assert_eq!(count.into_inner(), 1);
    }

    #[test]
    fn making_a_plan_holds_up_no_other() {
        let plans = plans(2);
        assert!(made(&plans, 1));
        let image = ArrayD::<u8>::zeros(vec![2]);
        plans
            .get(&[image.view().into()], |_| {
                thread::scope(|scope| {
                    scope.spawn(|| assert!(!made(&plans, 1)));
                });
                Ok::<_, ()>(2)
            })
            .unwrap();
    }
}
