//! The photo that an image was decoded from, where the image is less than the whole photo at its full size.

use std::{fmt, sync::Arc};

use super::Image;
use crate::error::Result;
#[cfg(feature = "engine")]
use crate::{detect::Detection, geometry::Rect};

/// The longer side of a face box, in pixels, from which more pixels do not help: twice as many as in the faces that embedders and
/// liveness checks take.
#[cfg(feature = "engine")]
const ENOUGH: f32 = 240.0;

/// The photo of an [`Image`](super::Image).
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Width and height of the upright photo at its full size, without missing rows.
    pub(crate) size: (usize, usize),
    /// The share of the photo that is missing at its end, 0 to 1.
    pub(crate) missing: f32,
    /// The file, if the image was decoded at a reduced scale.
    pub(crate) file: Option<Arc<dyn FullSize>>,
}

/// A file whose parts can be decoded at full size.
#[cfg_attr(
    not(feature = "engine"),
    expect(dead_code, reason = "the engine reads parts")
)]
pub(crate) trait FullSize: fmt::Debug + Send + Sync {
    /// True if decoding a part (left, top, width, height, in pixels of the upright photo) keeps the limit of memory.
    fn fits(&self, part: [usize; 4]) -> bool;

    /// Decodes a part.
    fn read(&self, part: [usize; 4]) -> Result<Image>;
}

/// A part of a photo at its full size.
#[cfg(feature = "engine")]
#[derive(Debug)]
pub(crate) struct Detail {
    pub(crate) image: Image,
    /// Maps the reduced image to `image`: see [`Detection::mapped`].
    offset: [f32; 2],
    scale: [f32; 2],
}

#[cfg(feature = "engine")]
impl Detail {
    /// A detection in the reduced image as one in this part.
    pub(crate) fn mapped(&self, face: &Detection) -> Detection {
        face.mapped(self.offset, self.scale)
    }

    /// The size of the whole photo, and a face in it, by those in the reduced image.
    pub(crate) fn full_size(
        &self,
        size: (usize, usize),
        face: &Detection,
    ) -> ((usize, usize), Detection) {
        let scaled = |side: usize, scale: f32| (side as f32 * scale).round() as usize;
        let size = (scaled(size.0, self.scale[0]), scaled(size.1, self.scale[1]));
        (size, face.mapped([0.0; 2], self.scale))
    }
}

#[cfg(feature = "engine")]
impl Origin {
    /// The surroundings of each face at full size; `None` if the image is not reduced, the face has enough pixels in it, or its
    /// surroundings do not fit the limit of memory. `size` is the width and height of the reduced image, `faces` are in it.
    ///
    /// Each decoding reads the whole file, so neighboring faces share one if they fit the memory together.
    pub(crate) fn details(
        &self,
        size: (usize, usize),
        faces: &[Detection],
    ) -> Result<Vec<Option<Detail>>> {
        let mut details: Vec<Option<Detail>> = faces.iter().map(|_| None).collect();
        let Some(file) = &self.file else {
            return Ok(details);
        };
        let scale = [
            self.size.0 as f32 / size.0 as f32,
            self.size.1 as f32 / size.1 as f32,
        ];
        let parts = faces
            .iter()
            .map(|face| self.surroundings(&face.rect, scale));
        let is_small = |face: usize| faces[face].rect.width.max(faces[face].rect.height) < ENOUGH;
        let mut groups: Vec<Group> = Vec::new();
        for (face, part) in parts
            .enumerate()
            .filter(|(face, part)| is_small(*face) && file.fits(*part))
        {
            let group = groups
                .iter_mut()
                .find(|group| file.fits(union(group.whole, part)));
            match group {
                Some(group) => {
                    group.whole = union(group.whole, part);
                    group.members.push((face, part));
                }
                None => groups.push(Group {
                    whole: part,
                    members: vec![(face, part)],
                }),
            }
        }
        for Group { whole, members } in groups {
            let image = file.read(whole)?;
            for (face, [left, top, width, height]) in members {
                let inside = [left - whole[0], top - whole[1], width, height];
                details[face] = Some(Detail {
                    image: image.view().part(inside).to_image(),
                    offset: [-(left as f32) / scale[0], -(top as f32) / scale[1]],
                    scale,
                });
            }
        }
        Ok(details)
    }

