//! Times of day and dates in policy files. serde's own forms accept more than these.

use jiff::civil::{Date, Time};
use serde::{Deserialize, Deserializer, de::Error};

/// Reads a time of day in hours and minutes, with or without seconds.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_clock(&text).map_err(D::Error::custom)
}

fn parse_clock(text: &str) -> Result<Time, String> {
    let wrong = |hint: &str| Err(format!("{text:?} is not a time of day; {hint}"));
    let parts: Vec<&str> = text.split(':').collect();
    if matches!(parts[..], ["24", "00"] | ["24", "00", "00"]) {
        return wrong("midnight is \"00:00\"");
    }
    let digits = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let plain = (2..=3).contains(&parts.len()) && parts.iter().all(digits);
    match text.parse() {
        Ok(time) if plain => Ok(time),
        _ => wrong("write it as \"08:00\" or \"08:00:30\""),
    }
}

/// Reads a date that may be left out.
pub(super) fn optional_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Date>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let date = text.map(|text| parse_date(&text)).transpose();
    date.map_err(D::Error::custom)
}

/// Reads a date.
pub(super) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_date(&text).map_err(D::Error::custom)
}

pub(super) fn parse_date(text: &str) -> Result<Date, String> {
    let date = text.parse().ok().filter(|_| text.len() == 10);
    date.ok_or_else(|| format!("{text:?} is not a date; write it as \"2026-01-05\""))
}
