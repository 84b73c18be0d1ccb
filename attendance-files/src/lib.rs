//! Reads the files that attendance systems export, into the types of [`attendance_rules`].
//!
//! ```
//! use attendance_files::read_punches;
//! use attendance_rules::{FileLayout, Period, Policy, Rules};
//! use jiff::tz::TimeZoneDatabase;
//!
//! // The log of a ZKTeco terminal: person, time, device, kind, way of verification, work code.
//! let log = "101\t2026-03-02 08:00:12\t1\t0\t1\t0\n101\t2026-03-02 17:01:02\t1\t1\t1\t0\n";
//! let zone = TimeZoneDatabase::bundled().get("Asia/Manila")?;
//! let read = read_punches(log.as_bytes(), &zone, &FileLayout::default())?;
//!
//! let rules = Rules::new(Policy::from_toml("[site]\ntime_zone = \"Asia/Manila\"")?)?;
//! let day = Period::new("2026-03-02".parse()?, "2026-03-02".parse()?)?;
//! let person = read.punches[0].person.clone();
//! let ledger = rules.evaluate(&person, &read.punches, &[], day, "2026-03-04T00:00:00Z".parse()?)?;
//! assert_eq!(ledger.days[0].counted.to_string(), "9h 50s");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Tour
//!
//! [`read_punches`] reads punches, [`read_members`] members, [`read_holidays`] holidays, [`read_corrections`] corrections and
//! [`read_sessions`] sessions. Each takes the bytes of a file. The content says which format it has, so no file name is needed,
//! and nothing else is read.
//!
//! - **Formats.** Text with commas, semicolons, tabs or vertical bars between the fields; `attlog.dat` of ZKTeco; `.xlsx`; a JSON
//!   list; ICS for holidays. Text is UTF-8, UTF-16 or Windows-1252.
//! - **Columns** are found by common names. [`Columns`](attendance_rules::Columns) states others, by name or by number.
//! - **Times** have an offset, or are local times. Dates are 2026-03-02, 2026/03/02, 20260302, 02.03.2026, 2 Mar 2026, or
//!   02/03/2026. In the last form, the whole column decides whether the day or the month is first. If it does not,
//!   [`FileLayout::dates`](attendance_rules::FileLayout::dates) must say it. A date without a time is an error.
//! - **Kinds** are words such as `IN`, `C/Out`, `o` or `Break Out`, or the codes of ZKTeco: 0, 3 and 4 for IN, 1, 2 and 5 for OUT.
//!   [`FileLayout::kinds`](attendance_rules::FileLayout::kinds) states others.
//! - **Errors** list all rows that cannot be used, with their line. A file with such a row gives no punches.
//! - **Size.** A text needs a few times its size in memory. An `.xlsx` file is compressed: a file that has more than 512 MiB after
//!   decompression, or a sheet with more than 256 MiB of text, is an error.
//! - **Tables and JSON.** A table has one row for each punch, member or holiday. What has lists needs JSON: schedules, contracts,
//!   leave and single days of members ([`read_members`]), corrections and sessions.
//! - **Ids** are compared exactly. [`similar_ids`] finds those that differ only by case or spaces.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod columns;
mod corrections;
mod delimited;
mod encoding;
mod error;
mod holidays;
mod ids;
mod json;
mod kinds;
mod layout;
mod members;
mod moment;
mod punches;
mod table;
mod workbook;

pub use {
    corrections::corrections_by_person,
    error::{Error, Place, Result, RowError, Warning},
    holidays::{Holidays, read_holidays},
    ids::similar_ids,
    layout::{columns_from_text, date_order_from_text, kinds_from_text},
    members::{Items, read_corrections, read_members, read_sessions},
    punches::{Punches, read_punches},
};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
