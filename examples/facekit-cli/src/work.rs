//! Many items on all cores, in order, without holding more than a few of them.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use anyhow::Result;
use facekit::CancellationToken;

/// Does `work` to every item on `threads` threads, and hands the results to `each` on the calling thread, in the order
/// of the items.
///
/// At most twice as many results as there are threads exist at a time. Where `each` fails or the token is cancelled,
/// work that has begun is finished and no more is begun.
pub(crate) fn ordered<I: Sync, T: Send>(
    items: &[I],
    threads: NonZeroUsize,
    token: &CancellationToken,
    work: impl Fn(&I) -> T + Sync,
    mut each: impl FnMut(usize, T) -> Result<()>,
) -> Result<()> {
    let threads = threads.get().min(items.len());
    let gate = Gate {
        state: Mutex::new(State {
            next: 0,
            delivered: 0,
            stopped: false,
        }),
        moved: Condvar::new(),
        items: items.len(),
        window: 2 * threads,
    };
    let (gate, work) = (&gate, &work);
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..threads {
            let send = send.clone();
            scope.spawn(move || {
                // Lets the others go, too, where `work` panics.
                let _stop = StopOnPanic(gate);
                while let Some(at) = gate.next() {
                    if token.is_cancelled() || send.send((at, work(&items[at]))).is_err() {
                        gate.stop();
                    }
                }
            });
        }
        drop(send);
        let _stop = StopOnPanic(gate);

        let mut early = BTreeMap::new();
        let mut due = 0;
        for (at, result) in receive {
            early.insert(at, result);
            while let Some(result) = early.remove(&due) {
                if let Err(error) = token
                    .check()
                    .map_err(Into::into)
                    .and_then(|()| each(due, result))
                {
                    gate.stop();
                    return Err(error);
                }
                due += 1;
                gate.deliver();
            }
        }
        Ok(token.check()?)
    })
}

/// Lets items through, one after the other, no further ahead of what was delivered than the window is wide.
struct Gate {
    state: Mutex<State>,
    moved: Condvar,
    items: usize,
    window: usize,
}

struct State {
    next: usize,
    delivered: usize,
    stopped: bool,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<usize> {
        let mut state = self.state();
        while !state.stopped
            && state.next < self.items
            && state.next >= state.delivered + self.window
        {
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped || state.next >= self.items {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    fn deliver(&self) {
        self.state().delivered += 1;
        self.moved.notify_all();
    }

    fn stop(&self) {
        self.state().stopped = true;
        self.moved.notify_all();
    }
}

struct StopOnPanic<'a>(&'a Gate);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use super::*;

    const THREADS: NonZeroUsize = NonZeroUsize::new(4).unwrap();

    #[test]
    fn order_holds_and_few_are_ahead() {
        let items: Vec<usize> = (0..200).collect();
        let (begun, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut seen = Vec::new();
        let work = |&item: &usize| {
            let ahead = begun.fetch_add(1, Ordering::SeqCst) + 1 - done.load(Ordering::SeqCst);
            assert!(ahead <= 8, "{ahead} at a time");
            thread::sleep(Duration::from_micros(((item * 7919) % 13) as u64 * 50));
            item * 2
        };
        let each = |at, result: usize| {
            done.fetch_add(1, Ordering::SeqCst);
            seen.push((at, result));
            Ok(())
        };
        ordered(&items, THREADS, &CancellationToken::new(), work, each).unwrap();
        assert_eq!(
            seen,
            items
                .iter()
                .map(|&item| (item, 2 * item))
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn an_error_ends_the_work() {
        let items: Vec<usize> = (0..1000).collect();
        let begun = AtomicUsize::new(0);
        let work = |_: &usize| begun.fetch_add(1, Ordering::SeqCst);
        let each = |at, _| match at {
            5 => anyhow::bail!("enough"),
            _ => Ok(()),
        };
        let error = ordered(&items, THREADS, &CancellationToken::new(), work, each).unwrap_err();
        assert_eq!(error.to_string(), "enough");
        assert!(begun.into_inner() < 20);
    }

    #[test]
    fn a_cancelled_token_ends_the_work() {
        let token = CancellationToken::new();
        let items = [(); 100];
        let each = |at, ()| {
            if at == 3 {
                token.cancel();
            }
            Ok(())
        };
        let error = ordered(&items, THREADS, &token, |()| (), each).unwrap_err();
        assert!(
            error
                .downcast_ref::<facekit::Error>()
                .unwrap()
                .is_cancelled()
        );
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_does_not_hang() {
        let items: Vec<usize> = (0..100).collect();
        let work = |&item: &usize| assert_ne!(item, 7);
        let _ = ordered(&items, THREADS, &CancellationToken::new(), work, |_, ()| {
            Ok(())
        });
    }

    #[test]
    fn nothing_is_no_work() {
        let items: [u8; 0] = [];
        ordered(
            &items,
            THREADS,
            &CancellationToken::new(),
            |_| (),
            |_, ()| Ok(()),
        )
        .unwrap();
    }
}
