//! The one state machine that reads scans in order: what a scan is, and which shift it belongs to.
//!
//! Decisions at the sighting and evaluation afterwards both step through it, so they cannot disagree.

use std::collections::VecDeque;

use facekit::{Anomaly, AnomalyValue, Direction, Mark, Severity};

use crate::{
    Action, OutsideWindows, PunchKind, Rules,
    rules::Plan,
    time::{DAY, date_text, second_of, seconds_of},
};

/// What is known of a scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) at: i64,
    pub(crate) kind: PunchKind,
    pub(crate) device: Option<&'a str>,
    pub(crate) liveness: Option<f32>,
}

/// Which shift scans belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Scheduled { day: i32, shift: usize },
    Unscheduled,
}

/// The shift that somebody was last seen in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stay {
    pub(crate) key: Key,
    /// The first accepted scan.
    pub(crate) opened: i64,
    /// The last accepted scan.
    pub(crate) last: i64,
    /// The last accepted scan was an entry.
    pub(crate) inside: bool,
}

/// What a scan is.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Accepted {
        direction: Direction,
        stay: Stay,
        /// The stay begins with it.
        new: bool,
    },
    Duplicate {
        seconds_left: i64,
    },
    Refused {
        code: &'static str,
        reason: String,
    },
}

#[derive(Clone, Copy, Debug)]
struct Last {
    at: i64,
    direction: Direction,
    place: Option<usize>,
}

/// An instance of a shift on a day.
#[derive(Clone, Copy, Debug)]
struct Instance {
    day: i32,
    shift: usize,
    start: i64,
    end: i64,
    /// Both inclusive.
    window: (i64, i64),
}

impl Instance {
    fn key(&self) -> Key {
        Key::Scheduled {
            day: self.day,
            shift: self.shift,
        }
    }
}

/// The state after some scans of one person.
#[derive(Debug)]
pub(crate) struct Scan<'r> {
    rules: &'r Rules,
    plan: &'r Plan,
    last: Option<Last>,
    pub(crate) stay: Option<Stay>,
    /// The local day of the counts, and when it is in UTC.
    today: i32,
    bounds: (i64, i64),
    scans: u32,
    /// When the last scans were that had a low liveness, in a row, within a day.
    low: VecDeque<i64>,
    /// Instances around the day, in order of time.
    instances: Vec<Instance>,
    instances_for: Option<i32>,
}

impl<'r> Scan<'r> {
    pub(crate) fn new(rules: &'r Rules, plan: &'r Plan) -> Self {
        Self {
            rules,
            plan,
            last: None,
            stay: None,
            today: i32::MIN,
            bounds: (0, 0),
            scans: 0,
            low: VecDeque::new(),
            instances: Vec::new(),
            instances_for: None,
        }
    }

    /// Takes an accepted scan of the past over.
    pub(crate) fn replay(&mut self, mark: &Mark) {
        let input = Input {
            at: seconds_of(mark.at),
            kind: mark.direction.into(),
            device: mark.device.as_deref(),
            liveness: mark.liveness,
        };
        self.turn_to(input.at);
        let inside = mark.direction == Direction::Entry;
        let opened = mark.opened.map(|opened| seconds_of(opened).min(input.at));
        let known = self.stay.filter(|stay| Some(stay.opened) == opened);
        let stay = match (known, opened) {
            // Its decision said which stay it belongs to: that is so, however little of the past is known.
            (Some(stay), _) => Stay {
                last: input.at,
                inside,
                ..stay
            },
            (None, Some(opened)) => {
                let first = Input {
                    at: opened,
                    kind: self.kind(&Input {
                        kind: PunchKind::Undetermined,
                        ..input
                    }),
                    ..input
                };
                Stay {
                    key: self.scheduled(&first, None).unwrap_or(Key::Unscheduled),
                    opened,
                    last: input.at,
                    inside,
                }
            }
            // It was accepted by another policy.
            (None, None) => match self.assign(&input) {
                Ok((_, stay, _)) => stay,
                Err(_) => self.unscheduled(&input, mark.direction),
            },
        };
        self.accept(&input, mark.direction, stay);
    }

