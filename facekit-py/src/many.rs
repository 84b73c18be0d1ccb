//! Many images on all cores, in order, without holding more than a few of them.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    num::NonZeroUsize,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError},
    thread::{self, JoinHandle},
    time::Duration,
};

use facekit::{Recognition, RecognizeOptions};
use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::{PyBaseException, PyException, PyTypeError, PyValueError},
    prelude::*,
    types::{PyIterator, PyTuple, PyType},
};

use crate::{
    image::{self, Color, Photo},
    process::OfProcess,
    recognizer::Parts,
    results,
    work::{self, Outcome},
};

/// How often Ctrl-C is looked for while the next result is waited for.
const LOOK: Duration = Duration::from_millis(50);

/// How images are taken and results given.
pub(crate) struct Manner {
    pub(crate) color: Color,
    pub(crate) threads: NonZeroUsize,
    /// Images that are taken before the results of those before them are asked for.
    pub(crate) ahead: Option<usize>,
    /// An image that cannot be used is an exception, not a result.
    pub(crate) raise: bool,
}

impl Manner {
    /// So many images at most are under way: unless it is said, one for each thread and one that waits for it, and some more so that
    /// a slow one, or a caller who is late, does not leave threads without work.
    fn window(&self) -> u64 {
        let ahead = self.ahead.map(|ahead| ahead as u64);
        ahead.map_or_else(
            || {
                (self.threads.get() as u64)
                    .saturating_mul(2)
                    .saturating_add(4)
            },
            |ahead| ahead.saturating_add(1),
        )
    }
}

/// The results of `Recognizer.recognize_many`, in order.
///
/// `close()`, leaving a `with` block, or dropping it ends the work, and lets go of the images. `close()` may be called from any
/// thread; results are for one at a time, as with a generator.
///
/// >>> import facekit
/// >>> with facekit.Recognizer().recognize_many(["anna.jpg", "door.jpg"]) as results:
/// ...     [len(faces) for faces in results]
/// [1, 1]
#[pyclass(frozen, module = "facekit")]
pub(crate) struct RecognizeMany(OfProcess<Many>);

struct Many {
    shared: Arc<Shared>,
    /// Held while a result is made. No one waits for it, since its holder runs the caller's code.
    feed: Mutex<Feed>,
}

/// Images on their way in, and results on their way out.
struct Feed {
    /// None where there are no more.
    images: Option<Py<PyIterator>>,
    manner: Manner,
    pool: Pool,
    /// Images taken, and results given.
    taken: u64,
    given: u64,
    /// What cannot be an image, in its place.
    refused: BTreeMap<u64, Py<PyBaseException>>,
    /// The iterable has ended with an exception, which comes after the results.
    failed: Option<Py<PyBaseException>>,
}

impl RecognizeMany {
    pub(crate) fn new(
        images: &Bound<'_, PyAny>,
        parts: Arc<Parts>,
        options: RecognizeOptions,
        manner: Manner,
    ) -> PyResult<Self> {
        if image::is_single(images)? {
            return Err(PyTypeError::new_err(format!(
                "images: a single {} given, an iterable of images needed; recognize takes one",
                images.get_type().fully_qualified_name()?
            )));
        }
        let images = images.try_iter()?.unbind();
        let shared = Arc::new(Shared {
            parts,
            options,
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
        });
        Ok(Self(OfProcess::new(Many {
            shared: Arc::clone(&shared),
            feed: Mutex::new(Feed {
                images: Some(images),
                manner,
                pool: Pool::new(shared),
                taken: 0,
                given: 0,
                refused: BTreeMap::new(),
                failed: None,
            }),
        })))
    }
}

