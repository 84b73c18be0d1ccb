//! Many images on all cores, in order, without holding more than a few of them.

use std::{
    collections::{BTreeMap, VecDeque},
    num::NonZeroUsize,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use facekit::{Recognition, RecognizeOptions};
use pyo3::{
    prelude::*,
    types::{PyIterator, PyTuple},
};

use crate::{
    image::{Color, Photo},
    process::OfProcess,
    recognizer::Parts,
    results,
    work::{self, Outcome},
};

/// How often Ctrl-C is looked for while the next result is waited for.
const LOOK: Duration = Duration::from_millis(50);

/// The results of `Recognizer.recognize_many`, in order.
///
/// `close()`, leaving a `with` block, or dropping it ends the work.
///
/// >>> import facekit
/// >>> with facekit.Recognizer().recognize_many(["anna.jpg", "door.jpg"]) as results:
/// ...     [len(faces) for faces in results]
/// [1, 1]
#[pyclass(module = "facekit")]
pub(crate) struct RecognizeMany(OfProcess<Feed>);

/// Images on their way in, and results on their way out.
struct Feed {
    images: Py<PyIterator>,
    color: Color,
    raise: bool,
    threads: usize,
    pool: Pool,
    /// Images taken, and results given.
    taken: u64,
    given: u64,
    /// What cannot be an image, in its place.
    refused: BTreeMap<u64, PyErr>,
    /// The iterable has ended, perhaps with an exception, which comes after the results.
    ended: bool,
    failed: Option<PyErr>,
}

impl RecognizeMany {
    pub(crate) fn new(
        images: &Bound<'_, PyAny>,
        parts: Arc<Parts>,
        options: RecognizeOptions,
        color: Color,
        threads: NonZeroUsize,
        raise: bool,
    ) -> PyResult<Self> {
        let images = images.try_iter()?.unbind();
        Ok(Self(OfProcess::new(Feed {
            images,
            color,
            raise,
            threads: threads.get(),
            pool: Pool::new(parts, options),
            taken: 0,
            given: 0,
            refused: BTreeMap::new(),
            ended: false,
            failed: None,
        })))
    }
}

#[pymethods]
impl RecognizeMany {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.get_mut(py, "recognize_many")?.next(py)
    }

    /// Ends the work: what has begun is finished, and no more is begun.
    ///
    /// >>> import facekit
    /// >>> results = facekit.Recognizer().recognize_many(["anna.jpg"] * 100)
    /// >>> first = next(results)
    /// >>> results.close()
    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        self.0.get_mut(py, "recognize_many")?.close(py);
        Ok(())
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&mut self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}

impl Feed {
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        // At least one image is taken for each result, so that threads have work while the caller has some, too; and more of
        // them only as long as there is no result to give.
        let mut first = true;
        while !self.ended && self.taken - self.given < self.window() && (first || !self.is_ready())
        {
            self.take(py);
            first = false;
        }
        if self.given == self.taken {
            self.close(py);
            return self.failed.take().map_or(Ok(None), Err);
        }
        let due = self.given;
        if let Some(error) = self.refused.remove(&due) {
            self.given += 1;
            return self.refuse(py, error);
        }
        let (photo, outcome) = loop {
            if let Some(done) = py.detach(|| self.pool.wait(due, LOOK)) {
                break done;
            }
            if let Err(interrupt) = py.check_signals() {
                self.close(py);
                return Err(interrupt);
            }
        };
        // Here, where there is an interpreter to give the array back to.
        drop(photo);
        self.given += 1;
        match work::settle(py, outcome) {
            Ok((found, size)) => {
                let found = found.into_iter().map(results::Recognition::from).collect();
                results::faces(py, found, size).map(Some)
            }
            Err(error) => self.refuse(py, error),
        }
    }

    /// So many images at most are taken ahead: one for each thread and one that waits for it, and some more so that a slow one,
    /// or a caller who is late, does not leave threads without work.
    fn window(&self) -> u64 {
        2 * self.threads as u64 + 4
    }

    /// Whether the next result could be given at once.
    fn is_ready(&self) -> bool {
        self.given < self.taken
            && (self.refused.contains_key(&self.given) || self.pool.is_done(self.given))
    }

    /// Takes an image from the caller, and gives it to the threads.
    fn take(&mut self, py: Python<'_>) {
        match self.images.bind(py).clone().next() {
            None => self.ended = true,
            Some(Err(error)) => {
                (self.ended, self.failed) = (true, Some(error));
            }
            Some(Ok(image)) => {
                match Photo::new("images", &image, self.color) {
                    Ok(photo) => self.pool.submit(self.taken, photo, self.threads),
                    Err(error) => drop(self.refused.insert(self.taken, error)),
                }
                self.taken += 1;
            }
        }
    }

    fn refuse<'py>(&self, py: Python<'py>, error: PyErr) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.raise {
            Err(error)
        } else {
            Ok(Some(error.into_value(py).into_bound(py).into_any()))
        }
    }

    fn close(&mut self, py: Python<'_>) {
        self.ended = true;
        self.given = self.taken;
        self.refused.clear();
        py.detach(|| self.pool.stop());
    }
}

type Done = (Photo, Outcome<(Vec<Recognition>, (usize, usize))>);

/// Threads that recognise; as many are started as are needed.
struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    parts: Arc<Parts>,
    options: RecognizeOptions,
    state: Mutex<State>,
    /// There is a photo, or no more will come.
    work: Condvar,
    /// There is a result.
    done: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(u64, Photo)>,
    done: BTreeMap<u64, Done>,
    stopped: bool,
}

impl Pool {
    fn new(parts: Arc<Parts>, options: RecognizeOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                parts,
                options,
                state: Mutex::default(),
                work: Condvar::new(),
                done: Condvar::new(),
            }),
            threads: Vec::new(),
        }
    }

    fn submit(&mut self, number: u64, photo: Photo, threads: usize) {
        self.shared.state().waiting.push_back((number, photo));
        self.shared.work.notify_one();
        if self.threads.len() < threads {
            let shared = Arc::clone(&self.shared);
            self.threads.push(thread::spawn(move || shared.work()));
        }
    }

    fn is_done(&self, number: u64) -> bool {
        self.shared.state().done.contains_key(&number)
    }

    fn wait(&self, number: u64, at_most: Duration) -> Option<Done> {
        let state = self.shared.state();
        let (mut state, _) = self
            .shared
            .done
            .wait_timeout_while(state, at_most, |state| !state.done.contains_key(&number))
            .unwrap_or_else(PoisonError::into_inner);
        state.done.remove(&number)
    }

    fn stop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A thread catches the panics of its work.
            let _ = thread.join();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Not waited for: whoever drops this may hold what Python needs.
        self.shared.state().stopped = true;
        self.shared.work.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let state = self.state();
            let mut state = self
                .work
                .wait_while(state, |state| !state.stopped && state.waiting.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            if state.stopped {
                return;
            }
            let Some((number, photo)) = state.waiting.pop_front() else {
                continue;
            };
            drop(state);
            let outcome = work::attempt(|| self.parts.recognize(&photo, &self.options));
            self.state().done.insert(number, (photo, outcome));
            self.done.notify_all();
        }
    }
}
