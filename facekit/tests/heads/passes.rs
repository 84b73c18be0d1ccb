//! The search for faces of every size, with a detector that finds white squares.

use std::sync::Mutex;

use facekit::{
    DetectOptions, Detection, Detector, Error, Image, ImageView, Landmarks, Passes, Point, Rect,
    Result, find_faces, image,
};
use proptest::prelude::*;

/// Finds white squares on black. It misses those of less than `smallest` pixels, and those whose edges it does not see. It
/// misplaces those of more than 360 pixels.
#[derive(Debug)]
struct Squares {
    smallest: usize,
    largest_side: Option<usize>,
    /// The size of each image it has worked on.
    seen: Mutex<Vec<(usize, usize)>>,
}

fn squares() -> Squares {
    Squares {
        smallest: 10,
        largest_side: None,
        seen: Mutex::default(),
    }
}

impl Squares {
    fn pixels_after_the_first_pass(&self) -> usize {
        let seen = self.seen.lock().unwrap();
        seen[1..].iter().map(|(width, height)| width * height).sum()
    }
}

impl Detector for Squares {
    fn detect(&self, image: ImageView<'_>, options: &DetectOptions) -> Result<Vec<Detection>> {
        if options.max_side == Some(0) {
            return Err(Error::InvalidArgument {
                argument: "max_side",
                reason: "0".to_owned(),
            });
        }
        let longest = image.width().max(image.height());
        let limits = [options.max_side, self.largest_side];
        let side = limits.into_iter().flatten().fold(longest, usize::min);
        let scaled = |full: usize| (full * side).div_ceil(longest).max(1);
        let (width, height) = (scaled(image.width()), scaled(image.height()));
        self.seen.lock().unwrap().push((width, height));
        let small = image::resize(image, width, height)?;
        let stretch = longest as f32 / side as f32;
        let is_white = |x: usize, y: usize| small.data()[3 * (width * y + x)] >= 128;
        let mut found = Vec::new();
        let mut done = vec![false; width * height];
        for y in 0..height {
            for x in 0..width {
                if done[width * y + x] || !is_white(x, y) {
                    continue;
                }
                // The box around the white pixels that touch each other.
                let (mut left, mut right, mut top, mut bottom) = (x, x, y, y);
                let mut waiting = vec![(x, y)];
                done[width * y + x] = true;
                while let Some((x, y)) = waiting.pop() {
                    (left, right) = (left.min(x), right.max(x));
                    (top, bottom) = (top.min(y), bottom.max(y));
                    let beside = [
                        (x + 1, y),
                        (x.wrapping_sub(1), y),
                        (x, y + 1),
                        (x, y.wrapping_sub(1)),
                    ];
                    for (x, y) in beside {
                        if x < width && y < height && !done[width * y + x] && is_white(x, y) {
                            done[width * y + x] = true;
                            waiting.push((x, y));
                        }
                    }
                }
                let (across, down) = (right - left + 1, bottom - top + 1);
                let (x, y) = (left, top);
                let cut = x == 0 || y == 0 || x + across == width || y + down == height;
                let greatest = across.max(down);
                if greatest < self.smallest || (cut && greatest > 3 * width.min(height) / 4) {
                    continue;
                }
                let away = if greatest > 360 { 40.0 } else { 0.0 };
                let rect = Rect::new(x as f32 + away, y as f32, across as f32, down as f32);
                let rect = rect.scaled(stretch);
                let at = |dx: f32, dy: f32| {
                    Point::new(rect.x + dx * rect.width, rect.y + dy * rect.height)
                };
                found.push(Detection {
                    rect,
                    landmarks: Landmarks {
                        left_eye: at(0.3, 0.4),
                        right_eye: at(0.7, 0.4),
                        nose: at(0.5, 0.6),
                        left_mouth: at(0.35, 0.8),
                        right_mouth: at(0.65, 0.8),
                    },
                    score: 0.9,
                });
            }
        }
        Ok(found)
    }

    fn largest_side(&self) -> Option<usize> {
        self.largest_side
    }
}

/// White squares on black: left, top and side of each.
fn scene(width: usize, height: usize, squares: &[(usize, usize, usize)]) -> Image {
    let mut image = Image::filled(width, height, [0; 3]);
    for &(left, top, side) in squares {
        for y in top..(top + side).min(height) {
            let row = &mut image.data_mut()[3 * width * y..][..3 * width];
            row[3 * left..3 * (left + side).min(width)].fill(255);
        }
    }
    image
}

