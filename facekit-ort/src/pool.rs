//! A pool of things that one thread at a time may use. They are made when they are needed.

use std::{
    num::NonZeroUsize,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Lends its members out. A caller waits while all members are lent.
pub(crate) struct Pool<T> {
    capacity: NonZeroUsize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    idle: Vec<T>,
    /// The number of members: idle, lent, and being made.
    members: usize,
}

impl<T> Pool<T> {
    /// A pool of one member, `first`, which grows to at most `capacity` members.
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

    /// Calls `work` with a member: an idle one; or a new one from `make`, if there are fewer than the capacity; or the next one
    /// that another caller returns.
    pub(crate) fn with<R, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
        work: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut borrowed = self.borrow_member();
        let member = match borrowed.member.take() {
            Some(member) => member,
            None => make()?,
        };
        work(borrowed.member.insert(member))
    }

    /// An idle member, or an empty place for a new one. Waits if there is neither.
    fn borrow_member(&self) -> BorrowedMember<'_, T> {
        let mut state = self.lock();
        loop {
            let member = state.idle.pop();
            if member.is_some() || state.members < self.capacity.get() {
                state.members += usize::from(member.is_none());
                return BorrowedMember { pool: self, member };
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The number of members.
    pub(crate) fn members(&self) -> usize {
        self.lock().members
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No change under the lock can panic halfway, so the state is right even if the lock is poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A member of a [`Pool`] that one caller uses. Dropping it returns the member, or frees the place if it is empty.
struct BorrowedMember<'a, T> {
    pool: &'a Pool<T>,
    member: Option<T>,
}

impl<T> Drop for BorrowedMember<'_, T> {
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
    fn the_pool_grows_to_its_capacity_and_no_further() {
        let pool = pool(3);
        let made = AtomicUsize::new(1);
        let (working, most_at_once) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let make = || Ok::<_, ()>(made.fetch_add(1, Ordering::SeqCst));
                    pool.with(make, |_| {
                        let now = working.fetch_add(1, Ordering::SeqCst) + 1;
                        most_at_once.fetch_max(now, Ordering::SeqCst);
                        thread::sleep(Duration::from_millis(20));
                        working.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 3);
        assert_eq!(most_at_once.load(Ordering::SeqCst), 3);
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
    fn a_failure_to_make_a_member_frees_the_place() {
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
    fn a_panic_returns_the_member() {
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
