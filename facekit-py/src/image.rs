//! Images as Python has them: arrays of any layout, files, the bytes of files, and what becomes an array.
#![allow(unsafe_code, reason = "pixels lie in memory that Python owns")]

use std::{borrow::Cow, path::PathBuf, slice};

use facekit::{
    Error, Image, ImageView, PixelFormat, Result,
    image::{self, DecodeLimits},
};
use numpy::{
    PyArrayDescrMethods as _, PyArrayDyn, PyArrayMethods as _, PyUntypedArray,
    PyUntypedArrayMethods as _, dtype,
};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyByteArray, PyBytes, PyMemoryView, PyString},
};

use crate::{errors, options, work};

/// What is accepted, for messages.
const ACCEPTED: &str = "a NumPy array of uint8 with shape (height, width, 3), (height, width, 4) or (height, width), \
     the path of an image file, its bytes, or a PIL image";

/// The order of an array's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    Rgb,
    Bgr,
}

impl Color {
    pub(crate) fn parse(name: &str) -> PyResult<Self> {
        match name {
            "rgb" => Ok(Self::Rgb),
            "bgr" => Ok(Self::Bgr),
            _ => Err(PyValueError::new_err(format!(
                "color: {name:?} given, \"rgb\" or \"bgr\" (OpenCV's order) needed"
            ))),
        }
    }
}

/// An image that Python gave. Nothing was read or copied yet, so that this can be done without the interpreter.
pub(crate) enum Photo {
    Array(Pixels),
    Bytes(PyBackedBytes),
    File(PathBuf),
}

impl Photo {
    /// What `object` is, as the argument of this name.
    pub(crate) fn new(argument: &str, object: &Bound<'_, PyAny>, color: Color) -> PyResult<Self> {
        if let Ok(array) = object.cast::<PyUntypedArray>() {
            return Pixels::new(argument, array, color).map(Self::Array);
        }
        if object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyByteArray>() {
            return Ok(Self::Bytes(object.extract()?));
        }
        if object.is_instance_of::<PyMemoryView>() {
            let bytes = object.call_method0("tobytes")?;
            return Ok(Self::Bytes(bytes.extract()?));
        }
        if object.is_instance_of::<PyString>() || object.hasattr("__fspath__")? {
            return Ok(Self::File(object.extract()?));
        }
        // Asked of the type, since an object may make the array only to answer.
        let class = object.get_type();
        if class.hasattr("__array_interface__")? || class.hasattr("__array__")? {
            return Self::array_like(argument, object, color);
        }
        Err(PyTypeError::new_err(format!(
            "{argument}: {} given, {ACCEPTED} needed",
            class.fully_qualified_name()?
        )))
    }

    fn array_like(argument: &str, object: &Bound<'_, PyAny>, color: Color) -> PyResult<Self> {
        let (mut object, mut color) = (object.clone(), color);
        let py = object.py();
        // PIL's images say in what mode they are, and none is BGR.
        if let (Ok(mode), true) = (object.getattr("mode"), object.hasattr("convert")?) {
            color = Color::Rgb;
            // Here, so that what goes wrong is said as Pillow says it.
            if object.hasattr("load")? {
                object.call_method0("load")?;
            }
            object = upright(object)?;
            match mode.extract::<String>()?.as_str() {
                "L" | "RGB" | "RGBA" => {}
                deep if deep.starts_with("I;16") => {
                    let deep = py.import("numpy")?.call_method1("asarray", (object,))?;
                    object = deep
                        .call_method1("__rshift__", (8,))?
                        .call_method1("astype", ("uint8",))?;
                }
                mode @ ("I" | "F") => {
                    return Err(PyTypeError::new_err(format!(
                        "{argument}: a PIL image of mode {mode} given, which does not say what is white; \
                         one of 8 bits a channel (L, RGB, RGBA, …) or of mode I;16 needed"
                    )));
                }
                _ => object = object.call_method1("convert", ("RGB",))?,
            }
        }
        let array = py.import("numpy")?.call_method1("asarray", (object,))?;
        Pixels::new(argument, array.cast::<PyUntypedArray>()?, color).map(Self::Array)
    }

    /// The pixels: borrowed where they lie as facekit reads them, decoded or gathered otherwise. Needs no interpreter.
    pub(crate) fn open(&self) -> Result<Opened<'_>> {
        let limits = DecodeLimits::default();
        match self {
            Self::Array(pixels) => pixels.open(),
            Self::Bytes(bytes) => image::decode(bytes, &limits).map(Opened::Owned),
            Self::File(path) => image::open(path, &limits).map(Opened::Owned),
        }
    }
}

