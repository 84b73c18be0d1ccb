//! The state machine that reads the scans of a person in order of time. It decides whether a scan counts, its direction, and
//! its shift.
//!
//! The decision on a sighting and the evaluation of a period both use it, so they agree. The state depends only on the scans
//! of the lookback. That holds because an accepted scan records when its stay began ([`Mark::opened`]).

mod anomalies;
mod doubts;
mod input;
mod stay;
mod windows;

use std::collections::VecDeque;

use facekit::{Anomaly, Direction, Mark};

pub(crate) use {
    input::Scan,
    stay::{ShiftKey, Stay},
};

use self::{anomalies::AnomalyCheck, input::LastScan, windows::ShiftWindows};
use crate::{
    interval::Interval,
    plan::Plan,
    policy::OutsideWindows,
    punch::PunchKind,
    refusal::Refusal,
    rules::Rules,
    time::{DAY, DayNumber, Instant},
};

/// The decision on a scan.
#[derive(Clone, Debug)]
pub(crate) enum ScanVerdict {
    Accepted(AcceptedScan),
    Duplicate { seconds_left: i64 },
    Refused(Refusal),
}

/// The direction and the stay of an accepted scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AcceptedScan {
    pub(crate) direction: Direction,
    /// The stay, with this scan as its last.
    pub(crate) stay: Stay,
    /// The stay begins with this scan.
    pub(crate) is_first: bool,
    /// The scan or its device states the direction.
    pub(crate) is_stated: bool,
}

impl AcceptedScan {
    /// The next scan of a stay.
    fn continues(stay: Stay, direction: Direction, at: Instant) -> Self {
        Self {
            direction,
            stay: Stay {
                last: at,
                inside: direction == Direction::Entry,
                scans: stay.scans.saturating_add(1),
                ..stay
            },
            is_first: false,
            is_stated: false,
        }
    }

    /// The first scan of a stay.
    fn begins(
        (key, hours): (ShiftKey, Option<Interval>),
        direction: Direction,
        at: Instant,
    ) -> Self {
        Self {
            direction,
            stay: Stay {
                key,
                hours,
                opened: at,
                last: at,
                inside: direction == Direction::Entry,
                scans: 1,
                is_stated: false,
            },
            is_first: true,
            is_stated: false,
        }
    }
}

/// The calendar day of the last scan, and its accepted scans.
#[derive(Debug)]
struct DayOfScans {
    day: DayNumber,
    bounds: Interval,
    accepted: u32,
}

impl DayOfScans {
    fn contains(&self, at: Instant) -> bool {
        self.bounds.0 <= at && at < self.bounds.1
    }
}

/// The state after some scans of one person.
#[derive(Debug)]
pub(crate) struct ScanState<'r> {
    rules: &'r Rules,
    plan: &'r Plan,
    last: Option<LastScan>,
    /// The last stay, open or not.
    stay: Option<Stay>,
    today: DayOfScans,
    /// The times of the last accepted scans, if they had a low liveness. All are within 24 hours.
    low_liveness: VecDeque<Instant>,
    windows: ShiftWindows<'r>,
}

impl<'r> ScanState<'r> {
    pub(crate) fn new(rules: &'r Rules, plan: &'r Plan) -> Self {
        Self {
            rules,
            plan,
            last: None,
            stay: None,
            // An empty day: the first scan replaces it.
            today: DayOfScans {
                day: DayNumber::MIN,
                bounds: Interval::default(),
                accepted: 0,
            },
            low_liveness: VecDeque::new(),
            windows: ShiftWindows::new(rules, plan),
        }
    }

