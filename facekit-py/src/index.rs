//! `Index`: search among vectors.

use std::{num::NonZeroUsize, ops::Deref, path::PathBuf, thread};

use facekit::{
    AutoIndex, Digest, Embedding, EmbeddingSpace, EntryId, EntrySet, FlatIndex, HnswIndex,
    HnswOptions, Metric, Protection, Result, ScoredEntry, SearchOptions, SearchStrategy,
    SnapshotFile, SnapshotIndex,
};
use numpy::{
    PyArray2, PyArrayMethods as _, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods as _,
    ndarray::{Array2, ArrayView1, ArrayView2, Axis},
};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyList, PySet},
};

use crate::{errors, key::parse_key, options, process::ProcessLocal, work};

/// The number of rows that are inserted at a time.
const BATCH: usize = 1024;
/// The number of probes that each thread searches for at a time.
const PROBES: usize = 64;

/// Nearest neighbors among vectors of any source.
///
/// `matrix` is a float32 array of shape (n, dimension). Rows are copied and scaled to length one, so only their direction counts.
/// `ids` is an array of n unique integers from 0 on; the default is 0 to n - 1. With the metric "cosine", scores are cosines, -1 to
/// 1. With "euclidean", they are negated distances, -2 to 0. Greater is closer in both.
///
/// `kind` is how the index searches. "auto" compares with every vector, in bytes, and takes the way that is fastest on this
/// machine; after `optimize`, that may be a graph. "deterministic" makes the same choice on every machine. "exact" compares with
/// every vector and finds exactly the nearest. "graph" follows links between neighbors (HNSW): it suits vectors of few effective
/// dimensions, and is slower than "auto" for faces.
///
/// Raises InvalidEmbeddingError for a row that is zero or not finite.
///
/// >>> import numpy as np
/// >>> from facekit import Index
/// >>> index = Index(np.eye(3, dtype="float32"), ids=[10, 20, 30])
/// >>> ids, scores = index.search(np.array([[0.9, 0.1, 0]], dtype="float32"), k=2)
/// >>> ids.tolist()
/// [[10, 20]]
#[pyclass(frozen, module = "facekit")]
pub(crate) struct Index(ProcessLocal<Held>);

/// An index of one of the kinds.
enum Held {
    Auto(Box<AutoIndex>),
    Flat(Box<FlatIndex>),
    Graph(Box<HnswIndex>),
}

impl Deref for Held {
    type Target = dyn SnapshotIndex;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Auto(index) => &**index,
            Self::Flat(index) => &**index,
            Self::Graph(index) => &**index,
        }
    }
}

#[pymethods]
impl Index {
    #[new]
    #[pyo3(signature = (matrix, ids = None, *, metric = "cosine", kind = "auto"))]
    fn new(
        matrix: &Bound<'_, PyAny>,
        ids: Option<&Bound<'_, PyAny>>,
        metric: &str,
        kind: &str,
    ) -> PyResult<Self> {
        let py = matrix.py();
        let matrix = floats("matrix", matrix)?;
        let rows = matrix.as_array();
        if rows.ncols() == 0 {
            return Err(errors::argument(py, "matrix", "its rows are empty"));
        }
        let index = empty(py, rows.ncols(), metric, kind)?;
        let ids = match ids {
            Some(ids) => numbers("ids", ids)?,
            None => (0..rows.nrows() as u64).collect(),
        };
        insert(py, &*index, rows, &ids)?;
        Ok(Self(ProcessLocal::new(index)))
    }