/// Whether this is one image, or meant to be one, rather than several.
pub(crate) fn is_single(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let of_image = |axes: usize| axes == 2 || axes == 3;
    if let Ok(array) = object.cast::<PyUntypedArray>() {
        return Ok(of_image(array.ndim()));
    }
    let class = object.get_type();
    if class.hasattr("__array_interface__")? || class.hasattr("__array__")? {
        // A tensor of another library says how many axes it has, an image of PIL does not.
        let axes = object.getattr("ndim").and_then(|axes| axes.extract());
        return Ok(axes.map_or(true, of_image));
    }
    Ok(object.is_instance_of::<PyBytes>()
        || object.is_instance_of::<PyByteArray>()
        || object.is_instance_of::<PyMemoryView>()
        || object.is_instance_of::<PyString>()
        || object.hasattr("__fspath__")?)
}

/// PIL's image, turned as its EXIF says, as files are.
fn upright<'py>(image: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    const ORIENTATION: u16 = 0x0112;
    if !image.hasattr("getexif")? {
        return Ok(image);
    }
    let exif = image.call_method0("getexif")?;
    let turned = exif.call_method1("get", (ORIENTATION, 1))?;
    if turned.eq(1)? {
        return Ok(image);
    }
    let operations = image.py().import("PIL.ImageOps")?;
    operations.call_method1("exif_transpose", (image,))
}

/// An image that can be looked at.
pub(crate) enum Opened<'a> {
    Borrowed(ImageView<'a>),
    Owned(Image),
}

impl<'a> From<&'a Opened<'_>> for ImageView<'a> {
    fn from(opened: &'a Opened<'_>) -> Self {
        opened.view()
    }
}

impl Opened<'_> {
    pub(crate) fn view(&self) -> ImageView<'_> {
        match self {
            Self::Borrowed(view) => *view,
            Self::Owned(image) => image.view(),
        }
    }

    /// Width and height.
    pub(crate) fn size(&self) -> (usize, usize) {
        let view = self.view();
        (view.width(), view.height())
    }

    /// The pixels as RGB without gaps, so that several steps need not convert them each.
    pub(crate) fn rgb8(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Borrowed(view) => view.rgb8(),
            Self::Owned(image) => Cow::Borrowed(image.data()),
        }
    }
}

/// The pixels of an array of bytes: three or four channels, or one without an axis of its own.
pub(crate) struct Pixels {
    /// The element at the beginning of every axis.
    first: *const u8,
    height: usize,
    width: usize,
    channels: usize,
    /// Bytes from a row, a column and a channel to the next.
    strides: [isize; 3],
    color: Color,
    /// What owns the memory.
    _array: Py<PyUntypedArray>,
}

// SAFETY: the memory belongs to the array, which is kept alive; nothing here writes to it, and Python's documentation asks
// callers neither to write to it nor to give the array another shape in place, while facekit looks.
unsafe impl Send for Pixels {}
// SAFETY: as above.
unsafe impl Sync for Pixels {}

impl Pixels {
    fn new(argument: &str, array: &Bound<'_, PyUntypedArray>, color: Color) -> PyResult<Self> {
        let py = array.py();
        if !array.dtype().is_equiv_to(&dtype::<u8>(py)) {
            let hint = match array.dtype().kind() {
                b'f' => "; for values from 0 to 1, (255 * image).round().astype('uint8') is one",
                b'O' => "; is it a list of images of different sizes?",
                _ => "",
            };
            return Err(PyTypeError::new_err(format!(
                "{argument}: an array of dtype {} given, uint8 needed{hint}",
                array.dtype()
            )));
        }
        let (shape, strides) = (array.shape(), array.strides());
        let wrong = |why: &str| {
            let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
            Err(PyValueError::new_err(format!(
                "{argument}: an array of shape ({}) given, {why}",
                shape.join(", ")
            )))
        };
        let (height, width, channels, strides) = match (shape, strides) {
            (&[height, width], &[row, column]) => (height, width, 1, [row, column, 1]),
            (&[height, width, channels @ (1 | 3 | 4)], &[row, column, channel]) => {
                (height, width, channels, [row, column, channel])
            }
            (&[_, _, _, _], _) => {
                return wrong("(height, width, 3) needed; of a batch, give each image by itself");
            }
            (&[1 | 3 | 4, _, _], _) => {
                return wrong(
                    "(height, width, 3) needed; image.transpose(1, 2, 0) moves the channels",
                );
            }
            _ => return wrong("(height, width, 3), (height, width, 4) or (height, width) needed"),
        };
        if height == 0 || width == 0 {
            return wrong("it has no pixels");
        }
        let limits = DecodeLimits::default();
        // An array can claim more pixels than it has memory for.
        if height.max(width) > limits.max_side || height.saturating_mul(width) > limits.max_pixels {
            let error = Error::ImageTooLarge {
                name: argument.to_owned(),
                found: format!("{width} × {height} pixels"),
                limit: format!(
                    "{} a side and {} in all",
                    limits.max_side, limits.max_pixels
                ),
            };
            return Err(errors::to_python(py, &error));
        }
        let first = array.cast::<PyArrayDyn<u8>>()?.data().cast_const();
        // Where an axis has one place, its stride may be anything.
        let [row, column, channel] = strides;
        let channel = if channels == 1 { 1 } else { channel };
        let column = if width == 1 {
            channels as isize
        } else {
            column
        };
        let row = if height == 1 {
            (width * channels) as isize
        } else {
            row
        };
        Ok(Self {
            first,
            height,
            width,
            channels,
            strides: [row, column, channel],
            color,
            _array: array.clone().unbind(),
        })
    }

