//! An attendance policy engine: it makes decisions, shifts and day records from sightings, punches and calendars.
//!
//! ```
//! use attendance_rules::{Calendar, DayCount, Period, Policy, Punch, Rules, Statistics, Status};
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
//! // At the door: a decision on each sighting.
//! let mut past = Vec::new();
//! let mut punches = Vec::new();
//! for (id, time) in [("1", "2026-03-27T20:58:00Z"), ("2", "2026-03-27T20:58:20Z"), ("3", "2026-03-28T05:02:00Z")] {
//!     let sighting = Sighting::new(anna.clone(), time.parse()?);
//!     let decision = rules.decide(&past, &sighting)?;
//!     match &decision.verdict {
//!         Verdict::Accepted { direction } => println!("{direction:?}"),
//!         Verdict::Duplicate { seconds_left } => println!("already seen; again in {seconds_left} s"),
//!         Verdict::Refused { reason, .. } => println!("{reason}"),
//!         _ => {}
//!     }
//!     past.extend(decision.mark(&sighting));
//!     punches.push(Punch::from_sighting(id, &sighting));
//! }
//!
//! // Later: the records of the days.
//! let march = Period::new("2026-03-01".parse()?, "2026-03-31".parse()?)?;
//! let ledger = rules.evaluate(&anna, &punches, &[], march, "2026-04-02T12:00:00Z".parse()?)?;
//! let friday = ledger.days.iter().find(|day| day.shifts > 0).unwrap();
//! assert_eq!((friday.date.to_string().as_str(), friday.status), ("2026-03-27", Status::Present));
//! assert_eq!(friday.counted.to_string(), "8h 4m");
//! assert_eq!(Statistics::of(&ledger.days).present, DayCount::ONE);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Tour
//!
//! A [`Policy`] has the rules of a site. It is read from TOML or JSON, and each key has a default. [`Rules`] are a checked
//! policy with a [`Calendar`] of holidays and with [`Member`]s, who join and leave, take leave, and can have shifts and
//! contracts of their own. Rules are applied twice:
//!
//! 1. **On a sighting**, `facekit`'s [`AttendancePolicy`](facekit::AttendancePolicy) decides: entry, exit, duplicate with the
//!    seconds left, or refused with a reason. Anomalies have a severity and data.
//! 2. **Over a period**, [`Rules::evaluate`] makes a [`Ledger`] from [`Punch`]es: the [`PunchVerdict`] of each punch, the worked
//!    shifts ([`ShiftRecord`]), and the days ([`DayRecord`]).
//!
//! Both use the same state machine, so they agree for punches that arrive in order. Late punches and [`Correction`]s give a new
//! ledger; records are never edited. A [`Revision`] lists the differences. [`Statistics`] sum days up, and [`Rules::presence`]
//! says who is present. [`Session`]s are for classes and meetings: a time window and a roster, in which each person is marked
//! once.
//!
//! Instants, dates and times of day are types of jiff. Use [`facekit::jiff`] to get the same version.
//!
//! ## General rules
//!
//! - **Arguments are the only input.** No file, clock, environment variable or time-zone database of the system is read. Equal
//!   arguments give equal results, and the order of the punches does not matter.
//! - **Time** is in whole seconds of UTC; a fraction is dropped. Lengths of time are [`Seconds`], never floats. Times of day are
//!   local times of the site. A local time that occurs twice, when clocks go back, is the first of the two. A local time that is
//!   skipped moves on by the length of the gap. A day that the date line skips has no record.
//! - **An open shift is closed first.** A scan of unknown direction is the exit of the shift that the person is in, up to the
//!   maximum length of a stay. Otherwise it is an entry. After the margin of the shift, a scan near the start of another shift
//!   opens that shift. Where windows overlap, the window of the earlier shift ends when that shift ends.
//! - **Margins decide to which shift a punch belongs, not how much counts.** A person who stays longer, or comes up to
//!   [`Assignment::early_arrival`] before the shift, keeps that time. [`Work::before_start`] and [`Work::after_end`] limit it.
//! - **Doubt is reported.** Each such punch has an anomaly, and the day has it in [`DayRecord::notes`].
//! - **Each punch has an outcome.** It belongs to one shift, or it is reported as suppressed, superseded or unassigned, with a
//!   code and a reason. Automatic OUTs are marked. A missing IN or OUT makes the day incomplete if the policy has thresholds.
//! - **A day is final** when it is over and no later punch can belong to its shifts.
//! - **Parts add up.** Worked time, paid breaks, unpaid breaks and uncounted time are together the elapsed time, before
//!   rounding.
//!
//! ## From punches to counted time
//!
//! 1. Spans are made from the punches ([`Count`]), with an automatic OUT for a missing one ([`MissingOut`]).
//! 2. Their ends are rounded ([`Rounding`]) and limited to the payable window ([`Work::before_start`], [`Work::after_end`]).
//! 3. Shifts and their expected time are assigned to days ([`DayOf`]).
//! 4. The breaks of each day are taken: first those at fixed times, then those after a length of work ([`Break`]).
//! 5. The sum of the day is rounded. It gives the status, the balance, the overtime ([`Overtime`]) and the time within windows
//!    such as the night ([`Window`]).
//!
//! On half-holidays and half days of leave, the expected time and the thresholds are halved. The middle of the working time
//! divides the day: of a shift from 09:00 to 18:00 with lunch from 13:00 to 14:00, the second half begins at 14:00. Lateness and
//! early leaving are recorded in the half that is owed, and an automatic OUT does not count time in the free half. Leave by the
//! hour lowers the expected time by the working time in it, and the thresholds in proportion.
//!
//! # Status of a day
//!
//! The first line that applies gives the [`Status`]. [`Work::full_day`] and [`Work::half_day`] are the thresholds; a shift or
//! [`Terms`] can have their own.
//!
//! 1. A punch is missing, and the known time is less than a full day: INCOMPLETE. Without a threshold, each day with a missing
//!    punch is incomplete.
//! 2. Less than half a day: ABSENT if work was due, ON_LEAVE on a day of leave, else FREE.
//! 3. Less than a full day: HALF_DAY.
//! 4. Else PRESENT.
//!
//! Thresholds that are not stated follow from what is expected. A full day is three quarters of the expected time of the day,
//! less the graces of its shifts: 6 h of 8 h. By default, no work is too short for half a day if work was due. On a day without
//! work due, a full day is three quarters of an ordinary day, and half a day is half of that: 6 h and 3 h. If nothing is
//! expected, all work is a full day.
//!
//! # Not supported
//!
//! - Pay: rates, premiums and accruals. The crate computes times only.
//! - Several time zones in one policy. Use separate rules for each site.
//! - Times before 1900 and from 2200 on.
//!
//! # Crate features
//!
//! - **ical** (default): `Calendar::from_ics` for holidays from ICS files, and `SessionSeries` for sessions by an RRULE.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
mod breaks;
mod calendar;
mod correction;
mod cycle;
mod day;
mod day_count;
mod day_notes;
mod decide;
mod due;
mod error;
mod evaluate;
mod expected;
#[cfg(feature = "ical")]
mod ical;
mod interval;
mod log_time;
mod overtime;
mod owed;
mod plan;
mod planning;
mod policy;
mod presence;
mod punch;
mod ready;
mod record;
#[cfg(feature = "ical")]
mod recurrence;
mod refusal;
mod revision;
mod rules;
mod scan;
mod schema;
mod screening;
mod seconds;
#[cfg(feature = "ical")]
mod series;
mod session;
mod spelling;
mod statistics;
mod time;
mod work;
mod zone;
mod zone_names;

