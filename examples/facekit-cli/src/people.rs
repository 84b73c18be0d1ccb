//! `facekit enroll`, `remove` and `people`: who is in a gallery.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use facekit::{
    EnrollOptions, Error, Image, ImageView, PersonId, Recognizer, Refusal, Resemblance,
    TemplateStore, Watch, image::resize, work::ordered,
};
use serde::Serialize;

use crate::{
    Answer,
    context::{GalleryArgs, NewGalleryArgs, RecognizeArgs, Session},
    files::{
        PersonFolder, Unreadable, expand, open_image, people_in, require_readable, unreadable_text,
    },
    output::{count, is_command, plain, shown, table},
};

#[derive(clap::Args, Debug)]
pub(crate) struct EnrollArgs {
    /// The person's id
    #[arg(required_unless_present = "people", conflicts_with = "people")]
    person: Option<PersonId>,

    /// Photos of the person, or folders of them; those over 2048 pixels a side are shrunk
    #[arg(
        required_unless_present = "people",
        conflicts_with = "people",
        value_name = "PHOTO"
    )]
    photos: Vec<PathBuf>,

    /// Enrol many: a folder with a folder of photos for each person, named as the person's id
    ///
    /// Of a photo whose longer side is over 2048 pixels, a copy of that size is looked at,
    /// so that a hundred photos of one person take about a gigabyte of memory.
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    people: Option<PathBuf>,

    /// The person's name, for people to read
    #[arg(long, conflicts_with = "people", value_parser = name)]
    name: Option<String>,

    /// Average each template over small turns, changes of light, and blur of its photo
    #[arg(long)]
    augment: bool,

    /// Store the faces themselves, too, so that a later model can embed them again
    #[arg(long)]
    keep_crops: bool,

    /// Refuse photos of somebody who is in the gallery under another id, instead of warning
    #[arg(long)]
    refuse_resemblance: bool,

    #[command(flatten)]
    gallery: NewGalleryArgs,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

#[derive(clap::Args, Debug)]
pub(crate) struct RemoveArgs {
    /// Ids of people
    #[arg(required = true, value_name = "PERSON")]
    people: Vec<PersonId>,

    #[command(flatten)]
    gallery: GalleryArgs,
}

#[derive(clap::Args, Debug)]
pub(crate) struct PeopleArgs {
    #[command(flatten)]
    gallery: GalleryArgs,
}

#[derive(Debug, Serialize)]
struct EnrollReport {
    gallery: String,
    created: bool,
    people: Vec<Enrolled>,
    /// Folders whose names cannot be ids.
    skipped: Vec<Unreadable>,
    /// Whether all people were come to.
    complete: bool,
}

/// What became of one person's photos.
#[derive(Debug, Serialize)]
struct Enrolled {
    person: PersonId,
    templates: usize,
    accepted: Vec<String>,
    refused: Vec<Refused>,
    resembles: Vec<Resembles>,
    unreadable: Vec<Unreadable>,
}

#[derive(Debug, Serialize)]
struct Refused {
    file: String,
    #[serde(flatten)]
    refusal: Refusal,
    message: String,
}

#[derive(Debug, Serialize)]
struct Resembles {
    file: String,
    person: PersonId,
    score: f32,
    fmr: Option<f64>,
}

pub(crate) fn enroll(session: &Session, args: &EnrollArgs) -> Result<Answer> {
    let (people, skipped) = match (&args.people, &args.person) {
        (Some(folder), _) => people_in(folder)?,
        (None, Some(person)) => {
            let person = PersonFolder {
                person: person.clone(),
                folder: PathBuf::new(),
                photos: expand(&args.photos)?,
            };
            (vec![person], Vec::new())
        }
        // clap asks for one of the two.
        (None, None) => (Vec::new(), Vec::new()),
    };
    let models = args.recognize.open_models()?;
    let gallery = args.gallery.open_or_create(session)?;
    let created = gallery.is_new();
    let recognizer = args
        .recognize
        .recognizer_over(models, &gallery.store, args.keep_crops)?;

    let mut enrolled = Vec::new();
    let bar = session.output.bar("enrolling");
    let read = |person: &PersonFolder| -> Vec<Result<Image>> {
        person.photos.iter().map(|path| open_small(path)).collect()
    };
    let each = |at: usize, photos: Option<Vec<Result<Image>>>| -> Result<()> {
        let person = &people[at];
        let photos = photos.unwrap_or_else(|| read(person));
        enrolled.push(enroll_one(session, args, &recognizer, person, photos)?);
        bar.set(at as u64 + 1, people.len() as u64);
        Ok(())
    };
    // One after the other, since whom a face resembles depends on who is there already; the next one's photos are read
    // meanwhile, unless they are so many that one person's fill enough memory.
    let ahead = |person: &PersonFolder| (person.photos.len() <= FEW).then(|| read(person));
    let stopped = ordered(&people, NonZeroUsize::MIN, &session.token, ahead, each).err();
    drop(bar);

    let accepted = enrolled.iter().any(|one| one.templates > 0);
    // Whoever was enrolled before an error is in the gallery, and is reported.
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
    let report = EnrollReport {
        gallery: shown(gallery.store.path()),
        created: created && accepted,
        people: enrolled,
        skipped,
        complete: stopped.is_none(),
    };
    session
        .output
        .answer(&report, || enrolled_text(&people, &report))?;
    match stopped {
        Some(error) if is_cancelled(&error) => Err(Error::Cancelled.into()),
        Some(error) => Err(error),
        None => Ok(Answer::from(accepted)),
    }
}

fn is_cancelled(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref());
    causes.any(Error::is_cancelled)
}

