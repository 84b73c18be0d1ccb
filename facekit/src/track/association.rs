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
    /// The gate that each track would have if it had been seen as late as the track that was seen last, and if it was not. So
    /// tracks can be compared.
    common: Vec<(f64, bool)>,
}

impl Pairs {
    pub(super) fn new(tracks: &[&Motion], detections: &[Rect], at: Timestamp) -> Self {
        let gates: Vec<f64> = tracks.iter().map(|track| track.gate(at)).collect();
        let last = tracks.iter().map(|track| track.at()).max();
        let common = tracks.iter().zip(&gates).map(|(track, &gate)| match last {
            Some(last) if track.at() < last => {
                (track.gate(track.at() + at.duration_since(last)), true)
            }
            _ => (gate, false),
        });
        let row = |(track, &gate): (&&Motion, &f64)| -> Vec<f64> {
            let costs = detections.iter().map(|rect| track.cost(rect, at));
            costs
                .map(|cost| if cost <= gate { cost } else { f64::INFINITY })
                .collect()
        };
        Self {
            costs: tracks.iter().zip(&gates).map(row).collect(),
            common: common.collect(),
            gates,
        }
    }

    /// A pair is not possible.
    pub(super) fn forbid(&mut self, track: usize, detection: usize) {
        self.costs[track][detection] = f64::INFINITY;
    }

    /// The detection of each track, with the least sum of costs. A track without a detection costs its gate, so that a track is
    /// not torn from a good detection only to give another one a bad detection.
    ///
    /// The gate of a track that was not seen for a while is wide. Its costs are reduced to the gate that it would have otherwise, from
    /// [`MISSED`] of it on, so that it does not take the detection of a track that was seen.
    pub(super) fn best(&self) -> Vec<Option<usize>> {
        let tracks = self.costs.len();
        let detections = self.costs.first().map_or(0, Vec::len);
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(tracks);
        for (track, &(common, is_missed)) in self.common.iter().enumerate() {
            let comparable = |cost: f64| match is_missed {
                true => common * (MISSED + (1.0 - MISSED) * cost / self.gates[track]),
                false => cost,
            };
            let possible = self.costs[track].iter();
            let possible = possible.map(|&cost| comparable(cost).min(IMPOSSIBLE));
            rows.push(
                possible
                    .chain(std::iter::repeat_n(common, tracks))
                    .collect(),
            );
        }
        let assigned = least_cost(&rows).into_iter().zip(&self.costs);
        assigned
            .map(|(column, costs)| {
                let is_possible = column < detections && costs[column].is_finite();
                is_possible.then_some(column)
            })
            .collect()
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
        cost > JUMP || other_detection || other_track
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