    /// Loads an index that `save` wrote. `dimension`, `metric`, `state` and the kind of index ("graph" or one of the others) must be
    /// those of the saved index.
    ///
    /// Raises GalleryDamagedError for a damaged file, KeyRefusedError for another key, SpaceMismatchError for another dimension, and
    /// InvalidArgumentError for another state, metric or kind of index.
    ///
    /// >>> import pathlib, tempfile
    /// >>> import numpy as np
    /// >>> from facekit import Index
    /// >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.index"
    /// >>> Index(np.eye(3, dtype="float32")).save(path, key=b"k" * 32)
    /// >>> len(Index.load(path, key=b"k" * 32, dimension=3))
    /// 3
    #[staticmethod]
    #[pyo3(signature = (path, *, key, dimension, metric = "cosine", kind = "auto", state = 0))]
    fn load(
        py: Python<'_>,
        path: PathBuf,
        key: &Bound<'_, PyAny>,
        dimension: i64,
        metric: &str,
        kind: &str,
        state: u64,
    ) -> PyResult<Self> {
        let dimension = options::count(py, "dimension", dimension)?;
        if dimension == 0 {
            return Err(errors::argument(
                py,
                "dimension",
                "0 given, 1 or more needed",
            ));
        }
        let index = empty(py, dimension, metric, kind)?;
        let key = parse_key(key)?;
        work::detached(py, || {
            index.load(&SnapshotFile::new(
                path,
                Protection::Key(key.read()?),
                state,
            ))
        })?;
        Ok(Self(ProcessLocal::new(index)))
    }

    /// Writes the index to an encrypted file, which is replaced in one step. `key` is 32 bytes, a pathlib.Path to a key file, or a
    /// str (a passphrase). `state` is a number that `load` must name, such as the number of changes of what the index was built from.
    ///
    /// >>> import pathlib, tempfile
    /// >>> import numpy as np
    /// >>> from facekit import Index
    /// >>> Index(np.eye(3, dtype="float32")).save(pathlib.Path(tempfile.mkdtemp()) / "people.index", key="correct horse")
    #[pyo3(signature = (path, *, key, state = 0))]
    fn save(
        &self,
        py: Python<'_>,
        path: PathBuf,
        key: &Bound<'_, PyAny>,
        state: u64,
    ) -> PyResult<()> {
        let index = self.0.require(py, "Index")?;
        let key = parse_key(key)?;
        work::detached(py, || {
            index.save(&SnapshotFile::new(
                path,
                Protection::Key(key.read()?),
                state,
            ))
        })
    }