    /// Takes over a scan that was accepted before.
    pub(crate) fn replay(&mut self, mark: &Mark) {
        let scan = Scan {
            at: Instant::of(mark.at),
            kind: mark.direction.into(),
            device: mark.device.as_deref(),
            liveness: mark.liveness,
        };
        self.advance_to(scan.at);
        let opened = mark.opened.map(|opened| Instant::of(opened).min(scan.at));
        let known = self.stay.filter(|stay| Some(stay.opened) == opened);
        // A mark has a direction in any case. The scan stated it only if its device does.
        let unknown = Scan {
            kind: PunchKind::Undetermined,
            ..scan
        };
        let is_stated = self.kind_of(&unknown) != PunchKind::Undetermined;
        let mut stay = match (known, opened) {
            // The mark names its stay. It is not derived again, so it is the same with less of the past, too.
            (Some(stay), _) => AcceptedScan::continues(stay, mark.direction, scan.at).stay,
            // The first scan of the stay is before the lookback. Its time gives the shift.
            (None, Some(opened)) => {
                let first = Scan {
                    at: opened,
                    ..unknown
                };
                let first = Scan {
                    kind: self.kind_of(&first),
                    ..first
                };
                let key = self.scheduled_shift(&first, None);
                let key = key.or_else(|| self.shift_of_early_arrival(&first));
                let key = key.unwrap_or(ShiftKey::Unscheduled);
                Stay {
                    key,
                    hours: self.hours_of(key),
                    opened,
                    last: scan.at,
                    inside: mark.direction == Direction::Entry,
                    scans: if opened == scan.at { 1 } else { Stay::MANY },
                    is_stated: false,
                }
            }
            // Another policy accepted it, which has no stays.
            (None, None) => {
                let unscheduled =
                    AcceptedScan::begins((ShiftKey::Unscheduled, None), mark.direction, scan.at);
                self.assign(&scan).unwrap_or(unscheduled).stay
            }
        };
        stay.is_stated |= is_stated;
        self.accept(&scan, mark.direction, stay);
    }

    /// Decides on a scan and, if it is accepted, takes it over. It must not be before an earlier scan.
    ///
    /// `anomalies` must be empty, and stays empty if the scan is not accepted.
    pub(crate) fn read(&mut self, scan: &Scan<'_>, anomalies: &mut Vec<Anomaly>) -> ScanVerdict {
        let scan = Scan {
            kind: self.kind_of(scan),
            ..*scan
        };
        if self.rules.policy.scans.members_only && self.plan.member.is_none() {
            let reason = "there is no member with this id";
            return ScanVerdict::Refused(Refusal::new("not_a_member", reason));
        }
        if let Some(seconds_left) = self.cooldown_left(&scan) {
            return ScanVerdict::Duplicate { seconds_left };
        }
        self.advance_to(scan.at);
        match self.check(&scan, anomalies) {
            Ok(accepted) => {
                self.accept(&scan, accepted.direction, accepted.stay);
                ScanVerdict::Accepted(accepted)
            }
            Err(refusal) => {
                anomalies.clear();
                ScanVerdict::Refused(refusal)
            }
        }
    }

    /// Assigns a scan and checks it, without a change of the state.
    fn check(
        &mut self,
        scan: &Scan<'_>,
        anomalies: &mut Vec<Anomaly>,
    ) -> Result<AcceptedScan, Refusal> {
        let mut accepted = self.assign(scan)?;
        accepted.is_stated = scan.kind != PunchKind::Undetermined;
        accepted.stay.is_stated |= accepted.is_stated;
        let day = self.day_of(&accepted.stay, scan.at);
        self.check_employment(day)?;
        AnomalyCheck {
            rules: self.rules,
            plan: self.plan,
            scan,
            day,
            last: self.last,
            scans_of_day: self.today.accepted,
            low_streak: self.low_liveness.len(),
        }
        .run(anomalies)?;
        self.add_doubts(scan, &accepted, anomalies);
        Ok(accepted)
    }

    /// The direction that a scan states, or that its device has.
    fn kind_of(&self, scan: &Scan<'_>) -> PunchKind {
        let policy = &self.rules.policy.scans;
        let stated = if policy.ignore_kinds.applies_to(scan.device) {
            PunchKind::Undetermined
        } else {
            scan.kind
        };
        let (PunchKind::Undetermined, Some(device)) = (stated, scan.device) else {
            return stated;
        };
        if policy.entry_devices.iter().any(|entry| entry == device) {
            PunchKind::In
        } else if policy.exit_devices.iter().any(|exit| exit == device) {
            PunchKind::Out
        } else {
            PunchKind::Undetermined
        }
    }

    /// The seconds until a scan would not be a duplicate; `None` if this one is not.
    fn cooldown_left(&self, scan: &Scan<'_>) -> Option<i64> {
        let last = self.last?;
        let policy = &self.rules.policy.scans;
        // Scans of the same second are duplicates without a cooldown, too.
        let mut cooldown = policy.cooldown.0.max(1);
        if last.direction == Direction::Entry && scan.kind == PunchKind::Undetermined {
            cooldown = cooldown.max(policy.shortest_stay.0);
        }
        let left = cooldown - (scan.at - last.at);
        let same_direction =
            scan.kind == PunchKind::Undetermined || scan.kind == last.direction.into();
        (same_direction && left > 0).then_some(left)
    }

