//! `Box` and `Detection`: the places of faces.

use facekit::{Point, Rect};
use numpy::{PyArray2, ndarray::Array2};
use pyo3::{
    prelude::*,
    types::{PyIterator, PyTuple},
};
use serde::{Deserialize, Serialize};

use crate::{
    errors,
    options::fraction,
    value::{self, value_class},
};

/// An upright box in an image, in pixels. The origin is the top left corner of the image, and y grows downward. The box may extend
/// beyond the image.
///
/// A box can be unpacked and indexed as `x, y, width, height`.
///
/// >>> from facekit import Box
/// >>> box = Box(10, 20, 30, 40)
/// >>> x, y, width, height = box
/// >>> box.xyxy
/// (10.0, 20.0, 40.0, 60.0)
#[pyclass(frozen, eq, sequence, module = "facekit", from_py_object)]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Box(pub(crate) Rect);

value_class!(Box {
    /// Raises InvalidArgumentError if a number is not finite, or if width or height is negative.
    #[new]
    fn new(py: Python<'_>, x: f32, y: f32, width: f32, height: f32) -> PyResult<Self> {
        let numbers = [x, y, width, height];
        if width < 0.0 || height < 0.0 || !numbers.iter().all(|number| number.is_finite()) {
            let reason = format!("{numbers:?} given, finite numbers and a size of at least 0 needed");
            return Err(errors::argument(py, "box", reason));
        }
        Ok(Self(Rect::new(x, y, width, height)))
    }

    /// The left edge.
    #[getter]
    fn x(&self) -> f32 {
        self.0.x
    }

    /// The top edge.
    #[getter]
    fn y(&self) -> f32 {
        self.0.y
    }

    /// The width, never negative.
    #[getter]
    fn width(&self) -> f32 {
        self.0.width
    }

    /// The height, never negative.
    #[getter]
    fn height(&self) -> f32 {
        self.0.height
    }

    /// Left, top, right and bottom edge: the form of OpenCV's drawing functions and of insightface.
    #[getter]
    fn xyxy(&self) -> (f32, f32, f32, f32) {
        let Rect { x, y, width, height } = self.0;
        (x, y, x + width, y + height)
    }

    /// The area in square pixels.
    #[getter]
    fn area(&self) -> f32 {
        self.0.area()
    }

    /// The center, x and y.
    #[getter]
    fn center(&self) -> (f32, f32) {
        let center = self.0.center();
        (center.x, center.y)
    }

    /// Intersection over union with another box, 0 to 1.
    ///
    /// >>> from facekit import Box
    /// >>> Box(0, 0, 10, 10).iou(Box(0, 0, 10, 5))
    /// 0.5
    fn iou(&self, other: &Self) -> f32 {
        self.0.iou(&other.0)
    }

    fn __len__(&self) -> usize {
        4
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.tuple(py)?.try_iter()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: isize) -> PyResult<Bound<'py, PyAny>> {
        self.tuple(py)?.as_any().get_item(index)
    }

    pub(crate) fn __repr__(&self) -> String {
        let Rect { x, y, width, height } = self.0;
        format!("Box(x={x:?}, y={y:?}, width={width:?}, height={height:?})")
    }
});

impl Box {
    fn tuple<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let Rect {
            x,
            y,
            width,
            height,
        } = self.0;
        (x, y, width, height).into_pyobject(py)
    }
}

/// A face that a detector found.
///
/// The constructor is for faces of another detector:
///
/// >>> from facekit import Detection
/// >>> points = [(30, 45), (60, 45), (45, 60), (33, 80), (58, 80)]
/// >>> face = Detection((10, 20, 70, 90), points, score=0.9)
/// >>> face.box.width
/// 70.0
/// >>> face.landmarks.shape
/// (5, 2)
#[pyclass(frozen, eq, module = "facekit", from_py_object)]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Detection(pub(crate) facekit::Detection);

value_class!(Detection {
    #[new]
    #[pyo3(signature = (r#box, landmarks, score = 1.0))]
    fn new(
        py: Python<'_>,
        r#box: [f32; 4],
        landmarks: [[f32; 2]; 5],
        score: f32,
    ) -> PyResult<Self> {
        let [x, y, width, height] = r#box;
        if !landmarks.as_flattened().iter().all(|number| number.is_finite()) {
            let reason = format!("{landmarks:?} given, finite numbers needed");
            return Err(errors::argument(py, "landmarks", reason));
        }
        fraction(py, "score", Some(score))?;
        Ok(Self(facekit::Detection {
            rect: Box::new(py, x, y, width, height)?.0,
            landmarks: landmarks.map(|[x, y]| Point::new(x, y)).into(),
            score,
        }))
    }

    /// The box around the face, in pixels of the image.
    #[getter]
    fn r#box(&self) -> Box {
        Box(self.0.rect)
    }

    /// Five points as a float32 array of shape (5, 2), x and y in pixels of the image. The order is: the eye on the left of the image,
    /// the eye on the right, the tip of the nose, the corner of the mouth on the left, the corner on the right.
    #[getter]
    fn landmarks<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f32>> {
        landmarks(py, &self.0)
    }

    /// The score of the detector, 0 to 1. Only scores of the same detector can be compared.
    #[getter]
    fn score(&self) -> f32 {
        self.0.score
    }

    fn __repr__(&self) -> String {
        format!("Detection(box={}, score={:?})", Box(self.0.rect).__repr__(), self.0.score)
    }
});

/// The landmarks as an array of shape (5, 2).
pub(crate) fn landmarks<'py>(
    py: Python<'py>,
    face: &facekit::Detection,
) -> Bound<'py, PyArray2<f32>> {
    let points = face.landmarks.points();
    let array = Array2::from_shape_fn((5, 2), |(number, axis)| {
        if axis == 0 {
            points[number].x
        } else {
            points[number].y
        }
    });
    PyArray2::from_owned_array(py, array)
}
