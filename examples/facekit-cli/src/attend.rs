//! `facekit attend`: who was there, from the frames of a camera.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use attendance_rules::Punch;
use facekit::{
    AttendanceSheet, Error, Outcome, PersonId, Recognition, Recognizer,
    image::{DecodeLimits, capture_time},
    sightings,
    work::ordered,
};
use jiff::{
    Timestamp,
    tz::{Offset, TimeZone},
};
use serde::Serialize;

use crate::{
    Answer,
    context::{GalleryArgs, RecognizeArgs, Session},
    files::{
        Unreadable, check_output, images_in, open_image, require_readable, unreadable_text,
        write_whole,
    },
    output::{count, plain, shown, table},
    records::{Format, PolicyArgs},
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder of frames
    ///
    /// Times come from the files' names (2026-03-02T09-15-00.jpg), else from EXIF, else
    /// from when the files were last modified; the answer says how many from where.
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    frames: PathBuf,

    /// The time zone of frames and sheet: Africa/Nairobi, +03:00 [default: the system's]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    zone: Option<String>,

    /// The camera's name, for the sheet
    #[arg(long, value_name = "NAME")]
    device: Option<String>,

    /// What the sheet is written as
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Write the sheet to this file, and print what was counted
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Make day records by this policy, TOML or JSON, in place of the sheet
    ///
    /// Times of frames are then in the policy's zone, unless --zone says another.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    policy: Option<PathBuf>,

    #[command(flatten)]
    days: PolicyArgs,

    #[command(flatten)]
    gallery: GalleryArgs,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

/// Where a frame's time came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum TimeSource {
    FileName,
    Exif,
    ModificationTime,
}

#[derive(Debug, Serialize)]
struct Sheet {
    zone: String,
    device: Option<String>,
    people: Vec<Row>,
    /// Frames that were looked at.
    frames: usize,
    times_from: BTreeMap<TimeSource, usize>,
    /// Faces that were found, and of them those that are nobody's, not good enough, and not live.
    faces: usize,
    unknown: usize,
    poor_quality: usize,
    not_live: usize,
    unreadable: Vec<Unreadable>,
}

/// When a person was seen: with the offset of the zone.
#[derive(Debug, Serialize)]
struct Row {
    person: PersonId,
    name: Option<String>,
    first: String,
    last: String,
    times: u64,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let policy = match &args.policy {
        Some(policy) => Some(args.days.load(policy)?),
        None => None,
    };
    let (zone, zone_name) = match (&policy, &args.zone) {
        (Some(policy), None) => {
            let zone = policy.zone().clone();
            let name = zone.iana_name().unwrap_or("the policy's").to_owned();
            (zone, name)
        }
        (_, named) => zone(named.as_deref())?,
    };
    if zone.is_unknown() {
        let note = "the system does not say its time zone, so times are in UTC; --zone names one";
        session.output.note(note);
    }
    let files = images_in(&args.frames)?;
    if let Some(out) = &args.out {
        let gallery = &args.gallery;
        let key = gallery.key.file();
        let others = [&key, &args.recognize.matching.calibration];
        let others = others.into_iter().flatten().chain([&gallery.gallery]);
        let others = others.chain(&args.policy).chain(args.days.files());
        check_output(out, files.iter().chain(others).map(PathBuf::as_path))?;
    }
    let models = args.recognize.open_models()?;
    let store = args.gallery.open_read_only(session)?;
    let recognizer = args.recognize.searcher(session, models, &store)?;

    let mut sheet = Sheet {
        zone: zone_name,
        device: args.device.clone(),
        people: Vec::new(),
        frames: 0,
        times_from: BTreeMap::new(),
        faces: 0,
        unknown: 0,
        poor_quality: 0,
        not_live: 0,
        unreadable: Vec::new(),
    };
    let (mut attendance, mut punches) = (AttendanceSheet::new(), Vec::new());
    let bar = session.output.bar("looking at frames");
    let work = |file: &PathBuf| look(&recognizer, file, &zone);
    let each = |at: usize, frame: Result<Result<Frame>>| -> Result<()> {
        match frame? {
            Ok(frame) => {
                tally(&mut sheet, &frame);
                for mut sighting in sightings(&frame.faces, frame.at) {
                    sighting.device.clone_from(&args.device);
                    attendance.record(&sighting);
                    let id = format!("{} {}", shown(&files[at]), sighting.person);
                    punches.push(Punch::from_sighting(id, &sighting));
                }
            }
            Err(error) => sheet.unreadable.push(Unreadable::new(&files[at], &error)),
        }
        bar.set(at as u64 + 1, files.len() as u64);
        Ok(())
    };
    let jobs = args.recognize.models.jobs();
    ordered(&files, jobs, &session.token, work, each)?;
    drop(bar);
    require_readable(sheet.frames, &sheet.unreadable)?;