    /// Drops the parts of the state that end with their day.
    fn advance_to(&mut self, at: Instant) {
        if !self.today.contains(at) {
            let day = self.rules.zone.day(at);
            self.today = DayOfScans {
                day,
                bounds: self.rules.zone.bounds(day),
                accepted: 0,
            };
        }
        let is_old = |low: &Instant| *low + DAY <= at;
        while self.low_liveness.front().is_some_and(is_old) {
            self.low_liveness.pop_front();
        }
    }

    /// The direction and the stay of a scan.
    fn assign(&mut self, scan: &Scan<'_>) -> Result<AcceptedScan, Refusal> {
        if let Some(exit) = self.exit_of_open_stay(scan) {
            return Ok(exit);
        }
        let known = self.stay.map(|stay| stay.key);
        if let Some(key) = self.scheduled_shift(scan, known) {
            return Ok(self.assign_scheduled(scan, key));
        }
        if let Some(back) = self.return_after_the_margin(scan) {
            return Ok(back);
        }
        if let Some(key) = self.shift_of_early_arrival(scan) {
            return Ok(self.assign_scheduled(scan, key));
        }
        self.check_windows()?;
        self.assign_unscheduled(scan)
    }

    /// An open shift is closed first: a scan that can be its exit is its exit, also in the window of another shift.
    fn exit_of_open_stay(&mut self, scan: &Scan<'_>) -> Option<AcceptedScan> {
        let stay = self.stay.filter(|stay| stay.inside)?;
        if scan.kind == PunchKind::In || !self.reaches(&stay, scan.at) {
            return None;
        }
        if scan.kind == PunchKind::Undetermined {
            let margin_is_over = match stay.window_end(self.rules) {
                Some(end) => scan.at > end && self.begins_another_shift(scan, stay.key),
                // An unscheduled stay of the full maximum length is more likely to be two days with a missing OUT.
                None => scan.at == stay.reach(self.rules),
            };
            if margin_is_over {
                return None;
            }
        }
        Some(AcceptedScan::continues(stay, Direction::Exit, scan.at))
    }

    /// Returns `true` if a scan after the margin of the shift `known` is within the window of another shift, and nearer to its
    /// start than to its end.
    fn begins_another_shift(&mut self, scan: &Scan<'_>, known: ShiftKey) -> bool {
        let key = self.scheduled_shift(scan, Some(known));
        let hours = key.and_then(|key| self.hours_of(key));
        hours.is_some_and(|(start, end)| scan.at - start < end - scan.at)
    }

    /// The next scan of a scheduled stay whose last scan was an exit after the margin.
    fn return_after_the_margin(&self, scan: &Scan<'_>) -> Option<AcceptedScan> {
        let stay = self.stay.filter(|stay| !stay.inside)?;
        let end = stay.window_end(self.rules)?;
        let comes = scan.kind != PunchKind::Out && stay.last > end && self.reaches(&stay, scan.at);
        comes.then(|| AcceptedScan::continues(stay, Direction::Entry, scan.at))
    }

    /// The shift that an arrival before all margins precedes.
    fn shift_of_early_arrival(&mut self, scan: &Scan<'_>) -> Option<ShiftKey> {
        if scan.kind == PunchKind::Out {
            return None;
        }
        let day = self.day_of_scan(scan);
        let early = self.rules.policy.assignment.early_arrival.0;
        self.windows.next_shift(scan.at, day, early)
    }

    fn day_of_scan(&self, scan: &Scan<'_>) -> DayNumber {
        // While a mark is replayed, the first scan of its stay may be on an earlier day.
        if self.today.contains(scan.at) {
            self.today.day
        } else {
            self.rules.zone.day(scan.at)
        }
    }

    fn scheduled_shift(&mut self, scan: &Scan<'_>, known: Option<ShiftKey>) -> Option<ShiftKey> {
        let day = self.day_of_scan(scan);
        self.windows.shift_of(scan, day, known)
    }

    fn assign_scheduled(&self, scan: &Scan<'_>, key: ShiftKey) -> AcceptedScan {
        let stay = self.stay.filter(|stay| stay.key == key);
        let hours = stay.map_or_else(|| self.hours_of(key), |stay| stay.hours);
        let direction = match (scan.kind, stay) {
            (PunchKind::In, _) => Direction::Entry,
            (PunchKind::Out, _) => Direction::Exit,
            (PunchKind::Undetermined, Some(stay)) if stay.inside => Direction::Exit,
            // Nobody comes at the end of a shift, so the entry is missing.
            (PunchKind::Undetermined, None) if hours.is_some_and(|it| scan.at >= it.1) => {
                Direction::Exit
            }
            (PunchKind::Undetermined, _) => Direction::Entry,
        };
        match stay {
            Some(stay) => AcceptedScan::continues(stay, direction, scan.at),
            None => AcceptedScan::begins((key, hours), direction, scan.at),
        }
    }