    /// The part of the photo around a face that the checks of a face may look at: four times as wide and high as the box, and
    /// a little more. At an edge of the photo it is shifted, not cut.
    fn surroundings(&self, face: &Rect, scale: [f32; 2]) -> [usize; 4] {
        const CONTEXT: f32 = 4.2;
        let span = |start: f32, length: f32, scale: f32, most: usize| {
            let wanted = (length * CONTEXT * scale).ceil().clamp(1.0, most as f32);
            let first = ((start + length / 2.0) * scale - wanted / 2.0)
                .floor()
                .clamp(0.0, most as f32 - wanted);
            (first as usize, wanted as usize)
        };
        let (left, width) = span(face.x, face.width, scale[0], self.size.0);
        let (top, height) = span(face.y, face.height, scale[1], self.size.1);
        [left, top, width, height]
    }
}

/// Parts of a photo that are decoded together.
#[cfg(feature = "engine")]
struct Group {
    /// The part that is decoded.
    whole: [usize; 4],
    /// The number of each face, and its part.
    members: Vec<(usize, [usize; 4])>,
}

/// The smallest part that holds two parts.
#[cfg(feature = "engine")]
fn union(a: [usize; 4], b: [usize; 4]) -> [usize; 4] {
    let (left, top) = (a[0].min(b[0]), a[1].min(b[1]));
    let right = (a[0] + a[2]).max(b[0] + b[2]);
    let bottom = (a[1] + a[3]).max(b[1] + b[3]);
    [left, top, right - left, bottom - top]
}

#[cfg(all(test, feature = "engine", feature = "decode"))]
mod tests {
    use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

    use super::*;
    use crate::{
        geometry::{Landmarks, Point},
        image::{DecodeLimits, decode},
    };

    const SIZE: (usize, usize) = (1200, 904);

    /// A photo whose pixels tell their place.
    fn photo() -> Image {
        let pixels = (0..SIZE.0 * SIZE.1).flat_map(|i| {
            let (x, y) = (i % SIZE.0, i / SIZE.0);
            [
                (x / 5) as u8,
                (y / 4) as u8,
                ((x / 16 + y / 16) % 2 * 90) as u8,
            ]
        });
        Image::from_rgb8(pixels.collect(), SIZE.0, SIZE.1).unwrap()
    }

