//! The narrow waist: what an inference runtime implements, and nothing else.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ndarray::{ArrayD, ArrayViewD};

use crate::error::{Error, Result};

/// Loads models. One implementation per inference engine: `facekit-tract`, `facekit-ort`, …
///
/// # Contract
///
/// - `load` reads the whole model, or fails; a [`Network`] that was returned runs.
/// - A model the engine cannot run exactly is an [`Error::Model`] that names the operator or node, never
///   a network that computes something else.
/// - What [`LoadOptions`] asks for and the engine cannot give is an error, never a silent substitute.
/// - `Display` gives the runtime's short name, as in `--runtime tract`.
pub trait Runtime: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Makes `model` ready to run.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] for a damaged or unsupported model, [`Error::DeviceUnavailable`] for a device
    /// that is not there, [`Error::LibraryUnavailable`] where the engine itself is not.
    fn load(&self, model: &Model, options: &LoadOptions) -> Result<Box<dyn Network>>;
}

/// A model that is ready to run.
///
/// # Contract
///
/// - `run` may be called from many threads at once, and equal inputs give equal outputs.
/// - Inputs are given in the order of [`Signature::inputs`]; outputs come in the order of
///   [`Signature::outputs`], whatever the runtime's own order.
/// - An input of another rank, type or fixed dimension than the signature states is an [`Error::Tensor`]
///   that names the input; nothing is run.
/// - A dimension that is [`Dim::Any`] takes any size the model itself can compute.
pub trait Network: fmt::Debug + Send + Sync + 'static {
    /// What goes in and what comes out.
    fn signature(&self) -> &Signature;

    /// Runs the model once.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] for inputs that do not fit, [`Error::Runtime`] where the engine fails.
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

/// An ONNX model's bytes under a name.
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
    /// A model already in memory. `name` stands in errors and logs.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            path: None,
        }
    }

    /// Reads a model file; its name is the file's, without the extension.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file cannot be read.
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

    /// The serialised ONNX graph.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[cfg(feature = "engine")]
    pub(crate) fn into_bytes(self) -> Arc<[u8]> {
        self.bytes
    }

    /// Where the bytes came from, which is where external tensor data would lie.
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

/// How to load a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Threads one `run` may use; `None` leaves it to the runtime. A runtime that computes a run on a
    /// single thread ignores it: it is an upper bound.
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

/// What a [`Network`] takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The inputs, in the order `run` takes them.
    pub inputs: Vec<Port>,
    /// The outputs, in the order `run` gives them.
    pub outputs: Vec<Port>,
}

impl Signature {
    /// Checks inputs as the contract of [`Network::run`] demands; for those who implement a runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] that names the first input that does not fit.
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
    /// Its name in the graph.
    pub name: String,
    /// The type of its elements.
    pub element: Element,
    /// Its dimensions, outermost first.
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
    /// Any size of at least one.
    Any,
    /// This size alone.
    Fixed(usize),
}

impl Dim {
    /// Whether a tensor may have this size here.
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
            /// A view over all of it.
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

    /// The elements, where they are `f32`.
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
