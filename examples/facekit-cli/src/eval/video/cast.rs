//! The people of the videos: those who are enrolled, and strangers.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, bail};
use facekit::{EnrollOptions, Image, ImageView, Recognizer, Subject, work};
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
    /// People whose photos were refused for enrollment, or have no face.
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

/// The result for a person.
struct Prepared {
    is_enrolled: bool,
    actor: Option<Actor>,
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
        let count = parts.len();
        let bar = session.output.bar("people");
        let is_stranger: Vec<bool> = parts
            .iter()
            .map(|(_, part)| matches!(part, Part::Stranger))
            .collect();
        let prepare = |(person, part)| prepared(session, recognizer, &person, &part);
        let each = |nth: usize, prepared: Result<Prepared>| -> Result<()> {
            let Prepared { is_enrolled, actor } = prepared?;
            cast.enrolled += usize::from(is_enrolled);
            match actor.map(Arc::new) {
                Some(actor) if is_stranger[nth] => cast.strangers.push(actor),
                Some(actor) => cast.known.push(actor),
                None => cast.left_out += usize::from(!is_enrolled),
            }
            bar.set(nth as u64 + 1, count as u64);
            Ok(())
        };
        work::ordered(
            parts,
            args.recognize.models.jobs(),
            &session.token,
            prepare,
            each,
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

fn prepared(
    session: &Session,
    recognizer: &Recognizer,
    person: &PersonFolder,
    part: &Part,
) -> Result<Prepared> {
    let (enrolled, shown) = match part {
        Part::Known(enrolled) => {
            let shown = enrolled + SHOWN.min(person.photos.len() - enrolled);
            (
                &person.photos[..*enrolled],
                &person.photos[*enrolled..shown],
            )
        }
        Part::Enrolled => (&person.photos[..ENROLLED.min(person.photos.len())], &[][..]),
        Part::Stranger => (&[][..], &person.photos[..SHOWN.min(person.photos.len())]),
    };
    let open = |photos: &[PathBuf]| -> Result<Vec<Image>> {
        let photos = photos.iter();
        photos
            .map(|path| open_image(path, &session.limits))
            .collect()
    };
    let photos = open(enrolled)?;
    let views: Vec<ImageView<'_>> = photos.iter().map(Image::view).collect();
    let is_enrolled = if views.is_empty() {
        false
    } else {
        let report = recognizer.enroll(&person.person, &views, &EnrollOptions::default())?;
        !report.accepted.is_empty()
    };
    let mut portraits = Vec::new();
    if is_enrolled || matches!(part, Part::Stranger) {
        for photo in open(shown)? {
            let faces = recognizer.find_faces(photo.view())?.faces;
            let size = (photo.width(), photo.height());
            let face = Subject::Central.choose(faces, size).pop();
            portraits.extend(face.map(|face| Portrait::new(photo, face.rect)));
        }
    }
    let actor = (!portraits.is_empty()).then(|| Actor::new(person.person.to_string(), portraits));
    Ok(Prepared { is_enrolled, actor })
}
