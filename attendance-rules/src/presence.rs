//! Who is here, at an instant.

use facekit::PersonId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Correction, Period, Punch, Result, Rules, Status,
    time::{checked, date_of, timestamp_of},
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
    /// What the day of the site is so far.
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
    /// use facekit::PersonId;
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
        let last = ledger.shifts.last();
        let inside = last.filter(|shift| shift.open && !shift.is_final && !shift.refused);
        // Of an open shift the last punch is the IN; of one counted from first to last, the only one.
        let inside_since = inside.map(|shift| shift.closed);
        let plan = self.plan(person);
        let is = self.day_plan(plan, day);
        let came = ledger.days.iter().any(|day| day.shifts > 0) || inside.is_some();
        let today = if came {
            Today::Present
        } else if !is.employed {
            Today::NotEmployed
        } else if !is.scheduled || (is.free && is.leave.is_none()) {
            Today::Free
        } else if is.free || ledger.days.iter().any(|day| day.status == Status::OnLeave) {
            Today::OnLeave
        } else {
            let due = is.shifts.iter().map(|&shift| {
                let (start, end) = self.hours(day, shift);
                let rule = &self.shifts[shift];
                if rule.flexible {
                    end
                } else {
                    start + rule.late_after
                }
            });
            match due.min() {
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
}
