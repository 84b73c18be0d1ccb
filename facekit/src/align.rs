//! Faces moved to where embedders expect them.

use crate::{Error, Image, Result};
#[cfg(feature = "engine")]
use crate::{ImageView, Landmarks, Point, Similarity};

/// A face cut out, turned upright and scaled so that its landmarks lie where an embedder expects them.
///
/// Square, RGB. Made by `align`, or taken from an image that holds such a face already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlignedFace(Image);

impl AlignedFace {
    /// Takes an image that holds an aligned face.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] where the image is not square.
    pub fn new(image: Image) -> Result<Self> {
        if image.width() == image.height() {
            Ok(Self(image))
        } else {
            Err(Error::argument(
                "aligned face",
                format!("{} × {} is not square", image.width(), image.height()),
            ))
        }
    }

    /// The pixels.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.0
    }

    /// Pixels along a side.
    #[must_use]
    pub fn side(&self) -> usize {
        self.0.width()
    }
}

/// Where the landmarks lie in an aligned face of 112 × 112 pixels: the template that ArcFace was trained with,
/// and most embedders since.
#[cfg(feature = "engine")]
const TEMPLATE: [Point; 5] = [
    Point::new(38.2946, 51.6963),
    Point::new(73.5318, 51.5014),
    Point::new(56.0252, 71.7366),
    Point::new(41.5493, 92.3655),
    Point::new(70.7299, 92.2041),
];

/// The similarity from an image to the aligned face of `side` pixels.
#[cfg(feature = "engine")]
pub(crate) fn alignment(landmarks: &Landmarks, side: usize) -> Result<Similarity> {
    let template = TEMPLATE.map(|point| point.scaled(side as f32 / 112.0));
    Similarity::fit(&landmarks.points(), &template).ok_or_else(|| {
        Error::argument(
            "landmarks",
            format!("{:?} do not span a face", landmarks.points()),
        )
    })
}

/// Cuts the face with these `landmarks` out of `image`: a least-squares similarity moves the landmarks onto
/// ArcFace's template (Deng et al. 2019), pixels are interpolated bilinearly, and what lies outside the image is
/// black. `side` is the embedder's [`face_side`](crate::Embedder::face_side), 112 for most.
///
/// # Errors
///
/// [`Error::InvalidArgument`] where the landmarks coincide or are not finite, or `side` is 0.
///
/// ```
/// use facekit::{Image, Landmarks, Point, align};
///
/// let photo = Image::filled(640, 480, [90, 80, 70]);
/// let landmarks = Landmarks {
///     left_eye: Point::new(300.0, 200.0),
///     right_eye: Point::new(360.0, 204.0),
///     nose: Point::new(330.0, 235.0),
///     left_mouth: Point::new(305.0, 270.0),
///     right_mouth: Point::new(352.0, 272.0),
/// };
/// assert_eq!(align(photo.view(), &landmarks, 112)?.side(), 112);
/// # Ok::<(), facekit::Error>(())
/// ```
#[cfg(feature = "engine")]
pub fn align(image: ImageView<'_>, landmarks: &Landmarks, side: usize) -> Result<AlignedFace> {
    if side == 0 {
        return Err(Error::argument(
            "side",
            "an aligned face has at least one pixel",
        ));
    }
    let to_image = alignment(landmarks, side)?.inverse();
    Ok(AlignedFace(warp(image, &to_image, side)))
}

/// `face` again, turned by `degrees` about its middle.
#[cfg(feature = "engine")]
pub(crate) fn turned(face: &AlignedFace, degrees: f64) -> AlignedFace {
    let middle = Point::new(face.side() as f32 / 2.0, face.side() as f32 / 2.0);
    let back = Similarity::identity().turned(-degrees, middle);
    AlignedFace(warp(face.image().view(), &back, face.side()))
}

