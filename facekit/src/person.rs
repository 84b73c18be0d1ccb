//! People and their ids.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The id of a person: a staff number, a login, a name.
///
/// 1 to 128 bytes of UTF-8, without control characters, path separators (`/`, `\`), and leading or trailing white space.
/// `.` and `..` are not ids. Ids are compared byte by byte.
///
/// ```
/// use facekit::PersonId;
///
/// let id = PersonId::new("anna.weiß")?;
/// assert_eq!(id.as_str(), "anna.weiß");
/// assert!(PersonId::new("a/b").is_err());
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonId(String);

impl PersonId {
    /// Checks a text and makes an id of it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPersonId`] with the rule that the text breaks.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let id = id.into();
        let reason = if id.is_empty() {
            "is empty".to_owned()
        } else if id.len() > 128 {
            format!("is {} bytes long, the limit is 128", id.len())
        } else if let Some(separator) = id.chars().find(|c| matches!(c, '/' | '\\')) {
            format!("{separator:?} is not allowed, since ids are used in file names and addresses")
        } else if let Some(control) = id.chars().find(|c| c.is_control()) {
            format!("the control character {control:?} is not allowed")
        } else if id.trim() != id {
            "begins or ends with white space".to_owned()
        } else if id == "." || id == ".." {
            "names a folder".to_owned()
        } else {
            return Ok(Self(id));
        };
        Err(Error::InvalidPersonId { id, reason })
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for PersonId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self> {
        Self::new(id)
    }
}

impl TryFrom<String> for PersonId {
    type Error = Error;

    fn try_from(id: String) -> Result<Self> {
        Self::new(id)
    }
}

impl From<PersonId> for String {
    fn from(id: PersonId) -> Self {
        id.0
    }
}

/// A person in a gallery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Person {
    /// The id, unique in the gallery.
    pub id: PersonId,
    /// A name for display, if it differs from the id. A store may limit its length; the limit of `FileStore` is 1024 bytes.
    pub name: Option<String>,
    /// The time of the first enrollment.
    pub enrolled: Timestamp,
}

impl Person {
    /// A person without a name, enrolled at `enrolled`.
    #[must_use]
    pub fn new(id: PersonId, enrolled: Timestamp) -> Self {
        Self {
            id,
            name: None,
            enrolled,
        }
    }

    /// Sets [`name`](Self::name).
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The name, or the id if there is no name.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }
}
