use serde::{Deserialize, Serialize};

use super::{Identity, Outcome, RecognizeOptions, Recognizer};
use crate::{
    calibration::Threshold,
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
    /// [`Error::InvalidArgument`] if the recognizer has no gallery, [`Error::SpaceMismatch`] if `probe` is of another space,
    /// [`Error::RateOutOfRange`] if the threshold is a [`Threshold::Fpir`](crate::Threshold::Fpir) and the search covers more
    /// templates than the calibration answers for.
    pub fn identify(&self, probe: &Embedding, options: &IdentifyOptions) -> Result<Vec<Candidate>> {
        let _span = tracing::debug_span!("identify").entered();
        let gallery = self.required_gallery()?;
        self.candidates(gallery, probe, options.k, options.roster.as_ref(), None)
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
        let candidates = self.candidates(gallery, probe, 1, roster, options.threshold)?;
        let is_near = match candidates.first() {
            Some(nearest) if !probe.is_mirrored() => {
                let threshold = options.threshold.unwrap_or(self.threshold);
                let threshold = self.score_of(threshold, gallery.searched(roster))?;
                self.mirror.matters(nearest.identity.score, threshold)
            }
            _ => false,
        };
        Ok((Outcome::from_candidates(candidates), is_near))
    }

    fn candidates(
        &self,
        gallery: &Gallery,
        probe: &Embedding,
        k: usize,
        roster: Option<&Roster>,
        threshold: Option<Threshold>,
    ) -> Result<Vec<Candidate>> {
        let neighbors = gallery.nearest(probe, k, roster)?;
        if neighbors.is_empty() {
            return Ok(Vec::new());
        }
        let threshold = threshold.unwrap_or(self.threshold);
        let threshold = self.score_of(threshold, gallery.searched(roster))?;
        let candidate = |neighbor: Neighbor| {
            let score = gallery.metric().to_cosine(neighbor.score);
            Candidate {
                identity: Identity {
                    person: neighbor.person,
                    name: neighbor.name,
                    score,
                    fmr: self.fmr_of(score),
                },
                matches: score >= threshold,
            }
        };
        Ok(neighbors.into_iter().map(candidate).collect())
    }

    pub(super) fn required_gallery(&self) -> Result<&Gallery> {
        self.gallery()
            .ok_or_else(|| Error::argument("gallery", "the recognizer was built without one"))
    }

    /// The lowest score that passes in a search among `templates` templates.
    ///
    /// A comparison of two faces (1:1) is a search among one template.
    ///
    /// # Errors
    ///
    /// [`Error::RateOutOfRange`] if the calibration does not cover the wanted rate.
    pub fn score_threshold(&self, templates: usize) -> Result<f32> {
        self.score_of(self.threshold, templates)
    }

    /// The lowest score that passes a threshold in a search among `templates` templates.
    pub(super) fn score_of(&self, threshold: Threshold, templates: usize) -> Result<f32> {
        let space = self.embedder.space();
        threshold.score(self.calibration.as_ref(), space, templates.max(1))
    }

    /// The false-match rate of a single comparison at `score`; `None` if the embedding space is not calibrated.
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
