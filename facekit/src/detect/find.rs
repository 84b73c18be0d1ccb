//! The search for faces of every size, by several passes of a detector.

use std::iter;

use super::{
    DetectOptions, Detection, Detector, Passes,
    tiles::{self, Tiles},
};
use crate::{
    error::Result,
    geometry::Rect,
    image::{self, ImageView, PixelFormat},
};

/// The result of [`find_faces`](crate::find_faces).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FoundFaces {
    /// The faces, in falling order of score.
    pub faces: Vec<Detection>,
    /// The reduction of the finest pass over the whole image, at least 1. With 1 the whole image was searched at its full
    /// size, with 6 at a sixth of it.
    pub reduction: f32,
}

impl FoundFaces {
    /// The height in pixels below which faces may have been missed: detectors miss many faces that are lower than 20 pixels
    /// in a pass.
    #[must_use]
    pub fn smallest_face(&self) -> f32 {
        SMALL * self.reduction
    }
}

/// The longer side of a face, in pixels of a pass, below which detectors miss many faces and place landmarks badly.
const SMALL: f32 = 20.0;
/// The longer side of a face, in pixels of a pass, from which a coarser pass cannot be wrong about it.
const SURE: f32 = 32.0;
/// The longer side of a face, in pixels of a pass, above which landmarks are misplaced.
const LARGE: f32 = 360.0;
/// The greatest longer side of a face in a pass that looks again at a face above [`LARGE`].
const REDUCED: f32 = 160.0;
/// The reductions of the passes that look for faces larger than the image, after a pass that found none. Reductions are powers of
/// two, because a runtime that prepares itself for each size of its input is to see few sizes.
const CLOSE_UPS: [f32; 3] = [2.0, 4.0, 8.0];
/// The smallest longer side of a pass, in pixels.
const SMALLEST_PASS: usize = 64;
/// The reduction of the first pass from which it is not believed that there are no smaller faces than those it found.
const MUCH: f32 = 5.0;
/// The longer side of a face, in pixels of the first pass, from which the image is a portrait, whose other faces matter less.
const PORTRAIT: f32 = 128.0;
/// The ratio of the scale of the pass that checks this to that of the first.
const PROBE: f32 = 2.5;
/// The least ratio of the scale of a finer pass to that of the pass before.
const FINER: f32 = 1.25;
/// The overlap of two boxes of different passes from which they are of the same face: intersection over union, and
/// intersection over the area of the smaller box.
const SAME: (f32, f32) = (0.3, 0.7);

/// Finds the faces of every size in an image, by several passes of `detector` if one is not enough.
///
/// The first pass is over the image, reduced to [`DetectOptions::max_side`]. With [`Passes::Auto`], more passes follow:
///
/// - If the first pass found a face of more than 360 pixels, a pass at a smaller size looks at it again, because detectors
///   misplace the landmarks of such faces.
/// - If it found no face, passes at a half, a quarter and an eighth of the size look for a face that is larger than the image.
/// - If the image was reduced, and there is still no face or one of less than 20 pixels, a finer pass searches the whole image
///   in tiles that overlap: at its full size, or at the size that [`max_pixels`](Passes::Auto::max_pixels) allows.
/// - If the image was reduced five times or more and all its faces are of 20 to 128 pixels, a pass at 2.5 times the scale checks
///   whether there are smaller faces than those found. If one is of less than 32 pixels, the whole image is searched at its full size, too.
///
/// Of a face that several passes found, the detection of the pass that suits its size is kept. The result depends on nothing
/// but the arguments.
///
/// # Errors
///
/// Those of [`Detector::detect`].
///
/// ```
/// # use facekit::{DetectOptions, Detection, Detector, Image, ImageView, Result};
/// use facekit::find_faces;
///
/// # #[derive(Debug)]
/// # struct Nothing;
/// # impl Detector for Nothing {
/// #     fn detect(&self, _: ImageView<'_>, _: &DetectOptions) -> Result<Vec<Detection>> { Ok(Vec::new()) }
/// #     fn largest_side(&self) -> Option<usize> { None }
/// # }
/// # let detector = Nothing;
/// let frame = Image::filled(3840, 2160, [90, 80, 70]);
/// let found = find_faces(&detector, frame.view(), &DetectOptions::default())?;
/// assert!(found.faces.is_empty());
/// assert_eq!(found.reduction, 1.0);
/// # Ok::<(), facekit::Error>(())
/// ```
pub fn find_faces(
    detector: &dyn Detector,
    image: ImageView<'_>,
    options: &DetectOptions,
) -> Result<FoundFaces> {
    let longest = image.width().max(image.height());
    let limits = [options.max_side, detector.largest_side()];
    let side = limits.into_iter().flatten().fold(longest, usize::min);
    let reduction = longest as f32 / side.max(1) as f32;
    let Passes::Auto { max_pixels } = options.passes else {
        let faces = detector.detect(image, options)?;
        return Ok(FoundFaces { faces, reduction });
    };

    // The pixels are converted and equalized once, for all passes.
    let equalized = options.equalize.then(|| image::equalize(&image.to_image()));
    let pixels = image.rgb8();
    let image = match &equalized {
        Some(equalized) => equalized.view(),
        None => ImageView::new(&pixels, image.width(), image.height(), PixelFormat::Rgb8)?,
    };
    let options = options
        .clone()
        .with_passes(Passes::One)
        .with_equalize(false);
    let faces = detector.detect(image, &options)?;
    let mut search = Search {
        detector,
        image,
        options,
        pixels_left: max_pixels,
        scale: 1.0 / reduction,
        found: FoundFaces { faces, reduction },
    };
    search.look_at_large_faces()?;
    let mut is_too_coarse = if search.found.faces.is_empty() {
        search.look_for_close_ups()?;
        // A face that is not large, but that the first pass did not find, says nothing about other faces.
        search.side(f32::max).is_none_or(|side| side < LARGE / 2.0)
    } else {
        search.side(f32::min).is_some_and(|side| side < SMALL)
    };
    let is_portrait = search.side(f32::max).is_some_and(|side| side >= PORTRAIT);
    if !is_too_coarse && !is_portrait && reduction >= MUCH {
        search.look_closer(PROBE / reduction)?;
        is_too_coarse = search.side(f32::min).is_some_and(|side| side < SURE);
    }
    if is_too_coarse {
        search.look_closer(1.0)?;
    }
    Ok(search.found)
}