    /// The start and the end of a scheduled shift.
    fn hours_of(&self, key: ShiftKey) -> Option<Interval> {
        match key {
            ShiftKey::Scheduled { day, shift } => Some(self.rules.hours(day, shift)),
            ShiftKey::Unscheduled => None,
        }
    }

    /// Refuses a scan outside all windows on a day with shifts, if the policy says so.
    fn check_windows(&self) -> Result<(), Refusal> {
        let rule = self.rules.policy.assignment.outside_windows;
        if rule != OutsideWindows::Refuse || self.rules.shifts.is_empty() {
            return Ok(());
        }
        let plan = self.rules.day_plan(self.plan, self.today.day);
        if !plan.obliged() || plan.shifts.is_empty() {
            return Ok(());
        }
        let name = |&shift: &usize| &*self.rules.shifts[shift].name;
        let names: Vec<&str> = plan.shifts.iter().map(name).collect();
        let reason = format!("it is not within the margins of {}", names.join(" or "));
        Err(Refusal::new("outside_shift", reason))
    }

    fn assign_unscheduled(&self, scan: &Scan<'_>) -> Result<AcceptedScan, Refusal> {
        // An undetermined scan is an entry here: the exit of an open stay has been handled before.
        let direction = match scan.kind {
            PunchKind::Out => Direction::Exit,
            PunchKind::In | PunchKind::Undetermined => Direction::Entry,
        };
        let unscheduled = |stay: &Stay| stay.key == ShiftKey::Unscheduled;
        if let Some(stay) = self.stay.filter(unscheduled) {
            // If an undetermined scan is no exit of the open stay, it is the first of the next one.
            let is_next = stay.inside && scan.kind == PunchKind::Undetermined;
            if self.reaches(&stay, scan.at) && !is_next {
                return Ok(AcceptedScan::continues(stay, direction, scan.at));
            }
            // An older stay may be outside the lookback, where a decision does not see it. So it must not matter here.
            let is_known = scan.at - stay.last < self.rules.memory;
            if is_known && stay.inside && scan.kind == PunchKind::Out {
                let longest = self.rules.policy.assignment.longest_shift;
                let reason = format!("the shift would be longer than {longest}");
                return Err(Refusal::new("maximum_shift", reason));
            }
        }
        Ok(AcceptedScan::begins(
            (ShiftKey::Unscheduled, None),
            direction,
            scan.at,
        ))
    }

    /// Returns `true` if a scan at `at` can still belong to a stay.
    fn reaches(&self, stay: &Stay, at: Instant) -> bool {
        at <= stay.reach(self.rules)
    }

    /// The day of a stay's shift; `at` is the time of its last scan, on the current day.
    fn day_of(&self, stay: &Stay, at: Instant) -> DayNumber {
        match stay.key {
            ShiftKey::Scheduled { day, .. } => day,
            ShiftKey::Unscheduled if stay.opened == at => self.today.day,
            ShiftKey::Unscheduled => self.rules.zone.day(stay.opened),
        }
    }

    /// Refuses a scan of a shift before the member's first day or after the last.
    fn check_employment(&self, day: DayNumber) -> Result<(), Refusal> {
        if self.plan.is_employed(day) {
            return Ok(());
        }
        Err(match self.plan.left_before(day) {
            Some(left) => Refusal::new("after_leaving", format!("the last day was {left}")),
            None => {
                let reason = format!("the first day is {}", self.plan.joined());
                Refusal::new("before_joining", reason)
            }
        })
    }

    /// The person is inside, as far as the accepted scans tell.
    pub(crate) fn is_inside(&self) -> bool {
        self.stay.is_some_and(|stay| stay.inside)
    }

    /// The time and the direction of the last accepted scan.
    pub(crate) fn last_scan(&self) -> Option<(Instant, Direction)> {
        self.last.map(|last| (last.at, last.direction))
    }

    fn accept(&mut self, scan: &Scan<'_>, direction: Direction, stay: Stay) {
        self.last = Some(LastScan {
            at: scan.at,
            direction,
            place: self.rules.place_of(scan.device),
        });
        self.stay = Some(stay);
        self.today.accepted += 1;
        let rule = self.rules.policy.anomalies.low_liveness;
        match (rule, scan.liveness) {
            (Some(rule), Some(liveness)) if liveness < rule.below => {
                self.low_liveness.push_back(scan.at);
            }
            _ => self.low_liveness.clear(),
        }
    }
}
