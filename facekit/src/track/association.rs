use jiff::Timestamp;

use super::{assignment::least_cost, motion::Motion};
use crate::geometry::Rect;

/// The cost of a pair that is not possible. It is above every sum of gates.
const IMPOSSIBLE: f64 = 1e9;
/// A pair is ambiguous if another one costs less than this many times as much.
const AMBIGUOUS: f64 = 1.5;

/// The costs of every pair of a track and a detection, in face widths.
pub(super) struct Pairs {
    /// A row for each track, a column for each detection. Infinite outside the gate of the track.
    costs: Vec<Vec<f64>>,
    gates: Vec<f64>,
}

impl Pairs {
    pub(super) fn new(tracks: &[&Motion], detections: &[Rect], at: Timestamp) -> Self {
        let gates: Vec<f64> = tracks.iter().map(|track| track.gate(at)).collect();
        let row = |(track, &gate): (&&Motion, &f64)| -> Vec<f64> {
            let costs = detections.iter().map(|rect| track.cost(rect, at));
            costs
                .map(|cost| if cost <= gate { cost } else { f64::INFINITY })
                .collect()
        };
        let costs = tracks.iter().zip(&gates).map(row).collect();
        Self { costs, gates }
    }

    /// A pair is not possible.
    pub(super) fn forbid(&mut self, track: usize, detection: usize) {
        self.costs[track][detection] = f64::INFINITY;
    }

    /// The detection of each track, with the least sum of costs. A track without a detection costs its gate, so that a track is
    /// not torn from a good detection only to give another one a bad detection.
    pub(super) fn best(&self) -> Vec<Option<usize>> {
        let tracks = self.costs.len();
        let detections = self.costs.first().map_or(0, Vec::len);
        let rows: Vec<Vec<f64>> = self
            .costs
            .iter()
            .zip(&self.gates)
            .map(|(costs, &gate)| {
                let possible = costs.iter().map(|&cost| cost.min(IMPOSSIBLE));
                possible.chain(std::iter::repeat_n(gate, tracks)).collect()
            })
            .collect();
        let assigned = least_cost(&rows).into_iter().zip(&self.costs);
        assigned
            .map(|(column, costs)| {
                let is_possible = column < detections && costs[column].is_finite();
                is_possible.then_some(column)
            })
            .collect()
    }

    /// True if another track could have this detection, or another detection this track, at nearly the same cost.
    pub(super) fn is_ambiguous(&self, track: usize, detection: usize) -> bool {
        let much = AMBIGUOUS * self.costs[track][detection];
        let other_detection = self.costs[track]
            .iter()
            .enumerate()
            .any(|(other, &cost)| other != detection && cost < much);
        let other_track = self
            .costs
            .iter()
            .enumerate()
            .any(|(other, costs)| other != track && costs[detection] < much);
        other_detection || other_track
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
    fn pairs_of_nearly_the_same_cost_are_ambiguous() {
        let mut crossing = pairs(&[0.0, 70.0], &[32.0, 42.0]);
        assert!(crossing.is_ambiguous(0, 0) && crossing.is_ambiguous(1, 1));
        assert!(!pairs(&[0.0, 200.0], &[8.0, 190.0]).is_ambiguous(0, 0));
        assert_eq!(crossing.best(), [Some(0), Some(1)]);
        crossing.forbid(0, 0);
        assert_eq!(crossing.best(), [Some(1), Some(0)]);
    }
}
