//! `facekit enroll`: adds people to a gallery.

use std::{
    fmt::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use facekit::{
    EnrollOptions, Error, Image, ImageView, PersonId, QualityOptions, Recognizer, Refusal,
    Resemblance, Room, Watch, image::resize, work::ordered,
};
use serde::Serialize;

use crate::{
    Answer,
    files::{
        PersonFolder, Unreadable, expand, open_image, people_in, require_readable, unreadable_text,
    },
    notes,
    options::{NewGalleryArgs, RecognizeArgs},
    output::{count, is_control, plain, shown, table},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The person's id
    #[arg(required_unless_present = "people", conflicts_with = "people")]
    person: Option<PersonId>,

    /// Photos of the person, or folders of photos; larger ones are reduced to about 2048 pixels
    #[arg(
        required_unless_present = "people",
        conflicts_with = "people",
        value_name = "PHOTO"
    )]
    photos: Vec<PathBuf>,

    /// Enroll many people: a folder that holds a folder of photos for each person
    ///
    /// The name of a person's folder is the person's id. Photos with a side of more than
    /// 2048 pixels are reduced to about that size, so that a hundred photos of one person take
    /// about a gigabyte of memory.
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    people: Option<PathBuf>,

    /// The person's name, for display
    #[arg(long, conflicts_with = "people", value_parser = name)]
    name: Option<String>,

    /// Average each template over small rotations, changes of light, and blur of its photo
    #[arg(long)]
    augment: bool,

    /// Also store the aligned faces, so that another model can embed them later
    #[arg(long)]
    keep_crops: bool,

    /// Refuse photos of people who are in the gallery under another id, instead of a warning
    #[arg(long)]
    refuse_resemblance: bool,

    /// Accept photos that do not match each other or the person
    ///
    /// By default, a photo is refused if its similarity to the person's other photos
    /// and templates is below the score of a false-match rate of 1e-2. From there to
    /// 1e-4 there is a warning.
    #[arg(long, verbatim_doc_comment)]
    allow_mismatch: bool,

    #[command(flatten)]
    gallery: NewGalleryArgs,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

#[derive(Debug, Serialize)]
struct Report {
    gallery: String,
    created: bool,
    people: Vec<Enrolled>,
    /// Folders that cannot be used.
    skipped: Vec<Unreadable>,
    /// False if an error or the user stopped the enrollment before the last person.
    complete: bool,
}

/// The result for the photos of one person.
#[derive(Debug, Serialize)]
struct Enrolled {
    person: PersonId,
    templates: usize,
    accepted: Vec<String>,
    refused: Vec<Refused>,
    resembles: Vec<Resembles>,
    mismatches: Vec<Mismatched>,
    /// Accepted photos on which the face is not upright.
    turned: Vec<Turned>,
    /// The number of people who can still be added at the wanted rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<Room>,
    unreadable: Vec<Unreadable>,
}

#[derive(Debug, Serialize)]
struct Refused {
    file: String,
    #[serde(flatten)]
    refusal: Refusal,
    /// The file of the photo that does not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    other_file: Option<String>,
    message: String,
}

#[derive(Debug, Serialize)]
struct Turned {
    file: String,
    /// In degrees clockwise.
    roll: f32,
}

#[derive(Debug, Serialize)]
struct Resembles {
    file: String,
    person: PersonId,
    score: f32,
    fmr: Option<f64>,
}

/// An accepted photo that matches the person poorly.
#[derive(Debug, Serialize)]
struct Mismatched {
    file: String,
    /// The photo that it matches best; `None` for the templates that the person had before.
    other_file: Option<String>,
    score: f32,
    fmr: Option<f64>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let (people, skipped) = people(args)?;
    let models = args.recognize.open_models()?;
    let gallery = args.gallery.open_or_create(session)?;
    let created = gallery.is_new();
    let recognizer = args
        .recognize
        .recognizer_over(models, &gallery.store, args.keep_crops)?;

    let (enrolled, stopped) = enroll_all(session, args, &recognizer, &people);
    let accepted = enrolled.iter().any(|one| one.templates > 0);
    // People who were enrolled before an error are in the gallery, so they are reported.
    let stopped = match stopped {
        Some(error) if !accepted => return Err(error),
        stopped => stopped,
    };
    let unreadable: usize = enrolled.iter().map(|one| one.unreadable.len()).sum();
    let photos: usize = people.iter().map(|person| person.photos.len()).sum();
    if unreadable > 0 && unreadable == photos {
        let all = enrolled.into_iter().flat_map(|one| one.unreadable);
        require_readable(0, &all.collect::<Vec<_>>())?;
        return Ok(Answer::No);
    }
    let report = Report {
        gallery: shown(gallery.store.path()),
        created: created && accepted,
        people: enrolled,
        skipped,
        complete: stopped.is_none(),
    };
    session
        .output
        .answer(&report, || report_text(&people, &report))?;
    match stopped {
        Some(error) if is_cancelled(&error) => Err(Error::Cancelled.into()),
        Some(error) => Err(error),
        None => Ok(Answer::from(accepted)),
    }
}

