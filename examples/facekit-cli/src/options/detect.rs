//! Options of detection.

use std::num::NonZeroUsize;

use clap::Args;
use facekit::DetectOptions;

use super::number::share;

/// Options of the detector.
#[derive(Args, Debug)]
#[command(next_help_heading = "Detection")]
pub(crate) struct DetectArgs {
    /// Search a copy of at most N pixels a side for faces; `none` searches the full image
    #[arg(long, value_name = "N|none", default_value = "640", value_parser = max_side)]
    max_side: MaxSide,

    /// Equalize the contrast before detection, for back light and dark rooms
    #[arg(long)]
    equalize: bool,

    /// The lowest detection score of a face, 0 to 1 [default: the detector's own]
    #[arg(long, value_name = "SCORE", value_parser = share, allow_negative_numbers = true)]
    detector_score: Option<f32>,
}

/// The longest side in pixels; `None` if it is not limited.
#[derive(Clone, Copy, Debug)]
struct MaxSide(Option<NonZeroUsize>);

fn max_side(text: &str) -> Result<MaxSide, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(MaxSide(None));
    }
    text.parse()
        .map(|side| MaxSide(Some(side)))
        .map_err(|_| "a number of pixels above 0, or none, is needed".to_owned())
}

impl DetectArgs {
    pub(crate) fn options(&self) -> DetectOptions {
        let mut options = DetectOptions::default()
            .with_max_side(self.max_side.0.map(NonZeroUsize::get))
            .with_equalize(self.equalize);
        options.score = self.detector_score;
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_out_of_range_are_refused() {
        assert!(max_side("0").is_err() && max_side("-1").is_err() && max_side("x").is_err());
        assert!(max_side("none").is_ok() && max_side("320").is_ok());
    }
}
