//! Models that are ready to run.

use std::fmt;

use candle_core::{Device, Tensor as CandleTensor, bail};
use facekit::{Dim, Element, Error, Model, Network, Port, Result, Signature, Tensor, TensorView};
use facekit_onnx::rewrite::widen_halves;
use ndarray::ArrayD;

use crate::{
    error::{NAME, StepError, cannot_run},
    ops,
    plan::Plan,
    target::Target,
    tensor,
};

/// A model that candle computes.
pub(crate) struct CandleNetwork {
    model: String,
    signature: Signature,
    device: Device,
    plan: Plan,
}

impl CandleNetwork {
    pub(crate) fn load(model: &Model, target: &Target) -> Result<Self> {
        let mut proto = facekit_onnx::read(model)?;
        widen_halves(&mut proto);
        facekit_onnx::check_operators(&proto, model, NAME, ops::is_known)?;
        let inputs = facekit_onnx::inputs(&proto, model)?;
        let names = inputs.iter().map(|port| port.name.as_str());
        let plan = Plan::new(&proto, model, names, target)?;
        tracing::debug!(model = model.name(), steps = plan.len(), "translated");

        // If every size of the inputs is fixed, a first run shows that the model can be computed, and the sizes of its outputs.
        let zeros: Option<Vec<Tensor>> = inputs.iter().map(zeros).collect();
        let shapes = match zeros {
            Some(zeros) => {
                let views: Vec<_> = zeros.iter().map(Tensor::view).collect();
                let computed = to_candle(&inputs, &views, &target.device)
                    .and_then(|inputs| plan.run(inputs))
                    .map_err(|error| Error::Model {
                        model: model.name().to_owned(),
                        reason: format!("{NAME} cannot compute it"),
                        source: Some(error.into()),
                    })?;
                computed.iter().map(|tensor| Some(sizes(tensor))).collect()
            }
            None => vec![None; plan.output_count()],
        };
        let outputs = facekit_onnx::outputs(&proto, shapes, model)?;
        Ok(Self {
            model: model.name().to_owned(),
            signature: Signature { inputs, outputs },
            device: target.device.clone(),
            plan,
        })
    }

    fn compute(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>, StepError> {
        let inputs = to_candle(&self.signature.inputs, inputs, &self.device)?;
        let outputs = self.plan.run(inputs)?;
        let ports = self.signature.outputs.iter().zip(&outputs);
        ports
            .map(|(port, tensor)| {
                from_candle(port, tensor).map_err(|source| StepError {
                    context: format!("output {:?}", port.name),
                    source,
                })
            })
            .collect()
    }
}

impl Network for CandleNetwork {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        self.signature.check(&self.model, inputs)?;
        self.compute(inputs)
            .map_err(|error| cannot_run(&self.model, error))
    }
}

impl fmt::Debug for CandleNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CandleNetwork")
            .field("model", &self.model)
            .field("signature", &self.signature)
            .field("device", &self.device)
            .field("steps", &self.plan.len())
            .finish()
    }
}

/// The inputs as tensors of candle.
fn to_candle(
    ports: &[Port],
    inputs: &[TensorView<'_>],
    device: &Device,
) -> Result<Vec<CandleTensor>, StepError> {
    let ports = ports.iter().zip(inputs);
    ports
        .map(|(port, view)| {
            tensor::to_candle(view, device).map_err(|source| StepError {
                context: format!("input {:?}", port.name),
                source,
            })
        })
        .collect()
}

/// An output as a tensor of facekit.
fn from_candle(port: &Port, tensor: &CandleTensor) -> crate::error::Result<Tensor> {
    let (dims, rank) = (tensor.dims(), port.shape.len());
    if dims.len() != rank {
        bail!("its shape is {dims:?}, but the model declares {rank} dimensions");
    }
    tensor::from_candle(tensor, port.element)
}

fn sizes(tensor: &CandleTensor) -> Vec<Dim> {
    tensor.dims().iter().copied().map(Dim::Fixed).collect()
}

/// An input of zeros, if all its sizes are fixed.
fn zeros(port: &Port) -> Option<Tensor> {
    let sizes = port.shape.iter().map(|dim| match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Any => None,
    });
    let shape: Vec<usize> = sizes.collect::<Option<_>>()?;
    // An input that is too large is an error when the network is run.
    tensor::element_count(&shape).ok()?;
    Some(match port.element {
        Element::I64 => ArrayD::<i64>::zeros(shape).into(),
        Element::U8 => ArrayD::<u8>::zeros(shape).into(),
        _ => ArrayD::<f32>::zeros(shape).into(),
    })
}