    if let Some(policy) = policy {
        let records = args.days.evaluate(policy, punches)?;
        let more = summary(&sheet, attendance.len());
        records.answer(session, args.format, args.out.as_deref(), Some(&more))?;
        return Ok(Answer::Yes);
    }
    let local = |at: Timestamp| at.display_with_offset(zone.to_offset(at)).to_string();
    sheet.people = attendance
        .iter()
        .map(|(person, seen)| Row {
            person: person.clone(),
            name: recognizer
                .gallery()
                .and_then(|gallery| gallery.person(person))
                .and_then(|person| person.name),
            first: local(seen.first),
            last: local(seen.last),
            times: seen.times,
        })
        .collect();

    let summary = summary(&sheet, sheet.people.len());
    if let Some(out) = &args.out {
        let mut text = written(&sheet, args.format)?;
        text.push('\n');
        write_whole(out, text.trim_start_matches('\n'))?;
        session.output.answer(&sheet, || {
            format!("sheet written: {}\n{summary}", plain(&shown(out)))
        })?;
    } else {
        let text = written(&sheet, args.format)?;
        session.output.answer(&sheet, || match args.format {
            Format::Table => format!("{text}\n{summary}"),
            Format::Csv | Format::Json => text,
        })?;
        if args.format == Format::Csv {
            // Not part of the sheet, and yet somebody should know.
            summary.lines().for_each(|line| session.output.note(line));
        }
    }
    Ok(Answer::Yes)
}

struct Frame {
    at: Timestamp,
    source: TimeSource,
    faces: Vec<Recognition>,
}

/// A frame that cannot be read is the inner error; the outer one ends everything.
fn look(recognizer: &Recognizer, file: &Path, zone: &TimeZone) -> Result<Result<Frame>> {
    let (image, (at, source)) =
        match open_image(file).and_then(|image| Ok((image, time(file, zone)?))) {
            Ok(frame) => frame,
            Err(error) => return Ok(Err(error)),
        };
    let faces = recognizer
        .recognize(image.view())
        .with_context(|| shown(file))?;
    Ok(Ok(Frame { at, source, faces }))
}

/// When a frame was taken, and how that is known.
fn time(file: &Path, zone: &TimeZone) -> Result<(Timestamp, TimeSource)> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if let Some(at) = capture_time(&name, b"", zone) {
        return Ok((at, TimeSource::FileName));
    }
    let found = fs::metadata(file).map_err(Error::io("reading", file))?;
    if found.len() <= DecodeLimits::default().max_file_bytes as u64 {
        let bytes = fs::read(file).map_err(Error::io("reading", file))?;
        if let Some(at) = capture_time("", &bytes, zone) {
            return Ok((at, TimeSource::Exif));
        }
    }
    let modified = found.modified().map_err(Error::io("reading", file))?;
    let at = Timestamp::try_from(modified)
        .with_context(|| format!("{}: its modification time is out of range", file.display()))?;
    Ok((at, TimeSource::ModificationTime))
}

/// Counts a frame's faces.
fn tally(sheet: &mut Sheet, frame: &Frame) {
    sheet.frames += 1;
    *sheet.times_from.entry(frame.source).or_default() += 1;
    sheet.faces += frame.faces.len();
    for face in &frame.faces {
        match &face.outcome {
            Outcome::Known(_) => {}
            Outcome::PoorQuality { .. } => sheet.poor_quality += 1,
            Outcome::Spoof => sheet.not_live += 1,
            _ => sheet.unknown += 1,
        }
    }
}

fn zone(name: Option<&str>) -> Result<(TimeZone, String)> {
    let Some(name) = name else {
        if let Some(set) = env::var_os("TZ") {
            check_tz(&set.to_string_lossy())?;
        }
        let zone = TimeZone::system();
        let name = zone.iana_name().unwrap_or("the system's").to_owned();
        return Ok((zone, name));
    };
    if let Some(zone) = fixed(name) {
        return Ok((zone, name.to_owned()));
    }
    let zone =
        TimeZone::get(name).with_context(|| format!("time zone {name:?}: no such time zone"))?;
    Ok((zone, name.to_owned()))
}

/// `+02:00`, `-0330`, `+2`.
fn fixed(offset: &str) -> Option<TimeZone> {
    let (sign, digits) = match offset.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, offset.strip_prefix('+')?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let number = |text: &str, most: i32| -> Option<i32> {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|number| digits && *number <= most)
    };
    let seconds = 3600 * number(hours, 25)? + 60 * number(minutes, 59)?;
    let offset = Offset::from_seconds(sign * seconds).ok()?;
    Some(TimeZone::fixed(offset))
}

/// An error where `TZ` is set to what names no time zone, for which the system's would be UTC.
fn check_tz(set: &str) -> Result<()> {
    let name = set.strip_prefix(':').unwrap_or(set);
    let known = name.is_empty()
        || Path::new(name).is_absolute()
        || TimeZone::get(name).is_ok()
        || TimeZone::posix(name).is_ok();
    if !known {
        bail!("TZ={set}: no such time zone; --zone names one, such as Africa/Nairobi or +03:00");
    }
    Ok(())
}

