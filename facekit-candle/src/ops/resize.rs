//! Resampling of images and other grids, as ONNX's operator `Resize` defines it.

use candle_core::{Tensor, bail};

use super::{
    arithmetic::{difference, product, sum},
    rows::select_rows,
};
use crate::{
    axis::resolve_each_axis,
    error::Result,
    node::Node,
    operator::{NewOperator, one_fresh_output},
    tensor::{element_count, to_floats},
};

/// ONNX's attribute `coordinate_transformation_mode`.
#[derive(Clone, Copy)]
enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
}

/// How a value is computed from its neighbors on the old grid.
#[derive(Clone, Copy)]
enum Mode {
    /// Takes one neighbor; the function rounds its coordinate.
    Nearest(fn(f32) -> f32),
    Linear,
}

pub(super) fn resize(node: &Node<'_>) -> NewOperator {
    node.ignore_attributes(&["cubic_coeff_a", "extrapolation_value"]); // for modes that are refused
    if node.opset < 10 {
        bail!("operator set {} is not supported", node.opset);
    }
    let is_linear = node.choice("mode", &[("nearest", false), ("linear", true)])?;
    let (coordinates, nearest) = if node.opset == 10 {
        let nearest: fn(f32) -> f32 = f32::floor;
        (Coordinates::Asymmetric, nearest)
    } else {
        (coordinates(node)?, nearest(node)?)
    };
    if node.flag("exclude_outside", false)? || node.flag("antialias", false)? {
        bail!("attributes exclude_outside and antialias are not supported");
    }
    node.choice("keep_aspect_ratio_policy", &[("stretch", ())])?;
    let numbers = node.ints("axes")?;
    let mode = if is_linear {
        Mode::Linear
    } else {
        Mode::Nearest(nearest)
    };

    // Operator set 10 has no input for sizes.
    let (scales_input, sizes_input) = if node.opset == 10 { (1, 9) } else { (2, 3) };
    node.expect_inputs(2, sizes_input + 1)?;
    let own_kernels = node.target.own_kernels;
    let cannot_shrink = node.opset == 10 && !is_linear;
    one_fresh_output(node, move |inputs| {
        let x = inputs.floats(0)?;
        let axes = match &numbers {
            None => (0..x.rank()).collect(),
            Some(numbers) => resolve_each_axis(numbers, x.rank())?,
        };
        let scales = inputs.optional(scales_input).map(to_floats).transpose()?;
        let scales = scales.filter(|scales| !scales.is_empty());
        // The new size and the scale of each dimension.
        let targets: Vec<(usize, f32)> = match (scales, inputs.optional(sizes_input)) {
            (Some(scales), None) if scales.len() == axes.len() => {
                let sizes = axes.iter().map(|&axis| x.dims()[axis]).zip(scales);
                sizes
                    .map(|(size, scale)| target_of_scale(size, scale))
                    .collect::<Result<_>>()?
            }
            (None, Some(_)) => {
                let wanted = inputs.ints(sizes_input)?;
                if wanted.len() != axes.len() {
                    bail!("{} sizes for {} dimensions", wanted.len(), axes.len());
                }
                let sizes = axes.iter().map(|&axis| x.dims()[axis]).zip(wanted);
                sizes
                    .map(|(size, wanted)| target_of_size(size, wanted))
                    .collect::<Result<_>>()?
            }
            _ => bail!(
                "it needs either a scale or a size for each of {} dimensions",
                axes.len()
            ),
        };
        let mut shape = x.dims().to_vec();
        for (&axis, (size, _)) in axes.iter().zip(&targets) {
            shape[axis] = *size;
        }
        element_count(&shape)?;
        if cannot_shrink && targets.iter().any(|&(_, scale)| scale < 1.0) {
            bail!("operator set 10 does not define which pixels remain when an image shrinks");
        }
        let mut resized: Option<Tensor> = None;
        for (&axis, (size, scale)) in axes.iter().zip(targets) {
            let x = resized.as_ref().unwrap_or(x);
            if scale != 1.0 || size != x.dims()[axis] {
                let places = OldPlaces {
                    old: x.dims()[axis],
                    new: size,
                    scale,
                    coordinates,
                };
                resized = Some(resample(x, axis, &places, mode, own_kernels)?);
            }
        }
        resized.map_or_else(|| x.force_contiguous(), Ok)
    })
}

