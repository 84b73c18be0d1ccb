//! Face alignment: a face is moved to the position that embedders expect.

use crate::{
    error::{Error, Result},
    image::Image,
};
#[cfg(feature = "engine")]
use crate::{
    geometry::{Landmarks, Point, Similarity},
    image::{
        self, ImageView,
        bilinear::{Pair, STEPS, mix},
    },
};

/// A face that is cut out, turned upright and scaled, so that its landmarks are where an embedder expects them.
///
/// A square RGB image. Made by `align`, or from an image that holds such a face already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlignedFace(Image);

impl AlignedFace {
    /// Takes an image that holds an aligned face.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the image is not square.
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

    /// The length of a side in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.0.width()
    }

    /// The mirror image, with left and right exchanged.
    ///
    /// ```
    /// use facekit::{AlignedFace, Image};
    ///
    /// let face = AlignedFace::new(Image::from_rgb8(vec![1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4], 2, 2)?)?;
    /// assert_eq!(face.mirrored().image().data(), [2, 2, 2, 1, 1, 1, 4, 4, 4, 3, 3, 3]);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let mut image = self.0.clone();
        for row in image.data_mut().chunks_exact_mut(3 * self.side()) {
            row.as_chunks_mut::<3>().0.reverse();
        }
        Self(image)
    }
}

/// The landmarks of an aligned face of 112 × 112 pixels: the template that ArcFace and most later embedders were trained
/// with.
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

/// Cuts the face with these `landmarks` out of `image`. A least-squares similarity moves the landmarks to ArcFace's
/// template (Deng et al. 2019). Pixels are interpolated bilinearly, and pixels outside the image are black. `side` is the
/// embedder's [`face_side`](crate::Embedder::face_side), 112 for most.
///
/// # Errors
///
/// [`Error::InvalidArgument`] if the landmarks coincide or are not finite, or `side` is 0.
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

/// `face`, rotated by `degrees` about its center.
#[cfg(feature = "engine")]
pub(crate) fn turned(face: &AlignedFace, degrees: f64) -> AlignedFace {
    let middle = Point::new(face.side() as f32 / 2.0, face.side() as f32 / 2.0);
    let back = Similarity::identity().turned(-degrees, middle);
    AlignedFace(warp(face.image().view(), &back, face.side()))
}

/// `face`, reduced to a part of its side and enlarged again.
#[cfg(feature = "engine")]
pub(crate) fn reduced(face: &AlignedFace, by: usize) -> Result<AlignedFace> {
    let side = (face.side() / by).max(1);
    let small = image::resize(face.image().view(), side, side)?;
    AlignedFace::new(image::resize(small.view(), face.side(), face.side())?)
}

/// `face` in another light: each value times `gain`, plus `offset`.
#[cfg(feature = "engine")]
pub(crate) fn lit(face: &AlignedFace, gain: f32, offset: f32) -> AlignedFace {
    let mut image = face.image().clone();
    for value in image.data_mut() {
        *value = (f32::from(*value) * gain + offset)
            .round()
            .clamp(0.0, 255.0) as u8;
    }
    AlignedFace(image)
}

/// The pixels of a square of `side`. Each is interpolated from the place in `image` that `to_image` maps it to.
#[cfg(feature = "engine")]
fn warp(image: ImageView<'_>, to_image: &Similarity, side: usize) -> Image {
    let (width, height) = (image.width(), image.height());
    let pixels = image.rgb8();
    let (step_x, step_y) = to_image.step();
    let (step_x, step_y) = (fixed(step_x), fixed(step_y));
    let mut out = Image::filled(side, side, [0; 3]);
    for (y, row) in out.data_mut().chunks_exact_mut(3 * side).enumerate() {
        let (x, y) = to_image.apply_f64(0.0, y as f64);
        // Adding half a step rounds to the nearest step.
        let half = fixed(0.5 / STEPS as f64);
        let (mut x, mut y) = (fixed(x) + half, fixed(y) + half);
        for pixel in row.as_chunks_mut::<3>().0 {
            let (left, top) = ((x >> FRACTION) as usize, (y >> FRACTION) as usize);
            *pixel = if left < width - 1 && top < height - 1 {
                let offset = 3 * (top * width + left);
                let above = Pair::load(&pixels, offset);
                let below = Pair::load(&pixels, offset + 3 * width);
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

/// Bits after the point of a coordinate in fixed point.
#[cfg(feature = "engine")]
const FRACTION: u32 = 32;

/// A length in fixed point, clamped to a length that is longer than any image.
#[cfg(feature = "engine")]
fn fixed(length: f64) -> i64 {
    const LONGEST: f64 = (1_u32 << 22) as f64;
    (length.clamp(-LONGEST, LONGEST) * (1_i64 << FRACTION) as f64) as i64
}

/// The distance of a coordinate from the last whole pixel, in steps.
#[cfg(feature = "engine")]
fn steps(place: i64) -> u64 {
    (place & ((1 << FRACTION) - 1)) as u64 / ((1 << FRACTION) / STEPS)
}

/// The color at a point whose four neighbors are not all in the image. The missing neighbors are black.
#[cfg(feature = "engine")]
#[cold]
fn at_the_edge(pixels: &[u8], (width, height): (usize, usize), x: i64, y: i64) -> [u8; 3] {
    let (left, top) = (x >> FRACTION, y >> FRACTION);
    let pair = |row: i64| {
        let mut bytes = [0; 6];
        for (bytes, column) in bytes.as_chunks_mut::<3>().0.iter_mut().zip(left..) {
            if (0..width as i64).contains(&column) && (0..height as i64).contains(&row) {
                let offset = 3 * (row as usize * width + column as usize);
                bytes.copy_from_slice(&pixels[offset..offset + 3]);
            }
        }
        Pair::load(&bytes, 0)
    };
    mix(pair(top), pair(top + 1), steps(x), steps(y))
}

#[cfg(all(test, feature = "engine"))]
mod tests {
    use super::*;

    /// An image whose brightness grows by 2 per pixel to the right and by 1 per pixel downwards.
    fn slope(width: usize, height: usize) -> Image {
        let pixels = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [(2 * x + y) as u8; 3]))
            .collect();
        Image::from_rgb8(pixels, width, height).unwrap()
    }

    #[test]
    fn a_face_on_the_template_stays_the_same() {
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
    fn a_face_elsewhere_is_moved_to_the_template() {
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
    fn pixels_outside_the_image_are_black() {
        let image = Image::filled(40, 40, [200; 3]);
        let face = align(image.view(), &TEMPLATE.into(), 112).unwrap();
        assert_eq!(face.image().data()[3 * (10 * 112 + 10)], 200);
        assert_eq!(face.image().data()[3 * (80 * 112 + 80)], 0);
    }

    #[test]
    fn invalid_arguments_are_refused() {
        let image = slope(10, 10);
        assert!(align(image.view(), &Landmarks::default(), 112).is_err());
        assert!(align(image.view(), &TEMPLATE.into(), 0).is_err());
    }
}