#[pymethods]
impl RecognizeMany {
    /// `RecognizeMany[Faces]` is for type checkers.
    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        _result: &Bound<'py, PyAny>,
    ) -> Bound<'py, PyType> {
        class.clone()
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let many = self.0.get(py, "recognize_many")?;
        let mut feed = many.feed().ok_or_else(|| {
            PyValueError::new_err("recognize_many: its next result is being waited for elsewhere")
        })?;
        let next = feed.next(py);
        drop(feed);
        // Whoever closed it meanwhile has left the rest to whoever held the feed.
        if many.shared.is_stopped()
            && let Some(mut feed) = many.feed()
        {
            feed.close(py);
        }
        next
    }

    /// Ends the work: what has begun is finished, and no more is begun.
    ///
    /// >>> import facekit
    /// >>> results = facekit.Recognizer().recognize_many(["anna.jpg"] * 100)
    /// >>> first = next(results)
    /// >>> results.close()
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let many = self.0.get(py, "recognize_many")?;
        // Ends the wait of another thread for a result, too, which then does the rest.
        let images = many.shared.stop();
        if let Some(mut feed) = many.feed() {
            feed.close(py);
        }
        drop(images);
        Ok(())
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // What is in use is not garbage.
        let Some(feed) = self.0.here().and_then(Many::feed) else {
            return Ok(());
        };
        visit.call(&feed.images)?;
        visit.call(&feed.failed)?;
        feed.refused
            .values()
            .try_for_each(|error| visit.call(error))
    }

    fn __clear__(&self) {
        let Some(many) = self.0.here() else { return };
        let images = many.shared.stop();
        let held = many.feed().map(|mut feed| feed.let_go());
        drop((images, held));
    }
}

impl Many {
    /// None while a result is being made.
    fn feed(&self) -> Option<MutexGuard<'_, Feed>> {
        match self.feed.try_lock() {
            Ok(feed) => Some(feed),
            Err(TryLockError::Poisoned(feed)) => Some(feed.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// What a feed has of Python's.
type Held = (
    Option<Py<PyIterator>>,
    BTreeMap<u64, Py<PyBaseException>>,
    Option<Py<PyBaseException>>,
);

impl Feed {
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Err(error) = self.pool.shared.parts.check_open(py) {
            self.close(py);
            return Err(error);
        }
        // At least one image is taken for each result, so that threads have work while the caller has some, too; and more of
        // them only as long as there is no result to give.
        let mut first = true;
        while self.images.is_some()
            && !self.pool.shared.is_stopped()
            && self.taken - self.given < self.manner.window()
            && (first || !self.is_ready())
        {
            if let Err(error) = self.take(py) {
                self.close(py);
                return Err(error);
            }
            first = false;
        }
        if self.pool.shared.is_stopped() {
            self.close(py);
            return Ok(None);
        }
        if self.given == self.taken {
            let failed = self.failed.take();
            self.close(py);
            return failed.map_or(Ok(None), |error| {
                Err(PyErr::from_value(error.into_bound(py).into_any()))
            });
        }
        let due = self.given;
        if let Some(error) = self.refused.remove(&due) {
            self.given += 1;
            return self.refuse(error.into_bound(py));
        }
        let (photo, outcome) = loop {
            match py.detach(|| self.pool.shared.wait(due, LOOK)) {
                Wait::Done(done) => break *done,
                Wait::Stopped => {
                    self.close(py);
                    return Ok(None);
                }
                Wait::NotYet => {}
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
            Err(error) => self.refuse(error.into_value(py).into_bound(py)),
        }
    }

    /// Whether the next result could be given at once.
    fn is_ready(&self) -> bool {
        self.given < self.taken
            && (self.refused.contains_key(&self.given) || self.pool.shared.is_done(self.given))
    }

    /// Takes an image from the caller, and gives it to the threads. Its exceptions wait for their turn, but what is to end the
    /// program, such as Ctrl-C, does not.
    fn take(&mut self, py: Python<'_>) -> PyResult<()> {
        let waits = |error: PyErr| {
            if error.is_instance_of::<PyException>(py) {
                Ok(error.into_value(py))
            } else {
                Err(error)
            }
        };
        let Some(images) = &self.images else {
            return Ok(());
        };
        match images.bind(py).clone().next() {
            None => self.images = None,
            Some(Err(error)) => {
                self.images = None;
                self.failed = Some(waits(error)?);
            }
            Some(Ok(image)) => {
                match Photo::new("images", &image, self.manner.color) {
                    Ok(photo) => self
                        .pool
                        .submit(self.taken, photo, self.manner.threads.get())?,
                    Err(error) => drop(self.refused.insert(self.taken, waits(error)?)),
                }
                self.taken += 1;
            }
        }
        Ok(())
    }

    fn refuse<'py>(
        &self,
        error: Bound<'py, PyBaseException>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.manner.raise {
            Err(PyErr::from_value(error.into_any()))
        } else {
            Ok(Some(error.into_any()))
        }
    }

    fn close(&mut self, py: Python<'_>) {
        let images = self.pool.shared.stop();
        self.given = self.taken;
        let held = self.let_go();
        py.detach(|| self.pool.join());
        let late = self.pool.shared.stop();
        drop((images, held, late));
    }

    fn let_go(&mut self) -> Held {
        (
            self.images.take(),
            std::mem::take(&mut self.refused),
            self.failed.take(),
        )
    }
}

type Done = (Photo, Outcome<(Vec<Recognition>, (usize, usize))>);

enum Wait {
    Done(Box<Done>),
    NotYet,
    Stopped,
}

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
    /// There is a result, or none will come.
    done: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(u64, Photo)>,
    done: BTreeMap<u64, Done>,
    stopped: bool,
}

