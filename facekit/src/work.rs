//! Work on many items with several threads. Results come in the order of the items, and only a few items are held at a time.
//!
//! [`ordered`] is the whole loop for callers whose threads may block. [`OrderedQueue`] is the part below it, for callers with
//! a loop of their own.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    num::NonZeroUsize,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use crate::{error::Error, progress::CancellationToken};

/// The time after which a waiting caller of [`ordered`] looks at its token again.
const POLL: Duration = Duration::from_millis(50);

/// Calls `work` for every item on `threads` threads, and `each` for every result on the calling thread, in the order of the
/// items, with the position of the item from 0.
///
/// Items are taken from the iterator on the calling thread, when there is room: at most twice as many items as threads are
/// under way at a time. If `each` fails or the token is cancelled, work that has begun is finished and no more is begun.
///
/// ```
/// use std::num::NonZeroUsize;
/// use facekit::{CancellationToken, Error, work::ordered};
///
/// let mut squares = Vec::new();
/// let threads = NonZeroUsize::new(2).unwrap();
/// ordered(1..=5, threads, &CancellationToken::new(), |n| n * n, |position, square| {
///     squares.push((position, square));
///     Ok::<(), Error>(())
/// })?;
/// assert_eq!(squares, [(0, 1), (1, 4), (2, 9), (3, 16), (4, 25)]);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
///
/// The error of `each`, or [`Error::Cancelled`].
///
/// # Panics
///
/// If `work` panics.
pub fn ordered<I: Send, T: Send, E: From<Error>>(
    items: impl IntoIterator<Item = I>,
    threads: NonZeroUsize,
    token: &CancellationToken,
    work: impl Fn(I) -> T + Sync,
    mut each: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let mut items = items.into_iter();
    let threads = threads.get().min(items.size_hint().1.unwrap_or(usize::MAX));
    let window = 2 * threads;
    let queue = &OrderedQueue::new();
    let work = &work;
    thread::scope(|scope| {
        let _stop = StopOnDrop(queue);
        for _ in 0..threads {
            scope.spawn(move || queue.run(|item| (!token.is_cancelled()).then(|| work(item))));
        }
        let (mut taken, mut given) = (0, 0);
        loop {
            while taken - given < window {
                let Some(item) = items.next() else { break };
                queue.submit(taken as u64, item);
                taken += 1;
            }
            if given == taken {
                return Ok(token.check()?);
            }
            let result = loop {
                token.check()?;
                match queue.wait(given as u64, POLL) {
                    Wait::Done(result) => break result,
                    // `work` has panicked, and so will the end of this scope.
                    Wait::Stopped => return Ok(()),
                    Wait::NotYet => {}
                }
            };
            token.check()?;
            if let Some(result) = result {
                each(given, result)?;
            }
            given += 1;
        }
    })
}

/// Items on their way to threads, and results on their way back in the order of the caller's numbers.
///
/// The caller numbers the items, [`submit`](Self::submit)s them and [`wait`](Self::wait)s for the results. Threads of the
/// caller call [`run`](Self::run). The queue starts no thread and sets no limit to the items under way: the caller does.
///
/// ```
/// use std::{sync::Arc, thread, time::Duration};
/// use facekit::work::{OrderedQueue, Wait};
///
/// let queue = Arc::new(OrderedQueue::new());
/// let worker = thread::spawn({
///     let queue = Arc::clone(&queue);
///     move || queue.run(|name: &str| name.len())
/// });
/// queue.submit(0, "anna");
/// queue.submit(1, "bo");
/// assert!(matches!(queue.wait(1, Duration::from_secs(9)), Wait::Done(2)));
/// assert!(matches!(queue.wait(0, Duration::from_secs(9)), Wait::Done(4)));
/// queue.stop();
/// worker.join().unwrap();
/// ```
pub struct OrderedQueue<I, T> {
    state: Mutex<State<I, T>>,
    /// There is an item, or no more will be worked on.
    submitted: Condvar,
    /// There is a result, or none will come.
    finished: Condvar,
}