/// The people of the command line with their photos, and the folders that cannot be used.
fn people(args: &Args) -> Result<(Vec<PersonFolder>, Vec<Unreadable>)> {
    match (&args.people, &args.person) {
        (Some(folder), _) => people_in(folder),
        (None, Some(person)) => {
            let person = PersonFolder {
                person: person.clone(),
                folder: PathBuf::new(),
                photos: expand(&args.photos)?,
            };
            Ok((vec![person], Vec::new()))
        }
        // clap requires one of the two.
        (None, None) => Ok((Vec::new(), Vec::new())),
    }
}

/// Enrolls people until an error, and returns the results and the error.
fn enroll_all(
    session: &Session,
    args: &Args,
    recognizer: &Recognizer,
    people: &[PersonFolder],
) -> (Vec<Enrolled>, Option<anyhow::Error>) {
    let mut enrolled = Vec::new();
    let bar = session.output.bar("enrolling");
    let read = |person: &PersonFolder| -> Vec<Result<Image>> {
        person
            .photos
            .iter()
            .map(|path| open_small(session, path))
            .collect()
    };
    let each = |at: usize, photos: Option<Vec<Result<Image>>>| -> Result<()> {
        let person = &people[at];
        let photos = photos.unwrap_or_else(|| read(person));
        enrolled.push(enroll_one(session, args, recognizer, person, photos)?);
        bar.set(at as u64 + 1, people.len() as u64);
        Ok(())
    };
    // People are enrolled one after the other, since a face is compared with those enrolled before. Meanwhile the photos of
    // the next person are read, unless there are too many of them for the memory.
    let ahead = |person: &PersonFolder| (person.photos.len() <= FEW).then(|| read(person));
    let stopped = ordered(people, NonZeroUsize::MIN, &session.token, ahead, each).err();
    (enrolled, stopped)
}

fn is_cancelled(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref());
    causes.any(Error::is_cancelled)
}

