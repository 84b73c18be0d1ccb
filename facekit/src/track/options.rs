use std::ops::RangeInclusive;

use jiff::SignedDuration;

use crate::{
    calibration::Threshold,
    error::{Error, Result},
    gallery::Roster,
};

/// Options of a [`Tracker`](crate::Tracker).
///
/// ```
/// use facekit::{TrackerOptions, jiff::SignedDuration};
///
/// let options = TrackerOptions::default().with_lost_after(SignedDuration::from_secs(1));
/// assert_eq!(options.searches_per_second, 5.0);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrackerOptions {
    /// The number of frames in each second in which faces are searched, 0.01 to 100: 5 by default. Other frames are left out.
    pub searches_per_second: f64,
    /// The same number while a track is undecided, for 10 s after its last shot: 10 by default.
    pub undecided_searches_per_second: f64,
    /// Leaves out frames in which nothing moves if there is no track. On by default.
    pub motion_gate: bool,
    /// Faces are searched after this time, also if nothing moves: 2 s by default.
    pub longest_rest: SignedDuration,
    /// The least score of a detection that starts a track, 0 to 1: 0.6 by default.
    pub start_score: f32,
    /// The least score of a detection that continues a track, 0 to `start_score`: 0.3 by default.
    pub continue_score: f32,
    /// The time after which a track that is not seen ends, at most an hour: 2 s by default. If frames come slowly, it is 2.5 times the
    /// time between two frames, but no more than a minute.
    pub lost_after: SignedDuration,
    /// The threshold from which a track counts as known; `None` takes the recognizer's. A rate holds for each track.
    pub threshold: Option<Threshold>,
    /// Search these people only; `None` searches everybody.
    pub roster: Option<Roster>,
}

impl Default for TrackerOptions {
    fn default() -> Self {
        Self {
            searches_per_second: 5.0,
            undecided_searches_per_second: 10.0,
            motion_gate: true,
            longest_rest: SignedDuration::from_secs(2),
            start_score: 0.6,
            continue_score: 0.3,
            lost_after: SignedDuration::from_secs(2),
            threshold: None,
            roster: None,
        }
    }
}

impl TrackerOptions {
    /// Sets [`searches_per_second`](Self::searches_per_second).
    #[must_use]
    pub fn with_searches_per_second(mut self, searches: f64) -> Self {
        self.searches_per_second = searches;
        self
    }

    /// Sets [`undecided_searches_per_second`](Self::undecided_searches_per_second).
    #[must_use]
    pub fn with_undecided_searches_per_second(mut self, searches: f64) -> Self {
        self.undecided_searches_per_second = searches;
        self
    }

    /// Sets [`motion_gate`](Self::motion_gate).
    #[must_use]
    pub fn with_motion_gate(mut self, gate: bool) -> Self {
        self.motion_gate = gate;
        self
    }

    /// Sets [`longest_rest`](Self::longest_rest).
    #[must_use]
    pub fn with_longest_rest(mut self, rest: SignedDuration) -> Self {
        self.longest_rest = rest;
        self
    }

    /// Sets [`start_score`](Self::start_score).
    #[must_use]
    pub fn with_start_score(mut self, score: f32) -> Self {
        self.start_score = score;
        self
    }

    /// Sets [`continue_score`](Self::continue_score).
    #[must_use]
    pub fn with_continue_score(mut self, score: f32) -> Self {
        self.continue_score = score;
        self
    }

    /// Sets [`lost_after`](Self::lost_after).
    #[must_use]
    pub fn with_lost_after(mut self, time: SignedDuration) -> Self {
        self.lost_after = time;
        self
    }

    /// Sets [`threshold`](Self::threshold).
    #[must_use]
    pub fn with_threshold(mut self, threshold: Threshold) -> Self {
        self.threshold = Some(threshold);
        self
    }

    /// Sets [`roster`](Self::roster), which [`Gallery::roster`](crate::Gallery::roster) makes.
    #[must_use]
    pub fn with_roster(mut self, roster: Roster) -> Self {
        self.roster = Some(roster);
        self
    }

    /// Fails with [`Error::InvalidArgument`] for a number that is out of range.
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::argument("tracker", reason));
        for (name, searches) in [
            ("searches_per_second", self.searches_per_second),
            (
                "undecided_searches_per_second",
                self.undecided_searches_per_second,
            ),
        ] {
            if !SEARCHES.contains(&searches) {
                let (least, most) = (SEARCHES.start(), SEARCHES.end());
                return invalid(format!(
                    "{name} is {searches}, a number from {least} to {most} is needed"
                ));
            }
        }
        for (name, time) in [
            ("longest_rest", self.longest_rest),
            ("lost_after", self.lost_after),
        ] {
            if !(time.is_positive() && time <= LONGEST) {
                return invalid(format!(
                    "{name} is {time}, a time above 0 and of at most an hour is needed"
                ));
            }
        }
        let (start, least) = (self.start_score, self.continue_score);
        if !(0.0..=1.0).contains(&start) {
            return invalid(format!(
                "start_score is {start}, a number from 0 to 1 is needed"
            ));
        }
        if !(0.0..=start).contains(&least) {
            return invalid(format!(
                "continue_score is {least}, a number from 0 to start_score ({start}) is needed"
            ));
        }
        Ok(())
    }

    /// The time from one searched frame to the next.
    pub(super) fn interval(&self, is_undecided: bool) -> SignedDuration {
        let searches = if is_undecided {
            self.undecided_searches_per_second
        } else {
            self.searches_per_second
        };
        SignedDuration::from_secs_f64(1.0 / searches)
    }
}

const SEARCHES: RangeInclusive<f64> = 0.01..=100.0;
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