/// A time without its fraction of a second, for a table.
fn whole_seconds(time: &str) -> String {
    let (before, after) = time.split_once('.').unwrap_or((time, ""));
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{}{rest}", before.replace('T', " "))
}

fn written(sheet: &Sheet, format: Format) -> Result<String> {
    Ok(match format {
        Format::Json => {
            serde_json::to_string_pretty(sheet).context("the sheet cannot be written as JSON")?
        }
        Format::Csv => csv(sheet),
        Format::Table => {
            let rows = sheet.people.iter().map(|row| {
                [
                    row.person.to_string(),
                    row.name.clone().unwrap_or_default(),
                    whole_seconds(&row.first),
                    whole_seconds(&row.last),
                    row.times.to_string(),
                ]
            });
            table(["person", "name", "first seen", "last seen", "times"], rows)
        }
    })
}

/// RFC 4180, with plain line feeds. What a spreadsheet would take for a formula gets an apostrophe in front.
fn csv(sheet: &Sheet) -> String {
    let mut lines = vec!["person,name,device,first,last,times".to_owned()];
    lines.extend(sheet.people.iter().map(|row| {
        let fields = [
            row.person.as_str(),
            row.name.as_deref().unwrap_or_default(),
            sheet.device.as_deref().unwrap_or_default(),
            &row.first,
            &row.last,
        ];
        let fields = fields.map(quoted).join(",");
        format!("{fields},{}", row.times)
    }));
    lines.join("\n")
}

fn quoted(field: &str) -> String {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("\"'{}\"", field.replace('"', "\"\""))
    } else if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn summary(sheet: &Sheet, people: usize) -> String {
    let sources = sheet.times_from.iter().map(|(source, frames)| {
        let source = match source {
            TimeSource::FileName => "file names",
            TimeSource::Exif => "EXIF",
            TimeSource::ModificationTime => "modification times",
        };
        format!("{frames} from {source}")
    });
    let sources: Vec<String> = sources.collect();
    format!(
        "{} seen on {}; times, zone {}: {}\n{}: {} unknown, {} not good enough, {} not live{}",
        count(people, "person", "people"),
        count(sheet.frames, "frame", "frames"),
        sheet.zone,
        sources.join(", "),
        count(sheet.faces, "face", "faces"),
        sheet.unknown,
        sheet.poor_quality,
        sheet.not_live,
        unreadable_text(&sheet.unreadable),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(quoted("Anna Weiß"), "Anna Weiß");
        assert_eq!(quoted("Weiß, \"Anna\""), "\"Weiß, \"\"Anna\"\"\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("@a\"b"), "\"'@a\"\"b\"");
        for first in ["+", "-", "\t", "\r"] {
            assert_eq!(quoted(&format!("{first}a")), format!("\"'{first}a\""));
        }
    }

    #[test]
    fn times_come_from_the_name_or_else_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (named, plain) = ("2026-03-02T09-15-00.jpg", "frame.jpg");
        for name in [named, plain] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        let (zone, _) = zone(Some("Africa/Nairobi")).unwrap();
        let (at, source) = time(&folder.path().join(named), &zone).unwrap();
        assert_eq!(at.to_string(), "2026-03-02T06:15:00Z");
        assert_eq!(source, TimeSource::FileName);
        let (_, source) = time(&folder.path().join(plain), &zone).unwrap();
        assert_eq!(source, TimeSource::ModificationTime);
    }

    #[test]
    fn zones_that_are_offsets() {
        let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        for (offset, seconds) in [
            ("+02:00", 7200),
            ("-0330", -12_600),
            ("+2", 7200),
            ("+00:00", 0),
        ] {
            let (zone, name) = zone(Some(offset)).unwrap();
            assert_eq!((zone.to_offset(noon).seconds(), &*name), (seconds, offset));
        }
        for wrong in ["+", "+2:", "+02:60", "+99", "+02:00:00", "++2", "+é2a"] {
            assert!(zone(Some(wrong)).is_err(), "{wrong}");
        }
        assert!(check_tz("Atlantis").is_err() && check_tz("").is_ok());
        assert!(check_tz(":Africa/Nairobi").is_ok() && check_tz("EAT-3").is_ok());
    }

    #[test]
    fn tables_have_whole_seconds() {
        assert_eq!(
            whole_seconds("2026-03-02T09:15:00.25+03:00"),
            "2026-03-02 09:15:00+03:00"
        );
        assert_eq!(
            whole_seconds("2026-03-02T09:15:00-03:00"),
            "2026-03-02 09:15:00-03:00"
        );
    }

    #[test]
    fn zones_that_do_not_exist() {
        let error = zone(Some("Atlantis/Centre")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "time zone \"Atlantis/Centre\": no such time zone"
        );
    }
}
