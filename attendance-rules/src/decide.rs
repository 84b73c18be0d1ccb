//! The first moment of truth: what a sighting means, at once.

use facekit::{AttendancePolicy, Decision, Mark, Sighting, Verdict};
use jiff::SignedDuration;

use crate::{
    PunchKind, Rules,
    scan::{Input, Scan, Step},
    time::{checked, seconds_of, timestamp_of},
};

/// Decides as [`Rules::evaluate`] does for the same punches in the same order.
///
/// ```
/// use attendance_rules::{Policy, Rules};
/// use facekit::{AttendancePolicy, Direction, PersonId, Sighting, Verdict};
///
/// let rules = Rules::new(Policy::default())?;
/// let mut past = Vec::new();
/// let mut verdicts = Vec::new();
/// for time in ["2026-03-02T09:00:00Z", "2026-03-02T09:00:59Z", "2026-03-02T09:01:00Z"] {
///     let sighting = Sighting::new(PersonId::new("anna")?, time.parse().unwrap());
///     let decision = rules.decide(&past, &sighting)?;
///     past.extend(decision.mark(&sighting));
///     verdicts.push(decision.verdict);
/// }
/// let accepted = |direction| Verdict::Accepted { direction };
/// let duplicate = Verdict::Duplicate { seconds_left: 1 };
/// assert_eq!(verdicts, [accepted(Direction::Entry), duplicate, accepted(Direction::Exit)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl AttendancePolicy for Rules {
    fn lookback(&self) -> SignedDuration {
        SignedDuration::from_secs(self.lookback)
    }

    fn decide(&self, past: &[Mark], sighting: &Sighting) -> facekit::Result<Decision> {
        let at = checked(sighting.at, || "sighting".to_owned())?;
        if !past.is_sorted_by_key(|mark| mark.at) {
            return Err(facekit::Error::argument(
                "past",
                "the marks are not in order of time",
            ));
        }
        if past.last().is_some_and(|last| last.at > sighting.at) {
            return Err(facekit::Error::argument(
                "past",
                "a mark is later than the sighting",
            ));
        }
        let needed = past.partition_point(|mark| seconds_of(mark.at) < at - self.lookback);
        let mut scan = Scan::new(self, self.plan(&sighting.person));
        for mark in &past[needed..] {
            scan.replay(mark);
        }
        let input = Input {
            at,
            kind: PunchKind::Undetermined,
            device: sighting.device.as_deref(),
            liveness: sighting.liveness,
        };
        let mut anomalies = Vec::new();
        let (verdict, opened) = match scan.step(&input, &mut anomalies) {
            Step::Accepted {
                direction, stay, ..
            } => (
                Verdict::Accepted { direction },
                Some(timestamp_of(stay.opened)),
            ),
            Step::Duplicate { seconds_left } => {
                // At least one and at most a day.
                (
                    Verdict::Duplicate {
                        seconds_left: seconds_left.unsigned_abs(),
                    },
                    None,
                )
            }
            Step::Refused { code, reason } => (
                Verdict::Refused {
                    code: code.to_owned(),
                    reason,
                },
                None,
            ),
        };
        let mut decision = Decision::new(verdict);
        decision.anomalies = anomalies;
        decision.opened = opened;
        Ok(decision)
    }
}