/// Checks that each square was found once, within `tolerance` pixels.
#[track_caller]
fn assert_found(found: &[Detection], squares: &[(usize, usize, usize)], tolerance: f32) {
    assert_eq!(found.len(), squares.len(), "{found:#?}");
    for &(left, top, side) in squares {
        let (left, top, side) = (left as f32, top as f32, side as f32);
        let is_it = |face: &&Detection| {
            let edges = [
                (face.rect.x, left),
                (face.rect.y, top),
                (face.rect.width, side),
                (face.rect.height, side),
            ];
            edges
                .iter()
                .all(|(found, wanted)| (found - wanted).abs() <= tolerance)
        };
        assert_eq!(
            found.iter().filter(is_it).count(),
            1,
            "({left}, {top}): {found:#?}"
        );
    }
}

/// 26 squares of 60 pixels, some of them where tiles meet.
fn classroom() -> Vec<(usize, usize, usize)> {
    let rows = (0..26).map(|nth| (40 + nth % 7 * 520, 100 + nth / 7 * 480, 60));
    let mut squares: Vec<_> = rows.collect();
    squares[24] = (1890, 1050, 60);
    squares[25] = (1830, 980, 60);
    squares
}

#[test]
fn small_faces_in_a_large_image_are_found_by_default() {
    let (detector, squares) = (squares(), classroom());
    let image = scene(3840, 2160, &squares);
    let found = find_faces(&detector, image.view(), &DetectOptions::default()).unwrap();
    assert_found(&found.faces, &squares, 1.5);
    assert_eq!(found.reduction, 1.0);
    assert!(found.faces.is_sorted_by(|a, b| a.score >= b.score));
    // The whole image once, and a little more.
    let pixels = detector.pixels_after_the_first_pass();
    assert!(pixels < 3840 * 2160 * 5 / 4, "{pixels}");

    // The same twice.
    let again = find_faces(&detector, image.view(), &DetectOptions::default()).unwrap();
    assert_eq!(again, found);
    // Equalization comes before all passes.
    let options = DetectOptions::default().with_equalize(true);
    let equalized = find_faces(&detector, image.view(), &options).unwrap();
    assert_eq!(equalized.reduction, 1.0);
}

#[test]
fn one_pass_says_how_coarse_it_was() {
    let detector = Squares {
        smallest: 12,
        ..squares()
    };
    let image = scene(3840, 2160, &classroom());
    let options = DetectOptions::default().with_passes(Passes::One);
    let found = find_faces(&detector, image.view(), &options).unwrap();
    assert!(found.faces.is_empty());
    assert_eq!((found.reduction, found.smallest_face()), (6.0, 120.0));
    assert_eq!(*detector.seen.lock().unwrap(), [(640, 360)]);
}

#[test]
fn the_budget_is_kept() {
    let squares_of_400 = [(200, 300, 400)];
    for (max_pixels, most) in [
        (0, 12.5),
        (100_000, 12.5),
        (3_000_000, 4.8),
        (16_777_216, 2.2),
    ] {
        let detector = Squares {
            smallest: 40,
            ..squares()
        };
        let image = scene(8000, 6000, &squares_of_400);
        let options = DetectOptions::default().with_passes(Passes::Auto { max_pixels });
        let found = find_faces(&detector, image.view(), &options).unwrap();
        let pixels = detector.pixels_after_the_first_pass();
        assert!(pixels <= max_pixels, "{pixels} of {max_pixels}");
        assert!(
            found.reduction <= most,
            "{} with {max_pixels}",
            found.reduction
        );
        assert!(found.reduction > 1.0);
        assert_eq!(found.faces.len(), usize::from(max_pixels > 1_000_000));
    }
}

#[test]
fn an_ordinary_photo_takes_one_pass() {
    for (width, height, side) in [(640, 480, 120), (1920, 1080, 150), (3000, 2000, 600)] {
        let detector = squares();
        let squares = [(100, 80, side)];
        let image = scene(width, height, &squares);
        let found = find_faces(&detector, image.view(), &DetectOptions::default()).unwrap();
        assert_found(&found.faces, &squares, 8.0);
        assert_eq!(detector.seen.lock().unwrap().len(), 1, "{width} × {height}");
        assert_eq!(found.reduction, width as f32 / 640.0);
    }
}

