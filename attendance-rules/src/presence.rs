//! Who is here, at an instant.

use facekit::{Direction, PersonId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Correction, Half, Ledger, Outcome, Period, Punch, Result, Rules, ShiftRecord,
    rules::DayPlan,
    time::{checked, date_of, seconds_of, timestamp_of},
};

/// What a person's day is so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Today {
    /// Was here, or is.
    Present,
    /// Should come, and is not late yet.
    Expected,
    /// Should have come.
    Absent,
    /// On leave for the whole day.
    OnLeave,
    /// Nothing is expected: a rest day or a holiday.
    Free,
    /// Has not joined yet, or has left.
    NotEmployed,
}

/// Where a person is, at an instant. See [`Rules::presence`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Presence {
    /// Who.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// Since when the person is inside; `None` for whoever is not.
    pub inside_since: Option<Timestamp>,
    /// What the day of the site is so far, by the shifts that start on it.
    pub today: Today,
}

impl Rules {
    /// Where a person is at an instant, by the punches until then. Those of the last three days suffice.
    ///
    /// Somebody whose shift no punch can belong to any more is not inside, with or without an OUT.
    ///
    /// # Errors
    ///
    /// As [`evaluate`](Self::evaluate).
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
        let second = checked(at, || "at".to_owned())?;
        let day = self.zone.day(second);
        let date = date_of(day);
        let ledger = self.evaluate(person, punches, corrections, Period::new(date, date)?, at)?;
        let inside_since = inside_since(&ledger);
        let plan = self.plan(person);
        let is = self.day_plan(plan, day);
        let starts_on = |shift: &ShiftRecord| {
            let start = shift.scheduled.map_or(shift.opened, |hours| hours.0);
            self.zone.day(seconds_of(start))
        };
        let came = inside_since.is_some() || ledger.shifts.iter().any(|it| starts_on(it) == day);
        let today = if came {
            Today::Present
        } else if !is.employed {
            Today::NotEmployed
        } else if !is.scheduled || (is.free && is.leave.is_none()) {
            Today::Free
        } else if is.free {
            Today::OnLeave
        } else {
            match self.due(day, &is) {
                Some(due) if second > due => Today::Absent,
                _ => Today::Expected,
            }
        };
        Ok(Presence {
            person: person.clone(),
            at: timestamp_of(second),
            inside_since,
            today,
        })
    }

    /// Until when somebody should have come on a day, by what is not free of its shifts.
    fn due(&self, day: i32, plan: &DayPlan<'_>) -> Option<i64> {
        let middle = self.middle(day, plan);
        let (from, to) = match plan.half {
            Some(Half::Morning) => (middle, i64::MAX),
            Some(Half::Afternoon) => (i64::MIN, middle),
            None => (i64::MIN, i64::MAX),
        };
        let due = plan.shifts.iter().filter_map(|&shift| {
            let (start, end) = self.hours(day, shift);
            let (start, end) = (start.max(from), end.min(to));
            let rule = &self.shifts[shift];
            let due = if rule.flexible {
                end
            } else {
                start + rule.late_after
            };
            (start < end).then_some(due)
        });
        due.min()
    }
}

/// Since when somebody is inside: the first IN after the last OUT of a shift that is not over.
fn inside_since(ledger: &Ledger) -> Option<Timestamp> {
    let last = ledger.shifts.last()?;
    if last.is_final || last.refused || last.automatic_out.is_some() {
        return None;
    }
    let mut since = None;
    for it in &ledger.outcomes {
        match it.outcome {
            Outcome::Assigned { shift, direction } if shift + 1 == ledger.shifts.len() => {
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
