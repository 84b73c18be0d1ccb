//! The words for a day's record and for its anomalies.

use attendance_rules::{DayRecord, Status};
use facekit::{Anomaly, Severity};

use super::{mark::Mark, page::Page};

/// The mark and the word of a day.
pub(super) fn status(page: &Page, record: &DayRecord) -> (Mark, String) {
    match record.status {
        // A day that is not over can become anything.
        _ if !record.is_final && record.first.is_none() && record.obliged => {
            (Mark::Unknown, page.say("status-expected"))
        }
        Status::Incomplete if !record.is_final && record.open => {
            (Mark::Present, page.say("status-in"))
        }
        Status::Present if record.late.0 > 0 => (Mark::Late, page.late(record.late.0)),
        Status::Present => (Mark::Present, page.say("status-present")),
        Status::HalfDay => (Mark::Present, page.say("status-half-day")),
        Status::Absent => (Mark::Absent, page.say("status-absent")),
        Status::OnLeave => (Mark::Leave, page.say("status-on-leave")),
        Status::Incomplete => (Mark::Incomplete, page.say("status-incomplete")),
        _ => (Mark::Unknown, page.say("status-free")),
    }
}

/// An anomaly in words: the message of its code, or its own text if there is none.
pub(super) fn note(page: &Page, anomaly: &Anomaly) -> String {
    let key = format!("anomaly-{}", anomaly.code.replace('_', "-"));
    if page.language.has(&key) {
        page.say(&key)
    } else {
        anomaly.message.clone()
    }
}

/// The mark of an anomaly.
pub(super) fn severity(anomaly: &Anomaly) -> Mark {
    match anomaly.severity {
        Severity::Info => Mark::Accent,
        Severity::Warning => Mark::Late,
        _ => Mark::Absent,
    }
}
