//! Embeddings: faces as vectors.

use std::sync::Arc;

use facekit::{Digest, Error, Result};
use numpy::{PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods as _};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyTuple},
};
use serde::{Deserialize, Serialize};

use crate::{
    errors,
    index::aligned,
    value::{self, value_class},
};

/// A space of embeddings that can be compared: those of one model and one preprocessing.
///
/// Two spaces are equal if fingerprint and dimension are equal. The model's name is for people.
///
/// >>> from facekit import EmbeddingSpace
/// >>> EmbeddingSpace("example", "00" * 32, 512).dimension
/// 512
#[pyclass(frozen, eq, module = "facekit", from_py_object)]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct EmbeddingSpace(pub(crate) facekit::EmbeddingSpace);

value_class!(EmbeddingSpace {
    /// A space for vectors that do not come from facekit. `fingerprint` identifies the model and its preprocessing by 64
    /// hexadecimal digits, such as a SHA-256 digest.
    #[new]
    fn new(py: Python<'_>, model: &str, fingerprint: &str, dimension: usize) -> PyResult<Self> {
        let fingerprint = fingerprint.parse::<Digest>().map_err(|error| {
            errors::argument(py, "fingerprint", format!("{fingerprint:?}: {error}"))
        })?;
        Ok(Self(facekit::EmbeddingSpace::new(model, fingerprint, dimension)))
    }

    /// The model's name.
    #[getter]
    fn model(&self) -> &str {
        self.0.model()
    }

    /// The digest of weights and preprocessing, as hexadecimal digits.
    #[getter]
    fn fingerprint(&self) -> String {
        self.0.fingerprint().to_string()
    }

    /// The number of values of an embedding.
    #[getter]
    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<EmbeddingSpace {}>", self.0)
    }
});

/// A face as a vector of length one.
///
/// `embedding.values` and `numpy.asarray(embedding)` are the values without a copy, as a read-only float32 array of shape
/// (dimension,). The repr does not show the values, because they are personal data.
///
/// >>> import numpy as np
/// >>> from facekit import Embedding, EmbeddingSpace
/// >>> space = EmbeddingSpace("example", "00" * 32, 2)
/// >>> a = Embedding(space, np.array([3, 4], dtype="float32"))
/// >>> [round(float(value), 2) for value in a.values]
/// [0.6, 0.8]
/// >>> round(a.cosine(a), 5)
/// 1.0
#[pyclass(frozen, eq, module = "facekit", from_py_object)]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedEmbedding", into = "SavedEmbedding")]
pub(crate) struct Embedding(pub(crate) Arc<facekit::Embedding>);

impl From<facekit::Embedding> for Embedding {
    fn from(embedding: facekit::Embedding) -> Self {
        Self(Arc::new(embedding))
    }
}

#[pymethods]
impl Embedding {
    /// An embedding from its values: one float32 for each dimension of the space, finite and not all zero. They are scaled to
    /// length one.
    #[new]
    fn new(py: Python<'_>, space: &EmbeddingSpace, values: &Bound<'_, PyAny>) -> PyResult<Self> {
        let given = aligned(values)?;
        let Ok(array) = given.extract::<PyReadonlyArray1<'_, f32>>() else {
            let given = match values.cast::<PyUntypedArray>() {
                Ok(array) => format!("{} with {} axes", array.dtype(), array.ndim()),
                Err(_) => values.get_type().fully_qualified_name()?.to_string(),
            };
            return Err(PyTypeError::new_err(format!(
                "values: {given} given, a float32 array with one axis needed"
            )));
        };
        let values = array.as_array().to_vec();
        facekit::Embedding::new(&space.0, values)
            .map(Self::from)
            .map_err(|error| errors::to_python(py, &error))
    }

    /// The embedding's space.
    #[getter]
    fn space(&self) -> EmbeddingSpace {
        EmbeddingSpace(self.0.space().clone())
    }

    /// The values, as a read-only float32 array of shape (dimension,) in the embedding's own memory.
    #[getter]
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("numpy")?.call_method1("asarray", (slf,))
    }

    /// True if it is the normalized sum of the embeddings of a face and of its mirror image. This is not kept when the embedding is
    /// pickled.
    #[getter]
    fn is_mirrored(&self) -> bool {
        self.0.is_mirrored()
    }

    /// NumPy's array interface, version 3. The array keeps the embedding alive.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let values = self.0.values();
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("shape", (values.len(),))?;
        let order = if cfg!(target_endian = "little") {
            "<f4"
        } else {
            ">f4"
        };
        interface.set_item("typestr", order)?;
        // The second value: read-only.
        interface.set_item("data", (values.as_ptr() as usize, true))?;
        Ok(interface)
    }

    /// The cosine of the angle to another embedding of the same space, -1 to 1. Greater is closer.
    ///
    /// Raises SpaceMismatchError if the spaces differ.
    ///
    /// >>> import facekit
    /// >>> recognizer = facekit.Recognizer()
    /// >>> a, b = (recognizer.embed(photo)[0] for photo in ("anna.jpg", "door.jpg"))
    /// >>> a.cosine(b) > recognizer.threshold()
    /// True
    fn cosine(&self, py: Python<'_>, other: &Self) -> PyResult<f32> {
        self.0
            .cosine(&other.0)
            .map_err(|error| errors::to_python(py, &error))
    }

    fn __len__(&self) -> usize {
        self.0.values().len()
    }

    /// Space and values as Python's own types.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::to_dict(py, self)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        value::reduce(py, "Embedding", self)
    }

    fn __repr__(&self) -> String {
        format!("<Embedding {}>", self.0.space())
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SavedEmbedding {
    space: facekit::EmbeddingSpace,
    values: Vec<f32>,
}

impl From<Embedding> for SavedEmbedding {
    fn from(Embedding(embedding): Embedding) -> Self {
        Self {
            space: embedding.space().clone(),
            values: embedding.values().to_vec(),
        }
    }
}

impl TryFrom<SavedEmbedding> for Embedding {
    type Error = Error;

    fn try_from(saved: SavedEmbedding) -> Result<Self> {
        facekit::Embedding::new(&saved.space, saved.values).map(Self::from)
    }
}
