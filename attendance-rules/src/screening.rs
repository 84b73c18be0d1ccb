//! Screening: finds records whose time cannot be right, because the clock of a device was wrong.

use std::collections::BTreeMap;

use facekit::PersonId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    punch::Punch,
    time::{DAY, Instant},
};

/// Records of a device that are further apart than this are not from one time of operation, in seconds.
const APART: i64 = 62 * DAY;

/// A small group of records this far from the others is not from another time of operation, in seconds.
const FAR_APART: i64 = 366 * DAY;

/// A group with fewer records is small.
const SMALL: usize = 10;

/// The records of devices, without those whose time is implausible. A device whose clock was reset makes such records: one of
/// them can stretch a report by years.
///
/// A record is implausible if
///
/// - it is later than the time of evaluation (`future`), or
/// - it is more than 62 days from all other records of its device (`wrong_clock`). The same holds for a group of records that
///   is that far from all others, if the group has at most a quarter of the records of the device's largest group, or if it has
///   fewer than ten records and is more than a year away. The largest group is plausible; of equal ones, the latest. What
///   remains is judged once more with all devices as one. Records without a device count as one device.
///
/// Records from `from` on are always plausible, up to the time of evaluation.
///
/// ```
/// use attendance_rules::{Punch, Screening};
/// use facekit::PersonId;
///
/// let anna = PersonId::new("anna")?;
/// let punches = ["2018-01-01T00:01:00Z", "2026-03-02T08:00:00Z", "2026-03-02T16:00:00Z", "2026-06-06T12:35:00Z"];
/// let punches = punches.map(|at| Punch::new(at, anna.clone(), at.parse().unwrap()));
/// let screening = Screening::of(punches.into(), None, "2026-04-15T00:00:00Z".parse()?);
/// assert_eq!(screening.plausible.len(), 2);
/// let codes: Vec<&str> = screening.implausible.iter().map(|it| it.code.as_str()).collect();
/// assert_eq!(codes, ["wrong_clock", "future"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Screening {
    /// The other records, in the order in which they were given.
    pub plausible: Vec<Punch>,
    /// The implausible records, in the order in which they were given.
    pub implausible: Vec<ScreenedPunch>,
    /// Plausible records that are out of order in the log of their device: a record is more than a day later than the record
    /// of the same person after it. The clock may have been ahead for some time. The code is `out_of_order`.
    pub out_of_order: Vec<ScreenedPunch>,
}

/// A record with a reason to doubt its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScreenedPunch {
    /// The record.
    pub punch: Punch,
    /// A stable code: `future`, `wrong_clock` or `out_of_order`.
    pub code: String,
    /// The reason, for people.
    pub reason: String,
}

impl ScreenedPunch {
    fn new(punch: Punch, code: &str, reason: impl Into<String>) -> Self {
        Self {
            punch,
            code: code.to_owned(),
            reason: reason.into(),
        }
    }
}

impl Screening {
    /// Screens records of any number of people, in the order of the log. `from` is the start of the period if the caller chose
    /// it, and `as_of` the time of evaluation.
    #[must_use]
    pub fn of(punches: Vec<Punch>, from: Option<Timestamp>, as_of: Timestamp) -> Self {
        let mut reasons: Vec<Option<(&str, String)>> = vec![None; punches.len()];
        for (punch, reason) in punches.iter().zip(&mut reasons) {
            if punch.at > as_of {
                *reason = Some(("future", format!("it is later than {as_of}")));
            }
        }
        let is_chosen = |punch: &Punch| from.is_some_and(|from| punch.at >= from);
        // The records by device, then all of them.
        for by_device in [true, false] {
            let mut devices: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
            for (index, punch) in punches.iter().enumerate() {
                if reasons[index].is_none() {
                    let device = punch.device.as_deref().filter(|_| by_device);
                    devices.entry(device).or_default().push(index);
                }
            }
            for indices in devices.into_values() {
                for (index, days) in isolated(&punches, indices) {
                    if !is_chosen(&punches[index]) {
                        let of = if by_device { " of its device" } else { "" };
                        let reason = format!("it is {days} days from the other records{of}");
                        reasons[index] = Some(("wrong_clock", reason));
                    }
                }
            }
        }
        let mut screening = Self::default();
        for (punch, reason) in punches.into_iter().zip(reasons) {
            match reason {
                Some((code, reason)) => screening
                    .implausible
                    .push(ScreenedPunch::new(punch, code, reason)),
                None => screening.plausible.push(punch),
            }
        }
        screening.out_of_order = out_of_order(&screening.plausible);
        screening
    }
}

/// The records that are far from the others, each with the days between.
fn isolated(punches: &[Punch], mut indices: Vec<usize>) -> Vec<(usize, i64)> {
    let at = |index: usize| Instant::of(punches[index].at);
    indices.sort_by_key(|&index| at(index));
    let groups: Vec<&[usize]> = indices
        .chunk_by(|&one, &other| at(other) - at(one) <= APART)
        .collect();
    // Of groups of the same size, the latest is the main one.
    let Some(main) = groups.iter().max_by_key(|group| group.len()) else {
        return Vec::new();
    };
    let (main_first, main_last) = (at(main[0]), at(main[main.len() - 1]));
    let mut found = Vec::new();
    for group in &groups {
        let (first, last) = (at(group[0]), at(group[group.len() - 1]));
        // 0 for the main group.
        let away = (main_first - last).max(first - main_last).max(0);
        let is_small = group.len() * 4 <= main.len() || group.len() < SMALL && away > FAR_APART;
        if away > 0 && (group.len() == 1 || is_small) {
            found.extend(group.iter().map(|&index| {
                let distance = (main_first - at(index)).max(at(index) - main_last);
                (index, distance / DAY)
            }));
        }
    }
    found
}

/// Records that are more than a day later than the next record of the same person at the same device. If there are many of
/// them, the file is not in the order of a log.
fn out_of_order(punches: &[Punch]) -> Vec<ScreenedPunch> {
    let mut logs: BTreeMap<(&PersonId, Option<&str>), Vec<&Punch>> = BTreeMap::new();
    for punch in punches {
        let log = logs.entry((&punch.person, punch.device.as_deref()));
        log.or_default().push(punch);
    }
    let mut found = Vec::new();
    for mut log in logs.into_values() {
        let backwards = log.windows(2).filter(|pair| pair[1].at < pair[0].at);
        if backwards.count() * 2 >= log.len() {
            log.reverse();
        }
        let at = |index: usize| Instant::of(log[index].at);
        let jumps = (1..log.len()).filter(|&index| at(index - 1) - at(index) > DAY);
        let jumps: Vec<usize> = jumps.collect();
        if jumps.len() > 1 + log.len() / 10 {
            continue;
        }
        for index in jumps {
            // Without the wrong record, the log is in order.
            let fell_back = index + 1 < log.len()
                && at(index - 1) <= at(index + 1)
                && (index < 2 || at(index - 2) > at(index));
            let (wrong, reason) = if fell_back {
                let before = log[index - 1].at;
                (
                    log[index],
                    format!("it is earlier than the record before it, {before}"),
                )
            } else {
                let after = log[index].at;
                (
                    log[index - 1],
                    format!("it is later than the record after it, {after}"),
                )
            };
            found.push(ScreenedPunch::new(wrong.clone(), "out_of_order", reason));
        }
    }
    found
}
