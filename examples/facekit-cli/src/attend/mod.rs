//! `facekit attend`: attendance from the frames of a camera.

mod sheet;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use attendance_rules::Punch;
use facekit::{
    AttendanceSheet, Recognition, RecognizeOptions, Recognizer, Sighting,
    image::{TimeSource, file_time},
    sightings,
    work::ordered,
};
use jiff::{Timestamp, tz::TimeZone};
use sheets::{SIGHTING_COLUMNS, sighting_row};

use self::sheet::{Counts, Person, Sheet};
use crate::{
    Answer,
    files::{
        Unreadable, check_output, images_in, open_image, require_readable, same_file, write_whole,
    },
    options::{GalleryArgs, RecognizeArgs},
    output::shown,
    policy::{Loaded, PolicyArgs},
    records::{Format, deliver},
    session::Session,
    zone::{NamedZone, open_zone},
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder of frames
    ///
    /// The time of a frame is in its file name (2026-03-02T09-15-00.jpg), or else in its
    /// EXIF data, or else it is the time of the file's last modification. The answer
    /// counts how many times came from which source.
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    frames: PathBuf,

    /// The time zone of frames and sheet: Africa/Nairobi, +03:00 [default: the system's]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    zone: Option<String>,

    /// The name of the camera, for the sheet
    #[arg(long, value_name = "NAME")]
    device: Option<String>,

    /// The format of the sheet
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Write the sheet to this file, and print a summary
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Write the sightings to this file, a CSV row for each person in each frame
    ///
    /// The columns are frame, time (in UTC), person, score and liveness.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    sightings: Option<PathBuf>,

    /// Make day records by this policy, TOML or JSON, instead of the sheet
    ///
    /// The times of frames are then in the zone of the policy, unless --zone names another.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    policy: Option<PathBuf>,

    #[command(flatten)]
    days: PolicyArgs,

    #[command(flatten)]
    gallery: GalleryArgs,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let policy = match &args.policy {
        Some(policy) => Some(args.days.load(policy)?),
        None => None,
    };
    let zone = choose_zone(session, args, policy.as_ref())?;
    let files = images_in(&args.frames)?;
    check_outputs(args, &files)?;
    let models = args.recognize.open_models()?;
    let store = args.gallery.open_read_only(session)?;
    let recognizer = args.recognize.searcher(session, models, &store)?;

    let seen = recognize_frames(session, args, &recognizer, &files, &zone.zone)?;
    require_readable(seen.counts.frames, &seen.unreadable)?;
    if let Some(path) = &args.sightings {
        write_sightings(path, &files, &seen.sightings)?;
    }
    let mut attendance = AttendanceSheet::new();
    for (_, sighting) in &seen.sightings {
        attendance.record(sighting);
    }
    let mut sheet = Sheet {
        zone: zone.name,
        device: args.device.clone(),
        people: Vec::new(),
        counts: seen.counts,
        unreadable: seen.unreadable,
    };
    let summary = sheet.summary(attendance.len());
    if let Some(policy) = policy {
        let punch = |(index, sighting): &(usize, Sighting)| {
            let id = format!("{} {}", shown(&files[*index]), sighting.person);
            Punch::from_sighting(id, sighting)
        };
        let punches = seen.sightings.iter().map(punch).collect();
        let records = args.days.evaluate(policy, punches)?;
        records.answer(session, args.format, args.out.as_deref(), Some(&summary))?;
        return Ok(Answer::Yes);
    }
    let local = |at: Timestamp| at.display_with_offset(zone.zone.to_offset(at)).to_string();
    let name = |person| recognizer.gallery()?.person(person)?.name;
    sheet.people = attendance
        .iter()
        .map(|(person, seen)| Person {
            person: person.clone(),
            name: name(person),
            first: local(seen.first),
            last: local(seen.last),
            times: seen.times,
        })
        .collect();
    let text = sheet.written(args.format)?;
    let out = args.out.as_deref().map(|out| ("sheet", out));
    deliver(session, args.format, &sheet, text, out, &summary)?;
    Ok(Answer::Yes)
}

