//! Ids of rows: UUIDs of version 7, which sort by the time of their creation.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The id of a row: a UUID of version 7. Ids of later milliseconds are greater.
///
/// Ids that one process makes within a millisecond are in order, too. Ids are public. They say when a row was made, and cannot be
/// guessed, but they protect nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

impl Id {
    /// A new id, made at `now`.
    ///
    /// # Panics
    ///
    /// If the operating system has no random numbers.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system has random numbers");
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or_default();
        bytes[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&(0x7000 | number_within(milliseconds)).to_be_bytes());
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Self(bytes)
    }

    /// The 16 bytes of the id, as databases keep it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The id with these bytes; `None` if there are not 16.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// The number of an id within its millisecond, 0 to 4095. Beyond, numbers begin again: such ids are unique, but not in order.
///
/// The numbers of many milliseconds are kept, because a clock can step back to one of them.
fn number_within(milliseconds: u64) -> u16 {
    const KEPT: usize = 1000;
    static NUMBERS: Mutex<BTreeMap<u64, u16>> = Mutex::new(BTreeMap::new());
    // Each change leaves the map whole, also if a thread panics elsewhere.
    let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    let next = numbers.entry(milliseconds).or_default();
    let number = *next;
    *next = (number + 1) & 0x0fff;
    if numbers.len() > KEPT
        && let Some(oldest) = numbers.keys().copied().find(|it| *it != milliseconds)
    {
        numbers.remove(&oldest);
    }
    number
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 15)];
            at += 2;
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has the form 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct NoId;

impl FromStr for Id {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let text = text.as_bytes();
        if text.len() != 36 {
            return Err(NoId);
        }
        let mut bytes = [0; 16];
        let (mut at, mut filled) = (0, 0);
        while at < text.len() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if text[at] != b'-' {
                    return Err(NoId);
                }
                at += 1;
                continue;
            }
            let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(NoId);
            let byte = digit(text[at])? * 16 + digit(text[at + 1])?;
            bytes[filled] = u8::try_from(byte).map_err(|_| NoId)?;
            (at, filled) = (at + 2, filled + 1);
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Id {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "format": "uuid"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_and_read() {
        let id = Id::new("2026-03-02T08:59:30Z".parse().unwrap());
        let text = id.to_string();
        assert_eq!(text.len(), 36);
        assert_eq!(&text[14..15], "7", "version 7: {text}");
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(Id::from_bytes(id.as_bytes()), Some(id));
    }

    #[test]
    fn later_ids_are_greater() {
        let [early, late] = ["2026-03-02T08:59:30Z", "2026-03-02T08:59:30.001Z"]
            .map(|at| Id::new(at.parse().unwrap()));
        assert!(early < late);
        // Ids of other times between them do not matter.
        let [at, other] =
            ["1999-03-02T08:59:30Z", "2026-03-02T08:59:30Z"].map(|it| it.parse().unwrap());
        let ids = [(); 100].map(|()| {
            let _ = Id::new(other);
            Id::new(at)
        });
        assert!(ids.is_sorted());
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "..",
            "01890a5d-ac96-774b-bcce-b302099a805",
            "01890a5d_ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a805é",
            "é1890a5d-ac96-774b-bcce-b302099a805",
            "+1890a5d-ac96-774b-bcce-b302099a8057",
        ] {
            assert_eq!(text.parse::<Id>(), Err(NoId), "{text}");
        }
    }
}
