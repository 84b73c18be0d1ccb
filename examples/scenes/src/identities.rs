use std::collections::{BTreeMap, BTreeSet};

use facekit::{Rect, jiff::Timestamp};

/// The least intersection over union of a found and a true box.
const SAME: f32 = 0.3;

/// A face with its number: that of a person or of a track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// The number.
    pub id: u64,
    /// The box, in pixels.
    pub rect: Rect,
}

impl Seen {
    /// A face with the number of its person or track.
    #[must_use]
    pub fn new(id: u64, rect: Rect) -> Self {
        Self { id, rect }
    }
}

/// The true and the found faces of scenes, and the identity scores of the tracks.
///
/// IDF1 is the measure of E. Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", 2016: each
/// person gets one track at most and each track one person, so that the most faces are right; IDF1 is twice their number, divided by that
/// of all true and all found faces. A switch is a frame in which the track of a person is another one than before. Found faces on those
/// that are partly hidden do not count, as in the benchmarks of multiple object tracking (A. Milan et al., "MOT16", 2016).
///
/// ```
/// use facekit::{Rect, jiff::Timestamp};
/// use scenes::{Identities, Seen};
///
/// let face = Rect::new(10.0, 10.0, 40.0, 50.0);
/// let mut identities = Identities::default();
/// for (second, track) in [(0, 7), (1, 7), (2, 7), (3, 8)] {
///     let at = Timestamp::from_second(second).unwrap();
///     identities.add_frame(at, vec![Seen::new(1, face)]);
///     identities.add_found(at, Seen::new(track, face));
/// }
/// let scores = identities.scores();
/// assert_eq!((scores.idf1, scores.switches), (0.75, 1));
/// ```
#[derive(Debug, Default)]
pub struct Identities {
    frames: BTreeMap<(usize, Timestamp), Frame>,
    scenes: usize,
}

#[derive(Debug, Default)]
struct Frame {
    truth: Vec<Seen>,
    partial: Vec<Rect>,
    found: Vec<Seen>,
}

/// Identity scores.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scores {
    /// IDF1, 0 to 1. 1 if there is no face at all.
    pub idf1: f64,
    /// The number of times that a person's track is another one than before.
    pub switches: usize,
    /// The number of tracks.
    pub tracks: usize,
    /// The number of true faces, over all frames.
    pub true_faces: usize,
    /// The number of found faces, over all frames.
    pub found_faces: usize,
}

/// The numbers of frames in which each track is on a person.
type Together = BTreeMap<u64, usize>;

/// The counts over all frames, from which the scores follow.
struct Count {
    /// For each scene and person.
    together: BTreeMap<usize, BTreeMap<u64, Together>>,
    tracks: BTreeSet<(usize, u64)>,
    true_faces: usize,
    found_faces: usize,
    switches: usize,
}

impl Identities {
    /// The true faces of a frame.
    pub fn add_frame(&mut self, at: Timestamp, truth: Vec<Seen>) {
        self.frames.entry((0, at)).or_default().truth = truth;
    }

    /// The boxes of the faces of a frame that are partly hidden: they may be found or not.
    pub fn add_partial(&mut self, at: Timestamp, faces: Vec<Rect>) {
        self.frames.entry((0, at)).or_default().partial = faces;
    }

    /// A found face of a frame.
    pub fn add_found(&mut self, at: Timestamp, seen: Seen) {
        self.frames.entry((0, at)).or_default().found.push(seen);
    }

    /// Adds another scene, whose people and tracks are others.
    pub fn extend(&mut self, scene: Self) {
        self.scenes += 1;
        let frames = scene.frames.into_iter();
        let frames = frames.map(|((_, at), frame)| ((self.scenes, at), frame));
        self.frames.extend(frames);
    }

    /// The person on whom each track is for most frames. Tracks that are on nobody are left out. For one scene.
    #[must_use]
    pub fn owners(&self) -> BTreeMap<u64, u64> {
        let mut most: BTreeMap<u64, (usize, u64)> = BTreeMap::new();
        for people in self.count().together.values() {
            for (&person, tracks) in people {
                for (&track, &frames) in tracks {
                    let owner = most.entry(track).or_default();
                    *owner = (*owner).max((frames, person));
                }
            }
        }
        let owners = most.into_iter();
        owners.map(|(track, (_, person))| (track, person)).collect()
    }

    /// The scores of all scenes together.
    #[must_use]
    pub fn scores(&self) -> Scores {
        let Count {
            together,
            tracks,
            true_faces,
            found_faces,
            switches,
        } = self.count();
        let right: usize = together.values().map(most_right).sum();
        let faces = true_faces + found_faces;
        Scores {
            idf1: if faces == 0 {
                1.0
            } else {
                2.0 * right as f64 / faces as f64
            },
            switches,
            tracks: tracks.len(),
            true_faces,
            found_faces,
        }
    }

    fn count(&self) -> Count {
        let mut together: BTreeMap<usize, BTreeMap<u64, Together>> = BTreeMap::new();
        let mut tracks = BTreeSet::new();
        let (mut true_faces, mut found_faces, mut switches) = (0, 0, 0);
        let mut last: BTreeMap<(usize, u64), u64> = BTreeMap::new();
        for (&(scene, _), frame) in &self.frames {
            let counted: Vec<&Seen> = frame.counted().collect();
            true_faces += frame.truth.len();
            found_faces += counted.len();
            tracks.extend(frame.found.iter().map(|found| (scene, found.id)));
            for person in &frame.truth {
                let overlap = |found: &&Seen| found.rect.iou(&person.rect);
                let nearest = counted
                    .iter()
                    .copied()
                    .max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
                let Some(track) = nearest.filter(|found| overlap(found) >= SAME) else {
                    continue;
                };
                let people = together.entry(scene).or_default();
                let of_person = people.entry(person.id).or_default();
                *of_person.entry(track.id).or_default() += 1;
                let before = last.insert((scene, person.id), track.id);
                switches += usize::from(before.is_some_and(|before| before != track.id));
            }
        }
        Count {
            together,
            tracks,
            true_faces,
            found_faces,
            switches,
        }
    }
}

