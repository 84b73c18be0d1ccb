//! The plan of four weeks: who came and went when. A seed draws it, so that it is the same each time, counted from today.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};

/// The days before today that have punches.
pub(super) const DAYS: i64 = 28;

/// The latest punches are this old, so that they come before what the cameras see.
const BEFORE: SignedDuration = SignedDuration::from_mins(3);

/// The way in which a person works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// From nine to five on working days.
    Office,
    /// As [`Habit::Office`], but today the person has not come yet.
    ComesLater,
    /// From ten in the evening to six in the morning, on working days.
    Night,
}

/// A step of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The time at which it was made.
    pub(super) at: Timestamp,
    /// The position of the person.
    pub(super) person: usize,
    /// The kind.
    pub(super) act: Act,
}

/// The kind of a [`Step`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The person was seen by a device.
    Seen,
    /// Somebody added the OUT that the person forgot.
    AddOut {
        /// The time of the OUT.
        at: Timestamp,
        /// The reason.
        reason: &'static str,
    },
}

/// The steps before `now`, the earliest first. `habits` has the people by position.
pub(super) fn plan(habits: &[Habit], zone: &TimeZone, now: Timestamp) -> Vec<Step> {
    let today = now.to_zoned_datetime(zone.clone()).date();
    let mut steps = Vec::new();
    for (person, &habit) in habits.iter().enumerate() {
        for back in 0..=DAYS {
            let Ok(date) = today.checked_sub(SignedDuration::from_hours(24 * back)) else {
                continue;
            };
            let day = Day {
                person,
                back,
                date,
                zone,
            };
            match habit {
                _ if !is_working_day(date) => {}
                Habit::ComesLater if back == 0 => {}
                Habit::Office | Habit::ComesLater => day.office(&mut steps),
                Habit::Night => day.night(&mut steps),
            }
        }
    }
    let last = now.saturating_sub(BEFORE).unwrap_or(now);
    steps.retain(|step| step.at < last);
    steps.sort_by_key(|step| (step.at, step.person));
    steps
}

/// A person on a day.
struct Day<'a> {
    person: usize,
    /// The days before today.
    back: i64,
    date: Date,
    zone: &'a TimeZone,
}

/// The draws of a day. Each one has a number of its own, so that one more draw leaves the others.
#[derive(Clone, Copy)]
enum Draw {
    Absent,
    Late,
    Arrival,
    HasLunch,
    LunchStart,
    LunchLength,
    LeavesEarly,
    Departure,
    Forgets,
    IsCorrected,
    Correction,
    Second,
}

/// Reasons of corrections.
const REASONS: [&str; 3] = [
    "Forgot to check out.",
    "Left through the yard, the terminal is at the front.",
    "Talked to the courier at the door and forgot it.",
];

