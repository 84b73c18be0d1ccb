//! The figures of the report.

use scenes::{Identities, Scene};
use serde::Serialize;

use super::play::{Played, Sighted};

/// A person who can be seen for less than these seconds does not count: others are in front of them.
const LEAST_SECONDS: f64 = 1.0;

/// Scenes with several people.
#[derive(Debug, Default, Serialize)]
pub(super) struct Crowds {
    pub(super) fps: f64,
    scenes: usize,
    pub(super) people: usize,
    pub(super) idf1: f64,
    pub(super) switches: usize,
    pub(super) tracks: usize,
    pub(super) switches_per_100_tracks: f64,
    true_faces: usize,
    found_faces: usize,
    pub(super) one_sighting: usize,
    no_sighting: usize,
    several_sightings: usize,
    pub(super) wrong_names: usize,
    #[serde(skip)]
    identities: Identities,
}

impl Crowds {
    pub(super) fn new(fps: f64) -> Self {
        Self {
            fps,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, scene: &Scene, played: Played) {
        self.scenes += 1;
        for (walker, name) in scene.names().enumerate() {
            if played.visible.get(&walker).copied().unwrap_or(0.0) < LEAST_SECONDS {
                continue;
            }
            self.people += 1;
            match played.sightings_of(name) {
                0 => self.no_sighting += 1,
                1 => self.one_sighting += 1,
                _ => self.several_sightings += 1,
            }
        }
        // The name is wrong if it is not that of the walker on whom the track is.
        let owners = played.identities.owners();
        let names: Vec<&str> = scene.names().collect();
        let right = |sighting: &&Sighted| {
            let walker = owners.get(&sighting.track).map(|&walker| walker as usize);
            walker.and_then(|walker| names.get(walker)) == Some(&sighting.person.as_str())
        };
        self.wrong_names += played.sightings.len() - played.sightings.iter().filter(right).count();
        self.identities.extend(played.identities);
    }

    pub(super) fn finish(&mut self) {
        let scores = self.identities.scores();
        self.idf1 = scores.idf1;
        self.switches = scores.switches;
        self.tracks = scores.tracks;
        self.switches_per_100_tracks = 100.0 * scores.switches as f64 / scores.tracks.max(1) as f64;
        self.true_faces = scores.true_faces;
        self.found_faces = scores.found_faces;
    }

    pub(super) fn share_of_one_sighting(&self) -> f64 {
        self.one_sighting as f64 / self.people.max(1) as f64
    }
}

/// Scenes with one known person, with the liveness check.
#[derive(Debug, Default, Serialize)]
pub(super) struct Alone {
    pub(super) fps: f64,
    pub(super) people: usize,
    /// A decision was made: a person, unknown, or not live.
    pub(super) decided: usize,
    pub(super) identified: usize,
    pub(super) unknown: usize,
    pub(super) refused_by_liveness: usize,
    pub(super) wrong_names: usize,
    pub(super) tracks: usize,
    /// From the first frame in which the face is fit to the identity; `None` where they are not measured.
    pub(super) seconds_to_identity: Option<Seconds>,
    #[serde(skip)]
    seconds: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Seconds {
    pub(super) people: usize,
    pub(super) median: f64,
    pub(super) p95: f64,
}

impl Alone {
    pub(super) fn new(fps: f64) -> Self {
        Self {
            fps,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, name: &str, played: &Played) {
        self.people += 1;
        self.tracks += played.tracks.len();
        let is_decided = played.tracks.iter().any(|track| track.decision.is_some());
        self.decided += usize::from(is_decided);
        let right = played.sightings.iter().find(|it| it.person == name);
        self.wrong_names += played.sightings.len() - played.sightings_of(name);
        match right {
            Some(Sighted { seconds, .. }) => {
                self.identified += 1;
                self.seconds.extend(played.fit.map(|fit| seconds - fit));
            }
            None if played.is_refused() => self.refused_by_liveness += 1,
            None => self.unknown += usize::from(is_decided && played.sightings.is_empty()),
        }
    }

    pub(super) fn finish(&mut self) {
        self.seconds.sort_by(f64::total_cmp);
        let least = |share: f64| {
            let place = (share * self.seconds.len() as f64).ceil() as usize;
            let seconds = self.seconds.get(place.saturating_sub(1));
            // Frames have times in milliseconds.
            seconds.map(|seconds| (1000.0 * seconds).round() / 1000.0)
        };
        self.seconds_to_identity = least(0.5).zip(least(0.95)).map(|(median, p95)| Seconds {
            people: self.seconds.len(),
            median,
            p95,
        });
    }

    pub(super) fn share(&self, count: usize) -> f64 {
        count as f64 / self.people.max(1) as f64
    }
}

/// Scenes without a person, and walkers who come into them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Gate {
    pub(super) empty_seconds: f64,
    pub(super) searches: usize,
    pub(super) searches_per_second: f64,
    /// The greatest rate of a scene.
    pub(super) most_per_second: f64,
    pub(super) walkers: usize,
    /// Walkers without a track who have one without the motion gate.
    pub(super) missed: usize,
}

impl Gate {
    pub(super) fn add_empty(&mut self, seconds: f64, played: &Played) {
        self.empty_seconds += seconds;
        self.searches += played.searched;
        self.searches_per_second = self.searches as f64 / self.empty_seconds;
        self.most_per_second = self.most_per_second.max(played.searched as f64 / seconds);
    }
}

/// Strangers, each alone.
#[derive(Debug, Default, Serialize)]
pub(super) struct Strangers {
    pub(super) people: usize,
    pub(super) gallery: usize,
    pub(super) named: usize,
    /// At 60 strangers in an hour, with the limits of its 95 % interval.
    pub(super) named_per_hour: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The strangers in an hour.
pub(super) const AN_HOUR: f64 = 60.0;

impl Strangers {
    pub(super) fn add(&mut self, played: &Played) {
        self.people += 1;
        self.named += usize::from(!played.sightings.is_empty());
    }

    pub(super) fn finish(&mut self) {
        let (low, high) = facekit::wilson_interval(self.named as u64, self.people as u64);
        self.named_per_hour = AN_HOUR * self.named as f64 / self.people.max(1) as f64;
        (self.low, self.high) = (AN_HOUR * low, AN_HOUR * high);
    }
}
