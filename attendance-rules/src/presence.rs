//! Presence of a person at an instant.

use facekit::{Direction, PersonId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    calendar::Period,
    correction::Correction,
    error::Result,
    plan::DayPlan,
    punch::Punch,
    record::{Ledger, PunchVerdict, ShiftRecord},
    rules::Rules,
    time::{DayNumber, Instant},
};

/// The day of a person so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Today {
    /// The person was here, or is here now.
    Present,
    /// The person should come, and is not late yet.
    Expected,
    /// The person should have come.
    Absent,
    /// The person is on leave all day.
    OnLeave,
    /// No work is expected: a rest day or a holiday.
    Free,
    /// The person has not joined yet, or has left.
    NotEmployed,
}

/// Presence of a person at an instant. See [`Rules::presence`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Presence {
    /// The person.
    pub person: PersonId,
    /// The instant.
    pub at: Timestamp,
    /// The time since which the person is inside; `None` if the person is not inside.
    pub inside_since: Option<Timestamp>,
    /// The day of the person so far, by the shifts that start on it.
    pub today: Today,
}

impl Rules {
    /// Presence of a person at an instant, from the punches up to then. The punches of the last three days are enough.
    ///
    /// When no later punch can belong to a shift, its person is not inside any more, also without an OUT.
    ///
    /// # Errors
    ///
    /// The same as [`evaluate`](Self::evaluate).
    ///
    /// ```
    /// use attendance_rules::{Policy, Punch, Rules, Today};
    /// use facekit::{Direction, PersonId};
    ///
    /// let rules = Rules::new(Policy::default())?;
    /// let anna = PersonId::new("anna")?;
    /// let punch = Punch::new("1", anna.clone(), "2026-03-02T09:00:00Z".parse()?);
    /// let presence = rules.presence(&anna, &[punch], &[], "2026-03-02T11:00:00Z".parse()?)?;
    /// assert_eq!(presence.inside_since, Some("2026-03-02T09:00:00Z".parse()?));
    /// assert_eq!(presence.today, Today::Present);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn presence(
        &self,
        person: &PersonId,
        punches: &[Punch],
        corrections: &[Correction],
        at: Timestamp,
    ) -> Result<Presence> {
        let now = Instant::checked(at, || "at".to_owned())?;
        let day = self.zone.day(now);
        let date = day.date();
        let ledger = self.evaluate(person, punches, corrections, Period::new(date, date)?, at)?;
        let inside_since = inside_since(&ledger);
        let plan = self.plan(person);
        let day_plan = self.day_plan(plan, day);
        let starts_on = |shift: &ShiftRecord| {
            let start = shift.scheduled.map_or(shift.opened, |hours| hours.0);
            self.zone.day(Instant::of(start))
        };
        let came = inside_since.is_some() || ledger.shifts.iter().any(|it| starts_on(it) == day);
        let today = if came {
            Today::Present
        } else if !day_plan.employed {
            Today::NotEmployed
        } else if !day_plan.scheduled || (day_plan.free && day_plan.leave.is_none()) {
            Today::Free
        } else if day_plan.free {
            Today::OnLeave
        } else {
            match self.latest_arrival(day, &day_plan) {
                Some(latest) if now > latest => Today::Absent,
                _ => Today::Expected,
            }
        };
        Ok(Presence {
            person: person.clone(),
            at: now.timestamp(),
            inside_since,
            today,
        })
    }

    /// The last second at which a person is not late on a day. Shifts in a free half do not matter.
    fn latest_arrival(&self, day: DayNumber, plan: &DayPlan<'_>) -> Option<Instant> {
        let latest = plan.shifts.iter().filter_map(|&shift| {
            let (start, end) = self.owed(day, plan, self.hours(day, shift))?;
            let rule = &self.shifts[shift];
            Some(if rule.flexible {
                end
            } else {
                start + rule.late_after
            })
        });
        latest.min()
    }
}

/// The time since which a person is inside: the first IN after the last OUT of a shift that is not over.
fn inside_since(ledger: &Ledger) -> Option<Timestamp> {
    let last = ledger.shifts.last()?;
    if last.is_final || last.refused || last.automatic_out.is_some() {
        return None;
    }
    let mut since = None;
    for it in &ledger.outcomes {
        match it.outcome {
            PunchVerdict::Assigned { shift, direction } if shift + 1 == ledger.shifts.len() => {
                since = match direction {
                    Direction::Entry => since.or(Some(it.at)),
                    Direction::Exit => None,
                };
            }
            _ => {}
        }
    }
    since
}
