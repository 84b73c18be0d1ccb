//! Inference: the two traits that a runtime implements, and the types in them.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ndarray::{ArrayD, ArrayViewD};

use crate::error::{Error, Result};

/// Loads models. Each inference engine has an implementation in a crate of its own: `facekit-tract`, `facekit-ort`,
/// `facekit-candle`.
///
/// # Contract
///
/// - `load` reads the whole model, or fails. A returned [`Network`] runs.
/// - A model that the engine cannot run exactly is an [`Error::Model`] that names the operator or node, never a network
///   that computes something else.
/// - A wish in [`LoadOptions`] that the engine cannot fulfill is an error. It is never replaced silently.
/// - `Display` gives the runtime's short name, as in `--runtime tract`.
pub trait Runtime: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Makes `model` ready to run.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] for a damaged or unsupported model, [`Error::DeviceUnavailable`] for a missing device,
    /// [`Error::LibraryUnavailable`] if the engine's library is missing.
    fn load(&self, model: &Model, options: &LoadOptions) -> Result<Box<dyn Network>>;
}

/// A model that is ready to run.
///
/// # Contract
///
/// - `run` may be called from many threads at once, and equal inputs give equal outputs.
/// - Inputs are in the order of [`Signature::inputs`], and outputs in the order of [`Signature::outputs`], whatever the
///   engine's own order is.
/// - An input whose rank, type or fixed dimension differs from the signature is an [`Error::Tensor`] that names the
///   input. The model is not run then.
/// - A dimension that is [`Dim::Any`] takes every size that the model can compute.
pub trait Network: fmt::Debug + Send + Sync + 'static {
    /// The inputs and outputs of the model.
    fn signature(&self) -> &Signature;

    /// Runs the model once.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] for inputs that do not fit the signature, [`Error::Runtime`] if the engine fails.
    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>>;
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        impl<R: Runtime + ?Sized> Runtime for $pointer<R> {
            fn load(&self, model: &Model, options: &LoadOptions) -> Result<Box<dyn Network>> {
                (**self).load(model, options)
            }
        }

        #[deny(clippy::missing_trait_methods)]
        impl<N: Network + ?Sized> Network for $pointer<N> {
            fn signature(&self) -> &Signature {
                (**self).signature()
            }

            fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
                (**self).run(inputs)
            }
        }
    };
}

forward!(Arc);
forward!(Box);

/// The bytes of an ONNX model, with a name.
///
/// ```no_run
/// let model = facekit::Model::open("yunet_n_dynamic.onnx")?;
/// assert_eq!(model.name(), "yunet_n_dynamic");
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone)]
pub struct Model {
    name: String,
    bytes: Arc<[u8]>,
    path: Option<PathBuf>,
}

impl Model {
    /// A model from bytes in memory. Errors and logs call it `name`.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            path: None,
        }
    }

    /// Reads a model file. The model's name is that of the file, without the extension.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::io("reading", path))?;
        let name = path
            .file_stem()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        Ok(Self {
            name,
            bytes: bytes.into(),
            path: Some(path.to_owned()),
        })
    }

    /// The same model under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The name for errors and logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The serialized ONNX graph.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[cfg(feature = "engine")]
    pub(crate) fn into_bytes(self) -> Arc<[u8]> {
        self.bytes
    }

    /// The path of the file that the bytes were read from; `None` for bytes in memory. External tensor data is looked for
    /// beside it.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("name", &self.name)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// Options of [`Runtime::load`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// The most threads that one `run` may use. `None` leaves the number to the runtime. This is an upper bound: a runtime
    /// that computes a run on a single thread ignores it.
    pub threads: Option<usize>,
}

impl LoadOptions {
    /// Sets [`threads`](Self::threads).
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }
}

/// The inputs and outputs of a [`Network`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The inputs, in the order in which `run` takes them.
    pub inputs: Vec<Port>,
    /// The outputs, in the order in which `run` returns them.
    pub outputs: Vec<Port>,
}

