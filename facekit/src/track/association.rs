use jiff::Timestamp;

use super::{assignment::least_cost, motion::Motion};
use crate::geometry::Rect;

/// The cost of a pair that is not possible. It is above every sum of gates.
const IMPOSSIBLE: f64 = 1e9;
/// A pair is ambiguous if another one costs less than this many times as much.
const AMBIGUOUS: f64 = 1.5;
/// A pair that costs more face widths than this is a jump: somebody else may have come before the face. A face that goes on as expected
/// costs about 0.1.
const JUMP: f64 = 0.3;
/// The part of its gate that a track costs at the least if it was not seen in the last frame, but others were. Of two tracks at one
/// place, the one that was seen goes on. Otherwise both could take the face by turns, and neither would end.
const MISSED: f64 = 0.3;

/// The costs of every pair of a track and a detection, in face widths.
pub(super) struct Pairs {
    /// A row for each track, a column for each detection. Infinite outside the gate of the track.
    costs: Vec<Vec<f64>>,
    gates: Vec<f64>,
    /// True for the tracks that were not seen as late as the one that was seen last.
    is_missed: Vec<bool>,
}

impl Pairs {
    pub(super) fn new(tracks: &[&Motion], detections: &[Rect], at: Timestamp) -> Self {
        let gates: Vec<f64> = tracks.iter().map(|track| track.gate(at)).collect();
        let last = tracks.iter().map(|track| track.at()).max();
        let is_missed = tracks.iter().map(|track| last > Some(track.at()));
        let row = |(track, &gate): (&&Motion, &f64)| -> Vec<f64> {
            let costs = detections.iter().map(|rect| track.cost(rect, at));
            costs
                .map(|cost| if cost <= gate { cost } else { f64::INFINITY })
                .collect()
        };
        Self {
            costs: tracks.iter().zip(&gates).map(row).collect(),
            is_missed: is_missed.collect(),
            gates,
        }
    }

    /// A pair is not possible.
    pub(super) fn forbid(&mut self, track: usize, detection: usize) {
        self.costs[track][detection] = f64::INFINITY;
    }

    /// The detection of each track, with the least sum of costs as parts of the gates. A track without a detection costs its whole gate,
    /// so that a track is not torn from a good detection only to give another one a bad detection. Parts of gates count, because
    /// the gate of a new track is wide: in face widths, it would take a detection far away from a track that expects it there.
    ///
    /// The gate of a track that was not seen for a while is wide, too. It costs at least [`MISSED`], so that it does not take the
    /// detection of a track that was seen.
    pub(super) fn best(&self) -> Vec<Option<usize>> {
        let tracks = self.costs.len();
        let rows = self.costs.iter().zip(&self.gates).zip(&self.is_missed);
        let rows = rows.map(|((costs, &gate), &is_missed)| -> Vec<f64> {
            let least = if is_missed { MISSED } else { 0.0 };
            let part = |&cost: &f64| (least + (1.0 - least) * cost / gate).min(IMPOSSIBLE);
            let possible = costs.iter().map(part);
            possible.chain(std::iter::repeat_n(1.0, tracks)).collect()
        });
        let rows: Vec<Vec<f64>> = rows.collect();
        let detections = self.costs.first().map_or(0, Vec::len);
        let assigned = least_cost(&rows).into_iter().zip(&self.costs);
        assigned
            .map(|(column, costs)| {
                let is_possible = column < detections && costs[column].is_finite();
                is_possible.then_some(column)
            })
            .collect()
    }

    /// True if the detection is not where the track expects it.
    pub(super) fn is_jump(&self, track: usize, detection: usize) -> bool {
        self.costs[track][detection] > JUMP
    }

    /// True if the detection is not where the track expects it, or if another track could have this detection, or another detection this
    /// track, at nearly the same cost.
    pub(super) fn is_doubtful(&self, track: usize, detection: usize) -> bool {
        let cost = self.costs[track][detection];
        let much = AMBIGUOUS * cost;
        let other_detection = self.costs[track]
            .iter()
            .enumerate()
            .any(|(other, &cost)| other != detection && cost < much);
        let other_track = self
            .costs
            .iter()
            .enumerate()
            .any(|(other, costs)| other != track && costs[detection] < much);
        self.is_jump(track, detection) || other_detection || other_track
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    fn face(x: f32) -> Rect {
        Rect::new(x, 100.0, 40.0, 40.0)
    }

    fn pairs(tracks: &[f32], detections: &[f32]) -> Pairs {
        let tracks: Vec<Motion> = tracks
            .iter()
            .map(|&x| Motion::new(face(x), at(0)))
            .collect();
        let tracks: Vec<&Motion> = tracks.iter().collect();
        let detections: Vec<Rect> = detections.iter().map(|&x| face(x)).collect();
        Pairs::new(&tracks, &detections, at(200))
    }

    #[test]
    fn a_good_pair_is_not_broken_for_a_bad_one() {
        // The first track stays. The second one is gone, and a new face is near the first.
        assert_eq!(pairs(&[0.0, 80.0], &[-80.0, 4.0]).best(), [Some(1), None]);
        assert_eq!(pairs(&[0.0, 80.0], &[84.0, 4.0]).best(), [Some(1), Some(0)]);
    }

    #[test]
    fn a_detection_outside_the_gate_is_left() {
        assert_eq!(pairs(&[0.0], &[91.0]).best(), [Some(0)]);
        assert_eq!(pairs(&[0.0], &[93.0]).best(), [None]);
        assert_eq!(pairs(&[0.0], &[]).best(), [None]);
        assert!(pairs(&[], &[5.0]).best().is_empty());
    }

    #[test]
    fn of_two_tracks_at_a_place_the_seen_one_goes_on() {
        for missed in [0, 1] {
            let mut times = [200; 2];
            times[missed] = 0;
            let tracks = [0, 1].map(|nth| Motion::new(face(2.0 * nth as f32), at(times[nth])));
            for x in [0.0, 2.0] {
                let best = Pairs::new(&[&tracks[0], &tracks[1]], &[face(x)], at(400)).best();
                assert_eq!((best[missed], best[1 - missed]), (None, Some(0)));
            }
        }
    }

    #[test]
    fn a_missed_track_that_is_nearer_is_back() {
        let tracks = [
            Motion::new(face(0.0), at(0)),
            Motion::new(face(60.0), at(200)),
        ];
        let back = |x: f32| Pairs::new(&[&tracks[0], &tracks[1]], &[face(x)], at(400));
        assert_eq!(back(4.0).best(), [Some(0), None]);
        // Also if nobody else was seen, and far away.
        let back = Pairs::new(&[&tracks[0]], &[face(120.0)], at(400));
        assert_eq!(back.best(), [Some(0)]);
    }

    #[test]
    fn pairs_of_nearly_the_same_cost_are_doubtful() {
        let mut crossing = pairs(&[0.0, 70.0], &[32.0, 42.0]);
        assert!(crossing.is_doubtful(0, 0) && crossing.is_doubtful(1, 1));
        let clear = pairs(&[0.0, 200.0], &[8.0, 186.0]);
        assert!(!clear.is_doubtful(0, 0));
        assert!(clear.is_doubtful(1, 1), "a jump");
        assert_eq!(crossing.best(), [Some(0), Some(1)]);
        crossing.forbid(0, 0);
        assert_eq!(crossing.best(), [Some(1), Some(0)]);
    }
}
