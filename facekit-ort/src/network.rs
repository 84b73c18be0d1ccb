//! Models that are ready to run.

use std::{borrow::Cow, fmt, num::NonZeroUsize};

use facekit::{Dim, Model, Network, Result, Signature, Tensor, TensorView};
use ort::session::Session;

use crate::{
    error::{failed, guarded, refused},
    pool::Pool,
    session::Recipe,
    tensor::{self, Standard},
};

/// A model in ONNX Runtime's hands.
pub(crate) struct OrtNetwork {
    model: String,
    signature: Signature,
    recipe: Recipe,
    sessions: Pool<Session>,
}

impl OrtNetwork {
    pub(crate) fn new(
        model: &Model,
        recipe: Recipe,
        sessions: NonZeroUsize,
        signature: impl FnOnce(Vec<Option<Vec<Dim>>>) -> Result<Signature>,
    ) -> Result<Self> {
        let session = guarded(|| recipe.session()).map_err(|error| {
            // A device that is not there shows only when a session is made.
            match guarded(|| recipe.smallest()) {
                Err(missing) => recipe.provider.unavailable(missing.to_string()),
                Ok(_) => refused(model, error),
            }
        })?;
        let outputs = session.outputs().iter();
        let shapes = outputs.map(|output| tensor::shape(output.dtype()));
        Ok(Self {
            model: model.name().to_owned(),
            signature: signature(shapes.collect())?,
            recipe,
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
            .map(Standard::new)
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
                let value = outputs
                    .get(&port.name)
                    .ok_or_else(|| ort::Error::new(format!("no output {:?}", port.name)))?;
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
                || guarded(|| self.recipe.session()),
                |session| guarded(|| self.compute(session, inputs)),
            )
            .map_err(|error| failed(&self.model, error))
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
