//! The one error type of the server.

use std::io;

use serde::Serialize;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kinds of errors. Each has its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be read: 400.
    Malformed,
    /// There is no valid session or token: 401.
    Unauthenticated,
    /// The role does not allow the request: 403.
    Forbidden,
    /// There is no such thing, or it belongs to another organisation: 404.
    NotFound,
    /// The request contradicts what is stored: 409.
    Conflict,
    /// The `If-Match` header names an old version: 412.
    Outdated,
    /// The body is too large: 413.
    TooLarge,
    /// The body has another media type: 415.
    WrongMediaType,
    /// The request can be read, but its values are wrong: 422.
    Invalid,
    /// A header that the request must have is missing: 428.
    PreconditionRequired,
    /// There were too many requests: 429.
    TooMany,
    /// The server cannot do this now: 503.
    Unavailable,
    /// The server has a fault: 500. The detail is logged and not shown.
    Internal,
}

impl ErrorKind {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Outdated => 412,
            Self::TooLarge => 413,
            Self::WrongMediaType => 415,
            Self::Invalid => 422,
            Self::PreconditionRequired => 428,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

/// A wrong value of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct FieldError {
    /// The place of the value in the body, as a JSON pointer: `/number`.
    pub pointer: String,
    /// A stable code.
    pub code: String,
    /// The reason, for people.
    pub detail: String,
}

/// An error of a command or a request.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// The kind.
    pub kind: ErrorKind,
    /// A stable code, such as `number_taken`.
    pub code: &'static str,
    /// The reason, for people.
    pub detail: String,
    /// The wrong values, for forms.
    pub fields: Vec<FieldError>,
    /// The seconds after which the request may be tried again.
    pub retry_after: Option<u64>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
            source: None,
        }
    }

    /// A wrong value of a request, with its JSON pointer.
    pub fn invalid(pointer: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, code, detail).at(pointer)
    }

    /// There is no such thing, or the actor may not know of it.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            ErrorKind::NotFound,
            "not_found",
            format!("There is no such {what}."),
        )
    }

    /// The request contradicts what is stored.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, code, detail)
    }

    /// The role of the actor does not allow the request.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(
            ErrorKind::Forbidden,
            "forbidden",
            "Your role does not allow this.",
        )
    }

    /// The request has neither a session nor a token.
    #[must_use]
    pub fn not_signed_in() -> Self {
        Self::new(
            ErrorKind::Unauthenticated,
            "not_signed_in",
            "Sign in, or send a token as Authorization: Bearer.",
        )
    }

    /// The disk has no room. The transaction is undone.
    #[must_use]
    pub fn storage_full() -> Self {
        Self::new(
            ErrorKind::Unavailable,
            "storage_full",
            "The disk of the server is full. Nothing was saved.",
        )
    }

    /// A fault of the server.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut error = Self::new(
            ErrorKind::Internal,
            "internal",
            "The server has a fault. It was logged.",
        );
        error.source = Some(source.into());
        error
    }

    /// The same error with the wrong value's JSON pointer.
    #[must_use]
    pub fn at(mut self, pointer: &str) -> Self {
        self.fields.push(FieldError {
            pointer: pointer.to_owned(),
            code: self.code.to_owned(),
            detail: self.detail.clone(),
        });
        self
    }

    /// The same error with a time to wait, in seconds.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// The rules refuse their input. The message names the key or the record.
impl From<attendance_rules::Error> for Error {
    fn from(error: attendance_rules::Error) -> Self {
        Self::new(ErrorKind::Invalid, "rules", error.to_string())
    }
}

impl From<facekit::Error> for Error {
    fn from(error: facekit::Error) -> Self {
        match &error {
            facekit::Error::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Self::storage_full()
            }
            _ => Self::internal(error),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}
