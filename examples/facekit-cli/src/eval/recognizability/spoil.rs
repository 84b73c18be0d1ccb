//! Photos that are turned, blurred or shrunk on purpose.

use std::f32::consts::PI;

use facekit::{Image, image::resize};

/// The side of a photo that lengths in pixels refer to.
const SIDE: f32 = 250.0;

/// A way to spoil a photo. Lengths are in pixels of a photo of 250 pixels a side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spoil {
    Upright,
    /// Turned clockwise by a number of quarters.
    Turned(u8),
    /// Moved along a line of this length while the shutter was open.
    Motion(f32),
    /// Blurred by a Gaussian of this standard deviation.
    Gaussian(f32),
    /// Reduced by this factor, and enlarged again.
    Shrunk(f32),
}

impl Spoil {
    pub(super) fn name(self) -> String {
        match self {
            Self::Upright => "upright".to_owned(),
            Self::Turned(quarters) => format!("turned {}°", 90 * u16::from(quarters)),
            Self::Motion(length) => format!("motion {length} px"),
            Self::Gaussian(deviation) => format!("Gaussian {deviation} px"),
            Self::Shrunk(factor) => format!("shrunk {factor} ×"),
        }
    }

    /// The spoiled photo. `seed` chooses the direction of a motion.
    pub(super) fn apply(self, image: &Image, seed: u64) -> facekit::Result<Image> {
        let scale = image.width().max(image.height()) as f32 / SIDE;
        Ok(match self {
            Self::Upright => image.clone(),
            Self::Turned(quarters) => (0..quarters).fold(image.clone(), |image, _| turned(&image)),
            Self::Motion(length) => {
                // Multiples of the golden ratio spread over all directions.
                let angle = PI * (seed as f32 * 0.618_034).fract();
                moved(image, scale * length, angle)
            }
            Self::Gaussian(deviation) => blurred(image, scale * deviation),
            Self::Shrunk(factor) => {
                let side = |side: usize| ((side as f32 / (scale * factor)).round() as usize).max(1);
                let small = resize(image.view(), side(image.width()), side(image.height()))?;
                resize(small.view(), image.width(), image.height())?
            }
        })
    }
}

/// The image, turned clockwise by 90°.
fn turned(image: &Image) -> Image {
    let (width, height) = (image.width(), image.height());
    let mut turned = Image::filled(height, width, [0; 3]);
    let pixels = image.data().as_chunks::<3>().0;
    for (y, row) in turned.data_mut().chunks_exact_mut(3 * height).enumerate() {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = pixels[(height - 1 - x) * width + y];
        }
    }
    turned
}

/// The weighted sum of copies of an image that are moved by `(x, y)` pixels. The border is repeated.
fn sum_of_moved(image: &Image, moves: &[(i64, i64, f32)]) -> Image {
    /// Weights are whole numbers of this fraction.
    const ONE: f32 = 65_536.0;
    let (width, height) = (image.width(), image.height());
    let reach = moves
        .iter()
        .map(|(x, ..)| x.unsigned_abs() as usize)
        .max()
        .unwrap_or(0);
    // Rows with the border repeated, so that a moved row is a slice.
    let padded: Vec<Vec<u32>> = image
        .data()
        .chunks_exact(3 * width)
        .map(|row| {
            let pixels = row.as_chunks::<3>().0;
            let at = |x: usize| pixels[x.saturating_sub(reach).min(width - 1)];
            (0..width + 2 * reach)
                .flat_map(|x| at(x).map(u32::from))
                .collect()
        })
        .collect();
    let moves: Vec<(usize, i64, u32)> = moves
        .iter()
        .map(|&(x, y, weight)| {
            (
                (reach as i64 + x) as usize,
                y,
                (ONE * weight).round() as u32,
            )
        })
        .collect();
    let whole: u32 = moves.iter().map(|(.., weight)| weight).sum::<u32>().max(1);
    let mut sum = image.clone();
    let mut totals = vec![0_u32; 3 * width];
    for (y, row) in sum.data_mut().chunks_exact_mut(3 * width).enumerate() {
        totals.fill(whole / 2);
        for &(left, dy, weight) in &moves {
            let from = (y as i64 + dy).clamp(0, height as i64 - 1) as usize;
            let values = &padded[from][3 * left..][..3 * width];
            for (total, &value) in totals.iter_mut().zip(values) {
                *total += weight * value;
            }
        }
        for (pixel, &total) in row.iter_mut().zip(&totals) {
            *pixel = (total / whole) as u8;
        }
    }
    sum
}

