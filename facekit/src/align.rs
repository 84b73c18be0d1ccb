//! Faces moved to where embedders expect them.

use crate::{
    error::{Error, Result},
    image::Image,
};
#[cfg(feature = "engine")]
use crate::{
    geometry::{Landmarks, Point, Similarity},
    image::{
        ImageView,
        bilinear::{Pair, STEPS, mix},
    },
};

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
    let (step_x, step_y) = (fixed(step_x), fixed(step_y));
    let mut out = Image::filled(side, side, [0; 3]);
    for (y, row) in out.data_mut().chunks_exact_mut(3 * side).enumerate() {
        let (x, y) = to_image.apply_f64(0.0, y as f64);
        // Half a step further, so that steps are rounded.
        let half = fixed(0.5 / STEPS as f64);
        let (mut x, mut y) = (fixed(x) + half, fixed(y) + half);
        for pixel in row.as_chunks_mut::<3>().0 {
            let (left, top) = ((x >> FRACTION) as usize, (y >> FRACTION) as usize);
            *pixel = if left < width - 1 && top < height - 1 {
                let at = 3 * (top * width + left);
                let (above, below) = (Pair::load(&pixels, at), Pair::load(&pixels, at + 3 * width));
                mix(above, below, steps(x), steps(y))
            } else {
                at_the_edge(&pixels, (width, height), x, y)
            };
            x = x.saturating_add(step_x);
            y = y.saturating_add(step_y);
        }
    }
    out
}

/// Bits after the point of a place in an image.
#[cfg(feature = "engine")]
const FRACTION: u32 = 32;

/// A length in fixed point. What is too long for any image is cut.
#[cfg(feature = "engine")]
fn fixed(length: f64) -> i64 {
    const LONGEST: f64 = (1_u32 << 22) as f64;
    (length.clamp(-LONGEST, LONGEST) * (1_i64 << FRACTION) as f64) as i64
}

/// How far a place lies beyond the last whole pixel.
#[cfg(feature = "engine")]
fn steps(place: i64) -> u64 {
    (place & ((1 << FRACTION) - 1)) as u64 / ((1 << FRACTION) / STEPS)
}

/// What lies at a point of which not all neighbours are in the image; those that are not are black.
#[cfg(feature = "engine")]
#[cold]
fn at_the_edge(pixels: &[u8], (width, height): (usize, usize), x: i64, y: i64) -> [u8; 3] {
    let (left, top) = (x >> FRACTION, y >> FRACTION);
    let pair = |row: i64| {
        let mut bytes = [0; 6];
        for (bytes, column) in bytes.as_chunks_mut::<3>().0.iter_mut().zip(left..) {
            if (0..width as i64).contains(&column) && (0..height as i64).contains(&row) {
                let at = 3 * (row as usize * width + column as usize);
                bytes.copy_from_slice(&pixels[at..at + 3]);
            }
        }
        Pair::load(&bytes, 0)
    };
    mix(pair(top), pair(top + 1), steps(x), steps(y))
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
