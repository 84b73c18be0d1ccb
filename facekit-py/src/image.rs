//! Images from Python: arrays of any layout, files, bytes of files, and objects that convert to an array.
#![allow(unsafe_code, reason = "Python owns the memory of the pixels")]

use std::{path::PathBuf, slice};

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

/// The accepted types, for messages.
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

/// An image from Python. It is not read or copied yet, so that this can happen without the interpreter.
pub(crate) enum Photo {
    Array(Pixels),
    Bytes(PyBackedBytes),
    File(PathBuf),
}

impl Photo {
    /// The image that `object` is. `argument` is its name in errors.
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
        // This asks the type, because an object may make the array to answer.
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
        // An image of PIL has a mode, and none is BGR.
        if let (Ok(mode), true) = (object.getattr("mode"), object.hasattr("convert")?) {
            color = Color::Rgb;
            // An error is then the one that Pillow raises.
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
                        "{argument}: a PIL image of mode {mode} given, which has no fixed range; \
                         one with 8 bits per channel (L, RGB, RGBA, …) or mode I;16 needed"
                    )));
                }
                _ => object = object.call_method1("convert", ("RGB",))?,
            }
        }
        let array = py.import("numpy")?.call_method1("asarray", (object,))?;
        Pixels::new(argument, array.cast::<PyUntypedArray>()?, color).map(Self::Array)
    }

    /// The pixels. They are borrowed if facekit can read the array's layout, and decoded or copied otherwise. Needs no interpreter.
    pub(crate) fn open(&self, limits: &DecodeLimits) -> Result<Opened<'_>> {
        match self {
            Self::Array(pixels) => pixels.open(),
            Self::Bytes(bytes) => image::decode(bytes, limits).map(Opened::Owned),
            Self::File(path) => image::open(path, limits).map(Opened::Owned),
        }
    }
}

/// True if the object is, or is meant to be, one image and not an iterable of images.
pub(crate) fn is_single(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let of_image = |axes: usize| axes == 2 || axes == 3;
    if let Ok(array) = object.cast::<PyUntypedArray>() {
        return Ok(of_image(array.ndim()));
    }
    let class = object.get_type();
    if class.hasattr("__array_interface__")? || class.hasattr("__array__")? {
        // A tensor of another library has a number of axes, an image of PIL does not.
        let axes = object.getattr("ndim").and_then(|axes| axes.extract());
        return Ok(axes.map_or(true, of_image));
    }
    Ok(object.is_instance_of::<PyBytes>()
        || object.is_instance_of::<PyByteArray>()
        || object.is_instance_of::<PyMemoryView>()
        || object.is_instance_of::<PyString>()
        || object.hasattr("__fspath__")?)
}

/// An image of PIL, turned upright by its EXIF data, as facekit does with files.
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

/// An image whose pixels can be read.
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
}

/// The pixels of an array of bytes with three or four channels, or with one channel and no axis for it.
pub(crate) struct Pixels {
    /// The element whose indices are all 0.
    first: *const u8,
    height: usize,
    width: usize,
    channels: usize,
    /// The bytes from one row, column and channel to the next.
    strides: [isize; 3],
    color: Color,
    /// The owner of the memory.
    _array: Py<PyUntypedArray>,
}

// SAFETY: the memory belongs to the array, which `_array` keeps alive. This module does not write to it. The documentation of the
// Python package requires that callers neither write to the array nor change its shape in place while facekit reads it.
unsafe impl Send for Pixels {}
// SAFETY: as above.
unsafe impl Sync for Pixels {}

impl Pixels {
    fn new(argument: &str, array: &Bound<'_, PyUntypedArray>, color: Color) -> PyResult<Self> {
        let py = array.py();
        if !array.dtype().is_equiv_to(&dtype::<u8>(py)) {
            let hint = match array.dtype().kind() {
                b'f' => "; for values from 0 to 1, use (255 * image).round().astype('uint8')",
                b'O' => "; images of different sizes do not make an array",
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
                return wrong("(height, width, 3) needed; pass the images of a batch one by one");
            }
            (&[1 | 3 | 4, _, _], _) => {
                return wrong("(height, width, 3) needed; use image.transpose(1, 2, 0)");
            }
            _ => return wrong("(height, width, 3), (height, width, 4) or (height, width) needed"),
        };
        if height == 0 || width == 0 {
            return wrong("it has no pixels");
        }
        /// The pixels of the largest array, whose memory is the caller's: the whole frame of a 64-megapixel camera.
        const MAX_PIXELS: usize = 1 << 26;
        let limits = DecodeLimits::default();
        // An array with a stride of 0 can have more pixels than memory.
        if height.max(width) > limits.max_side || height.saturating_mul(width) > MAX_PIXELS {
            let error = Error::ImageTooLarge {
                name: argument.to_owned(),
                found: format!("{width} × {height} pixels"),
                limit: format!("{} per side and {MAX_PIXELS} in total", limits.max_side),
            };
            return Err(errors::to_python(py, &error));
        }
        let first = array.cast::<PyArrayDyn<u8>>()?.data().cast_const();
        // The stride of an axis with one element can have any value.
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
                // SAFETY: `packed` checked that rows have no gaps inside and follow each other from `first` on. So this is the
                // memory from the array's lowest byte to its highest, and the array is alive.
                let data = unsafe { slice::from_raw_parts(first, length) };
                ImageView::with_stride(data, self.width, self.height, format, stride)
                    .map(Opened::Borrowed)
            }
            None => self.gather().map(Opened::Owned),
        }
    }

    /// The lowest byte and the format, if facekit can read the array's layout. Reversed channels, such as those of
    /// `image[..., ::-1]`, are the other channel order.
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

    /// A copy of the pixels, from any layout.
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
                let pixel = y * row + x * column;
                for place in order {
                    // SAFETY: this is an element of the array: its indices are below the shape. The array is alive.
                    rgb.push(unsafe { *self.first.offset(pixel + place * channel) });
                }
            }
        }
        Image::from_rgb8(rgb, self.width, self.height)
    }
}

/// For drawings in notebooks: the image as JPEG whose longer side has at most `max_side` pixels, and the image's width and height.
#[pyfunction]
#[pyo3(name = "_encode_jpeg", signature = (image, color, max_side))]
pub(crate) fn encode_jpeg<'py>(
    image: &Bound<'py, PyAny>,
    color: &str,
    max_side: i64,
) -> PyResult<(Bound<'py, PyBytes>, usize, usize)> {
    let py = image.py();
    let max_side = options::count(py, "max_side", max_side)?;
    let photo = Photo::new("image", image, Color::parse(color)?)?;
    let (jpeg, width, height) = work::detached(py, || {
        let opened = photo.open(&DecodeLimits::default())?;
        let (width, height) = opened.size();
        let scale = (max_side as f64 / width.max(height) as f64).min(1.0);
        let scaled = |side: usize| ((side as f64 * scale).round() as usize).max(1);
        let small = image::resize(opened.view(), scaled(width), scaled(height))?;
        Ok((image::encode_jpeg(&small, 85), width, height))
    })?;
    Ok((PyBytes::new(py, &jpeg), width, height))
}