    /// The `k` nearest vectors of each probe: two arrays of shape (probes, min(k, vectors searched)), the ids (int64) and the scores
    /// (float32). Each row begins with the best score.
    ///
    /// `probes` is a float32 array of shape (probes, dimension), or (dimension,) for a single probe. `roster` limits the search to
    /// these ids; unknown ids are ignored. Many probes are searched on all cores.
    ///
    /// With `min_score`, vectors with a lower score are left out. The arrays then have as many columns as the longest row; the id -1
    /// and the score -inf fill the others. `recall` is the least probability with which each of the nearest is found; 1 is exact. A
    /// graph ignores values below 1. `exact` compares with every vector, also of a graph.
    ///
    /// Raises InvalidEmbeddingError for a probe that is zero or not finite; TypeError for an array that is not float32.
    ///
    /// >>> import numpy as np
    /// >>> from facekit import Index
    /// >>> index = Index(np.eye(4, dtype="float32"))
    /// >>> ids, scores = index.search(np.eye(4, dtype="float32")[2], k=2, roster=[1, 2])
    /// >>> ids.tolist(), scores.tolist()
    /// ([[2, 1]], [[1.0, 0.0]])
    /// >>> index.search(np.eye(4, dtype="float32")[2], k=2, min_score=0.5)[0].tolist()
    /// [[2]]
    #[pyo3(signature = (probes, k = 10, *, roster = None, min_score = None, recall = 0.9999, exact = false))]
    #[allow(clippy::type_complexity, reason = "two arrays")]
    fn search<'py>(
        &self,
        probes: &Bound<'py, PyAny>,
        k: i64,
        roster: Option<&Bound<'py, PyAny>>,
        min_score: Option<f32>,
        recall: f32,
        exact: bool,
    ) -> PyResult<(Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<f32>>)> {
        let py = probes.py();
        let index = self.0.require(py, "Index")?;
        let k = options::count(py, "k", k)?;
        options::fraction(py, "recall", Some(recall))?;
        let probes = floats("probes", probes)?;
        let probes = probes.as_array();
        let roster: Option<EntrySet> = roster
            .map(|ids| Ok::<_, PyErr>(numbers("roster", ids)?.into_iter().map(EntryId).collect()))
            .transpose()?;
        let mut options = SearchOptions::new(k).with_recall(recall).with_exact(exact);
        options.entries = roster.as_ref();
        options.min_score = min_score;
        let (ids, scores) = search(py, &**index, probes, &options)?;
        Ok((
            PyArray2::from_owned_array(py, ids),
            PyArray2::from_owned_array(py, scores),
        ))
    }

    /// Builds a graph of the vectors (HNSW), measures its recall and its time with `probes`, and keeps it if it is faster for some
    /// searches. Returns True if it is kept. A search goes through it only if it was measured to have the `recall` of the search and to
    /// take less time. That is possible for vectors of few effective dimensions, and not for faces.
    ///
    /// `probes` are such as later searches have, as in `search`. A high recall needs many: 3,000 for 0.999 of the nearest vector,
    /// and 30,000 for the default of `search`. It takes about 20 seconds for 100,000 vectors of 128 values. The graph is dropped when a tenth of
    /// the vectors has changed, and is not saved.
    ///
    /// Raises InvalidArgumentError for another kind than "auto"; InvalidEmbeddingError for a probe that is zero or not finite.
    ///
    /// >>> import numpy as np
    /// >>> from facekit import Index
    /// >>> index = Index(np.eye(4, dtype="float32"))
    /// >>> kept = index.optimize(np.eye(4, dtype="float32"))   # as fast as this machine finds it
    /// >>> isinstance(kept, bool)
    /// True
    fn optimize(&self, probes: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = probes.py();
        let Held::Auto(index) = self.0.require(py, "Index")? else {
            let reason = "only an index of the kind \"auto\" can be optimized";
            return Err(errors::argument(py, "kind", reason));
        };
        let probes = floats("probes", probes)?;
        let rows = probes.as_array();
        work::detached(py, || {
            let probes = rows.outer_iter().map(|row| embedding(&**index, row));
            index.optimize(&probes.collect::<Result<Vec<_>>>()?)
        })
    }

    /// Adds rows. A vector whose id is already there is replaced.
    ///
    /// Raises InvalidEmbeddingError for a row that is zero or not finite. The index is then unchanged.
    ///
    /// >>> import numpy as np
    /// >>> from facekit import Index
    /// >>> index = Index(np.eye(3, dtype="float32"))
    /// >>> index.add(np.ones((1, 3), dtype="float32"), ids=[7])
    /// >>> len(index)
    /// 4
    fn add(&self, matrix: &Bound<'_, PyAny>, ids: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = matrix.py();
        let index = self.0.require(py, "Index")?;
        let matrix = floats("matrix", matrix)?;
        let (rows, ids) = (matrix.as_array(), numbers("ids", ids)?);
        insert(py, &**index, rows, &ids)
    }

    /// Removes vectors, and returns the number of those that were there.
    ///
    /// >>> import numpy as np
    /// >>> from facekit import Index
    /// >>> Index(np.eye(3, dtype="float32")).remove([0, 1, 9])
    /// 2
    fn remove(&self, ids: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = ids.py();
        let index = self.0.require(py, "Index")?;
        let ids: Vec<EntryId> = numbers("ids", ids)?.into_iter().map(EntryId).collect();
        work::detached(py, || index.remove(&ids))
    }

    /// The number of values of a vector.
    #[getter]
    fn dimension(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.0.require(py, "Index")?.space().dimension())
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.0.require(py, "Index")?.len())
    }

    fn __repr__(&self) -> String {
        match self.0.value() {
            Some(index) => format!(
                "<Index of {} vectors with {} values>",
                index.len(),
                index.space().dimension()
            ),
            None => "<Index of another process>".to_owned(),
        }
    }
}

