//! Plays a scene to a tracker.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Result;
use facekit::{ExamineOptions, Outcome, Recognizer, Track, TrackEvent, Tracker, TrackerOptions};
use jiff::Timestamp;
use scenes::{Identities, Scene, Seen};

/// A scene, and how it is played.
pub(super) struct Play<'a> {
    pub(super) recognizer: &'a Arc<Recognizer>,
    pub(super) scene: &'a Scene,
    pub(super) options: TrackerOptions,
    pub(super) frames_per_second: f64,
    pub(super) seconds: f64,
    /// Looks for the first frame in which a face is fit.
    pub(super) finds_fit: bool,
}

/// The result of a scene.
#[derive(Default)]
pub(super) struct Played {
    pub(super) identities: Identities,
    /// The tracks in the order of their ends.
    pub(super) tracks: Vec<Track>,
    pub(super) sightings: Vec<Sighted>,
    /// The seconds for which each walker can be seen.
    pub(super) visible: BTreeMap<usize, f64>,
    /// The seconds of the first frame in which a face passes the quality gate.
    pub(super) fit: Option<f64>,
    /// The number of frames that were searched.
    pub(super) searched: usize,
}

/// A sighting of a track.
pub(super) struct Sighted {
    pub(super) person: String,
    pub(super) track: u64,
    /// The seconds at which the track was decided.
    pub(super) seconds: f64,
}

impl Play<'_> {
    pub(super) fn run(&self) -> Result<Played> {
        let mut tracker = Tracker::new(Arc::clone(self.recognizer), self.options.clone())?;
        let mut played = Played::default();
        let count = (self.seconds * self.frames_per_second).round() as usize;
        for nth in 0..count {
            let seconds = nth as f64 / self.frames_per_second;
            let at = time(seconds)?;
            let is_due = tracker.is_due(at);
            let last = tracker.searched();
            let looks = self.finds_fit && played.fit.is_none();
            let events = if is_due || looks {
                let frame = self.scene.frame(seconds);
                if looks && !frame.faces.is_empty() {
                    let options = ExamineOptions::default().with_liveness(false);
                    let faces = self.recognizer.examine(frame.image.view(), &options)?;
                    let is_fit = faces.iter().any(facekit::ExaminedFace::passed);
                    played.fit = is_fit.then_some(seconds);
                }
                let events = if is_due {
                    tracker.push(frame.image.view(), at)?
                } else {
                    tracker.skip(at)?
                };
                if is_due && tracker.searched() == Some(at) {
                    played.see(at, last, &frame, &events, &tracker);
                }
                events
            } else {
                tracker.skip(at)?
            };
            played.take(events, seconds);
        }
        let events = tracker.finish(time(self.seconds)?)?;
        played.take(events, self.seconds);
        Ok(played)
    }
}

pub(super) fn time(seconds: f64) -> Result<Timestamp> {
    Ok(Timestamp::from_millisecond(
        (1000.0 * seconds).round() as i64
    )?)
}

impl Played {
    /// Compares a frame that was searched with the truth. `last` is the time of the one before.
    fn see(
        &mut self,
        at: Timestamp,
        last: Option<Timestamp>,
        frame: &scenes::Frame,
        events: &[TrackEvent],
        tracker: &Tracker,
    ) {
        self.searched += 1;
        let since = last.map_or(0.0, |last| at.duration_since(last).as_secs_f64());
        for face in &frame.faces {
            *self.visible.entry(face.walker).or_default() += since;
        }
        // A track begins with its second face, and then the first one is known.
        for event in events {
            if let TrackEvent::Started { track, from, first } = event {
                self.identities
                    .add_found(*from, Seen::new(track.0, first.rect));
            }
        }
        let truth = frame.faces.iter();
        let truth = truth.map(|face| Seen::new(face.walker as u64, face.rect));
        self.identities.add_frame(at, truth.collect());
        let partial = frame.partial.iter().map(|face| face.rect);
        self.identities.add_partial(at, partial.collect());
        for face in tracker.faces() {
            let seen = Seen::new(face.track.0, face.detection.rect);
            self.identities.add_found(at, seen);
        }
    }

    fn take(&mut self, events: Vec<TrackEvent>, seconds: f64) {
        for event in events {
            if let Some(sighting) = event.sighting() {
                self.sightings.push(Sighted {
                    person: sighting.person.to_string(),
                    track: event.track().0,
                    seconds,
                });
            }
            if let TrackEvent::Ended(track) = event {
                self.tracks.push(track);
            }
        }
    }

    /// The number of sightings of a person.
    pub(super) fn sightings_of(&self, person: &str) -> usize {
        let people = self.sightings.iter().map(|sighting| &sighting.person);
        people.filter(|name| *name == person).count()
    }

    /// True if the liveness check refused a track.
    pub(super) fn is_refused(&self) -> bool {
        let decisions = self
            .tracks
            .iter()
            .filter_map(|track| track.decision.as_ref());
        decisions
            .into_iter()
            .any(|decision| matches!(decision, Outcome::Spoof | Outcome::TightCrop { .. }))
    }
}