impl Signature {
    /// Checks inputs as the contract of [`Network`] demands. For implementations of a runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] with the name of the first input that does not fit.
    pub fn check(&self, model: &str, inputs: &[TensorView<'_>]) -> Result<()> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::Tensor {
                model: model.to_owned(),
                port: "inputs".to_owned(),
                expected: self.inputs.len().to_string(),
                found: inputs.len().to_string(),
            });
        }
        for (port, input) in self.inputs.iter().zip(inputs) {
            let fits = input.element() == port.element
                && input.shape().len() == port.shape.len()
                && input
                    .shape()
                    .iter()
                    .zip(&port.shape)
                    .all(|(&size, dim)| dim.accepts(size));
            if !fits {
                return Err(Error::Tensor {
                    model: model.to_owned(),
                    port: format!("input {:?}", port.name),
                    expected: port.describe(),
                    found: input.describe(),
                });
            }
        }
        Ok(())
    }
}

/// One input or output of a [`Network`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name in the graph.
    pub name: String,
    /// The type of its elements.
    pub element: Element,
    /// The dimensions, outermost first.
    pub shape: Vec<Dim>,
}

impl Port {
    fn describe(&self) -> String {
        let dims: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        format!("{} [{}]", self.element, dims.join(", "))
    }
}

/// One dimension of a [`Port`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// Every size of at least 1.
    Any,
    /// This size only.
    Fixed(usize),
}

impl Dim {
    /// True if a tensor may have this size in this dimension.
    #[must_use]
    pub fn accepts(self, size: usize) -> bool {
        match self {
            Self::Any => size > 0,
            Self::Fixed(fixed) => size == fixed,
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Fixed(size) => size.fmt(f),
        }
    }
}

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// 32-bit floating point.
    F32,
    /// 64-bit signed integer.
    I64,
    /// 8-bit unsigned integer.
    U8,
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::I64 => "i64",
            Self::U8 => "u8",
        })
    }
}

macro_rules! tensors {
    ($($variant:ident($element:ty)),+) => {
        /// A tensor that owns its elements, in standard (row-major) layout.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Tensor {
            $(#[doc = concat!("Elements of type `", stringify!($element), "`.")] $variant(ArrayD<$element>)),+
        }

        /// A borrowed tensor, of any layout.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum TensorView<'a> {
            $(#[doc = concat!("Elements of type `", stringify!($element), "`.")] $variant(ArrayViewD<'a, $element>)),+
        }

        impl Tensor {
            /// A view over the whole tensor.
            #[must_use]
            pub fn view(&self) -> TensorView<'_> {
                match self { $(Self::$variant(array) => TensorView::$variant(array.view())),+ }
            }
        }

        impl TensorView<'_> {
            /// The type of the elements.
            #[must_use]
            pub fn element(&self) -> Element {
                match self { $(Self::$variant(_) => Element::$variant),+ }
            }

            /// The dimensions, outermost first.
            #[must_use]
            pub fn shape(&self) -> &[usize] {
                match self { $(Self::$variant(view) => view.shape()),+ }
            }
        }

        $(
            impl From<ArrayD<$element>> for Tensor {
                fn from(array: ArrayD<$element>) -> Self {
                    Self::$variant(array)
                }
            }

            impl<'a> From<ArrayViewD<'a, $element>> for TensorView<'a> {
                fn from(view: ArrayViewD<'a, $element>) -> Self {
                    Self::$variant(view)
                }
            }
        )+
    };
}

tensors!(F32(f32), I64(i64), U8(u8));

impl Tensor {
    /// The type of the elements.
    #[must_use]
    pub fn element(&self) -> Element {
        self.view().element()
    }

    /// The elements, if they are `f32`.
    #[must_use]
    pub fn as_f32(&self) -> Option<&ArrayD<f32>> {
        match self {
            Self::F32(array) => Some(array),
            _ => None,
        }
    }
}

impl TensorView<'_> {
    fn describe(&self) -> String {
        format!("{} {:?}", self.element(), self.shape())
    }
}