/// A first pass that reduced the image much can find one face and miss the others.
#[test]
fn a_large_photo_is_checked_for_smaller_faces() {
    let detector = Squares {
        smallest: 17,
        ..squares()
    };
    let one = [(500, 400, 600)];
    let image = scene(4000, 3000, &one);
    let found = find_faces(&detector, image.view(), &DetectOptions::default()).unwrap();
    assert_found(&found.faces, &one, 8.0);
    assert_eq!(found.reduction, 2.5);
    assert_eq!(detector.pixels_after_the_first_pass(), 1600 * 1200);
    // A portrait is not checked.
    detector.seen.lock().unwrap().clear();
    let image = scene(4000, 3000, &[(500, 400, 900)]);
    let found = find_faces(&detector, image.view(), &DetectOptions::default()).unwrap();
    assert_eq!((found.faces.len(), found.reduction), (1, 6.25));

    detector.seen.lock().unwrap().clear();
    let several = [
        (500, 400, 600),
        (2500, 2000, 60),
        (2900, 700, 70),
        (1500, 1480, 60),
    ];
    let image = scene(4000, 3000, &several);
    let found = find_faces(&detector, image.view(), &DetectOptions::default()).unwrap();
    assert_found(&found.faces, &several, 8.0);
    assert_eq!(found.reduction, 1.0);
}

#[test]
fn large_and_small_faces_in_one_image_are_each_found_once() {
    let squares_of_both = [(300, 200, 1500), (2900, 1000, 90), (1900, 1040, 60)];
    let image = scene(3840, 2160, &squares_of_both);
    let found = find_faces(&squares(), image.view(), &DetectOptions::default()).unwrap();
    assert_found(&found.faces, &squares_of_both, 8.0);
}

#[test]
fn faces_that_are_too_large_are_looked_at_again() {
    let squares_of_500 = [(60, 50, 500)];
    let image = scene(640, 600, &squares_of_500);
    let detector = squares();
    let found = find_faces(&detector, image.view(), &DetectOptions::default()).unwrap();
    assert_found(&found.faces, &squares_of_500, 6.0);
    let pixels = detector.pixels_after_the_first_pass();
    assert!(pixels < 640 * 600 / 8, "{pixels}");

    // Without a budget, the first pass stands.
    let options = DetectOptions::default().with_passes(Passes::Auto { max_pixels: 0 });
    let found = find_faces(&detector, image.view(), &options).unwrap();
    assert!(found.faces[0].rect.x > 90.0);
}

#[test]
fn networks_of_a_fixed_size_get_tiles_of_that_size() {
    let detector = Squares {
        largest_side: Some(320),
        ..squares()
    };
    let squares = [(700, 400, 20), (100, 100, 24), (1100, 650, 18)];
    let image = scene(1280, 720, &squares);
    let found = find_faces(&detector, image.view(), &DetectOptions::default()).unwrap();
    assert_found(&found.faces, &squares, 2.5);
    assert_eq!(found.reduction, 1.0);
    let seen = detector.seen.lock().unwrap();
    assert!(seen.iter().all(|&(width, height)| width.max(height) <= 320));
}

#[test]
fn options_out_of_range_are_errors() {
    let image = scene(64, 64, &[]);
    let options = DetectOptions::default().with_max_side(Some(0));
    assert!(find_faces(&squares(), image.view(), &options).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_face_is_found_once(
        width in 400_usize..4500, height in 400_usize..3000,
        places in prop::collection::vec((0.0_f64..1.0, 0.0_f64..1.0, 0.0_f64..1.0), 1..6),
    ) {
        // One face is so small that the first pass is not sure of it, since faces that it is sure of end the search. The others
        // have up to a third of the shorter side.
        let smallest = (15 * width.max(height) / 640).max(32);
        let mut placed: Vec<(usize, usize, usize)> = Vec::new();
        for (nth, (x, y, size)) in places.into_iter().enumerate() {
            let more = (size * (width.min(height) as f64 / 3.0 - smallest as f64)).max(0.0) as usize;
            let side = smallest + if nth == 0 { 0 } else { more };
            let at = |share: f64, length: usize| 2 + (share * (length - side - 4) as f64) as usize;
            let (left, top) = (at(x, width), at(y, height));
            let apart = placed.iter().all(|&(l, t, s)| {
                left > l + s + 40 || l > left + side + 40 || top > t + s + 40 || t > top + side + 40
            });
            if apart {
                placed.push((left, top, side));
            }
        }
        let image = scene(width, height, &placed);
        let found = find_faces(&squares(), image.view(), &DetectOptions::default()).unwrap();
        assert_found(&found.faces, &placed, 9.0);
    }
}
