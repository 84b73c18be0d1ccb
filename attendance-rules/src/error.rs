//! The one error type of the crate.

use jiff::{Timestamp, civil::Date};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with what was handed in, and where.
///
/// What people do is never an error: a punch that cannot count is an [`Outcome`](crate::Outcome). Messages name the key,
/// the record or the date at fault.
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
    /// A calendar file cannot be read, or holds something that no rule covers.
    #[error("calendar{}: {reason}", event.as_ref().map_or_else(String::new, |event| format!(", event {event:?}")))]
    Calendar {
        /// The event's UID, or else its summary.
        event: Option<String>,
        /// What is wrong.
        reason: String,
    },

    /// A correction contradicts the records.
    #[error("correction {id:?}: {reason}")]
    Correction {
        /// The correction's id.
        id: String,
        /// What is wrong.
        reason: String,
    },

    /// Two different records bear one id. (Equal records of one id are one record.)
    #[error("{what} {id:?}: two different records have this id")]
    DuplicateId {
        /// What the id is of: "punch", "correction", "member".
        what: &'static str,
        /// The id.
        id: String,
    },

    /// The records of a person contradict each other or the policy.
    #[error("member {person}: {reason}")]
    Member {
        /// Who.
        person: String,
        /// What is wrong.
        reason: String,
    },

    /// A record of one person among those of another.
    #[error("{what} {id:?} is of {found}, and the records of {expected} were asked for")]
    OtherPerson {
        /// "punch" or "correction".
        what: &'static str,
        /// The record's id.
        id: String,
        /// Whose records these are.
        expected: String,
        /// Whose record it is.
        found: String,
    },

    /// A period ends before it begins, or is longer than [`Period::MAX_DAYS`](crate::Period::MAX_DAYS).
    #[error("period {from} to {to}: {reason}")]
    Period {
        /// The first day.
        from: Date,
        /// The last day.
        to: Date,
        /// What is wrong.
        reason: String,
    },

    /// A policy does not parse, or contradicts itself.
    #[error("policy{}: {reason}", if path.is_empty() { String::new() } else { format!(", {path}") })]
    Policy {
        /// The key, as in `shifts[0].end`; empty where it is the file as a whole.
        path: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A session, or a series of sessions, contradicts itself.
    #[error("session {id:?}: {reason}")]
    Session {
        /// Its id.
        id: String,
        /// What is wrong.
        reason: String,
    },

    /// A time that no attendance record can have: before 1900 or after 2200.
    #[error("{what}: {at} is before 1900 or after 2200")]
    TimeOutOfRange {
        /// Whose time it is.
        what: String,
        /// The time.
        at: Timestamp,
    },
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a text or an error, whichever the caller has"
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
