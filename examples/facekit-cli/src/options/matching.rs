//! The threshold of a match, and the calibration that turns a rate into a score.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use facekit::{Calibration, Comparison, Error, Models, Threshold};

use super::number::{cosine, rate};

/// The threshold from which two faces match.
#[derive(Args, Debug)]
#[command(next_help_heading = "Matching")]
pub(crate) struct MatchArgs {
    /// The share of comparisons of different people that may match (FMR)
    ///
    /// By default, comparisons of two photos match from a rate of 1e-4 on. Searches match if
    /// both 1e-4 for each comparison and 1 % of all searches by strangers hold.
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with_all = ["fpir", "score"],
        verbatim_doc_comment)]
    fmr: Option<f64>,

    /// The share of searches by strangers that may find a match (FPIR)
    ///
    /// Comparisons of two photos then match from a false-match rate of 1e-4 on.
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "score",
        verbatim_doc_comment)]
    fpir: Option<f64>,

    /// The lowest similarity of a match, -1 to 1, instead of a rate
    #[arg(long, value_name = "SCORE", value_parser = cosine, allow_negative_numbers = true)]
    score: Option<f32>,

    /// The calibration of the scores, a file that `facekit eval lfw` has measured
    ///
    /// By default, the file <gallery>.<model>.calibration.toml beside the gallery is used
    /// (for people.gallery: people.mobilefacenet.calibration.toml), or else the calibration
    /// that comes with the model.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) calibration: Option<PathBuf>,
}

/// The place of a calibration, for error messages.
#[derive(Clone, Copy)]
enum Origin<'a> {
    Option(&'a Path),
    BesideGallery(&'a Path),
    Model,
}

impl MatchArgs {
    pub(crate) fn threshold(&self) -> Threshold {
        match (self.score, self.fpir, self.fmr) {
            (Some(score), _, _) => Threshold::Score(score),
            (_, Some(fpir), _) => Threshold::Fpir(fpir),
            (_, _, Some(fmr)) => Threshold::Fmr(fmr),
            _ => Threshold::default(),
        }
    }

    /// The calibration of the embedder's scores: that of the option, else the one beside the gallery, else the model's own.
    /// An error if it does not cover the wanted rate.
    pub(crate) fn calibration(
        &self,
        gallery: Option<&Path>,
        models: &Models,
    ) -> Result<Option<Calibration>> {
        let space = models.embedder.space();
        let beside = gallery.map(|gallery| Calibration::path_beside(gallery, space.model()));
        let (calibration, origin) = match (&self.calibration, gallery, &beside) {
            (Some(path), ..) => {
                let calibration = Calibration::open(path)?;
                calibration
                    .check_space(space)
                    .with_context(|| unusable(path))?;
                (Some(calibration), Origin::Option(path))
            }
            (None, Some(gallery), Some(path)) => {
                let found = Calibration::open_beside(gallery, space);
                let found = found.map_err(|error| match error {
                    Error::SpaceMismatch { .. } => {
                        anyhow::Error::new(error).context(unusable(path))
                    }
                    error => error.into(),
                })?;
                match found {
                    Some(calibration) => (Some(calibration), Origin::BesideGallery(path)),
                    None => (models.calibration.clone(), Origin::Model),
                }
            }
            _ => (models.calibration.clone(), Origin::Model),
        };
        let plain = Comparison::default();
        let limit = self
            .threshold()
            .limit(calibration.as_ref(), &plain, space, 1);
        match limit {
            Err(error @ Error::RateOutOfRange { low, high, .. }) => {
                Err(error).context(self.remedy(origin, low, high))
            }
            Err(error) => Err(error.into()),
            Ok(_) => Ok(calibration),
        }
    }

    /// The options that help if a calibration does not cover the wanted rate.
    fn remedy(&self, origin: Origin<'_>, low: f64, high: f64) -> String {
        let option = if self.fpir.is_some() {
            "--fpir"
        } else {
            "--fmr"
        };
        let range = format!("give {option} from {low:.2e} to {high:.2e}");
        match origin {
            Origin::Option(path) => format!(
                "calibration {}: does not cover this rate; {range}, or another --calibration",
                path.display()
            ),
            Origin::BesideGallery(path) => format!(
                "calibration {}, which is beside the gallery: does not cover this rate; \
                 {range}, name another file with --calibration, or remove this one",
                path.display()
            ),
            Origin::Model => format!(
                "the model's own calibration does not cover this rate; {range}, or a --calibration"
            ),
        }
    }
}

fn unusable(path: &Path) -> String {
    format!("calibration {} cannot be used", path.display())
}
