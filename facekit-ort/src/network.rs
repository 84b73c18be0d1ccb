//! Models that are ready to run on ONNX Runtime.

use std::{borrow::Cow, fmt, num::NonZeroUsize};

use facekit::{Dim, Model, Network, Result, Signature, Tensor, TensorView};
use ort::session::Session;

use crate::{
    cache::build_session,
    error::{cannot_prepare, cannot_run, catch_panics},
    pool::Pool,
    session::SessionSpec,
    tensor::{self, StandardLayout},
};

/// A model that ONNX Runtime computes, with a pool of sessions.
pub(crate) struct OrtNetwork {
    model: String,
    signature: Signature,
    spec: SessionSpec,
    sessions: Pool<Session>,
}

impl OrtNetwork {
    pub(crate) fn new(
        model: &Model,
        spec: SessionSpec,
        sessions: NonZeroUsize,
        signature: impl FnOnce(Vec<Option<Vec<Dim>>>) -> Result<Signature>,
    ) -> Result<Self> {
        let session = catch_panics(|| build_session(&spec)).map_err(|error| {
            // A missing device shows only when a session is made.
            match catch_panics(|| spec.build_identity()) {
                Err(missing) => spec.provider.unavailable(missing.to_string()),
                Ok(_) => cannot_prepare(model, error),
            }
        })?;
        let outputs = session.outputs().iter();
        let shapes = outputs.map(|output| tensor::shape(output.dtype()));
        Ok(Self {
            model: model.name().to_owned(),
            signature: signature(shapes.collect())?,
            spec,
            sessions: Pool::new(sessions, session),
        })
    }

    fn compute(
        &self,
        session: &mut Session,
        inputs: &[TensorView<'_>],
    ) -> ort::Result<Vec<Tensor>> {
        let inputs = inputs
            .iter()
            .map(StandardLayout::new)
            .collect::<ort::Result<Vec<_>>>()?;
        let inputs = self
            .signature
            .inputs
            .iter()
            .zip(&inputs)
            .map(|(port, input)| Ok((Cow::from(&port.name), input.value()?)))
            .collect::<ort::Result<Vec<_>>>()?;
        let outputs = session.run(inputs)?;
        self.signature
            .outputs
            .iter()
            .map(|port| {
                let value = outputs.get(&port.name).ok_or_else(|| {
                    ort::Error::new(format!("the run returned no output {:?}", port.name))
                })?;
                tensor::from_ort(value, port.element)
            })
            .collect()
    }
}

impl Network for OrtNetwork {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        self.signature.check(&self.model, inputs)?;
        self.sessions
            .with(
                || catch_panics(|| build_session(&self.spec)),
                |session| catch_panics(|| self.compute(session, inputs)),
            )
            .map_err(|error| cannot_run(&self.model, error))
    }
}

impl fmt::Debug for OrtNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrtNetwork")
            .field("model", &self.model)
            .field("signature", &self.signature)
            .field("sessions", &self.sessions.members())
            .finish_non_exhaustive()
    }
}