/// The pixels of a square of `side`, each fetched bilinearly from where `to_image` sends it.
#[cfg(feature = "engine")]
fn warp(image: ImageView<'_>, to_image: &Similarity, side: usize) -> Image {
    let (width, height) = (image.width(), image.height());
    let pixels = image.rgb8();
    let (step_x, step_y) = to_image.step();
    let mut out = Image::filled(side, side, [0; 3]);
    for (y, row) in out.data_mut().chunks_exact_mut(3 * side).enumerate() {
        let (left_x, left_y) = to_image.apply_f64(0.0, y as f64);
        for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
            let source_x = (left_x + step_x * x as f64) as f32;
            let source_y = (left_y + step_y * x as f64) as f32;
            if source_x < -1.0
                || source_y < -1.0
                || source_x >= width as f32
                || source_y >= height as f32
            {
                continue;
            }
            // Not below −1, so truncation after adding one rounds down; `floor` is a call on some processors.
            let (x0, y0) = ((source_x + 1.0) as isize - 1, (source_y + 1.0) as isize - 1);
            let (dx, dy) = (source_x - x0 as f32, source_y - y0 as f32);
            let weights = [
                (1.0 - dx) * (1.0 - dy),
                dx * (1.0 - dy),
                (1.0 - dx) * dy,
                dx * dy,
            ];
            let inside = x0 >= 0 && y0 >= 0 && x0 + 1 < width as isize && y0 + 1 < height as isize;
            let mut sums = [0.5; 3];
            if inside {
                let top = 3 * (y0 as usize * width + x0 as usize);
                let (top, bottom) = (&pixels[top..top + 6], &pixels[top + 3 * width..][..6]);
                for (channel, sum) in sums.iter_mut().enumerate() {
                    *sum += weights[0] * f32::from(top[channel])
                        + weights[1] * f32::from(top[channel + 3])
                        + weights[2] * f32::from(bottom[channel])
                        + weights[3] * f32::from(bottom[channel + 3]);
                }
            } else {
                for (corner, weight) in weights.into_iter().enumerate() {
                    let (x, y) = (x0 + (corner as isize & 1), y0 + (corner as isize >> 1));
                    if (0..width as isize).contains(&x) && (0..height as isize).contains(&y) {
                        let at = 3 * (y as usize * width + x as usize);
                        for (channel, sum) in sums.iter_mut().enumerate() {
                            *sum += weight * f32::from(pixels[at + channel]);
                        }
                    }
                }
            }
            for (channel, sum) in pixel.iter_mut().zip(sums) {
                *channel = sum as u8;
            }
        }
    }
    out
}

#[cfg(all(test, feature = "engine"))]
mod tests {
    use super::*;

    /// Brightness grows by 2 a pixel to the right and by 1 a pixel downwards.
    fn slope(width: usize, height: usize) -> Image {
        let pixels = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [(2 * x + y) as u8; 3]))
            .collect();
        Image::from_rgb8(pixels, width, height).unwrap()
    }

    #[test]
    fn landmarks_on_the_template_change_nothing() {
        let image = Image::from_rgb8(
            (0..112 * 112 * 3).map(|i| (i % 251) as u8).collect(),
            112,
            112,
        )
        .unwrap();
        let face = align(image.view(), &TEMPLATE.into(), 112).unwrap();
        let differences = face
            .image()
            .data()
            .iter()
            .zip(image.data())
            .filter(|(a, b)| a.abs_diff(**b) > 1);
        assert_eq!(differences.count(), 0);
    }

    #[test]
    fn a_moved_face_is_fetched_from_where_it_is() {
        let image = slope(60, 60);
        // Half the template's size, shifted by (3, 4): aligned pixel (x, y) shows image point (x/2 + 3, y/2 + 4).
        let landmarks = TEMPLATE
            .map(|p| Point::new(p.x / 2.0 + 3.0, p.y / 2.0 + 4.0))
            .into();
        let face = align(image.view(), &landmarks, 112).unwrap();
        for (x, y) in [(10, 10), (50, 31), (99, 88)] {
            let expected = 2.0 * (x as f32 / 2.0 + 3.0) + (y as f32 / 2.0 + 4.0);
            let found = f32::from(face.image().data()[3 * (y * 112 + x)]);
            assert!(
                (found - expected).abs() <= 1.0,
                "({x}, {y}): {found}, not {expected}"
            );
        }
    }

    #[test]
    fn outside_the_image_is_black() {
        let image = Image::filled(40, 40, [200; 3]);
        let face = align(image.view(), &TEMPLATE.into(), 112).unwrap();
        assert_eq!(face.image().data()[3 * (10 * 112 + 10)], 200);
        assert_eq!(face.image().data()[3 * (80 * 112 + 80)], 0);
    }

    #[test]
    fn impossible_requests_are_refused() {
        let image = slope(10, 10);
        assert!(align(image.view(), &Landmarks::default(), 112).is_err());
        assert!(align(image.view(), &TEMPLATE.into(), 0).is_err());
    }
}
