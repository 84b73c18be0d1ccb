//! Depth by tracking: points of the middle view are found again in views from the left and from the right. On a head, near points
//! move farther than distant ones; on a flat picture, however it is held, all movements follow one map of the plane.

mod flow;
mod homography;
mod linear;
mod plane;
mod regression;
mod template;

use flow::{Pyramid, Tracked};
use homography::{Homography, Spot};
use plane::Plane;
use regression::Moved;
use template::{LANDMARKS, Place};

/// Pixels of an eye distance in the pictures that are tracked.
const EYE_DISTANCE: f32 = 44.0;
/// The size of these pictures, and the place of the middle between the eyes in them.
const WIDTH: usize = 124;
const HEIGHT: usize = 148;
const ORIGIN: [f32; 2] = [61.5, 50.0];
/// Half the side of the surroundings by which light is normalized, in pixels.
const LIGHT_RADIUS: usize = 8;
/// The contrast below which there is nothing but noise, in values of 0 to 255.
const LEAST_CONTRAST: f32 = 4.0;
/// Rounds of tracking and of a refit of the map.
const ROUNDS: usize = 3;
/// A point that is searched back must be found at most so many pixels from its place.
const RETURN: f32 = 0.6;
/// The least share of the points that must be tracked in a view.
const LEAST_TRACKED: f32 = 0.2;
/// The least share of the points that must be tracked on both sides.
const LEAST_ON_BOTH_SIDES: f32 = 0.13;
/// The greatest movement of a point beside the map, in eye distances. More is a mistake.
const LONGEST: f32 = 0.5;
/// Limits of how much the map may grow or shrink the face from one view to the other.
const LEAST_GROWTH: f64 = 0.25;
const MOST_GROWTH: f64 = 3.0;

/// A gray picture of a face and its surroundings, values 0 to 255, with the landmarks in it.
#[derive(Clone, Copy)]
pub(super) struct FacePicture<'a> {
    pub(super) pixels: &'a [u8],
    pub(super) width: usize,
    pub(super) landmarks: [[f32; 2]; 5],
}

impl FacePicture<'_> {
    fn plane(&self) -> Plane {
        Plane {
            width: self.width,
            height: self.pixels.len() / self.width,
            values: self.pixels.iter().map(|&value| f32::from(value)).collect(),
        }
    }

    /// The map from places in a tracked picture to this one, by the landmarks.
    fn map(&self) -> Option<Homography> {
        let from = LANDMARKS.map(|place| spot(in_picture(place)));
        let map = Homography::affine(&from, &self.landmarks.map(spot))?;
        is_possible(&map).then_some(map)
    }
}

/// True if the map does not mirror, and does not shrink the face to nothing.
fn is_possible(map: &Homography) -> bool {
    LANDMARKS
        .iter()
        .all(|&place| map.growth(spot(in_picture(place))) > 0.01)
}

fn spot(point: [f32; 2]) -> Spot {
    point.map(f64::from)
}

/// A place on the face in a tracked picture.
fn in_picture([x, y]: Place) -> [f32; 2] {
    [ORIGIN[0] + x * EYE_DISTANCE, ORIGIN[1] + y * EYE_DISTANCE]
}

/// The face, moved to its standard place by `map`, normalized.
fn standard(picture: &Plane, map: &Homography) -> Pyramid {
    let moved = Plane::from_fn(WIDTH, HEIGHT, |x, y| {
        let [x, y] = map.apply([x as f64, y as f64]);
        picture.between(x as f32, y as f32)
    });
    Pyramid::new(moved.normalized(LIGHT_RADIUS, LEAST_CONTRAST))
}

/// The middle view, whose points are found again in the turned views.
pub(super) struct MiddleView {
    pyramid: Pyramid,
    tracked: Tracked,
    /// The tracked points in the picture, and the maps from the standard place.
    points: Vec<[f32; 2]>,
    map: Homography,
    landmarks: [Spot; 5],
}

/// The movement of each point in a turned view beside the map of the plane, in eye distances to the right; `None` for a point that
/// is lost.
pub(super) type Movements = Vec<Option<f32>>;