    /// What a scan is that is not before any other.
    pub(crate) fn step(&mut self, input: &Input<'_>, anomalies: &mut Vec<Anomaly>) -> Step {
        let policy = &self.rules.policy;
        if policy.scans.members_only && self.plan.member.is_none() {
            return Step::Refused {
                code: "not_a_member",
                reason: "nobody here is known under this id".to_owned(),
            };
        }
        let input = Input {
            kind: self.kind(input),
            ..*input
        };
        if let Some(last) = self.last {
            let passed = input.at - last.at;
            let same_way =
                input.kind == PunchKind::Undetermined || input.kind == last.direction.into();
            if same_way && passed < policy.scans.cooldown.0.max(1) {
                return Step::Duplicate {
                    seconds_left: policy.scans.cooldown.0.max(1) - passed,
                };
            }
        }
        self.turn_to(input.at);
        let (direction, stay, new) = match self.assign(&input) {
            Ok(assigned) => assigned,
            Err((code, reason)) => return Step::Refused { code, reason },
        };
        let day = match stay.key {
            Key::Scheduled { day, .. } => day,
            Key::Unscheduled if stay.opened == input.at => self.today,
            Key::Unscheduled => self.rules.zone.day(stay.opened),
        };
        if day < self.plan.joined {
            let reason = format!("the first day is {}", date_text(self.plan.joined));
            return Step::Refused {
                code: "before_joining",
                reason,
            };
        }
        if day > self.plan.left {
            let reason = format!("the last day was {}", date_text(self.plan.left));
            return Step::Refused {
                code: "after_leaving",
                reason,
            };
        }
        if let Some(refused) = self.look(&input, day, anomalies) {
            anomalies.clear();
            return refused;
        }
        self.accept(&input, direction, stay);
        Step::Accepted {
            direction,
            stay,
            new,
        }
    }

    /// The direction that a scan itself says, or that its device stands for.
    fn kind(&self, input: &Input<'_>) -> PunchKind {
        let scans = &self.rules.policy.scans;
        let (PunchKind::Undetermined, Some(device)) = (input.kind, input.device) else {
            return input.kind;
        };
        if scans.entry_devices.iter().any(|entry| entry == device) {
            PunchKind::In
        } else if scans.exit_devices.iter().any(|exit| exit == device) {
            PunchKind::Out
        } else {
            PunchKind::Undetermined
        }
    }

    fn turn_to(&mut self, at: i64) {
        if at < self.bounds.0 || self.bounds.1 <= at {
            self.today = self.rules.zone.day(at);
            self.bounds = self.rules.zone.bounds(self.today);
            self.scans = 0;
        }
        while self.low.front().is_some_and(|&low| low + DAY <= at) {
            self.low.pop_front();
        }
    }

    /// Direction and shift of a scan, and whether the shift begins with it.
    fn assign(
        &mut self,
        input: &Input<'_>,
    ) -> Result<(Direction, Stay, bool), (&'static str, String)> {
        let at = input.at;
        // An open shift is closed first.
        if let Some(stay) = self
            .stay
            .filter(|stay| stay.inside && input.kind != PunchKind::In)
            && self.reaches(&stay, at)
        {
            return Ok((
                Direction::Exit,
                Stay {
                    last: at,
                    inside: false,
                    ..stay
                },
                false,
            ));
        }
        if let Some(key) = self.scheduled(input, self.stay.map(|stay| stay.key)) {
            let here = self.stay.filter(|stay| stay.key == key);
            let direction = match (input.kind, here) {
                (PunchKind::In, _) => Direction::Entry,
                (PunchKind::Out, _) => Direction::Exit,
                (PunchKind::Undetermined, Some(stay)) if stay.inside => Direction::Exit,
                (PunchKind::Undetermined, _) => Direction::Entry,
            };
            let opened = here.map_or(at, |stay| stay.opened);
            let stay = Stay {
                key,
                opened,
                last: at,
                inside: direction == Direction::Entry,
            };
            return Ok((direction, stay, here.is_none()));
        }
        let rule = &self.rules.policy.assignment;
        if rule.outside_windows == OutsideWindows::Refuse && !self.rules.shifts.is_empty() {
            let day = self.rules.day_plan(self.plan, self.today);
            if day.employed && day.scheduled && !day.free && !day.shifts.is_empty() {
                let names = day
                    .shifts
                    .iter()
                    .map(|&shift| &*self.rules.shifts[shift].name);
                let names: Vec<&str> = names.collect();
                let reason = format!("it is not within the margins of {}", names.join(" or "));
                return Err(("outside_shift", reason));
            }
        }
        if let Some(stay) = self.stay.filter(|stay| stay.key == Key::Unscheduled) {
            if self.reaches(&stay, at) {
                let direction = match input.kind {
                    PunchKind::Out => Direction::Exit,
                    // What is inside and not typed IN has been closed above.
                    PunchKind::In | PunchKind::Undetermined => Direction::Entry,
                };
                let inside = direction == Direction::Entry;
                return Ok((
                    direction,
                    Stay {
                        last: at,
                        inside,
                        ..stay
                    },
                    false,
                ));
            }
            // A stay that long ago is forgotten: decisions look back no further.
            let known = at - stay.last < self.rules.memory;
            if known && stay.inside && input.kind == PunchKind::Out {
                let reason = format!("the shift would be longer than {}", rule.longest_shift);
                return Err(("maximum_shift", reason));
            }
        }
        let direction = match input.kind {
            PunchKind::Out => Direction::Exit,
            PunchKind::In | PunchKind::Undetermined => Direction::Entry,
        };
        Ok((direction, self.unscheduled(input, direction), true))
    }

