//! The time at which a photo was taken, from its name or its EXIF data.

use std::io::Cursor;

use exif::{Exif, In, Reader, Tag, Value};
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

/// Finds the time at which a photo was taken: in the file's name, or else in its EXIF data.
///
/// `name` is the file's name, or a path whose last part is used. A time in the name has priority, since a person or the
/// camera's software put it there deliberately. Recognized are `2026-03-02T09-15-00`, `2026-03-02 09.15.00`,
/// `20260302_091500`, `IMG_20260302_091500123` and similar forms. After the seconds may follow:
///
/// - a fraction of a second, behind a point or a comma or directly behind the seconds,
/// - a `Z` for UTC,
/// - an offset from UTC such as `+0900` or `+09-00`. A negative offset, such as `-0500`, is recognized after the form
///   `2026-03-02T09-15-00` only, because after the others it may be the photo's number.
///
/// Without a time in the name, EXIF's `DateTimeOriginal` counts, with its `SubSecTimeOriginal` and `OffsetTimeOriginal`.
///
/// A time without `Z` or offset is local time in `zone`. If it occurs twice there, the first one is meant; if it is
/// skipped there, it is moved forward by the gap. Dates that do not exist are ignored.
///
/// ```
/// use facekit::image::capture_time;
/// use jiff::tz::{self, TimeZone};
///
/// let nairobi = TimeZone::fixed(tz::offset(3));
/// let taken = capture_time("class/2026-03-02T09-15-00.jpg", b"", &nairobi).unwrap();
/// assert_eq!(taken.to_string(), "2026-03-02T06:15:00Z");
/// assert_eq!(capture_time("holiday.jpg", b"", &nairobi), None);
/// ```
#[must_use]
pub fn capture_time(name: &str, bytes: &[u8], zone: &TimeZone) -> Option<Timestamp> {
    from_name(name, zone).or_else(|| from_exif(bytes, zone))
}

fn from_name(name: &str, zone: &TimeZone) -> Option<Timestamp> {
    let name = name.rsplit(['/', '\\']).next()?.as_bytes();
    (0..name.len())
        .filter(|&start| start == 0 || !name[start - 1].is_ascii_digit())
        .find_map(|start| parse(&name[start..], zone))
}

/// Parses a date and time at the beginning of `text`.
fn parse(text: &[u8], zone: &TimeZone) -> Option<Timestamp> {
    let mut text = Scanner(text);
    let year = text.number(4)?;
    let separator = text.any(b"-_.");
    let month = text.number(2)?;
    if separator != text.any(b"-_.") {
        return None;
    }
    let day = text.number(2)?;
    let iso = if text.0.starts_with(b" at ") {
        text.0 = &text.0[4..];
        false
    } else {
        matches!(text.any(b"Tt_- ."), Some(b'T' | b't'))
    };
    let hour = text.number(2)?;
    let separator = text.any(b"-_.:");
    let minute = text.number(2)?;
    if separator != text.any(b"-_.:") {
        return None;
    }
    let second = text.number(2)?;
    let nanosecond = text.fraction();
    if text.0.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let zone = match text.any(b"Zz") {
        // "…00Zurich.jpg" is not in UTC.
        Some(_) if !text.0.first().is_some_and(u8::is_ascii_alphabetic) => TimeZone::UTC,
        Some(_) => zone.clone(),
        None => text
            .offset(iso)
            .map_or_else(|| zone.clone(), TimeZone::fixed),
    };
    let [month, day, hour, minute, second] =
        [month, day, hour, minute, second].map(|number| number as i8);
    let time = DateTime::new(year as i16, month, day, hour, minute, second, nanosecond).ok()?;
    zone.to_timestamp(time).ok()
}

struct Scanner<'a>(&'a [u8]);

impl Scanner<'_> {
    fn any(&mut self, bytes: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        bytes.contains(&first).then(|| {
            self.0 = rest;
            first
        })
    }

    /// A number of exactly `digits` digits. Further digits may follow.
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(number.iter().fold(0, |n, d| 10 * n + u32::from(d - b'0')))
    }

    /// An offset from UTC: `+0900`, `+09-00`, `+09:00`, `+09`; with `west` also `-0500`, `-05-00` and `-05:00`.
    fn offset(&mut self, west: bool) -> Option<Offset> {
        let east = self.any(b"+-")? == b'+';
        let hours = self.number(2)?;
        let separated = self.any(b":-").is_some();
        let minutes = self.number(2);
        if minutes.is_none() && (separated || !east)
            || self.0.first().is_some_and(u8::is_ascii_digit)
        {
            return None;
        }
        let minutes = minutes.unwrap_or(0);
        // Any other number is the photo's number. `-00:00` means that the offset is unknown.
        let sound = hours <= 14 && [0, 15, 30, 45].contains(&minutes);
        if !sound || !east && (!west || hours + minutes == 0) {
            return None;
        }
        let seconds = 3600 * hours as i32 + 60 * minutes as i32;
        Offset::from_seconds(if east { seconds } else { -seconds }).ok()
    }

    /// The digits of a fraction after the seconds, with or without a point, as nanoseconds.
    fn fraction(&mut self) -> i32 {
        let digits = match self.0 {
            [b'.' | b',', digit, ..] if digit.is_ascii_digit() => &self.0[1..],
            _ => self.0,
        };
        let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&count) {
            return 0;
        }
        self.0 = &digits[count..];
        nanoseconds(&digits[..count])
    }
}