impl Frame {
    /// The found faces that are not on a partly hidden face.
    fn counted(&self) -> impl Iterator<Item = &Seen> {
        self.found.iter().filter(|found| {
            let overlap = |rect: &Rect| rect.iou(&found.rect);
            let most = |overlaps: &mut dyn Iterator<Item = f32>| overlaps.fold(0.0, f32::max);
            let partial = most(&mut self.partial.iter().map(overlap));
            let truth = most(&mut self.truth.iter().map(|face| overlap(&face.rect)));
            partial < SAME || truth >= partial
        })
    }
}

/// The greatest number of faces that are right if each person has one track at most, and each track one person. `best` has it for each
/// set of people who have a track among the tracks so far.
fn most_right(people: &BTreeMap<u64, Together>) -> usize {
    let tracks: BTreeSet<u64> = people.values().flat_map(BTreeMap::keys).copied().collect();
    let mut best = vec![0; 1 << people.len()];
    for track in tracks {
        let before = best.clone();
        for (place, together) in people.values().enumerate() {
            let Some(count) = together.get(&track) else {
                continue;
            };
            let person = 1 << place;
            for set in (0..best.len()).filter(|set| set & person != 0) {
                best[set] = best[set].max(before[set & !person] + count);
            }
        }
    }
    best.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32) -> Rect {
        Rect::new(x, 10.0, 40.0, 50.0)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_track_belongs_to_the_person_it_is_on_for_most_frames() {
        let mut identities = Identities::default();
        for second in 0..10 {
            let truth = [(1, 0.0), (2, 200.0)].map(|(id, x)| Seen::new(id, face(x)));
            identities.add_frame(at(second), truth.to_vec());
            let x = if second < 3 { 0.0 } else { 200.0 };
            identities.add_found(at(second), Seen::new(7, face(x)));
            identities.add_found(at(second), Seen::new(8, face(500.0)));
        }
        assert_eq!(identities.owners(), BTreeMap::from([(7, 2)]));
    }

    #[test]
    fn people_who_change_their_tracks_are_half_right() {
        let mut identities = Identities::default();
        for second in 0..10 {
            let truth = [(1, 0.0), (2, 200.0)].map(|(id, x)| Seen::new(id, face(x)));
            identities.add_frame(at(second), truth.to_vec());
            let ids = if second < 5 { [1, 2] } else { [2, 1] };
            for (id, x) in ids.into_iter().zip([0.0, 200.0]) {
                identities.add_found(at(second), Seen::new(id, face(x)));
            }
        }
        let scores = identities.scores();
        assert_eq!((scores.idf1, scores.switches, scores.tracks), (0.5, 2, 2));
    }

    #[test]
    fn misses_and_false_faces_count() {
        let mut scene = Identities::default();
        scene.add_frame(at(0), vec![Seen::new(1, face(0.0))]);
        scene.add_frame(at(1), vec![Seen::new(1, face(0.0))]);
        scene.add_found(at(0), Seen::new(1, face(5.0)));
        scene.add_found(at(0), Seen::new(2, face(300.0)));
        let mut all = Identities::default();
        // In another scene, the same number is another track.
        all.extend(scene);
        let mut other = Identities::default();
        other.add_frame(at(0), vec![Seen::new(1, face(0.0))]);
        other.add_found(at(0), Seen::new(1, face(0.0)));
        all.extend(other);
        let scores = all.scores();
        assert_eq!(
            (scores.true_faces, scores.found_faces, scores.tracks),
            (3, 3, 3)
        );
        assert!((scores.idf1 - 2.0 * 2.0 / 6.0).abs() < 1e-9);
        assert_eq!(Identities::default().scores().idf1, 1.0);
    }

    #[test]
    fn partly_hidden_faces_may_be_found() {
        let mut scene = Identities::default();
        scene.add_frame(at(0), vec![Seen::new(1, face(0.0))]);
        scene.add_partial(at(0), vec![face(30.0)]);
        scene.add_found(at(0), Seen::new(1, face(2.0)));
        assert_eq!(scene.scores().idf1, 1.0);
        scene.add_found(at(0), Seen::new(2, face(28.0)));
        assert_eq!((scene.scores().idf1, scene.scores().found_faces), (1.0, 1));
        scene.add_found(at(0), Seen::new(3, face(300.0)));
        assert_eq!(scene.scores().found_faces, 2);
    }

    #[test]
    fn the_best_of_all_assignments_counts() {
        // The first track is longer on the first person, but both people together have more if it is on the second one.
        let people = [[(1, 5), (2, 4)].as_slice(), &[(1, 4)]];
        let people = people.iter().enumerate();
        let people = people.map(|(id, tracks)| (id as u64, tracks.iter().copied().collect()));
        assert_eq!(most_right(&people.collect()), 8);
        assert_eq!(most_right(&BTreeMap::new()), 0);
    }
}
