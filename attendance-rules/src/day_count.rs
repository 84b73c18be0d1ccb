//! Numbers of days, in halves.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A number of days, in halves. In records it is a number such as `3` or `0.5`.
///
/// ```
/// use attendance_rules::DayCount;
///
/// let count = DayCount::days(1) + DayCount::HALF;
/// assert_eq!((count.to_string().as_str(), count.halves()), ("1.5", 3));
/// assert_eq!(serde_json::to_string(&count).unwrap(), "1.5");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayCount(u32);

impl DayCount {
    /// No day.
    pub const ZERO: Self = Self(0);
    /// Half a day.
    pub const HALF: Self = Self(1);
    /// One day.
    pub const ONE: Self = Self(2);

    /// Whole days.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        Self(days.saturating_mul(2))
    }

    /// Half days.
    #[must_use]
    pub const fn of_halves(halves: u32) -> Self {
        Self(halves)
    }

    /// The number of half days.
    #[must_use]
    pub const fn halves(self) -> u32 {
        self.0
    }

    /// The sum, limited to the maximum of the type.
    pub(crate) fn add(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

impl std::ops::Add for DayCount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// The number in decimal, as in "3" or "0.5".
impl fmt::Display for DayCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = if self.0.is_multiple_of(2) { "" } else { ".5" };
        write!(f, "{}{half}", self.0 / 2)
    }
}

impl Serialize for DayCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(2) {
            serializer.serialize_u32(self.0 / 2)
        } else {
            serializer.serialize_f64(f64::from(self.0) / 2.0)
        }
    }
}

impl<'de> Deserialize<'de> for DayCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let halves = f64::deserialize(deserializer)? * 2.0;
        if halves.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&halves) {
            Ok(Self(halves as u32))
        } else {
            let days = halves / 2.0;
            Err(D::Error::custom(format!(
                "{days} is not a number of half days"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_survive_writing() {
        for halves in [0, 1, 2, 3, 731, u32::MAX] {
            let count = DayCount::of_halves(halves);
            let text = serde_json::to_string(&count).unwrap();
            assert_eq!(text, count.to_string());
            assert_eq!(serde_json::from_str::<DayCount>(&text).unwrap(), count);
        }
        let error = serde_json::from_str::<DayCount>("0.25").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("0.25 is not a number of half days")
        );
        assert!(serde_json::from_str::<DayCount>("-1").is_err());
    }
}
