//! Functions on slices as operators of candle, on the CPU.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Tensor, bail};

use crate::error::Result;

/// A tensor of this shape, whose elements `compute` makes from those of `x`. Elements are in standard (row-major) order.
pub(crate) fn map_slice(
    x: &Tensor,
    shape: &[usize],
    compute: impl Fn(&[f32]) -> Vec<f32>,
) -> Result<Tensor> {
    let operator = Compute { shape, compute };
    x.contiguous()?.apply_op1_no_bwd(&operator)
}

/// Like [`map_slice`], for two tensors.
pub(crate) fn map_slice_pair(
    a: &Tensor,
    b: &Tensor,
    shape: &[usize],
    compute: impl Fn(&[f32], &[f32]) -> Vec<f32>,
) -> Result<Tensor> {
    let operator = Compute { shape, compute };
    a.contiguous()?
        .apply_op2_no_bwd(&b.contiguous()?, &operator)
}

struct Compute<'a, F> {
    shape: &'a [usize],
    compute: F,
}

impl<F: Fn(&[f32]) -> Vec<f32>> CustomOp1 for Compute<'_, F> {
    fn name(&self) -> &'static str {
        "facekit"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = (self.compute)(slice(storage, layout)?);
        Ok((CpuStorage::F32(values), Shape::from(self.shape)))
    }
}

impl<F: Fn(&[f32], &[f32]) -> Vec<f32>> CustomOp2 for Compute<'_, F> {
    fn name(&self) -> &'static str {
        "facekit"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let values = (self.compute)(slice(a, a_layout)?, slice(b, b_layout)?);
        Ok((CpuStorage::F32(values), Shape::from(self.shape)))
    }
}

fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("the elements do not lie in order"),
    }
}
