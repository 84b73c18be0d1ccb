//! Files of holidays, for everybody and for single regions.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};
use attendance_files::read_holidays;
use attendance_rules::{Calendar, Period, Policy, Rules};

use crate::attendance_input::input;

/// A file of holidays, and the region that has them.
#[derive(Clone, Debug)]
pub(crate) struct HolidayFile {
    region: Option<String>,
    path: PathBuf,
}

impl HolidayFile {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (region, path) = match text.split_once('=') {
            // In ./a=b.ics, the sign is part of the path.
            Some((region, path)) if !region.contains(['/', '\\']) => (Some(region.trim()), path),
            _ => (None, text),
        };
        if path.is_empty() || region.is_some_and(str::is_empty) {
            return Err("write FILE, or REGION=FILE for the holidays of a region".to_owned());
        }
        Ok(Self {
            region: region.map(str::to_owned),
            path: path.into(),
        })
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }
}

/// The holidays of all files.
#[derive(Debug, Default)]
pub(crate) struct Calendars {
    everybody: Calendar,
    /// The holidays of each region, and a file that has some of them.
    regional: BTreeMap<String, (Calendar, PathBuf)>,
}

impl Calendars {
    /// The holidays of files. Their warnings are added to `notes`.
    pub(crate) fn read(
        files: &[(HolidayFile, Vec<u8>)],
        policy: &Policy,
        period: Period,
        notes: &mut Vec<String>,
    ) -> Result<Self> {
        let mut all = Self::default();
        for (file, bytes) in files {
            let read = read_holidays(bytes, &policy.site.time_zone, period);
            let read = input(&file.path, read)?;
            notes.extend(read.warnings.iter().map(ToString::to_string));
            let regional = read.regional.iter();
            let regional = regional.map(|(region, calendar)| (Some(region), calendar));
            let given = [(file.region.as_ref(), &read.calendar)];
            for (region, calendar) in given.into_iter().chain(regional) {
                let own = match region {
                    Some(region) => {
                        let new = || (Calendar::new(), file.path.clone());
                        &mut all.regional.entry(region.clone()).or_insert_with(new).0
                    }
                    None => &mut all.everybody,
                };
                for (date, holiday) in calendar.iter() {
                    own.add(date, &holiday.name, holiday.half);
                }
            }
        }
        Ok(all)
    }

    /// The rules with these holidays.
    pub(crate) fn add_to(self, rules: Rules) -> Result<Rules> {
        let mut rules = rules.with_calendar(self.everybody);
        for (region, (calendar, path)) in self.regional {
            let added = rules.with_regional_calendar(&region, calendar);
            rules = added.with_context(|| format!("{} cannot be used", path.display()))?;
        }
        Ok(rules)
    }
}