    fn encoder(photo: &Image) -> Encoder<'_> {
        Encoder::new(photo.data(), SIZE.0, SIZE.1, PixelFormat::Rgb).quality(95)
    }

    /// EXIF data with an orientation.
    fn exif(orientation: u8) -> Vec<u8> {
        let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
        tiff
    }

    fn face(rect: Rect) -> Detection {
        let center = rect.center();
        Detection {
            rect,
            landmarks: Landmarks {
                left_eye: Point::new(rect.x, rect.y),
                right_eye: center,
                ..Landmarks::default()
            },
            score: 0.9,
        }
    }

    /// Checks that the surroundings of faces in a reduced image are the same pixels as in the whole one.
    #[track_caller]
    fn assert_details(file: &[u8], memory: usize) {
        let whole = decode(file, &DecodeLimits::default()).unwrap();
        let limits = DecodeLimits::default().with_max_memory(memory);
        let small = decode(file, &limits).unwrap();
        let reduction = small.reduction();
        assert!(reduction > 1.5, "{reduction}");
        let (width, height) = (small.width() as f32, small.height() as f32);
        let boxes = [
            Rect::new(0.4 * width, 0.5 * height, 10.0, 12.0),
            Rect::new(-1.0, 2.0, 9.0, 9.0),
            Rect::new(width - 7.0, height - 9.0, 8.0, 10.0),
        ];
        let faces = boxes.map(face);
        let details = small.view().details(&faces).unwrap();
        assert_eq!(details.len(), 3);
        for (small_face, detail) in faces.iter().zip(details) {
            let detail = detail.expect("it fits the memory");
            let near = detail.mapped(small_face);
            assert!((near.rect.width - reduction * small_face.rect.width).abs() < 0.5);
            let (size, full) = detail.full_size((small.width(), small.height()), small_face);
            assert_eq!(size, (whole.width(), whole.height()));
            // The part begins at a whole pixel of the photo.
            let (left, top) = (full.rect.x - near.rect.x, full.rect.y - near.rect.y);
            let [left, top] = [left, top].map(|start| start.round() as usize);
            let part = whole
                .view()
                .part([left, top, detail.image.width(), detail.image.height()]);
            let part = part.to_image();
            let differences = part.data().iter().zip(detail.image.data());
            let most = differences.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            // Colors at the edge of a part are smoothed over the edge, or not.
            assert!(most <= 12, "{most} at ({left}, {top}) of {whole:?}");
            assert!(detail.image.width() >= (4.0 * near.rect.width) as usize || full.rect.x < 20.0);
        }
    }

    #[test]
    fn parts_are_those_of_the_whole_photo() {
        let photo = photo();
        for orientation in 1..=8 {
            let exif = exif(orientation);
            let file = encoder(&photo).exif_data(&exif).encode().unwrap();
            assert_details(&file, 3_000_000);
        }
        let samplings = [
            (Subsampling::S420, 6_500_000),
            (Subsampling::S422, 7_800_000),
        ];
        for (sampling, with_coefficients) in samplings {
            let file = encoder(&photo).subsampling(sampling).encode().unwrap();
            assert_details(&file, 2_600_000);
            let progressive = encoder(&photo).subsampling(sampling).progressive(true);
            assert_details(&progressive.encode().unwrap(), with_coefficients);
        }
        let gray = encoder(&photo).grayscale_from_color(true).encode().unwrap();
        assert_details(&gray, 2_000_000);
        // Without the last rows.
        let file = encoder(&photo).encode().unwrap();
        let cut = &file[..file.len() - 40];
        assert!(decode(cut, &DecodeLimits::default()).unwrap().missing() > 0.0);
        assert_details(cut, 3_000_000);
    }

    #[test]
    fn parts_that_do_not_fit_the_memory_are_not_read() {
        let file = encoder(&photo()).encode().unwrap();
        let limits = DecodeLimits::default().with_max_memory(file.len() + 600_000);
        let small = decode(&file, &limits).unwrap();
        let rect = Rect::new(0.0, 0.0, small.width() as f32, small.height() as f32);
        let details = small.view().details(&[face(rect)]).unwrap();
        assert!(details[0].is_none());
    }

    #[test]
    fn a_large_face_needs_no_details() {
        let file = encoder(&photo()).encode().unwrap();
        let limits = DecodeLimits::default().with_enough_side(Some(600));
        let small = decode(&file, &limits).unwrap();
        assert_eq!((small.width(), small.reduction()), (600, 2.0));
        let faces = [100.0, 250.0].map(|side| face(Rect::new(50.0, 40.0, side, side)));
        let details = small.view().details(&faces).unwrap();
        assert!(details[0].is_some() && details[1].is_none());
        // No scale below the full size has as many pixels.
        let limits = limits.with_enough_side(Some(1100));
        assert_eq!(decode(&file, &limits).unwrap().reduction(), 1.0);
    }

    #[test]
    fn an_image_at_its_full_size_has_no_details() {
        let photo = photo();
        let details = photo
            .view()
            .details(&[face(Rect::new(0.0, 0.0, 9.0, 9.0))])
            .unwrap();
        assert!(details[0].is_none());
    }
}