impl Pool {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            threads: Vec::new(),
        }
    }

    /// Fails where not a single thread can be started.
    fn submit(&mut self, number: u64, photo: Photo, threads: usize) -> io::Result<()> {
        if self.threads.len() < threads {
            let shared = Arc::clone(&self.shared);
            let builder = thread::Builder::new().name("facekit-many".to_owned());
            let thread = builder.spawn(move || shared.work());
            match thread {
                Ok(thread) => self.threads.push(thread),
                Err(error) if self.threads.is_empty() => return Err(error),
                // Those that there are do it.
                Err(_) => {}
            }
        }
        let mut state = self.shared.state();
        if !state.stopped {
            state.waiting.push_back((number, photo));
        }
        drop(state);
        self.shared.work.notify_one();
        Ok(())
    }

    /// Waits for the threads, after [`Shared::stop`].
    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            // A thread catches the panics of its work.
            let _ = thread.join();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Threads are not waited for: whoever drops this may hold what Python needs.
        drop(self.shared.stop());
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_done(&self, number: u64) -> bool {
        let state = self.state();
        state.stopped || state.done.contains_key(&number)
    }

    fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    fn wait(&self, number: u64, at_most: Duration) -> Wait {
        let (mut state, _) = self
            .done
            .wait_timeout_while(self.state(), at_most, |state| {
                !state.stopped && !state.done.contains_key(&number)
            })
            .unwrap_or_else(PoisonError::into_inner);
        match state.done.remove(&number) {
            _ if state.stopped => Wait::Stopped,
            Some(done) => Wait::Done(Box::new(done)),
            None => Wait::NotYet,
        }
    }

    /// No more is begun, and nobody waits any longer. What was not given is handed over, to be dropped where no lock is held.
    fn stop(&self) -> (VecDeque<(u64, Photo)>, BTreeMap<u64, Done>) {
        let mut state = self.state();
        state.stopped = true;
        let left = (
            std::mem::take(&mut state.waiting),
            std::mem::take(&mut state.done),
        );
        drop(state);
        self.work.notify_all();
        self.done.notify_all();
        left
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
            // The photo goes back to whoever has an interpreter to drop it in, also where nobody wants the result any longer.
            self.state().done.insert(number, (photo, outcome));
            self.done.notify_all();
        }
    }
}
