use serde::{Deserialize, Serialize};

use super::{Identity, Outcome, RecognizeOptions, Recognizer};
use crate::{
    calibration::{Capacity, MatchLimit, Threshold},
    comparison::Comparison,
    embed::Embedding,
    error::{Error, Result},
    gallery::{Gallery, Neighbor, Roster},
};

/// Options of [`Recognizer::identify`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IdentifyOptions {
    /// The greatest number of candidates to return: 1 by default.
    pub k: usize,
    /// Search these people only; `None` searches everybody.
    pub roster: Option<Roster>,
}

impl Default for IdentifyOptions {
    fn default() -> Self {
        Self { k: 1, roster: None }
    }
}

impl IdentifyOptions {
    /// Sets [`k`](Self::k).
    #[must_use]
    pub fn with_k(mut self, k: usize) -> Self {
        self.k = k;
        self
    }

    /// Sets [`roster`](Self::roster).
    #[must_use]
    pub fn with_roster(mut self, roster: Roster) -> Self {
        self.roster = Some(roster);
        self
    }
}

/// A person near to a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Candidate {
    /// The person, with score and rate.
    #[serde(flatten)]
    pub identity: Identity,
    /// True if the score passes the recognizer's threshold for the templates searched.
    pub matches: bool,
}

impl Recognizer {
    /// Lists the people nearest to `probe` (1:N), nearest first, also those who do not pass the threshold. The probe is compared as
    /// it is: [`embed_mirrored`](Self::embed_mirrored) makes a mirrored one.
    ///
    /// [`Outcome::from_candidates`] makes the result of a face from the list.
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer, probe: &facekit::Embedding) -> facekit::Result<()> {
    /// use facekit::IdentifyOptions;
    ///
    /// for candidate in recognizer.identify(probe, &IdentifyOptions::default().with_k(5))? {
    ///     let verdict = if candidate.matches { "matches" } else { "does not match" };
    ///     println!("{} {verdict}: {:.2}", candidate.identity.person, candidate.identity.score);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the recognizer has no gallery, [`Error::SpaceMismatch`] if `probe` is of another space.
    pub fn identify(&self, probe: &Embedding, options: &IdentifyOptions) -> Result<Vec<Candidate>> {
        let _span = tracing::debug_span!("identify").entered();
        let gallery = self.required_gallery()?;
        self.candidates(gallery, probe, options.k, options.roster.as_ref())
    }

    /// The outcome of an embedded face. Without a gallery everybody is unknown. True if the score is so near to the threshold that
    /// the mirror image can change the outcome.
    pub(super) fn outcome(
        &self,
        probe: &Embedding,
        options: &RecognizeOptions,
    ) -> Result<(Outcome, bool)> {
        let _span = tracing::debug_span!("identify").entered();
        let Some(gallery) = self.gallery() else {
            return Ok((Outcome::Unknown { nearest: None }, false));
        };
        let roster = options.roster.as_ref();
        let Some(nearest) = gallery.nearest(probe, 1, roster)?.pop() else {
            return Ok((Outcome::Unknown { nearest: None }, false));
        };
        // The rate of the whole procedure counts: the mirror image is compared if it can change the outcome.
        let mirrors = self.mirror.mirrors_probes() || probe.is_mirrored();
        let people = gallery.searched(roster);
        let comparison = nearest.comparison(probe).with_mirrored_probe(mirrors);
        let threshold = options.threshold.unwrap_or(self.threshold);
        let limit = self.limit_of(threshold, &comparison, people)?;
        let candidate = self.candidate(gallery, nearest, probe, limit);
        let is_near =
            !probe.is_mirrored() && self.mirror.matters(candidate.identity.score, limit.score);
        Ok((Outcome::from_candidates([candidate]), is_near))
    }

    fn candidates(
        &self,
        gallery: &Gallery,
        probe: &Embedding,
        k: usize,
        roster: Option<&Roster>,
    ) -> Result<Vec<Candidate>> {
        let neighbors = gallery.nearest(probe, k, roster)?;
        if neighbors.is_empty() {
            return Ok(Vec::new());
        }
        let people = gallery.searched(roster);
        let candidate = |neighbor: Neighbor| {
            let comparison = neighbor.comparison(probe);
            let limit = self.search_limit(&comparison, people)?;
            Ok(self.candidate(gallery, neighbor, probe, limit))
        };
        neighbors.into_iter().map(candidate).collect()
    }

    /// A neighbor of `probe`, judged by a limit.
    pub(super) fn candidate(
        &self,
        gallery: &Gallery,
        neighbor: Neighbor,
        probe: &Embedding,
        limit: MatchLimit,
    ) -> Candidate {
        let score = gallery.metric().to_cosine(neighbor.score);
        let (fmr, extrapolated) = self.rate_of(score, &neighbor.comparison(probe));
        Candidate {
            identity: Identity {
                person: neighbor.person,
                name: neighbor.name,
                score,
                fmr,
                extrapolated,
                basis: limit.basis,
            },
            matches: score >= limit.score,
        }
    }

    /// The false-match rate of a comparison of this kind at `score`, and whether it is extrapolated; `None` if the embedding space
    /// is not calibrated.
    pub(super) fn rate_of(&self, score: f32, comparison: &Comparison) -> (Option<f64>, bool) {
        let Some(calibration) = &self.calibration else {
            return (None, false);
        };
        let curve = calibration.curve(comparison);
        let fmr = curve.fmr_of(score);
        (Some(fmr), curve.is_extrapolated(fmr))
    }

    pub(super) fn required_gallery(&self) -> Result<&Gallery> {
        self.gallery()
            .ok_or_else(|| Error::argument("gallery", "the recognizer was built without one"))
    }

    /// The lowest score that passes in a search among `people`, for templates and probes of this kind.
    ///
    /// # Errors
    ///
    /// Those of [`Threshold::limit`](crate::Threshold::limit).
    pub fn search_limit(&self, comparison: &Comparison, people: usize) -> Result<MatchLimit> {
        self.limit_of(self.threshold, comparison, people)
    }

    /// The lowest score that passes `threshold` in a search among `people`.
    pub(super) fn limit_of(
        &self,
        threshold: Threshold,
        comparison: &Comparison,
        people: usize,
    ) -> Result<MatchLimit> {
        let space = self.embedder.space();
        threshold.limit(self.calibration.as_ref(), comparison, space, people)
    }

    /// The lowest score at which two faces are the same person (1:1). It does not depend on the gallery: see
    /// [`Threshold::for_comparison`](crate::Threshold::for_comparison).
    ///
    /// # Errors
    ///
    /// Those of [`Threshold::limit`](crate::Threshold::limit).
    pub fn comparison_limit(&self, comparison: &Comparison) -> Result<MatchLimit> {
        self.limit_of(self.threshold.for_comparison(), comparison, 1)
    }

    /// The number of people whom a search may cover at the wanted rate, with templates and probes as this recognizer makes them
    /// ([`MirrorOptions`](crate::MirrorOptions)). `None` if the threshold is not a rate of searches.
    ///
    /// Beyond this number, the recognizer stays in service: the limit of a match is the strictest score of the calibration, and
    /// each match says that the wanted rate is [`NotMet`](crate::RateBasis::NotMet).
    ///
    /// ```no_run
    /// # fn example(recognizer: &facekit::Recognizer) {
    /// if let (Some(capacity), Some(gallery)) = (recognizer.capacity(), recognizer.gallery()) {
    ///     println!("room for {} more people", capacity.room(gallery.searched(None)).extrapolated);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn capacity(&self) -> Option<Capacity> {
        let comparison = Comparison::default()
            .with_mirrored_template(self.mirror.templates)
            .with_mirrored_probe(self.mirror.mirrors_probes());
        self.threshold
            .capacity(self.calibration.as_ref(), &comparison)
    }

    /// The false-match rate of a comparison of two plain photos at `score`; `None` if the embedding space is not calibrated.
    #[must_use]
    pub fn fmr_of(&self, score: f32) -> Option<f64> {
        self.calibration
            .as_ref()
            .map(|calibration| calibration.fmr_of(score))
    }
}

impl Outcome {
    /// The outcome of a face from its candidates, nearest first: [`Known`](Self::Known) if the first one matches.
    ///
    /// ```
    /// use facekit::Outcome;
    ///
    /// assert_eq!(Outcome::from_candidates([]), Outcome::Unknown { nearest: None });
    /// ```
    #[must_use]
    pub fn from_candidates(candidates: impl IntoIterator<Item = Candidate>) -> Self {
        match candidates.into_iter().next() {
            Some(Candidate {
                identity,
                matches: true,
            }) => Self::Known(identity),
            nearest => Self::Unknown {
                nearest: nearest.map(|candidate| candidate.identity),
            },
        }
    }
}
