//! Statuses as pages show them: a color, an icon and a word.

/// The kind of a status. Its name selects the color in the style sheets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    /// In time, working, in order.
    Present,
    /// Late, waiting, slow.
    Late,
    /// Absent, failed.
    Absent,
    /// Something is missing.
    Incomplete,
    /// On leave, or gone.
    Leave,
    /// Not known, or not yet.
    Unknown,
    /// An action or a piece of information; not a status.
    Accent,
}

impl Mark {
    /// The value of `data-s`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Late => "late",
            Self::Absent => "absent",
            Self::Incomplete => "incomplete",
            Self::Leave => "leave",
            Self::Unknown => "unknown",
            Self::Accent => "accent",
        }
    }

    /// The icon.
    pub(crate) fn icon(self) -> &'static str {
        match self {
            Self::Accent => "info",
            other => other.name(),
        }
    }
}

impl From<&Self> for Mark {
    fn from(mark: &Self) -> Self {
        *mark
    }
}
