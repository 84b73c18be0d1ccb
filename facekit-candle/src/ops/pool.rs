//! Pools.

use candle_core::{Tensor, bail};

use super::{
    rows::select_rows,
    window::{Window, pad_and_crop},
};
use crate::{
    error::Result,
    kernel::{
        buffers::{return_buffer, take_buffer},
        columns::Columns,
        fold::{averages, maxima},
        plane::Plane,
        slices::map_slice,
    },
    node::Node,
    operator::{NewOperator, one_fresh_output, one_output},
    tensor::element_count,
    windows::Windows,
};

pub(super) fn max_pool(node: &Node<'_>) -> NewOperator {
    node.ignore_attributes(&["storage_order"]); // for indices, a second output, which is refused
    let own_kernels = node.target.own_kernels;
    pool(node, move |x, windows| {
        if own_kernels {
            return pool_on_cpu(x, windows, f32::NEG_INFINITY, maxima);
        }
        pool_with_candle(x, windows, f32::NEG_INFINITY, |a, b| a.maximum(b))
    })
}

pub(super) fn average_pool(node: &Node<'_>) -> NewOperator {
    let padded = node.flag("count_include_pad", false)?;
    let own_kernels = node.target.own_kernels;
    pool(node, move |x, windows| {
        let counts = [0, 1].map(|axis| windows.value_counts(axis, padded));
        if own_kernels {
            return pool_on_cpu(x, windows, 0.0, |buffer, taps, columns, out| {
                averages(buffer, taps, columns, &counts, out);
            });
        }
        let sums = pool_with_candle(x, windows, 0.0, |a, b| a + b)?;
        let [down, across] = &counts;
        let counts = down
            .iter()
            .flat_map(|down| across.iter().map(move |across| down * across));
        let [rows, columns] = windows.count;
        let counts = Tensor::from_vec(counts.collect(), (1, 1, rows, columns), x.device())?;
        sums.broadcast_div(&counts)
    })
}

fn pool(
    node: &Node<'_>,
    compute: impl Fn(&Tensor, &Windows) -> Result<Tensor> + Send + Sync + 'static,
) -> NewOperator {
    node.expect_inputs(1, 1)?;
    let window = Window::read(node, None)?;
    one_fresh_output(node, move |inputs| {
        let x = inputs.floats(0)?;
        let &[batch, channels, height, width] = x.dims() else {
            bail!("a tensor of {:?} is not a batch of images", x.dims());
        };
        let windows = window.windows_over([height, width])?;
        element_count(&[batch, channels, windows.count[0], windows.count[1]])?;
        compute(x, &windows)
    })
}

/// Pools each channel with this crate's own loop, `fold`. `around` is the value of the padding.
fn pool_on_cpu(
    x: &Tensor,
    windows: &Windows,
    around: f32,
    fold: impl Fn(&[f32], &[usize], &Columns, &mut [f32]),
) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let [rows, columns] = windows.count;
    map_slice(x, &[batch, channels, rows, columns], |images| {
        let plane = Plane::new(windows);
        let taps = plane.taps();
        let mut buffer = plane.buffer(1, around);
        let mut out = take_buffer(batch * channels * rows * columns);
        let channels = images.chunks_exact(height * width);
        for (channel, out) in channels.zip(out.chunks_exact_mut(rows * columns)) {
            plane.copy_image(channel, &mut buffer);
            fold(&buffer, &taps, &plane.columns(), out);
        }
        return_buffer(buffer);
        out
    })
}

/// Pools with candle's operators: folds one tensor for each tap of the kernel, which holds the values under it for all windows.
fn pool_with_candle(
    x: &Tensor,
    windows: &Windows,
    around: f32,
    fold: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let x = pad_and_crop(x, windows, around)?;
    let under_tap = |axis: usize, tap: usize| {
        let first = tap * windows.dilations[axis];
        let windows_along_axis = 0..windows.count[axis];
        windows_along_axis
            .map(|number| first + number * windows.strides[axis])
            .collect()
    };
    let mut folded: Option<Tensor> = None;
    for y in 0..windows.kernel[0] {
        let rows = select_rows(&x, 2, under_tap(0, y))?;
        for x in 0..windows.kernel[1] {
            let next = select_rows(&rows, 3, under_tap(1, x))?;
            folded = Some(match folded {
                Some(folded) => fold(&folded, &next)?,
                None => next,
            });
        }
    }
    match folded {
        Some(folded) => Ok(folded),
        None => bail!("an empty window"),
    }
}

pub(super) fn global_average_pool(node: &Node<'_>) -> NewOperator {
    global_pool(node, |x| x.mean(2))
}

pub(super) fn global_max_pool(node: &Node<'_>) -> NewOperator {
    global_pool(node, |x| x.max(2))
}

fn global_pool(node: &Node<'_>, pool: fn(&Tensor) -> Result<Tensor>) -> NewOperator {
    node.expect_inputs(1, 1)?;
    one_output(node, move |inputs| {
        let x = inputs.floats(0)?;
        let &[batch, channels, ref rest @ ..] = x.dims() else {
            bail!("a tensor of {:?} is not a batch of images", x.dims());
        };
        let flat = x.reshape((batch, channels, rest.iter().product::<usize>()))?;
        let mut dims = vec![1; x.rank()];
        dims[..2].copy_from_slice(&[batch, channels]);
        pool(&flat)?.reshape(dims)
    })
}
