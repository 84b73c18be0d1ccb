//! The people of the videos: those who are enrolled, and strangers.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, bail};
use facekit::{
    EnrollOptions, Image, ImageView, Recognition, RecognizeOptions, Recognizer, Subject, work,
};
use scenes::{Actor, Portrait, Random};

use super::Args;
use crate::{
    files::{PersonFolder, open_image, people_in},
    session::Session,
};

/// The most photos of a person that are enrolled, and the most that the videos show.
const ENROLLED: usize = 3;
const SHOWN: usize = 3;
/// The most people of each kind who play in videos. More only take time.
const MOST_ACTORS: usize = 200;

/// The people of the videos.
pub(super) struct Cast {
    /// People in the gallery, with photos that are not enrolled.
    pub(super) known: Vec<Arc<Actor>>,
    pub(super) strangers: Vec<Arc<Actor>>,
    /// The number of people in the gallery.
    pub(super) enrolled: usize,
    /// People whose photos were refused for enrollment or are not recognized, or have no face. They say nothing about tracks.
    pub(super) left_out: usize,
    /// People have few photos, which were taken at different times: a video shows one of them.
    pub(super) one_portrait: bool,
}

/// The part of a person in the videos.
enum Part {
    /// The first so many photos are enrolled, and the others shown.
    Known(usize),
    /// All photos are enrolled.
    Enrolled,
    Stranger,
}

impl Cast {
    /// Enrolls the people of the folder, and finds the faces that the videos show.
    pub(super) fn prepare(session: &Session, args: &Args, recognizer: &Recognizer) -> Result<Self> {
        let (mut people, _) = people_in(&args.people)?;
        Random::new(args.seed).shuffle(&mut people);
        let has_singles = people.iter().any(|person| person.photos.len() == 1);
        let mut parts = Vec::new();
        let (mut enrolled, mut known, mut strangers) = (0, 0, 0);
        // People with several photos come first, since only they can be known.
        people.sort_by_key(|person| person.photos.len() < 2);
        for (nth, person) in people.into_iter().enumerate() {
            let photos = person.photos.len();
            let part = match photos {
                0 => continue,
                1 if enrolled < args.gallery => Part::Enrolled,
                1 => Part::Stranger,
                // Without people of one photo, every third person is a stranger.
                _ if !has_singles && nth % 3 == 2 => Part::Stranger,
                _ if enrolled >= args.gallery => Part::Stranger,
                _ if known >= MOST_ACTORS => Part::Enrolled,
                _ => Part::Known(ENROLLED.min(photos - 1)),
            };
            match part {
                Part::Known(_) => (known, enrolled) = (known + 1, enrolled + 1),
                Part::Enrolled => enrolled += 1,
                Part::Stranger if strangers >= MOST_ACTORS => continue,
                Part::Stranger => strangers += 1,
            }
            parts.push((person, part));
        }
        let mut cast = Self {
            known: Vec::new(),
            strangers: Vec::new(),
            enrolled: 0,
            left_out: 0,
            one_portrait: has_singles,
        };
        let enroll =
            |(person, part): &(PersonFolder, Part)| enroll(session, recognizer, person, part);
        each(
            session,
            args,
            "enrollment",
            &parts,
            enroll,
            |_, is_enrolled| {
                cast.enrolled += usize::from(is_enrolled);
            },
        )?;
        // After all enrollments, since the threshold depends on the size of the gallery.
        let shown: Vec<_> = parts
            .into_iter()
            .filter(|(_, part)| !matches!(part, Part::Enrolled))
            .collect();
        let actor =
            |(person, part): &(PersonFolder, Part)| actor(session, recognizer, person, part);
        each(
            session,
            args,
            "people",
            &shown,
            actor,
            |(_, part), actor| match actor.map(Arc::new) {
                Some(actor) if matches!(part, Part::Stranger) => cast.strangers.push(actor),
                Some(actor) => cast.known.push(actor),
                None => cast.left_out += 1,
            },
        )?;
        if cast.known.is_empty() {
            bail!(
                "{}: nobody can be enrolled and shown; a person needs two photos or more",
                args.people.display()
            );
        }
        Ok(cast)
    }
}

/// Does the work for each person, and takes the results in order.
fn each<T: Send>(
    session: &Session,
    args: &Args,
    name: &'static str,
    parts: &[(PersonFolder, Part)],
    work: impl Fn(&(PersonFolder, Part)) -> Result<T> + Sync,
    mut take: impl FnMut(&(PersonFolder, Part), T),
) -> Result<()> {
    let bar = session.output.bar(name);
    let jobs = args.recognize.models.jobs();
    work::ordered(
        parts,
        jobs,
        &session.token,
        work,
        |nth, result: Result<T>| {
            bar.set(nth as u64 + 1, parts.len() as u64);
            take(&parts[nth], result?);
            Ok(())
        },
    )
}

fn open(session: &Session, photos: &[PathBuf]) -> Result<Vec<Image>> {
    let photos = photos.iter();
    photos
        .map(|path| open_image(path, &session.limits))
        .collect()
}

/// Enrolls a person. True if a photo was accepted.
fn enroll(
    session: &Session,
    recognizer: &Recognizer,
    person: &PersonFolder,
    part: &Part,
) -> Result<bool> {
    let count = match part {
        Part::Known(count) => *count,
        Part::Enrolled => ENROLLED.min(person.photos.len()),
        Part::Stranger => return Ok(false),
    };
    let photos = open(session, &person.photos[..count])?;
    let views: Vec<ImageView<'_>> = photos.iter().map(Image::view).collect();
    let report = recognizer.enroll(&person.person, &views, &EnrollOptions::default())?;
    Ok(!report.accepted.is_empty())
}

/// The photos of a person that the videos show. `None` if none of them can be used.
fn actor(
    session: &Session,
    recognizer: &Recognizer,
    person: &PersonFolder,
    part: &Part,
) -> Result<Option<Actor>> {
    let enrolled = match part {
        Part::Known(enrolled) => *enrolled,
        _ => 0,
    };
    let is_right = |face: &Recognition| match part {
        Part::Stranger => true,
        _ => {
            let known = face.outcome.known();
            known.is_some_and(|known| known.person == person.person)
        }
    };
    let options = RecognizeOptions::default().with_subject(Subject::Central);
    let mut portraits = Vec::new();
    let shown = person.photos.len().min(enrolled + SHOWN);
    for photo in open(session, &person.photos[enrolled..shown])? {
        let faces = recognizer.recognize_with(photo.view(), &options)?;
        let face = faces.into_iter().find(is_right);
        portraits.extend(face.map(|face| Portrait::new(photo, face.detection.rect)));
    }
    Ok((!portraits.is_empty()).then(|| Actor::new(person.person.to_string(), portraits)))
}