/// Up to nine digits of a decimal fraction of a second, as nanoseconds.
fn nanoseconds(digits: &[u8]) -> i32 {
    let padded = digits.iter().chain([b'0'; 9].iter()).take(9);
    padded.fold(0, |n, digit| 10 * n + i32::from(digit - b'0'))
}

fn from_exif(bytes: &[u8], zone: &TimeZone) -> Option<Timestamp> {
    let exif = Reader::new()
        .read_from_container(&mut Cursor::new(bytes))
        .ok()?;
    let taken = exif::DateTime::from_ascii(ascii(&exif, Tag::DateTimeOriginal)?).ok()?;
    let subsecond = ascii(&exif, Tag::SubSecTimeOriginal)
        .unwrap_or_default()
        .trim_ascii();
    let subsecond = match subsecond.iter().all(u8::is_ascii_digit) {
        true => nanoseconds(&subsecond[..subsecond.len().min(9)]),
        false => 0,
    };
    let time = DateTime::new(
        taken.year.try_into().ok()?,
        taken.month.try_into().ok()?,
        taken.day.try_into().ok()?,
        taken.hour.try_into().ok()?,
        taken.minute.try_into().ok()?,
        taken.second.try_into().ok()?,
        subsecond,
    )
    .ok()?;
    match ascii(&exif, Tag::OffsetTimeOriginal).and_then(offset) {
        Some(offset) => offset.to_timestamp(time).ok(),
        None => zone.to_timestamp(time).ok(),
    }
}

/// An offset in EXIF: `+01:00`, `-03:30`. Blanks mean that the camera does not know it.
fn offset(text: &[u8]) -> Option<Offset> {
    let mut time = exif::DateTime::from_ascii(b"2000:01:01 00:00:00").ok()?;
    time.parse_offset(text).ok()?;
    Offset::from_seconds(60 * i32::from(time.offset?)).ok()
}

fn ascii(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(texts) => texts.first().map(Vec::as_slice),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central Europe: an hour is skipped on 29 March 2026 and comes twice on 25 October.
    fn zone() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    #[test]
    fn times_in_names_are_found() {
        for (name, expected) in [
            ("2026-03-02T09-15-00.jpg", "2026-03-02T08:15:00Z"),
            ("2026-03-02T09-15-00Z.jpg", "2026-03-02T09:15:00Z"),
            ("2026-03-02T09:15:00.25Z", "2026-03-02T09:15:00.25Z"),
            ("2026-03-02T09-15-00+0900.jpg", "2026-03-02T00:15:00Z"),
            ("2026-03-02T09-15-00+09-00.jpg", "2026-03-02T00:15:00Z"),
            ("2026-03-02T09:15:00.5+05:30", "2026-03-02T03:45:00.5Z"),
            ("20260302_091500+09.jpg", "2026-03-02T00:15:00Z"),
            ("2026-03-02T09-15-00-0500.jpg", "2026-03-02T14:15:00Z"),
            // Numbers, not offsets.
            ("2026-03-02T09-15-00-0000.jpg", "2026-03-02T08:15:00Z"),
            ("2026-03-02T09-15-00-0007.jpg", "2026-03-02T08:15:00Z"),
            ("2026-03-02T09-15-00-05.jpg", "2026-03-02T08:15:00Z"),
            ("20260302_091500-0500.jpg", "2026-03-02T08:15:00Z"),
            ("20260302_091500.jpg", "2026-03-02T08:15:00Z"),
            ("2026-03-02 09.15.00.png", "2026-03-02T08:15:00Z"),
            (
                "Screenshot 2026-03-02 at 09.15.00.png",
                "2026-03-02T08:15:00Z",
            ),
            ("IMG_20260302_091500123.jpg", "2026-03-02T08:15:00.123Z"),
            ("PXL_20260302_091500123.MP.jpg", "2026-03-02T08:15:00.123Z"),
            ("IMG20260302091500.jpg", "2026-03-02T08:15:00Z"),
            ("20260302-091500_2.jpg", "2026-03-02T08:15:00Z"),
            ("20260302_091500_Zoe.jpg", "2026-03-02T08:15:00Z"),
            ("20260302_091500Zoe.jpg", "2026-03-02T08:15:00Z"),
            (
                "20261302_091500 20260702_091500.jpg",
                "2026-07-02T07:15:00Z",
            ),
            (
                "2025-01-01T00-00-00/20260302_091500.jpg",
                "2026-03-02T08:15:00Z",
            ),
            // A skipped time is moved forward by the gap. Of a time that occurs twice, the first is taken.
            ("20260329_023000.jpg", "2026-03-29T01:30:00Z"),
            ("20261025_023000.jpg", "2026-10-25T00:30:00Z"),
        ] {
            let found = capture_time(name, b"", &zone()).map(|time| time.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn names_without_a_time_give_none() {
        for name in [
            "",
            "anna.jpg",
            "IMG-20260302-WA0001.jpg",
            "20260302.jpg",
            "20260230_091500.jpg",
            "20260302_246000.jpg",
            "120260302_091500.jpg",
            "20260302_0915001234567890.jpg",
            "2026-0302_091500.jpg",
            "2026-03-02T09-15.jpg",
            "２０２６0302_091500",
            "2025-01-01T00-00-00/anna.jpg",
        ] {
            assert_eq!(capture_time(name, b"", &zone()), None, "{name}");
        }
    }
}
