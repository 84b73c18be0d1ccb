//! The processor or the accelerator that computes.

use std::{fmt, str::FromStr};

use facekit::{Error, Result};
use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};

use crate::error::NAME;

/// The processor or the accelerator that computes: those of ONNX Runtime's *execution providers* that facekit supports.
///
/// The text forms are `cpu`, `cuda`, `cuda:1`, `tensorrt`, `tensorrt:1`, `openvino`, `openvino:GPU` and `coreml`.
///
/// ```
/// use facekit_ort::Provider;
///
/// assert_eq!("cuda:1".parse::<Provider>()?, Provider::Cuda { device: 1 });
/// assert_eq!(Provider::Cuda { device: 0 }.to_string(), "cuda");
/// assert!("cuda:first".parse::<Provider>().is_err());
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// The processor. Every library has it.
    #[default]
    Cpu,
    /// An NVIDIA graphics processor, through CUDA, in full 32-bit precision.
    Cuda {
        /// The number of the device, from 0.
        device: u32,
    },
    /// An NVIDIA graphics processor, through TensorRT. Operators that TensorRT lacks run on CUDA.
    TensorRt {
        /// The number of the device, from 0.
        device: u32,
    },
    /// Intel's processors, graphics and neural units, through OpenVINO.
    OpenVino {
        /// OpenVINO's name of the device: `CPU`, `GPU`, `GPU.1` or `NPU`. With `None` the library chooses.
        device: Option<String>,
    },
    /// Apple's graphics and neural units, through Core ML.
    CoreMl,
}

impl Provider {
    /// The execution providers of a session, in order of preference. None of them means the processor.
    ///
    /// # Errors
    ///
    /// [`Error::DeviceUnavailable`] if the library was built without the provider.
    pub(crate) fn execution_providers(&self) -> Result<Vec<ExecutionProviderDispatch>> {
        let providers = match self {
            Self::Cpu => Vec::new(),
            Self::Cuda { device } => vec![self.available(cuda(*device))?],
            Self::TensorRt { device } => {
                let number = i32::try_from(*device).unwrap_or(i32::MAX);
                let tensorrt = ep::TensorRT::default().with_device_id(number);
                vec![self.available(tensorrt)?, self.available(cuda(*device))?]
            }
            Self::OpenVino { device } => {
                let openvino = ep::OpenVINO::default();
                vec![self.available(match device {
                    Some(device) => openvino.with_device_type(device),
                    None => openvino,
                })?]
            }
            Self::CoreMl => vec![self.available(ep::CoreML::default())?],
        };
        Ok(providers)
    }

    /// The error for a provider that cannot be used for this reason.
    pub(crate) fn unavailable(&self, reason: impl Into<String>) -> Error {
        Error::DeviceUnavailable {
            runtime: NAME,
            device: self.to_string(),
            reason: reason.into(),
        }
    }

    fn available<P>(&self, provider: P) -> Result<ExecutionProviderDispatch>
    where
        P: ExecutionProvider + Into<ExecutionProviderDispatch>,
    {
        match P::is_available() {
            Ok(true) => Ok(provider.into().error_on_failure()),
            Ok(false) => {
                let reason = format!("the library of ONNX Runtime was built without {}", P::NAME);
                Err(self.unavailable(reason))
            }
            Err(error) => Err(self.unavailable(error.to_string())),
        }
    }
}

/// With a heuristic for the fastest convolution: the default search would try all algorithms again for every new input size.
fn cuda(device: u32) -> ep::CUDA {
    ep::CUDA::default()
        .with_device_id(i32::try_from(device).unwrap_or(i32::MAX))
        .with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Heuristic)
        .with_tf32(false)
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda { device: 0 } => f.write_str("cuda"),
            Self::Cuda { device } => write!(f, "cuda:{device}"),
            Self::TensorRt { device: 0 } => f.write_str("tensorrt"),
            Self::TensorRt { device } => write!(f, "tensorrt:{device}"),
            Self::OpenVino { device: None } => f.write_str("openvino"),
            Self::OpenVino {
                device: Some(device),
            } => write!(f, "openvino:{device}"),
            Self::CoreMl => f.write_str("coreml"),
        }
    }
}

impl FromStr for Provider {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, device) = match text.split_once(':') {
            Some((name, device)) => (name, Some(device)),
            None => (text, None),
        };
        let number = || device.map_or(Some(0), |device| device.parse().ok());
        let provider = match name {
            "cpu" if device.is_none() => Some(Self::Cpu),
            "coreml" if device.is_none() => Some(Self::CoreMl),
            "cuda" => number().map(|device| Self::Cuda { device }),
            "tensorrt" => number().map(|device| Self::TensorRt { device }),
            "openvino" if device != Some("") => Some(Self::OpenVino {
                device: device.map(str::to_owned),
            }),
            _ => None,
        };
        provider.ok_or_else(|| {
            let known =
                "cpu, cuda, cuda:N, tensorrt, tensorrt:N, openvino, openvino:DEVICE, coreml";
            Error::argument("provider", format!("{text:?} is not one of {known}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_parsed_and_printed() {
        for text in [
            "cpu",
            "cuda",
            "cuda:3",
            "tensorrt",
            "tensorrt:1",
            "openvino",
            "openvino:GPU.1",
            "coreml",
        ] {
            let provider: Provider = text.parse().unwrap();
            assert_eq!(provider.to_string(), text);
        }
        assert_eq!("cuda:0".parse::<Provider>().unwrap().to_string(), "cuda");
        for text in [
            "",
            "gpu",
            "CPU",
            "cpu:0",
            "cuda:",
            "cuda:-1",
            "cuda:x",
            "openvino:",
            "coreml:0",
        ] {
            let error = text.parse::<Provider>().unwrap_err();
            assert!(error.is_invalid_input(), "{text:?}");
        }
    }
}
