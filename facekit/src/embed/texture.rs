//! The fine detail of an aligned face.

use crate::align::AlignedFace;

/// Three numbers about the fine detail of an aligned face. They show blur, and are used with the embedding to tell faces
/// that cannot be recognized: see [`Recognizability`](super::Recognizability).
///
/// They are logarithms of ratios, so they do not depend on brightness and contrast. All are measured in the middle of the face,
/// without hair and background. In a face without any detail, they are finite, too.
///
/// 1. The weakest gradient of all directions relative to the strongest (the eigenvalues of the structure tensor, Förstner and
///    Gülch 1987). It is 0 if detail is alike in all directions, and less after motion while the shutter was open.
/// 2. The mean gradient relative to the contrast. It is less after blur.
/// 3. The Laplacian relative to the contrast. It is less after blur, and depends on the finest detail.
///
/// ```
/// use facekit::{AlignedFace, Image, Texture};
///
/// let stripes: Vec<u8> = (0..112 * 112).flat_map(|i| [if i % 4 < 2 { 60 } else { 180 }; 3]).collect();
/// let stripes = AlignedFace::new(Image::from_rgb8(stripes, 112, 112)?)?;
/// // Vertical stripes have no gradient from top to bottom.
/// assert!(Texture::of(&stripes).values()[0] < -5.0);
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Texture([f32; 3]);

/// The part of an aligned face that is measured, as shares of its side: left, top, right, bottom.
const PART: [f32; 4] = [3.0 / 14.0, 3.0 / 14.0, 11.0 / 14.0, 13.0 / 14.0];
/// The least root mean square that counts, in steps of brightness.
const LEAST: f32 = 1e-3;

impl Texture {
    /// The greatest absolute value of a number: the ratio of the greatest difference to [`LEAST`].
    pub(super) const MOST: f32 = 14.0;

    /// The texture of a face.
    #[must_use]
    pub fn of(face: &AlignedFace) -> Self {
        let side = face.side();
        let [left, top, right, bottom] =
            PART.map(|share| ((share * side as f32).round() as usize).min(side));
        let width = right - left;
        if width < 3 || bottom - top < 3 {
            return Self::default();
        }
        let rows: Vec<Vec<f32>> = (top..bottom)
            .map(|y| {
                let row = &face.image().data()[3 * (y * side + left)..][..3 * width];
                let pixels = row.as_chunks::<3>().0.iter();
                pixels
                    .map(|&[r, g, b]| (f32::from(r) + f32::from(g) + f32::from(b)) / 3.0)
                    .collect()
            })
            .collect();

        let count = (rows.len() * width) as f32;
        let mean = rows.iter().flatten().sum::<f32>() / count;
        let variance = rows.iter().flatten().map(|value| (value - mean).powi(2));
        let contrast = (variance.sum::<f32>() / count).sqrt();

        // The structure tensor, and the Laplacian, over all places with neighbors on all sides.
        let (mut xx, mut xy, mut yy, mut laplacian) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
        for (y, row) in rows.iter().enumerate().skip(1).take(rows.len() - 2) {
            let (above, below) = (&rows[y - 1], &rows[y + 1]);
            for x in 1..width - 1 {
                let (dx, dy) = (row[x + 1] - row[x], below[x] - row[x]);
                xx += dx * dx;
                xy += dx * dy;
                yy += dy * dy;
                let around = row[x - 1] + row[x + 1] + above[x] + below[x];
                laplacian += (4.0 * row[x] - around).powi(2);
            }
        }
        let places = ((rows.len() - 2) * (width - 2)) as f32;
        let middle = (xx + yy) / (2.0 * places);
        let apart = (((xx - yy) / 2.0).powi(2) + xy * xy).sqrt() / places;
        let logarithm = |mean_square: f32| mean_square.max(0.0).sqrt().max(LEAST).ln();
        let (weakest, strongest) = (logarithm(middle - apart), logarithm(middle + apart));
        let contrast = contrast.max(LEAST).ln();
        Self([
            weakest - strongest,
            ((weakest + strongest) / 2.0 - contrast) / 2.0,
            (logarithm(laplacian / places) - contrast) / 2.0,
        ])
    }

    /// The numbers, in the order above.
    #[must_use]
    pub fn values(&self) -> [f32; 3] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;

    /// A face of 112 × 112 pixels with the brightness that `at` gives for a place.
    fn face(at: impl Fn(f32, f32) -> f32) -> AlignedFace {
        let pixels = (0..112 * 112).flat_map(|i| {
            let (x, y) = ((i % 112) as f32, (i / 112) as f32);
            [at(x, y).clamp(0.0, 255.0) as u8; 3]
        });
        AlignedFace::new(Image::from_rgb8(pixels.collect(), 112, 112).unwrap()).unwrap()
    }

    /// Waves along both axes, of different lengths in pixels.
    fn waves(along_x: f32, along_y: f32) -> [f32; 3] {
        let face = face(|x, y| 128.0 + 50.0 * (x / along_x).sin() + 50.0 * (y / along_y).sin());
        Texture::of(&face).values()
    }

    #[test]
    fn motion_shows_in_the_directions() {
        let still = waves(2.0, 2.0);
        let moved = waves(8.0, 2.0);
        assert!(still[0] > -0.2, "{still:?}");
        assert!(moved[0] < -1.0, "{moved:?}");
        // The axis of the motion does not matter.
        let across = waves(2.0, 8.0);
        let differences = moved.iter().zip(across);
        assert!(
            differences.into_iter().all(|(a, b)| (a - b).abs() < 0.1),
            "{moved:?} {across:?}"
        );
    }

    #[test]
    fn blur_shows_in_gradient_and_laplacian() {
        let (sharp, blurred) = (waves(2.0, 2.0), waves(6.0, 6.0));
        assert!(blurred[0] > -0.2);
        assert!(
            blurred[1] < sharp[1] - 0.3 && blurred[2] < sharp[2] - 0.5,
            "{sharp:?} {blurred:?}"
        );
    }

    #[test]
    fn contrast_and_brightness_do_not_count() {
        let waves = |strength: f32, light: f32| {
            let face = face(|x, y| light + strength * ((x / 2.0).sin() + (y / 3.0).sin()));
            Texture::of(&face).values()
        };
        let (strong, weak) = (waves(50.0, 128.0), waves(20.0, 70.0));
        let differences = strong.iter().zip(weak);
        assert!(
            differences.into_iter().all(|(a, b)| (a - b).abs() < 0.05),
            "{strong:?} {weak:?}"
        );
    }

    #[test]
    fn numbers_are_finite_and_bounded() {
        let noise = |x: f32, y: f32| if (x + y) % 2.0 < 1.0 { 0.0 } else { 255.0 };
        for face in [
            face(|_, _| 90.0),
            face(noise),
            face(|x, _| if x < 56.0 { 0.0 } else { 255.0 }),
        ] {
            let values = Texture::of(&face).values();
            assert!(
                values.iter().all(|value| value.abs() < Texture::MOST),
                "{values:?}"
            );
        }
        let tiny = AlignedFace::new(Image::filled(2, 2, [9; 3])).unwrap();
        assert_eq!(Texture::of(&tiny), Texture::default());
    }
}
