//! Products of matrices.

use candle_core::{Tensor, bail};

use super::{
    Made,
    arithmetic::{common, sum},
    one,
};
use crate::{
    error::Result,
    kernel::{Activation, Columns, Product, Weights, from_two, product, take},
    node::Node,
    tensor::elements,
};

pub(super) fn gemm(node: &Node<'_>) -> Made {
    node.takes(2, 3)?;
    let alpha = f64::from(node.float("alpha", 1.0)?);
    let beta = f64::from(node.float("beta", 1.0)?);
    let (turn_a, turn_b) = (node.flag("transA", false)?, node.flag("transB", false)?);
    if node.opset < 7 {
        bail!("operator set {} is not supported", node.opset);
    }
    let own = node.target.kernels;
    let turned = |x: &Tensor, turn| match (turn, x.rank()) {
        (true, 2) => x.t()?.contiguous(),
        (false, 2) => Ok(x.clone()),
        (_, rank) => bail!("a tensor of rank {rank} is no matrix"),
    };
    // A constant is turned once.
    let known = match node.known(1) {
        Some(_) => node.constant(1)?.map(|b| turned(&b, turn_b)).transpose()?,
        None => None,
    };
    one(node, move |inputs| {
        let a = turned(inputs.floats(0)?, turn_a)?;
        let b = match &known {
            Some(b) => b.clone(),
            None => turned(inputs.floats(1)?, turn_b)?,
        };
        let mut y = multiplied(&a, &b, own)?;
        if alpha != 1.0 {
            y = (y * alpha)?;
        }
        match inputs.optional(2) {
            Some(_) => {
                let c = (inputs.floats(2)? * beta)?;
                if common(y.dims(), c.dims())? != y.dims() {
                    bail!("{:?} cannot be added to {:?}", c.dims(), y.dims());
                }
                sum(&y, &c, own)
            }
            None => Ok(y),
        }
    })
}

pub(super) fn mat_mul(node: &Node<'_>) -> Made {
    node.takes(2, 2)?;
    let own = node.target.kernels;
    one(node, move |inputs| {
        let (a, b) = (inputs.floats(0)?, inputs.floats(1)?);
        // A vector is a row on the left and a column on the right, and is taken away again.
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
        let mut y = multiplied(&row, &column, own)?;
        if b.rank() == 1 {
            y = y.squeeze(y.rank() - 1)?;
        }
        if a.rank() == 1 {
            y = y.squeeze(y.rank() - if b.rank() == 1 { 1 } else { 2 })?;
        }
        Ok(y)
    })
}

/// The products of matrices in the last two dimensions; those before are matched.
fn multiplied(a: &Tensor, b: &Tensor, own: bool) -> Result<Tensor> {
    let (&[ref a_lead @ .., rows, depth], &[ref b_lead @ .., b_depth, columns]) =
        (a.dims(), b.dims())
    else {
        bail!("{:?} and {:?} are no matrices", a.dims(), b.dims());
    };
    if depth != b_depth {
        bail!("{:?} and {:?} have no product", a.dims(), b.dims());
    }
    let lead = common(a_lead, b_lead)?;
    let shape = [&lead[..], &[rows, columns]].concat();
    let a = a.broadcast_as([&lead[..], &[rows, depth]].concat())?;
    let b = b.broadcast_as([&lead[..], &[depth, columns]].concat())?;
    let count = elements(&shape)?;
    if count == 0 || elements(a.dims())? == 0 || elements(b.dims())? == 0 {
        bail!("an empty matrix is not supported");
    }
    if !own {
        return a.contiguous()?.matmul(&b.contiguous()?);
    }
    from_two(&a, &b, &shape, |a, b| {
        let starts: Vec<usize> = (0..depth).map(|at| at * columns).collect();
        let mut out = take(count);
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
