//! The reason why a scan does not count.

use facekit::Verdict;

/// A scan does not count: a stable code, and the reason for people.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// The punch is later than the time of evaluation.
    pub(crate) fn future() -> Self {
        Self::new("future", "the punch is later than the time of evaluation")
    }
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::Refused {
            code: refusal.code.to_owned(),
            reason: refusal.reason,
        }
    }
}
