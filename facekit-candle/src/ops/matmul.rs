//! Products of matrices.

use candle_core::{Tensor, bail};

use super::arithmetic::{broadcast_shape, sum};
use crate::{
    error::Result,
    kernel::{
        activation::Activation,
        buffers::take_buffer,
        columns::Columns,
        product::{Product, Weights, product},
        slices::map_slice_pair,
    },
    node::Node,
    operator::{NewOperator, one_output},
    tensor::element_count,
};

pub(super) fn gemm(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(2, 3)?;
    let alpha = f64::from(node.float("alpha", 1.0)?);
    let beta = f64::from(node.float("beta", 1.0)?);
    let (transpose_a, transpose_b) = (node.flag("transA", false)?, node.flag("transB", false)?);
    if node.opset < 7 {
        bail!("operator set {} is not supported", node.opset);
    }
    let own_kernels = node.target.own_kernels;
    let matrix = |x: &Tensor, transpose| match (transpose, x.rank()) {
        (true, 2) => x.t()?.contiguous(),
        (false, 2) => Ok(x.clone()),
        (_, rank) => bail!("a tensor of rank {rank} is not a matrix"),
    };
    // A constant is transposed once.
    let constant_b = match node.peek_constant(1) {
        Some(_) => {
            let b = node.take_constant(1)?;
            b.map(|b| matrix(&b, transpose_b)).transpose()?
        }
        None => None,
    };
    one_output(node, move |inputs| {
        let a = matrix(inputs.floats(0)?, transpose_a)?;
        let b = match &constant_b {
            Some(b) => b.clone(),
            None => matrix(inputs.floats(1)?, transpose_b)?,
        };
        let mut y = multiply(&a, &b, own_kernels)?;
        if alpha != 1.0 {
            y = (y * alpha)?;
        }
        match inputs.optional(2) {
            Some(_) => {
                let c = (inputs.floats(2)? * beta)?;
                if broadcast_shape(y.dims(), c.dims())? != y.dims() {
                    bail!("{:?} cannot be added to {:?}", c.dims(), y.dims());
                }
                sum(&y, &c, own_kernels)
            }
            None => Ok(y),
        }
    })
}

pub(super) fn mat_mul(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(2, 2)?;
    let own_kernels = node.target.own_kernels;
    one_output(node, move |inputs| {
        let (a, b) = (inputs.floats(0)?, inputs.floats(1)?);
        // A vector on the left is a row, on the right a column. The result does not have its dimension of size one.
        let row = if a.rank() == 1 {
            a.unsqueeze(0)?
        } else {
            a.clone()
        };
        let column = if b.rank() == 1 {
            b.unsqueeze(1)?
        } else {
            b.clone()
        };
        let mut y = multiply(&row, &column, own_kernels)?;
        if b.rank() == 1 {
            y = y.squeeze(y.rank() - 1)?;
        }
        if a.rank() == 1 {
            y = y.squeeze(y.rank() - if b.rank() == 1 { 1 } else { 2 })?;
        }
        Ok(y)
    })
}

/// The products of matrices in the last two dimensions. The dimensions before are broadcast.
fn multiply(a: &Tensor, b: &Tensor, own_kernels: bool) -> Result<Tensor> {
    let (&[ref a_lead @ .., rows, depth], &[ref b_lead @ .., b_depth, columns]) =
        (a.dims(), b.dims())
    else {
        bail!("{:?} and {:?} are not matrices", a.dims(), b.dims());
    };
    if depth != b_depth {
        bail!("{:?} and {:?} have no product", a.dims(), b.dims());
    }
    let lead = broadcast_shape(a_lead, b_lead)?;
    let shape = [&lead[..], &[rows, columns]].concat();
    let a = a.broadcast_as([&lead[..], &[rows, depth]].concat())?;
    let b = b.broadcast_as([&lead[..], &[depth, columns]].concat())?;
    let count = element_count(&shape)?;
    if count == 0 || element_count(a.dims())? == 0 || element_count(b.dims())? == 0 {
        bail!("an empty matrix is not supported");
    }
    if !own_kernels {
        return a.contiguous()?.matmul(&b.contiguous()?);
    }
    map_slice_pair(&a, &b, &shape, |a, b| {
        let starts: Vec<usize> = (0..depth).map(|row| row * columns).collect();
        let mut out = take_buffer(count);
        let pairs = a
            .chunks_exact(rows * depth)
            .zip(b.chunks_exact(depth * columns));
        for ((a, b), out) in pairs.zip(out.chunks_exact_mut(rows * columns)) {
            let job = Product {
                weights: &Weights::pack(a, rows, depth),
                bias: None,
                activation: &Activation::None,
                first_row: 0,
                source: b,
                starts: &starts,
                columns: Columns::dense(columns),
            };
            product(&job, out);
        }
        out
    })
}
