//! Pools.

use candle_core::{Tensor, bail};

use super::{
    Made, fresh, one,
    select::pick,
    window::{Window, Windows},
};
use crate::{
    error::Result,
    kernel::{Plane, averages, from_one, give, maxima, take},
    node::Node,
    tensor::elements,
};

pub(super) fn max_pool(node: &Node<'_>) -> Made {
    node.ignore(&["storage_order"]); // of indices, a second output that is refused
    let own = node.target.kernels;
    pool(node, move |x, windows| {
        if own {
            return own_pool(x, windows, f32::NEG_INFINITY, maxima);
        }
        by_candle(x, windows, f32::NEG_INFINITY, |a, b| a.maximum(b))
    })
}

pub(super) fn average_pool(node: &Node<'_>) -> Made {
    let padded = node.flag("count_include_pad", false)?;
    let own = node.target.kernels;
    pool(node, move |x, windows| {
        let seen = [0, 1].map(|at| windows.values(at, padded));
        if own {
            return own_pool(x, windows, 0.0, |room, taps, columns, out| {
                averages(room, taps, columns, &seen, out);
            });
        }
        let sums = by_candle(x, windows, 0.0, |a, b| a + b)?;
        let [down, across] = &seen;
        let seen = down
            .iter()
            .flat_map(|down| across.iter().map(move |across| down * across));
        let [rows, columns] = windows.count;
        let seen = Tensor::from_vec(seen.collect(), (1, 1, rows, columns), x.device())?;
        sums.broadcast_div(&seen)
    })
}

fn pool(
    node: &Node<'_>,
    compute: impl Fn(&Tensor, &Windows) -> Result<Tensor> + Send + Sync + 'static,
) -> Made {
    node.takes(1, 1)?;
    let window = Window::read(node, None)?;
    fresh(node, move |inputs| {
        let x = inputs.floats(0)?;
        let &[batch, channels, height, width] = x.dims() else {
            bail!("a tensor of {:?} is no batch of images", x.dims());
        };
        let windows = window.over([height, width])?;
        elements(&[batch, channels, windows.count[0], windows.count[1]])?;
        compute(x, &windows)
    })
}

/// Each channel by this crate's own loops.
fn own_pool(
    x: &Tensor,
    windows: &Windows,
    around: f32,
    fold: impl Fn(&[f32], &[usize], &crate::kernel::Columns, &mut [f32]),
) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let [rows, columns] = windows.count;
    from_one(x, &[batch, channels, rows, columns], |images| {
        let plane = Plane::new(windows);
        let taps = plane.taps();
        let mut room = plane.room(1, around);
        let mut out = take(batch * channels * rows * columns);
        let channels = images.chunks_exact(height * width);
        for (channel, out) in channels.zip(out.chunks_exact_mut(rows * columns)) {
            plane.lay(channel, &mut room);
            fold(&room, &taps, &plane.columns(), out);
        }
        give(room);
        out
    })
}

/// What each place in the window sees, folded.
fn by_candle(
    x: &Tensor,
    windows: &Windows,
    around: f32,
    fold: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let x = windows.cut(x, around)?;
    let seen = |at: usize, tap: usize| {
        let first = tap * windows.dilations[at];
        let places = (0..windows.count[at]).map(|number| first + number * windows.strides[at]);
        places.collect()
    };
    let mut folded: Option<Tensor> = None;
    for y in 0..windows.kernel[0] {
        let rows = pick(&x, 2, seen(0, y))?;
        for x in 0..windows.kernel[1] {
            let next = pick(&rows, 3, seen(1, x))?;
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

pub(super) fn global_average_pool(node: &Node<'_>) -> Made {
    global(node, |x| x.mean(2))
}

pub(super) fn global_max_pool(node: &Node<'_>) -> Made {
    global(node, |x| x.max(2))
}

fn global(node: &Node<'_>, pool: fn(&Tensor) -> Result<Tensor>) -> Made {
    node.takes(1, 1)?;
    one(node, move |inputs| {
        let x = inputs.floats(0)?;
        let &[batch, channels, ref rest @ ..] = x.dims() else {
            bail!("a tensor of {:?} is no batch of images", x.dims());
        };
        let flat = x.reshape((batch, channels, rest.iter().product::<usize>()))?;
        let mut dims = vec![1; x.rank()];
        dims[..2].copy_from_slice(&[batch, channels]);
        pool(&flat)?.reshape(dims)
    })
}
