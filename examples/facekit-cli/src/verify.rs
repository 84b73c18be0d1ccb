//! `facekit verify`: compares two photos.

use std::path::PathBuf;

use anyhow::Result;
use facekit::Verification;

use crate::{
    Answer,
    files::open_image,
    notes,
    options::RecognizeArgs,
    output::{plain, shown},
    recognition::rate,
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The reference photo, for example of a document; its liveness is not checked
    a: PathBuf,

    /// The photo of the person; its liveness is checked
    b: PathBuf,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let photos = [&args.a, &args.b];
    let open = |path| open_image(path, &session.limits);
    let images = [open(&args.a)?, open(&args.b)?];
    for (photo, image) in photos.iter().zip(&images) {
        for note in notes::of_photo(image) {
            session.output.note(&format!("{}: {note}", shown(photo)));
        }
    }
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
            "{}: similarity {score:.3}, the same person from {threshold:.3} (false-match rate {})",
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
