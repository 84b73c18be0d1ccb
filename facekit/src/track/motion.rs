use jiff::Timestamp;

use crate::geometry::{Point, Rect};

/// The time constant of the velocity of a face, in seconds: after 0.2 s, the newest step has half of it. Over shorter times, the noise of
/// boxes is more than the movement.
const MEMORY: f64 = 0.29;
/// The number of hits after which the velocity of a face is believed.
const KNOWN: usize = 3;
/// The gate in face widths: a constant, and a part for each second.
///
/// A face is 0.16 m wide and a walker makes 1.4 m/s, which is 8.75 widths/s. A new track may be anywhere within this distance.
const STILL: f64 = 0.5;
const UNKNOWN_SPEED: f64 = 9.0;
const KNOWN_SPEED: f64 = 3.0;
/// The weight of the logarithm of the ratio of two widths.
const SIZE: f64 = 2.0;

/// The place of a face, and its velocity, which is taken to be constant.
#[derive(Clone, Debug)]
pub(super) struct Motion {
    rect: Rect,
    at: Timestamp,
    /// Pixels a second; `None` before the second hit.
    velocity: Option<[f64; 2]>,
    hits: usize,
}

impl Motion {
    pub(super) fn new(rect: Rect, at: Timestamp) -> Self {
        Self {
            rect,
            at,
            velocity: None,
            hits: 1,
        }
    }

    pub(super) fn hits(&self) -> usize {
        self.hits
    }

    /// The time of the last hit.
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }

    /// The face is now here.
    pub(super) fn hit(&mut self, rect: Rect, at: Timestamp) {
        let seconds = seconds(self.at, at);
        if seconds > 0.0 {
            let (from, to) = (self.rect.center(), rect.center());
            let step = [to.x - from.x, to.y - from.y].map(|pixels| f64::from(pixels) / seconds);
            // The first steps have the same share each.
            let newest = (1.0 - (-seconds / MEMORY).exp()).max(1.0 / self.hits as f64);
            let before = self.velocity.unwrap_or(step);
            let mixed = [0, 1].map(|axis| newest * step[axis] + (1.0 - newest) * before[axis]);
            self.velocity = Some(mixed);
        }
        self.rect = rect;
        self.at = at;
        self.hits += 1;
    }

    /// True if the velocity is not believed yet.
    pub(super) fn is_new(&self) -> bool {
        self.hits < KNOWN
    }

    /// The greatest cost at which a face at the time `at` can be this one.
    pub(super) fn gate(&self, at: Timestamp) -> f64 {
        let speed = if self.is_new() {
            UNKNOWN_SPEED
        } else {
            KNOWN_SPEED
        };
        STILL + speed * seconds(self.at, at)
    }

    /// The distance of a face at the time `at` from the place where this one is expected, in face widths, and more for another
    /// size.
    pub(super) fn cost(&self, rect: &Rect, at: Timestamp) -> f64 {
        let seconds = seconds(self.at, at);
        let [x, y] = self.velocity.unwrap_or_default();
        let center = self.rect.center();
        let expected = Point::new(
            (f64::from(center.x) + x * seconds) as f32,
            (f64::from(center.y) + y * seconds) as f32,
        );
        self.cost_from(expected, rect)
    }

    /// True if a walker can have come from here to a face at the time `at`, in any direction.
    pub(super) fn reaches(&self, rect: &Rect, at: Timestamp) -> bool {
        let most = STILL + UNKNOWN_SPEED * seconds(self.at, at);
        self.cost_from(self.rect.center(), rect) <= most
    }

    fn cost_from(&self, from: Point, rect: &Rect) -> f64 {
        let (before, now) = (f64::from(self.rect.width), f64::from(rect.width));
        if before <= 0.0 || now <= 0.0 {
            return f64::INFINITY;
        }
        let distance = f64::from(from.distance(rect.center()));
        distance / (before * now).sqrt() + SIZE * (now / before).ln().abs()
    }
}

/// The seconds from one time to another.
pub(super) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn a_walker_is_expected_ahead() {
        // 8.75 widths of 40 pixels a second, at 5 frames a second: 70 pixels a frame.
        let face = |step: i64| Rect::new(70.0 * step as f32, 100.0, 40.0, 50.0);
        let mut motion = Motion::new(face(0), at(0));
        assert!((motion.cost(&face(1), at(200)) - 1.75).abs() < 1e-6);
        assert!(motion.cost(&face(1), at(200)) < motion.gate(at(200)));
        motion.hit(face(1), at(200));
        motion.hit(face(2), at(400));
        assert!(motion.cost(&face(3), at(600)) < 1e-6);
        assert!(motion.cost(&face(7), at(1400)) < 1e-5, "after a gap");
        assert!((motion.gate(at(600)) - 1.1).abs() < 1e-9);
        // Somebody who was led away can be back where nobody expects it: 2.3 widths in 0.2 s.
        assert!(motion.reaches(&face(1), at(600)) && motion.reaches(&face(3), at(600)));
        assert!(!motion.reaches(&face(0), at(600)));
    }

    #[test]
    fn noise_of_many_frames_is_no_movement() {
        // Boxes of somebody who stands, which are off by two pixels in every other frame, 30 times a second.
        let face = |nth: i64| Rect::new(100.0 + 2.0 * (nth % 2) as f32, 100.0, 40.0, 50.0);
        let mut motion = Motion::new(face(0), at(0));
        for nth in 1..=30 {
            motion.hit(face(nth), at(nth * 1000 / 30));
        }
        let cost = motion.cost(&face(0), at(1500));
        assert!(cost < 0.15, "half a second later: {cost}");
    }

    #[test]
    fn another_size_costs_as_much_as_a_distance() {
        let motion = Motion::new(Rect::new(0.0, 0.0, 40.0, 40.0), at(0));
        let twice = motion.cost(&Rect::new(-20.0, -20.0, 80.0, 80.0), at(200));
        assert!((twice - 2.0 * 2.0_f64.ln()).abs() < 1e-6, "{twice}");
    }
}
