//! Many images on all cores: results in order, and only a few images in memory at a time.

use std::{
    collections::BTreeMap,
    io,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, TryLockError},
    thread::{self, JoinHandle},
    time::Duration,
};

use facekit::{
    Recognition, RecognizeOptions, catch_panic,
    work::{OrderedQueue, Wait},
};
use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::{PyBaseException, PyException, PyTypeError, PyValueError},
    prelude::*,
    types::{PyDict, PyIterator, PyTuple, PyType},
};

use crate::{
    image::{self, Color, Photo},
    options,
    pipeline::{Pipeline, Searched},
    process::ProcessLocal,
    recognition,
    work::{self, Attempt},
};

/// The time after which a waiting caller checks for Ctrl-C again.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// The options of `Recognizer.recognize_many`.
pub(crate) struct ManyOptions {
    pub(crate) recognize: RecognizeOptions,
    pub(crate) color: Color,
    pub(crate) threads: NonZeroUsize,
    /// The number of images that are taken before the results of earlier ones are asked for; `None` for the default.
    pub(crate) ahead: Option<usize>,
    /// If true, an image that cannot be used raises an exception. Otherwise the exception is the result.
    pub(crate) raise: bool,
}

impl ManyOptions {
    /// The largest number of images under way. The default is one for each thread, one that waits for each thread, and four more,
    /// so that a slow image or a caller who comes late does not leave threads without work.
    fn window(&self) -> u64 {
        match self.ahead {
            Some(ahead) => (ahead as u64).saturating_add(1),
            None => (self.threads.get() as u64)
                .saturating_mul(2)
                .saturating_add(4),
        }
    }
}

/// The results of `Recognizer.recognize_many`, in order.
///
/// `close()`, the end of a `with` block, and garbage collection end the work and release the images. Any thread may call
/// `close()`. One thread at a time may ask for a result, as with a generator.
///
/// >>> import facekit
/// >>> with facekit.Recognizer().recognize_many(["anna.jpg", "door.jpg"]) as results:
/// ...     [len(faces) for faces in results]
/// [1, 1]
#[pyclass(frozen, module = "facekit")]
pub(crate) struct RecognizeMany(ProcessLocal<Many>);

struct Many {
    queue: Arc<Queue>,
    /// Locked while a result is made. No thread waits for this lock, because its holder runs the caller's code.
    feed: Mutex<Feed>,
}

/// Photos on their way to the threads, and their results. A photo comes back with its result: it may own an array of Python, which
/// the caller's thread drops, because it has the interpreter.
type Queue = OrderedQueue<Job, Finished>;

/// A photo, with its options.
struct Job {
    photo: Photo,
    options: RecognizeOptions,
}

type Finished = (Photo, Attempt<(Vec<Recognition>, Searched)>);

/// Takes images from the caller and gives results to the caller.
struct Feed {
    pipeline: Arc<Pipeline>,
    options: ManyOptions,
    workers: Workers,
    /// `None` after the last image.
    images: Option<Py<PyIterator>>,
    /// The number of images taken, and the number of results given.
    taken: u64,
    given: u64,
    /// The exceptions of objects that are not images, by their place.
    refused: BTreeMap<u64, Py<PyBaseException>>,
    /// The exception that ended the iterable. It is raised after the results.
    failed: Option<Py<PyBaseException>>,
}

/// The Python objects of a feed, taken out of it so that they are dropped where no lock is held.
type PythonObjects = (
    Option<Py<PyIterator>>,
    BTreeMap<u64, Py<PyBaseException>>,
    Option<Py<PyBaseException>>,
);

