//! `facekit verify`: whether two photos show the same person.

use std::path::PathBuf;

use anyhow::Result;
use facekit::Verification;

use crate::{
    Answer,
    context::{RecognizeArgs, Session},
    files::open_image,
    output::{plain, shown},
    recognition::rate,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The document or enrolment photo, which may be a print
    a: PathBuf,

    /// The photo of the person, which the liveness check looks at
    b: PathBuf,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let photos = [&args.a, &args.b];
    let images = [open_image(&args.a)?, open_image(&args.b)?];
    let models = args.recognize.open_models()?;
    let recognizer = args.recognize.recognizer(models, None)?.build()?;
    session.token.check()?;
    let verification = recognizer.verify(images[0].view(), images[1].view())?;
    session.output.answer(&verification, || match &verification {
        Verification::Compared {
            same,
            score,
            threshold,
            fmr,
        } => format!(
            "{}: similarity {score:.3}, {threshold:.3} or more is the same person (false-match rate {})",
            if *same { "same" } else { "different" },
            rate(*fmr, recognizer.calibration()),
        ),
        Verification::Unusable { photo, refusal } => {
            format!("unusable: {}: {refusal}", plain(&shown(photos[*photo])))
        }
        _ => String::new(),
    })?;
    Ok(Answer::from(matches!(
        verification,
        Verification::Compared { same: true, .. }
    )))
}