struct State<I, T> {
    waiting: VecDeque<(u64, I)>,
    finished: BTreeMap<u64, T>,
    stopped: bool,
}

/// The answer of [`OrderedQueue::wait`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait<T> {
    /// The result, which the queue does not hold any longer.
    Done(T),
    /// The time has passed without a result.
    NotYet,
    /// The queue was stopped.
    Stopped,
}

/// The items and results that a queue held when it was stopped, with their numbers.
#[derive(Debug)]
#[must_use = "dropped values may need a place where no lock is held"]
#[non_exhaustive]
pub struct Leftover<I, T> {
    /// Items that nobody worked on.
    pub items: VecDeque<(u64, I)>,
    /// Results that nobody waited for.
    pub results: BTreeMap<u64, T>,
}

impl<I, T> OrderedQueue<I, T> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                finished: BTreeMap::new(),
                stopped: false,
            }),
            submitted: Condvar::new(),
            finished: Condvar::new(),
        }
    }

    /// Hands an item to the threads. A stopped queue drops it.
    pub fn submit(&self, number: u64, item: I) {
        let mut state = self.state();
        if state.stopped {
            drop(state);
            return;
        }
        state.waiting.push_back((number, item));
        drop(state);
        self.submitted.notify_one();
    }

    /// Works on items, in the order in which they were submitted, until the queue is stopped. The result of work that was
    /// under way when the queue was stopped is kept for the next [`stop`](Self::stop).
    ///
    /// # Panics
    ///
    /// If `work` panics; the queue is then stopped.
    pub fn run(&self, mut work: impl FnMut(I) -> T) {
        let stop = StopOnDrop(self);
        loop {
            let state = self.state();
            let mut state = self
                .submitted
                .wait_while(state, |state| !state.stopped && state.waiting.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            if state.stopped {
                break;
            }
            let Some((number, item)) = state.waiting.pop_front() else {
                continue;
            };
            drop(state);
            let result = work(item);
            self.state().finished.insert(number, result);
            self.finished.notify_all();
        }
        // The queue is stopped already, and its values belong to the caller of `stop`.
        std::mem::forget(stop);
    }

    /// Waits for a result, at most this long.
    pub fn wait(&self, number: u64, at_most: Duration) -> Wait<T> {
        let (mut state, _) = self
            .finished
            .wait_timeout_while(self.state(), at_most, |state| {
                !state.stopped && !state.finished.contains_key(&number)
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return Wait::Stopped;
        }
        match state.finished.remove(&number) {
            Some(result) => Wait::Done(result),
            None => Wait::NotYet,
        }
    }

    /// Returns true if [`wait`](Self::wait) would return at once.
    #[must_use]
    pub fn is_ready(&self, number: u64) -> bool {
        let state = self.state();
        state.stopped || state.finished.contains_key(&number)
    }

    /// Returns true if [`stop`](Self::stop) was called.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Ends all waiting: no more work is begun. Returns the values that the queue holds, so that the caller drops them where
    /// it holds no lock.
    pub fn stop(&self) -> Leftover<I, T> {
        let mut state = self.state();
        state.stopped = true;
        let left = Leftover {
            items: std::mem::take(&mut state.waiting),
            results: std::mem::take(&mut state.finished),
        };
        drop(state);
        self.submitted.notify_all();
        self.finished.notify_all();
        left
    }

    fn state(&self) -> MutexGuard<'_, State<I, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I, T> Default for OrderedQueue<I, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I, T> fmt::Debug for OrderedQueue<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("OrderedQueue")
            .field("waiting", &state.waiting.len())
            .field("finished", &state.finished.len())
            .field("stopped", &state.stopped)
            .finish()
    }
}

/// Lets the other threads go when a thread panics, and when the caller is done.
struct StopOnDrop<'a, I, T>(&'a OrderedQueue<I, T>);

