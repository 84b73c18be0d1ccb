//! A program as an operator of tract.

use std::sync::Arc;

use tract_onnx::tract_core::internal::*;

use super::program::Program;

/// Runs a program on each image of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Blocked {
    pub(crate) program: Arc<Program>,
    /// The shape of each output: images, channels, height, width.
    pub(crate) outputs: Vec<[usize; 4]>,
}

impl PartialEq for Blocked {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.program, &other.program)
    }
}

impl Eq for Blocked {}

impl Op for Blocked {
    fn name(&self) -> StaticName {
        "Blocked".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Blocked {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let images = self.outputs[0][0];
        let mut outputs = self
            .outputs
            .iter()
            .map(|shape| Tensor::zero::<f32>(shape))
            .collect::<TractResult<Vec<_>>>()?;
        let inputs = inputs
            .iter()
            .map(|input| input.try_as_plain_ram()?.as_slice::<f32>())
            .collect::<TractResult<Vec<_>>>()?;
        {
            let mut views = outputs
                .iter_mut()
                .map(Tensor::try_as_plain_ram_mut)
                .collect::<TractResult<Vec<_>>>()?;
            let mut views = views
                .iter_mut()
                .map(|view| view.as_slice_mut::<f32>())
                .collect::<TractResult<Vec<_>>>()?;
            for image in 0..images {
                let inputs: Vec<&[f32]> = inputs
                    .iter()
                    .map(|input| {
                        let size = input.len() / images;
                        &input[image * size..][..size]
                    })
                    .collect();
                let mut views: Vec<&mut [f32]> = views
                    .iter_mut()
                    .map(|view| {
                        let size = view.len() / images;
                        &mut view[image * size..][..size]
                    })
                    .collect();
                self.program.run(&inputs, &mut views);
            }
        }
        Ok(outputs.into_iter().map(IntoTValue::into_tvalue).collect())
    }
}

impl TypedOp for Blocked {
    as_op!();

    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.outputs.iter().map(f32::fact).collect())
    }
}