impl Day<'_> {
    fn office(&self, steps: &mut Vec<Step>) {
        if self.chance(Draw::Absent, 4) {
            return;
        }
        let arrival = if self.chance(Draw::Late, 9) {
            self.between(Draw::Arrival, 9 * 60 + 8, 9 * 60 + 50)
        } else {
            self.between(Draw::Arrival, 8 * 60 + 31, 9 * 60 + 3)
        };
        self.seen(steps, arrival);
        if self.chance(Draw::HasLunch, 60) {
            let start = self.between(Draw::LunchStart, 12 * 60 + 2, 12 * 60 + 25);
            self.seen(steps, start);
            self.seen(steps, start + self.between(Draw::LunchLength, 22, 38));
        }
        let departure = if self.chance(Draw::LeavesEarly, 6) {
            self.between(Draw::Departure, 15 * 60 + 40, 16 * 60 + 45)
        } else {
            self.between(Draw::Departure, 17 * 60 + 1, 17 * 60 + 55)
        };
        if !self.chance(Draw::Forgets, 6) {
            self.seen(steps, departure);
        } else if self.chance(Draw::IsCorrected, 70) {
            // On the next working day. The others stay to be reviewed.
            let mut date = self.date;
            loop {
                date = date.tomorrow().unwrap_or(Date::MAX);
                if is_working_day(date) {
                    break;
                }
            }
            let made = self.between(Draw::Correction, 9 * 60 + 20, 10 * 60 + 10);
            let reason = REASONS[self.draw(Draw::Correction) as usize % REASONS.len()];
            let (Some(at), Some(out)) = (self.at(date, made), self.at(self.date, departure)) else {
                return;
            };
            steps.push(Step {
                at,
                person: self.person,
                act: Act::AddOut { at: out, reason },
            });
        }
    }

    fn night(&self, steps: &mut Vec<Step>) {
        let arrival = if self.chance(Draw::Late, 8) {
            self.between(Draw::Arrival, 22 * 60 + 4, 22 * 60 + 20)
        } else {
            self.between(Draw::Arrival, 21 * 60 + 46, 21 * 60 + 58)
        };
        self.seen(steps, arrival);
        self.seen(steps, self.between(Draw::Departure, 30 * 60, 30 * 60 + 9));
    }

    /// The person is seen, so many minutes after midnight.
    fn seen(&self, steps: &mut Vec<Step>, minutes: i64) {
        let (days, minutes_of_day) = (minutes / (24 * 60), minutes % (24 * 60));
        let date = self
            .date
            .checked_add(SignedDuration::from_hours(24 * days))
            .unwrap_or(self.date);
        if let Some(at) = self.at(date, minutes_of_day) {
            steps.push(Step {
                at,
                person: self.person,
                act: Act::Seen,
            });
        }
    }

    fn at(&self, date: Date, minutes: i64) -> Option<Timestamp> {
        // Both are in range: minutes of a day, and seconds of a minute.
        let (hour, minute) = (
            i8::try_from(minutes / 60).ok()?,
            i8::try_from(minutes % 60).ok()?,
        );
        let second = i8::try_from((self.draw(Draw::Second) ^ minutes.unsigned_abs()) % 60).ok()?;
        let local = date.at(hour, minute, second, 0);
        Some(local.to_zoned_datetime(self.zone.clone()).ok()?.timestamp())
    }

    fn chance(&self, draw: Draw, percent: u64) -> bool {
        self.draw(draw) % 100 < percent
    }

    fn between(&self, draw: Draw, from: i64, to: i64) -> i64 {
        let width = (to - from + 1).unsigned_abs();
        // The low digits decide about chances.
        from + i64::try_from(self.draw(draw) / 1000 % width).unwrap_or_default()
    }

    /// A number of the day, by SplitMix64.
    fn draw(&self, draw: Draw) -> u64 {
        let seed = (self.person as u64) << 32 | self.back.unsigned_abs() << 8 | draw as u64;
        let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn is_working_day(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Friday, at eleven in Berlin.
    const NOW: &str = "2026-03-27T10:00:00Z";

    fn office() -> Vec<Step> {
        let mut habits = vec![Habit::Office; 10];
        habits.extend([Habit::ComesLater, Habit::Night]);
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        plan(&habits, &zone, NOW.parse().unwrap())
    }

    #[test]
    fn four_weeks_have_what_an_office_has() {
        let steps = office();
        assert_eq!(steps, office(), "the same each time");
        assert!(steps.is_sorted_by_key(|step| step.at));
        let now: Timestamp = NOW.parse().unwrap();
        assert!(steps.iter().all(|step| step.at < now - BEFORE));
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let local = |step: &Step| step.at.to_zoned_datetime(zone.clone()).datetime();
        let seen = |person: usize| {
            let steps = steps.iter().filter(move |step| step.person == person);
            steps.filter(|step| step.act == Act::Seen)
        };
        assert!((60..80).contains(&seen(0).count()), "{}", seen(0).count());
        let late = steps.iter().filter(|step| {
            let at = local(step);
            at.hour() == 9 && (8..=50).contains(&at.minute()) && step.act == Act::Seen
        });
        assert!(late.count() >= 5);
        let corrections = steps.iter().filter(|step| step.act != Act::Seen).count();
        assert!(corrections >= 3, "{corrections}");
        // An even number of punches a day, but for forgotten ones.
        let odd = (0..10)
            .map(|person| seen(person).count() % 2)
            .sum::<usize>();
        assert!(odd > 0, "nobody forgot anything, or everybody twice");
        assert!(seen(11).all(|step| matches!(local(step).hour(), 21 | 22 | 6)));
        let today = now.to_zoned_datetime(zone.clone()).date();
        assert!(seen(10).all(|step| local(step).date() < today));
        let is_today = |step: &Step| local(step).date() == today;
        assert!((0..10).any(|person| seen(person).any(is_today)));
    }
}