impl<I, T> Drop for StopOnDrop<'_, I, T> {
    fn drop(&mut self) {
        drop(self.0.stop());
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
    fn results_come_in_order_and_few_are_under_way() {
        let (begun, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut seen = Vec::new();
        let work = |item: usize| {
            let ahead = begun.fetch_add(1, Ordering::SeqCst) + 1 - done.load(Ordering::SeqCst);
            assert!(ahead <= 8, "{ahead} at a time");
            thread::sleep(Duration::from_micros(((item * 7919) % 13) as u64 * 50));
            item * 2
        };
        let each = |position, result: usize| {
            done.fetch_add(1, Ordering::SeqCst);
            seen.push((position, result));
            Ok::<(), Error>(())
        };
        ordered(0..200, THREADS, &CancellationToken::new(), work, each).unwrap();
        let expected: Vec<(usize, usize)> = (0..200).map(|item| (item, 2 * item)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn items_are_taken_only_when_there_is_room() {
        let taken = AtomicUsize::new(0);
        let items = (0..100).inspect(|_| {
            taken.fetch_add(1, Ordering::SeqCst);
        });
        let each = |position, _| {
            let taken = taken.load(Ordering::SeqCst);
            assert!(taken <= position + 8, "{taken} taken at result {position}");
            Ok::<(), Error>(())
        };
        ordered(items, THREADS, &CancellationToken::new(), |item| item, each).unwrap();
        assert_eq!(taken.into_inner(), 100);
    }

    #[test]
    fn an_error_ends_the_work() {
        let begun = AtomicUsize::new(0);
        let work = |_| begun.fetch_add(1, Ordering::SeqCst);
        let each = |position, _| match position {
            5 => Err(Error::argument("item", "enough")),
            _ => Ok(()),
        };
        let error = ordered(0..1000, THREADS, &CancellationToken::new(), work, each).unwrap_err();
        assert_eq!(error.to_string(), "item: enough");
        assert!(begun.into_inner() < 20);
    }

    #[test]
    fn a_cancelled_token_ends_the_work() {
        let token = CancellationToken::new();
        let begun = AtomicUsize::new(0);
        let work = |_| {
            begun.fetch_add(1, Ordering::SeqCst);
        };
        let each = |position, ()| {
            if position == 3 {
                token.cancel();
            }
            Ok::<(), Error>(())
        };
        let error = ordered(0..100, THREADS, &token, work, each).unwrap_err();
        assert!(error.is_cancelled());
        assert!(begun.into_inner() < 20);
    }

    #[test]
    fn a_token_ends_the_wait_for_a_slow_source() {
        let token = CancellationToken::new();
        let work = |_| {
            token.cancel();
            thread::sleep(Duration::from_millis(1));
        };
        let never =
            |_, ()| -> Result<(), Error> { panic!("a result after the token was cancelled") };
        let error = ordered(0..2, THREADS, &token, work, never).unwrap_err();
        assert!(error.is_cancelled());
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_ends_the_work() {
        let work = |item| assert_ne!(item, 7);
        let _ = ordered(0..100, THREADS, &CancellationToken::new(), work, |_, ()| {
            Ok::<(), Error>(())
        });
    }

    #[test]
    fn no_items_are_no_work() {
        let each = |_, ()| -> Result<(), Error> { unreachable!() };
        ordered(
            Vec::<u8>::new(),
            THREADS,
            &CancellationToken::new(),
            |_| (),
            each,
        )
        .unwrap();
    }

    #[test]
    fn a_stopped_queue_returns_its_values() {
        let queue = OrderedQueue::<u8, u8>::new();
        queue.submit(3, 30);
        let left = queue.stop();
        assert_eq!(left.items, [(3, 30)]);
        queue.submit(4, 40);
        assert!(queue.stop().items.is_empty() && queue.is_ready(4));
        assert_eq!(queue.wait(4, Duration::MAX), Wait::Stopped);
        queue.run(|_| unreachable!("it is stopped"));
    }
}
