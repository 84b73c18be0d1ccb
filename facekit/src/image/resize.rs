//! Images at another size.

use std::fmt;

use fast_image_resize::{
    FilterType, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::U8x3,
};

use super::{
    Image, ImageView,
    bilinear::{Pair, STEPS, mix},
};
use crate::error::{Error, Result};

/// Resizes an image to `width` × `height` pixels by bilinear interpolation with antialiasing (a triangle filter as wide as
/// the reduction).
///
/// # Errors
///
/// [`Error::InvalidArgument`] if a side is zero.
///
/// ```
/// use facekit::{Image, image};
///
/// let photo = Image::filled(1920, 1080, [20, 30, 40]);
/// let small = image::resize(photo.view(), 640, 360)?;
/// assert_eq!((small.width(), small.height()), (640, 360));
/// # Ok::<(), facekit::Error>(())
/// ```
pub fn resize(image: ImageView<'_>, width: usize, height: usize) -> Result<Image> {
    resize_part(image, [0, 0, image.width(), image.height()], width, height)
}

/// Resizes a part of an image (left, top, width and height in pixels) as [`resize`] does.
pub(super) fn resize_part(
    image: ImageView<'_>,
    part: [usize; 4],
    width: usize,
    height: usize,
) -> Result<Image> {
    check(image, part, width, height)?;
    let side =
        |side: usize| u32::try_from(side).map_err(|_| refused(format!("a side of {side} pixels")));
    let from = [side(image.width())?, side(image.height())?];
    let to = [side(width)?, side(height)?];
    let pixels = image.rgb8();
    let source = TypedImageRef::<U8x3>::from_buffer(from[0], from[1], &pixels)
        .map_err(|error| refused(error.to_string()))?;
    let mut resized = vec![0; 3 * width * height];
    let mut target = TypedImage::<U8x3>::from_buffer(to[0], to[1], &mut resized)
        .map_err(|error| refused(error.to_string()))?;
    let [left, top, part_width, part_height] = part.map(|pixels| pixels as f64);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(left, top, part_width, part_height)
        .use_alpha(false);
    // `Resizer::resize` would be compiled for all 13 kinds of pixel, which is more code than the rest of this crate.
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .map_err(|error| refused(error.to_string()))?;
    Image::from_rgb8(resized, width, height)
}

/// Resizes a part of an image to `width` × `height` pixels by plain bilinear interpolation: half-pixel centers, four
/// neighbors inside the part, no antialiasing. `crop` is the part: left, top, width and height in pixels. For models that
/// were trained on crops of this kind.
///
/// # Errors
///
/// [`Error::InvalidArgument`] if the crop is empty or reaches beyond the image, or a side is zero.
pub fn crop_and_resize(
    image: ImageView<'_>,
    crop: [usize; 4],
    width: usize,
    height: usize,
) -> Result<Image> {
    check(image, crop, width, height)?;
    let [left, top, crop_width, crop_height] = crop;
    let columns = places(left, crop_width, width);
    let rows = places(top, crop_height, height);
    let pixels = image.rgb8();
    let row = |y: usize| &pixels[3 * image.width() * y..][..3 * image.width()];
    let mut out = Image::filled(width, height, [0; 3]);
    for (out, &(y, dy)) in out.data_mut().chunks_exact_mut(3 * width).zip(&rows) {
        // Below the last row there is none. Its share is zero then, so any row will do.
        let (above, below) = (row(y), row((y + 1).min(image.height() - 1)));
        for (out, &(x, dx)) in out.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            *out = mix(Pair::load(above, 3 * x), Pair::load(below, 3 * x), dx, dy);
        }
    }
    Ok(out)
}

/// For each of `to` pixels: the first of the two source pixels that its center is between, and its distance from that one
/// in steps. The source pixels are `from` pixels that begin at `start`.
fn places(start: usize, from: usize, to: usize) -> Vec<(usize, u64)> {
    let scale = from as f64 / to as f64;
    (0..to)
        .map(|pixel| {
            let center = ((pixel as f64 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f64);
            let before = (center as usize).min(from.saturating_sub(2));
            let steps = (center - before as f64) * STEPS as f64;
            (start + before, steps.round() as u64)
        })
        .collect()
}

fn check(
    image: ImageView<'_>,
    [left, top, crop_width, crop_height]: [usize; 4],
    width: usize,
    height: usize,
) -> Result<()> {
    let inside = left.saturating_add(crop_width) <= image.width()
        && top.saturating_add(crop_height) <= image.height();
    if !inside || crop_width == 0 || crop_height == 0 || width == 0 || height == 0 {
        return Err(refused(format!(
            "{crop_width} × {crop_height} pixels at ({left}, {top}) of {image:?} to {width} × {height}"
        )));
    }
    Ok(())
}

fn refused(reason: impl fmt::Display) -> Error {
    Error::argument("resize", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_bilinear_takes_four_neighbors_at_half_pixel_centers() {
        let row: Vec<u8> = (0..8).flat_map(|x| [x * 10; 3]).collect();
        let image = Image::from_rgb8(row, 8, 1).unwrap();
        let half = crop_and_resize(image.view(), [0, 0, 8, 1], 2, 1).unwrap();
        // The centers 2 and 6, measured from the left edge, are between pixels 1 and 2, and between 5 and 6.
        assert_eq!([half.data()[0], half.data()[3]], [15, 55]);
        let part = crop_and_resize(image.view(), [4, 0, 4, 1], 4, 1).unwrap();
        assert_eq!(part.data()[..3], [40; 3]);
    }

    #[test]
    fn reduction_averages() {
        let stripes: Vec<u8> = (0..64 * 64)
            .flat_map(|i| [if i % 2 == 0 { 0 } else { 200 }; 3])
            .collect();
        let image = Image::from_rgb8(stripes, 64, 64).unwrap();
        let small = resize(image.view(), 8, 8).unwrap();
        assert!(
            small
                .data()
                .iter()
                .all(|&value| (95..=105).contains(&value))
        );
    }

    #[test]
    fn a_crop_stays_inside() {
        let image = Image::filled(4, 4, [0; 3]);
        for crop in [[0, 0, 5, 1], [3, 3, 2, 2], [0, 0, 0, 4]] {
            assert!(
                crop_and_resize(image.view(), crop, 2, 2).is_err(),
                "{crop:?}"
            );
        }
    }
}