fn coordinates(node: &Node<'_>) -> Result<Coordinates> {
    node.choice(
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
    node.choice::<fn(f32) -> f32>(
        "nearest_mode",
        &[
            ("round_prefer_floor", |x| (x - 0.5).ceil()),
            ("round_prefer_ceil", |x| (x + 0.5).floor()),
            ("floor", f32::floor),
            ("ceil", f32::ceil),
        ],
    )
}

fn target_of_scale(size: usize, scale: f32) -> Result<(usize, f32)> {
    let new_size = (size as f32 * scale).floor();
    if scale <= 0.0 || !(1.0..1e9).contains(&new_size) {
        bail!("a size of {size} cannot be scaled by {scale}");
    }
    Ok((new_size as usize, scale))
}

fn target_of_size(size: usize, wanted: i64) -> Result<(usize, f32)> {
    match usize::try_from(wanted) {
        Ok(wanted) if wanted > 0 => Ok((wanted, wanted as f32 / size as f32)),
        _ => bail!("a size of {wanted}; a positive size is needed"),
    }
}

/// Resamples one dimension of `x`.
fn resample(
    x: &Tensor,
    axis: usize,
    places: &OldPlaces,
    mode: Mode,
    own_kernels: bool,
) -> Result<Tensor> {
    let last = (places.old - 1) as f32;
    let old_places = (0..places.new).map(|index| places.of(index as f32));
    match mode {
        Mode::Nearest(round) => {
            let rows = old_places.map(|place| round(place).clamp(0.0, last) as usize);
            select_rows(x, axis, rows.collect())
        }
        Mode::Linear => {
            let old_places: Vec<f32> = old_places.map(|place| place.clamp(0.0, last)).collect();
            let low: Vec<usize> = old_places.iter().map(|&place| place as usize).collect();
            let high = low.iter().map(|&low| (low + 1).min(places.old - 1));
            let high = high.collect();
            let fractions = old_places
                .iter()
                .zip(&low)
                .map(|(place, &low)| place - low as f32);
            let mut dims = vec![1; x.rank()];
            dims[axis] = places.new;
            let fractions = Tensor::from_vec(fractions.collect::<Vec<f32>>(), dims, x.device())?;
            let (low, high) = (select_rows(x, axis, low)?, select_rows(x, axis, high)?);
            let step = difference(&high, &low, own_kernels)?;
            sum(&low, &product(&step, &fractions, own_kernels)?, own_kernels)
        }
    }
}

/// The places on the old grid of the values of the new grid, along one dimension.
struct OldPlaces {
    /// The old and the new size.
    old: usize,
    new: usize,
    scale: f32,
    coordinates: Coordinates,
}

impl OldPlaces {
    /// The coordinate on the old grid of value `index` of the new grid, by the formulas of ONNX's specification.
    fn of(&self, index: f32) -> f32 {
        let (old, new, scale) = (self.old as f32, self.new as f32, self.scale);
        let half_pixel = (index + 0.5) / scale - 0.5;
        match self.coordinates {
            Coordinates::HalfPixel => half_pixel,
            Coordinates::HalfPixelSymmetric => {
                let adjusted = new / (scale * old);
                old / 2.0 * (1.0 - adjusted) + half_pixel
            }
            Coordinates::PytorchHalfPixel if new > 1.0 => half_pixel,
            Coordinates::AlignCorners if new > 1.0 => index * (old - 1.0) / (new - 1.0),
            Coordinates::PytorchHalfPixel | Coordinates::AlignCorners => 0.0,
            Coordinates::Asymmetric => index / scale,
        }
    }
}