    fn open(&self) -> Result<Opened<'_>> {
        match self.packed() {
            Some((first, format)) => {
                let [row, ..] = self.strides;
                let stride = row.unsigned_abs();
                let length = stride * (self.height - 1) + self.width * self.channels;
                // SAFETY: `packed` has found that the rows, each without gaps, follow each other from `first` on, so this is
                // from the array's lowest byte to its highest, and the array is alive.
                let data = unsafe { slice::from_raw_parts(first, length) };
                ImageView::with_stride(data, self.width, self.height, format, stride)
                    .map(Opened::Borrowed)
            }
            None => self.gather().map(Opened::Owned),
        }
    }

    /// The lowest byte and the format, where facekit can read the pixels as they lie. Channels in reverse, which
    /// `image[..., ::-1]` has, are those of the other order.
    fn packed(&self) -> Option<(*const u8, PixelFormat)> {
        let [row, column, channel] = self.strides;
        let pixels_touch = column == self.channels as isize;
        let rows_in_order = row >= (self.width * self.channels) as isize;
        if !pixels_touch || !rows_in_order {
            return None;
        }
        let format = match (self.channels, channel, self.color) {
            (1, ..) => PixelFormat::Gray8,
            (3, 1, Color::Rgb) | (3, -1, Color::Bgr) => PixelFormat::Rgb8,
            (3, 1, Color::Bgr) | (3, -1, Color::Rgb) => PixelFormat::Bgr8,
            (4, 1, Color::Rgb) => PixelFormat::Rgba8,
            _ => return None,
        };
        let back = if channel == -1 { self.channels - 1 } else { 0 };
        Some((self.first.wrapping_sub(back), format))
    }

    /// The pixels one after the other, from wherever they lie.
    fn gather(&self) -> Result<Image> {
        let [row, column, channel] = self.strides;
        let order: [isize; 3] = match (self.channels, self.color) {
            (1, _) => [0; 3],
            (_, Color::Rgb) => [0, 1, 2],
            (_, Color::Bgr) => [2, 1, 0],
        };
        let mut rgb = Vec::with_capacity(3 * self.width * self.height);
        for y in 0..self.height as isize {
            for x in 0..self.width as isize {
                let place = y * row + x * column;
                for at in order {
                    // SAFETY: an element of the array, whose indices are below its shape, and which is alive.
                    rgb.push(unsafe { *self.first.offset(place + at * channel) });
                }
            }
        }
        Image::from_rgb8(rgb, self.width, self.height)
    }
}

/// For drawings in notebooks: the image as JPEG, its longer side at most `max_side` pixels, and its own width and height.
#[pyfunction]
#[pyo3(name = "_encode_jpeg", signature = (image, color, max_side))]
pub(crate) fn encode_jpeg<'py>(
    image: &Bound<'py, PyAny>,
    color: &str,
    max_side: i64,
) -> PyResult<(Bound<'py, PyBytes>, usize, usize)> {
    let py = image.py();
    let max_side = options::whole(py, "max_side", max_side)?;
    let photo = Photo::new("image", image, Color::parse(color)?)?;
    let (jpeg, width, height) = work::detached(py, || {
        let opened = photo.open()?;
        let (width, height) = opened.size();
        let scale = (max_side as f64 / width.max(height) as f64).min(1.0);
        let scaled = |side: usize| ((side as f64 * scale).round() as usize).max(1);
        let small = image::resize(opened.view(), scaled(width), scaled(height))?;
        Ok((image::encode_jpeg(&small, 85), width, height))
    })?;
    Ok((PyBytes::new(py, &jpeg), width, height))
}
