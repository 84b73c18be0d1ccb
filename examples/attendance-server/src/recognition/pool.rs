//! Threads for recognition: one task a thread, and bounded queues before them.

use std::{
    collections::VecDeque,
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};

/// The kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// A frame, for which somebody waits at a door. Frames come before analyses.
    Frame,
    /// The photos of an enrolment, which take longer. With two threads or more, one is left for frames.
    Analysis,
}

/// Threads of the operating system, which take work in order. Dropping the pool ends them after the work that they have.
pub(super) struct Pool(Arc<Queues>);

struct Queues {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// The most tasks that wait, of each kind.
    longest: usize,
    /// The most analyses at once.
    analyses: usize,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Task>,
    analyses: VecDeque<Task>,
    /// The analyses in work.
    analysing: usize,
    closed: bool,
}

type Task = Box<dyn FnOnce() + Send>;

impl Pool {
    /// Starts the threads. For each thread, two tasks of each kind can wait.
    pub(super) fn new(threads: NonZeroUsize) -> Result<Self> {
        let threads = threads.get();
        let queues = Arc::new(Queues {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            longest: 2 * threads,
            analyses: threads.saturating_sub(1).max(1),
        });
        let pool = Self(Arc::clone(&queues));
        for number in 0..threads {
            let queues = Arc::clone(&queues);
            thread::Builder::new()
                .name(format!("recognition {number}"))
                .spawn(move || queues.work())
                .map_err(Error::internal)?;
        }
        Ok(pool)
    }

    /// Runs `work` on a thread of the pool. If nobody waits for the result any more, it is not begun.
    ///
    /// # Errors
    ///
    /// 503 with the code `busy` if the queue is full; the error of `work`; a fault of the server if it panics.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        kind: Work,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, result) = oneshot::channel();
        let task = move || {
            if !sender.is_closed() {
                let done = facekit::catch_panic(work);
                // Nobody may be waiting any more.
                let _ = sender.send(done.unwrap_or_else(|panic| Err(Error::internal(panic))));
            }
        };
        self.0.add(kind, Box::new(task))?;
        result
            .await
            .unwrap_or_else(|_| Err(Error::internal("the threads of recognition have ended")))
    }
}

impl Queues {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Each change leaves the queues whole, and tasks run without the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, kind: Work, task: Task) -> Result<()> {
        let mut waiting = self.waiting();
        let queue = match kind {
            Work::Frame => &mut waiting.frames,
            Work::Analysis => &mut waiting.analyses,
        };
        if queue.len() >= self.longest {
            let detail = "Recognition has too much to do. Try again in a second.";
            return Err(Error::new(ErrorKind::Unavailable, "busy", detail).after(1));
        }
        queue.push_back(task);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// The work of one thread, until the pool is dropped.
    fn work(&self) {
        let mut waiting = self.waiting();
        loop {
            if waiting.closed {
                return;
            }
            if let Some(task) = waiting.frames.pop_front() {
                drop(waiting);
                task();
                waiting = self.waiting();
            } else if waiting.analysing < self.analyses
                && let Some(task) = waiting.analyses.pop_front()
            {
                waiting.analysing += 1;
                drop(waiting);
                task();
                waiting = self.waiting();
                waiting.analysing -= 1;
                // A thread may be waiting because there were as many analyses as are allowed.
                self.changed.notify_one();
            } else {
                waiting = self
                    .changed
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.waiting().closed = true;
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("longest", &self.0.longest)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const ONE: NonZeroUsize = NonZeroUsize::MIN;

    #[tokio::test]
    async fn results_errors_and_panics_come_back() {
        let pool = Pool::new(ONE).unwrap();
        assert_eq!(pool.run(Work::Frame, || Ok(7)).await.unwrap(), 7);
        let failed = pool.run(Work::Frame, || Err::<(), _>(Error::forbidden()));
        assert_eq!(failed.await.unwrap_err().kind, ErrorKind::Forbidden);
        let panicked: Result<()> = pool.run(Work::Analysis, || panic!("a fault")).await;
        assert_eq!(panicked.unwrap_err().kind, ErrorKind::Internal);
        assert_eq!(
            pool.run(Work::Frame, || Ok(8)).await.unwrap(),
            8,
            "the thread goes on"
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_full_queue_refuses_and_frames_come_first() {
        let pool = Arc::new(Pool::new(ONE).unwrap());
        let (started, has_started) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                let work = move || {
                    started.send(()).map_err(Error::internal)?;
                    wait.recv().map_err(Error::internal)
                };
                pool.run(Work::Analysis, work).await
            }
        });
        has_started.recv().unwrap();
        let mut others = Vec::new();
        for kind in [Work::Analysis, Work::Analysis, Work::Frame, Work::Frame] {
            let (order, pool) = (Arc::clone(&order), Arc::clone(&pool));
            others.push(tokio::spawn(async move {
                pool.run(kind, move || {
                    order.lock().unwrap().push(kind);
                    Ok(())
                })
                .await
            }));
        }
        // All four are in their queues once nothing more fits.
        let waiting = || {
            let waiting = pool.0.waiting();
            waiting.frames.len() + waiting.analyses.len()
        };
        while waiting() < 4 {
            tokio::task::yield_now().await;
        }
        for kind in [Work::Frame, Work::Analysis] {
            let refused = pool.run(kind, || Ok(())).await.unwrap_err();
            assert_eq!((refused.code, refused.retry_after), ("busy", Some(1)));
        }
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        for other in others {
            other.await.unwrap().unwrap();
        }
        let expected = [Work::Frame, Work::Frame, Work::Analysis, Work::Analysis];
        assert_eq!(*order.lock().unwrap(), expected);
    }
}