/// A matrix, or a single row as a matrix.
fn floats<'py>(
    argument: &'static str,
    object: &Bound<'py, PyAny>,
) -> PyResult<PyReadonlyArray2<'py, f32>> {
    let aligned = aligned(object)?;
    let object = &aligned;
    if let Ok(matrix) = object.extract::<PyReadonlyArray2<'py, f32>>() {
        return Ok(matrix);
    }
    if let Ok(row) = object.extract::<PyReadonlyArray1<'py, f32>>() {
        return Ok(row.reshape([1, row.len()])?.readonly());
    }
    let given = match object.cast::<numpy::PyUntypedArray>() {
        Ok(array) => format!(
            "an array of dtype {} with {} axes",
            array.dtype(),
            array.ndim()
        ),
        Err(_) => object.get_type().fully_qualified_name()?.to_string(),
    };
    Err(PyTypeError::new_err(format!(
        "{argument}: {given} given, a float32 array of shape (n, dimension) needed"
    )))
}

/// The array, or a copy if its memory is not aligned, as in a field of a structured array.
pub(crate) fn aligned<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if object.cast::<numpy::PyUntypedArray>().is_err()
        || object.getattr("flags")?.getattr("aligned")?.is_truthy()?
    {
        return Ok(object.clone());
    }
    let numpy = object.py().import("numpy")?;
    numpy.call_method1("require", (object, object.py().None(), "A"))
}

/// Ids, from any iterable or any object that NumPy makes an array of integers of.
fn numbers(argument: &'static str, object: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    let py = object.py();
    let numpy = py.import("numpy")?;
    let sized = object.hasattr("__len__")? && !object.is_instance_of::<PySet>();
    let object = if sized {
        object.clone()
    } else {
        PyList::new(py, object.try_iter()?.collect::<PyResult<Vec<_>>>()?)?.into_any()
    };
    let array = numpy.call_method1("asarray", (object,))?;
    if array.getattr("size")?.extract::<usize>()? == 0 {
        return Ok(Vec::new());
    }
    let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
    let too_large = array.call_method0("max").and_then(|max| max.gt(i64::MAX));
    if !["i", "u"].contains(&kind.as_str()) || too_large.unwrap_or(true) {
        return Err(PyTypeError::new_err(format!(
            "{argument}: {} given, integers from 0 to 2**63 - 1 needed",
            array.getattr("dtype")?
        )));
    }
    let array = array.call_method0("ravel")?;
    let array = array.call_method1("astype", ("int64",))?;
    let numbers: PyReadonlyArray1<'_, i64> = array.extract()?;
    numbers
        .as_array()
        .iter()
        .map(|&number| {
            u64::try_from(number)
                .map_err(|_| errors::argument(py, argument, format!("{number} is below 0")))
        })
        .collect()
}

/// Inserts rows. Ctrl-C ends it between two batches.
fn insert(
    py: Python<'_>,
    index: &dyn SnapshotIndex,
    rows: ArrayView2<'_, f32>,
    ids: &[u64],
) -> PyResult<()> {
    if ids.len() != rows.nrows() {
        let reason = format!("{} given for {} rows", ids.len(), rows.nrows());
        return Err(errors::argument(py, "ids", reason));
    }
    // These checks come before the first change.
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        let reason = format!("{} is given more than once", twice[0]);
        return Err(errors::argument(py, "ids", reason));
    }
    let batches = || rows.axis_chunks_iter(Axis(0), BATCH);
    // The rows of a single batch are all checked before they are inserted.
    if rows.nrows() > BATCH {
        for rows in batches() {
            py.check_signals()?;
            work::detached(py, || {
                rows.outer_iter()
                    .try_for_each(|row| embedding(index, row).map(drop))
            })?;
        }
    }
    for (rows, ids) in batches().zip(ids.chunks(BATCH)) {
        py.check_signals()?;
        work::detached(py, || {
            let entries = rows
                .outer_iter()
                .zip(ids)
                .map(|(row, &id)| Ok((EntryId(id), embedding(index, row)?)))
                .collect::<Result<Vec<_>>>()?;
            index.insert(&entries)
        })?;
    }
    Ok(())
}

