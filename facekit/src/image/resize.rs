use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image as Buffer, ImageRef},
};

use super::{Image, ImageView};
use crate::{Error, Result};

/// `image` at another size, by bilinear interpolation with antialiasing (a triangle filter as wide as the
/// reduction).
///
/// # Errors
///
/// [`Error::InvalidArgument`] where a side is zero.
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
    run(
        image,
        [0, 0, image.width(), image.height()],
        width,
        height,
        ResizeAlg::Convolution(FilterType::Bilinear),
    )
}

/// The part of `image` that `crop` gives as left, top, width and height in pixels, resized by plain bilinear interpolation: half-pixel centres, four neighbours, no antialiasing. Models that were trained on
/// crops made so must be fed so.
///
/// # Errors
///
/// [`Error::InvalidArgument`] where the crop is empty or leaves the image, or a side is zero.
pub fn crop_and_resize(
    image: ImageView<'_>,
    crop: [usize; 4],
    width: usize,
    height: usize,
) -> Result<Image> {
    run(
        image,
        crop,
        width,
        height,
        ResizeAlg::Interpolation(FilterType::Bilinear),
    )
}

fn run(
    image: ImageView<'_>,
    [left, top, crop_width, crop_height]: [usize; 4],
    width: usize,
    height: usize,
    algorithm: ResizeAlg,
) -> Result<Image> {
    let refused = |reason: String| Error::argument("resize", reason);
    let inside = left.saturating_add(crop_width) <= image.width()
        && top.saturating_add(crop_height) <= image.height();
    if !inside || crop_width == 0 || crop_height == 0 || width == 0 || height == 0 {
        return Err(refused(format!(
            "{crop_width} × {crop_height} pixels at ({left}, {top}) of {image:?} to {width} × {height}"
        )));
    }
    let side =
        |side: usize| u32::try_from(side).map_err(|_| refused(format!("a side of {side} pixels")));
    let pixels = image.rgb8();
    let source = ImageRef::new(
        side(image.width())?,
        side(image.height())?,
        &pixels,
        PixelType::U8x3,
    )
    .map_err(|error| refused(error.to_string()))?;
    let mut target = Buffer::new(side(width)?, side(height)?, PixelType::U8x3);
    let options = ResizeOptions::new()
        .resize_alg(algorithm)
        .use_alpha(false)
        .crop(
            left as f64,
            top as f64,
            crop_width as f64,
            crop_height as f64,
        );
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|error| refused(error.to_string()))?;
    Image::from_rgb8(target.into_vec(), width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_bilinear_takes_four_neighbours_at_half_pixel_centres() {
        let row: Vec<u8> = (0..8).flat_map(|x| [x * 10; 3]).collect();
        let image = Image::from_rgb8(row, 8, 1).unwrap();
        let half = crop_and_resize(image.view(), [0, 0, 8, 1], 2, 1).unwrap();
        // Centres 2 and 6 (in pixel edges) lie between pixels 1 and 2, and 5 and 6.
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