/// A person's name from the command line.
fn name(text: &str) -> Result<String, String> {
    const LONGEST: usize = 256;
    if text.trim().is_empty() {
        Err("a name is needed".to_owned())
    } else if text.len() > LONGEST {
        Err(format!("at most {LONGEST} bytes are allowed"))
    } else if text.contains(is_command) {
        Err("control characters are not allowed".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// Up to this many photos of a person are read while the one before is enrolled.
const FEW: usize = 8;

/// Reads a photo, which will be held together with the others of its person, in a size at which many fit the memory.
fn open_small(path: &Path) -> Result<Image> {
    const LONGEST: usize = 2048;
    let image = open_image(path)?;
    let (width, height) = (image.width(), image.height());
    let longest = width.max(height);
    if longest <= LONGEST {
        return Ok(image);
    }
    let side = |pixels: usize| (pixels * LONGEST).div_ceil(longest);
    Ok(resize(image.view(), side(width), side(height))?)
}

fn enroll_one(
    session: &Session,
    args: &EnrollArgs,
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
        .with_augment(args.augment)
        .with_liveness(!args.recognize.liveness.no_liveness)
        .with_refuse_resemblance(args.refuse_resemblance)
        .with_watch(Watch::new().with_cancellation(&session.token));
    options.name.clone_from(&args.name);
    let report = recognizer
        .enroll(&person.person, &views, &options)
        .with_context(|| format!("person {}: not enrolled", person.person))?;

    enrolled.templates = report.templates.len();
    enrolled.accepted = report
        .accepted
        .iter()
        .map(|&at| files[at].clone())
        .collect();
    enrolled.refused = report
        .refused
        .into_iter()
        .map(|refused| Refused {
            file: files[refused.photo].clone(),
            message: refused.refusal.to_string(),
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
    Ok(enrolled)
}

fn enrolled_text(people: &[PersonFolder], report: &EnrollReport) -> String {
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
            let like = one.resembles.iter().find(|like| like.file == *file);
            let warning = like.map_or_else(String::new, |like| {
                format!(", but it looks like {}: {:.2}", like.person, like.score)
            });
            row(file, format!("enrolled{warning}"));
        }
        for refused in &one.refused {
            row(&refused.file, format!("refused: {}", refused.message));
        }
    }
    let (mut photos, mut there) = (0, 0);
    let mut text = String::new();
    for one in enrolled {
        photos += one.templates;
        there += usize::from(one.templates > 0);
        text += &unreadable_text(&one.unreadable);
    }
    for skipped in &report.skipped {
        text += &format!("\nskipped: {}", plain(&skipped.error));
    }
    format!(
        "{}{text}\n{} enrolled from {}{}",
        table(["person", "photo", "result"], rows),
        count(there, "person", "people"),
        count(photos, "photo", "photos"),
        if report.complete {
            ""
        } else {
            ", and then it was stopped"
        },
    )
}

pub(crate) fn remove(session: &Session, args: &RemoveArgs) -> Result<Answer> {
    let store = args.gallery.open(session)?;
    require_known(&*store, &args.people)?;
    let removed = store.remove(&args.people)?;
    let document = serde_json::json!({ "gallery": shown(store.path()), "removed": removed });
    session.output.answer(&document, || {
        format!("{} removed", count(removed, "person", "people"))
    })?;
    Ok(Answer::Yes)
}

/// An error that names the first of `people` who is not in the store.
fn require_known(store: &dyn TemplateStore, people: &[PersonId]) -> Result<()> {
    let known: BTreeSet<PersonId> = store.people()?.into_iter().map(|one| one.id).collect();
    match people.iter().find(|person| !known.contains(*person)) {
        Some(stranger) => Err(Error::UnknownPerson {
            id: stranger.to_string(),
        }
        .into()),
        None => Ok(()),
    }
}

pub(crate) fn list(session: &Session, args: &PeopleArgs) -> Result<Answer> {
    #[derive(Serialize)]
    struct Listed {
        id: PersonId,
        name: Option<String>,
        enrolled: jiff::Timestamp,
        /// Templates by the model that made them.
        templates: BTreeMap<String, usize>,
    }
    #[derive(Serialize)]
    struct Report {
        gallery: String,
        people: Vec<Listed>,
    }
    let store = args.gallery.open_read_only(session)?;
    let mut templates: BTreeMap<PersonId, BTreeMap<String, usize>> = BTreeMap::new();
    store.templates(&mut |template| {
        let space = template.embedding.space().to_string();
        *templates
            .entry(template.person)
            .or_default()
            .entry(space)
            .or_default() += 1;
        session.token.check()
    })?;
    let people: Vec<Listed> = store
        .people()?
        .into_iter()
        .map(|person| Listed {
            templates: templates.remove(&person.id).unwrap_or_default(),
            id: person.id,
            name: person.name,
            enrolled: person.enrolled,
        })
        .collect();
    let report = Report {
        gallery: shown(store.path()),
        people,
    };
    session.output.answer(&report, || {
        let rows = report.people.iter().map(|person| {
            let templates = person.templates.iter();
            let templates: Vec<String> = templates
                .map(|(space, count)| format!("{count} of {space}"))
                .collect();
            [
                person.id.to_string(),
                person.name.clone().unwrap_or_default(),
                person.enrolled.strftime("%Y-%m-%d").to_string(),
                templates.join(", "),
            ]
        });
        format!(
            "{}\n{}",
            table(["person", "name", "enrolled", "templates"], rows),
            count(report.people.len(), "person", "people")
        )
    })?;
    Ok(Answer::Yes)
}
