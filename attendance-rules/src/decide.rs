//! Decides on a sighting.

use facekit::{AttendancePolicy, Decision, Mark, Sighting, Verdict};
use jiff::SignedDuration;

use crate::{
    punch::PunchKind,
    rules::Rules,
    scan::{Scan, ScanState, ScanVerdict},
    time::Instant,
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
        let at = Instant::checked(sighting.at, || "sighting".to_owned())?;
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
        let needed = past.partition_point(|mark| Instant::of(mark.at) < at - self.lookback);
        let mut state = ScanState::new(self, self.plan(&sighting.person));
        for mark in &past[needed..] {
            state.replay(mark);
        }
        let scan = Scan {
            at,
            kind: PunchKind::Undetermined,
            device: sighting.device.as_deref(),
            liveness: sighting.liveness,
        };
        let mut anomalies = Vec::new();
        let (verdict, opened) = match state.read(&scan, &mut anomalies) {
            ScanVerdict::Accepted(accepted) => {
                let direction = accepted.direction;
                let opened = accepted.stay.opened.timestamp();
                (Verdict::Accepted { direction }, Some(opened))
            }
            ScanVerdict::Duplicate { seconds_left } => {
                // At least a second and at most a day, so it is not negative.
                let seconds_left = seconds_left.unsigned_abs();
                (Verdict::Duplicate { seconds_left }, None)
            }
            ScanVerdict::Refused(refusal) => (refusal.into(), None),
        };
        let mut decision = Decision::new(verdict);
        decision.anomalies = anomalies;
        decision.opened = opened;
        Ok(decision)
    }
}