/// A search after its first pass.
struct Search<'a> {
    detector: &'a dyn Detector,
    image: ImageView<'a>,
    /// The options of a single pass.
    options: DetectOptions,
    /// The pixels that further passes may still take.
    pixels_left: usize,
    /// The scale of the finest pass over the whole image so far, at most 1.
    scale: f32,
    found: FoundFaces,
}

impl Search<'_> {
    /// The greatest or smallest longer side of a face, in pixels of the finest pass over the whole image.
    fn side(&self, pick: fn(f32, f32) -> f32) -> Option<f32> {
        let sides = self
            .found
            .faces
            .iter()
            .map(|face| self.scale * side_of(face));
        sides.reduce(pick)
    }

    /// Looks again at faces that are too large for the first pass.
    fn look_at_large_faces(&mut self) -> Result<()> {
        let Some(largest) = self.side(f32::max).filter(|&side| side > LARGE) else {
            return Ok(());
        };
        let reduction = (largest / REDUCED).log2().ceil().exp2();
        let Some(mut again) = self.smaller(reduction)? else {
            return Ok(());
        };
        // The first pass places smaller faces better.
        again.retain(|face| self.scale * side_of(face) > 0.75 * LARGE);
        self.found.faces.retain(|face| !is_among(face, &again));
        self.found.faces.extend(again);
        sort(&mut self.found.faces);
        Ok(())
    }

    /// Looks for a face that is larger than the image.
    fn look_for_close_ups(&mut self) -> Result<()> {
        for reduction in CLOSE_UPS {
            if let Some(faces) = self.smaller(reduction)?
                && !faces.is_empty()
            {
                self.found.faces = faces;
                return Ok(());
            }
        }
        Ok(())
    }

    /// The faces of a pass at the size of the first one divided by `reduction`. `None` if that is too small or too many pixels.
    fn smaller(&mut self, reduction: f32) -> Result<Option<Vec<Detection>>> {
        let scale = self.scale / reduction;
        let scaled = |side: usize| (side as f32 * scale).round() as usize;
        let (width, height) = (scaled(self.image.width()), scaled(self.image.height()));
        let side = width.max(height);
        if side < SMALLEST_PASS || width * height > self.pixels_left {
            return Ok(None);
        }
        self.pixels_left -= width * height;
        let options = self.options.clone().with_max_side(Some(side));
        self.detector.detect(self.image, &options).map(Some)
    }

    /// Searches the whole image in tiles, at the finest scale up to `most` that the budget allows.
    fn look_closer(&mut self, most: f32) -> Result<()> {
        let tiles_at = |scale: f32| {
            let scaled = |side: usize| ((side as f32 * scale).round() as usize).max(1);
            let size = (scaled(self.image.width()), scaled(self.image.height()));
            // The largest face that the pass before can be wrong about is whole in a tile.
            let shared = SURE * scale / self.scale / tiles::WHOLE;
            Tiles::new(size, shared.ceil() as usize, self.detector.largest_side())
        };
        // The pixels of tiles that overlap are not a simple function of the scale.
        let tiles = iter::successors(Some(most), |scale| Some(scale * 0.95))
            .take_while(|&scale| scale >= FINER * self.scale)
            .map(tiles_at)
            .find(|tiles| tiles.pixels() <= self.pixels_left);
        let Some(tiles) = tiles else { return Ok(()) };
        let options = self.options.clone().with_max_side(None);
        let mut fine = tiles.detect(self.detector, self.image, &options)?;
        self.pixels_left -= tiles.pixels();

        let coarse = std::mem::take(&mut self.found.faces);
        let sure = |face: &Detection| self.scale * side_of(face) >= SURE;
        let (mut faces, unsure): (Vec<_>, Vec<_>) = coarse.into_iter().partition(sure);
        fine.retain(|face| !is_among(face, &faces));
        faces.extend(unsure.into_iter().filter(|face| !is_among(face, &fine)));
        faces.extend(fine);
        sort(&mut faces);
        let longest = self.image.width().max(self.image.height());
        let reduction = longest as f32 / tiles.longest() as f32;
        self.scale = 1.0 / reduction;
        self.found = FoundFaces { faces, reduction };
        Ok(())
    }
}

fn side_of(face: &Detection) -> f32 {
    face.rect.width.max(face.rect.height)
}

/// True if one of `others` is of the same face.
pub(crate) fn is_among(face: &Detection, others: &[Detection]) -> bool {
    let same = |a: &Rect, b: &Rect| {
        let shared = a.intersection(b).area();
        a.iou(b) > SAME.0 || shared > SAME.1 * a.area().min(b.area())
    };
    others.iter().any(|other| same(&face.rect, &other.rect))
}

/// Sorts by falling score. Equal scores keep their order.
pub(super) fn sort(faces: &mut [Detection]) {
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
}
