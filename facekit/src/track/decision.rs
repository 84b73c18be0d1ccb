use super::{
    TrackerOptions,
    shots::{MOST, Shots},
};
use crate::{
    embed::Embedding,
    error::Result,
    recognize::{Candidate, Identity, Outcome, Recognizer},
};

/// The numbers of shots after which the mean of the embeddings is searched.
const TESTS: [usize; 3] = [1, 3, MOST];
/// The share of the rate that each test has.
///
/// The curves are those of single probes, and strangers reach a score more often with a mean of three or six shots, so the later tests
/// have less. The shares were chosen by measurement, so that all tests together have the rate at most: see "Tracks" in BENCHMARKS.md.
const SHARES: [f64; TESTS.len()] = [0.4, 0.25, 0.1];

/// The tests of a track, and its decision.
///
/// The three tests share the wanted rate, so that all of them together have it at most. A track that is searched in every frame would
/// multiply it.
#[derive(Debug, Default)]
pub(super) struct Decision {
    /// The number of tests that were made.
    tests: usize,
    /// The number of shots at the last one.
    tested: usize,
    /// The person whom a test has found.
    found: Option<Identity>,
    /// The nearest person in the last test.
    nearest: Option<Identity>,
    outcome: Option<Outcome>,
}

/// The result of a step of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing new.
    Open,
    /// The outcome is known now.
    Decided,
    /// A test has found another person than the one before.
    Contradiction,
}

/// The recognizer's search and liveness, with the options of the tracker.
pub(super) struct Judge<'a> {
    pub(super) recognizer: &'a Recognizer,
    pub(super) options: &'a TrackerOptions,
}

impl Judge<'_> {
    /// The person nearest to the mean of a track, judged at this share of the wanted rate.
    fn search(&self, mean: &Embedding, share: f64) -> Result<Option<Candidate>> {
        let TrackerOptions {
            threshold, roster, ..
        } = self.options;
        self.recognizer
            .search_track(mean, *threshold, roster.as_ref(), share)
    }

    /// True if the median of the liveness of the shots counts as live. `None` if there are too few shots.
    fn is_live(&self, shots: &Shots) -> Option<bool> {
        if self.recognizer.liveness().is_none() {
            return Some(true);
        }
        let median = shots.median_liveness()?;
        Some(self.recognizer.is_live(median))
    }
}

impl Decision {
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// A shot was added.
    pub(super) fn after_shot(&mut self, shots: &Shots, judge: &Judge<'_>) -> Result<Step> {
        let is_due = TESTS
            .get(self.tests)
            .is_some_and(|&count| shots.count() >= count);
        if !is_due {
            return Ok(Step::Open);
        }
        if self.test(shots, judge)? == Step::Contradiction {
            return Ok(Step::Contradiction);
        }
        Ok(self.conclude(shots, judge, shots.count() == MOST))
    }

    /// The track ends. If there are shots since the last test, they are the last test.
    pub(super) fn at_end(&mut self, shots: &Shots, judge: &Judge<'_>) -> Result<Step> {
        if shots.count() > self.tested && self.test(shots, judge)? == Step::Contradiction {
            return Ok(Step::Contradiction);
        }
        if shots.count() == 0 {
            return Ok(Step::Open);
        }
        Ok(self.conclude(shots, judge, true))
    }

    fn test(&mut self, shots: &Shots, judge: &Judge<'_>) -> Result<Step> {
        let (Some(mean), Some(&share)) = (shots.mean(), SHARES.get(self.tests)) else {
            return Ok(Step::Open);
        };
        let candidate = judge.search(mean, share)?;
        self.tests += 1;
        self.tested = shots.count();
        self.nearest = candidate.as_ref().map(|it| it.identity.clone());
        let Some(Candidate {
            identity,
            matches: true,
        }) = candidate
        else {
            return Ok(Step::Open);
        };
        match &self.found {
            Some(found) if found.person != identity.person => Ok(Step::Contradiction),
            Some(_) => Ok(Step::Open),
            None => {
                self.found = Some(identity);
                Ok(Step::Open)
            }
        }
    }

    /// Decides if everything is known. A person who was found waits until the liveness is known. Only the last test says that
    /// the person is unknown or that the face is not live.
    fn conclude(&mut self, shots: &Shots, judge: &Judge<'_>, is_last: bool) -> Step {
        if self.outcome.is_some() {
            return Step::Open;
        }
        self.outcome = match (judge.is_live(shots), &self.found) {
            (None, _) => None,
            (Some(true), Some(identity)) => Some(Outcome::Known(identity.clone())),
            (Some(true), None) => is_last.then(|| Outcome::Unknown {
                nearest: self.nearest.clone(),
            }),
            (Some(false), _) => is_last.then(|| shots.refusal()),
        };
        if self.outcome.is_some() {
            Step::Decided
        } else {
            Step::Open
        }
    }
}
