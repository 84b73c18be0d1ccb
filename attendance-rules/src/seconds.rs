//! Lengths of time in whole seconds.

use std::{borrow::Cow, fmt};

use jiff::{
    SignedDuration,
    fmt::friendly::{Designator, Direction, Spacing, SpanParser, SpanPrinter},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    error::{Error, Result},
    time::{DAY, HOUR, MINUTE},
};

/// A length of time in whole seconds.
///
/// In policies it is a text with units: `"90s"`, `"15m"`, `"8h 30m"`. In records it is a number, and its key ends in `_seconds`.
///
/// ```
/// use attendance_rules::Seconds;
///
/// let length: Seconds = "8h 30m".parse()?;
/// assert_eq!(length, Seconds(30_600));
/// assert_eq!(length.to_string(), "8h 30m");
/// assert!("90".parse::<Seconds>().is_err(), "a unit is required");
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub i64);

impl Seconds {
    /// A length of `hours` hours, limited to the range of `i64` seconds.
    #[must_use]
    pub const fn hours(hours: i64) -> Self {
        Self(hours.saturating_mul(HOUR))
    }

    /// A length of `minutes` minutes, limited to the range of `i64` seconds.
    #[must_use]
    pub const fn minutes(minutes: i64) -> Self {
        Self(minutes.saturating_mul(MINUTE))
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printer = SpanPrinter::new()
            .designator(Designator::Compact)
            .spacing(Spacing::BetweenUnits)
            .direction(Direction::Sign);
        f.pad(&printer.duration_to_string(&SignedDuration::from_secs(self.0)))
    }
}

impl std::str::FromStr for Seconds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_seconds(text).map_err(|reason| Error::policy("", reason))
    }
}

fn parse_seconds(text: &str) -> Result<Seconds, String> {
    let wrong = || {
        format!(
            "{text:?} is not a length of time; write it with units: \"90s\", \"15m\", \"8h 30m\""
        )
    };
    let duration = SpanParser::new()
        .parse_duration(text)
        .map_err(|_| wrong())?;
    if duration.subsec_nanos() != 0 {
        return Err(format!("{text:?}: lengths of time are in whole seconds"));
    }
    // No policy needs more, and sums of such lengths cannot overflow.
    if duration.as_secs().unsigned_abs() > 100 * 366 * DAY.unsigned_abs() {
        return Err(format!("{text:?} is over 100 years"));
    }
    Ok(Seconds(duration.as_secs()))
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a length of time with its unit, such as \"90s\", \"15m\" or \"8h 30m\"",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Seconds, E> {
                parse_seconds(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Lengths of time in records: numbers, with the unit in the name of the key.
pub(crate) mod as_seconds {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Seconds;

    pub(crate) fn serialize<S: Serializer>(
        length: &Seconds,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(length.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Seconds, D::Error> {
        i64::deserialize(deserializer).map(Seconds)
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time in whole seconds, with units.",
            "examples": ["90s", "15m", "8h 30m"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_units() {
        assert_eq!(parse_seconds("1h 30m"), Ok(Seconds(5400)));
        assert_eq!(parse_seconds("0s"), Ok(Seconds(0)));
        for wrong in ["60", "", "1.5", "abc", "1 month", "0.5s", "9999999999999h"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
        for seconds in [0, 1, 59, 60, 3600, 30_600, 86_400, -90] {
            assert_eq!(
                parse_seconds(&Seconds(seconds).to_string()),
                Ok(Seconds(seconds))
            );
        }
    }
}
