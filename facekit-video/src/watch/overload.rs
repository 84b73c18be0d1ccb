//! The measure against overload: cameras without a track are searched less often.

use std::time::{Duration, Instant};

/// The time after which the load is judged again.
const WINDOW: Duration = Duration::from_secs(1);
/// A frame that waits longer than this for a worker is late.
const LATE: Duration = Duration::from_millis(150);
/// The most halvings: 5 searches a second become one in 1.6 s.
const MOST: u32 = 3;
/// The rate is doubled again if the workers then still have a reserve.
const RESERVE: f64 = 0.9;
/// No camera waits longer than this for its next search because of the overload.
const LONGEST: Duration = Duration::from_secs(2);

/// Judges the load by the times that frames wait for a worker, and by the time for which workers work.
#[derive(Debug)]
pub(super) struct Overload {
    halvings: u32,
    begin: Instant,
    /// The frames in this window, and those of them that were late.
    taken: usize,
    late: usize,
    /// The time that all workers together worked in this window.
    worked: Duration,
}

impl Overload {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            halvings: 0,
            begin: now,
            taken: 0,
            late: 0,
            worked: Duration::ZERO,
        }
    }

    /// How often the rate of cameras without a track is halved.
    pub(super) fn halvings(&self) -> u32 {
        self.halvings
    }

    /// A frame was taken that waited so long, and the work on it took so long.
    pub(super) fn add(&mut self, waited: Duration, worked: Duration, workers: usize, now: Instant) {
        self.taken += 1;
        self.late += usize::from(waited > LATE);
        self.worked += worked;
        let window = now.duration_since(self.begin);
        if window < WINDOW {
            return;
        }
        let load = self.worked.as_secs_f64() / (window.as_secs_f64() * workers as f64);
        if 2 * self.late > self.taken {
            self.halvings = MOST.min(self.halvings + 1);
        } else if self.late == 0 && 2.0 * load < RESERVE {
            self.halvings = self.halvings.saturating_sub(1);
        }
        *self = Self {
            halvings: self.halvings,
            ..Self::new(now)
        };
    }
}

/// The time from one search to the next for a camera without a track, whose rate is halved so often.
pub(super) fn interval(usual: Duration, halvings: u32) -> Duration {
    (usual * (1 << halvings)).min(LONGEST.max(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_millis(200);

    /// Takes frames for some seconds, 20 in each second.
    fn run(overload: &mut Overload, now: &mut Instant, seconds: u32, waited: u64, worked: u64) {
        for _ in 0..20 * seconds {
            *now += Duration::from_millis(50);
            let [waited, worked] = [waited, worked].map(Duration::from_millis);
            overload.add(waited, worked, 2, *now);
        }
    }

    #[test]
    fn late_frames_halve_the_rate_step_by_step() {
        let mut now = Instant::now();
        let mut overload = Overload::new(now);
        assert_eq!(
            (overload.halvings(), interval(USUAL, overload.halvings())),
            (0, USUAL)
        );
        run(&mut overload, &mut now, 3, 100, 95);
        assert_eq!(overload.halvings(), 0, "busy, but in time");
        for halvings in [1, 2, 3, 3] {
            run(&mut overload, &mut now, 1, 400, 95);
            assert_eq!(overload.halvings(), halvings);
        }
        assert_eq!(
            interval(USUAL, overload.halvings()),
            Duration::from_millis(1600)
        );
    }

    #[test]
    fn the_rate_rises_again_if_there_is_a_reserve() {
        let mut now = Instant::now();
        let mut overload = Overload::new(now);
        run(&mut overload, &mut now, 2, 400, 95);
        assert_eq!(overload.halvings(), 2);
        run(&mut overload, &mut now, 5, 10, 60);
        assert_eq!(overload.halvings(), 2, "twice the work would be too much");
        run(&mut overload, &mut now, 1, 10, 20);
        assert_eq!(overload.halvings(), 1);
        run(&mut overload, &mut now, 1, 10, 20);
        assert_eq!(overload.halvings(), 0);
    }

    #[test]
    fn no_camera_waits_longer_than_two_seconds() {
        let mut now = Instant::now();
        let mut overload = Overload::new(now);
        run(&mut overload, &mut now, 5, 400, 95);
        let second = Duration::from_secs(1);
        assert_eq!(interval(second, overload.halvings()), 2 * second);
        assert_eq!(
            interval(5 * second, overload.halvings()),
            5 * second,
            "the user's rate"
        );
    }
}