    fn unscheduled(&self, input: &Input<'_>, direction: Direction) -> Stay {
        Stay {
            key: Key::Unscheduled,
            opened: input.at,
            last: input.at,
            inside: direction == Direction::Entry,
        }
    }

    /// Whether a scan at `at` can still belong to a stay.
    fn reaches(&self, stay: &Stay, at: i64) -> bool {
        at <= self.rules.reach(stay)
    }

    /// The shift in whose window a scan lies that closes none, of somebody last seen in `stay`.
    ///
    /// Where windows overlap, the earlier shift's ends when the shift does, and none outlasts that of a later shift. Before
    /// that end, who comes and was not in the earlier shift yet belongs to the one whose start is nearer.
    fn scheduled(&mut self, input: &Input<'_>, stay: Option<Key>) -> Option<Key> {
        if self.rules.shifts.is_empty() {
            return None;
        }
        let at = input.at;
        let day = if (self.bounds.0..self.bounds.1).contains(&at) {
            self.today
        } else {
            self.rules.zone.day(at)
        };
        self.prepare(day);
        let over = self.instances.iter().rposition(|it| it.window.1 < at);
        let mut within = self.instances[over.map_or(0, |over| over + 1)..]
            .iter()
            .filter(|it| it.window.0 <= at);
        let first = within.next()?;
        // The first that is not over, or else the last.
        let by_clock = if at <= first.end {
            first
        } else {
            within
                .clone()
                .find(|it| at <= it.end)
                .or_else(|| within.clone().next_back())
                .unwrap_or(first)
        };
        let comes = input.kind != PunchKind::Out && stay != Some(by_clock.key());
        let chosen = if comes && at <= by_clock.end {
            // In the last second of a shift somebody leaves it, unless the next one begins or the scan says otherwise.
            let last = at == by_clock.end && input.kind == PunchKind::Undetermined;
            let later = within.filter(|it| it.start <= at || !last);
            later.fold(by_clock, |nearest, it| {
                let far = |it: &Instance| (it.start - at).abs();
                if far(it) < far(nearest) { it } else { nearest }
            })
        } else {
            by_clock
        };
        Some(chosen.key())
    }

    fn prepare(&mut self, today: i32) {
        if self.instances_for == Some(today) {
            return;
        }
        let (back, ahead) = self.rules.reach_days;
        let (from, to) = (today - back, today + ahead);
        // Days already known stay.
        let known = self.instances_for.map(|day| (day - back)..=(day + ahead));
        self.instances.retain(|it| (from..=to).contains(&it.day));
        for day in from..=to {
            if known.as_ref().is_some_and(|known| known.contains(&day)) {
                continue;
            }
            let plan = self.rules.day_plan(self.plan, day);
            if !plan.obliged() || plan.shifts.is_empty() || !self.rules.zone.exists(day) {
                continue;
            }
            for &shift in plan.shifts {
                let (start, end) = self.rules.hours(day, shift);
                let rule = &self.rules.shifts[shift];
                let window = (start - rule.before, end + rule.after);
                self.instances.push(Instance {
                    day,
                    shift,
                    start,
                    end,
                    window,
                });
            }
        }
        self.instances.sort_by_key(|it| (it.end, it.window.0));
        self.instances_for = Some(today);
    }

