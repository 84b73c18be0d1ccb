//! An attendance policy engine: sightings, punches and calendars go in; decisions, shifts and day records come out.
//!
//! ```
//! use attendance_rules::{Calendar, Period, Policy, Punch, Rules, Statistics, Status};
//! use facekit::{AttendancePolicy, PersonId, Sighting, Verdict};
//!
//! let policy = Policy::from_toml(
//!     r#"
//!     [site]
//!     time_zone = "Europe/Berlin"
//!
//!     [[shifts]]
//!     name = "night"
//!     start = "22:00"
//!     end = "06:00"
//!     overnight = true
//!     late_after = "5m"
//!
//!     [work]
//!     full_day = "6h"
//!     half_day = "3h"
//!     "#,
//! )?;
//! let rules = Rules::new(policy)?.with_calendar(Calendar::new());
//! let anna = PersonId::new("anna")?;
//!
//! // At the door: what a sighting means, at once.
//! let mut past = Vec::new();
//! let mut punches = Vec::new();
//! for (id, time) in [("1", "2026-03-27T20:58:00Z"), ("2", "2026-03-27T20:58:20Z"), ("3", "2026-03-28T05:02:00Z")] {
//!     let sighting = Sighting::new(anna.clone(), time.parse()?);
//!     let decision = rules.decide(&past, &sighting)?;
//!     match &decision.verdict {
//!         Verdict::Accepted { direction } => println!("{direction:?}"),
//!         Verdict::Duplicate { seconds_left } => println!("seen already; again in {seconds_left} s"),
//!         Verdict::Refused { reason, .. } => println!("{reason}"),
//!         _ => {}
//!     }
//!     past.extend(decision.mark(&sighting));
//!     punches.push(Punch::from_sighting(id, &sighting));
//! }
//!
//! // Afterwards: what the days were, as often as one likes.
//! let march = Period::new("2026-03-01".parse()?, "2026-03-31".parse()?)?;
//! let ledger = rules.evaluate(&anna, &punches, &[], march, "2026-04-02T12:00:00Z".parse()?)?;
//! let friday = ledger.days.iter().find(|day| day.shifts > 0).unwrap();
//! assert_eq!((friday.date.to_string().as_str(), friday.status), ("2026-03-27", Status::Present));
//! assert_eq!(friday.counted.to_string(), "8h 4m");
//! assert_eq!(Statistics::of(&ledger.days).present, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Tour
//!
//! A [`Policy`] says what a site wants; it is read from TOML or JSON, and every key has a default. [`Rules`] are a policy
//! made ready, with a [`Calendar`] of holidays and with [`Member`]s who join, leave, go on leave and have shifts of
//! their own. They have two moments of truth:
//!
//! 1. **At the sighting**, `facekit`'s [`AttendancePolicy`](facekit::AttendancePolicy) decides: entry, exit, duplicate with
//!    the seconds left, or refused with a reason, and anomalies with severity and data.
//! 2. **Over a period**, [`Rules::evaluate`] makes a [`Ledger`] of [`Punch`]es: what became of each ([`Outcome`]), the shifts
//!    that were worked ([`ShiftRecord`]), and the days ([`DayRecord`]).
//!
//! For punches that arrive in order the two agree; they are the same state machine. Late punches and [`Correction`]s, which
//! supersede and never edit, make another ledger, and a [`Revision`] lists what differs. [`Statistics`] sum days up;
//! [`Rules::presence`] says who is here. [`Session`]s are for classes and meetings: a window, a roster, once each.
//!
//! Instants, dates and times of day are jiff's: take its types from [`facekit::jiff`], so that they are of the same version.
//!
//! ## Rules that hold everywhere
//!
//! - **Nothing is read but arguments**: no file, no clock, no environment, no time-zone database of the system. Equal
//!   arguments give equal results, in whichever order punches arrived.
//! - **Time** is whole seconds of UTC; a fraction is dropped. Lengths of time are [`Seconds`], never floats. Times of day
//!   are the site's. One that occurs twice, when clocks go back, is the first of the two; one that is skipped moves on by
//!   what is skipped. A day that the date line skipped has no record.
//! - **An open shift is closed first.** A scan of unknown direction is the exit of a shift that somebody is in, as long as the
//!   shift can reach it, and otherwise an entry. Where windows overlap, the earlier shift's ends when the shift does.
//! - **Nothing is silent.** Each punch belongs to one shift, or is reported as suppressed, superseded or unassigned, with a
//!   code and a reason. Automatic OUTs are marked as such. A missing OUT on a day with thresholds makes it incomplete.
//! - **A day is final** when it is over and no punch to come can belong to its shifts.
//! - **Parts add up**: worked, paid break, unpaid break and uncounted time are the elapsed time, before rounding.
//!
//! ## From punches to what counts
//!
//! Spans from the punches ([`Count`]); an automatic OUT where one is missing ([`MissingOut`]); rounding of their ends
//! ([`Rounding`]); the payable window ([`Work::before_start`], [`Work::after_end`]); the days that shifts count for, with what
//! is expected of them ([`DayOf`]); the breaks of each day, first those at fixed times, then those after work ([`Break`]);
//! rounding of the sum; and of that sum, status, balance, overtime ([`Overtime`]) and windows such as the night ([`Window`]).
//!
//! On half-holidays and half days of leave, what is expected and the thresholds are halved, coming late or leaving early in
//! the free half is not judged, and no automatic OUT pays it.
//!
//! # What is not supported
//!
//! - Pay: rates, premiums and accruals. The times are here; what they cost is another system's.
//! - Several time zones in one policy. Each site has its own rules.
//! - Times before 1900 and after 2200.
//!
//! # Crate features
//!
//! - **ical** (default): `Calendar::from_ics` and `SessionSeries`, holidays from ICS files and sessions by RRULE.

mod breaks;
mod calendar;
mod day;
mod decide;
mod error;
mod evaluate;
#[cfg(feature = "ical")]
mod ical;
mod interval;
mod overtime;
mod policy;
mod presence;
mod punch;
mod record;
mod revision;
mod rules;
mod scan;
mod session;
mod statistics;
mod time;
mod work;

pub use calendar::*;
pub use error::*;
pub use policy::*;
pub use presence::*;
pub use punch::*;
pub use record::*;
pub use revision::*;
pub use rules::Rules;
pub use session::*;
pub use statistics::*;
pub use time::Seconds;
