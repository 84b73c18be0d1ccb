//! Tiles that overlap, which cover an image.

use super::{
    DetectOptions, Detection, Detector,
    find::{is_among, sort},
};
use crate::{
    error::Result,
    image::{self, ImageView},
};

/// The longest side of a tile, in pixels.
const LONGEST: usize = 2048;
/// The sides of tiles are multiples of this, if the image is large enough: the coarsest grids of detectors have cells of 32
/// pixels.
const CELL: usize = 32;

/// The largest face that is whole in each tile that it is taken from, as a share of the strip that two tiles share.
pub(super) const WHOLE: f32 = 0.75;

/// Tiles of one size over an image of a given size. Neighbors share a strip.
pub(super) struct Tiles {
    columns: Line,
    rows: Line,
}

/// The tiles along one side of the image.
struct Line {
    /// The length of the side.
    length: usize,
    /// The length of each tile.
    tile: usize,
    /// The beginning of each tile.
    starts: Vec<usize>,
}

impl Tiles {
    /// Tiles of an image of `size` (width, height). Neighbors share at least `shared` pixels, and half a tile at most. No tile
    /// has a longer side than `most`.
    pub(super) fn new(size: (usize, usize), shared: usize, most: Option<usize>) -> Self {
        let longest = most.unwrap_or(LONGEST).clamp(1, LONGEST);
        let shared = shared.min(longest / 2);
        Self {
            columns: Line::new(size.0, shared, longest),
            rows: Line::new(size.1, shared, longest),
        }
    }

    /// The pixels of all tiles together.
    pub(super) fn pixels(&self) -> usize {
        let along = |line: &Line| line.tile * line.starts.len();
        along(&self.columns).saturating_mul(along(&self.rows))
    }

    /// The longer side of the image that the tiles cover.
    pub(super) fn longest(&self) -> usize {
        self.columns.length.max(self.rows.length)
    }

    /// Detects faces in each tile of `image`, an RGB image without gaps, which is reduced to the size that the tiles cover.
    /// The faces are in pixels of `image` and in falling order of score.
    pub(super) fn detect(
        &self,
        detector: &dyn Detector,
        image: ImageView<'_>,
        options: &DetectOptions,
    ) -> Result<Vec<Detection>> {
        let (width, height) = (self.columns.length, self.rows.length);
        let stretch = [
            image.width() as f32 / width as f32,
            image.height() as f32 / height as f32,
        ];
        let reduced = if (width, height) == (image.width(), image.height()) {
            None
        } else {
            Some(image::resize(image, width, height)?)
        };
        let image = reduced.as_ref().map_or(image, |reduced| reduced.view());
        let mut found = Vec::new();
        for (row, &top) in self.rows.starts.iter().enumerate() {
            for (column, &left) in self.columns.starts.iter().enumerate() {
                let tile = image.part([left, top, self.columns.tile, self.rows.tile]);
                for face in detector.detect(tile, options)? {
                    let center = face.rect.center();
                    // A face that is cut by the edge of a tile is whole in the neighbor.
                    if self.columns.owns(column, center.x) && self.rows.owns(row, center.y) {
                        found.push(face.mapped([left as f32, top as f32], stretch));
                    }
                }
            }
        }
        sort(&mut found);
        // A face in the strip that two tiles share can be found in both.
        let mut kept: Vec<Detection> = Vec::new();
        for face in found {
            if !is_among(&face, &kept) {
                kept.push(face);
            }
        }
        Ok(kept)
    }
}

impl Line {
    fn new(length: usize, shared: usize, longest: usize) -> Self {
        if length <= longest {
            return Self {
                length,
                tile: length,
                starts: vec![0],
            };
        }
        let count = (length - shared).div_ceil(longest - shared).max(2);
        let tile = (length + (count - 1) * shared).div_ceil(count);
        let tile = tile.next_multiple_of(CELL).min(longest);
        // The first tile begins at 0, and the last one ends at the end. Those between are at equal distances.
        let starts = (0..count).map(|nth| nth * (length - tile) / (count - 1));
        Self {
            length,
            tile,
            starts: starts.collect(),
        }
    }

    /// True if a face with its center at `center`, in pixels of tile `nth`, is to be taken from that tile. Each of two
    /// neighbors takes the faces up to an eighth of the shared strip beyond its middle, since both find a face at slightly
    /// different places. So a face of [`WHOLE`] is whole in the tiles that it is taken from.
    fn owns(&self, nth: usize, center: f32) -> bool {
        let before = nth.checked_sub(1).map(|nth| self.shared(nth));
        let after = (nth + 1 < self.starts.len()).then(|| self.shared(nth));
        let margin =
            |shared: Option<f32>| shared.map_or(f32::NEG_INFINITY, |shared| shared * WHOLE / 2.0);
        center >= margin(before) && center <= self.tile as f32 - margin(after)
    }

    /// The pixels that tile `nth` and the next one share.
    fn shared(&self, nth: usize) -> f32 {
        (self.starts[nth] + self.tile - self.starts[nth + 1]) as f32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_place_has_a_tile_in_which_a_face_is_whole(
            length in 1_usize..30_000, shared in 0_usize..1500, longest in 64_usize..2100, place in 0.0_f32..1.0,
        ) {
            let shared = shared.min(longest / 2);
            let line = Line::new(length, shared, longest);
            prop_assert!(line.tile <= longest.max(length.min(longest)));
            prop_assert_eq!(line.starts[0], 0);
            prop_assert_eq!(line.starts[line.starts.len() - 1] + line.tile, length);
            let place = place * length as f32;
            let owners: Vec<usize> = (0..line.starts.len())
                .filter(|&nth| line.owns(nth, place - line.starts[nth] as f32))
                .collect();
            prop_assert!(!owners.is_empty(), "{:?} of {}", line.starts, line.tile);
            // A face of the promised size is whole in each of its tiles, if it is whole in the image.
            let half = WHOLE / 2.0 * shared as f32;
            if place >= half && place + half <= length as f32 {
                for nth in owners {
                    let start = line.starts[nth] as f32;
                    prop_assert!(place - half >= start - 0.01 && place + half <= start + line.tile as f32 + 0.01);
                }
            }
        }
    }

    #[test]
    fn tiles_are_few_and_alike() {
        let tiles = Tiles::new((3840, 2160), 192, None);
        assert_eq!(tiles.columns.starts, [0, 1824]);
        assert_eq!(tiles.columns.tile, 2016);
        assert_eq!(tiles.rows.starts.len(), 2);
        assert!(tiles.pixels() < 3840 * 2160 * 6 / 5, "{}", tiles.pixels());
        // An image that fits is one tile.
        assert_eq!(Tiles::new((640, 480), 192, None).pixels(), 640 * 480);
        // A network of a fixed size gets tiles of at most that size.
        let fixed = Tiles::new((1000, 300), 600, Some(320));
        assert!(fixed.columns.tile <= 320 && fixed.rows.tile <= 320);
    }
}