    /// What is unusual; a refusal where the policy wants that.
    fn look(&self, input: &Input<'_>, day: i32, found: &mut Vec<Anomaly>) -> Option<Step> {
        let rules = &self.rules.policy.anomalies;
        let mut refused = None;
        let mut note = |code: &'static str,
                        action: Action,
                        severity: Severity,
                        message: String,
                        data: &[(&str, AnomalyValue)]| {
            if action == Action::Refuse {
                refused.get_or_insert(Step::Refused {
                    code,
                    reason: message,
                });
                return;
            }
            let anomaly = Anomaly::new(code, message).with_severity(severity);
            found.push(data.iter().fold(anomaly, |anomaly, (name, value)| {
                anomaly.with(*name, value.clone())
            }));
        };
        if let Some(rule) = rules.out_of_hours {
            let (from, to) = (second_of(rule.from), second_of(rule.to));
            let now = self.rules.zone.local(input.at).rem_euclid(DAY);
            let usual = if from < to {
                from <= now && now < to
            } else {
                now >= from || now < to
            };
            if !usual {
                let message = format!("outside the usual hours, {} to {}", rule.from, rule.to);
                note(
                    "out_of_hours",
                    rule.action,
                    rule.severity,
                    message,
                    &[("second_of_day", now.into())],
                );
            }
        }
        if rules.rest_day.is_some() || rules.holiday.is_some() || rules.on_leave.is_some() {
            let plan = self.rules.day_plan(self.plan, day);
            let date = || [("date", AnomalyValue::Text(date_text(day)))];
            if let Some(rule) = rules.rest_day.filter(|_| !plan.scheduled) {
                note(
                    "rest_day",
                    rule.action,
                    rule.severity,
                    "on a rest day".to_owned(),
                    &date(),
                );
            }
            if let (Some(rule), Some(name), true) =
                (rules.holiday, plan.holiday, self.rules.is_holiday(day))
            {
                note(
                    "holiday",
                    rule.action,
                    rule.severity,
                    format!("on a holiday, {name}"),
                    &date(),
                );
            }
            if let (Some(rule), Some(kind), true) = (rules.on_leave, plan.leave, plan.free) {
                note(
                    "on_leave",
                    rule.action,
                    rule.severity,
                    format!("on leave, {kind}"),
                    &date(),
                );
            }
        }
        if let Some(rule) = rules.too_many_scans
            && self.scans >= rule.most
        {
            let (scans, most) = (i64::from(self.scans) + 1, i64::from(rule.most));
            let message = format!("scan {scans} of the day, {most} are usual");
            note(
                "too_many_scans",
                rule.action,
                rule.severity,
                message,
                &[("scans", scans.into()), ("most", most.into())],
            );
        }
        if let (Some(rule), Some(last)) = (rules.impossible_travel, self.last)
            && let (Some(from), Some(to)) = (last.place, self.place(input.device))
            && from != to
        {
            let places = &self.rules.policy.site.places;
            let (from, to) = (&places[from], &places[to]);
            let needed = from.travel.0.max(to.travel.0);
            let passed = input.at - last.at;
            if passed < needed {
                let message = format!(
                    "{passed} s after a scan at {}, and the way takes {needed} s",
                    from.name
                );
                let data = [
                    ("from", from.name.as_str().into()),
                    ("to", to.name.as_str().into()),
                    ("passed_seconds", passed.into()),
                    ("needed_seconds", needed.into()),
                ];
                note(
                    "impossible_travel",
                    rule.action,
                    rule.severity,
                    message,
                    &data,
                );
            }
        }
        if let Some(rule) = rules.low_liveness
            && input.liveness.is_some_and(|liveness| liveness < rule.below)
            && self.low.len() + 1 >= rule.streak as usize
        {
            let streak = self.low.len() as i64 + 1;
            let message = format!(
                "{streak} scans in a row with a liveness below {}",
                rule.below
            );
            note(
                "low_liveness",
                rule.action,
                rule.severity,
                message,
                &[("streak", streak.into())],
            );
        }
        if let Some(rule) = rules.expired_roster
            && day > self.plan.roster_until
        {
            let until = date_text(self.plan.roster_until);
            let message = format!("the roster ended on {until}");
            note(
                "expired_roster",
                rule.action,
                rule.severity,
                message,
                &[("until", until.into())],
            );
        }
        refused
    }

    fn place(&self, device: Option<&str>) -> Option<usize> {
        if self.rules.places.is_empty() {
            return None;
        }
        self.rules.places.get(device?).copied()
    }

    fn accept(&mut self, input: &Input<'_>, direction: Direction, stay: Stay) {
        let place = self.place(input.device);
        self.last = Some(Last {
            at: input.at,
            direction,
            place,
        });
        self.stay = Some(stay);
        self.scans += 1;
        let below = self
            .rules
            .policy
            .anomalies
            .low_liveness
            .map(|rule| rule.below);
        match (below, input.liveness) {
            (Some(below), Some(liveness)) if liveness < below => self.low.push_back(input.at),
            _ => self.low.clear(),
        }
    }
}

impl Rules {
    /// The last second at which a scan can belong to a stay.
    pub(crate) fn reach(&self, stay: &Stay) -> i64 {
        match stay.key {
            Key::Scheduled { day, shift } => self.hours(day, shift).1 + self.shifts[shift].after,
            Key::Unscheduled => {
                let rule = &self.policy.assignment;
                let longest = stay.opened + rule.longest_shift.0;
                if stay.inside {
                    longest
                } else {
                    longest.min(stay.last + rule.new_shift_after.0 - 1)
                }
            }
        }
    }
}
