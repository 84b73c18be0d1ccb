use jiff::Timestamp;

use super::motion::seconds;
use crate::image::ImageView;

/// The cells of a frame.
const COLUMNS: usize = 64;
const ROWS: usize = 36;
/// A cell moves if its luma differs from the running mean by more than this many of 256 levels.
const LEVELS: f32 = 12.0;
/// Something moves if more than this share of the cells do.
const MOVING: f32 = 0.004;
/// The time constant of the running mean, in seconds. It forgets somebody who has left after a few seconds, and a person who stands
/// still was seen before that.
const MEMORY: f64 = 2.0;
/// A picture is another one if more than this share of the cells differ from those of the picture before, and the correlation of
/// the two is less than the second number. Two pictures that have nothing to do with each other differ in about 0.85 of the cells.
/// Light that is switched on changes all of them, but the correlation stays high.
const OTHER: (f32, f32) = (0.7, 0.5);
/// The greatest number of pixels of a side of a cell that are read.
const SAMPLES: usize = 8;

/// Tells frames in which something moves from those in which nothing does, and finds cuts: on the luma of 64 × 36 cells.
#[derive(Debug, Default)]
pub(super) struct MotionGate {
    last: Option<Cells>,
}

#[derive(Debug)]
struct Cells {
    now: Vec<f32>,
    mean: Vec<f32>,
    at: Timestamp,
}

/// The difference of a frame from those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Something moves. The first frame moves.
    pub(super) is_motion: bool,
    /// The frame shows something else than the one before.
    pub(super) is_cut: bool,
}

impl MotionGate {
    pub(super) fn change(&mut self, image: ImageView<'_>, at: Timestamp) -> Change {
        let cells = luma_cells(image);
        let Some(last) = &mut self.last else {
            self.last = Some(Cells {
                mean: cells.clone(),
                now: cells,
                at,
            });
            return Change {
                is_motion: true,
                is_cut: false,
            };
        };
        let moved = moved_share(&cells, &last.mean);
        let is_cut = moved_share(&cells, &last.now) > OTHER.0
            && correlation(&cells, &last.now) < f64::from(OTHER.1);
        if is_cut {
            last.mean.clone_from(&cells);
        } else {
            let newest = 1.0 - (-seconds(last.at, at) / MEMORY).exp();
            for (mean, cell) in last.mean.iter_mut().zip(&cells) {
                *mean += newest as f32 * (cell - *mean);
            }
        }
        last.now = cells;
        last.at = at;
        Change {
            is_motion: moved > MOVING,
            is_cut,
        }
    }
}

/// The mean luma of each cell, 0 to 255.
fn luma_cells(image: ImageView<'_>) -> Vec<f32> {
    let range = |nth: usize, count: usize, length: usize| {
        // An image of fewer pixels than cells repeats pixels.
        let begin = nth * length / count;
        begin..((nth + 1) * length / count).max(begin + 1)
    };
    let step = |length: usize| length.div_ceil(SAMPLES).max(1);
    let mut cells = Vec::with_capacity(COLUMNS * ROWS);
    for row in 0..ROWS {
        let lines = range(row, ROWS, image.height());
        for column in 0..COLUMNS {
            let pixels = range(column, COLUMNS, image.width());
            let (mut sum, mut count) = (0_u32, 0_u32);
            for y in lines.clone().step_by(step(lines.len())) {
                for x in pixels.clone().step_by(step(pixels.len())) {
                    sum += u32::from(image.luma(x, y));
                    count += 1;
                }
            }
            cells.push(sum as f32 / count as f32);
        }
    }
    cells
}

fn moved_share(a: &[f32], b: &[f32]) -> f32 {
    let moved = a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() > LEVELS);
    moved.count() as f32 / a.len() as f32
}

/// Pearson's correlation; 1 if one of the two has no contrast.
fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mean =
        |cells: &[f32]| cells.iter().copied().map(f64::from).sum::<f64>() / cells.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a) - mean_a, f64::from(b) - mean_b);
        both += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    // The variance of a cell in a picture of one color is that of rounding.
    let least = a.len() as f64;
    if of_a < least || of_b < least {
        return 1.0;
    }
    both / (of_a * of_b).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Image, PixelFormat};

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    /// A picture with blocks of luma that depend on `seed`, times `light`.
    fn picture(seed: u32, light: f32) -> Image {
        let mut image = Image::filled(320, 180, [0; 3]);
        for (nth, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
            let (x, y) = (nth % 320 / 20, nth / 320 / 20);
            let hash = (x as u32 * 31 + y as u32 * 17 + 1000 * seed).wrapping_mul(0x9E37_79B1);
            let hash = (hash ^ (hash >> 15)).wrapping_mul(0x85EB_CA77) >> 24;
            pixel.fill((hash as f32 * light) as u8);
        }
        image
    }

    fn with_square(side: usize) -> Image {
        let mut image = picture(1, 0.5);
        for y in 90..90 + side {
            for x in 100..100 + side {
                image.data_mut()[3 * (320 * y + x)..][..3].fill(255);
            }
        }
        image
    }

    #[test]
    fn a_still_picture_does_not_move_and_a_small_square_does() {
        let mut gate = MotionGate::default();
        assert!(gate.change(picture(1, 0.5).view(), at(0)).is_motion);
        for nth in 1..5 {
            let change = gate.change(picture(1, 0.5).view(), at(200 * nth));
            assert!(!change.is_motion && !change.is_cut);
        }
        let change = gate.change(with_square(24).view(), at(1000));
        assert!(change.is_motion && !change.is_cut);
        // After a while, the square belongs to the picture.
        let moved = (6..60).map(|nth| gate.change(with_square(24).view(), at(200 * nth)).is_motion);
        let moved: Vec<bool> = moved.collect();
        assert!(moved[0] && !moved[53]);
    }

    #[test]
    fn another_picture_is_a_cut_and_other_light_is_not() {
        let mut gate = MotionGate::default();
        gate.change(picture(1, 0.5).view(), at(0));
        let light = gate.change(picture(1, 1.0).view(), at(200));
        assert!(light.is_motion && !light.is_cut);
        let cut = gate.change(picture(77, 1.0).view(), at(400));
        assert!(cut.is_motion && cut.is_cut);
        assert!(!gate.change(picture(77, 1.0).view(), at(600)).is_motion);
    }

    #[test]
    fn every_format_and_size_has_cells() {
        let bytes = vec![90; 9 * 5 * 4];
        for format in [PixelFormat::Gray8, PixelFormat::Bgr8, PixelFormat::Rgba8] {
            let image = ImageView::new(&bytes, 9, 5, format).unwrap();
            let cells = luma_cells(image);
            assert_eq!(cells.len(), COLUMNS * ROWS);
            assert!(cells.iter().all(|&cell| (cell - 90.0).abs() < 1.0));
        }
    }
}
