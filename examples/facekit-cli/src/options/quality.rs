//! The limits of the quality gate.

use clap::Args;
use facekit::QualityOptions;

use super::number::{contrast, degrees, from_zero, share};

/// The limits that a face must meet to be compared or enrolled.
#[derive(Args, Debug)]
#[command(next_help_heading = "Quality")]
pub(crate) struct QualityArgs {
    /// The least distance between the eyes, in pixels [default: 12, to enroll 24]
    #[arg(long, value_name = "PIXELS", value_parser = from_zero, allow_negative_numbers = true)]
    min_eye_distance: Option<f32>,

    /// The least sharpness, from 0 on [default: 0.02, to enroll 0.04]
    #[arg(long, value_name = "SHARPNESS", value_parser = from_zero, allow_negative_numbers = true)]
    min_sharpness: Option<f32>,

    /// The least mean luma of a face, 0 to 1 [default: 0.08, to enroll 0.15]
    #[arg(long, value_name = "LUMA", value_parser = share, allow_negative_numbers = true)]
    min_brightness: Option<f32>,

    /// The greatest mean luma of a face, 0 to 1 [default: 0.95, to enroll 0.9]
    #[arg(long, value_name = "LUMA", value_parser = share, allow_negative_numbers = true)]
    max_brightness: Option<f32>,

    /// The least standard deviation of the luma, 0 to 0.5 [default: 0.03, to enroll 0.06]
    #[arg(long, value_name = "CONTRAST", value_parser = contrast, allow_negative_numbers = true)]
    min_contrast: Option<f32>,

    /// The greatest rotation to either side, in degrees [default: 60, to enroll 40]
    #[arg(long, value_name = "DEGREES", value_parser = degrees, allow_negative_numbers = true)]
    max_yaw: Option<f32>,

    /// The greatest rotation up or down, in degrees [default: 50, to enroll 35]
    #[arg(long, value_name = "DEGREES", value_parser = degrees, allow_negative_numbers = true)]
    max_pitch: Option<f32>,

    /// The least share of the face box inside the image, 0 to 1 [default: 0.7, to enroll 0.9]
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    min_visible: Option<f32>,

    /// The least recognizability of the embedding, 0 to 1 [default: 0.5, to enroll 0.75]
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    min_recognizability: Option<f32>,
}

impl QualityArgs {
    /// The limits `base`, with the values of the options that are given.
    pub(crate) fn limits(&self, base: QualityOptions) -> QualityOptions {
        let mut limits = base;
        let changes = [
            (self.min_eye_distance, &mut limits.min_eye_distance),
            (self.min_sharpness, &mut limits.min_sharpness),
            (self.min_brightness, &mut limits.min_brightness),
            (self.max_brightness, &mut limits.max_brightness),
            (self.min_contrast, &mut limits.min_contrast),
            (self.max_yaw, &mut limits.max_yaw),
            (self.max_pitch, &mut limits.max_pitch),
            (self.min_visible, &mut limits.min_visible),
            (self.min_recognizability, &mut limits.min_recognizability),
        ];
        for (given, limit) in changes {
            if let Some(value) = given {
                *limit = value;
            }
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        quality: QualityArgs,
    }

    /// Each option has the name of its limit, and the help text has the defaults of both gates.
    #[test]
    fn every_limit_has_an_option_and_its_defaults_are_documented() {
        let json = |limits: &QualityOptions| serde_json::to_value(limits).unwrap();
        let (compared, enrolled) = (QualityOptions::recognition(), QualityOptions::enrollment());
        let help = <Program as clap::CommandFactory>::command()
            .render_long_help()
            .to_string();
        for (name, default) in json(&compared).as_object().unwrap() {
            let option = format!("--{}", name.replace('_', "-"));
            let program = Program::parse_from(["facekit", &option, "0.25"]);
            let limits = json(&program.quality.limits(compared.clone()));
            let mut expected = json(&compared);
            expected[name] = 0.25.into();
            assert_eq!(limits, expected);
            let short = |value: &serde_json::Value| value.as_f64().unwrap() as f32;
            let documented = format!(
                "[default: {}, to enroll {}]",
                short(default),
                short(&json(&enrolled)[name])
            );
            let text = help.split(&*option).nth(1).unwrap();
            let text = text.split("--").next().unwrap();
            assert!(text.contains(&documented), "{option}: {documented}\n{text}");
        }
    }
}
