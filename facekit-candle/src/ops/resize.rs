//! Images and other grids at other sizes.

use candle_core::{Tensor, bail};

use super::{
    Made,
    arithmetic::{difference, product, sum},
    axis, fresh,
    select::pick,
};
use crate::{
    error::Result,
    node::{Node, floats},
    tensor::elements,
};

#[derive(Clone, Copy)]
enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
}

/// Where each place of the new grid lies on the old one, and which of its neighbours it takes.
#[derive(Clone, Copy)]
enum Mode {
    Nearest(fn(f32) -> f32),
    Linear,
}

pub(super) fn resize(node: &Node<'_>) -> Made {
    node.ignore(&["cubic_coeff_a", "extrapolation_value"]); // of modes that are refused
    if node.opset < 10 {
        bail!("operator set {} is not supported", node.opset);
    }
    let linear = node.word("mode", &[("nearest", false), ("linear", true)])?;
    let (coordinates, nearest) = if node.opset == 10 {
        let nearest: fn(f32) -> f32 = f32::floor;
        (Coordinates::Asymmetric, nearest)
    } else {
        (coordinates(node)?, nearest(node)?)
    };
    if node.flag("exclude_outside", false)? || node.flag("antialias", false)? {
        bail!("attributes exclude_outside and antialias are not supported");
    }
    node.word("keep_aspect_ratio_policy", &[("stretch", ())])?;
    let numbers = node.ints("axes")?;
    let mode = if linear {
        Mode::Linear
    } else {
        Mode::Nearest(nearest)
    };

    let (scales_at, sizes_at) = if node.opset == 10 { (1, 9) } else { (2, 3) };
    node.takes(2, sizes_at + 1)?;
    let own = node.target.kernels;
    let node_is_old = node.opset == 10 && !linear;
    fresh(node, move |inputs| {
        let x = inputs.floats(0)?;
        let along = match &numbers {
            None => (0..x.rank()).collect(),
            Some(numbers) => numbers
                .iter()
                .map(|&number| axis(number, x.rank()))
                .collect::<Result<Vec<_>>>()?,
        };
        let scales = inputs.optional(scales_at).map(floats).transpose()?;
        let scales = scales.filter(|scales| !scales.is_empty());
        let targets: Vec<(usize, f32)> = match (scales, inputs.optional(sizes_at)) {
            (Some(scales), None) if scales.len() == along.len() => {
                let sizes = along.iter().map(|&at| x.dims()[at]).zip(scales);
                sizes
                    .map(|(size, scale)| scaled(size, scale))
                    .collect::<Result<_>>()?
            }
            (None, Some(_)) => {
                let wanted = inputs.ints(sizes_at)?;
                if wanted.len() != along.len() {
                    bail!("{} sizes for {} dimensions", wanted.len(), along.len());
                }
                let sizes = along.iter().map(|&at| x.dims()[at]).zip(wanted);
                sizes
                    .map(|(size, wanted)| sized(size, wanted))
                    .collect::<Result<_>>()?
            }
            _ => bail!(
                "it takes either a scale or a size for each of {} dimensions",
                along.len()
            ),
        };
        let mut shape = x.dims().to_vec();
        for (&at, (size, _)) in along.iter().zip(&targets) {
            shape[at] = *size;
        }
        elements(&shape)?;
        if node_is_old && targets.iter().any(|&(_, scale)| scale < 1.0) {
            bail!("operator set 10 does not say which pixels remain where an image shrinks");
        }
        let mut grown: Option<Tensor> = None;
        for (&at, (size, scale)) in along.iter().zip(targets) {
            let x = grown.as_ref().unwrap_or(x);
            if scale != 1.0 || size != x.dims()[at] {
                grown = Some(resampled(x, at, size, scale, coordinates, mode, own)?);
            }
        }
        grown.map_or_else(|| x.force_contiguous(), Ok)
    })
}

fn coordinates(node: &Node<'_>) -> Result<Coordinates> {
    node.word(
        "coordinate_transformation_mode",
        &[
            ("half_pixel", Coordinates::HalfPixel),
            ("half_pixel_symmetric", Coordinates::HalfPixelSymmetric),
            ("pytorch_half_pixel", Coordinates::PytorchHalfPixel),
            ("align_corners", Coordinates::AlignCorners),
            ("asymmetric", Coordinates::Asymmetric),
        ],
    )
}

fn nearest(node: &Node<'_>) -> Result<fn(f32) -> f32> {
    node.word::<fn(f32) -> f32>(
        "nearest_mode",
        &[
            ("round_prefer_floor", |x| (x - 0.5).ceil()),
            ("round_prefer_ceil", |x| (x + 0.5).floor()),
            ("floor", f32::floor),
            ("ceil", f32::ceil),
        ],
    )
}

fn scaled(size: usize, scale: f32) -> Result<(usize, f32)> {
    let grown = (size as f32 * scale).floor();
    if scale <= 0.0 || !(1.0..1e9).contains(&grown) {
        bail!("a size of {size} cannot be scaled by {scale}");
    }
    Ok((grown as usize, scale))
}

fn sized(size: usize, wanted: i64) -> Result<(usize, f32)> {
    match usize::try_from(wanted) {
        Ok(wanted) if wanted > 0 => Ok((wanted, wanted as f32 / size as f32)),
        _ => bail!("a size of {wanted}"),
    }
}

fn resampled(
    x: &Tensor,
    along: usize,
    size: usize,
    scale: f32,
    coordinates: Coordinates,
    mode: Mode,
    own: bool,
) -> Result<Tensor> {
    let old = x.dims()[along];
    let last = (old - 1) as f32;
    let places = (0..size).map(|at| place(at as f32, old as f32, size as f32, scale, coordinates));
    match mode {
        Mode::Nearest(round) => {
            let rows = places.map(|place| round(place).clamp(0.0, last) as usize);
            pick(x, along, rows.collect())
        }
        Mode::Linear => {
            let places: Vec<f32> = places.map(|place| place.clamp(0.0, last)).collect();
            let low: Vec<usize> = places.iter().map(|&place| place as usize).collect();
            let high = low.iter().map(|&low| (low + 1).min(old - 1)).collect();
            let shares = places
                .iter()
                .zip(&low)
                .map(|(place, &low)| place - low as f32);
            let mut dims = vec![1; x.rank()];
            dims[along] = size;
            let shares = Tensor::from_vec(shares.collect::<Vec<f32>>(), dims, x.device())?;
            let (low, high) = (pick(x, along, low)?, pick(x, along, high)?);
            sum(
                &low,
                &product(&difference(&high, &low, own)?, &shares, own)?,
                own,
            )
        }
    }
}

/// The place on the old grid of number `at` on the new one.
fn place(at: f32, old: f32, new: f32, scale: f32, coordinates: Coordinates) -> f32 {
    let half_pixel = (at + 0.5) / scale - 0.5;
    match coordinates {
        Coordinates::HalfPixel => half_pixel,
        Coordinates::HalfPixelSymmetric => {
            let adjusted = new / (scale * old);
            old / 2.0 * (1.0 - adjusted) + half_pixel
        }
        Coordinates::PytorchHalfPixel if new > 1.0 => half_pixel,
        Coordinates::AlignCorners if new > 1.0 => at * (old - 1.0) / (new - 1.0),
        Coordinates::PytorchHalfPixel | Coordinates::AlignCorners => 0.0,
        Coordinates::Asymmetric => at / scale,
    }
}
