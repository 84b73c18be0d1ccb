//! Options of detection.

use std::num::NonZeroUsize;

use clap::Args;
use facekit::{DetectOptions, Passes};

use super::number::share;

/// Options of the detector.
#[derive(Args, Debug)]
#[command(next_help_heading = "Detection")]
pub(crate) struct DetectArgs {
    /// First search a copy of at most N pixels a side for faces; `none` searches the full image
    #[arg(long, value_name = "N|none", default_value = "640", value_parser = max_side)]
    max_side: MaxSide,

    /// Further searches for small and large faces: as needed, none, or up to N megapixels
    ///
    /// With `auto`, an image without a face, or with one of less than 20 pixels in the first
    /// search, is searched again at its full size, up to 16.8 megapixels. Faces that fill the
    /// image are searched for in a smaller copy. With `one`, each image takes the same time:
    /// for video.
    #[arg(long, value_name = "auto|one|N", default_value = "auto", value_parser = passes,
        verbatim_doc_comment)]
    passes: Passes,

    /// Equalize the contrast for detection and checks of light: for back light and dark rooms
    #[arg(long)]
    equalize: bool,

    /// Do not search for faces that lie on their side or upside down
    ///
    /// The search takes time for uncertain faces only. Use this for cameras that are known to be
    /// upright.
    #[arg(long, verbatim_doc_comment)]
    pub(crate) upright: bool,

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

fn passes(text: &str) -> Result<Passes, String> {
    match text {
        "auto" => Ok(Passes::default()),
        "one" => Ok(Passes::One),
        _ => match text.parse::<f64>() {
            Ok(megapixels) if (0.0..=1e6).contains(&megapixels) => Ok(Passes::Auto {
                max_pixels: (megapixels * 1e6) as usize,
            }),
            _ => Err("auto, one, or a number of megapixels is needed".to_owned()),
        },
    }
}

impl DetectArgs {
    pub(crate) fn options(&self) -> DetectOptions {
        let mut options = DetectOptions::default()
            .with_max_side(self.max_side.0.map(NonZeroUsize::get))
            .with_passes(self.passes)
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

    #[test]
    fn passes_are_words_or_megapixels() {
        assert_eq!(passes("one"), Ok(Passes::One));
        assert_eq!(passes("auto"), Ok(Passes::default()));
        let max_pixels = 2_500_000;
        assert_eq!(passes("2.5"), Ok(Passes::Auto { max_pixels }));
        for wrong in ["two", "-1", "NaN", "inf", ""] {
            assert!(passes(wrong).is_err(), "{wrong}");
        }
    }
}