#[cfg(feature = "ical")]
pub use series::SessionSeries;
pub use {
    calendar::{Calendar, Employment, Half, Holiday, Hours, Leave, Member, Period, ShiftsOn},
    correction::{Change, Correction},
    day_count::DayCount,
    error::{Error, Result},
    log_time::{LogReading, LogTime},
    policy::{
        Action, Anomalies, Assignment, Break, Columns, Count, DailyOvertime, DateOrder, Day, DayOf,
        Deduct, FileLayout, HolidayOn, IgnoreKinds, LowLiveness, MissingOut, OnTime, OutOfHours,
        OutsideWindows, Overtime, Place, Policy, Reaction, RestDay, Round, RoundTo, Rounding,
        Scans, Schedule, Shift, Site, StatisticsPolicy, Terms, TooManyScans, Window, Work,
    },
    presence::{Presence, Today},
    punch::{Punch, PunchId, PunchKind, PunchSource},
    record::{
        DayRecord, Ledger, OvertimeTimes, PunchOutcome, PunchVerdict, ShiftRecord, Status, Times,
        WindowTime,
    },
    revision::{DayChange, PunchChange, Revision},
    rules::Rules,
    screening::{ScreenedPunch, Screening},
    seconds::Seconds,
    session::{
        RefusedPunch, Session, SessionMark, SessionRules, SessionSheet, SessionStatus, Unmarked,
    },
    statistics::{Rate, Statistics},
};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