impl MiddleView {
    /// `None` if the landmarks are on one line.
    pub(super) fn new(picture: &FacePicture<'_>) -> Option<Self> {
        let map = picture.map()?;
        let pyramid = standard(&picture.plane(), &map);
        let points: Vec<[f32; 2]> = template::points().into_iter().map(in_picture).collect();
        Some(Self {
            tracked: Tracked::new(&pyramid, points.clone()),
            pyramid,
            points,
            map,
            landmarks: picture.landmarks.map(spot),
        })
    }

    /// Finds the points in a turned view. `None` if too few of them are found.
    pub(super) fn track(&self, picture: &FacePicture<'_>) -> Option<Movements> {
        let plane = picture.plane();
        // From the landmarks here to the landmarks there, so that a constant mistake of the detector does not count.
        let between = Homography::affine(&self.landmarks, &picture.landmarks.map(spot))?;
        if !is_possible_between(&between) {
            return None;
        }
        let mut map = between.after_affine(&self.map);
        let mut found = Vec::new();
        let mut view = standard(&plane, &map);
        for round in 0..ROUNDS {
            found = self.tracked.find(&view);
            if round + 1 == ROUNDS {
                break;
            }
            let (from, to): (Vec<Spot>, Vec<Spot>) = self
                .points
                .iter()
                .zip(&found)
                .filter_map(|(&[x, y], found)| {
                    let [dx, dy] = (*found)?;
                    Some((spot([x, y]), map.apply(spot([x + dx, y + dy]))))
                })
                .unzip();
            if (from.len() as f32) < LEAST_TRACKED * self.points.len() as f32 {
                return None;
            }
            map = Homography::robust(&from, &to)?;
            if !is_possible(&map) {
                return None;
            }
            view = standard(&plane, &map);
        }
        self.tracked
            .confirm(&self.pyramid, &view, &mut found, RETURN);
        let movements = found.into_iter().map(|found| {
            let [dx, dy] = found?.map(|value| value / EYE_DISTANCE);
            (dx.hypot(dy) <= LONGEST).then_some(dx)
        });
        let movements: Movements = movements.collect();
        let count = movements.iter().flatten().count();
        (count as f32 >= LEAST_TRACKED * self.points.len() as f32).then_some(movements)
    }
}

fn is_possible_between(map: &Homography) -> bool {
    let growth = map.growth([0.0, 0.0]);
    (LEAST_GROWTH..=MOST_GROWTH).contains(&growth)
}

/// The depth of a face, from the movements of its points in turned views.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) plane: f64,
    pub(super) cylinder: f64,
    pub(super) fold: f64,
    /// The share of the points that were tracked on both sides, 0 to 1.
    pub(super) tracked: f32,
}

/// Measures the depth. `left` and `right` are the views in which the nose points to the left and to the right of the image. `None` if
/// too few points were tracked on both sides.
pub(super) fn measure(left: &[Movements], right: &[Movements]) -> Option<Measured> {
    let places = template::points();
    let moved: Vec<Moved> = places
        .iter()
        .enumerate()
        .filter_map(|(at, &place)| {
            let (left, right) = (mean(left, at)?, mean(right, at)?);
            Some(Moved {
                place,
                depth: template::depth(place),
                across: right - left,
            })
        })
        .collect();
    let tracked = moved.len() as f32 / places.len() as f32;
    if tracked < LEAST_ON_BOTH_SIDES {
        return None;
    }
    Some(Measured {
        plane: regression::beside_plane(&moved)?,
        cylinder: regression::beside_cylinder(&moved)?,
        fold: regression::beside_fold(&moved)?,
        tracked,
    })
}

/// The mean movement of a point; `None` if more than half of the views have lost it.
fn mean(views: &[Movements], at: usize) -> Option<f32> {
    let found: Vec<f32> = views.iter().filter_map(|view| view[at]).collect();
    (!found.is_empty() && 2 * found.len() >= views.len())
        .then(|| found.iter().sum::<f32>() / found.len() as f32)
}
