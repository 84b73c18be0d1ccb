//! Identity scores of tracks: IDF1 (E. Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera
//! Tracking", 2016), and identity switches.

use std::collections::{BTreeMap, BTreeSet};

use facekit::Rect;
use jiff::Timestamp;

/// The least intersection over union of a found and a true box.
const SAME: f32 = 0.3;

/// A face with its number: that of a person or of a track.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) id: u64,
    pub(crate) rect: Rect,
}

impl Seen {
    pub(crate) fn new(id: u64, rect: Rect) -> Self {
        Self { id, rect }
    }
}

/// The true and the found faces of scenes.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    frames: BTreeMap<(usize, Timestamp), Frame>,
    scenes: usize,
}

#[derive(Debug, Default)]
struct Frame {
    truth: Vec<Seen>,
    found: Vec<Seen>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scores {
    pub(crate) idf1: f64,
    /// The number of times that a person's track is another one than before.
    pub(crate) switches: usize,
    pub(crate) tracks: usize,
    pub(crate) true_faces: usize,
    pub(crate) found_faces: usize,
}

impl Identities {
    pub(crate) fn add_frame(&mut self, at: Timestamp, truth: Vec<Seen>) {
        self.frames.entry((0, at)).or_default().truth = truth;
    }

    pub(crate) fn add_found(&mut self, at: Timestamp, seen: Seen) {
        self.frames.entry((0, at)).or_default().found.push(seen);
    }

    /// Adds another scene, whose people and tracks are others.
    pub(crate) fn extend(&mut self, scene: Self) {
        self.scenes += 1;
        let frames = scene.frames.into_iter();
        let frames = frames.map(|((_, at), frame)| ((self.scenes, at), frame));
        self.frames.extend(frames);
    }

    pub(crate) fn scores(&self) -> Scores {
        // The number of frames in which a track is on a person.
        let mut together: BTreeMap<(usize, u64), BTreeMap<u64, usize>> = BTreeMap::new();
        let mut tracks = BTreeSet::new();
        let (mut true_faces, mut found_faces, mut switches) = (0, 0, 0);
        let mut last: BTreeMap<(usize, u64), u64> = BTreeMap::new();
        for (&(scene, _), frame) in &self.frames {
            true_faces += frame.truth.len();
            found_faces += frame.found.len();
            tracks.extend(frame.found.iter().map(|found| (scene, found.id)));
            for person in &frame.truth {
                let overlap = |found: &&Seen| found.rect.iou(&person.rect);
                let nearest = frame
                    .found
                    .iter()
                    .max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
                let Some(track) = nearest.filter(|found| overlap(found) >= SAME) else {
                    continue;
                };
                let key = (scene, person.id);
                *together
                    .entry(key)
                    .or_default()
                    .entry(track.id)
                    .or_default() += 1;
                if last
                    .insert(key, track.id)
                    .is_some_and(|before| before != track.id)
                {
                    switches += 1;
                }
            }
        }
        let scenes: BTreeSet<usize> = together.keys().map(|key| key.0).collect();
        let right: usize = scenes
            .iter()
            .map(|scene| {
                let people = together.iter().filter(|(key, _)| key.0 == *scene);
                most_right(
                    &people.map(|(_, tracks)| tracks).collect::<Vec<_>>(),
                    &mut Vec::new(),
                )
            })
            .sum();
        Scores {
            idf1: 2.0 * right as f64 / (true_faces + found_faces) as f64,
            switches,
            tracks: tracks.len(),
            true_faces,
            found_faces,
        }
    }
}

/// The greatest number of faces that are right if each person has one track at most, and each track one person. A scene has few
/// people, so all assignments are tried.
fn most_right(people: &[&BTreeMap<u64, usize>], used: &mut Vec<u64>) -> usize {
    let Some((first, others)) = people.split_first() else {
        return 0;
    };
    let mut most = most_right(others, used);
    for (&track, &count) in *first {
        if !used.contains(&track) {
            used.push(track);
            most = most.max(count + most_right(others, used));
            used.pop();
        }
    }
    most
}