/// The nearest vectors of each probe. Ctrl-C ends it between two batches.
fn search(
    py: Python<'_>,
    index: &dyn SnapshotIndex,
    probes: ArrayView2<'_, f32>,
    options: &SearchOptions<'_>,
) -> PyResult<(Array2<i64>, Array2<f32>)> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut found = Vec::with_capacity(probes.nrows());
    for probes in probes.axis_chunks_iter(Axis(0), PROBES * threads) {
        found.extend(work::detached(py, || {
            search_batch(index, probes, threads, options)
        })?);
        py.check_signals()?;
    }
    // The lengths are equal without a least score, unless another thread changes the index in the meantime.
    let columns = found.iter().map(Vec::len).max().unwrap_or(0);
    let shape = (found.len(), columns);
    let at = |row: usize, column: usize| found[row].get(column);
    let ids = Array2::from_shape_fn(shape, |(row, column)| {
        at(row, column).map_or(-1, |found| found.entry.0 as i64)
    });
    let scores = Array2::from_shape_fn(shape, |(row, column)| {
        at(row, column).map_or(f32::NEG_INFINITY, |found| found.score)
    });
    Ok((ids, scores))
}

fn search_batch(
    index: &dyn SnapshotIndex,
    probes: ArrayView2<'_, f32>,
    threads: usize,
    options: &SearchOptions<'_>,
) -> Result<Vec<Vec<ScoredEntry>>> {
    let all = move |probes: ArrayView2<'_, f32>| {
        let probes = probes.outer_iter().map(|row| embedding(index, row));
        index.search_many(&probes.collect::<Result<Vec<_>>>()?, options)
    };
    let rows = probes.nrows().div_ceil(threads).max(1);
    let mut shares = probes.axis_chunks_iter(Axis(0), rows);
    let Some(own) = shares.next() else {
        return Ok(Vec::new());
    };
    let found = thread::scope(|scope| {
        let others: Vec<_> = shares
            .map(|share| scope.spawn(move || all(share)))
            .collect();
        let own = all(own);
        let others = others.into_iter().map(|other| {
            other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        std::iter::once(own)
            .chain(others)
            .collect::<Result<Vec<_>>>()
    })?;
    Ok(found.into_iter().flatten().collect())
}

fn embedding(index: &dyn SnapshotIndex, row: ArrayView1<'_, f32>) -> Result<Embedding> {
    Embedding::new(index.space(), row.to_vec())
}

/// An index without vectors.
fn empty(py: Python<'_>, dimension: usize, metric: &str, kind: &str) -> PyResult<Held> {
    let metric = match metric {
        "cosine" => Metric::Cosine,
        "euclidean" => Metric::Euclidean,
        _ => {
            let reason = format!("{metric:?} given, \"cosine\" or \"euclidean\" needed");
            return Err(errors::argument(py, "metric", reason));
        }
    };
    let space = EmbeddingSpace::new("index", Digest::from_bytes([0; 32]), dimension);
    Ok(match kind {
        "auto" => Held::Auto(Box::new(AutoIndex::new(space, metric))),
        "deterministic" => Held::Auto(Box::new(AutoIndex::new(space, metric).with_deterministic())),
        "exact" => Held::Flat(Box::new(
            FlatIndex::new(space, metric).with_strategy(SearchStrategy::Scan),
        )),
        "graph" => Held::Graph(Box::new(HnswIndex::new(
            space,
            metric,
            HnswOptions::default(),
        ))),
        _ => {
            let reason = format!(
                "{kind:?} given, \"auto\", \"deterministic\", \"exact\" or \"graph\" needed"
            );
            return Err(errors::argument(py, "kind", reason));
        }
    })
}
