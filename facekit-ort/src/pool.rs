//! Things that one thread at a time may use, made as they are needed.

use std::{
    num::NonZeroUsize,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Lends its members out. Who comes while all are lent waits.
pub(crate) struct Pool<T> {
    capacity: NonZeroUsize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    idle: Vec<T>,
    /// The idle, the lent, and those that are being made.
    members: usize,
}

impl<T> Pool<T> {
    /// A pool that has `first` and grows to `capacity` members.
    pub(crate) fn new(capacity: NonZeroUsize, first: T) -> Self {
        Self {
            capacity,
            state: Mutex::new(State {
                idle: vec![first],
                members: 1,
            }),
            changed: Condvar::new(),
        }
    }

    /// Works with a member: an idle one, or else what `make` gives, or else the next that comes back.
    pub(crate) fn with<R, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
        work: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut lent = self.lend();
        let member = match lent.member.take() {
            Some(member) => member,
            None => make()?,
        };
        work(lent.member.insert(member))
    }

    /// A member, or an empty place for one.
    fn lend(&self) -> Lent<'_, T> {
        let mut state = self.lock();
        loop {
            let member = state.idle.pop();
            if member.is_some() || state.members < self.capacity.get() {
                state.members += usize::from(member.is_none());
                return Lent { pool: self, member };
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many members there are.
    pub(crate) fn members(&self) -> usize {
        self.lock().members
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing is left half done under the lock, so one that a panic poisoned is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A member of a [`Pool`], which goes back when this is dropped; empty, it frees its place.
struct Lent<'a, T> {
    pool: &'a Pool<T>,
    member: Option<T>,
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.member.take() {
            Some(member) => state.idle.push(member),
            None => state.members -= 1,
        }
        drop(state);
        self.pool.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Duration,
    };

    use super::*;

    fn pool(capacity: usize) -> Pool<usize> {
        Pool::new(NonZeroUsize::new(capacity).unwrap(), 0)
    }

    #[test]
    fn grows_to_its_capacity_and_no_further() {
        let pool = pool(3);
        let made = AtomicUsize::new(1);
        let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let make = || Ok::<_, ()>(made.fetch_add(1, Ordering::SeqCst));
                    pool.with(make, |_| {
                        let now = working.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        thread::sleep(Duration::from_millis(20));
                        working.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 3);
        assert_eq!(most.load(Ordering::SeqCst), 3);
        assert_eq!(pool.members(), 3);
    }

    #[test]
    fn one_caller_uses_one_member() {
        let pool = pool(3);
        for _ in 0..5 {
            let member = pool.with(|| Err("made another"), |member| Ok(*member));
            assert_eq!(member, Ok(0));
        }
    }

    #[test]
    fn a_failure_to_make_one_leaves_the_place_free() {
        let pool = pool(2);
        pool.with(
            || Ok::<_, &str>(7),
            |_| {
                for _ in 0..3 {
                    assert_eq!(pool.with(|| Err("no"), |_| Ok(())), Err("no"));
                }
                let made = pool.with(|| Ok(1), |member| Ok(*member));
                assert_eq!(made, Ok::<_, &str>(1));
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(pool.members(), 2);
    }

    #[test]
    fn a_panic_gives_the_member_back() {
        let pool = pool(1);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.with(
                || Ok::<_, ()>(1),
                |_| -> Result<(), ()> { panic!("inside") },
            )
        }));
        assert!(panic.is_err());
        assert_eq!(
            pool.with(|| Err("made another"), |member| Ok(*member)),
            Ok(0)
        );
    }
}
