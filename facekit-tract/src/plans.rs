//! The plans of a network: one for each set of input shapes.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use facekit::TensorView;

/// Keeps the plans that were used last.
///
/// The lock of the list is held while a plan is searched, never while one is made. A plan is made under a lock of its own, so
/// only threads that need the same plan wait for it.
pub(crate) struct Plans<P> {
    capacity: NonZeroUsize,
    /// In the order of their last use.
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

    /// The plan for the shapes of `inputs`. If none is kept, `make` makes it.
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
                // Shapes that the model cannot compute must not displace a plan.
                lock(&self.slots).retain(|other| !Arc::ptr_eq(other, &slot));
                Err(error)
            }
        }
    }

    fn slot(&self, inputs: &[TensorView<'_>]) -> Arc<Slot<P>> {
        let mut slots = lock(&self.slots);
        let slot = match slots.iter().position(|slot| slot.fits(inputs)) {
            Some(index) => slots.remove(index),
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
    /// True if this is the plan for the shapes of `inputs`.
    fn fits(&self, inputs: &[TensorView<'_>]) -> bool {
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
    // No change under these locks can panic halfway, so the data is right even if a lock is poisoned.
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

    /// Gets the plan for an image of this width. Returns whether it had to be made.
    fn was_made(plans: &Plans<usize>, width: usize) -> bool {
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
        assert!(was_made(&plans, 1));
        assert!(was_made(&plans, 2));
        assert!(!was_made(&plans, 1));
        assert!(was_made(&plans, 3), "it displaces 2");
        assert!(!was_made(&plans, 1));
        assert!(was_made(&plans, 2));
    }

    #[test]
    fn failures_displace_no_plan() {
        let plans = plans(2);
        assert!(was_made(&plans, 1));
        assert!(was_made(&plans, 2));
        for width in 3..9 {
            let image = ArrayD::<u8>::zeros(vec![width]);
            assert_eq!(plans.get(&[image.view().into()], |_| Err("no")), Err("no"));
        }
        assert!(!was_made(&plans, 1));
        assert!(!was_made(&plans, 2));
    }

    #[test]
    fn threads_that_need_the_same_plan_make_it_once() {
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
    fn making_a_plan_does_not_delay_other_plans() {
        let plans = plans(2);
        assert!(was_made(&plans, 1));
        let image = ArrayD::<u8>::zeros(vec![2]);
        plans
            .get(&[image.view().into()], |_| {
                thread::scope(|scope| {
                    scope.spawn(|| assert!(!was_made(&plans, 1)));
                });
                Ok::<_, ()>(2)
            })
            .unwrap();
    }
}