/// Parses a person's name.
fn name(text: &str) -> Result<String, String> {
    const LONGEST: usize = 256;
    if text.trim().is_empty() {
        Err("a name is needed".to_owned())
    } else if text.len() > LONGEST {
        Err(format!("at most {LONGEST} bytes are allowed"))
    } else if text.contains(is_control) {
        Err("control characters are not allowed".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// Up to this many photos of a person are read while another person is enrolled.
const FEW: usize = 8;

/// Reads a photo, reduced so that many photos of a person fit into memory. A JPEG keeps its file, so that small faces are aligned
/// at its full size.
fn open_small(session: &Session, path: &Path) -> Result<Image> {
    const LONGEST: usize = 2048;
    let limits = session.limits.clone().with_enough_side(Some(LONGEST));
    let image = open_image(path, &limits)?;
    let (width, height) = (image.width(), image.height());
    let longest = width.max(height);
    // A photo of the wanted size needs no note that it was reduced.
    let notes = if longest < LONGEST {
        notes::of_photo(&image)
    } else {
        notes::of_missing_rows(&image).into_iter().collect()
    };
    for note in notes {
        session.output.note(&format!("{}: {note}", shown(path)));
    }
    if longest <= LONGEST || image.reduction() > 1.0 {
        return Ok(image);
    }
    let side = |pixels: usize| (pixels * LONGEST).div_ceil(longest);
    Ok(resize(image.view(), side(width), side(height))?)
}

fn enroll_one(
    session: &Session,
    args: &Args,
    recognizer: &Recognizer,
    person: &PersonFolder,
    photos: Vec<Result<Image>>,
) -> Result<Enrolled> {
    let mut enrolled = Enrolled {
        person: person.person.clone(),
        templates: 0,
        accepted: Vec::new(),
        refused: Vec::new(),
        resembles: Vec::new(),
        mismatches: Vec::new(),
        turned: Vec::new(),
        room: None,
        unreadable: Vec::new(),
    };
    let (mut files, mut images) = (Vec::new(), Vec::new());
    for (path, photo) in person.photos.iter().zip(photos) {
        match photo {
            Ok(image) => {
                files.push(shown(path));
                images.push(image);
            }
            Err(error) => enrolled.unreadable.push(Unreadable::new(path, &error)),
        }
    }
    if images.is_empty() {
        return Ok(enrolled);
    }
    let views: Vec<ImageView<'_>> = images.iter().map(Image::view).collect();
    let mut options = EnrollOptions::default()
        .with_quality(args.recognize.quality.limits(QualityOptions::enrollment()))
        .with_augment(args.augment)
        .with_liveness(!args.recognize.liveness.no_liveness)
        .with_refuse_resemblance(args.refuse_resemblance)
        .with_allow_mismatch(args.allow_mismatch)
        .with_watch(Watch::new().with_cancellation(&session.token));
    options.name.clone_from(&args.name);
    let report = recognizer
        .enroll(&person.person, &views, &options)
        .with_context(|| format!("person {}: not enrolled", person.person))?;

    enrolled.templates = report.templates.len();
    enrolled.room = report.room;
    enrolled.accepted = report
        .accepted
        .iter()
        .map(|&at| files[at].clone())
        .collect();
    enrolled.turned = report
        .turned
        .iter()
        .map(|turned| Turned {
            file: files[turned.photo].clone(),
            roll: turned.roll,
        })
        .collect();
    enrolled.refused = report
        .refused
        .into_iter()
        .map(|refused| Refused {
            file: files[refused.photo].clone(),
            other_file: match refused.refusal {
                Refusal::Mismatch { other, .. } => other.map(|other| files[other].clone()),
                _ => None,
            },
            message: refused.refusal.described(|photo| files[photo].clone()),
            refusal: refused.refusal,
        })
        .collect();
    enrolled.resembles = report
        .resembles
        .into_iter()
        .map(
            |Resemblance {
                 photo,
                 person,
                 score,
                 fmr,
                 ..
             }| Resembles {
                file: files[photo].clone(),
                person,
                score,
                fmr,
            },
        )
        .collect();
    enrolled.mismatches = report
        .mismatches
        .into_iter()
        .map(|mismatch| Mismatched {
            file: files[mismatch.photo].clone(),
            other_file: mismatch.other.map(|other| files[other].clone()),
            score: mismatch.score,
            fmr: mismatch.fmr,
        })
        .collect();
    Ok(enrolled)
}

fn report_text(people: &[PersonFolder], report: &Report) -> String {
    let enrolled = &report.people;
    let mut rows = Vec::new();
    for (folder, one) in people.iter().zip(enrolled) {
        let mut row = |file: &str, result: String| {
            rows.push([one.person.to_string(), file.to_owned(), result]);
        };
        if folder.photos.is_empty() {
            row(
                &shown(&folder.folder),
                "no images in this folder".to_owned(),
            );
        }
        for file in &one.accepted {
            let mut result = "enrolled".to_owned();
            if let Some(poor) = one.mismatches.iter().find(|poor| poor.file == *file) {
                let other = poor.other_file.as_deref();
                let other = other.unwrap_or("the templates of this person");
                result += &format!(
                    "; warning: matches {other} poorly, similarity {:.2}",
                    poor.score
                );
            }
            if let Some(like) = one.resembles.iter().find(|like| like.file == *file) {
                result += &format!(
                    "; warning: looks like {}, similarity {:.2}",
                    like.person, like.score
                );
            }
            let turned = one.turned.iter().find(|turned| turned.file == *file);
            if let Some(turned) = turned {
                let _ = write!(
                    result,
                    "; the face in the photo is turned by {:.0}°",
                    turned.roll
                );
            }
            row(file, result);
        }
        for refused in &one.refused {
            row(&refused.file, format!("refused: {}", refused.message));
        }
    }
    let (mut photos, mut with_templates) = (0, 0);
    let mut text = String::new();
    for one in enrolled {
        photos += one.templates;
        with_templates += usize::from(one.templates > 0);
        text += &unreadable_text(&one.unreadable);
    }
    for skipped in &report.skipped {
        text += &format!("\nskipped: {}", plain(&skipped.error));
    }
    let room = enrolled.iter().rev().find_map(|one| one.room);
    format!(
        "{}{text}\n{} enrolled from {}{}{}",
        table(["person", "photo", "result"], rows),
        count(with_templates, "person", "people"),
        count(photos, "photo", "photos"),
        if report.complete {
            ""
        } else {
            ", then stopped"
        },
        room.map_or_else(String::new, room_text),
    )
}

/// The line on the people who can still be added at the wanted rate.
fn room_text(room: Room) -> String {
    let more = count(room.extrapolated, "more person", "more people");
    let extrapolated = if room.extrapolated == 0 {
        ": a search among all does not meet the wanted rate; `facekit gallery calibrate` measures a calibration"
    } else if room.counted < room.extrapolated {
        &format!(
            ", the rate being extrapolated from {} on",
            count(room.counted, "person", "people")
        )
    } else {
        ""
    };
    format!("\nroom for {more} at this rate{extrapolated}")
}