impl RecognizeMany {
    pub(crate) fn new(
        images: &Bound<'_, PyAny>,
        pipeline: Arc<Pipeline>,
        options: ManyOptions,
    ) -> PyResult<Self> {
        if image::is_single(images)? {
            return Err(PyTypeError::new_err(format!(
                "images: a single {} given, an iterable of images needed; recognize takes one image",
                images.get_type().fully_qualified_name()?
            )));
        }
        let images = images.try_iter()?.unbind();
        let queue = Arc::new(Queue::new());
        Ok(Self(ProcessLocal::new(Many {
            queue: Arc::clone(&queue),
            feed: Mutex::new(Feed {
                pipeline,
                options,
                workers: Workers::new(queue),
                images: Some(images),
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
        let many = self.0.require(py, "recognize_many")?;
        let mut feed = many.try_feed().ok_or_else(|| {
            PyValueError::new_err("recognize_many: another thread is waiting for the next result")
        })?;
        let next = feed.next(py);
        drop(feed);
        // A thread that called `close` in the meantime could not lock the feed, and left the rest to this thread.
        if many.queue.is_stopped()
            && let Some(mut feed) = many.try_feed()
        {
            feed.close(py);
        }
        next
    }

    /// Ends the work: images that are being worked on are finished, and no more are begun.
    ///
    /// >>> import facekit
    /// >>> results = facekit.Recognizer().recognize_many(["anna.jpg"] * 100)
    /// >>> first = next(results)
    /// >>> results.close()
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let many = self.0.require(py, "recognize_many")?;
        // This also ends the wait of another thread for a result. That thread then closes the feed.
        let left = many.queue.stop();
        if let Some(mut feed) = many.try_feed() {
            feed.close(py);
        }
        drop(left);
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
        // A feed that is in use is not garbage.
        let Some(feed) = self.0.value().and_then(Many::try_feed) else {
            return Ok(());
        };
        visit.call(&feed.images)?;
        visit.call(&feed.failed)?;
        feed.refused
            .values()
            .try_for_each(|error| visit.call(error))
    }

    fn __clear__(&self) {
        let Some(many) = self.0.value() else { return };
        let left = many.queue.stop();
        let objects = many.try_feed().map(|mut feed| feed.take_objects());
        drop((left, objects));
    }
}

impl Many {
    /// `None` while a result is made.
    fn try_feed(&self) -> Option<MutexGuard<'_, Feed>> {
        match self.feed.try_lock() {
            Ok(feed) => Some(feed),
            Err(TryLockError::Poisoned(feed)) => Some(feed.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Feed {
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Err(error) = self.pipeline.check_open(py) {
            self.close(py);
            return Err(error);
        }
        // Each call takes at least one image, so that the threads have work while the caller uses the result. It takes more only
        // as long as there is no result to give.
        let mut first = true;
        while self.images.is_some()
            && !self.workers.queue.is_stopped()
            && self.taken - self.given < self.options.window()
            && (first || !self.is_ready())
        {
            if let Err(error) = self.take(py) {
                self.close(py);
                return Err(error);
            }
            first = false;
        }
        if self.workers.queue.is_stopped() {
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
        if let Some(error) = self.refused.remove(&self.given) {
            self.given += 1;
            return self.refuse(error.into_bound(py));
        }
        let Some((photo, attempt)) = self.wait(py)? else {
            self.close(py);
            return Ok(None);
        };
        // This thread has the interpreter, which may free the photo's array.
        drop(photo);
        self.given += 1;
        match work::to_python(py, attempt) {
            Ok((found, searched)) => {
                let found = found
                    .into_iter()
                    .map(recognition::Recognition::from)
                    .collect();
                recognition::faces(py, found, &searched).map(Some)
            }
            Err(error) => self.refuse(error.into_value(py).into_bound(py)),
        }
    }

    /// Waits for the next result; `None` if the work was ended. Ctrl-C ends it.
    fn wait(&mut self, py: Python<'_>) -> PyResult<Option<Finished>> {
        loop {
            let queue = &self.workers.queue;
            match py.detach(|| queue.wait(self.given, SIGNAL_INTERVAL)) {
                Wait::Done(finished) => return Ok(Some(finished)),
                Wait::Stopped => return Ok(None),
                Wait::NotYet => {}
            }
            if let Err(interrupt) = py.check_signals() {
                self.close(py);
                return Err(interrupt);
            }
        }
    }

    /// True if the next result can be given at once.
    fn is_ready(&self) -> bool {
        self.given < self.taken
            && (self.refused.contains_key(&self.given) || self.workers.queue.is_ready(self.given))
    }

    /// Takes an image from the caller and submits it to the threads. The caller's exceptions are kept until their turn, except
    /// those that end the program, such as `KeyboardInterrupt`.
    fn take(&mut self, py: Python<'_>) -> PyResult<()> {
        let keep = |error: PyErr| {
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
                self.failed = Some(keep(error)?);
            }
            Some(Ok(image)) => {
                match self.job(&image) {
                    Ok(job) => {
                        self.workers.start_another(&self.pipeline, &self.options)?;
                        self.workers.queue.submit(self.taken, job);
                    }
                    Err(error) => drop(self.refused.insert(self.taken, keep(error)?)),
                }
                self.taken += 1;
            }
        }
        Ok(())
    }

    /// An item of the iterable: an image, or a tuple of an image and its options.
    fn job(&self, item: &Bound<'_, PyAny>) -> PyResult<Job> {
        let base = &self.options.recognize;
        if let Ok(pair) = item.cast::<PyTuple>()
            && pair.len() == 2
            && let Ok(changes) = pair.get_item(1)?.cast::<PyDict>()
        {
            let recognizer = &self.pipeline.recognizer;
            return Ok(Job {
                options: options::changed_recognize_options(recognizer, base, changes)?,
                photo: Photo::new("images", &pair.get_item(0)?, self.options.color)?,
            });
        }
        Ok(Job {
            options: base.clone(),
            photo: Photo::new("images", item, self.options.color)?,
        })
    }

    /// Raises an exception or returns it, as the options say.
    fn refuse<'py>(
        &self,
        error: Bound<'py, PyBaseException>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.options.raise {
            Err(PyErr::from_value(error.into_any()))
        } else {
            Ok(Some(error.into_any()))
        }
    }

    fn close(&mut self, py: Python<'_>) {
        let left = self.workers.queue.stop();
        self.given = self.taken;
        let objects = self.take_objects();
        py.detach(|| self.workers.join());
        // The results of work that was under way.
        let late = self.workers.queue.stop();
        drop((left, objects, late));
    }

    fn take_objects(&mut self) -> PythonObjects {
        (
            self.images.take(),
            std::mem::take(&mut self.refused),
            self.failed.take(),
        )
    }
}

/// The threads that recognize. Each image starts one more, until there are as many as the options say.
struct Workers {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    fn new(queue: Arc<Queue>) -> Self {
        Self {
            queue,
            threads: Vec::new(),
        }
    }

    /// Starts a thread if there are fewer than the options say. An error if there is none and none can be started.
    fn start_another(&mut self, pipeline: &Arc<Pipeline>, options: &ManyOptions) -> io::Result<()> {
        if self.threads.len() >= options.threads.get() {
            return Ok(());
        }
        let (queue, pipeline) = (Arc::clone(&self.queue), Arc::clone(pipeline));
        let work = move || {
            queue.run(|Job { photo, options }| {
                let attempt = catch_panic(|| pipeline.recognize(&photo, &options));
                (photo, attempt)
            });
        };
        let builder = thread::Builder::new().name("facekit-many".to_owned());
        match builder.spawn(work) {
            Ok(thread) => self.threads.push(thread),
            Err(error) if self.threads.is_empty() => return Err(error),
            // The threads that there are do the work.
            Err(_) => {}
        }
        Ok(())
    }

    /// Waits for the threads, after the queue was stopped.
    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            // A thread catches the panics of its work.
            let _ = thread.join();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // This does not wait for the threads, because the caller may hold the interpreter, which they may need.
        drop(self.queue.stop());
    }
}
