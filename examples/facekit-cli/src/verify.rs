//! `facekit verify`: compares two photos.

use std::path::PathBuf;

use anyhow::Result;
use facekit::{ComparedPhoto, Refusal, Verification, VerifyOptions};

use crate::{
    Answer,
    files::open_image,
    notes,
    options::RecognizeArgs,
    output::{plain, shown},
    recognition::{place, rate},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The reference photo, for example of a document; its liveness is not checked
    a: PathBuf,

    /// The photo of the person; its liveness is checked
    b: PathBuf,

    /// Compare each face of A with each face of B, and take the pair of the greatest similarity
    ///
    /// By default, the largest faces are compared. With more pairs a false match is more
    /// likely: --fmr holds for each pair, and --fpir for all pairs together.
    #[arg(long, verbatim_doc_comment)]
    best_pair: bool,

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
    let options = VerifyOptions::default().with_best_pair(args.best_pair);
    let verification = recognizer.verify_with(images[0].view(), images[1].view(), &options)?;
    session.output.answer(&verification, || match &verification {
        Verification::Compared {
            same,
            score,
            threshold,
            fmr,
            extrapolated,
            reference,
            probe,
            ..
        } => {
            let mut text = format!(
                "{}: similarity {score:.3}, the same person from {threshold:.3} (false-match rate {})",
                if *same { "same" } else { "different" },
                rate(*fmr, *extrapolated, recognizer.calibration()),
            );
            let mut has_others = false;
            for (path, photo) in photos.iter().zip([reference, probe]) {
                if !photo.others.is_empty() {
                    has_others = true;
                    text += &format!("\n{}: {}", plain(&shown(path)), faces_text(photo));
                }
            }
            if has_others && !args.best_pair {
                text += "\n--best-pair compares all faces";
            }
            text
        }
        Verification::Unusable { photo, refusal } => {
            let hint = match refusal {
                Refusal::SeveralFaces { .. } => "; --best-pair compares all faces",
                _ => "",
            };
            format!("unusable: {}: {refusal}{hint}", plain(&shown(photos[*photo])))
        }
        _ => String::new(),
    })?;
    Ok(Answer::from(matches!(
        verification,
        Verification::Compared { same: true, .. }
    )))
}

/// The face of a photo that was compared, and the others.
fn faces_text(photo: &ComparedPhoto) -> String {
    let others: Vec<String> = photo.others.iter().map(place).collect();
    format!(
        "compared the face of {}; not the face{} of {}",
        place(&photo.face),
        if others.len() == 1 { "" } else { "s" },
        others.join(", ")
    )
}
