//! Contrast equalization, for photos that were taken against the light or in the dark.

use super::Image;

/// Tiles along each side.
const TILES: usize = 8;
/// The steepest slope of a tile's mapping. A plain copy has a slope of 1.
const CLIP: f32 = 2.0;
/// Levels of luma.
const LEVELS: usize = 256;

/// Equalizes the contrast of an image: contrast-limited adaptive histogram equalization (K. Zuiderveld, "Contrast Limited
/// Adaptive Histogram Equalization", Graphics Gems IV, 1994, 474–485).
///
/// The image is divided into 8 × 8 tiles. Each tile gets the mapping that spreads its own luma histogram evenly. Before
/// that, bins are clipped at twice the mean, and the clipped counts are spread over all bins, so that noise in flat areas
/// is not amplified. The new luma of a pixel is interpolated between the mappings of the four nearest tiles. Red, green
/// and blue change by the same amount, so chroma stays the same, up to clamping. An image of one color keeps one color.
///
/// ```
/// use facekit::{Image, image::equalize};
///
/// let dark = Image::from_rgb8((0..64 * 64 * 3).map(|i| (i / 3 % 64 / 4) as u8).collect(), 64, 64)?;
/// let brightest = |image: &Image| image.data().iter().copied().max();
/// assert!(brightest(&equalize(&dark)) > brightest(&dark));
/// # Ok::<(), facekit::Error>(())
/// ```
#[must_use]
pub fn equalize(image: &Image) -> Image {
    let (width, height) = (image.width, image.height);
    let (columns, rows) = (TILES.min(width), TILES.min(height));
    let luma: Vec<u8> = image.data.chunks_exact(3).map(luma).collect();

    let mut mappings = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        let lines = row * height / rows..(row + 1) * height / rows;
        for column in 0..columns {
            let part = column * width / columns..(column + 1) * width / columns;
            let lines = lines.clone().map(|y| &luma[y * width..][part.clone()]);
            mappings.push(mapping(lines));
        }
    }

    let across = positions(width, columns);
    let down = positions(height, rows);
    let mut data = image.data.clone();
    let pixels = data
        .chunks_exact_mut(3 * width)
        .zip(luma.chunks_exact(width));
    for ((pixels, luma), &(top, bottom, y)) in pixels.zip(&down) {
        let top = &mappings[top * columns..][..columns];
        let bottom = &mappings[bottom * columns..][..columns];
        for ((pixel, &old), &(left, right, x)) in pixels.chunks_exact_mut(3).zip(luma).zip(&across)
        {
            let level = usize::from(old);
            let above = mix(top[left][level], top[right][level], x);
            let below = mix(bottom[left][level], bottom[right][level], x);
            let change = (mix(above, below, y) + 0.5) as i32 - i32::from(old);
            for channel in pixel {
                *channel = (i32::from(*channel) + change).clamp(0, 255) as u8;
            }
        }
    }
    Image {
        data,
        width,
        height,
        origin: None,
    }
}

/// BT.601 luma, full range.
pub(super) fn luma(rgb: &[u8]) -> u8 {
    let [r, g, b] = [0, 1, 2].map(|i| u32::from(rgb[i]));
    ((77 * r + 150 * g + 29 * b + 128) >> 8) as u8
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + share * (b - a)
}

/// The clipped, cumulated histogram of a tile as a mapping from luma to luma.
fn mapping<'a>(lines: impl Iterator<Item = &'a [u8]>) -> [f32; LEVELS] {
    let mut counts = [0_u32; LEVELS];
    let mut area = 0;
    for line in lines {
        area += line.len();
        for &luma in line {
            counts[usize::from(luma)] += 1;
        }
    }
    // Shares of the tile, not counts, so that tiles whose sizes differ by a pixel have the same mapping.
    let clip = CLIP / LEVELS as f32;
    let mut shares = counts.map(|count| count as f32 / area as f32);
    let mut excess = 0.0;
    for share in &mut shares {
        let kept = share.min(clip);
        excess += *share - kept;
        *share = kept;
    }
    let mut sum = 0.0;
    shares.map(|share| {
        sum += share + excess / LEVELS as f32;
        (255.0 * sum).min(255.0)
    })
}

/// For each pixel of a side: the two tiles whose centers it is between, and its place between them, 0 to 1.
fn positions(length: usize, tiles: usize) -> Vec<(usize, usize, f32)> {
    (0..length)
        .map(|pixel| {
            let position = (pixel as f32 + 0.5) * tiles as f32 / length as f32 - 0.5;
            let position = position.clamp(0.0, (tiles - 1) as f32);
            let before = position as usize;
            (
                before,
                (before + 1).min(tiles - 1),
                position - before as f32,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviation(image: &Image) -> f64 {
        let lumas: Vec<f64> = image.data.chunks_exact(3).map(|p| luma(p).into()).collect();
        let mean = lumas.iter().sum::<f64>() / lumas.len() as f64;
        (lumas.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / lumas.len() as f64).sqrt()
    }

    fn textured(width: usize, height: usize) -> Image {
        let pixels = (0..width * height).flat_map(|i| {
            let (x, y) = (i % width, i / width);
            let level = 100 + ((x * 7 + y * 13) % 20) as u8;
            [level + 10, level, level - 5]
        });
        Image::from_rgb8(pixels.collect(), width, height).unwrap()
    }

    #[test]
    fn contrast_rises_and_chroma_stays() {
        let flat = textured(321, 243);
        let equal = equalize(&flat);
        assert_eq!((equal.width, equal.height), (321, 243));
        let (before, after) = (deviation(&flat), deviation(&equal));
        assert!(after > 1.4 * before, "{before} {after}");
        for (old, new) in flat.data.chunks_exact(3).zip(equal.data.chunks_exact(3)) {
            assert_eq!(
                i32::from(old[0]) - i32::from(old[2]),
                i32::from(new[0]) - i32::from(new[2])
            );
        }
    }

    #[test]
    fn one_color_stays_one_color() {
        for level in 0..=255 {
            let equal = equalize(&Image::filled(53, 37, [level; 3]));
            let first = equal.data[0];
            assert!(equal.data.iter().all(|&v| v == first), "{level}");
            assert!(first.abs_diff(level) <= 3, "{level} became {first}");
        }
    }

    #[test]
    fn images_smaller_than_the_tiles_work() {
        for (width, height) in [(1, 1), (7, 5), (1, 300), (9, 8)] {
            let equal = equalize(&textured(width, height));
            assert_eq!((equal.width, equal.height), (width, height));
        }
    }
}