/// The image, moved along a line of `length` pixels.
fn moved(image: &Image, length: f32, angle: f32) -> Image {
    let reach = (length / 2.0).ceil() as i64 + 1;
    let side = (2 * reach + 1) as usize;
    let mut kernel = vec![0.0; side * side];
    let steps = (8.0 * length).ceil().max(1.0) as usize;
    for step in 0..steps {
        let along = (length - 1.0).max(0.0) * ((step as f32 + 0.5) / steps as f32 - 0.5);
        let (sin, cos) = angle.sin_cos();
        let (x, y) = (along * cos, along * sin);
        let (left, top) = (x.floor(), y.floor());
        let (right_share, bottom_share) = (x - left, y - top);
        for (dx, across) in [(0, 1.0 - right_share), (1, right_share)] {
            for (dy, down) in [(0, 1.0 - bottom_share), (1, bottom_share)] {
                let (column, row) = (left as i64 + dx + reach, top as i64 + dy + reach);
                kernel[row as usize * side + column as usize] += across * down / steps as f32;
            }
        }
    }
    let moves: Vec<_> = (0..side * side)
        .filter(|&at| kernel[at] > 0.0)
        .map(|at| {
            let (column, row) = ((at % side) as i64, (at / side) as i64);
            (column - reach, row - reach, kernel[at])
        })
        .collect();
    sum_of_moved(image, &moves)
}

/// The image, blurred by a Gaussian: along rows, then along columns.
fn blurred(image: &Image, deviation: f32) -> Image {
    let reach = (3.0 * deviation).ceil() as i64;
    let weight = |at: i64| (-0.5 * (at as f32 / deviation).powi(2)).exp();
    let whole: f32 = (-reach..=reach).map(weight).sum();
    let along = |place: fn(i64) -> (i64, i64)| -> Vec<(i64, i64, f32)> {
        (-reach..=reach)
            .map(|at| {
                let (x, y) = place(at);
                (x, y, weight(at) / whole)
            })
            .collect()
    };
    let rows = sum_of_moved(image, &along(|at| (at, 0)));
    sum_of_moved(&rows, &along(|at| (0, at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A white pixel in the middle of a black image of 250 pixels a side.
    fn dot() -> Image {
        let mut image = Image::filled(250, 250, [0; 3]);
        image.data_mut()[3 * (250 * 125 + 125)..][..3].fill(255);
        image
    }

    fn brightness(image: &Image) -> Vec<u32> {
        image
            .data()
            .iter()
            .step_by(3)
            .map(|&value| value.into())
            .collect()
    }

    #[test]
    fn four_quarters_are_a_whole_turn() {
        let pixels = (0..4 * 3 * 3).collect();
        let image = Image::from_rgb8(pixels, 4, 3).unwrap();
        let quarter = Spoil::Turned(1).apply(&image, 0).unwrap();
        assert_eq!((quarter.width(), quarter.height()), (3, 4));
        // The pixel at the top left moves to the top right.
        assert_eq!(quarter.data()[6..9], image.data()[..3]);
        assert_eq!(Spoil::Turned(4).apply(&image, 0).unwrap(), image);
    }

    #[test]
    fn motion_spreads_a_dot_over_a_line() {
        for seed in 0..4 {
            let line = brightness(&Spoil::Motion(9.0).apply(&dot(), seed).unwrap());
            let lit: Vec<usize> = (0..line.len()).filter(|&at| line[at] > 0).collect();
            let farthest = lit.iter().map(|&at| {
                let (x, y) = ((at % 250) as f32 - 125.0, (at / 250) as f32 - 125.0);
                x.hypot(y)
            });
            let farthest = farthest.fold(0.0, f32::max);
            assert!((3.5..5.5).contains(&farthest), "{farthest}");
            assert!(lit.len() < 25, "{}", lit.len());
            let sum: u32 = line.iter().sum();
            assert!(sum.abs_diff(255) < 20, "{sum}");
        }
    }

    #[test]
    fn a_gaussian_has_its_deviation() {
        let wide = Image::from_rgb8(
            (0..250 * 250)
                .flat_map(|at| [if at % 250 == 125 { 255 } else { 0 }; 3])
                .collect(),
            250,
            250,
        )
        .unwrap();
        let blurred = brightness(&Spoil::Gaussian(4.0).apply(&wide, 0).unwrap());
        let row = &blurred[250 * 100..][..250];
        let sum: u32 = row.iter().sum();
        let squares: f64 = (0..250)
            .map(|x| f64::from(row[x]) * (x as f64 - 125.0).powi(2))
            .sum();
        let deviation = (squares / f64::from(sum)).sqrt();
        assert!((deviation - 4.0).abs() < 0.2, "{deviation}");
    }

    #[test]
    fn a_shrunk_photo_keeps_its_size_and_loses_detail() {
        let shrunk = Spoil::Shrunk(8.0).apply(&dot(), 0).unwrap();
        assert_eq!((shrunk.width(), shrunk.height()), (250, 250));
        assert!(brightness(&shrunk).iter().all(|&value| value < 20));
    }
}