/// The zone of the option, or else that of the policy, or else that of the system.
fn choose_zone(session: &Session, args: &Args, policy: Option<&Loaded>) -> Result<NamedZone> {
    let zone = match (policy, &args.zone) {
        (Some(policy), None) => {
            let zone = policy.zone().clone();
            let name = zone.iana_name().unwrap_or("the policy's").to_owned();
            NamedZone { zone, name }
        }
        (_, named) => open_zone(named.as_deref())?,
    };
    if zone.zone.is_unknown() {
        let note = "the time zone of the system is unknown, so times are in UTC; --zone names one";
        session.output.note(note);
    }
    Ok(zone)
}

/// Refuses to write to a file that is read, to a gallery or a key, or twice to one file.
fn check_outputs(args: &Args, files: &[PathBuf]) -> Result<()> {
    let key = args.gallery.key.file();
    let read = [&key, &args.recognize.matching.calibration, &args.policy];
    let read = read.into_iter().flatten().chain([&args.gallery.gallery]);
    let read: Vec<&Path> = read
        .chain(args.days.files())
        .chain(files)
        .map(PathBuf::as_path)
        .collect();
    for out in [&args.out, &args.sightings].into_iter().flatten() {
        check_output(out, read.iter().copied())?;
    }
    match (&args.out, &args.sightings) {
        (Some(out), Some(sightings)) if out == sightings || same_file(out, sightings) => bail!(
            "{}: --out and --sightings name the same file",
            out.display()
        ),
        _ => Ok(()),
    }
}

/// The result of all frames.
#[derive(Default)]
struct Seen {
    counts: Counts,
    /// The sightings, each with the index of its frame.
    sightings: Vec<(usize, Sighting)>,
    unreadable: Vec<Unreadable>,
}

/// A frame after recognition.
struct Frame {
    at: Timestamp,
    source: TimeSource,
    /// The reduction of the finest search over the whole frame.
    reduction: f32,
    faces: Vec<Recognition>,
}

fn recognize_frames(
    session: &Session,
    args: &Args,
    recognizer: &Recognizer,
    files: &[PathBuf],
    zone: &TimeZone,
) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut coarsest = 1.0_f32;
    let bar = session.output.bar("recognizing frames");
    let work = |file: &PathBuf| recognize_frame(session, recognizer, file, zone);
    let each = |index: usize, frame: Result<Result<Frame>>| -> Result<()> {
        match frame? {
            Ok(frame) => {
                coarsest = coarsest.max(frame.reduction);
                seen.counts.add(frame.source, &frame.faces);
                for mut sighting in sightings(&frame.faces, frame.at) {
                    sighting.device.clone_from(&args.device);
                    seen.sightings.push((index, sighting));
                }
            }
            Err(error) => seen.unreadable.push(Unreadable::new(&files[index], &error)),
        }
        bar.set(index as u64 + 1, files.len() as u64);
        Ok(())
    };
    let jobs = args.recognize.models.jobs();
    ordered(files, jobs, &session.token, work, each)?;
    if coarsest > 1.0 {
        session.output.note(&format!(
            "frames were searched at down to 1/{:.1} of their size, so small faces may be missing (--passes, --max-side)",
            coarsest
        ));
    }
    Ok(seen)
}

/// Recognizes the faces of a frame. The inner error is a file that cannot be read; the outer error ends the command.
fn recognize_frame(
    session: &Session,
    recognizer: &Recognizer,
    file: &Path,
    zone: &TimeZone,
) -> Result<Result<Frame>> {
    let read = || -> Result<_> {
        let image = open_image(file, &session.limits)?;
        Ok((image, file_time(file, zone, &session.limits)?))
    };
    let (image, (at, source)) = match read() {
        Ok(frame) => frame,
        Err(error) => return Ok(Err(error)),
    };
    let found = recognizer
        .find_faces(image.view())
        .with_context(|| shown(file))?;
    let reduction = found.reduction;
    let options = RecognizeOptions::default().with_faces(found.faces);
    let faces = recognizer
        .recognize_with(image.view(), &options)
        .with_context(|| shown(file))?;
    Ok(Ok(Frame {
        at,
        source,
        reduction,
        faces,
    }))
}

fn write_sightings(path: &Path, files: &[PathBuf], sightings: &[(usize, Sighting)]) -> Result<()> {
    let mut sheet = sheets::Sheet::new(SIGHTING_COLUMNS)?;
    for (index, sighting) in sightings {
        let frame = files[*index].file_name().unwrap_or_default();
        sheet.row(sighting_row(&frame.to_string_lossy(), sighting))?;
    }
    write_whole(path, &sheet.finish()?)
}
