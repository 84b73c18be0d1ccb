//! The error type of the crate.

use jiff::{Timestamp, civil::Date};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error in the input: a policy, a calendar, or records.
///
/// A punch that does not count is not an error but an [`PunchVerdict`](crate::PunchVerdict). Messages name the wrong key, record or date.
///
/// ```
/// use attendance_rules::Policy;
///
/// let error = Policy::from_toml("[scans]\ncooldwn = \"60s\"").unwrap_err();
/// assert_eq!(error.to_string(), "policy, scans.cooldwn: no such key; did you mean \"cooldown\"?");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A calendar file cannot be read, or has content that is not supported.
    #[error("calendar{}: {reason}", event.as_ref().map_or_else(String::new, |event| format!(", event {event:?}")))]
    Calendar {
        /// The event's UID, or else its summary.
        event: Option<String>,
        /// The reason.
        reason: String,
    },

    /// A correction contradicts the records.
    #[error("correction {id:?}: {reason}")]
    Correction {
        /// The correction's id.
        id: String,
        /// The reason.
        reason: String,
    },

    /// Two different records have the same id. Equal records with the same id are not an error.
    #[error("{what} {id:?}: two different records have this id")]
    DuplicateId {
        /// The kind of record: "punch", "correction" or "member".
        what: &'static str,
        /// The id.
        id: String,
    },

    /// The data of a member contradict each other or the policy.
    #[error("member {person}: {reason}")]
    Member {
        /// The person.
        person: String,
        /// The reason.
        reason: String,
    },

    /// A record belongs to another person.
    #[error("{what} {id:?} belongs to {found}, but {expected} is evaluated")]
    OtherPerson {
        /// The kind of record: "punch" or "correction".
        what: &'static str,
        /// The record's id.
        id: String,
        /// The person who is evaluated.
        expected: String,
        /// The person of the record.
        found: String,
    },

    /// A period ends before it begins, is longer than [`Period::MAX_DAYS`](crate::Period::MAX_DAYS), or is out of range.
    #[error("period {from} to {to}: {reason}")]
    Period {
        /// The first day.
        from: Date,
        /// The last day.
        to: Date,
        /// The reason.
        reason: String,
    },

    /// A policy cannot be read, or contradicts itself.
    #[error("policy{}: {reason}", if path.is_empty() { String::new() } else { format!(", {path}") })]
    Policy {
        /// The path of the key, as in `shifts[0].end`. Empty if the error concerns the whole file.
        path: String,
        /// The reason.
        reason: String,
    },

    /// A session, or a series of sessions, contradicts itself.
    #[error("session {id:?}: {reason}")]
    Session {
        /// The id of the session.
        id: String,
        /// The reason.
        reason: String,
    },

    /// A time out of the range of attendance records: before 1900 or from 2200 on.
    #[error("{what}: {at} is before 1900 or after 2200")]
    TimeOutOfRange {
        /// The record or argument that has the time.
        what: String,
        /// The time.
        at: Timestamp,
    },
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "callers pass a text or an error"
)]
impl Error {
    pub(crate) fn policy(path: impl Into<String>, reason: impl ToString) -> Self {
        Self::Policy {
            path: path.into(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn member(person: impl ToString, reason: impl ToString) -> Self {
        Self::Member {
            person: person.to_string(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn session(id: impl ToString, reason: impl ToString) -> Self {
        Self::Session {
            id: id.to_string(),
            reason: reason.to_string(),
        }
    }
}

impl From<Error> for facekit::Error {
    fn from(error: Error) -> Self {
        Self::argument("attendance", error)
    }
}
